/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "policy_help.h"

/* Everything this version enforces, at once: not one error, not one warning. */
Test(policy_check, what_is_enforced_passes)
{
	_cleanup_policy_set_ struct policy_set *set = must_parse(
		"site { name \"x\"  location 1, 2  timezone \"UTC\"  weekend sat, sun }\n"
		"inside eth1  outside eth0  networks 10.0.0.0/8\nignore destination 198.51.100.0/25, AS64502 and near\ngeo country \"c\"  geo asn \"a\"\n"
		"set near = country ET, continent AF, AS64500, 192.0.2.0/24\nset lan = 10.0.0.0/24\n"
		"window night = daily 22:00-06:00 in \"Asia/Shanghai\"\n"
		"window closed = night, weekends, dates 2026-12-25, weekdays except from 2026-12-01 16:00 until 2026-12-02\n"
		"policy \"a\" { from inside  to any except near  during closed\n"
		" quota 1 MB payload per source each window  quota 2 MB wire per destination each hour\n"
		" quota 3 MB per pair each week  quota 4 MB per prefix 24/48 each 6 h  quota 5 MB per asn each month from 3\n"
		" quota 6 MB per country each window  quota 7 MB per policy each month\n"
		" except { from lan  to AS64501  during night }  at 80% alert  at 100% drop, alert critical  mode observe }\n"
		"policy \"b\" { from gateway, lan  to unknown, beyond 8000 km and continent AS  then drop, alert info }\n"
		"policy \"c\" { from any  to country CN  initiated any  quota 1 MB per source each day  at 100% alert }\n"
		"protect { from gateway  to 198.51.100.7 }\n"
		"exempt \"v\" { from 10.0.7.9  to 203.0.113.8  policies \"a\"  during night  until 2026-12-01 16:00 }\n"
		"on stop release  on daemon-stall keep  on parse-failure count  on table-full count\n"
		"on schedule-end repeat  on geo-missing keep\nalert to journal, file \"f\"\nmode enforce\n");
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;

	policy_check(set, NULL, &diags);
	said = diag_text(&diags);
	cr_expect_str_eq(said, "");
}

static size_t errors_of(const char *text)
{
	_cleanup_policy_set_ struct policy_set *set = must_parse(text);
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	policy_check(set, NULL, &diags);
	return diag_errors(&diags);
}

Test(policy_check, what_is_not_enforced_is_refused)
{
	cr_expect_eq(errors_of("detect schedule"), 1);
	cr_expect_eq(errors_of("detect new-destination"), 1);
}

Test(policy_check, what_is_enforced_is_not)
{
	static const char *const features[] = {
		"policy \"p\" { from mac 00:11:22:33:44:55  then drop }",
		"policy \"p\" { from vendor \"x\"  then drop }",
		"inside eth1  policy \"p\" { from interface eth1  then drop }",
		"policy \"p\" { from vlan 7  then drop }",
		"policy \"p\" { from any  to city \"x\" in CN  then drop }",
		"policy \"p\" { from any  rate 1 Mbit/s per source  at 100% drop }",
		"policy \"p\" { from any  quota 1 MB per mac each day  at 100% drop }",
		"policy \"p\" { from any  quota 1 MB per source each day  at 100% quarantine source for 2 h }",
		"policy \"p\" { from any  then drop for 2 h }",
		"policy \"p\" { from any  then mark 1 }",
		"policy \"p\" { from any  service tcp/443  initiated outside  then drop }",
		"publish \"web\" { host 10.0.5.10  service tcp/443  at most 1 GB per pair each day }",
		"on daemon-stall closed  on table-full drop  on geo-missing open",
	};

	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		cr_expect_eq(errors_of(features[i]), 0, "%s", features[i]);
}

/* 2^50 ways through the definitions, but only 50 definitions. */
Test(policy_check, definitions_used_often_are_looked_at_once, .timeout = 10)
{
	struct buf text = { 0 };
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	for (int i = 0; i < 49; i++)
		buf_printf(&text, "set s%d = s%d, s%d except s%d\nwindow w%d = w%d, w%d\n", i,
			   i + 1, i + 1, i + 1, i, i + 1, i + 1);
	buf_puts(&text, "set s49 = 10.0.0.1\nwindow w49 = daily 08:00-09:00\ninside eth1\n"
			"policy \"p\" { from s0  to s0  during w0  quota 1 MB per source each day"
			"  at 80% quarantine source for 2 h  at 100% drop }\n"
			"publish \"web\" { host 10.0.5.10  service tcp/443 }\n");
	set = must_parse(buf_text(&text));
	policy_check(set, NULL, &diags);
	cr_expect_eq(diags.n, 0);
	buf_done(&text);
}

Test(policy_check, what_is_defined_through_too_many_names_is_refused)
{
	struct buf text = { 0 };
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "set s%d = s%d\nwindow w%d = w%d\n", i, i + 1, i, i + 1);
	buf_puts(&text, "set s5000 = 10.0.0.1\nwindow w5000 = daily\n");
	cr_expect_eq(parse_text(buf_text(&text), &set, &diags), -22);
	buf_done(&text);
}

static size_t warnings_on(const char *text, struct civil_date today)
{
	_cleanup_policy_set_ struct policy_set *set = must_parse(text);
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	policy_check_dates(set, today, &diags);
	cr_expect_eq(diag_errors(&diags), 0);
	return diags.n;
}

Test(policy_check, days_that_are_over_are_said)
{
	static const char text[] = "window a = dates 2026-12-24, 2026-12-25\n"
				   "window b = from 2026-12-01 until 2026-12-25 08:00\n"
				   "exempt { from 10.0.0.1  until 2026-12-25 }\n";

	cr_expect_eq(warnings_on(text, (struct civil_date){ 2026, 12, 25 }), 0);
	cr_expect_eq(warnings_on(text, (struct civil_date){ 2026, 12, 26 }), 3);
}

Test(policy_check, a_date_file_that_ends_soon_is_said)
{
	static const struct memory_file files[] = {
		{ "c", "window h = dates file \"d\"\n" },
		{ "d", "2026-12-31\n2026-01-01\n" },
		{ 0 },
	};
	static const struct {
		struct civil_date today;
		size_t warnings;
	} rows[] = { { { 2026, 12, 1 }, 0 },
		     { { 2026, 12, 2 }, 1 },
		     { { 2026, 12, 31 }, 1 },
		     { { 2027, 1, 1 }, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_policy_set_ struct policy_set *set = NULL;
		_cleanup_diag_list_ struct diag_list diags = { 0 };

		cr_assert_eq(parse_files(files, &set, &diags), 0);
		policy_check_dates(set, rows[i].today, &diags);
		cr_expect_eq(diags.n, rows[i].warnings, "row %zu", i);
	}
}

/* Unless a rule goes on for ever. */
Test(policy_check, a_calendar_without_an_end_does_not_end_soon)
{
	static const struct {
		const char *rule;
		size_t warnings;
	} rows[] = { { "FREQ=YEARLY", 0 },
		     { "FREQ=YEARLY;UNTIL=20261225", 1 },
		     { "FREQ=YEARLY;COUNT=2", 1 },
		     { "FREQ=YEARLY;COUNT=3", 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_policy_set_ struct policy_set *set = NULL;
		_cleanup_diag_list_ struct diag_list diags = { 0 };
		_cleanup_free_ char *ics = xprintf("BEGIN:VCALENDAR\nBEGIN:VEVENT\n"
						   "DTSTART;VALUE=DATE:20251225\nRRULE:%s\n"
						   "END:VEVENT\nEND:VCALENDAR\n",
						   rows[i].rule);
		const struct memory_file files[] = { { "c", "window h = dates file \"d\"\n" },
						     { "d", ics },
						     { 0 } };

		cr_assert_eq(parse_files(files, &set, &diags), 0);
		policy_check_dates(set, (struct civil_date){ 2026, 12, 24 }, &diags);
		cr_expect_eq(diags.n, rows[i].warnings, "row %zu", i);
	}
}

static char *said_of_interfaces(const char *text, const char *const *here, size_t n)
{
	_cleanup_policy_set_ struct policy_set *set = must_parse(text);
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	policy_check_interfaces(set, here, n, &diags);
	cr_expect_eq(diag_errors(&diags), 0);
	return diag_text(&diags);
}

Test(policy_check, interfaces_that_are_not_there_are_said)
{
	static const char *const here[] = { "lo", "eth0", "eth1", "enp3s0" };
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "inside eth1, enp3s0\noutside eth0", "" },
		{ "inside eht1\noutside eth0",
		  "test.conf:1:8: warning: there is no interface 'eht1' on this machine\n"
		  "  inside eht1\n         ^\n  help: did you mean 'eth1'?\n" },
		/* eth0 and eth1 have their places: neither is what was meant */
		{ "inside eth1\noutside eth0, eth2",
		  "test.conf:2:15: warning: there is no interface 'eth2' on this machine\n"
		  "  outside eth0, eth2\n                ^\n"
		  "  help: correct the name, or wait: it is covered when it appears. There is also enp3s0\n" },
		{ "inside eth1\noutside ppp0",
		  "test.conf:2:9: note: there is no interface 'ppp0' now\n"
		  "  outside ppp0\n          ^\n  help: it is covered when it appears\n" },
		{ "inside wg0, lan1, lan2\noutside wan0",
		  "test.conf:1:8: note: this machine has none of the interfaces that are named here\n"
		  "  inside wg0, lan1, lan2\n         ^\n" },
		{ "mode observe", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *said =
			said_of_interfaces(rows[i].text, here, ARRAY_SIZE(here));

		cr_expect_str_eq(said, rows[i].said, "row %zu: %s", i, said);
	}
}

Test(policy_check, a_terminal_is_safe_from_what_a_file_says)
{
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;

	cr_expect_eq(parse_text("inside eth1 \x1b[2J nonsense\x1b]0;x\x07 \xff\n\xc2\x9b"
				"2J\n",
				&set, &diags),
		     -22);
	said = diag_text(&diags);
	for (const char *s = said; *s; s++)
		cr_expect(*s == '\n' || *s == '\t' ||
				  ((unsigned char)*s >= 0x20 && (unsigned char)*s < 0x7f),
			  "byte 0x%02x", *s);
}
