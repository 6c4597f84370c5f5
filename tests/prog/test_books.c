/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P1: slots + overflow + ignored + unparsed = what the hook was offered, to the byte. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include "prog_help.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"

static void check_books(struct rig *r, enum cf_hook hook, uint64_t packets, uint64_t wire)
{
	struct cf_traffic slots, overflow, offered;

	rig_books(r, hook, &slots, &overflow, &offered);
	cr_assert_eq(offered.packets, packets);
	cr_assert_eq(offered.wire_bytes, wire);
	cr_assert_eq(slots.packets + overflow.packets, packets);
	cr_assert_eq(slots.wire_bytes + overflow.wire_bytes, wire);
	cr_assert_eq(slots.payload_bytes + overflow.payload_bytes, offered.payload_bytes);
}

/* One more packet than a 32-bit packet counter of a poll could hide, from one pair. */
Test(books, one_pair_is_exact)
{
	struct frame_spec s = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	rig_repeat(&r, RIG_INSIDE, &s, 100000);
	check_books(&r, CF_HOOK_INSIDE, 100000, 100000ULL * 1054);
	rig_repeat(&r, RIG_GATEWAY, &s, 50000);
	check_books(&r, CF_HOOK_OUTSIDE, 50000, 50000ULL * 1054);
}

/* Ten times what the shard holds: what finds no slot is in overflow, nothing is lost. */
static void spray(const char *format, int n, const struct rig_options *opt)
{
	uint64_t wire = 0;
	struct rig r;

	rig_setup(&r, OBSERVE, opt);
	for (int i = 0; i < n; i++) {
		char dst[64];
		struct frame_spec s = { "10.0.0.5", dst, 17, 1, 53, 100 };
		struct frame_bytes f;

		snprintf(dst, sizeof(dst), format, i >> 8, i & 255);
		if (format[0] == '2')
			s.src = "fd12:3456::5";
		frame_build(&s, &f);
		wire += f.len;
		rig_repeat(&r, RIG_INSIDE, &s, 1);
	}
	check_books(&r, CF_HOOK_INSIDE, (uint64_t)n, wire);
}

/* What many CPUs find no slot for may be counted in one row. */
Test(books, nor_where_cpus_share_lanes)
{
	struct rig_options shared = { .shared_lanes = true };

	spray("45.1.%d.%d", 20480, &shared);
}

struct told {
	unsigned int rows;
	struct cf_traffic sum;
};

static void tell(void *arg, const struct overflow_sample *o)
{
	struct told *t = arg;

	t->rows++;
	t->sum.packets += o->traffic.packets;
	t->sum.wire_bytes += o->traffic.wire_bytes;
}

/* Lanes are nobody's business but the programs'. */
Test(books, lanes_are_told_as_one)
{
	struct cf_overflow_key key = { .label = 7, .source_class = 3, .hook = CF_HOOK_INSIDE };
	struct told told = { 0 };
	struct rig r;
	int fd;

	rig_setup(&r, OBSERVE, NULL);
	fd = bpf_obj_get("/sys/fs/bpf/curfew/overflow");
	for (key.lane = 0; key.lane < CF_OVERFLOW_LANES; key.lane++) {
		struct cf_traffic t = { .packets = 1, .wire_bytes = 10 + key.lane };

		cr_assert_eq(bpf_map_update_elem(fd, &key, &t, BPF_ANY), 0);
	}
	datapath_overflow(r.dp, tell, &told);
	cr_assert_eq(told.rows, 1);
	cr_assert_eq(told.sum.packets, CF_OVERFLOW_LANES);
	cr_assert_eq(told.sum.wire_bytes, 10 * CF_OVERFLOW_LANES + 28);
}

Test(books, an_ipv4_spray_loses_nothing)
{
	spray("45.1.%d.%d", 40960, NULL);
}

Test(books, an_ipv6_spray_loses_nothing)
{
	spray("2001:db8:%x:%x::1", 40960, NULL);
}

/* More pairs of hosts that all differ than one CPU's shard holds; nobody is over his share. */
static void overrun(struct rig *r)
{
	for (int i = 0; i < 12288; i++) {
		char src[32], dst[32];
		struct frame_spec s = { src, dst, 17, 1, 53, 100, .options = 0 };

		snprintf(src, sizeof(src), "10.1.%d.%d", i >> 8, i & 255);
		snprintf(dst, sizeof(dst), "45.1.%d.%d", i >> 8, i & 255);
		rig_repeat(r, RIG_INSIDE, &s, 1);
	}
}

struct heard {
	unsigned int alerts, room;
};

static void hear(void *arg, const struct cf_event *ev)
{
	struct heard *h = arg;

	h->alerts += ev->kind == CF_EVENT_POLICY;
	h->room += ev->kind == CF_EVENT_ROOM;
}

/* With nobody there to make room it is asked for without end; what waits to be told goes first. */
Test(books, who_asks_for_room_leaves_alerts_theirs)
{
	struct heard h = { 0 };
	cpu_set_t here;
	struct rig r;

	/* one shard */
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	cr_assert_eq(sched_setaffinity(0, sizeof(here), &here), 0);
	rig_setup(&r, OBSERVE "policy \"p\" { from any to 203.0.0.0/16 then alert info }\n", NULL);
	overrun(&r);
	datapath_events(r.dp, hear, &h);
	cr_assert_gt(h.room, 0, "nobody asked");
	rig_setup(&r, OBSERVE "policy \"p\" { from any to 203.0.0.0/16 then alert info }\n", NULL);
	for (int i = 0; i < 500; i++) {
		char dst[32];
		struct frame_spec s = { "10.0.0.5", dst, 17, 1, 53, 100, 5, .options = 0 };

		snprintf(dst, sizeof(dst), "203.0.%d.%d", i >> 8, i & 255);
		rig_repeat(&r, RIG_INSIDE, &s, 1);
	}
	overrun(&r);
	h = (struct heard){ 0 };
	datapath_events(r.dp, hear, &h);
	cr_assert_eq(h.alerts, 500);
	cr_assert_eq(h.room, 0, "%u of the ring's places", h.room);
}

/* wire_len counts every segment's headers at egress; a hook must believe it. */
Test(books, gso_packets_count_as_their_segments)
{
	struct frame_spec s = { "192.0.2.1", "203.0.113.1", 6, 1, 443, 2800 };
	struct frame_bytes f;
	struct rig_pair p;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	frame_build(&s, &f);
	/* two segments of 1400: one more header of 54 bytes */
	rig_frame(&r, RIG_GATEWAY, &f, f.len + 54, 1400);
	p = rig_pair(&r, "192.0.2.1", "203.0.113.1");
	cr_assert_eq(p.payload, 2800);
	cr_assert_eq(p.wire, f.len + 54);
}

Test(books, reload_keeps_the_counts)
{
	struct frame_spec s = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	for (int i = 0; i < 5; i++) {
		rig_repeat(&r, RIG_INSIDE, &s, 1000);
		rig_reload(&r,
			   OBSERVE "policy \"p\" { from any to 203.0.113.0/24 then alert info }\n",
			   NULL);
	}
	check_books(&r, CF_HOOK_INSIDE, 5000, 5000ULL * 1054);
	cr_assert_eq(datapath_generation(r.dp), 6);
}
