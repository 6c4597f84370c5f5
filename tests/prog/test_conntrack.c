/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P7: behind NAT the source is the internal host, and who began a flow is known.
 * Real frames go through the rig's own gateway, so that the kernel itself makes
 * the entries: they enter at a veth's far end, are translated by nftables, and
 * leave. What the outside hook then sees is built by hand.
 *
 * Where the kernel has no kfunc only `absent` runs. It also stands for kernels
 * that have it: the loader is told that there is none.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "prog_help.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"
#define BOTH    (CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE)

/* The gateway, which in the rig's policies is 192.0.2.1. */
static const char gateway_up[] =
	"set -e\n"
	"echo 1 >/proc/sys/net/ipv4/ip_forward\n"
	"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n"
	"for i in all default lan0 lan1 wan0; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done\n"
	"for i in host0 host1 isp0; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
	"echo 0 >/proc/sys/net/ipv4/conf/$i/forwarding; done\n"
	"for i in lan0 lan1 wan0; do ip link set $i address 02:00:00:00:00:01; done\n"
	"for i in lan0 lan1 wan0 host0 host1 isp0; do ip link set $i up; done\n"
	"ip addr add 10.0.0.1/24 dev lan0\n"
	"ip addr add 10.0.1.1/24 dev lan1\n"
	"ip addr add 192.0.2.1/24 dev wan0\n"
	"ip addr add fd12:3456::1/64 dev lan0 nodad\n"
	"ip addr add 2001:db8:ffff::1/64 dev wan0 nodad\n"
	"ip neigh add 10.0.0.7 lladdr 02:00:00:00:01:07 dev lan0\n"
	"ip neigh add 10.0.1.7 lladdr 02:00:00:00:01:07 dev lan1\n"
	"ip neigh add fd12:3456::7 lladdr 02:00:00:00:01:07 dev lan0\n"
	"ip neigh add 192.0.2.254 lladdr 02:00:00:00:09:09 dev wan0\n"
	"ip neigh add 2001:db8:ffff::fe lladdr 02:00:00:00:09:09 dev wan0\n"
	"ip route add default via 192.0.2.254\n"
	"ip route add default via 2001:db8:ffff::fe\n";

static const char nat_up[] =
	"nft -f - 2>/dev/null <<'END'\n"
	"table inet nat {\n"
	"	chain out { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }\n"
	"	chain in {\n"
	"		type nat hook prerouting priority dstnat\n"
	"		iifname wan0 udp dport 8080 dnat ip to 10.0.0.7:80\n"
	"		iifname wan0 udp dport 8081 dnat ip to 10.0.1.7:80\n"
	"	}\n"
	"}\n"
	"END\n"
	"test $? = 0 && echo 0 >/proc/sys/net/netfilter/nf_conntrack_checksum";

static void skip(const char *why)
{
	printf("SKIP: %s\n", why);
	fflush(stdout);
	cr_skip_test("%s", why);
}

static void setup(struct rig *r, const char *policy)
{
	rig_setup(r, policy, NULL);
	if (!datapath_conntrack(r->dp))
		skip("no conntrack kfunc in this kernel");
	cr_assert_eq(system(gateway_up), 0);
	if (system(nat_up))
		skip("this kernel cannot masquerade");
}

/* A pair's slot is one CPU's: which packet of it is asked about shows on one CPU only. */
static void stay_here(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	if (ip[0] >> 4 != 4)
		return;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* A real frame, into the gateway by the device at whose far end `at` is. */
static void inject(const char *at, const struct frame_spec *spec)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(at),
				  .sll_halen = 6 };
	struct frame_bytes f;

	frame_build(spec, &f);
	checksum(f.data + 14);
	cr_assert_geq(fd, 0);
	cr_assert_eq(sendto(fd, f.data, f.len, 0, (struct sockaddr *)&to, sizeof(to)), f.len);
	close(fd);
	/* native XDP polls in a softirq of its own */
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

struct look {
	struct addr src, dst;
	enum cf_hook hook;
	uint32_t packets;
	uint8_t flags;
};

static void look_at(void *arg, const struct pair_sample *p)
{
	struct look *l = arg;

	if (p->hook != l->hook || addr_compare(&p->src, &l->src) || addr_compare(&p->dst, &l->dst))
		return;
	l->packets += p->packets;
	l->flags |= p->flags;
}

static struct look look(struct rig *r, enum cf_hook hook, const char *src, const char *dst)
{
	struct look l = { .hook = hook };

	cr_assert_eq(addr_parse(src, &l.src), 0);
	cr_assert_eq(addr_parse(dst, &l.dst), 0);
	datapath_pairs(r->dp, look_at, &l);
	return l;
}

static void assert_pair(struct rig *r, enum cf_hook hook, const char *src, const char *dst,
			uint32_t packets, uint8_t began)
{
	struct look l = look(r, hook, src, dst);

	cr_assert_eq(l.packets, packets, "%s to %s: %u packets, not %u", src, dst, l.packets,
		     packets);
	cr_assert_eq(l.flags & BOTH, began, "%s to %s: began %x, not %x", src, dst, l.flags & BOTH,
		     began);
}

static uint64_t noted(struct rig *r, enum cf_hook hook, enum cf_note note)
{
	struct note_totals n;

	cr_assert_eq(datapath_notes(r->dp, &n), 0);
	return n.t[hook][note].packets;
}

/* What the attached program was told, read from the kernel, as `status` does it. */
static bool hook_asks(struct rig *r, const char *ifname)
{
	struct hook_list l = { 0 };
	bool asks = false;

	cr_assert_eq(datapath_hooks(r->dp, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].ifname, ifname))
			asks = datapath_hook_conntrack(&l.v[i]);
	hook_list_done(&l);
	return asks;
}

/* ---- the internal host --------------------------------------------------- */

Test(conntrack, a_masqueraded_host_is_named)
{
	struct frame_spec in = { "10.0.0.5", "203.0.113.1", 17, 1000, 53, 100, .host = 5 };
	struct frame_spec out = { "192.0.2.1", "203.0.113.1", 17, 1000, 53, 100 };
	struct rig r;

	setup(&r, OBSERVE);
	cr_assert(hook_asks(&r, "wan0"));
	inject("host0", &in);
	rig_repeat(&r, RIG_OTHER, &out, 3);
	assert_pair(&r, CF_HOOK_OUTSIDE, "10.0.0.5", "203.0.113.1", 3, CF_SLOT_BEGAN_INSIDE);
	assert_pair(&r, CF_HOOK_OUTSIDE, "192.0.2.1", "203.0.113.1", 0, 0);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_FOUND), 3);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_UNKNOWN), 0);
	/* the real frame was judged inside, and is not counted again outside */
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.5", "203.0.113.1", 1, 0);
}

Test(conntrack, also_over_tcp_and_ipv6)
{
	struct frame_spec syn = { "10.0.0.5", "203.0.113.1", 6, 2000, 443, 0,
				  .host = 5,  .tcp_flags = 2 };
	struct frame_spec ack = { "192.0.2.1", "203.0.113.1", 6, 2000, 443, 500 };
	struct frame_spec in6 = { "fd12:3456::5", "2001:db8:1::1", 17, 3000, 53, 100, .host = 5 };
	struct frame_spec out6 = { "2001:db8:ffff::1", "2001:db8:1::1", 17, 3000, 53, 100 };
	struct rig r;

	setup(&r, OBSERVE);
	inject("host0", &syn);
	inject("host0", &in6);
	rig_repeat(&r, RIG_OTHER, &ack, 2);
	rig_repeat(&r, RIG_OTHER, &out6, 2);
	assert_pair(&r, CF_HOOK_OUTSIDE, "10.0.0.5", "203.0.113.1", 2, CF_SLOT_BEGAN_INSIDE);
	assert_pair(&r, CF_HOOK_OUTSIDE, "fd12:3456::5", "2001:db8:1::", 2, CF_SLOT_BEGAN_INSIDE);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_FOUND), 4);
}

/* Two hosts behind one address: each is judged by its own rules. */
Test(conntrack, rules_are_about_the_host)
{
	struct frame_spec in5 = { "10.0.0.5", "203.0.113.1", 17, 1005, 53, 100, .host = 5 };
	struct frame_spec in6 = { "10.0.0.6", "203.0.113.1", 17, 1006, 53, 100, .host = 6 };
	struct frame_spec out5 = { "192.0.2.1", "203.0.113.1", 17, 1005, 53, 100 };
	struct frame_spec out6 = { "192.0.2.1", "203.0.113.1", 17, 1006, 53, 100 };
	struct rig r;

	setup(&r, OBSERVE);
	inject("host0", &in5);
	inject("host0", &in6);
	rig_reload(&r,
		   "outside wan0\ninside lan0, lan1\nmode enforce\n"
		   "policy \"p\" { from 10.0.0.5 to any then drop }\n",
		   NULL);
	cr_assert(rig_packet(&r, RIG_OTHER, &out5).dropped);
	cr_assert_not(rig_packet(&r, RIG_OTHER, &out6).dropped);
	cr_assert_not(rig_packet(&r, RIG_GATEWAY, &out5).dropped, "the gateway's own is its own");
}

/* A published server's answer: the client began it, whatever the server sends. */
Test(conntrack, a_published_server_answers)
{
	struct frame_spec ask = { "203.0.113.9", "192.0.2.1", 17, 4000, 8080, 100 };
	struct frame_spec answer = { "192.0.2.1", "203.0.113.9", 17, 8080, 4000, 1000 };
	struct rig r;

	setup(&r, OBSERVE);
	inject("isp0", &ask);
	rig_repeat(&r, RIG_OTHER, &answer, 2);
	assert_pair(&r, CF_HOOK_OUTSIDE, "10.0.0.7", "203.0.113.9", 2, CF_SLOT_BEGAN_OUTSIDE);
}

static void answer_inside(const char *at, const char *server, uint16_t port)
{
	struct frame_spec ask = { "203.0.113.9", "192.0.2.1", 17, 4000, port, 100 };
	struct frame_spec answer = { server, "203.0.113.9", 17, 80, 4000, 1000, .host = 7 };
	struct rig r;

	setup(&r, OBSERVE);
	inject("isp0", &ask);
	inject(at, &answer);
	assert_pair(&r, CF_HOOK_INSIDE, server, "203.0.113.9", 1, CF_SLOT_BEGAN_OUTSIDE);
}

Test(conntrack, native_xdp_knows_who_began)
{
	answer_inside("host0", "10.0.0.7", 8080);
}

Test(conntrack, tc_ingress_knows_who_began)
{
	answer_inside("host1", "10.0.1.7", 8081);
}

/* The entry comes with the first packet, so the second one tells. Both, if both did. */
Test(conntrack, a_host_began_and_was_asked)
{
	struct frame_spec out = { "10.0.0.7", "203.0.113.9", 17, 1000, 53, 100, .host = 7 };
	struct frame_spec ask = { "203.0.113.9", "192.0.2.1", 17, 4000, 8080, 100 };
	struct frame_spec answer = { "10.0.0.7", "203.0.113.9", 17, 80, 4000, 1000, .host = 7 };
	struct rig r;

	stay_here();
	setup(&r, OBSERVE);
	inject("host0", &out);
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.7", "203.0.113.9", 1, 0);
	inject("host0", &out);
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.7", "203.0.113.9", 2, CF_SLOT_BEGAN_INSIDE);
	inject("isp0", &ask);
	/* the third is not asked about, the fourth is */
	inject("host0", &answer);
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.7", "203.0.113.9", 3, CF_SLOT_BEGAN_INSIDE);
	inject("host0", &answer);
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.7", "203.0.113.9", 4, BOTH);
}

/* Its own flows keep the gateway's address, and are asked about at the outside hook too. */
Test(conntrack, the_gateway_answers_its_own_clients)
{
	struct frame_spec ask = { "203.0.113.9", "192.0.2.1", 17, 4000, 53, 100 };
	struct frame_spec answer = { "192.0.2.1", "203.0.113.9", 17, 53, 4000, 1000 };
	struct rig r;

	setup(&r, OBSERVE);
	/* somebody listens: else the flow dies before it is known */
	cr_assert_eq(system("nft add rule inet nat in ip daddr 192.0.2.1 udp dport 53 accept"), 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(53) };

	cr_assert_eq(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	inject("isp0", &ask);
	rig_repeat(&r, RIG_GATEWAY, &answer, 2);
	assert_pair(&r, CF_HOOK_OUTSIDE, "192.0.2.1", "203.0.113.9", 2, CF_SLOT_BEGAN_OUTSIDE);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_FOUND), 0);
	close(fd);
}

/* ---- what an inside hook took for the gateway's ------------------------------ */

#define NO_WORLD                                                                                   \
	"outside wan0\ninside lan0, lan1\nmode enforce\n"                                          \
	"policy \"p\" { from any to 203.0.113.0/24 then drop }\n"

/* Sent to the gateway, and on by it: nobody but the outside hook sees where it goes. */
Test(conntrack, what_the_gateway_sends_on_is_judged)
{
	struct frame_spec in = { "10.0.0.5", "10.0.0.1", 17, 1000, 8082, 100, .host = 5 };
	struct frame_spec out = { "192.0.2.1", "203.0.113.1", 17, 1000, 53, 100 };
	struct frame_spec in6 = { "fd12:3456::5", "fd12:3456::1", 17, 1000, 8082, 100, .host = 5 };
	struct frame_spec out6 = { "2001:db8:ffff::1", "2001:db8:1::1", 17, 1000, 53, 100 };
	struct rig r;

	setup(&r, NO_WORLD "policy \"six\" { from any to 2001:db8:1::/64 then drop }\n");
	cr_assert_eq(system("nft add rule inet nat in iifname lan0 udp dport 8082 "
			    "dnat ip to 203.0.113.1:53 && "
			    "nft add rule inet nat in iifname lan0 udp dport 8082 "
			    "dnat ip6 to [2001:db8:1::1]:53"),
		     0);
	/* no flow: as far as anybody knows, an inside hook has judged it */
	assert_reason(rig_packet(&r, RIG_FORWARDED, &out), CF_REASON_SEEN_FORWARDED);
	inject("host0", &in);
	assert_reason(rig_packet(&r, RIG_FORWARDED, &out), CF_REASON_DROP_POLICY);
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.5", "10.0.0.1", 0, 0);
	cr_assert_eq(look(&r, CF_HOOK_OUTSIDE, "10.0.0.5", "203.0.113.1").packets, 2);
	inject("host0", &in6);
	assert_reason(rig_packet(&r, RIG_FORWARDED, &out6), CF_REASON_DROP_POLICY);
	cr_assert_eq(look(&r, CF_HOOK_OUTSIDE, "fd12:3456::5", "2001:db8:1::").packets, 2);
}

/* A flowtable goes on translating when connection tracking has left its hooks. */
Test(conntrack, what_is_sent_on_after_the_rules_are_gone_is_judged)
{
	struct frame_spec in = { "10.0.0.5", "10.0.0.1", 17, 1000, 8082, 100, .host = 5 };
	struct frame_spec out = { "192.0.2.1", "203.0.113.1", 17, 1000, 53, 100 };
	struct rig r;

	setup(&r, NO_WORLD);
	cr_assert_eq(system("nft add rule inet nat in iifname lan0 udp dport 8082 "
			    "dnat ip to 203.0.113.1:53"),
		     0);
	inject("host0", &in);
	cr_assert_eq(look(&r, CF_HOOK_OUTSIDE, "10.0.0.5", "203.0.113.1").packets, 1);
	cr_assert_eq(system("nft flush ruleset"), 0);
	assert_reason(rig_packet(&r, RIG_FORWARDED, &out), CF_REASON_DROP_POLICY);
}

/* What was judged by where it wanted to go is not judged again, wherever it goes. */
Test(conntrack, what_an_inside_hook_judged_is_not_judged_again)
{
	struct frame_spec in = { "10.0.0.5", "198.51.100.1", 17, 1000, 8082, 100, .host = 5 };
	struct frame_spec out = { "192.0.2.1", "203.0.113.1", 17, 1000, 53, 100 };
	struct frame_spec plain = { "10.0.0.5", "198.51.100.1", 17, 1001, 53, 100, .host = 5 };
	struct frame_spec plain_out = { "192.0.2.1", "198.51.100.1", 17, 1001, 53, 100 };
	struct rig r;

	setup(&r, NO_WORLD);
	cr_assert_eq(system("nft add rule inet nat in iifname lan0 udp dport 8082 "
			    "dnat ip to 203.0.113.1:53"),
		     0);
	inject("host0", &in);
	assert_reason(rig_packet(&r, RIG_FORWARDED, &out), CF_REASON_SEEN_FORWARDED);
	inject("host0", &plain);
	assert_reason(rig_packet(&r, RIG_FORWARDED, &plain_out), CF_REASON_SEEN_FORWARDED);
}

/* A server whose clients come by the gateway's name: its answers are for the gateway. */
Test(conntrack, answers_to_translated_clients_are_judged)
{
	struct frame_spec ask = { "203.0.113.9", "192.0.2.1", 17, 4000, 8080, 100 };
	struct frame_spec answer = { "192.0.2.1", "203.0.113.9", 17, 8080, 4000, 1000 };
	struct rig r;

	setup(&r, NO_WORLD);
	cr_assert_eq(system("nft add rule inet nat out oifname lan0 masquerade"), 0);
	inject("isp0", &ask);
	assert_reason(rig_packet(&r, RIG_FORWARDED, &answer), CF_REASON_DROP_POLICY);
	assert_pair(&r, CF_HOOK_OUTSIDE, "10.0.0.7", "203.0.113.9", 1, CF_SLOT_BEGAN_OUTSIDE);
}

/* ---- where it cannot be known ---------------------------------------------- */

Test(conntrack, what_it_does_not_know_is_counted)
{
	struct frame_spec ping = { "192.0.2.1", "203.0.113.1", 1, .payload = 64 };
	struct frame_spec later = { "192.0.2.1", "203.0.113.1", 17, .payload = 64,
				    .fragment = 100 };
	struct frame_spec nobody = { "192.0.2.1", "203.0.113.1", 17, 9999, 53, 100 };
	struct frame_spec routed = { "198.51.100.5", "203.0.113.1", 17, 9999, 53, 100 };
	struct rig r;

	setup(&r, OBSERVE);
	rig_repeat(&r, RIG_OTHER, &ping, 1);
	rig_repeat(&r, RIG_OTHER, &later, 1);
	rig_repeat(&r, RIG_OTHER, &nobody, 1);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_UNKNOWN), 3);
	assert_pair(&r, CF_HOOK_OUTSIDE, "192.0.2.1", "203.0.113.1", 3, 0);
	/* an address that is not the gateway's has not been translated to it */
	rig_repeat(&r, RIG_OTHER, &routed, 1);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_UNKNOWN), 3);
	assert_pair(&r, CF_HOOK_OUTSIDE, "198.51.100.5", "203.0.113.1", 1, 0);
}

/* No kfunc: it loads, it counts, it says what it does not know. */
Test(conntrack, absent)
{
	struct rig_options without = { .no_conntrack = true };
	struct frame_spec out = { "192.0.2.1", "203.0.113.1", 17, 1000, 53, 100 };
	struct frame_spec syn = { "10.0.0.5", "203.0.113.1", 6, 2000, 443, 0, .tcp_flags = 2 };
	struct rig r;

	rig_setup(&r, OBSERVE, &without);
	cr_assert_not(datapath_conntrack(r.dp));
	cr_assert_not(hook_asks(&r, "wan0"));
	rig_repeat(&r, RIG_OTHER, &out, 2);
	assert_pair(&r, CF_HOOK_OUTSIDE, "192.0.2.1", "203.0.113.1", 2, 0);
	cr_assert_eq(noted(&r, CF_HOOK_OUTSIDE, CF_NOTE_NAT_UNKNOWN), 2);
	/* a handshake tells by itself */
	rig_repeat(&r, RIG_INSIDE, &syn, 1);
	assert_pair(&r, CF_HOOK_INSIDE, "10.0.0.5", "203.0.113.1", 1, CF_SLOT_BEGAN_INSIDE);
}

/* ---- the gateway's own ------------------------------------------------------ */

/* A tunnel's outer packet is told apart from what no rule is about; a rule about it judges it. */
Test(conntrack, carriers_are_told_apart)
{
	struct frame_spec gre = { "192.0.2.1", "203.0.113.1", 47, .payload = 100 };
	struct frame_spec ipip = { "192.0.2.1", "203.0.113.1", 4, .payload = 100 };
	struct frame_spec plain = { "192.0.2.1", "203.0.113.1", 17, 1000, 53, 100 };
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &gre), CF_REASON_PASS_CARRIER);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &ipip), CF_REASON_PASS_CARRIER);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &plain), CF_REASON_PASS_UNMATCHED);
	/* a host's own tunnel is no carrier of ours */
	assert_reason(rig_packet(&r, RIG_INSIDE, &gre), CF_REASON_PASS_UNMATCHED);
	assert_reason(rig_packet(&r, RIG_OTHER, &gre), CF_REASON_PASS_UNMATCHED);
	rig_reload(&r,
		   "outside wan0\ninside lan0, lan1\nmode enforce\n"
		   "policy \"hosts\" { from inside to 203.0.113.0/24 then drop }\n",
		   NULL);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &gre), CF_REASON_PASS_CARRIER);
	rig_reload(&r,
		   "outside wan0\ninside lan0, lan1\nmode enforce\n"
		   "policy \"gateway\" { from gateway to 203.0.113.0/24 then drop }\n",
		   NULL);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &gre), CF_REASON_DROP_POLICY);
}

/* Nobody locks himself out of his own address. Only the gateway's own is spared. */
Test(conntrack, its_configuration_is_never_judged)
{
	struct frame_spec renew = { "192.0.2.1", "203.0.113.1", 17, 68, 67, 300 };
	struct rig r;

	rig_setup(&r,
		  "outside wan0\ninside lan0, lan1\nmode enforce\n"
		  "policy \"all\" { from any to any then drop }\n",
		  NULL);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &renew), CF_REASON_IGNORED_CONFIGURATION);
	assert_reason(rig_packet(&r, RIG_OTHER, &renew), CF_REASON_DROP_POLICY);
	renew.src = "10.0.0.5";
	assert_reason(rig_packet(&r, RIG_INSIDE, &renew), CF_REASON_DROP_POLICY);
}

/* ---- MAC and address --------------------------------------------------------- */

static void mismatch(const char *at, const char *host, const char *stranger, const char *dst,
		     uint64_t want)
{
	struct frame_spec own = { host, dst, 17, 1000, 53, 100, .host = 7 };
	struct frame_spec other = { host, dst, 17, 1000, 53, 100, .host = 8 };
	struct frame_spec unknown = { stranger, dst, 17, 1000, 53, 100, .host = 9 };
	struct rig r;

	stay_here();
	rig_setup(&r, OBSERVE, NULL);
	cr_assert_eq(system(gateway_up), 0);
	inject(at, &unknown);
	inject(at, &own);
	cr_assert_eq(noted(&r, CF_HOOK_INSIDE, CF_NOTE_MAC_MISMATCH), 0);
	/* a known pair is not asked about again; a new one is */
	inject(at, &other);
	cr_assert_eq(noted(&r, CF_HOOK_INSIDE, CF_NOTE_MAC_MISMATCH), 0);
	other.dst = strchr(dst, ':') ? "2001:db8:2::1" : "203.0.113.2";
	inject(at, &other);
	cr_assert_eq(noted(&r, CF_HOOK_INSIDE, CF_NOTE_MAC_MISMATCH), want);
}

Test(conntrack, anothers_address_is_counted)
{
	mismatch("host0", "10.0.0.7", "10.0.0.99", "203.0.113.1", 1);
}

Test(conntrack, anothers_ipv6_address_is_counted)
{
	mismatch("host0", "fd12:3456::7", "fd12:3456::99", "2001:db8:1::1", 1);
}

/* At TC ingress, and on a network that is not an attached segment of the policy's. */
Test(conntrack, behind_a_router_no_mac_is_expected)
{
	mismatch("host1", "10.0.1.7", "10.0.1.99", "203.0.113.1", 0);
}
