/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser once more, as the kernel runs it: the same stacks through each hook's program. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "prog_help.h"
#include "stacks.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"
/* What an IPv4 packet must have for a test-run at TC. */
#define TC_FRAME_MIN 34

static const struct {
	const char *name;
	enum rig_hook rig;
	enum cf_hook hook;
} hooks[] = {
	{ "XDP", RIG_INSIDE, CF_HOOK_INSIDE },
	{ "TC ingress", RIG_INSIDE_TC, CF_HOOK_INSIDE },
	{ "TC egress", RIG_GATEWAY, CF_HOOK_OUTSIDE },
};

/* What one packet has changed. */
struct delta {
	struct rig_run run;
	struct cf_traffic traffic;
	uint32_t notes;
	uint64_t note_bytes;
};

static struct delta run_frame(struct rig *r, size_t h, const struct frame_bytes *f,
			      uint32_t wire_len, uint32_t gso_size)
{
	struct reason_totals a, b;
	struct note_totals c, d;
	struct delta ret = { 0 };
	enum cf_hook hook = hooks[h].hook;

	cr_assert_eq(datapath_reasons(r->dp, &a), 0);
	cr_assert_eq(datapath_notes(r->dp, &c), 0);
	ret.run = rig_frame(r, hooks[h].rig, f, wire_len, gso_size);
	cr_assert_eq(datapath_reasons(r->dp, &b), 0);
	cr_assert_eq(datapath_notes(r->dp, &d), 0);
	ret.traffic.wire_bytes =
		b.t[hook][ret.run.reason].wire_bytes - a.t[hook][ret.run.reason].wire_bytes;
	ret.traffic.payload_bytes =
		b.t[hook][ret.run.reason].payload_bytes - a.t[hook][ret.run.reason].payload_bytes;
	for (uint32_t n = 0; n < CF_NOTE_MAX; n++) {
		uint64_t packets = d.t[hook][n].packets - c.t[hook][n].packets;

		cr_assert_leq(packets, 1);
		ret.notes |= (uint32_t)packets << n;
		if (packets)
			ret.note_bytes = d.t[hook][n].wire_bytes - c.t[hook][n].wire_bytes;
	}
	return ret;
}

static void build(const char *text, struct frame_bytes *f)
{
	memset(f, 0, sizeof(*f));
	f->len = (uint32_t)stack_build(text, f->data);
}

static void expect(const struct stack_case *c, size_t h, const struct delta *d, uint32_t len)
{
	const uint32_t tunnels = (2U << CF_NOTE_WIREGUARD) - (1U << CF_NOTE_IPIP);
	/* a tunnel that leaves without having come in is the gateway's */
	bool carrier = c->notes & tunnels && !strcmp(hooks[h].name, "TC egress");
	bool judged = carrier ? d->run.reason == CF_REASON_PASS_CARRIER
			      : d->run.reason == CF_REASON_PASS_UNMATCHED ||
					d->run.reason == CF_REASON_IGNORED_CONFIGURATION;

	cr_expect_not(d->run.dropped);
	cr_expect_eq(d->traffic.wire_bytes, len, "%s, %s: %lu wire bytes, not %u", c->text,
		     hooks[h].name, (unsigned long)d->traffic.wire_bytes, len);
	if (c->reason != CF_REASON_MAX) {
		cr_expect_eq(d->run.reason, c->reason, "%s, %s: left as %s", c->text, hooks[h].name,
			     rig_reason_name(d->run.reason));
		return;
	}
	cr_expect(judged, "%s, %s: left as %s", c->text, hooks[h].name,
		  rig_reason_name(d->run.reason));
	cr_expect_eq(d->traffic.payload_bytes, c->payload, "%s, %s: payload %lu, not %u", c->text,
		     hooks[h].name, (unsigned long)d->traffic.payload_bytes, c->payload);
	cr_expect_eq(d->notes, c->notes, "%s, %s: notes %x, not %x", c->text, hooks[h].name,
		     d->notes, c->notes);
	cr_expect_eq(d->note_bytes, c->notes ? len : 0);
}

Test(parse_stacks, each_stack_is_understood_at_each_hook)
{
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < stack_case_count; i++)
		for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
			struct frame_bytes f;
			struct delta d;

			build(stack_cases[i].text, &f);
			if (hooks[h].rig != RIG_INSIDE && f.len < TC_FRAME_MIN)
				continue;
			d = run_frame(&r, h, &f, 0, 0);
			expect(&stack_cases[i], h, &d, f.len);
		}
}

/* Cut anywhere: whatever is left of it leaves with a reason, and with all its bytes. */
Test(parse_stacks, a_stack_that_is_cut_keeps_its_bytes)
{
	static const char *const texts[] = {
		"eth vlan:7 pppoe ip6 hop srv6 fragment:1 udp:5:53 data:9",
		"eth ip4 udp:9:6081 geneve:5 eth vlan:5 ip6 tcp data:9",
		"eth ip6 gre:0xb000 eth ip4 tcp data:9",
		"eth ip4 udp:9:3544 teredo-auth:3:16 teredo-origin ip6 none",
	};
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct frame_bytes f;
		uint32_t len;

		build(texts[i], &f);
		len = f.len;
		for (f.len = 14; f.len <= len; f.len++)
			for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
				struct delta d;

				/* test-run wants the whole IP header that the ethertype promises */
				if (hooks[h].rig != RIG_INSIDE && f.len < 54)
					continue;
				d = run_frame(&r, h, &f, 0, 0);
				cr_assert_eq(d.traffic.wire_bytes, f.len, "%s, %s, cut at %u",
					     texts[i], hooks[h].name, f.len);
			}
	}
}

static void see_flags(void *arg, const struct pair_sample *p)
{
	*(uint8_t *)arg |= p->flags;
}

/* Who sends a SYN begins; who answers one did not. */
Test(parse_stacks, a_pair_remembers_who_began)
{
	static const struct {
		const char *text;
		uint8_t began;
	} steps[] = {
		{ "eth ip6 tcp:0x10 data:9", 0 },
		{ "eth ip6 tcp:0x12", CF_SLOT_BEGAN_OUTSIDE },
		{ "eth ip6 tcp:0x10 data:9", CF_SLOT_BEGAN_OUTSIDE },
		{ "eth ip6 tcp:0x02", CF_SLOT_BEGAN_OUTSIDE | CF_SLOT_BEGAN_INSIDE },
	};
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct frame_bytes f;
		uint8_t flags = 0;

		build(steps[i].text, &f);
		run_frame(&r, 0, &f, 0, 0);
		datapath_pairs(r.dp, see_flags, &flags);
		cr_expect_eq(flags & (CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE), steps[i].began,
			     "step %zu", i);
	}
}

struct seen {
	struct cf_tunnel_key key;
	struct cf_tunnel t;
	unsigned int n;
};

static void see(void *arg, const struct cf_tunnel_key *key, const struct cf_tunnel *t)
{
	struct seen *s = arg;

	s->key = *key;
	s->t = *t;
	s->n++;
}

static void check_tunnel(const char *text, const char *kind, const char *src, const char *dst,
			 uint8_t protocol, size_t h)
{
	struct addr a = { 0 }, z = { 0 };
	struct seen s = { 0 };
	struct frame_bytes f;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	build(text, &f);
	run_frame(&r, h, &f, 0, 0);
	run_frame(&r, h, &f, 0, 0);
	cr_assert_eq(datapath_tunnels(r.dp, see, &s), 0);
	if (src) {
		cr_assert_eq(addr_parse(src, &a), 0);
		cr_assert_eq(addr_parse(dst, &z), 0);
	}
	cr_assert_eq(s.n, 1, "%s: %u tunnels", text, s.n);
	cr_expect_str_eq(s.t.kind, kind);
	cr_expect_eq(s.t.packets, 2);
	cr_expect_eq(s.t.wire_bytes, 2 * f.len);
	cr_expect_eq(s.key.hook, hooks[h].hook);
	cr_expect_arr_eq(s.t.inner_src, a.b, 16, "%s: inner source", text);
	cr_expect_arr_eq(s.t.inner_dst, z.b, 16, "%s: inner destination", text);
	cr_expect_eq(s.t.inner_protocol, protocol);
	cr_expect_eq(s.key.src[15], 5);
	cr_expect_eq(s.key.dst[15], 9);
}

#define SIX "fd12:3456::5", "2001:db8:1:2::9"
Test(parse_stacks, tunnels_are_shown_with_one_inner_header)
{
	check_tunnel("eth ip4 ip4:6:7 tcp", "ipip", "10.0.0.6", "203.0.113.7", 6, 0);
}
Test(parse_stacks, vxlan_is_shown_at_tc_ingress)
{
	check_tunnel("eth ip6 udp:9:4789 vxlan eth vlan:5 ip6 udp:1:2", "vxlan", SIX, 17, 1);
}
Test(parse_stacks, geneve_options_of_any_length_are_stepped_over)
{
	check_tunnel("eth ip4 udp:9:6081 geneve:63 eth ip4:6:7 icmp data:200", "geneve", "10.0.0.6",
		     "203.0.113.7", 1, 1);
}
Test(parse_stacks, gre_is_shown_at_tc_egress)
{
	check_tunnel("eth ip4 gre:0xb000 ip6 hop tcp", "gre", SIX, 0, 2);
}
Test(parse_stacks, opaque_tunnels_show_nothing_inside)
{
	check_tunnel("eth ip4 udp:9:999 wg:4", "wireguard", NULL, NULL, 0, 0);
}
Test(parse_stacks, what_only_claims_to_be_ip_is_not_shown)
{
	check_tunnel("eth ip4 proto:4 data:40", "ipip", NULL, NULL, 0, 1);
}

/* Per segment all headers, those in a tunnel as well, once the inner packet was what was cut. */
Test(parse_stacks, gso_bytes_are_those_of_the_segments)
{
	static const struct {
		const char *text;
		uint32_t gso_size;
		uint32_t segments, headers; /* each segment's */
	} cases[] = {
		{ "eth ip4 tcp data:1000", 400, 3, 54 },
		{ "eth ip4 tcp data:1200", 400, 3, 54 },
		{ "eth vlan:7 vlan:8 ip4-options tcp data:1000", 500, 2, 74 },
		{ "eth ip6 dst tcp data:1000", 400, 3, 82 },
		{ "eth ip4 udp:5:443 data:1000", 300, 4, 42 },
		{ "eth ip4 gre:0x2000 ip4:6:7 tcp data:1000", 400, 3, 82 },
		{ "eth ip4 ip6 tcp data:1000", 999, 2, 94 },
		{ "eth ip6 udp:9:4789 vxlan eth ip4:6:7 tcp data:1000", 400, 3, 124 },
		/* a datagram each, put together by the outer UDP: each has all of it inside */
		{ "eth ip4 udp:9:999 wg:4 data:992", 512, 2, 42 },
	};
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct frame_bytes f;
		struct delta d;
		uint32_t want;

		build(cases[i].text, &f);
		want = f.len + (cases[i].segments - 1) * cases[i].headers;
		d = run_frame(&r, 1, &f, 0, cases[i].gso_size);
		cr_expect_eq(d.traffic.wire_bytes, want, "%s: %lu, not %u", cases[i].text,
			     (unsigned long)d.traffic.wire_bytes, want);
		/* what an older kernel leaves out of wire_len */
		d = run_frame(&r, 2, &f, want - (d.notes && i != 8 ? 40 : 0), cases[i].gso_size);
		cr_expect_eq(d.traffic.wire_bytes, want, "%s at egress: %lu, not %u", cases[i].text,
			     (unsigned long)d.traffic.wire_bytes, want);
	}
}

/* One inner length that is no longer than a segment: it was the outer UDP that was cut. */
Test(parse_stacks, datagrams_of_a_tunnel_that_were_put_together_are_counted_as_such)
{
	struct frame_bytes f;
	struct delta d;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	build("eth ip4 udp:9:4789 vxlan eth ip4:6:7 udp:1:2 data:172", &f);
	memset(f.data + f.len, 0xda, 222);
	f.data[16] = (20 + 8 + 444) >> 8;
	f.data[17] = (20 + 8 + 444) & 0xff;
	f.len += 222;
	d = run_frame(&r, 1, &f, 0, 222);
	cr_expect_eq(d.traffic.wire_bytes, f.len + 42, "%lu of %u",
		     (unsigned long)d.traffic.wire_bytes, f.len);
}
