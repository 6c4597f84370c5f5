/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `service` and `initiated`: the responder's port, whoever sends; what cannot be
 * known holds for policies and fails for exceptions. Without connection tracking
 * first, which any kernel can do, then with entries that the kernel itself has made
 * of real frames.
 */
#include <criterion/criterion.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/policy/words.h"
#include "prog_help.h"

#define HEAD   "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define WEB    "203.0.113.9"
#define SYN    0x02
#define SYNACK 0x12
#define LATER  100 /* in units of 8 bytes */

static const struct rig_options without = { .no_conntrack = true };

static struct frame_spec packet(uint8_t protocol, uint16_t sport, uint16_t dport)
{
	return (struct frame_spec){ .src = "10.0.0.5",
				    .dst = WEB,
				    .protocol = protocol,
				    .sport = sport,
				    .dport = dport,
				    .payload = 100,
				    .host = 5 };
}

static struct rig_run send_one(struct rig *r, uint8_t protocol, uint16_t sport, uint16_t dport)
{
	struct frame_spec s = packet(protocol, sport, dport);

	return rig_packet(r, RIG_INSIDE, &s);
}

static struct rig_run later_fragment(struct rig *r, uint8_t protocol)
{
	struct frame_spec s = packet(protocol, 0, 0);

	s.fragment = LATER;
	return rig_packet(r, RIG_INSIDE, &s);
}

static struct rig_run handshake(struct rig *r, uint16_t flags, uint16_t sport, uint16_t dport,
				uint32_t payload)
{
	struct frame_spec s = packet(6, sport, dport);

	s.tcp_flags = flags;
	s.payload = payload;
	return rig_packet(r, RIG_INSIDE, &s);
}

static uint64_t undetermined(struct rig *r)
{
	struct note_totals n;

	cr_assert_eq(datapath_notes(r->dp, &n), 0);
	return n.t[CF_HOOK_INSIDE][CF_NOTE_UNDETERMINED].packets;
}

/* ---- services -------------------------------------------------------------- */

Test(service, a_policy_is_about_its_services_only)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any service tcp/443, udp/8000-8010, gre then drop }\n",
		  &without);
	assert_reason(send_one(&r, 6, 40000, 443), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 6, 40000, 442), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 6, 40000, 444), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 17, 40000, 443), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 17, 40000, 7999), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 17, 40000, 8000), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 17, 40000, 8010), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 17, 40000, 8011), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 47, 0, 0), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 1, 0, 0), CF_REASON_PASS_UNMATCHED);
}

/* Ports at both ends of a protocol's range do not run over into the next protocol. */
Test(service, ranges_end_where_they_end)
{
	struct rig r;

	rig_setup(&r,
		  HEAD
		  "policy \"p\" { from any service udp/1, tcp/65535, sctp/5060-5061 then drop }\n",
		  &without);
	assert_reason(send_one(&r, 6, 40000, 65535), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 6, 40000, 65534), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 17, 40000, 1), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 17, 40000, 65535), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_one(&r, 7, 0, 0), CF_REASON_PASS_UNMATCHED);
}

/* SCTP, DCCP and UDP-Lite begin with two ports too. */
Test(service, other_transports_have_ports)
{
	static const uint8_t protocols[] = { 132, 33, 136 };
	struct frame_bytes f;
	struct rig r;

	rig_setup(
		&r,
		HEAD
		"policy \"p\" { from any service sctp/5060, dccp/5060, udplite/5060 then drop }\n",
		&without);
	for (size_t i = 0; i < sizeof(protocols); i++) {
		struct frame_spec s = packet(protocols[i], 0, 0);

		frame_build(&s, &f);
		memcpy(f.data + 34, (uint8_t[]){ 0x9c, 0x40, 0x13, 0xc4 }, 4); /* 40000, 5060 */
		assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_DROP_POLICY);
		f.data[37] = 0xc5;
		assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_PASS_UNMATCHED);
		s.payload = 2; /* no room for them */
		frame_build(&s, &f);
		assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_DROP_POLICY);
	}
	for (const struct protocol *p = words_protocols; p->name; p++)
		cr_assert_eq(p->has_ports, CF_HAS_PORTS(p->number), "%s", p->name);
}

/* The port is one thing, the side another: without conntrack either side may be the responder. */
Test(service, either_side_may_be_the_responder)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any service tcp/443 then drop }\n"
		       "policy \"q\" { from any to 203.0.113.0/24 then drop }\n"
		       "exempt \"e\" { from 10.0.0.5 service tcp/22 policies \"q\" }\n",
		  &without);
	assert_reason(send_one(&r, 6, 443, 40000), CF_REASON_DROP_POLICY);
	/* an exception is believed by the destination's port alone */
	assert_reason(send_one(&r, 6, 40000, 22), CF_REASON_PASS_EXEMPT);
	cr_assert_gt(undetermined(&r), 0);
	assert_reason(send_one(&r, 6, 22, 40000), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 6, 443, 22), CF_REASON_DROP_POLICY);
	/* a SYN says who began */
	assert_reason(handshake(&r, SYN, 443, 22, 0), CF_REASON_PASS_EXEMPT);
}

Test(service, a_fragment_without_ports)
{
	struct rig r;

	rig_setup(&r,
		  HEAD
		  "policy \"p\" { from any to 203.0.113.0/24 service udp/53 then drop }\n"
		  "policy \"q\" { from 10.0.0.5 to 203.0.113.0/24 then drop\n"
		  "  except { service tcp/443 } except { service gre } except { service icmp } }\n",
		  &without);
	assert_reason(later_fragment(&r, 17), CF_REASON_DROP_POLICY);
	cr_assert_eq(undetermined(&r), 1);
	assert_reason(later_fragment(&r, 6), CF_REASON_DROP_POLICY);
	cr_assert_eq(undetermined(&r), 2, "tcp/443 is what it could have been");
	assert_reason(send_one(&r, 6, 40000, 443), CF_REASON_PASS_EXCEPTED);
	/* a whole protocol needs no port */
	assert_reason(later_fragment(&r, 47), CF_REASON_PASS_EXCEPTED);
	assert_reason(later_fragment(&r, 1), CF_REASON_PASS_EXCEPTED);
	assert_reason(later_fragment(&r, 50), CF_REASON_DROP_POLICY);
}

Test(service, headers_that_were_not_walked_hide_the_service)
{
	/* hop-by-hop with more bytes than there are */
	struct frame_spec s = { "fd12:3456::5", "2001:db8:1::1", 0, .payload = 64, .host = 5 };
	struct frame_bytes f;
	struct rig r;

	frame_build(&s, &f);
	f.data[14 + 41] = 200;
	rig_setup(&r,
		  HEAD "policy \"p\" { from any service tcp/443 then drop\n"
		       "  except { service proto 255, tcp } }\n",
		  &without);
	assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_DROP_POLICY);
	cr_assert_eq(undetermined(&r), 1);
}

Test(service, protect_and_exempt)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any then drop }\n"
		       "protect { from inside to 203.0.113.9 service tcp/22, icmp }\n"
		       "exempt \"e\" { from 10.0.0.5 service udp/53 }\n",
		  &without);
	assert_reason(send_one(&r, 6, 40000, 22), CF_REASON_PASS_PROTECTED);
	assert_reason(send_one(&r, 6, 22, 40000), CF_REASON_PASS_PROTECTED);
	assert_reason(send_one(&r, 6, 40000, 23), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 1, 0, 0), CF_REASON_PASS_PROTECTED);
	assert_reason(later_fragment(&r, 6), CF_REASON_PASS_PROTECTED);
	assert_reason(send_one(&r, 17, 40000, 53), CF_REASON_PASS_EXEMPT);
	assert_reason(send_one(&r, 17, 53, 40000), CF_REASON_DROP_POLICY);
}

/* What no service is asked of is charged; what is excepted by its service is not. */
Test(service, excepted_bytes_are_not_charged)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any quota 250 B per source each hour at 100% drop\n"
		       "  except { service tcp/443 } }\n",
		  &without);
	for (int i = 0; i < 5; i++)
		assert_reason(handshake(&r, SYN, 40000, 443, 100), CF_REASON_PASS_EXCEPTED);
	assert_reason(send_one(&r, 17, 40000, 443), CF_REASON_PASS_QUOTA);
	assert_reason(send_one(&r, 17, 40000, 443), CF_REASON_PASS_QUOTA);
	assert_reason(send_one(&r, 17, 40000, 443), CF_REASON_DROP_QUOTA);
	assert_reason(handshake(&r, SYN, 40000, 443, 100), CF_REASON_PASS_EXCEPTED);
}

/* ---- who began, by the packet alone ------------------------------------------ */

Test(service, initiated_without_conntrack)
{
	struct rig r;

	rig_setup(&r,
		  HEAD
		  "policy \"i\" { from any to 203.0.113.0/25 initiated inside then drop }\n"
		  "policy \"o\" { from any to 203.0.113.128/25 initiated outside then drop }\n",
		  &without);
	assert_reason(handshake(&r, SYN, 40000, 443, 0), CF_REASON_DROP_POLICY);
	assert_reason(handshake(&r, SYNACK, 443, 40000, 0), CF_REASON_PASS_UNMATCHED);
	cr_assert_eq(undetermined(&r), 0);
	/* bytes in an answer that nobody asked for */
	assert_reason(handshake(&r, SYNACK, 443, 40000, 100), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 6, 443, 40000), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 17, 53, 40000), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 1, 0, 0), CF_REASON_DROP_POLICY);
	cr_assert_eq(undetermined(&r), 4);
}

Test(service, exceptions_by_initiation_need_to_know)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any then drop except { initiated outside }\n"
		       "  except { initiated inside service tcp/443 } }\n",
		  &without);
	assert_reason(handshake(&r, SYNACK, 80, 40000, 0), CF_REASON_PASS_EXCEPTED);
	assert_reason(handshake(&r, SYN, 40000, 443, 0), CF_REASON_PASS_EXCEPTED);
	assert_reason(handshake(&r, SYN, 40000, 80, 0), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 6, 40000, 443), CF_REASON_DROP_POLICY);
	assert_reason(send_one(&r, 17, 53, 40000), CF_REASON_DROP_POLICY);
}

/* Nobody is asked, and nothing is undetermined, while the rule is outside its window. */
Test(service, a_closed_window_asks_nothing)
{
	struct rig r;

	rig_setup(
		&r,
		HEAD
		"policy \"p\" { from any initiated inside service tcp/443 during daily 22:00-06:00 then drop }\n",
		&without);
	assert_reason(send_one(&r, 6, 40000, 443), CF_REASON_PASS_CLOSED);
	assert_reason(send_one(&r, 6, 40000, 80), CF_REASON_PASS_UNMATCHED);
	cr_assert_eq(undetermined(&r), 0);
}

Test(service, publish_without_conntrack_lets_nothing_pass)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any then drop }\n"
		       "publish \"web\" { host 10.0.0.5 service tcp/443 }\n",
		  &without);
	assert_reason(send_one(&r, 6, 443, 40000), CF_REASON_DROP_POLICY);
	assert_reason(handshake(&r, SYNACK, 443, 40000, 100), CF_REASON_DROP_POLICY);
	assert_reason(handshake(&r, SYNACK, 443, 40000, 0), CF_REASON_PASS_PUBLISHED);
}

/* ---- with connection tracking -------------------------------------------------- */

static const char gateway_up[] =
	"set -e\n"
	"echo 1 >/proc/sys/net/ipv4/ip_forward\n"
	"for i in all default lan0 lan1 wan0; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done\n"
	"for i in host0 host1 isp0; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
	"echo 0 >/proc/sys/net/ipv4/conf/$i/forwarding; done\n"
	"for i in lan0 lan1 wan0; do ip link set $i address 02:00:00:00:00:01; done\n"
	"for i in lan0 lan1 wan0 host0 host1 isp0; do ip link set $i up; done\n"
	"ip addr add 10.0.0.1/24 dev lan0\n"
	"ip addr add 192.0.2.1/24 dev wan0\n"
	"ip neigh add 10.0.0.7 lladdr 02:00:00:00:01:07 dev lan0\n"
	"ip neigh add 192.0.2.254 lladdr 02:00:00:00:09:09 dev wan0\n"
	"ip route add default via 192.0.2.254\n"
	"nft -f - 2>/dev/null <<'END'\n"
	"table inet nat {\n"
	"	chain out { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }\n"
	"	chain in {\n"
	"		type nat hook prerouting priority dstnat\n"
	"		iifname wan0 udp dport 8080 dnat ip to 10.0.0.7:80\n"
	"		iifname wan0 udp dport 9090 dnat ip to 10.0.0.7:90\n"
	"	}\n"
	"}\n"
	"END\n"
	"test $? = 0 && echo 0 >/proc/sys/net/netfilter/nf_conntrack_checksum";

static void tracked(struct rig *r, const char *policy)
{
	rig_setup(r, policy, NULL);
	if (datapath_conntrack(r->dp) && !system(gateway_up))
		return;
	printf("SKIP: no conntrack kfunc, or no NAT, in this kernel\n");
	fflush(stdout);
	cr_skip_test();
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
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

/* A client outside asks the server for what it publishes at `port`. */
static void ask(uint16_t port)
{
	struct frame_spec s = { WEB, "192.0.2.1", 17, 4000, port, 100 };

	inject("isp0", &s);
}

static struct frame_spec from_server(uint16_t sport, uint16_t dport)
{
	return (struct frame_spec){ "10.0.0.7", WEB, 17, sport, dport, 100, .host = 7 };
}

static void assert_server(struct rig *r, enum rig_hook hook, uint16_t sport, uint16_t dport,
			  enum cf_reason want)
{
	struct frame_spec s = from_server(sport, dport);

	assert_reason(rig_packet(r, hook, &s), want);
}

static void who_began(enum rig_hook hook)
{
	struct rig r;

	tracked(&r, HEAD
		"policy \"p\" { from any initiated inside service udp/53, udp/80 then drop }\n");
	ask(8080);
	/* the client's flow: the server's port is the service, and it was asked */
	assert_server(&r, hook, 80, 4000, CF_REASON_PASS_UNMATCHED);
	assert_server(&r, hook, 80, 4000, CF_REASON_PASS_UNMATCHED);
	/* other flows between the same two, of which nobody has heard */
	assert_server(&r, hook, 80, 53, CF_REASON_DROP_POLICY);
	assert_server(&r, hook, 80, 4001, CF_REASON_PASS_UNMATCHED);
	assert_server(&r, hook, 4001, 80, CF_REASON_DROP_POLICY);
	cr_assert_eq(undetermined(&r), 0, "UDP without an entry begins a flow, once one was found");
	cr_assert_eq(rig_pair(&r, "10.0.0.7", WEB).packets, 5, "each is booked once");
}

Test(service, native_xdp_tells_who_began)
{
	who_began(RIG_INSIDE);
}

Test(service, tc_ingress_tells_who_began)
{
	who_began(RIG_INSIDE_TC);
}

Test(service, an_entry_of_the_host_itself)
{
	struct frame_spec out = from_server(90, 4000);
	struct rig r;

	tracked(&r,
		HEAD "policy \"o\" { from any initiated outside then drop }\n"
		     "policy \"i\" { from any initiated inside service udp/4000 then alert }\n");
	/* before any flow is known, this could be an answer */
	assert_server(&r, RIG_INSIDE, 90, 4000, CF_REASON_DROP_POLICY);
	ask(8080);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_DROP_POLICY);
	inject("host0", &out);
	assert_server(&r, RIG_INSIDE, 90, 4000, CF_REASON_PASS_ALERT);
	ask(9090);
	/* the same two ports, the other side began: the entry decides, and there is one already */
	assert_server(&r, RIG_INSIDE, 90, 4000, CF_REASON_PASS_ALERT);
}

Test(service, publish_clears_answers_only)
{
	struct frame_spec answer = { "192.0.2.1", WEB, 17, 8080, 4000, 100 };
	struct rig r;

	tracked(&r, HEAD "policy \"p\" { from any then drop }\n"
			 "publish \"web\" { host 10.0.0.7 service udp/80 }\n");
	ask(8080);
	ask(9090);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_PASS_PUBLISHED);
	assert_server(&r, RIG_INSIDE_TC, 80, 4000, CF_REASON_PASS_PUBLISHED);
	assert_server(&r, RIG_INSIDE, 90, 4000, CF_REASON_DROP_POLICY);
	assert_server(&r, RIG_INSIDE, 80, 4001, CF_REASON_DROP_POLICY);
	/* the outside hook finds the host, and who began, in one look */
	assert_reason(rig_packet(&r, RIG_OTHER, &answer), CF_REASON_PASS_PUBLISHED);
	answer.sport = 9090;
	assert_reason(rig_packet(&r, RIG_OTHER, &answer), CF_REASON_DROP_POLICY);
}

Test(service, publish_at_most)
{
	struct rig r;

	tracked(&r, HEAD
		"policy \"p\" { from any then drop }\n"
		"publish \"web\" { host 10.0.0.7 service udp/80  at most 250 B per destination each day }\n"
		"publish \"all\" { host 10.0.0.7 service udp }\n");
	ask(8080);
	ask(9090);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_PASS_QUOTA);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_PASS_QUOTA);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_DROP_QUOTA);
	assert_server(&r, RIG_INSIDE, 90, 4000, CF_REASON_PASS_PUBLISHED);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 200);
}

/* Nobody can see that it is an answer: policies hold for it, and so does the publish's own limit.
 */
Test(service, later_fragments_of_a_published_service_are_charged)
{
	struct frame_spec f = from_server(0, 0);
	struct rig r;
	uint64_t used;

	f.fragment = LATER;
	tracked(&r, HEAD
		"policy \"p\" { from any quota 1 kB per source each day at 100% drop }\n"
		"publish \"web\" { host 10.0.0.7 service udp/80  at most 1 kB per destination each day }\n");
	ask(8080);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 100);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &f), CF_REASON_PASS_QUOTA);
	used = rig_quota(&r, CF_KEY_SOURCE).used_bytes;
	cr_assert_geq(used, 100);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 100 + used);
	/* and a policy that drops cuts it */
	rig_reload(&r,
		   HEAD "policy \"p\" { from any then drop }\n"
			"publish \"web\" { host 10.0.0.7 service udp/80 }\n",
		   NULL);
	assert_server(&r, RIG_INSIDE, 80, 4000, CF_REASON_PASS_PUBLISHED);
	assert_reason(rig_packet(&r, RIG_INSIDE, &f), CF_REASON_DROP_POLICY);
	/* of the whole protocol, no port is asked */
	rig_reload(&r,
		   HEAD "policy \"p\" { from any then drop }\n"
			"exempt \"fragments\" { from 10.0.0.7 to any service udp }\n",
		   NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &f), CF_REASON_PASS_EXEMPT);
}

/* An IPv6 fragment of 64 bytes at `offset`, in units of 8, whose fragment header names `next`. */
static struct frame_bytes fragment6(uint8_t next, uint16_t offset)
{
	static const uint8_t ethernet[] = { 0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 5, 0x86, 0xdd };
	struct frame_bytes f = { .len = 14 + 40 + 8 + 64 };
	uint8_t *ip = f.data + 14, *fragment = ip + 40;

	memcpy(f.data, ethernet, sizeof(ethernet));
	ip[0] = 0x60;
	ip[5] = 8 + 64;
	ip[6] = 44;
	ip[7] = 64;
	memcpy(ip + 8, (uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8, [14] = 0, [15] = 5 }, 16);
	memcpy(ip + 24, (uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8, 0, 9, [15] = 9 }, 16);
	fragment[0] = next;
	fragment[2] = (uint8_t)(offset >> 5);
	fragment[3] = (uint8_t)(offset << 3);
	return f;
}

/* RFC 8200, 4.5: receivers go by the first fragment; what a later one says may be a lie. */
Test(service, a_later_fragment_does_not_choose_its_protocol)
{
	static const uint8_t names[] = { 17, 6, 50, 59, 60, 132, 253 };
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any service udp/53 then drop }\n"
		       "policy \"q\" { from any to 2001:db8:9::/48 service tcp/25 then drop\n"
		       "  except { service esp } }\n",
		  NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct frame_bytes f = fragment6(names[i], LATER);

		assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_DROP_POLICY);
	}
}

Test(service, protect_holds_for_later_fragments)
{
	struct frame_bytes f = fragment6(17, LATER);
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any to any then drop }\n"
		       "protect { from any to any service udp/5000 }\n",
		  NULL);
	assert_reason(send_one(&r, 17, 4000, 5000), CF_REASON_PASS_PROTECTED);
	assert_reason(send_one(&r, 17, 4000, 5001), CF_REASON_DROP_POLICY);
	assert_reason(later_fragment(&r, 17), CF_REASON_PASS_PROTECTED);
	assert_reason(later_fragment(&r, 6), CF_REASON_DROP_POLICY);
	assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_PASS_PROTECTED);
}
