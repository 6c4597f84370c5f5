/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instants as text, both ways. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "calendar_help.h"

/* 2026-11-23 is a Monday. Now: 14:05:06 in Berlin. */
#define NOW "2026-11-23 13:05:06"

Test(text, what_people_write)
{
	static const struct {
		const char *text, *utc;
	} cases[] = {
		{ "now", NOW },
		{ " Now ", NOW },
		{ "@1763856000", "2025-11-23 00:00" },
		{ "@-1", "1969-12-31 23:59:59" },
		{ "-2h", "2026-11-23 11:05:06" },
		{ "+30min", "2026-11-23 13:35:06" },
		{ "+1h 30m", "2026-11-23 14:35:06" },
		{ "2h ago", "2026-11-23 11:05:06" },
		{ "1 day 2 h ago", "2026-11-22 11:05:06" },
		{ "90s left", "2026-11-23 13:06:36" },
		{ "today", "2026-11-22 23:00" },
		{ "yesterday", "2026-11-21 23:00" },
		{ "tomorrow", "2026-11-23 23:00" },
		{ "tomorrow 06:00", "2026-11-24 05:00" },
		{ "today 06:00 UTC", "2026-11-23 06:00" },
		{ "00:30", "2026-11-22 23:30" },
		{ "0:30:15", "2026-11-22 23:30:15" },
		{ "2026-11-23", "2026-11-22 23:00" },
		{ "2026-07-01 00:30", "2026-06-30 22:30" },
		{ "2026-11-23 00:30:01", "2026-11-22 23:30:01" },
		{ "Mon 2026-11-23 00:30", "2026-11-22 23:30" },
		{ "monday 2026-11-23", "2026-11-22 23:00" },
		/* the next such: today's is over, or not yet */
		{ "Tue 00:30", "2026-11-23 23:30" },
		{ "Mon 00:30", "2026-11-29 23:30" },
		{ "Mon 15:00", "2026-11-23 14:00" },
		{ "mon 14:05:06", NOW },
		{ "Sunday", "2026-11-28 23:00" },
		/* RFC 3339, and its friends */
		{ "2026-11-23T22:00:00+03:00", "2026-11-23 19:00" },
		{ "2026-11-23t22:00:00z", "2026-11-23 22:00" },
		{ "2026-11-23T22:00:00.999-03:30", "2026-11-24 01:30" },
		{ "2026-11-23T22:00:00", "2026-11-23 21:00" },
		{ "2026-11-23 22:00 +0300", "2026-11-23 19:00" },
		{ "2026-11-23 22:00 -03", "2026-11-24 01:00" },
		{ "2026-11-23 22:00 UTC", "2026-11-23 22:00" },
		{ "2026-11-23 22:00 CET", "2026-11-23 21:00" },
		{ "2026-11-23 22:00 EAT (+03:00)", "2026-11-23 19:00" },
		/* a gap, and an overlap decided by the abbreviation */
		{ "2026-03-29 02:30", "2026-03-29 01:00" },
		{ "2026-10-25 02:30", "2026-10-25 00:30" },
		{ "2026-10-25 02:30 CEST", "2026-10-25 00:30" },
		{ "2026-10-25 02:30 CET", "2026-10-25 01:30" },
	};
	const struct zone *z = zone_named("Berlin");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct utc at = { 0 };
		int r = utc_parse(cases[i].text, z, at_utc(NOW), &at);

		cr_expect_eq(r, 0, "%s: %d", cases[i].text, r);
		cr_expect_eq(at.s, at_utc(cases[i].utc).s, "%s: %lld", cases[i].text,
			     (long long)at.s);
	}
}

Test(text, what_is_refused)
{
	static const char *const cases[] = {
		"",
		" ",
		"noon",
		"now now",
		"nowadays",
		"@",
		"@x",
		"@12 x",
		"-",
		"+",
		"-2",
		"ago",
		"2h agog",
		"h ago",
		"2026",
		"2026-",
		"2026-11",
		"2026-11-31",
		"2026-13-01",
		"26-11-23",
		"2026-11-23x",
		"2026-11-23T",
		"2026-11-23 24:00",
		"2026-11-23 12:60",
		"12",
		"12:",
		"12:3",
		"12:30:",
		"12:30:61",
		"123:30",
		"Tue 2026-11-23",
		"Tues 00:30",
		"today yesterday",
		"00:30 tomorrow",
		"2026-11-23 22:00 EAT",
		"2026-11-23 22:00 CEST",
		"2026-03-29 02:30 CET",
		"2026-11-23 22:00 +3",
		"2026-11-23 22:00 +03:",
		"2026-11-23 22:00 +03:60",
		"2026-11-23 22:00 +0375",
		"2026-11-23 22:00 CET (+01:00",
		"2026-11-23 22:00 Europe/Berlin",
		"2026-11-23 22:00 abcdefghijklmnopqrstuvwxyz",
		"UTC",
		"2026-11-23T22:00:00Z x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct utc at = { 42 };

		cr_expect_eq(utc_parse(cases[i], zone_named("Berlin"), at_utc(NOW), &at), -EINVAL,
			     "%s", cases[i]);
		cr_expect_eq(at.s, 42);
	}
}

Test(text, too_far)
{
	static const char *const cases[] = { "@99999999999999999999", "@970000000001",
					     "+400000 weeks ago",     "+99999999999999999999h",
					     "32767-12-31",           "+30000000 weeks" };
	struct utc at = { 42 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_lt(utc_parse(cases[i], zone_named("Berlin"), at_utc(NOW), &at), 0, "%s",
			     cases[i]);
	cr_assert_eq(utc_parse("@970000000001", zone_utc(), at_utc(NOW), &at), -ERANGE);
	cr_assert_eq(utc_parse("32767-12-31", zone_utc(), at_utc(NOW), &at), -ERANGE);
	cr_assert_eq(at.s, 42);
}

Test(text, format)
{
	char buf[UTC_TEXT_MAX];
	struct utc at = at_utc("2026-11-23 19:00");
	_cleanup_zone_ struct zone *eat = zone_of("EAT-3");
	_cleanup_zone_ struct zone *kathmandu = zone_of("<+0545>-5:45");
	_cleanup_zone_ struct zone *old = zone_of("LMT0:25:21");

	cr_assert_str_eq(utc_format(at, eat, buf, sizeof(buf)), "2026-11-23 22:00 EAT (+03:00)");
	cr_assert_str_eq(utc_format_iso(at, eat, buf, sizeof(buf)), "2026-11-23T22:00:00+03:00");
	cr_assert_str_eq(utc_format(at, kathmandu, buf, sizeof(buf)), "2026-11-24 00:45 +05:45");
	cr_assert_str_eq(utc_format(at, old, buf, sizeof(buf)),
			 "2026-11-23 18:34:39 LMT (-00:25:21)");
	cr_assert_str_eq(utc_format(at, zone_utc(), buf, sizeof(buf)),
			 "2026-11-23 19:00 UTC (+00:00)");
	at.s = -1;
	cr_assert_str_eq(utc_format_iso(at, zone_utc(), buf, sizeof(buf)),
			 "1969-12-31T23:59:59+00:00");
	/* cut, with a NUL */
	cr_assert_str_eq(utc_format(at, eat, buf, 5), "1970");
}

/* What we write we read: every quarter of an hour and a bit over a year, both formats. */
Test(text, round_trip)
{
	static const char *const zones[] = { "Berlin", "Lord_Howe", "Sao_Paulo_then", "Shanghai" };

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		const struct zone *z = zone_named(zones[i]);

		for (int64_t s = at_utc("2026-01-01").s; s < at_utc("2027-01-01").s; s += 901) {
			struct utc at = { s }, back = { 0 };
			char buf[UTC_TEXT_MAX];

			cr_assert_eq(utc_parse(utc_format(at, z, buf, sizeof(buf)), zone_utc(),
					       (struct utc){ 0 }, &back),
				     0, "%s", buf);
			cr_assert_eq(back.s, s, "%s", buf);
			cr_assert_eq(utc_parse(utc_format_iso(at, z, buf, sizeof(buf)), zone_utc(),
					       (struct utc){ 0 }, &back),
				     0, "%s", buf);
			cr_assert_eq(back.s, s, "%s", buf);
		}
	}
}
