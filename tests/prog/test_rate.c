/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rate lets at most rate * t + burst pass, on any number of CPUs, and not much less. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "prog_help.h"

#define HEAD              "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define POLICY(rate, ats) HEAD "policy \"p\" { from any to any\n" rate "\n" ats " }\n"
#define HEADERS           54 /* Ethernet, IPv4, TCP */

static struct frame_spec tcp(const char *src, const char *dst, uint32_t wire)
{
	return (struct frame_spec){ src, dst, 6, 40000, 443, wire - HEADERS, 5, .options = 0 };
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A byte takes eight seconds: nothing comes back while the test runs. */
Test(rate, the_burst_passes_and_the_next_packet_does_not)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000), small = s;
	struct rig r;

	rig_setup(&r, POLICY("rate 1 kbit/s burst 10 kB per source", "at 100% drop"), NULL);
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	for (int i = 0; i < 3; i++) {
		struct rig_run run = rig_packet(&r, RIG_INSIDE, &s);

		assert_reason(run, CF_REASON_DROP_RATE);
		cr_assert(run.dropped);
	}
	/* a rate does not latch: what costs nothing of the burst is no more than the time gone by
	 */
	small.payload = 0;
	assert_reason(rig_packet(&r, RIG_INSIDE, &small), CF_REASON_DROP_RATE);
	s.src = "10.9.0.6";
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	/* an unchanged rate keeps what is used over a reload; one that is written anew is new */
	s.src = "10.9.0.5";
	rig_reload(&r, POLICY("rate 1 kbit/s burst 10 kB per source", "at 100% drop"), NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_RATE);
	rig_reload(&r, POLICY("rate 1 kbit/s burst 11 kB per source", "at 100% drop"), NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
}

Test(rate, a_drop_at_half_the_burst_halves_it)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r, POLICY("rate 1 kbit/s burst 10 kB per source", "at 50% drop"), NULL);
	for (int i = 0; i < 6; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s),
			      i < 5 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_RATE);
}

struct racer {
	struct rig *r;
	int cpu;
	int times;
};

static void *race(void *arg)
{
	struct racer *me = arg;
	struct frame_spec s = tcp(me->cpu ? "10.0.0.5" : "10.0.0.6",
				  me->cpu ? "203.0.113.1" : "203.0.113.2", 1000);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(me->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	rig_repeat(me->r, RIG_GATEWAY, &s, me->times);
	return NULL;
}

static void race_on_two_cpus(struct rig *r, int times)
{
	struct racer racers[2];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		racers[i] = (struct racer){ .r = r, .cpu = i, .times = times };
		pthread_create(&threads[i], NULL, race, &racers[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static uint64_t passed_bytes(struct rig *r)
{
	struct rig_pair a = rig_pair(r, "10.0.0.5", "203.0.113.1");
	struct rig_pair b = rig_pair(r, "10.0.0.6", "203.0.113.2");

	return a.wire + b.wire - a.dropped - b.dropped;
}

#define RATE_BITS  200000000ULL
#define RATE_BURST 500000ULL

/* Over every stretch of time, the whole as well as each part. */
Test(rate, never_more_than_rate_times_t_plus_burst_from_two_cpus)
{
	enum { ROUNDS = 12 };
	uint64_t at[ROUNDS + 1], ended[ROUNDS + 1], passed[ROUNDS + 1], allowed;
	struct rig r;

	rig_setup(&r, POLICY("rate 200 Mbit/s burst 500 kB per policy", "at 100% drop"), NULL);
	passed[0] = 0;
	at[0] = ended[0] = now_ns();
	for (int i = 1; i <= ROUNDS; i++) {
		at[i] = now_ns();
		/* as fast as the machine can: far more than the rate */
		race_on_two_cpus(&r, 50000 * i);
		ended[i] = now_ns();
		passed[i] = passed_bytes(&r);
	}
	for (int i = 1; i <= ROUNDS; i++)
		for (int k = i; k <= ROUNDS; k++) {
			allowed = (ended[k] - at[i]) * RATE_BITS / 8000000000 + RATE_BURST;
			cr_assert_leq(passed[k] - passed[i - 1], allowed,
				      "%lu bytes in rounds %d to %d, more than %lu",
				      (unsigned long)(passed[k] - passed[i - 1]), i, k,
				      (unsigned long)allowed);
		}
	/* it lets more pass than the burst, and goes on to; how much more depends on who else runs
	 */
	cr_assert_gt(passed[ROUNDS], RATE_BURST);
	for (int i = 1; i <= ROUNDS; i++)
		cr_assert_gt(passed[i], passed[i - 1], "nothing in round %d", i);
	cr_assert_leq(passed[ROUNDS] * 2, 1000ULL * 2 * 50000 * ROUNDS * (ROUNDS + 1) / 2,
		      "too little was sent to prove anything");
}

/*
 * The same where every packet changes the word, so that a lost change shows: all of the
 * burst at once, and next to nothing comes back meanwhile.
 */
Test(rate, no_change_of_the_word_is_lost_from_two_cpus)
{
	uint64_t began, took, passed, allowed;
	struct rig r;

	rig_setup(&r, POLICY("rate 1 kbit/s burst 500 MB per policy", "at 100% drop"), NULL);
	began = now_ns();
	race_on_two_cpus(&r, 700000);
	took = now_ns() - began;
	passed = passed_bytes(&r);
	allowed = 500000000 + took / 8000000;
	cr_assert_leq(passed, allowed, "%lu bytes, more than %lu", (unsigned long)passed,
		      (unsigned long)allowed);
	cr_assert_geq(passed, 500000000 - 2000, "only %lu bytes", (unsigned long)passed);
}

/* What a quota refuses takes nothing of the rate, and what the rate refuses nothing of the quota.
 */
Test(rate, a_dropped_packet_is_charged_to_none)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(
		&r,
		POLICY("quota 3 kB wire per destination each hour\n"
		       "quota 10 MB wire per source each hour\nrate 1 kbit/s burst 5 kB per source",
		       "at 100% drop"),
		NULL);
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s),
			      i < 3 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	s.dst = "203.0.113.2";
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s),
			      i < 2 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_RATE);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 5000);
}

Test(rate, observe_only_says_so)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r,
		  "outside wan0\ninside lan0, lan1\nmode observe\npolicy \"p\" { from any to any\n"
		  "rate 1 kbit/s burst 2 kB per source\nat 100% drop }\n",
		  NULL);
	for (int i = 0; i < 4; i++) {
		struct rig_run run = rig_packet(&r, RIG_INSIDE, &s);

		assert_reason(run, i < 2 ? CF_REASON_PASS_QUOTA : CF_REASON_PASS_OBSERVED);
		cr_assert_not(run.dropped);
	}
}

struct events {
	int at, drop;
	uint64_t used;
};

static void count_event(void *arg, const struct cf_event *ev)
{
	struct events *e = arg;

	e->at += ev->kind == CF_EVENT_AT;
	e->drop += ev->kind == CF_EVENT_DROP;
	if (ev->kind == CF_EVENT_AT)
		e->used = ev->used_bytes;
}

Test(rate, reports_once)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct events e = { 0 };
	struct rig r;

	rig_setup(&r,
		  POLICY("rate 1 kbit/s burst 10 kB per pair", "at 50% alert at 100% drop, alert"),
		  NULL);
	for (int i = 0; i < 4; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 0);
	rig_packet(&r, RIG_INSIDE, &s);
	rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 1);
	cr_assert(e.used > 5900 && e.used <= 6000, "used %lu", (unsigned long)e.used);
	for (int i = 0; i < 20; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 1);
	cr_assert_eq(e.drop, 1);
}

Test(rate, one_that_only_reports_drops_nothing)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct events e = { 0 };
	struct rig r;

	rig_setup(&r, POLICY("rate 1 kbit/s burst 2 kB per pair", "at 100% alert"), NULL);
	for (int i = 0; i < 10; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	datapath_events(r.dp, count_event, &e);
	cr_assert_eq(e.at, 1);
	cr_assert_eq(e.drop, 0);
}

/* Keys that find no room share one bucket: the bound of each holds for all of them. */
Test(rate, a_full_table_keeps_the_bound)
{
	static const struct rig_options opt = { .quota_keys = 8 };
	unsigned int passed = 0;
	struct rig r;

	rig_setup(&r, POLICY("rate 1 kbit/s burst 3 kB per destination", "at 100% drop"), &opt);
	for (int i = 1; i <= 200; i++) {
		char dst[32];
		struct frame_spec s = tcp("10.9.0.5", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		passed += !rig_packet(&r, RIG_INSIDE, &s).dropped;
	}
	cr_assert_leq(passed, 8 + 3);
	cr_assert_geq(passed, 3);
}

static void count_rate(void *arg, const struct cf_quota_key *k, const struct quota_state *s)
{
	if (s->is_rate && k->kind == CF_KEY_DESTINATION)
		++*(unsigned int *)arg;
}

static unsigned int rate_keys(struct rig *r)
{
	unsigned int n = 0;

	cr_assert_eq(datapath_limits(r->dp, count_rate, &n), 0);
	return n;
}

static void count_all(void *arg, const struct cf_quota_key *k, const struct quota_state *s)
{
	(void)k;
	(void)s;
	++*(unsigned int *)arg;
}

/* What has drained is as good as new, and is forgotten. */
Test(rate, drained_keys_make_room)
{
	struct frame_spec slow = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct utc now = { 1795435260 };
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"slow\" { from any to 203.0.113.1\n"
		       "rate 1 kbit/s burst 3 kB per destination\nat 100% drop }\n"
		       "policy \"fast\" { from any to 203.0.113.2\n"
		       "rate 1 Gbit/s burst 3 kB per destination\nat 100% drop }\n",
		  NULL);
	rig_packet(&r, RIG_INSIDE, &slow);
	slow.dst = "203.0.113.2";
	rig_packet(&r, RIG_INSIDE, &slow);
	cr_assert_eq(rate_keys(&r), 2);
	cr_assert_geq(datapath_quota_prune(r.dp, r.image, now), 0);
	cr_assert_eq(rate_keys(&r), 1, "%u keys", rate_keys(&r));
	assert_reason(rig_packet(&r, RIG_INSIDE, &slow), CF_REASON_PASS_QUOTA);
}

/* A source that sprays keys gets its share of the table, not all of it; the bound holds for it. */
Test(rate, a_spray_of_one_source_leaves_room_for_others)
{
	static const struct rig_options opt = { .quota_keys = 1000 };
	unsigned int passed = 0, keys = 0;
	struct rig r;

	rig_setup(&r,
		  POLICY("rate 1 kbit/s burst 1 kB per pair\nquota 1 kB wire per pair each day",
			 "at 100% drop"),
		  &opt);
	for (int i = 0; i < 600; i++) {
		char dst[32];
		struct frame_spec s = tcp("10.9.0.5", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.%d.%d", 113 + i / 250, 1 + i % 250);
		passed += !rig_packet(&r, RIG_INSIDE, &s).dropped;
	}
	cr_assert_eq(datapath_limits(r.dp, count_all, &keys), 0);
	/* 250 keys of quotas and rates together, and what is shared */
	cr_assert_leq(keys, 252);
	cr_assert_geq(keys, 250);
	cr_assert_leq(passed, 127);
	cr_assert_geq(passed, 125);
	for (int i = 0; i < 20; i++) {
		char dst[32];
		struct frame_spec s = tcp("10.9.0.6", dst, 1000);

		snprintf(dst, sizeof(dst), "203.0.113.%d", 1 + i);
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	}
}
