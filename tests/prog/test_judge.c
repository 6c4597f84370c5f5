/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P5, P6: the first packet already meets the right rule, and leaves with the reason for it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\n"

static struct frame_spec tcp(const char *src, const char *dst, uint32_t payload)
{
	return (struct frame_spec){ src, dst, 6, 40000, 443, payload, 5, .options = 0 };
}

static struct rig_run send_to(struct rig *r, enum rig_hook hook, const char *src, const char *dst)
{
	struct frame_spec s = tcp(src, dst, 100);

	return rig_packet(r, hook, &s);
}

Test(judge, drop_applies_to_the_first_packet)
{
	struct rig r;
	struct rig_run run;

	rig_setup(
		&r,
		HEAD
		"policy \"p\" { from 10.0.0.0/24 to 203.0.113.0/25, 2001:db8:1::/48 then drop }\n",
		NULL);
	run = send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.9");
	assert_reason(run, CF_REASON_DROP_POLICY);
	cr_assert(run.dropped);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.200"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.1.5", "203.0.113.9"), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2001:db8:1::9"),
		      CF_REASON_PASS_UNMATCHED);
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "203.0.113.9").dropped, 154);
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "203.0.113.9").wire, 154,
		     "a drop is on the books too");
}

Test(judge, a_listed_destination_is_counted_and_never_judged)
{
	struct rig r;
	struct rig_run run;

	rig_setup(&r,
		  HEAD "ignore destination 203.0.113.0/25 except 203.0.113.7\n"
		       "ignore destination 2001:db8:5::/48\n"
		       "policy \"p\" { from any to any then drop }\n",
		  NULL);
	for (int hook = RIG_INSIDE; hook <= RIG_OTHER; hook++) {
		enum cf_reason listed = hook == RIG_FORWARDED ? CF_REASON_SEEN_FORWARDED
							      : CF_REASON_IGNORED_DESTINATION;

		run = send_to(&r, (enum rig_hook)hook, "10.0.0.5", "203.0.113.9");
		assert_reason(run, listed);
		cr_assert(!run.dropped);
		assert_reason(send_to(&r, (enum rig_hook)hook, "fd12::5", "2001:db8:5::9"), listed);
	}
	assert_reason(send_to(&r, RIG_INSIDE, "fd12::5", "64:ff9b::203.0.113.9"),
		      CF_REASON_IGNORED_DESTINATION);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.7"), CF_REASON_DROP_POLICY);
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "203.0.113.9").slots, 0, "nor is it in a slot");
}

/* A pair that was judged before its destination was listed. */
Test(judge, a_destination_is_listed_by_a_reload)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.9"), CF_REASON_DROP_POLICY);
	rig_reload(&r,
		   HEAD
		   "ignore destination 203.0.113.9\npolicy \"p\" { from any to any then drop }\n",
		   NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.9"),
		      CF_REASON_IGNORED_DESTINATION);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.9"),
		      CF_REASON_IGNORED_DESTINATION);
	rig_reload(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.9"), CF_REASON_DROP_POLICY);
}

Test(judge, ipv6_that_stands_for_ipv4_is_judged_as_ipv4)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to 203.0.113.0/24 then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "64:ff9b::203.0.113.9"),
		      CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2002:cb00:7109::1"),
		      CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "64:ff9b::198.51.100.9"),
		      CF_REASON_PASS_UNMATCHED);
	/* Teredo: the client's address, inverted, and not the server's: clients behind one server
	 * are one /64 */
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2001:0:c633:6409::34ff:8ef6"),
		      CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2001:0:c633:6409::39cc:9bf6"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2001:0:cb00:7109::39cc:9bf6"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2001:0:c633:6409::34ff:8ef6"),
		      CF_REASON_DROP_POLICY);
}

Test(judge, prefixes_below_64_are_told_apart)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any to 2001:db8::7, 2001:db8:0:1::/96 then drop }\n",
		  NULL);
	assert_reason(send_to(&r, RIG_OTHER, "fd12:3456::5", "2001:db8::7"), CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_OTHER, "fd12:3456::6", "2001:db8:0:1::1"),
		      CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_OTHER, "fd12:3456::7", "2001:db8:0:1:0:1::"),
		      CF_REASON_PASS_UNMATCHED);
	/* the same pair, for the books, and yet another label */
	assert_reason(send_to(&r, RIG_OTHER, "fd12:3456::5", "2001:db8::8"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_OTHER, "fd12:3456::5", "2001:db8::7"), CF_REASON_DROP_POLICY);
}

Test(judge, from_tells_inside_gateway_and_other_apart)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"i\" { from inside to 203.0.113.1 then drop }\n"
		       "policy \"g\" { from gateway to 203.0.113.2 then drop }\n"
		       "policy \"a\" { from any to 203.0.113.3 then drop }\n",
		  NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.2"), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_GATEWAY, "192.0.2.1", "203.0.113.1"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_GATEWAY, "192.0.2.1", "203.0.113.2"), CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_OTHER, "172.16.0.1", "203.0.113.3"), CF_REASON_DROP_POLICY);
	/* what an inside hook has judged is only totalled outside */
	assert_reason(send_to(&r, RIG_FORWARDED, "192.0.2.1", "203.0.113.3"),
		      CF_REASON_SEEN_FORWARDED);
	cr_assert_eq(rig_pair(&r, "192.0.2.1", "203.0.113.3").slots, 0);
}

Test(judge, precedence_is_protect_exempt_policy)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any to 203.0.113.0/24 then drop\n"
		       "  except { from 10.0.0.8 to 203.0.113.8 } }\n"
		       "policy \"q\" { from any to 203.0.113.4 then drop }\n"
		       "protect { from inside to 203.0.113.3 }\n"
		       "exempt \"all\" { from 10.0.0.7 }\n"
		       "exempt \"one\" { from 10.0.0.6 policies \"p\" }\n",
		  NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.3"), CF_REASON_PASS_PROTECTED);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.7", "203.0.113.4"), CF_REASON_PASS_EXEMPT);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.6", "203.0.113.5"), CF_REASON_PASS_EXEMPT);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.6", "203.0.113.4"), CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.8", "203.0.113.8"), CF_REASON_PASS_EXCEPTED);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.8", "203.0.113.9"), CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.9", "203.0.113.8"), CF_REASON_DROP_POLICY);
}

Test(judge, observe_passes_and_says_so)
{
	struct rig r;
	struct rig_run run;

	rig_setup(&r,
		  HEAD "policy \"o\" { from any to 203.0.113.1 then drop mode observe }\n"
		       "policy \"e\" { from any to 203.0.113.2 then drop }\n",
		  NULL);
	run = send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1");
	assert_reason(run, CF_REASON_PASS_OBSERVED);
	cr_assert_not(run.dropped);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.2"), CF_REASON_DROP_POLICY);
	rig_reload(&r,
		   "outside wan0\ninside lan0, lan1\nmode observe\n"
		   "policy \"e\" { from any to 203.0.113.2 then drop }\n",
		   NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.2"), CF_REASON_PASS_OBSERVED);
}

Test(judge, the_off_switch_works_from_the_map_alone)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_DROP_POLICY);
	datapath_control(r.dp)->off_until = ~0ULL;
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_PASS_OFF);
	datapath_control(r.dp)->off_until = datapath_jiffies(r.dp) + 100000;
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_PASS_OFF);
	datapath_control(r.dp)->off_until = datapath_jiffies(r.dp) - 1;
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_DROP_POLICY);
}

struct seen {
	int n;
	struct cf_event last;
};

static void on_event(void *arg, const struct cf_event *ev)
{
	struct seen *s = arg;

	/* for the keeper of the ledger, not for people */
	if (ev->kind == CF_EVENT_KEEP)
		return;
	s->n++;
	s->last = *ev;
}

Test(judge, a_policy_without_quota_reports_a_pair_once)
{
	struct frame_spec s = tcp("10.0.0.5", "203.0.113.1", 100);
	struct seen seen = { 0 };
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to 203.0.113.0/24 then drop, alert warning }\n",
		  NULL);
	for (int i = 0; i < 5; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	datapath_events(r.dp, on_event, &seen);
	cr_assert_geq(seen.n, 1);
	cr_assert_leq(seen.n, 2, "once per CPU at most, not %d times", seen.n);
	cr_assert_eq(seen.last.kind, CF_EVENT_POLICY);
	cr_assert_eq(seen.last.dropped, 1);
	cr_assert_eq(seen.last.destination_port, 443);
	cr_assert_eq(seen.last.mac[5], 5);
}

/* Addresses that share a slot for the books do not share a verdict. */
Test(judge, nat64_and_its_look_alikes_are_told_apart)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to 203.0.113.0/24 then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "64:ff9b:cb00:7109::1"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "64:ff9b::203.0.113.9"),
		      CF_REASON_DROP_POLICY);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "::ffff:198.51.100.1"),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "::ffff:203.0.113.1"),
		      CF_REASON_DROP_POLICY);
	/* 6to4 of one of our own networks leaves all the same */
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2002:0a00:1::1"),
		      CF_REASON_PASS_UNMATCHED);
	rig_reload(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "fd12:3456::5", "2002:0a00:1::1"),
		      CF_REASON_DROP_POLICY);
}

/* One slot serves the gateway and uncovered interfaces: what is remembered holds for both. */
Test(judge, an_uncovered_interface_does_not_whitewash_the_gateway)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from gateway to 203.0.113.0/24 then drop }\n", NULL);
	assert_reason(send_to(&r, RIG_OTHER, "192.0.2.1", "203.0.113.9"), CF_REASON_PASS_UNMATCHED);
	assert_reason(send_to(&r, RIG_GATEWAY, "192.0.2.1", "203.0.113.9"), CF_REASON_DROP_POLICY);
}

Test(judge, every_policy_that_alerts_is_heard_once)
{
	struct seen seen = { 0 };
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"a\" { from any to 203.0.113.0/24 then alert info }\n"
		       "policy \"b\" { from any to 203.0.113.0/25 then alert warning }\n"
		       "policy \"c\" { from any to 203.0.113.0/26 then drop, alert critical }\n",
		  NULL);
	for (int i = 0; i < 4; i++)
		send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.100");
	datapath_events(r.dp, on_event, &seen);
	cr_assert(seen.n == 2 || seen.n == 4, "%d events, not two per CPU", seen.n);
}

/* A full pair table must not silence a policy. */
Test(judge, a_pair_without_a_slot_is_reported)
{
	struct seen seen = { 0 };
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to 203.0.113.0/24 then drop, alert warning }\n",
		  NULL);
	for (int i = 0; i < 12000; i++) {
		char dst[32];
		struct frame_spec s = tcp("10.0.0.5", dst, 0);

		snprintf(dst, sizeof(dst), "45.1.%d.%d", i >> 8, i & 255);
		rig_repeat(&r, RIG_INSIDE, &s, 1);
	}
	for (int i = 1; i < 20; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", dst), CF_REASON_DROP_POLICY);
	}
	datapath_events(r.dp, on_event, &seen);
	cr_assert_geq(seen.n, 1, "nineteen pairs were dropped and nobody heard of it");
	cr_assert_eq(seen.last.dropped, 1);
}

Test(judge, the_first_drop_is_reported_after_off_not_during)
{
	struct seen seen = { 0 };
	struct rig r;

	rig_setup(
		&r,
		HEAD
		"policy \"p\" { from any to any quota 150 B per source each hour at 100% drop }\n",
		NULL);
	datapath_control(r.dp)->off_until = ~0ULL;
	for (int i = 0; i < 3; i++)
		send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1");
	datapath_events(r.dp, on_event, &seen);
	cr_assert_eq(seen.n, 0);
	datapath_control(r.dp)->off_until = 0;
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_DROP_QUOTA);
	datapath_events(r.dp, on_event, &seen);
	cr_assert_eq(seen.n, 1);
	cr_assert_eq(seen.last.dropped, 1);
}

/* What else is about a packet that one policy drops: said, and latched, in any order. */
static void order_of(const char *policies, int alerts)
{
	struct seen seen = { 0 };
	struct rig r;

	rig_setup(&r, policies, NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_DROP_POLICY);
	datapath_events(r.dp, on_event, &seen);
	cr_expect_eq(seen.n, alerts, "%d events, not %d", seen.n, alerts);
}

#define DROPS  "policy \"a\" { from any to any then drop }\n"
#define ALERTS "policy \"b\" { from any to any then alert critical }\n"

Test(judge, an_alert_does_not_depend_on_the_order)
{
	order_of(HEAD ALERTS DROPS, 1);
}

Test(judge, nor_when_the_drop_comes_first)
{
	order_of(HEAD DROPS ALERTS, 1);
}

static void both_latched(const char *quotas)
{
	static char policy[512];
	struct rig r;

	snprintf(policy, sizeof(policy), HEAD "policy \"p\" { from any to any %s at 100%% drop }\n",
		 quotas);
	rig_setup(&r, policy, NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_DROP_QUOTA);
	cr_expect(rig_quota(&r, CF_KEY_SOURCE).latched, "per source");
	cr_expect(rig_quota(&r, CF_KEY_DESTINATION).latched, "per destination");
}

Test(judge, every_quota_that_does_not_fit_is_latched)
{
	both_latched("quota 50 B per source each day quota 50 B per destination each hour");
}

Test(judge, in_any_order)
{
	both_latched("quota 50 B per destination each hour quota 50 B per source each day");
}

Test(judge, what_protect_lets_pass_is_no_alert)
{
	static const char policy[] = HEAD "policy \"p\" { from any to any then drop, alert }\n"
					  "protect { from any to 203.0.113.1 }\n";
	struct seen seen = { 0 };
	struct rig r;

	rig_setup(&r, policy, NULL);
	assert_reason(send_to(&r, RIG_INSIDE, "10.0.0.5", "203.0.113.1"), CF_REASON_PASS_PROTECTED);
	datapath_events(r.dp, on_event, &seen);
	cr_expect_eq(seen.n, 0);
}
