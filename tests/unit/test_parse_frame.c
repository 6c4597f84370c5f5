/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P8: the kernel's parser, compiled for the host, on every stack of headers that real networks
 * carry. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../prog/frame_check.h"
#include "../prog/stacks.h"

struct parsed {
	enum cf_reason reason;
	struct pkt p;
};

static struct parsed parse(const uint8_t *data, size_t size, const struct frame_opts *opts,
			   const char *what)
{
	static const struct frame_opts none;
	struct parsed r;
	const char *wrong = frame_check(data, size, opts ? opts : &none, &r.reason, &r.p);

	cr_assert_null(wrong, "%s, %zu bytes: not so: %s", what, size, wrong);
	return r;
}

static struct parsed parse_text(const char *text, const struct frame_opts *opts)
{
	uint8_t buf[STACK_MAX];

	return parse(buf, stack_build(text, buf), opts, text);
}

#define EXPECT(what, is, want)                                                                     \
	cr_expect_eq((is), (want), "%s: " what " %u, not %u", c->text, (unsigned int)(is),         \
		     (unsigned int)(want))

static void expect(const struct stack_case *c, const struct parsed *r)
{
	const struct pkt *p = &r->p;

	EXPECT("reason", r->reason, c->reason);
	if (c->reason != CF_REASON_MAX)
		return;
	EXPECT("family", p->l3, c->l3 == 4 ? L3_IPV4 : L3_IPV6);
	EXPECT("protocol", p->proto.n, c->protocol);
	EXPECT("source port", p->sport, c->sport);
	EXPECT("destination port", p->dport, c->dport);
	EXPECT("payload", p->payload_bytes, c->payload);
	EXPECT("notes", p->notes, c->notes);
	EXPECT("inner", p->inner_l3, c->inner == 4 ? L3_IPV4 : c->inner == 6 ? L3_IPV6 : L3_NONE);
	EXPECT("inner offset", p->inner_at, c->inner_at);
	EXPECT("VLAN", p->vlan, c->vlan);
	EXPECT("began", p->began, c->began);
	EXPECT("configuration", p->configuration, c->configuration);
	EXPECT("source", p->src.word[c->l3 == 4 ? 0 : 3] >> 24, 5);
	EXPECT("destination", p->dst.word[c->l3 == 4 ? 0 : 3] >> 24, 9);
}

Test(parse_frame, each_stack_is_understood)
{
	for (size_t i = 0; i < stack_case_count; i++) {
		struct parsed r = parse_text(stack_cases[i].text, NULL);

		expect(&stack_cases[i], &r);
	}
}

/* The same without a link header, as tun, WireGuard and PPP devices hand it over. */
Test(parse_frame, each_stack_is_understood_without_a_link)
{
	static const struct frame_opts raw = { .raw_l3 = true };
	size_t n = 0;

	for (size_t i = 0; i < stack_case_count; i++) {
		struct stack_case c = stack_cases[i];
		struct parsed r;

		if (strncmp(c.text, "eth ip", 6))
			continue;
		c.text += 4;
		c.inner_at -= c.inner ? 14 : 0;
		r = parse_text(c.text, &raw);
		expect(&c, &r);
		n++;
	}
	cr_assert_gt(n, 60);
	cr_expect_eq(parse((const uint8_t *)"\x50", 1, &raw, "version 5").reason,
		     CF_REASON_UNPARSED_SHORT_IP);
	cr_expect_eq(parse(NULL, 0, &raw, "nothing").reason, CF_REASON_UNPARSED_SHORT_IP);
}

/* Cut anywhere: nothing behind the end is read, and what was there is not payload. */
Test(parse_frame, each_stack_may_be_cut_at_each_byte)
{
	static const struct frame_opts kinds[] = { { false, false, 0, 0 },
						   { false, true, 9, 0 },
						   { false, false, 0, 1400 } };

	for (size_t i = 0; i < stack_case_count; i++) {
		uint8_t buf[STACK_MAX];
		size_t n = stack_build(stack_cases[i].text, buf);

		for (size_t cut = 0; cut <= n; cut++)
			for (size_t k = 0; k < 3; k++)
				parse(buf, cut, &kinds[k], stack_cases[i].text);
	}
}

/* Each byte of the headers, with each bit turned over. */
Test(parse_frame, each_bit_may_be_wrong)
{
	static const struct frame_opts none, raw = { .raw_l3 = true };

	for (size_t i = 0; i < stack_case_count; i++) {
		uint8_t buf[STACK_MAX];
		size_t n = stack_build(stack_cases[i].text, buf);

		for (size_t bit = 0; bit < 8 * (n < 160 ? n : 160); bit++) {
			buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
			parse(buf, n, &none, stack_cases[i].text);
			parse(buf + 14, n - 14, &raw, stack_cases[i].text);
			buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* A card or the kernel may have taken the outer tag off: it is the outer one still. */
Test(parse_frame, a_tag_in_metadata_is_the_outer_one)
{
	static const struct frame_opts tagged = { .tagged = true, .vlan = 0x2005 };
	struct parsed r = parse_text("eth ip4 tcp data:9", &tagged);

	cr_expect_eq(r.reason, CF_REASON_MAX);
	cr_expect_eq(r.p.vlan, 5);
	r = parse_text("eth vlan:7 ip6 tcp data:9", &tagged);
	cr_expect_eq(r.reason, CF_REASON_MAX);
	cr_expect_eq(r.p.vlan, 5);
	cr_expect_eq(r.p.payload_bytes, 9);
	r = parse_text("eth vlan:7 pppoe ip4 tcp data:9", &tagged);
	cr_expect_eq(r.reason, CF_REASON_MAX);
	r = parse_text("eth qinq:7 vlan:8 ip4 tcp data:9", &tagged);
	cr_expect_eq(r.reason, CF_REASON_UNPARSED_TAGS, "two tags in all");
	r = parse_text("eth arp data:28", &tagged);
	cr_expect_eq(r.reason, CF_REASON_IGNORED_ARP);
}

Test(parse_frame, pppoe_that_is_cut_short_or_strange_is_unparsed)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum cf_reason want;
	} cases[] = {
		{ 14, 0x21, CF_REASON_UNPARSED_PPPOE },  /* version */
		{ 15, 0x09, CF_REASON_UNPARSED_PPPOE },  /* a discovery code */
		{ 18, 0x7f, CF_REASON_UNPARSED_PPPOE },  /* longer than the frame */
		{ 20, 0x80, CF_REASON_IGNORED_CONTROL }, /* IPCP */
		{ 20, 0x02, CF_REASON_UNPARSED_NON_IP },
		{ 21, 0xfd, CF_REASON_UNPARSED_NON_IP }, /* compressed */
	};
	uint8_t buf[STACK_MAX];
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = stack_build("eth pppoe ip4 tcp data:9", buf);
		buf[cases[i].at] = cases[i].value;
		cr_expect_eq(parse(buf, n, NULL, "PPPoE").reason, cases[i].want, "case %zu", i);
	}
	n = stack_build("eth pppoe ip4 tcp data:9", buf);
	for (size_t cut = 14; cut < n; cut++)
		cr_expect_eq(parse(buf, cut, NULL, "PPPoE").reason, CF_REASON_UNPARSED_PPPOE);
}

/*
 * BIG TCP: payload length 0 and a jumbo option that never gets to the wire. In a
 * frame of ordinary size the same bytes are an extension header.
 */
Test(parse_frame, big_tcp_is_measured_by_the_frame)
{
	static const struct frame_opts big = { .beyond = 100000 };
	uint8_t buf[STACK_MAX];
	size_t n = stack_build("eth ip6 hop tcp", buf);
	struct parsed r;

	buf[18] = buf[19] = 0;
	buf[56] = 0xc2;
	buf[57] = 4;
	r = parse(buf, n, &big, "IPv6 BIG TCP");
	cr_expect(r.p.jumbo);
	cr_expect_eq(r.p.payload_bytes, 100000);
	cr_expect_eq(r.p.headers, 14 + 40 + 20);
	cr_expect_eq(r.p.dport, 443);
	r = parse(buf, n, NULL, "a jumbo option in a small frame");
	cr_expect_not(r.p.jumbo);
	cr_expect_eq(r.p.payload_bytes, 8);
	cr_expect_eq(r.p.headers, 14 + 40 + 8 + 20);
	n = stack_build("eth ip4 tcp", buf);
	buf[16] = buf[17] = 0;
	r = parse(buf, n, &big, "IPv4 BIG TCP");
	cr_expect_eq(r.p.payload_bytes, 100000);
	n = stack_build("eth ip6 tcp", buf);
	buf[18] = buf[19] = 0;
	r = parse(buf, n, &big, "IPv6 BIG TCP without an option");
	cr_expect_eq(r.p.payload_bytes, 100000);
}

/* What is behind the IP packet is not its ports. */
Test(parse_frame, padding_is_not_a_header)
{
	uint8_t buf[STACK_MAX];
	size_t n = stack_build("eth ip4 udp:5:53 data:20", buf);
	struct parsed r;

	buf[17] = 20;
	r = parse(buf, n, NULL, "IPv4 of no payload");
	cr_expect_eq(r.reason, CF_REASON_MAX);
	cr_expect_eq(r.p.dport, 0);
	cr_expect_eq(r.p.payload_bytes, 0);
}
