/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat_gateway.h"

#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char gateway_up[] =
	"set -e\n"
	"echo 1 >/proc/sys/net/ipv4/ip_forward\n"
	"for i in all default lan0 wan0; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done\n"
	"ip link set lan0 address 02:00:00:00:00:01\n"
	"for i in lan0 host0 wan0 isp0; do ip link set $i up; done\n"
	"ip addr add 10.0.0.1/24 dev lan0; ip addr add 192.0.2.1/24 dev wan0\n"
	"ip neigh add 192.0.2.254 lladdr 02:00:00:00:09:09 dev wan0\n"
	"ip route add default via 192.0.2.254\n"
	"nft -f - 2>/dev/null <<'END'\n"
	"table ip nat { chain out { type nat hook postrouting priority srcnat\n"
	"	oifname wan0 masquerade; }; }\n"
	"END\n"
	"echo 0 >/proc/sys/net/netfilter/nf_conntrack_checksum\n";

/* Connections the gateway knows of now; -1: it tracks none. */
static long tracked(void)
{
	FILE *f = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "r");
	long n = -1;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static void checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

bool nat_gateway_connect(const struct frame_spec *sent)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex("host0"),
				  .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	long before = tracked();
	struct frame_bytes f;

	frame_build(sent, &f);
	checksum(f.data + 14);
	if (fd < 0 || sendto(fd, f.data, f.len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return false;
	close(fd);
	for (int i = 0; i < 100 && tracked() <= before; i++)
		usleep(10000);
	return tracked() > before;
}

bool nat_gateway_up(void)
{
	return !system(gateway_up);
}
