/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P8: what cannot be understood is counted, under its own reason, and never dropped by default. */
#include <criterion/criterion.h>
#include <string.h>

#include "prog_help.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"

struct raw_case {
	const char *what;
	enum cf_reason want;
	uint8_t bytes[80];
	uint32_t len;
};

#define ETHER(hi, lo) 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 9, hi, lo

static const struct raw_case raw_cases[] = {
	{ "ARP", CF_REASON_IGNORED_ARP, { ETHER(0x08, 0x06), 0, 1 }, 42 },
	{ "LLDP", CF_REASON_IGNORED_CONTROL, { ETHER(0x88, 0xcc) }, 60 },
	{ "spanning tree", CF_REASON_IGNORED_CONTROL, { ETHER(0x00, 0x26), 0x42, 0x42, 3 }, 60 },
	{ "IPX", CF_REASON_UNPARSED_NON_IP, { ETHER(0x81, 0x37) }, 60 },
	{ "IPv4 cut short", CF_REASON_UNPARSED_SHORT_IP, { ETHER(0x08, 0x00), 0x45 }, 30 },
	{ "IPv4 of version 5", CF_REASON_UNPARSED_BAD_IP, { ETHER(0x08, 0x00), 0x55 }, 60 },
	{ "IPv4 header of 16 bytes", CF_REASON_UNPARSED_BAD_IP, { ETHER(0x08, 0x00), 0x44 }, 60 },
	{ "IPv4 header longer than the frame",
	  CF_REASON_UNPARSED_SHORT_IP,
	  { ETHER(0x08, 0x00), 0x4f },
	  40 },
	{ "IPv6 cut short", CF_REASON_UNPARSED_SHORT_IP, { ETHER(0x86, 0xdd), 0x60 }, 50 },
	{ "IPv6 of version 4", CF_REASON_UNPARSED_BAD_IP, { ETHER(0x86, 0xdd), 0x45 }, 60 },
	{ "three VLAN tags",
	  CF_REASON_UNPARSED_TAGS,
	  { ETHER(0x81, 0x00), 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 8, 0 },
	  64 },
};

Test(parse, each_frame_leaves_with_its_reason)
{
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < sizeof(raw_cases) / sizeof(raw_cases[0]); i++) {
		struct frame_bytes f = { .len = raw_cases[i].len };
		struct rig_run run;

		memcpy(f.data, raw_cases[i].bytes, sizeof(raw_cases[i].bytes));
		run = rig_frame(&r, RIG_INSIDE, &f, 0, 0);
		cr_expect_eq(run.reason, raw_cases[i].want, "%s: %s", raw_cases[i].what,
			     rig_reason_name(run.reason));
		cr_expect_not(run.dropped);
	}
}

Test(parse, destinations_that_do_not_leave_are_ignored)
{
	static const struct {
		const char *src, *dst;
		enum cf_reason want;
	} cases[] = {
		{ "10.0.0.5", "192.0.2.1", CF_REASON_IGNORED_LOCAL },
		{ "10.0.0.5", "10.1.0.5", CF_REASON_IGNORED_NETWORKS },
		{ "10.0.0.5", "172.16.3.4", CF_REASON_IGNORED_NETWORKS },
		{ "10.0.0.5", "224.0.0.251", CF_REASON_IGNORED_MULTICAST },
		{ "10.0.0.5", "255.255.255.255", CF_REASON_IGNORED_MULTICAST },
		{ "10.0.0.5", "169.254.1.1", CF_REASON_IGNORED_LINK_LOCAL },
		{ "fd12:3456::5", "ff02::fb", CF_REASON_IGNORED_MULTICAST },
		{ "fd12:3456::5", "fe80::1", CF_REASON_IGNORED_LINK_LOCAL },
		{ "fd12:3456::5", "fd12:3456:0:1::5", CF_REASON_IGNORED_NETWORKS },
		{ "10.0.0.5", "203.0.113.5", CF_REASON_PASS_UNMATCHED },
		{ "fd12:3456::5", "2001:db8::5", CF_REASON_PASS_UNMATCHED },
	};
	struct rig r;

	rig_setup(&r, OBSERVE "networks 172.16.0.0/12\n", NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_spec s = { cases[i].src, cases[i].dst, 17, 5000,
					53,           100,          5,  .options = 0 };

		assert_reason(rig_packet(&r, RIG_INSIDE, &s), cases[i].want);
	}
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "10.1.0.5").slots, 0, "ignored, and yet booked");
}

/* Payload: above TCP and UDP headers, else above the IP header; padding is not payload. */
Test(parse, payload_and_wire_bytes_are_exact)
{
	static const struct {
		struct frame_spec s;
		uint32_t payload, wire;
	} cases[] = {
		{ { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 }, 1000, 1054 },
		{ { "10.0.0.5", "203.0.113.2", 6, 1, 443, 0, .padding = 6 }, 0, 60 },
		{ { "10.0.0.5", "203.0.113.3", 17, 1, 53, 10, .padding = 4 }, 10, 56 },
		{ { "10.0.0.5", "203.0.113.4", 1, 0, 0, 64 }, 64, 98 },
		{ { "10.0.0.5", "203.0.113.5", 6, 1, 443, 100, .options = 40 }, 100, 194 },
		{ { "10.0.0.5", "203.0.113.6", 6, 1, 443, 100, .tags = 2 }, 100, 162 },
		{ { "10.0.0.5", "203.0.113.7", 17, 0, 0, 480, .fragment = 0x2000 }, 480, 522 },
		{ { "10.0.0.5", "203.0.113.8", 1, 0, 0, 480, .fragment = 0x00b9 }, 480, 514 },
		{ { "10.0.0.5", "203.0.113.9", 47, 0, 0, 300 }, 300, 334 },
	};
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_pair p;

		rig_packet(&r, RIG_INSIDE, &cases[i].s);
		p = rig_pair(&r, cases[i].s.src, cases[i].s.dst);
		cr_expect_eq(p.payload, cases[i].payload, "%s: payload %lu, not %u", cases[i].s.dst,
			     (unsigned long)p.payload, cases[i].payload);
		cr_expect_eq(p.wire, cases[i].wire, "%s: wire %lu, not %u", cases[i].s.dst,
			     (unsigned long)p.wire, cases[i].wire);
	}
}

/* A TCP header that claims more than there is must not make the rest free. */
Test(parse, a_lying_tcp_header_is_not_free)
{
	struct frame_spec s = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct frame_bytes f;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	frame_build(&s, &f);
	f.data[14 + 20 + 12] = 2 << 4;
	rig_frame(&r, RIG_INSIDE, &f, 0, 0);
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "203.0.113.1").payload, 1020);
}

Test(parse, ipv6_extensions_are_walked_and_destinations_are_kept_per_64)
{
	/* hop-by-hop, then destination options, then UDP with 4 bytes */
	struct frame_spec s = { "fd12:3456::5", "2001:db8:1:2::99", 0, 0, 0, 8 + 8 + 12 };
	struct frame_bytes f;
	struct rig_pair p;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	frame_build(&s, &f);
	f.data[54] = 60;
	f.data[62] = 17;
	assert_reason(rig_frame(&r, RIG_INSIDE, &f, 0, 0), CF_REASON_PASS_UNMATCHED);
	p = rig_pair(&r, "fd12:3456::5", "2001:db8:1:2::");
	cr_assert_eq(p.slots, 1);
	cr_assert_eq(p.payload, 16 + 4, "options can carry anything: they are payload");
}

/* P8: more headers than we walk, or cut short: judged by address, never let through unseen. */
Test(parse, ipv6_extensions_are_no_way_around_a_policy)
{
	static const struct {
		const char *what;
		unsigned int headers;
		uint8_t length; /* of the last one, in 8 bytes beyond the first */
	} cases[] = { { "nine headers", 9, 0 }, { "longer than the packet", 1, 200 } };
	struct rig r;

	rig_setup(&r,
		  "outside wan0\ninside lan0, lan1\nmode enforce\n"
		  "policy \"p\" { from any to 2001:db8::/32 then drop }\n",
		  NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_spec s = { "fd12:3456::5", "2001:db8:1:2::99", 60, 0, 0, 300 };
		struct frame_bytes f;
		struct rig_run run;

		frame_build(&s, &f);
		for (unsigned int h = 0; h < cases[i].headers; h++)
			f.data[54 + 8 * h] = h + 1 < cases[i].headers ? 60 : 17;
		f.data[54 + 8 * (cases[i].headers - 1) + 1] = cases[i].length;
		run = rig_frame(&r, RIG_INSIDE, &f, 0, 0);
		cr_assert_eq(run.reason, CF_REASON_DROP_POLICY, "%s: %s", cases[i].what,
			     rig_reason_name(run.reason));
	}
	cr_assert_eq(rig_pair(&r, "fd12:3456::5", "2001:db8:1:2::").payload, 600);
}

/* AH counts its length in other units, and a fragment header has none (RFC 4302, 8200). */
Test(parse, ipv6_headers_of_unlike_length_are_measured_each_in_its_way)
{
	static const struct {
		const char *what;
		uint8_t next, length; /* the extension header's first bytes behind its own */
		uint16_t fragment;    /* offset and flags */
		uint32_t bytes;       /* of it; behind it: UDP with four bytes */
		uint32_t payload;     /* what must be counted, options included */
	} cases[] = {
		{ "AH of 24 bytes", 51, 4, 0, 24, 24 + 4 },
		{ "first fragment", 44, 0, 1, 8, 8 + 4 },
		{ "first fragment, reserved byte set", 44, 3, 1, 8, 8 + 4 },
		{ "later fragment, reserved byte set", 44, 3, 8, 8, 8 + 12 },
		{ "routing of 24 bytes", 43, 2, 0, 24, 24 + 4 },
		{ "mobility of 16 bytes", 135, 1, 0, 16, 16 + 4 },
	};
	uint64_t before = 0;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_spec s = { "fd12:3456::5",     "2001:db8:1:2::99", cases[i].next, 0, 0,
					cases[i].bytes + 12 };
		struct frame_bytes f;
		uint64_t payload;

		frame_build(&s, &f);
		f.data[54] = 17;
		f.data[55] = cases[i].length;
		f.data[56] = (uint8_t)(cases[i].fragment >> 8);
		f.data[57] = (uint8_t)cases[i].fragment;
		rig_frame(&r, RIG_INSIDE, &f, 0, 0);
		payload = rig_pair(&r, "fd12:3456::5", "2001:db8:1:2::").payload;
		cr_assert_eq(payload - before, cases[i].payload, "%s: %lu", cases[i].what,
			     (unsigned long)(payload - before));
		before = payload;
	}
}
