/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When windows open and close. */
#include <criterion/criterion.h>
#include <string.h>

#include "calendar_help.h"

static const struct policy_set no_windows;

#define EXPECT(when, zone, begin, end, text)                                                       \
	cr_assert_str_eq(windows_text(&no_windows, when, zone, begin, end), text)

/* 2026-11-23 is a Monday; Berlin is an hour ahead of UTC then. */

Test(windows, a_span_over_midnight_belongs_to_the_day_it_starts_on)
{
	EXPECT(span(MON, "22:00", "06:00"), NULL, "2026-11-22", "2026-11-29",
	       "11-23 22:00 - 11-24 06:00");
	EXPECT(span(MON | FRI, "22:00", "06:00"), NULL, "2026-11-22", "2026-11-29",
	       "11-23 22:00 - 11-24 06:00, 11-27 22:00 - 11-28 06:00");
}

Test(windows, working_hours)
{
	EXPECT(span(MON | TUE | WED | THU | FRI, "08:00", "17:30"), NULL, "2026-11-26",
	       "2026-12-01",
	       "11-26 08:00 - 11-26 17:30, 11-27 08:00 - 11-27 17:30, 11-30 08:00 - 11-30 17:30");
}

Test(windows, from_equal_to_until_is_a_whole_day)
{
	EXPECT(span(TUE, "08:00", "08:00"), NULL, "2026-11-22", "2026-11-29",
	       "11-24 08:00 - 11-25 08:00");
	EXPECT(span(TUE, "00:00", "24:00"), NULL, "2026-11-22", "2026-11-29",
	       "11-24 00:00 - 11-25 00:00");
}

Test(windows, weekends_are_the_site_s)
{
	struct policy_set set = { 0 };

	cr_assert_str_eq(
		windows_text(&set, leaf(TIME_WEEKENDS), NULL, "2026-11-22 23:00", "2026-12-01"),
		"11-28 00:00 - 11-30 00:00");
	set.site.weekend = FRI | SAT;
	cr_assert_str_eq(
		windows_text(&set, leaf(TIME_WEEKENDS), NULL, "2026-11-22 23:00", "2026-12-01"),
		"11-27 00:00 - 11-29 00:00");
	cr_assert_str_eq(
		windows_text(&set, leaf(TIME_WEEKDAYS), NULL, "2026-11-23", "2026-11-30 12:00"),
		"11-22 00:00 - 11-27 00:00, 11-29 00:00 - 12-04 00:00");
}

Test(windows, what_touches_is_one_window)
{
	struct time_expr *closed =
		join(TIME_OR, span(DAILY, "22:00", "06:00"), leaf(TIME_WEEKENDS));

	/* Friday's night runs into the weekend, Sunday's night out of it */
	EXPECT(closed, NULL, "2026-11-26 12:00", "2026-11-30 12:00",
	       "11-26 22:00 - 11-27 06:00, 11-27 22:00 - 11-30 06:00");
	EXPECT(join(TIME_OR, span(MON, "08:00", "12:00"), span(MON, "12:00", "13:00")), NULL,
	       "2026-11-22", "2026-11-29", "11-23 08:00 - 11-23 13:00");
	EXPECT(join(TIME_OR, span(MON, "08:00", "18:00"), span(MON, "10:00", "11:00")), NULL,
	       "2026-11-22", "2026-11-29", "11-23 08:00 - 11-23 18:00");
	EXPECT(join(TIME_OR, span(MON, "08:00", "12:00"), span(MON, "12:01", "13:00")), NULL,
	       "2026-11-22", "2026-11-29", "11-23 08:00 - 11-23 12:00, 11-23 12:01 - 11-23 13:00");
}

Test(windows, and_and_except_work_on_instants)
{
	struct time_expr *week = span(MON | TUE | WED | THU | FRI, "00:00", "24:00");
	struct time_expr *night = span(DAILY, "22:00", "06:00");

	EXPECT(join(TIME_AND, week, night), NULL, "2026-11-27 12:00", "2026-12-01 12:00",
	       "11-27 22:00 - 11-28 00:00, 11-30 00:00 - 11-30 06:00, 11-30 22:00 - 12-01 06:00");
	EXPECT(join(TIME_EXCEPT, night, dates(TIME_DATES, "2026-11-25", "2026-11-25")), NULL,
	       "2026-11-24 12:00", "2026-11-26 12:00",
	       "11-24 22:00 - 11-25 00:00, 11-26 00:00 - 11-26 06:00");
	EXPECT(join(TIME_EXCEPT, leaf(TIME_WEEKDAYS), span(DAILY, "08:00", "17:00")), NULL,
	       "2026-11-26 12:00", "2026-11-27 20:00",
	       "11-26 17:00 - 11-27 08:00, 11-27 17:00 - 11-28 00:00");
	/* a piece cut out of the middle of one, and one that covers several */
	EXPECT(join(TIME_EXCEPT, leaf(TIME_WEEKENDS),
		    between("2026-11-28 10:00", "2026-11-29 09:00")),
	       NULL, "2026-11-27", "2026-11-30",
	       "11-28 00:00 - 11-28 10:00, 11-29 09:00 - 11-30 00:00");
	EXPECT(join(TIME_EXCEPT, night, between("2026-11-24 00:00", "2026-11-26 23:00")), NULL,
	       "2026-11-23 12:00", "2026-11-27 12:00",
	       "11-23 22:00 - 11-24 00:00, 11-26 23:00 - 11-27 06:00");
	EXPECT(join(TIME_EXCEPT, night, leaf(TIME_ALWAYS)), NULL, "2026-11-23", "2026-11-27", "");
}

Test(windows, dates_are_whole_local_days)
{
	EXPECT(dates(TIME_DATES, "2026-12-31", "2027-01-02"), NULL, "2026-12-01", "2027-02-01",
	       "12-31 00:00 - 01-03 00:00");
	EXPECT(dates(TIME_FILE, "2028-02-29", "2028-02-29"), "New_York", "2028-02-01", "2028-04-01",
	       "02-29 00:00 - 03-01 00:00");
	EXPECT(dates(TIME_DATES, "2027-01-02", "2026-12-31"), NULL, "2026-12-01", "2027-02-01", "");
}

Test(windows, between_two_moments)
{
	EXPECT(between("2026-12-01 16:00", "2026-12-02 00:00"), NULL, "2026-11-23", "2026-12-20",
	       "12-01 16:00 - 12-02 00:00");
	EXPECT(between("2026-12-02 00:00", "2026-12-02 00:00"), NULL, "2026-11-23", "2026-12-20",
	       "");
}

/* 2026-03-29 in Berlin: 02:00 becomes 03:00. */
Test(windows, clock_set_forward)
{
	EXPECT(span(DAILY, "22:00", "06:00"), NULL, "2026-03-28 12:00", "2026-03-29 12:00",
	       "03-28 22:00 - 03-29 06:00");
	cr_assert_str_eq(windows_text(&no_windows, span(DAILY, "22:00", "06:00"), NULL,
				      "2026-03-28 12:00", "2026-03-29 12:00"),
			 "03-28 22:00 - 03-29 06:00");
	/* in the gap as a whole: not that day */
	EXPECT(span(DAILY, "02:00", "03:00"), NULL, "2026-03-28", "2026-03-30 12:00",
	       "03-28 02:00 - 03-28 03:00, 03-30 02:00 - 03-30 03:00");
	/* an edge in the gap: the first instant after it */
	EXPECT(span(SUN, "02:30", "06:00"), NULL, "2026-03-28", "2026-03-30",
	       "03-29 03:00 - 03-29 06:00");
	EXPECT(span(SUN, "00:00", "02:30"), NULL, "2026-03-28", "2026-03-30",
	       "03-29 00:00 - 03-29 03:00");
}

/* 2026-10-25 in Berlin: 03:00 (01:00 UTC) becomes 02:00. In UTC, since local time is ambiguous. */
Test(windows, clock_set_back_never_makes_a_hole)
{
	static const struct {
		const char *from, *until, *text;
	} cases[] = {
		{ "22:00", "06:00", "10-24 20:00 - 10-25 05:00" },
		/* closes at the second 02:30, not at the first */
		{ "22:00", "02:30", "10-24 20:00 - 10-25 01:30" },
		/* opens at the first 02:30, and does not close for the half hour that repeats */
		{ "02:30", "06:00", "10-25 00:30 - 10-25 05:00" },
		{ "02:00", "03:00", "10-25 00:00 - 10-25 02:00" },
		{ "02:15", "02:45", "10-25 00:15 - 10-25 01:45" },
		/* edges that are not repeated: nothing is added */
		{ "01:00", "02:00", "10-24 23:00 - 10-25 00:00" },
		{ "03:00", "04:00", "10-25 02:00 - 10-25 03:00" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_interval_list_ struct interval_list l = { 0 };
		struct time_expr *e = span(DAILY, cases[i].from, cases[i].until);

		/* the night over Sunday */
		cr_assert_eq(time_expr_intervals(&no_windows, e, NULL, &zones_of_tests,
						 at_utc("2026-10-24 19:00"),
						 at_utc("2026-10-25 12:00"), &l),
			     0);
		cr_assert_str_eq(list_text(&l, NULL), cases[i].text, "%s-%s: %s", cases[i].from,
				 cases[i].until, list_text(&l, NULL));
	}
}

Test(windows, complementary_spans_leave_no_hole_on_any_night)
{
	struct time_expr *all =
		join(TIME_OR, span(DAILY, "22:00", "02:30"), span(DAILY, "02:30", "22:00"));
	static const char *const zones[] = { "Berlin", "New_York", "Lord_Howe", "Sao_Paulo_then",
					     "Apia" };

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		_cleanup_interval_list_ struct interval_list l = { 0 };

		cr_assert_eq(time_expr_intervals(&no_windows, all, zones[i], &zones_of_tests,
						 at_utc("2011-11-01"), at_utc("2013-01-01"), &l),
			     0);
		cr_assert_eq(l.n, 1, "%s: %s", zones[i], list_text(&l, NULL));
	}
}

/* Midnight itself is in the gap, or comes twice: days still are whole. */
Test(windows, days_whose_midnight_is_missing_or_double)
{
	/* 2026-11-01: 00:00 -03 becomes 01:00 -02; 2026-02-15: 00:00 -02 becomes 23:00 -03 of the
	 * 14th */
	EXPECT(span(SUN, "00:00", "24:00"), "Sao_Paulo_then", "2026-10-30", "2026-11-06",
	       "11-01 01:00 - 11-02 00:00");
	cr_assert_str_eq(windows_text(&no_windows, dates(TIME_DATES, "2026-02-14", "2026-02-14"),
				      "Sao_Paulo_then", "2026-02-10", "2026-02-20"),
			 "02-14 00:00 - 02-15 00:00");
	EXPECT(dates(TIME_DATES, "2011-12-29", "2011-12-29"), "Apia", "2011-12-20", "2012-01-10",
	       "12-29 00:00 - 12-31 00:00");
	EXPECT(dates(TIME_DATES, "2011-12-30", "2011-12-30"), "Apia", "2011-12-20", "2012-01-10",
	       "");
	/* the night that lost a day is one night */
	EXPECT(span(DAILY, "22:00", "06:00"), "Apia", "2011-12-30 05:00", "2011-12-30 20:00",
	       "12-29 22:00 - 12-31 06:00");
}

Test(windows, half_an_hour_of_daylight_saving)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };

	/* Lord Howe, 2026-04-05: 02:00 +11 (15:00 UTC on the 4th) becomes 01:30 +10:30 */
	cr_assert_eq(time_expr_intervals(&no_windows, span(SUN, "01:00", "01:45"), "Lord_Howe",
					 &zones_of_tests, at_utc("2026-04-01"),
					 at_utc("2026-04-08"), &l),
		     0);
	cr_assert_str_eq(list_text(&l, NULL), "04-04 14:00 - 04-04 15:15");
}

Test(windows, zones_of_named_windows)
{
	struct window w[] = {
		{ .name = (char *)"night", .when = span(MON, "22:00", "06:00") },
		{ .name = (char *)"far", .zone = (char *)"Shanghai", .when = named(0) },
		{ .name = (char *)"both", .when = join(TIME_OR, named(0), named(1)) },
		{ .name = (char *)"nowhere", .zone = (char *)"Atlantis", .when = named(0) },
		{ .name = (char *)"berlin",
		  .zone = (char *)"Berlin",
		  .when = span(MON, "08:00", "09:00") },
		{ .name = (char *)"inner", .zone = (char *)"Shanghai", .when = named(4) },
	};
	struct policy_set set = { .windows = { w, ARRAY_SIZE(w), 0 } };
	struct time_expr *e = named(2);

	cr_assert_str_eq(windows_text(&set, named(0), NULL, "2026-11-22", "2026-11-29"),
			 "11-23 22:00 - 11-24 06:00");
	/* a window's zone is its children's: 22:00 in Shanghai is 15:00 in Berlin */
	cr_assert_str_eq(windows_text(&set, named(1), NULL, "2026-11-22", "2026-11-29"),
			 "11-23 15:00 - 11-23 23:00");
	cr_assert_str_eq(windows_text(&set, e, NULL, "2026-11-22", "2026-11-29"),
			 "11-23 15:00 - 11-24 06:00");
	/* a child's own zone stays */
	cr_assert_str_eq(windows_text(&set, named(5), NULL, "2026-11-22", "2026-11-29"),
			 "11-23 08:00 - 11-23 09:00");
	/* the zone that was asked for */
	cr_assert_str_eq(windows_text(&set, named(0), "New_York", "2026-11-22", "2026-11-29"),
			 "11-23 22:00 - 11-24 06:00");
	/* the site's */
	set.site.timezone = (char *)"Shanghai";
	cr_assert_str_eq(windows_text(&set, named(0), NULL, "2026-11-22", "2026-11-29"),
			 "11-23 15:00 - 11-23 23:00");
	cr_assert_str_eq(windows_text(&set, named(3), NULL, "2026-11-22", "2026-11-29"), "error 2");
	set.site.timezone = (char *)"Atlantis";
	cr_assert_str_eq(windows_text(&set, named(0), NULL, "2026-11-22", "2026-11-29"), "error 2");
}

Test(windows, mistakes_are_errors)
{
	struct window w[] = {
		{ .name = (char *)"a", .when = named(1) },
		{ .name = (char *)"b", .when = named(0) },
	};
	struct policy_set set = { .windows = { w, ARRAY_SIZE(w), 0 } };
	struct interval kept = { { 1 }, { 2 } };
	struct interval_list l = { &kept, 1, 1 };

	cr_assert_str_eq(windows_text(&set, named(7), NULL, "2026-11-22", "2026-11-29"),
			 "error 22");
	cr_assert_str_eq(windows_text(&set, leaf(TIME_EXCEPT), NULL, "2026-11-22", "2026-11-29"),
			 "error 22");
	/* in a circle */
	cr_assert_str_eq(windows_text(&set, named(0), NULL, "2026-11-22", "2026-11-29"),
			 "error 40");
	/* and what was in the list stays */
	cr_assert_lt(time_expr_intervals(&set, named(7), NULL, &zones_of_tests,
					 at_utc("2026-11-22"), at_utc("2026-11-29"), &l),
		     0);
	cr_assert(l.n == 1 && l.v == &kept && kept.end.s == 2);
}

/* Each names the one before twice: 2^30 terms, refused in no time. */
Test(windows, that_would_never_be_done_are_refused, .timeout = 20)
{
	struct window w[31] = { { .name = (char *)"w", .when = leaf(TIME_WEEKENDS) } };
	struct policy_set set = { .windows = { w, ARRAY_SIZE(w), 0 } };

	for (uint32_t i = 1; i < ARRAY_SIZE(w); i++)
		w[i] = (struct window){ .name = (char *)"w",
					.when = join(TIME_OR, named(i - 1), named(i - 1)) };
	cr_assert_str_eq(windows_text(&set, named(30), NULL, "2026-11-22", "2026-11-29"),
			 "error 7");
	cr_assert_str_eq(windows_text(&set, named(4), NULL, "2026-11-23", "2026-11-29"),
			 "11-28 00:00 - 11-30 00:00");
}

/* As in docs/time.md: how long each span is open in Berlin on the nights when the clock moves, in
 * minutes. */
Test(windows, the_examples_in_the_documentation)
{
	static const struct {
		const char *from, *until;
		int64_t plain, march, october;
	} cases[] = {
		{ "22:00", "06:00", 480, 420, 540 }, { "22:00", "02:30", 270, 240, 330 },
		{ "02:30", "06:00", 210, 180, 270 }, { "02:00", "03:00", 60, 0, 120 },
		{ "01:00", "02:00", 60, 60, 60 },    { "03:00", "04:00", 60, 60, 60 },
	};
	static const char *const noons[] = { "2026-11-23 11:00", "2026-03-28 11:00",
					     "2026-10-24 10:00" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const int64_t want[] = { cases[i].plain, cases[i].march, cases[i].october };

		for (size_t k = 0; k < ARRAY_SIZE(noons); k++) {
			_cleanup_interval_list_ struct interval_list l = { 0 };
			struct utc noon = at_utc(noons[k]), end = { noon.s + 22 * 3600 };
			struct time_expr *e = span(DAILY, cases[i].from, cases[i].until);

			cr_assert_eq(time_expr_intervals(&no_windows, e, NULL, &zones_of_tests,
							 noon, end, &l),
				     0);
			cr_assert_eq(l.n, want[k] > 0);
			cr_assert(!l.n || l.v[0].end.s - l.v[0].begin.s == want[k] * 60,
				  "%s-%s: %s", cases[i].from, cases[i].until, list_text(&l, NULL));
		}
	}
}

Test(windows, open_ones_are_followed_to_their_true_edges)
{
	struct time_expr *holiday = between("2026-11-01 00:00", "2026-12-24 00:00");

	EXPECT(holiday, NULL, "2026-11-20", "2026-12-20", "11-01 00:00 - 12-24 00:00");
	/* no further than 8 days ahead */
	EXPECT(holiday, NULL, "2026-11-20", "2026-11-22", "11-01 00:00 - 11-30 01:00");
	EXPECT(span(MON, "22:00", "06:00"), NULL, "2026-11-24 00:00", "2026-11-24 00:01",
	       "11-23 22:00 - 11-24 06:00");
	/* half-open */
	EXPECT(span(MON, "22:00", "06:00"), NULL, "2026-11-24 05:00", "2026-11-24 12:00", "");
	EXPECT(span(MON, "22:00", "06:00"), NULL, "2026-11-23 12:00", "2026-11-23 21:00", "");
	EXPECT(span(MON, "22:00", "06:00"), NULL, "2026-11-24 00:00", "2026-11-24 00:00", "");
}

/* A quota each window resets when the window opens: asked on another day, one that never closes
 * must not open anew. */
Test(windows, one_that_never_closes_keeps_its_opening_time)
{
	struct time_expr *always = join(TIME_OR, leaf(TIME_WEEKENDS), leaf(TIME_WEEKDAYS));
	unsigned int changes = 0;
	int64_t seen = 0;

	for (int64_t day = 20000; day < 20400; day++) {
		_cleanup_interval_list_ struct interval_list l = { 0 };
		struct utc begin = { day * 86400 + 4711 };

		cr_assert_eq(time_expr_intervals(&no_windows, day % 2 ? always : NULL, NULL,
						 &zones_of_tests, begin,
						 (struct utc){ begin.s + 35 * 86400 }, &l),
			     0);
		cr_assert_eq(l.n, 1);
		cr_assert_leq(l.v[0].begin.s, begin.s - 400 * 86400);
		cr_assert_geq(l.v[0].begin.s, begin.s - 800 * 86400);
		changes += l.v[0].begin.s != seen;
		seen = l.v[0].begin.s;
	}
	cr_assert_leq(changes, 2);
}

Test(windows, whether_a_list_holds_an_instant)
{
	struct interval v[] = { { { 10 }, { 20 } }, { { 30 }, { 40 } }, { { 50 }, { 51 } } };
	struct interval_list l = { v, 3, 3 };
	static const struct {
		int64_t at;
		bool in;
	} cases[] = { { 9, false }, { 10, true }, { 19, true },  { 20, false }, { 29, false },
		      { 30, true }, { 39, true }, { 40, false }, { 50, true },  { 51, false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_eq(interval_list_has(&l, (struct utc){ cases[i].at }), cases[i].in);
	l.n = 0;
	cr_assert_not(interval_list_has(&l, (struct utc){ 10 }));
}
