/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates as day numbers and back, proleptic Gregorian. */
#include "core/time/calendar.h"

#define DAYS_PER_ERA    146097        /* 400 years */
#define DAYS_0000_03_01 (-719468)     /* of that date, from 1970-01-01 */
#define DAYS_FIRST      (-12687794LL) /* -32768-01-01 */
#define DAYS_LAST       11248737LL    /* 32767-12-31 */

static bool leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned int civil_month_days(int year, unsigned int month)
{
	if (month == 2)
		return leap_year(year) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool civil_valid(int year, unsigned int month, unsigned int day)
{
	return year >= INT16_MIN && year <= INT16_MAX && month >= 1 && month <= 12 && day >= 1 &&
	       day <= civil_month_days(year, month);
}

/*
 * Years are counted from March, so that the leap day is a year's last and the
 * months before any date have the lengths 31, 30, 31, 30, 31 over and over:
 * (153 m + 2) / 5 days in m months.
 */
int64_t civil_to_days(struct civil_date d)
{
	int64_t year = d.year - (d.month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t month = (d.month + 9) % 12;
	int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;

	return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year + DAYS_0000_03_01;
}

struct civil_date civil_from_days(int64_t days)
{
	int64_t era, day, year, month;

	if (days < DAYS_FIRST)
		days = DAYS_FIRST;
	if (days > DAYS_LAST)
		days = DAYS_LAST;
	days -= DAYS_0000_03_01;
	era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
	day = days - era * DAYS_PER_ERA;
	/* the leap days before `day` taken out: every 1461st, not every 36525th, the last of an era
	 */
	year = (day - day / 1460 + day / 36524 - day / (DAYS_PER_ERA - 1)) / 365;
	day -= year * 365 + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	return (struct civil_date){
		.year = (int16_t)(era * 400 + year + (month <= 2)),
		.month = (uint8_t)month,
		.day = (uint8_t)(day + 1),
	};
}

unsigned int civil_weekday(struct civil_date d)
{
	/* 1970-01-01 was a Thursday */
	int64_t day = (civil_to_days(d) + 3) % 7;

	return (unsigned int)(day < 0 ? day + 7 : day);
}
