/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `drop for`, `quarantine` and `mark`: what is dropped for a time is so outside its
 * window, over a reload and to the end of that time, and not longer.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\n"

static struct frame_spec tcp(const char *src, const char *dst, uint32_t payload)
{
	return (struct frame_spec){ src, dst, 6, 40000, 443, payload, 5, .options = 0 };
}

#define PAIRS                                                                                      \
	HEAD "window noon = daily 12:00-13:00\n"                                                   \
	     "policy \"p\" { from any to 203.0.113.1 during noon then drop for 2 h }\n"

Test(hold, a_pair_is_dropped_for_a_time_outside_the_window_too)
{
	static const struct rig_options before = { .now = "2026-11-23 11:00" };
	static const struct rig_options in = { .now = "2026-11-23 12:30" };
	static const struct rig_options after = { .now = "2026-11-23 13:30" };
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000), other = s, to = s;
	struct rig r;

	other.src = "10.9.0.6";
	to.dst = "203.0.113.2";
	rig_setup(&r, PAIRS, &before);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_CLOSED);
	rig_reload(&r, PAIRS, &in);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_POLICY);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	rig_reload(&r, PAIRS, &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	/* that pair within that policy's match */
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_CLOSED);
	assert_reason(rig_packet(&r, RIG_INSIDE, &to), CF_REASON_PASS_UNMATCHED);
	/* an exempt and an except take it out; protect is stronger still */
	rig_reload(&r, PAIRS "exempt \"e\" { from any to 203.0.113.1 }\n", &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_CLOSED);
	rig_reload(&r, PAIRS "protect { from any to 203.0.113.1 }\n", &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_PROTECTED);
	/* observing, it drops nothing */
	rig_reload(&r,
		   "outside wan0\ninside lan0, lan1\nmode observe\n"
		   "window noon = daily 12:00-13:00\n"
		   "policy \"p\" { from any to 203.0.113.1 during noon then drop for 2 h }\n",
		   &after);
	cr_assert_not(rig_packet(&r, RIG_INSIDE, &s).dropped);
	rig_reload(&r, PAIRS, &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	/* the policy is gone */
	rig_reload(&r, HEAD, &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_UNMATCHED);
}

Test(hold, it_ends_by_the_clock_of_the_kernel)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct rig r;

	/* the only packet that the policy itself drops is the first */
	rig_setup(&r,
		  HEAD "policy \"p\" { from any to any\n"
		       "rate 1 Gbit/s burst 1100 B per destination\nat 100% drop for 2 s }\n",
		  NULL);
	s.payload = 1400;
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_RATE);
	s.payload = 100;
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	usleep(1000000);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	usleep(1200000);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
}

struct listed {
	unsigned int holds, quarantines;
	struct cf_quota_key key;
	struct cf_hold hold;
};

static void list_one(void *arg, const struct cf_quota_key *key, const struct cf_hold *h)
{
	struct listed *l = arg;

	l->holds += key->quota != 0;
	l->quarantines += key->quota == 0;
	l->key = *key;
	l->hold = *h;
}

static struct listed list(struct rig *r)
{
	struct listed l = { 0 };

	cr_assert_eq(datapath_holds(r->dp, list_one, &l), 0);
	return l;
}

#define QUOTAS(ats)                                                                                \
	HEAD "window noon = daily 12:00-13:00\n"                                                   \
	     "policy \"p\" { from any to any during noon\n"                                        \
	     "quota 3 kB per destination each window\n" ats " }\n"

Test(hold, the_key_that_a_quota_refuses)
{
	static const struct rig_options in = { .now = "2026-11-23 12:30" };
	static const struct rig_options after = { .now = "2026-11-23 13:30" };
	static const struct rig_options next_day = { .now = "2026-11-24 12:10" };
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000), other = s;
	struct listed l;
	struct rig r;

	rig_setup(&r, QUOTAS("at 100% drop for 2 h"), &in);
	for (int i = 0; i < 3; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	cr_assert_eq(list(&r).holds, 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	/* all of the key: another source to the same destination */
	other.src = "10.9.0.6";
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_DROP_HELD);
	other.dst = "203.0.113.2";
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_QUOTA);
	l = list(&r);
	cr_assert_eq(l.holds, 1);
	cr_assert_eq(l.hold.seconds, 7200);
	cr_assert_eq(l.hold.dropped_packets, 2);
	cr_assert_str_eq(l.hold.policy, "p");
	rig_reload(&r, QUOTAS("at 100% drop for 2 h"), &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
	/* lifted in the same period: the quota is used up all the same, but holds it only once */
	rig_reload(&r, QUOTAS("at 100% drop for 2 h"), &in);
	cr_assert_eq(datapath_hold_lift(r.dp, &l.key), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	cr_assert_eq(list(&r).holds, 0);
	rig_reload(&r, QUOTAS("at 100% drop for 2 h"), &after);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_CLOSED);
	/* the next period holds anew */
	rig_reload(&r, QUOTAS("at 100% drop for 2 h"), &next_day);
	for (int i = 0; i < 5; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_HELD);
}

Test(hold, nothing_is_held_while_observing_or_switched_off)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r,
		  "outside wan0\ninside lan0, lan1\nmode observe\n"
		  "policy \"p\" { from any to any then drop for 2 h }\n"
		  "policy \"q\" { from any to any quota 1 kB per source each hour\n"
		  "at 100% drop for 2 h, quarantine source for 2 h }\n",
		  NULL);
	for (int i = 0; i < 4; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_OBSERVED);
	cr_assert_eq(list(&r).holds + list(&r).quarantines, 0);
	rig_reload(&r,
		   HEAD "policy \"p\" { from any to any mode observe then drop for 2 h }\n"
			"policy \"q\" { from any to any quota 1 kB per source each hour\n"
			"mode observe at 100% drop for 2 h, quarantine source for 2 h }\n",
		   NULL);
	for (int i = 0; i < 4; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_OBSERVED);
	cr_assert_eq(list(&r).holds + list(&r).quarantines, 0);
	datapath_control(r.dp)->off_until = ~0ULL;
	rig_reload(&r, HEAD "policy \"p\" { from any to any then drop for 2 h }\n", NULL);
	for (int i = 0; i < 4; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_OFF);
	cr_assert_eq(list(&r).holds, 0);
}

#define QUARANTINE                                                                                 \
	HEAD "policy \"p\" { from any to 203.0.113.0/24\n"                                         \
	     "quota 3 kB per source each hour\nat 100% drop, quarantine source for 2 h }\n"

Test(quarantine, drops_all_of_the_source)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 1000), any = s, six, other = s;
	struct listed l;
	struct rig r;

	rig_setup(&r, QUARANTINE, NULL);
	for (int i = 0; i < 3; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	any.dst = "198.51.100.1";
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_PASS_UNMATCHED);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUARANTINED);
	/* where no rule is about it too */
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_DROP_QUARANTINED);
	/* on an attached segment a host is its MAC, whatever address it takes */
	six = tcp("fd12:3456::77", "2001:db8::1", 100);
	assert_reason(rig_packet(&r, RIG_INSIDE, &six), CF_REASON_DROP_QUARANTINED);
	other.src = "10.0.0.6";
	other.host = 6;
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_QUOTA);
	/* within our own networks it is not judged */
	any.dst = "10.1.2.3";
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_IGNORED_NETWORKS);
	any.dst = "198.51.100.1";
	/* over a reload, also of a policy set that knows no quarantine; but protect and observe */
	rig_reload(&r, HEAD, NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_DROP_QUARANTINED);
	rig_reload(&r, HEAD "protect { from any to 198.51.100.1 }\n", NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_PASS_PROTECTED);
	rig_reload(
		&r,
		HEAD
		"exempt \"e\" { from any to any }\npolicy \"x\" { from any to any then alert }\n",
		NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_DROP_QUARANTINED);
	rig_reload(&r, "outside wan0\ninside lan0, lan1\nmode observe\n", NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_PASS_OBSERVED);
	rig_reload(&r, HEAD, NULL);
	datapath_control(r.dp)->off_until = ~0ULL;
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_PASS_OFF);
	datapath_control(r.dp)->off_until = 0;
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_DROP_QUARANTINED);
	l = list(&r);
	cr_assert_eq(l.quarantines, 1);
	cr_assert_eq(datapath_hold_lift(r.dp, &l.key), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &any), CF_REASON_PASS_UNMATCHED);
}

Test(quarantine, at_a_share_of_the_quota_and_without_a_drop)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any to any quota 10 kB per pair each hour\n"
		       "at 50% quarantine source for 2 s }\n",
		  NULL);
	for (int i = 0; i < 5; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUARANTINED);
	usleep(2200000);
	/* once a period */
	for (int i = 0; i < 8; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
}

Test(quarantine, never_the_gateway)
{
	struct frame_spec s = tcp("192.0.2.1", "203.0.113.1", 1000);
	struct rig r;

	rig_setup(&r, QUARANTINE, NULL);
	for (int i = 0; i < 6; i++)
		assert_reason(rig_packet(&r, RIG_GATEWAY, &s),
			      i < 3 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	cr_assert_eq(list(&r).quarantines, 0);
	s.dst = "198.51.100.1";
	assert_reason(rig_packet(&r, RIG_GATEWAY, &s), CF_REASON_PASS_UNMATCHED);
}

/* What was in force before a reboot is put back before anything is attached. */
Test(hold, what_the_daemon_puts_back_holds)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 1000);
	struct cf_quota_key key = { .kind = CF_KEY_SOURCE };
	struct cf_hold h = { .seconds = 60 };
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	memcpy(key.src, (uint8_t[16]){ [10] = 0xff, [11] = 0xff, 10, 9, 0, 5 }, 16);
	h.until_jiffies = datapath_jiffies(r.dp) + 60ULL * datapath_control(r.dp)->hz;
	cr_assert_eq(datapath_hold_put(r.dp, &key, &h), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUARANTINED);
	h.until_jiffies = datapath_jiffies(r.dp) - 1;
	cr_assert_eq(datapath_hold_put(r.dp, &key, &h), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_UNMATCHED);
	/* what is over is forgotten, and the packets' way is short again */
	cr_assert_eq(datapath_control(r.dp)->quarantines, 1);
	cr_assert_eq(datapath_holds_prune(r.dp), 1);
	cr_assert_eq(datapath_control(r.dp)->quarantines, 0);
	cr_assert_eq(list(&r).quarantines, 0);
}
