/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What test-run cannot carry: tags in metadata, devices without a link header, jumbo frames. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "prog_help.h"
#include "stacks.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"

static void sh(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

/* As the peer of a veth sends it: untouched. */
static void send_raw(const char *ifname, const void *data, size_t size)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(ifname),
				  .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(sendto(fd, data, size, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)size,
		     "%s: %s", ifname, strerror(errno));
	close(fd);
}

static void send_text(const char *ifname, const char *text)
{
	uint8_t buf[STACK_MAX];

	send_raw(ifname, buf, stack_build(text, buf));
}

static struct cf_traffic count(struct rig *r, enum cf_hook hook, enum cf_reason reason)
{
	struct reason_totals t;

	cr_assert_eq(datapath_reasons(r->dp, &t), 0);
	return t.t[hook][reason];
}

/* Waits for the packet, a second at most: it is sent through a queue. */
static struct cf_traffic arrived(struct rig *r, enum cf_hook hook, enum cf_reason reason,
				 uint64_t packets)
{
	struct cf_traffic t = { 0 };

	for (int i = 0; i < 100; i++) {
		t = count(r, hook, reason);
		if (t.packets >= packets)
			break;
		usleep(10000);
	}
	cr_assert_eq(t.packets, packets, "%lu packets as %s", (unsigned long)t.packets,
		     rig_reason_name(reason));
	return t;
}

static void quiet_up(const char *names)
{
	char command[512];

	/* nobody's own packets in between */
	snprintf(command, sizeof(command),
		 "for i in %s; do sysctl -qw net.ipv6.conf.$i.disable_ipv6=1 || true; "
		 "ip link set $i up || exit 1; done",
		 names);
	sh(command);
}

/* The kernel takes the outer tag off before TC ingress: it was on the wire all the same. */
Test(parse_devices, a_tag_in_metadata_is_on_the_wire)
{
	static const struct {
		const char *text;
		uint32_t payload, wire;
	} cases[] = {
		{ "eth ip4 tcp data:100", 100, 154 },
		{ "eth vlan:5 ip4 tcp data:100", 100, 158 },
		{ "eth qinq:5 vlan:6 ip6 tcp data:100", 100, 182 },
		{ "eth vlan:5 pppoe ip4 udp:1:2 data:100", 100, 154 },
	};
	struct cf_traffic sum = { 0 };
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	quiet_up("lan1 host1");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cf_traffic t;

		send_text("host1", cases[i].text);
		t = arrived(&r, CF_HOOK_INSIDE, CF_REASON_PASS_UNMATCHED, i + 1);
		cr_expect_eq(t.wire_bytes - sum.wire_bytes, cases[i].wire, "%s: %lu", cases[i].text,
			     (unsigned long)(t.wire_bytes - sum.wire_bytes));
		cr_expect_eq(t.payload_bytes - sum.payload_bytes, cases[i].payload);
		sum = t;
	}
	send_text("host1", "eth qinq:5 vlan:6 vlan:7 ip4 tcp data:100");
	cr_expect_eq(arrived(&r, CF_HOOK_INSIDE, CF_REASON_UNPARSED_TAGS, 1).wire_bytes, 166);
}

/* Bridged on, the tag is still in the metadata at TC egress. */
Test(parse_devices, a_tag_in_metadata_at_egress_is_on_the_wire)
{
	struct cf_traffic t = { 0 };
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	if (system("ip link add br0 type bridge mcast_snooping 0 2>/dev/null")) {
		printf("SKIP: no bridges\n");
		cr_skip_test("no bridges");
	}
	sh("ip link set lan1 master br0 && ip link set wan0 master br0");
	quiet_up("br0 lan1 host1 wan0 isp0");
	/* the ports take a moment until they forward */
	for (int i = 0; i < 200 && !t.packets; i++) {
		send_text("host1", "eth vlan:5 ip4 tcp data:100");
		usleep(20000);
		t = count(&r, CF_HOOK_OUTSIDE, CF_REASON_SEEN_FORWARDED);
	}
	cr_assert_gt(t.packets, 0);
	cr_expect_eq(t.wire_bytes, 158 * t.packets, "%lu", (unsigned long)t.wire_bytes);
	cr_expect_eq(t.payload_bytes, 100 * t.packets);
}

static int tun_open(const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("SKIP: no tun devices\n");
		cr_skip_test("no tun devices");
	}
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &req), 0, "%s: %s", name, strerror(errno));
	return fd;
}

static void write_ip(int fd, const char *text)
{
	uint8_t buf[STACK_MAX];
	size_t n = stack_build(text, buf);

	cr_assert_eq(write(fd, buf, n), (ssize_t)n, "%s", text);
}

static void send_udp(const char *to, size_t size)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };
	static const uint8_t data[2000];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, to, &addr.sin_addr);
	cr_assert_eq(sendto(fd, data, size, 0, (struct sockaddr *)&addr, sizeof(addr)),
		     (ssize_t)size, "%s", strerror(errno));
	close(fd);
}

/* tun, wg and ppp devices hand over what begins with the IP header. */
Test(parse_devices, devices_without_a_link_header_are_parsed)
{
	static const struct hook_want wants[] = {
		{ "tun7", CF_IF_INSIDE, XDP_AUTO },
		{ "tun8", CF_IF_OUTSIDE, XDP_AUTO },
	};
	struct cf_traffic t;
	struct why why = { "" };
	struct rig r;
	int in, out;

	rig_setup(&r, OBSERVE, NULL);
	in = tun_open("tun7");
	out = tun_open("tun8");
	cr_assert_eq(datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why), 0, "%s", why.text);
	quiet_up("tun7 tun8");
	write_ip(in, "ip4 tcp data:100");
	write_ip(in, "ip6 hop udp:5:53 data:100");
	t = arrived(&r, CF_HOOK_INSIDE, CF_REASON_PASS_UNMATCHED, 2);
	cr_expect_eq(t.wire_bytes, 140 + 156, "%lu", (unsigned long)t.wire_bytes);
	cr_expect_eq(t.payload_bytes, 100 + 108);
	cr_expect_eq(rig_pair(&r, "10.0.0.5", "203.0.113.9").payload, 100);
	/* and out: the gateway's own */
	sh("ip addr add 198.51.100.1/24 dev tun8");
	send_udp("198.51.100.2", 100);
	t = arrived(&r, CF_HOOK_OUTSIDE, CF_REASON_PASS_UNMATCHED, 1);
	cr_expect_eq(t.wire_bytes, 128);
	cr_expect_eq(t.payload_bytes, 100);
	close(in);
	close(out);
}

static enum hook_kind kind_of(struct rig *r, const char *ifname)
{
	enum hook_kind kind = HOOK_NONE;
	struct hook_list l = { 0 };

	cr_assert_eq(datapath_hooks(r->dp, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].ifname, ifname))
			kind = l.v[i].kind;
	hook_list_done(&l);
	return kind;
}

/* A frame of several pages: native XDP all the same, and every byte counts. */
Test(parse_devices, jumbo_frames_are_seen_by_native_xdp)
{
	static const struct hook_want wants[] = { { "big0", CF_IF_INSIDE, XDP_AUTO },
						  { "lan0", CF_IF_INSIDE, XDP_AUTO } };
	static uint8_t frame[9014];
	struct why why = { "" };
	struct cf_traffic t;
	struct rig r;
	size_t n;

	rig_setup(&r, OBSERVE, NULL);
	sh("ip link add big0 mtu 9000 type veth peer name big1 mtu 9000");
	quiet_up("big0 big1 lan0 host0");
	for (int reloads = 0; reloads < 2; reloads++)
		cr_assert_eq(datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why), 0, "%s",
			     why.text);
	cr_expect_str_eq(why.text, "");
	cr_expect_eq(kind_of(&r, "big0"), HOOK_XDP);
	cr_expect_eq(kind_of(&r, "lan0"), HOOK_XDP);
	cr_expect_eq(access("/sys/fs/bpf/curfew/progs/xdp_inside_frags", F_OK), 0);
	n = stack_build("eth ip4 tcp data:1000", frame);
	memset(frame + n, 0xda, sizeof(frame) - n);
	frame[16] = 9000 >> 8;
	frame[17] = 9000 & 0xff;
	send_raw("big1", frame, sizeof(frame));
	t = arrived(&r, CF_HOOK_INSIDE, CF_REASON_PASS_UNMATCHED, 1);
	cr_expect_eq(t.wire_bytes, 9014, "%lu", (unsigned long)t.wire_bytes);
	cr_expect_eq(t.payload_bytes, 8960);
	send_text("host0", "eth ip4 tcp data:1000");
	t = arrived(&r, CF_HOOK_INSIDE, CF_REASON_PASS_UNMATCHED, 2);
	cr_expect_eq(t.wire_bytes, 9014 + 1054);
}

/* A smaller MTU: the next generation goes back to the cheaper program. */
Test(parse_devices, a_reload_follows_the_mtu)
{
	static const struct hook_want wants[] = { { "big0", CF_IF_INSIDE, XDP_AUTO } };
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	sh("ip link add big0 mtu 9000 type veth peer name big1 mtu 9000");
	quiet_up("big0 big1");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(datapath_load(r.dp, r.image, &r.clock, wants, 1, 0, &why), 0, "%s",
			     why.text);
		cr_expect_eq(kind_of(&r, "big0"), HOOK_XDP, "load %d", i);
		cr_expect_str_eq(why.text, "");
		cr_expect_eq(access("/sys/fs/bpf/curfew/progs/xdp_inside_frags", F_OK), 0);
	}
	sh("ip link set big0 mtu 1500 && ip link set big1 mtu 1500");
	cr_assert_eq(datapath_load(r.dp, r.image, &r.clock, wants, 1, 0, &why), 0, "%s", why.text);
	cr_expect_eq(kind_of(&r, "big0"), HOOK_XDP);
	cr_expect_neq(access("/sys/fs/bpf/curfew/progs/xdp_inside_frags", F_OK), 0);
	send_text("big1", "eth ip4 tcp data:100");
	arrived(&r, CF_HOOK_INSIDE, CF_REASON_PASS_UNMATCHED, 1);
}
