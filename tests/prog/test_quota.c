/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P3: a quota of N lets at most N bytes pass, and the packet that would exceed it is the first
 * dropped. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "prog_help.h"

#define HEAD               "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define POLICY(quota, ats) HEAD "policy \"p\" { from any to any\n" quota "\n" ats " }\n"

static struct frame_spec tcp(const char *src, const char *dst, uint32_t payload)
{
	return (struct frame_spec){ src, dst, 6, 40000, 443, payload, 5, .options = 0 };
}

Test(quota, the_packet_that_would_exceed_is_the_first_dropped)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000), ack = s, small = s, other = s;
	struct rig r;

	rig_setup(&r, POLICY("quota 10500 B per destination each hour", "at 100% drop"), NULL);
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	/* latched: what would still fit is dropped too, and what weighs nothing */
	small.payload = 100;
	assert_reason(rig_packet(&r, RIG_INSIDE, &small), CF_REASON_DROP_QUOTA);
	ack.payload = 0;
	assert_reason(rig_packet(&r, RIG_INSIDE, &ack), CF_REASON_DROP_QUOTA);
	/* another source to the same destination is the same key; another destination is not */
	other.src = "10.0.0.6";
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_DROP_QUOTA);
	other.dst = "203.0.113.2";
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_QUOTA);
	rig_reload(&r, POLICY("quota 10500 B per destination each hour", "at 100% drop"), NULL);
	s.dst = "203.0.113.1";
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_DESTINATION), 2);
}

Test(quota, exactly_the_limit_passes)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct quota_state q;
	struct rig r;

	rig_setup(&r, POLICY("quota 10 kB per source each hour", "at 100% drop"), NULL);
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	q = rig_quota(&r, CF_KEY_SOURCE);
	cr_assert_eq(q.used_bytes, 10000);
	cr_assert_eq(q.latched, 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	q = rig_quota(&r, CF_KEY_SOURCE);
	cr_assert_eq(q.used_bytes, 10000, "a dropped packet is charged to none");
	cr_assert_eq(q.latched, 1);
	cr_assert_eq(q.attempted_bytes, 1000);
	cr_assert_eq(q.attempted_packets, 1);
}

Test(quota, payload_by_default_wire_on_request)
{
	struct frame_spec ack = tcp("10.0.0.5", "203.0.113.1", 0);
	struct rig r;

	rig_setup(&r, POLICY("quota 100 B per source each hour", "at 100% drop"), NULL);
	rig_repeat(&r, RIG_INSIDE, &ack, 10000);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 0, "acknowledgements of a download");
	rig_reload(&r, POLICY("quota 540 B wire per source each hour", "at 100% drop"), NULL);
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &ack), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &ack), CF_REASON_DROP_QUOTA);
}

/* P7: on an attached segment a host is its MAC, over IPv4, IPv6 and privacy addresses. */
Test(quota, a_host_is_its_mac_on_an_attached_segment)
{
	struct frame_spec a = tcp("10.0.0.5", "203.0.113.1", 400);
	struct frame_spec b = tcp("fd12:3456::1:5", "2001:db8::1", 400);
	struct frame_spec c = tcp("fd12:3456::dead:beef", "2001:db8::2", 400);
	struct frame_spec far = tcp("10.9.0.5", "203.0.113.1", 400);
	struct rig r;

	rig_setup(&r, POLICY("quota 1 kB per source each hour", "at 100% drop"), NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &a), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &b), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &c), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 1);
	/* behind a router every host has the router's MAC: the address is the host */
	assert_reason(rig_packet(&r, RIG_INSIDE, &far), CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 2);
}

Test(quota, several_quotas_any_trips_and_a_drop_charges_none)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r,
		  POLICY("quota 5 kB per destination each hour\nquota 8 kB per source each hour\n"
			 "quota 1 MB per policy each day",
			 "at 100% drop"),
		  NULL);
	for (int i = 0; i < 5; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	for (int i = 0; i < 20; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 5000);
	cr_assert_eq(rig_quota(&r, CF_KEY_POLICY).used_bytes, 5000);
	s.dst = "203.0.113.2";
	for (int i = 0; i < 3; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_POLICY).used_bytes, 8000);
}

/* Those with much room are charged when they are asked, before another one refuses. */
Test(quota, nor_those_that_have_much_room)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r,
		  POLICY("quota 40 MB per policy each day\nquota 20 MB per destination each hour\n"
			 "quota 8 kB per source each hour\nquota 30 MB per pair each hour",
			 "at 100% drop"),
		  NULL);
	for (int i = 0; i < 8; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	for (int i = 0; i < 20; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_POLICY).used_bytes, 8000);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 8000);
	cr_assert_eq(rig_quota(&r, CF_KEY_PAIR).used_bytes, 8000);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).attempted_bytes, 20000);
}

struct events {
	int at, drop;
};

static void count_event(void *arg, const struct cf_event *ev)
{
	struct events *e = arg;

	e->at += ev->kind == CF_EVENT_AT;
	e->drop += ev->kind == CF_EVENT_DROP;
}

/* Where several quotas are charged as they are asked, the packet that reaches a threshold reports.
 */
Test(quota, each_of_several_reports_its_threshold)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct events e = { 0 };
	struct rig r;

	rig_setup(&r,
		  POLICY("quota 10 MB per source each hour\nquota 20 MB per destination each hour",
			 "at 50% alert info at 100% drop, alert critical"),
		  NULL);
	rig_repeat(&r, RIG_INSIDE, &s, 4999);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 0);
	rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 1);
	rig_repeat(&r, RIG_INSIDE, &s, 5000);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 2);
	cr_assert_eq(e.drop, 1);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 10000000);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 10000000);
}

Test(quota, each_threshold_reports_once)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct events e = { 0 };
	struct rig r;

	rig_setup(&r,
		  POLICY("quota 10 kB per pair each hour",
			 "at 50% alert info at 80% alert warning at 100% drop, alert critical"),
		  NULL);
	for (int i = 0; i < 7; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 1);
	for (int i = 0; i < 30; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 2);
	cr_assert_eq(e.drop, 1);
}

Test(quota, observe_charges_and_latches_in_shadow)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r,
		  "outside wan0\ninside lan0, lan1\nmode observe\n"
		  "policy \"p\" { from any to any quota 3 kB per source each hour at 100% drop }\n",
		  NULL);
	for (int i = 0; i < 3; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_OBSERVED);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).latched, 1);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 3000);
}

/* The ledger is full: the keys without an entry share one, so that the bound still holds. */
Test(quota, a_full_ledger_keeps_the_bound)
{
	static const struct rig_options opt = { .quota_keys = 8 };
	struct rig_run run;
	unsigned int passed = 0;
	struct rig r;

	rig_setup(&r, POLICY("quota 3 kB per destination each hour", "at 100% drop"), &opt);
	for (int i = 1; i <= 200; i++) {
		char dst[32];
		struct frame_spec s = tcp("10.0.0.5", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		run = rig_packet(&r, RIG_INSIDE, &s);
		cr_assert(run.reason == CF_REASON_PASS_QUOTA || run.reason == CF_REASON_DROP_QUOTA);
		passed += !run.dropped;
	}
	/* seven keys beside the shared entry, one packet each, and three packets for all the rest
	 */
	cr_assert_leq(passed, 8 + 3);
	cr_assert_geq(passed, 3);
}

/*
 * A key that was charged by the shared entry, and is given one of its own when there is room
 * again, has no second limit in the same period.
 */
Test(quota, who_shared_first_has_no_second_limit)
{
	static const struct rig_options opt = { .quota_keys = 8 };
	static const struct rig_options soon = { .quota_keys = 8, .now = "2026-11-23 13:30" };
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.250", 1000);
	unsigned int passed = 0;
	struct rig r;

	rig_setup(&r, POLICY("quota 10 kB per destination each hour", "at 100% drop"), &opt);
	for (int i = 1; i <= 8; i++) {
		char dst[32];
		struct frame_spec each = tcp("10.0.0.5", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		rig_packet(&r, RIG_INSIDE, &each);
	}
	rig_reload(&r, POLICY("quota 10 kB per destination each hour", "at 100% drop"), &soon);
	for (int i = 0; i < 4; i++)
		passed += !rig_packet(&r, RIG_INSIDE, &s).dropped;
	cr_assert_eq(passed, 4);
	cr_assert_eq(rig_quota(&r, CF_KEY_OVERFLOW).used_bytes, 4000);
	cr_assert_eq(datapath_quota_prune(r.dp, r.image, (struct utc){ 1795440600 }), 8);
	for (int i = 0; i < 20; i++)
		passed += !rig_packet(&r, RIG_INSIDE, &s).dropped;
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 10000);
	cr_assert_eq(passed, 10, "%u packets of 1 kB passed", passed);
}

/* Packets that find no room are not keys that their source has made. */
Test(quota, a_full_ledger_uses_up_nobodys_share)
{
	static const struct rig_options opt = { .quota_keys = 8 };
	static const struct rig_options soon = { .quota_keys = 8, .now = "2026-11-23 13:30" };
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.250", 1000);
	struct rig r;

	rig_setup(&r, POLICY("quota 10 kB per destination each hour", "at 100% drop"), &opt);
	for (int i = 1; i <= 8; i++) {
		char dst[32];
		struct frame_spec each = tcp("10.0.0.5", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		rig_packet(&r, RIG_INSIDE, &each);
	}
	rig_repeat(&r, RIG_INSIDE, &s, 3000000);
	rig_reload(&r, POLICY("quota 10 kB per destination each hour", "at 100% drop"), &soon);
	cr_assert_geq(datapath_quota_prune(r.dp, r.image, (struct utc){ 1795440600 }), 8);
	rig_packet(&r, RIG_INSIDE, &s);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_DESTINATION), 1);
}

struct racer {
	struct rig *r;
	int cpu;
	int fd;
};

static void *race(void *arg)
{
	struct racer *me = arg;
	struct frame_spec s = tcp("10.0.0.5", me->cpu ? "203.0.113.1" : "203.0.113.2", 1000);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(me->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	s.src = me->cpu ? "10.0.0.5" : "10.0.0.6";
	rig_repeat(me->r, RIG_GATEWAY, &s, 300000);
	return NULL;
}

static void race_for(const char *policy)
{
	struct racer racers[2];
	pthread_t threads[2];
	struct rig_pair a, b;
	uint64_t passed;
	struct rig r;

	rig_setup(&r, policy, NULL);
	for (int i = 0; i < 2; i++) {
		racers[i] = (struct racer){ .r = &r, .cpu = i };
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	a = rig_pair(&r, "10.0.0.5", "203.0.113.1");
	b = rig_pair(&r, "10.0.0.6", "203.0.113.2");
	cr_assert_eq(a.packets + b.packets, 600000);
	passed = (a.wire + b.wire - a.dropped - b.dropped) / 1054 * 1000;
	cr_assert_leq(passed, 123456789);
	cr_assert_gt(passed, 123456789 - 1000 * 2, "the quota was not used up: %lu",
		     (unsigned long)passed);
	cr_assert_eq(rig_quota(&r, CF_KEY_POLICY).used_bytes, passed);
}

Test(quota, no_overshoot_from_all_cpus_at_once)
{
	race_for(POLICY("quota 123456789 B per policy each hour", "at 100% drop"));
}

Test(quota, nor_where_there_are_several)
{
	race_for(POLICY("quota 900 MB per destination each hour\n"
			"quota 123456789 B per policy each hour\nquota 900 MB per source each hour",
			"at 100% drop"));
}

/* Keys of past periods make room for new ones, and a key in use is never taken away. */
Test(quota, a_ledger_that_fills_up_is_cleared_of_the_past)
{
	static const struct rig_options opt = { .quota_keys = 20 };
	static const struct rig_options later = { .quota_keys = 20, .now = "2026-11-23 13:30" };
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r, POLICY("quota 3 kB per destination each hour", "at 100% drop"), &opt);
	for (int i = 1; i <= 15; i++) {
		char dst[32];
		struct frame_spec each = tcp("10.0.0.5", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		rig_packet(&r, RIG_INSIDE, &each);
	}
	cr_assert_eq(datapath_quota_prune(r.dp, r.image, (struct utc){ 1795435800 }), 0,
		     "pruned within the period");
	rig_reload(&r, POLICY("quota 3 kB per destination each hour", "at 100% drop"), &later);
	rig_packet(&r, RIG_INSIDE, &s);
	int pruned = datapath_quota_prune(r.dp, r.image, (struct utc){ 1795440600 });

	cr_assert_eq(pruned, 14, "%d keys were pruned", pruned);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 1000);
	rig_reload(&r, HEAD, &later);
	cr_assert_geq(datapath_quota_prune(r.dp, r.image, (struct utc){ 1795440600 }), 1,
		      "a quota that is no longer written is forgotten");
}

static void take_key(void *arg, const struct cf_quota_key *k, const struct quota_state *s)
{
	(void)s;
	if (k->kind == CF_KEY_SOURCE)
		*(struct cf_quota_key *)arg = *k;
}

Test(quota, a_key_can_be_given_back)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct cf_quota_key key = { 0 };
	struct rig r;

	rig_setup(&r, POLICY("quota 2 kB per source each hour", "at 100% drop"), NULL);
	for (int i = 0; i < 3; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	datapath_quotas(r.dp, take_key, &key);
	cr_assert_eq(datapath_quota_reset(r.dp, &key), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 1000);
}

/* However an IPv4 destination is dressed, it is one key. */
Test(quota, nat64_and_6to4_are_the_same_destination)
{
	static const char *const dst[] = { "203.0.113.9", "64:ff9b::203.0.113.9",
					   "2002:cb00:7109::1" };
	struct rig r;

	rig_setup(&r, POLICY("quota 2500 B per destination each hour", "at 100% drop"), NULL);
	for (int i = 0; i < 3; i++) {
		struct frame_spec s = tcp(i ? "fd12:3456::5" : "10.0.0.5", dst[i], 1000);

		assert_reason(rig_packet(&r, RIG_INSIDE, &s),
			      i < 2 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	}
	cr_assert_eq(rig_quota_count(&r, CF_KEY_DESTINATION), 1);
}

Test(quota, two_policies_in_shadow_each_refuse_for_themselves)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(
		&r,
		"outside wan0\ninside lan0, lan1\nmode observe\n"
		"policy \"p\" { from any to any quota 2 kB per source each hour at 100% drop }\n"
		"policy \"q\" { from any to any quota 3 kB per destination each hour at 100% drop }\n",
		NULL);
	for (int i = 0; i < 10; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 2000);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 3000);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).attempted_bytes, 8000);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).attempted_bytes, 7000);
}

/*
 * The clock was ahead when a quota was used up, and is set back: the key does not wait
 * until then, and what it had counts for the present hour.
 */
Test(quota, a_clock_set_back_does_not_keep_a_key_used_up)
{
	static const struct rig_options ahead = { .now = "2026-11-26 12:00" };
	static const struct rig_options next_hour = { .now = "2026-11-23 13:00" };
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r, POLICY("quota 1 kB per source each hour", "at 100% drop"), &ahead);
	for (int i = 0; i < 2; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).latched, 1);
	rig_reload(&r, POLICY("quota 1 kB per source each hour", "at 100% drop"), NULL);
	cr_assert_eq(datapath_quota_prune(r.dp, r.image, (struct utc){ 1795435200 }), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	rig_reload(&r, POLICY("quota 1 kB per source each hour", "at 100% drop"), &next_hour);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
}
