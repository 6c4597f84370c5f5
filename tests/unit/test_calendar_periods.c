/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When quotas reset. */
#include <criterion/criterion.h>
#include <errno.h>

#include "calendar_help.h"

static const char *periods_text(const struct quota *q, const char *zone, const char *begin,
				const char *end)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	struct policy_set set = { .site.timezone = (char *)zone };

	cr_assert_eq(quota_periods(&set, q, NULL, &zones_of_tests, at_utc(begin), at_utc(end), &l),
		     0);
	for (size_t i = 1; i < l.n; i++)
		cr_assert_eq(l.v[i - 1].end.s, l.v[i].begin.s);
	if (l.n) {
		cr_assert_leq(l.v[0].begin.s, at_utc(begin).s);
		cr_assert_gt(l.v[0].end.s, at_utc(begin).s);
		cr_assert_geq(l.v[l.n - 1].end.s, at_utc(end).s);
		cr_assert_lt(l.v[l.n - 1].begin.s, at_utc(end).s);
	}
	return list_text(&l, zone_named(zone));
}

#define EXPECT(q, zone, begin, end, text)                                                          \
	cr_assert_str_eq(periods_text(&(const struct quota)q, zone, begin, end), text)
#define Q(...)                                                                                     \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

Test(periods, days_begin_at_local_midnight)
{
	EXPECT(Q(.period = PERIOD_DAY), "Berlin", "2026-11-23 22:59", "2026-11-23 23:01",
	       "11-23 00:00 - 11-24 00:00, 11-24 00:00 - 11-25 00:00");
	EXPECT(Q(.period = PERIOD_DAY), "Berlin", "2026-11-23 23:00", "2026-11-24 23:00",
	       "11-24 00:00 - 11-25 00:00");
	/* 29 February, and the year's end */
	EXPECT(Q(.period = PERIOD_DAY), "Shanghai", "2028-02-28 17:00", "2028-02-29 17:00",
	       "02-29 00:00 - 03-01 00:00, 03-01 00:00 - 03-02 00:00");
	EXPECT(Q(.period = PERIOD_DAY), "New_York", "2027-01-01 04:59", "2027-01-01 05:01",
	       "12-31 00:00 - 01-01 00:00, 01-01 00:00 - 01-02 00:00");
}

Test(periods, a_day_without_midnight_begins_when_it_can)
{
	EXPECT(Q(.period = PERIOD_DAY), "Sao_Paulo_then", "2026-10-31 12:00", "2026-11-01 12:00",
	       "10-31 00:00 - 11-01 01:00, 11-01 01:00 - 11-02 00:00");
	/* a date that was left out has no period */
	EXPECT(Q(.period = PERIOD_DAY), "Apia", "2011-12-29 12:00", "2011-12-30 12:00",
	       "12-29 00:00 - 12-31 00:00, 12-31 00:00 - 01-01 00:00");
}

Test(periods, hours)
{
	EXPECT(Q(.period = PERIOD_HOUR), "Berlin", "2026-11-23 10:30", "2026-11-23 12:00",
	       "11-23 11:00 - 11-23 12:00, 11-23 12:00 - 11-23 13:00");
	/* :00 on the local clock is :30 elsewhere; on 2026-10-04 02:00 becomes 02:30 */
	EXPECT(Q(.period = PERIOD_HOUR), "Lord_Howe", "2026-10-03 14:45", "2026-10-03 16:15",
	       "10-04 01:00 - 10-04 02:30, 10-04 02:30 - 10-04 03:00, 10-04 03:00 - 10-04 04:00");
}

/* An hour shown twice is one period: nobody gets the quota twice because a clock was set back. */
Test(periods, a_repeated_hour_is_one_period)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	struct quota q = { .period = PERIOD_HOUR };
	struct policy_set set = { 0 };

	/* asked from within the second 02:00-03:00 */
	cr_assert_eq(quota_periods(&set, &q, NULL, &zones_of_tests, at_utc("2026-10-25 01:30"),
				   at_utc("2026-10-25 03:30"), &l),
		     0);
	cr_assert_str_eq(list_text(&l, NULL),
			 "10-25 00:00 - 10-25 02:00, "
			 "10-25 02:00 - 10-25 03:00, 10-25 03:00 - 10-25 04:00");
	/* the skipped one is none */
	cr_assert_eq(quota_periods(&set, &q, NULL, &zones_of_tests, at_utc("2026-03-29 00:30"),
				   at_utc("2026-03-29 02:00"), &l),
		     0);
	cr_assert_str_eq(list_text(&l, NULL),
			 "03-29 00:00 - 03-29 01:00, 03-29 01:00 - 03-29 02:00");
}

Test(periods, several_hours_are_cut_at_midnight)
{
	EXPECT(Q(.period = PERIOD_HOURS, .hours = 6), "Shanghai", "2026-11-23 12:00",
	       "2026-11-23 17:00", "11-23 18:00 - 11-24 00:00, 11-24 00:00 - 11-24 06:00");
	EXPECT(Q(.period = PERIOD_HOURS, .hours = 5), "Shanghai", "2026-11-23 11:00",
	       "2026-11-23 17:00",
	       "11-23 15:00 - 11-23 20:00, 11-23 20:00 - 11-24 00:00, 11-24 00:00 - 11-24 05:00");
	/* the wall clock's hours, also when the day has 25 */
	EXPECT(Q(.period = PERIOD_HOURS, .hours = 12), "Berlin", "2026-10-25 00:00",
	       "2026-10-25 12:00", "10-25 00:00 - 10-25 12:00, 10-25 12:00 - 10-26 00:00");
	EXPECT(Q(.period = PERIOD_HOURS, .hours = 48), "Shanghai", "2026-11-23 12:00",
	       "2026-11-23 15:00", "11-23 00:00 - 11-24 00:00");
}

Test(periods, weeks_begin_on_monday)
{
	EXPECT(Q(.period = PERIOD_WEEK), "Berlin", "2026-11-22 12:00", "2026-11-23 12:00",
	       "11-16 00:00 - 11-23 00:00, 11-23 00:00 - 11-30 00:00");
	EXPECT(Q(.period = PERIOD_WEEK), "Berlin", "1969-12-31 12:00", "1970-01-01 12:00",
	       "12-29 00:00 - 01-05 00:00");
}

Test(periods, months)
{
	EXPECT(Q(.period = PERIOD_MONTH), "Berlin", "2026-11-30 22:59", "2026-11-30 23:01",
	       "11-01 00:00 - 12-01 00:00, 12-01 00:00 - 01-01 00:00");
	EXPECT(Q(.period = PERIOD_MONTH, .month_day = 15), "Berlin", "2026-12-14 12:00",
	       "2026-12-15 12:00", "11-15 00:00 - 12-15 00:00, 12-15 00:00 - 01-15 00:00");
	/* the 31st, or the last day of a month that has none */
	EXPECT(Q(.period = PERIOD_MONTH, .month_day = 31), "Berlin", "2027-01-30 12:00",
	       "2027-04-29 12:00",
	       "12-31 00:00 - 01-31 00:00, 01-31 00:00 - 02-28 00:00, "
	       "02-28 00:00 - 03-31 00:00, 03-31 00:00 - 04-30 00:00");
	EXPECT(Q(.period = PERIOD_MONTH, .month_day = 30), "Shanghai", "2028-02-28 17:00",
	       "2028-03-10", "02-29 00:00 - 03-30 00:00");
}

Test(periods, each_window_is_the_windows)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	struct quota q = { .period = PERIOD_WINDOW };
	struct policy_set set = { 0 };

	cr_assert_eq(quota_periods(&set, &q, span(DAILY, "22:00", "06:00"), &zones_of_tests,
				   at_utc("2026-11-23"), at_utc("2026-11-24"), &l),
		     0);
	cr_assert_str_eq(list_text(&l, NULL),
			 "11-22 21:00 - 11-23 05:00, 11-23 21:00 - 11-24 05:00");
}

Test(periods, mistakes)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	struct quota q = { .period = PERIOD_HOURS };
	struct policy_set set = { 0 };
	struct utc at = at_utc("2026-11-23");

	cr_assert_eq(
		quota_periods(&set, &q, NULL, &zones_of_tests, at, (struct utc){ at.s + 1 }, &l),
		-EINVAL);
	q.period = PERIOD_DAY;
	set.site.timezone = (char *)"Atlantis";
	cr_assert_eq(
		quota_periods(&set, &q, NULL, &zones_of_tests, at, (struct utc){ at.s + 1 }, &l),
		-ENOENT);
	set.site.timezone = NULL;
	cr_assert_eq(quota_periods(&set, &q, NULL, &zones_of_tests, at, at, &l), 0);
	cr_assert_eq(l.n, 0);
}
