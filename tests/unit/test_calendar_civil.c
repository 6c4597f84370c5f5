/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates: day numbers, weekdays, leap years. */
#include <criterion/criterion.h>
#include <time.h>

#include "calendar_help.h"

Test(civil, known_days)
{
	static const struct {
		const char *date;
		int64_t days;
		unsigned int weekday;
	} cases[] = {
		{ "1970-01-01", 0, 3 },       { "1969-12-31", -1, 2 },
		{ "2000-02-29", 11016, 1 },   { "2000-03-01", 11017, 2 },
		{ "2026-11-23", 20780, 0 },   { "2038-01-19", 24855, 1 },
		{ "1600-01-01", -135140, 5 }, { "2100-03-01", 47541, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct civil_date d = date_of(cases[i].date);

		cr_assert_eq(civil_to_days(d), cases[i].days, "%s", cases[i].date);
		cr_assert_eq(civil_weekday(d), cases[i].weekday, "%s", cases[i].date);
	}
}

/* Every day of four eras, counted up one by one, and libc's opinion of it. */
Test(civil, every_day_in_order)
{
	int64_t days = civil_to_days((struct civil_date){ 800, 1, 1 });
	unsigned int weekday = civil_weekday((struct civil_date){ 800, 1, 1 });

	for (int y = 800; y < 2400; y++) {
		for (unsigned int m = 1; m <= 12; m++) {
			for (unsigned int k = 1; civil_valid(y, m, k); k++, days++) {
				struct civil_date d = { (int16_t)y, (uint8_t)m, (uint8_t)k };
				struct civil_date back = civil_from_days(days);
				time_t t = days * 86400;
				struct tm tm;

				cr_assert_eq(civil_to_days(d), days, "%d-%u-%u", y, m, k);
				cr_assert(back.year == y && back.month == m && back.day == k);
				cr_assert_eq(civil_weekday(d), weekday, "%d-%u-%u", y, m, k);
				gmtime_r(&t, &tm);
				cr_assert(tm.tm_year + 1900 == y && tm.tm_mon + 1 == (int)m &&
					  tm.tm_mday == (int)k);
				weekday = (weekday + 1) % 7;
			}
		}
	}
}

Test(civil, validity)
{
	cr_assert(civil_valid(2024, 2, 29));
	cr_assert(civil_valid(2000, 2, 29));
	cr_assert_not(civil_valid(1900, 2, 29));
	cr_assert_not(civil_valid(2026, 2, 29));
	cr_assert_not(civil_valid(2026, 4, 31));
	cr_assert_not(civil_valid(2026, 0, 1));
	cr_assert_not(civil_valid(2026, 13, 1));
	cr_assert_not(civil_valid(2026, 1, 0));
	cr_assert_not(civil_valid(40000, 1, 1));
}

/* Out of int16_t's years: the nearest, never something that wrapped. */
Test(civil, ends_of_the_calendar)
{
	struct civil_date first = { INT16_MIN, 1, 1 }, last = { INT16_MAX, 12, 31 };
	struct civil_date d = civil_from_days(civil_to_days(first));

	cr_assert(d.year == INT16_MIN && d.month == 1 && d.day == 1);
	d = civil_from_days(civil_to_days(first) - 1);
	cr_assert(d.year == INT16_MIN && d.month == 1 && d.day == 1);
	d = civil_from_days(civil_to_days(last));
	cr_assert(d.year == INT16_MAX && d.month == 12 && d.day == 31);
	d = civil_from_days(INT64_MAX);
	cr_assert(d.year == INT16_MAX && d.month == 12 && d.day == 31);
	d = civil_from_days(INT64_MIN);
	cr_assert(d.year == INT16_MIN && d.month == 1 && d.day == 1);
}
