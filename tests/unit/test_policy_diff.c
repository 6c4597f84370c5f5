/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "core/policy/diff.h"
#include "policy_help.h"

static const char base[] =
	"site { name \"x\" }\ninside eth1, eth2  outside eth0\nnetworks 10.0.0.0/8\n"
	"set s = 10.0.0.1\nwindow w = daily 22:00-06:00\n"
	"policy \"a\" { from s  during w  quota 1 MB per source each window  quota 2 MB per pair each window  at 100% drop }\n"
	"policy \"b\" { from any  then alert }\nexempt { from 10.0.0.2 }\nexempt { from 10.0.0.3 }\nmode observe\n";

static struct policy_diff diff_of(const char *before, const char *after)
{
	_cleanup_policy_set_ struct policy_set *a = must_parse(before), *b = must_parse(after);
	struct policy_diff d;

	policy_diff(a, NULL, b, &d);
	return d;
}

/* base with one piece of text in another's place */
static char *edited(const char *what, const char *with)
{
	const char *at = strstr(base, what);

	cr_assert(at, "%s", what);
	return xprintf("%.*s%s%s", (int)(at - base), base, with, at + strlen(what));
}

Test(policy_diff, the_same_is_no_change_and_keeps_its_counters)
{
	struct policy_diff d = diff_of(base, base);

	cr_expect_eq(d.changes.n, 0);
	cr_assert_eq(d.quotas.n, 2);
	cr_expect_eq(d.quotas.v[0].fate, QUOTA_KEPT);
	cr_expect_str_eq(d.quotas.v[0].policy, "a");
	cr_expect_str_eq(d.quotas.v[0].quota, "1 MB per source each window");
	policy_diff_done(&d);
}

Test(policy_diff, each_kind_of_change_is_found)
{
	static const struct {
		const char *what, *with;
		enum change_what kind;
		enum change_how how;
		const char *name;
	} rows[] = {
		{ "name \"x\"", "name \"y\"", CHANGE_SITE, CHANGE_CHANGED, NULL },
		{ "eth1, eth2", "eth1", CHANGE_INSIDE, CHANGE_REMOVED, "eth2" },
		{ "eth1, eth2", "eth1, eth2, eth3", CHANGE_INSIDE, CHANGE_ADDED, "eth3" },
		{ "outside eth0", "outside eth0, ppp0", CHANGE_OUTSIDE, CHANGE_ADDED, "ppp0" },
		{ "10.0.0.0/8", "10.0.0.0/9", CHANGE_NETWORKS, CHANGE_CHANGED, NULL },
		{ "mode observe", "mode observe\nignore destination AS64500", CHANGE_IGNORE,
		  CHANGE_ADDED, NULL },
		{ "set s = 10.0.0.1", "set s = 10.0.0.9", CHANGE_SET, CHANGE_CHANGED, "s" },
		{ "22:00-06:00", "22:00-05:00", CHANGE_WINDOW, CHANGE_CHANGED, "w" },
		{ "then alert", "then drop", CHANGE_POLICY, CHANGE_CHANGED, "b" },
		{ "policy \"b\" { from any  then alert }", "", CHANGE_POLICY, CHANGE_REMOVED, "b" },
		{ "exempt { from 10.0.0.2 }\n", "", CHANGE_EXEMPT, CHANGE_REMOVED, NULL },
		{ "mode observe", "mode enforce", CHANGE_MODE, CHANGE_CHANGED, NULL },
		{ "mode observe", "mode observe\non stop keep", CHANGE_ON, CHANGE_ADDED, "stop" },
		{ "mode observe", "mode observe\nalert to journal", CHANGE_ALERT_TO, CHANGE_ADDED,
		  NULL },
		{ "mode observe", "mode observe\ngeo asn \"x\"", CHANGE_GEO, CHANGE_ADDED, "asn" },
		{ "mode observe", "mode observe\nprotect { to any }", CHANGE_PROTECT, CHANGE_ADDED,
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *after = edited(rows[i].what, rows[i].with);
		struct policy_diff d = diff_of(base, after);

		cr_assert_eq(d.changes.n, 1, "row %zu: %zu changes", i, d.changes.n);
		cr_expect_eq(d.changes.v[0].what, rows[i].kind, "row %zu", i);
		cr_expect_eq(d.changes.v[0].how, rows[i].how, "row %zu", i);
		cr_expect_eq(d.changes.v[0].before != NULL, rows[i].how != CHANGE_ADDED);
		cr_expect_eq(d.changes.v[0].after != NULL, rows[i].how != CHANGE_REMOVED);
		if (rows[i].name)
			cr_expect_str_eq(d.changes.v[0].name, rows[i].name);
		else
			cr_expect_null(d.changes.v[0].name);
		policy_diff_done(&d);
	}
}

Test(policy_diff, order_and_spelling_are_no_change)
{
	_cleanup_free_ char *after = edited("quota 1 MB per source each window",
					    "quota 1000 kB payload per source each window");
	_cleanup_free_ char *swapped = edited("exempt { from 10.0.0.2 }\nexempt { from 10.0.0.3 }",
					      "exempt { from 10.0.0.3 }\nexempt { from 10.0.0.2 }");
	struct policy_diff d = diff_of(base, after), e = diff_of(base, swapped);

	cr_expect_eq(d.changes.n, 0);
	cr_expect_eq(e.changes.n, 0);
	policy_diff_done(&d);
	policy_diff_done(&e);
}

Test(policy_diff, a_changed_quota_loses_its_counter_and_only_that)
{
	_cleanup_free_ char *after = edited("quota 2 MB", "quota 3 MB");
	struct policy_diff d = diff_of(base, after);

	cr_assert_eq(d.quotas.n, 3);
	cr_expect_eq(d.quotas.v[0].fate, QUOTA_KEPT);
	cr_expect_eq(d.quotas.v[1].fate, QUOTA_GONE);
	cr_expect_str_eq(d.quotas.v[1].quota, "2 MB per pair each window");
	cr_expect_eq(d.quotas.v[2].fate, QUOTA_NEW);
	cr_expect_str_eq(d.quotas.v[2].quota, "3 MB per pair each window");
	policy_diff_done(&d);
}

Test(policy_diff, the_limits_of_publishes_are_counters_too)
{
	struct policy_diff d = diff_of(
		"publish \"a\" { host 10.0.0.1 service icmp at most 1 MB per source each day }\n"
		"publish \"b\" { host 10.0.0.1 service tcp at most 1 MB per source each day }\n"
		"publish \"c\" { host 10.0.0.1 service udp }\n",
		"publish \"a\" { host 10.0.0.2 service icmp at most 1 MB per source each day }\n"
		"publish \"b\" { host 10.0.0.1 service tcp at most 2 MB per source each day }\n"
		"publish \"c\" { host 10.0.0.1 service udp }\n");

	cr_assert_eq(d.quotas.n, 3);
	cr_expect_eq(d.quotas.v[0].fate, QUOTA_KEPT);
	cr_expect_str_eq(d.quotas.v[0].policy, "publish a");
	cr_expect_eq(d.quotas.v[1].fate, QUOTA_GONE);
	cr_expect_str_eq(d.quotas.v[1].policy, "publish b");
	cr_expect_eq(d.quotas.v[2].fate, QUOTA_NEW);
	cr_expect_str_eq(d.quotas.v[2].quota, "2 MB per source each day");
	policy_diff_done(&d);
}

Test(policy_diff, a_renamed_policy_loses_its_counters)
{
	_cleanup_free_ char *after = edited("policy \"a\"", "policy \"c\"");
	struct policy_diff d = diff_of(base, after);

	cr_assert_eq(d.quotas.n, 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(d.quotas.v[i].fate, i < 2 ? QUOTA_GONE : QUOTA_NEW);
	policy_diff_done(&d);
}

/* The set's text is the same, its content is not. */
Test(policy_diff, a_changed_list_is_a_changed_set)
{
	static const char conf[] = "set s = file \"l\"\nwindow w = dates file \"d\"\n";
	const struct memory_file one[] = {
		{ "c", conf }, { "l", "192.0.2.1\n" }, { "d", "2026-12-25\n" }, { 0 }
	};
	const struct memory_file two[] = {
		{ "c", conf }, { "l", "192.0.2.2\n" }, { "d", "2026-12-26\n" }, { 0 }
	};
	_cleanup_policy_set_ struct policy_set *a = NULL, *b = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	struct policy_diff d;

	cr_assert_eq(parse_files(one, &a, &diags), 0);
	cr_assert_eq(parse_files(two, &b, &diags), 0);
	policy_diff(a, NULL, b, &d);
	cr_assert_eq(d.changes.n, 2);
	cr_expect_eq(d.changes.v[0].what, CHANGE_SET);
	cr_expect_eq(d.changes.v[1].what, CHANGE_WINDOW);
	policy_diff_done(&d);
}

/* Whether the lists as the daemon read them differ from those that are there now. */
static size_t changes_of(const char *list, const char *dates, const char *now_list,
			 const char *now_dates, const struct list_facts *facts)
{
	static const char conf[] =
		"set s = file \"l\" except 192.0.2.9\nexempt { from any during dates file \"d\" }\n"
		"policy \"p\" { from any except s  then drop\n except { during dates file \"d\" } }\n";
	const struct memory_file one[] = { { "c", conf }, { "l", list }, { "d", dates }, { 0 } };
	const struct memory_file two[] = {
		{ "c", conf }, { "l", now_list }, { "d", now_dates }, { 0 }
	};
	_cleanup_policy_set_ struct policy_set *a = NULL, *b = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;
	struct policy_diff d;
	size_t n;

	cr_assert_eq(parse_files(one, &a, &diags), 0, "%s", said = diag_text(&diags));
	cr_assert_eq(parse_files(two, &b, &diags), 0);
	policy_diff(a, facts, b, &d);
	n = d.changes.n;
	for (size_t i = 0; i < n; i++)
		cr_expect(d.changes.v[i].of_files);
	policy_diff_done(&d);
	return n;
}

Test(policy_diff, lists_are_compared_by_what_they_say)
{
	const struct prefix known[] = { { .addr = { { [10] = 0xff, 0xff, 192, 0, 2, 1 } },
					  .bits = 128 } };
	const struct prefix_list l = { .v = (struct prefix *)known, .n = 1 };
	_cleanup_list_facts_ struct list_facts facts = { 0 };

	cr_expect_eq(changes_of("192.0.2.1\n192.0.2.2\n", "2026-12-25\n",
				"192.0.2.2 # and\n192.0.2.1\n", "2026-12-25\n", NULL),
		     0, "their order does not matter");
	cr_expect_eq(changes_of("192.0.2.1\n", "2026-12-25\n", "192.0.2.1\n",
				"2026-12-25..2026-12-26\n", NULL),
		     2, "the policy's except and the exempt");
	cr_expect_eq(changes_of("192.0.2.0/24\n", "", "192.0.2.0/25\n", "", NULL), 1);
	*VEC_ADD(&facts) = (struct list_fact){ .file = xstrdup("l") };
	list_digest_prefixes(&facts.v[0].digest, &l);
	cr_expect_eq(changes_of("", "", "192.0.2.1\n", "", &facts), 0, "what is known counts");
	cr_expect_eq(changes_of("", "", "192.0.2.1\n192.0.2.2\n", "", &facts), 1);
}

static const struct zone *utc_zone(void *arg _unused_, const char *name _unused_)
{
	return zone_utc();
}

/* 2026-11-23 23:10 UTC: the fate of a quota each window when the window becomes another. */
static enum quota_fate fate_when(const char *window)
{
	static const char form[] = "window n = daily %s\npolicy \"p\" { from any during n\n"
				   "  quota 1 MB per source each window at 100%% drop }\n";
	static const struct zone_source zones = { .get = utc_zone };
	_cleanup_policy_set_ struct policy_set *before = NULL, *after = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *a = xprintf(form, "22:00-06:00"), *b = xprintf(form, window);
	struct policy_diff d;
	enum quota_fate fate;

	cr_assert_eq(parse_text(a, &before, &diags), 0);
	cr_assert_eq(parse_text(b, &after, &diags), 0);
	policy_diff(before, NULL, after, &d);
	policy_diff_periods(&d, before, &zones, after, &zones, (struct utc){ 1795475400 });
	cr_assert_eq(d.quotas.n, 1);
	fate = d.quotas.v[0].fate;
	policy_diff_done(&d);
	return fate;
}

Test(policy_diff, a_period_that_begins_later_begins_anew)
{
	cr_expect_eq(fate_when("22:00-06:00"), QUOTA_KEPT);
	cr_expect_eq(fate_when("22:00-05:00"), QUOTA_KEPT, "its end does not matter");
	cr_expect_eq(fate_when("21:00-06:00"), QUOTA_KEPT, "what was used later counts");
	cr_expect_eq(fate_when("22:30-06:00"), QUOTA_ANEW);
	cr_expect_eq(fate_when("23:30-06:00"), QUOTA_ANEW, "not open any more");
}
