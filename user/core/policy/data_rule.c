/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a recurrence rule is written: RFC 5545, 3.3.10, as far as whole days have
 * one. What a rule may not say is refused here, so that time/recur.c finds only
 * what has a meaning.
 */
#include <errno.h>
#include <string.h>

#include "core/policy/data_content.h"

static const char no_times[] = "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY";
static const char last_day[] = "the last day, as UNTIL=20301225";
static const char one_by_one[] = "export the calendar with each event on its own";
static const char *const freqs[] = { "DAILY", "WEEKLY", "MONTHLY", "YEARLY" };
static const char *const weekdays[] = { "MO", "TU", "WE", "TH", "FR", "SA", "SU" };

enum part {
	PART_FREQ,
	PART_UNTIL,
	PART_COUNT,
	PART_INTERVAL,
	PART_BYDAY,
	PART_BYMONTH,
	PART_BYMONTHDAY,
	PART_BYYEARDAY,
	PART_BYWEEKNO,
	PART_BYSETPOS,
	PART_WKST,
	PART_RSCALE,
	PART_SKIP,
	PART_OF_TIMES, /* "MUST be ignored" with days */
	PART_MAX
};

struct reader {
	const struct content *c;
	struct content_rule *rule;
	struct content_part at[PART_MAX]; /* the parts that were there, whole */
	struct content_part numbered;     /* the first day with a number, "2MO" */
};

/* ±1 … ±max, as `signed_` says; "+2" is 2. */
static int number(struct content_part p, bool signed_, int max, int *ret)
{
	bool minus = p.n && *p.s == '-';
	size_t i = signed_ && p.n && (minus || *p.s == '+');
	int n = 0;

	if (i == p.n)
		return -EINVAL;
	for (; i < p.n; i++) {
		if (p.s[i] < '0' || p.s[i] > '9' || n > max)
			return -EINVAL;
		n = n * 10 + p.s[i] - '0';
	}
	if (n < 1 || n > max)
		return -EINVAL;
	*ret = minus ? -n : n;
	return 0;
}

static int one_of(struct content_part p, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (part_is(p, words[i]))
			return (int)i;
	return -EINVAL;
}

static int read_freq(struct reader *r, struct content_part v)
{
	static const char *const shorter[] = { "HOURLY", "MINUTELY", "SECONDLY" };
	int freq = one_of(v, freqs, ARRAY_SIZE(freqs));

	if (one_of(v, shorter, ARRAY_SIZE(shorter)) >= 0)
		return content_error(r->c, v, no_times, "whole days do not repeat %.*s",
				     PART_TEXT(v));
	if (freq < 0)
		return content_error(r->c, v, no_times, "'%.*s' is not a frequency", PART_TEXT(v));
	r->rule->recur.freq = (enum recur_freq)freq;
	return 0;
}

/* "T235959Z"; without a Z it is a clock's on the wall, as the day is. */
static int until_time(struct reader *r, struct content_part v, int64_t on)
{
	unsigned int digits = 0, hour;

	for (size_t i = 9; i < v.n && i < 15; i++)
		digits += v.s[i] >= '0' && v.s[i] <= '9';
	if (digits != 6 || (v.s[8] != 'T' && v.s[8] != 't') ||
	    (v.n == 16 && v.s[15] != 'Z' && v.s[15] != 'z'))
		return content_error(r->c, v, last_day, "'%.*s' is not a date", PART_TEXT(v));
	if (v.n == 15)
		return 0;
	/* zones are from 12 hours behind to 14 before */
	hour = (unsigned int)(v.s[9] - '0') * 10 + (unsigned int)(v.s[10] - '0');
	r->rule->sure_until = hour >= 12 ? on : on - 1;
	r->rule->recur.until += hour >= 10;
	return 0;
}

static int read_until(struct reader *r, struct content_part v)
{
	struct content_part day = { v.s, v.n == 15 || v.n == 16 ? 8 : v.n };
	struct recur *recur = &r->rule->recur;
	struct civil_date date;
	int e = content_day(r->c, day, last_day, &date);

	if (e < 0)
		return e;
	recur->has_until = true;
	recur->until = civil_to_days(date);
	r->rule->until_pos = content_place(r->c, v.s);
	return v.n > 8 ? until_time(r, v, recur->until) : 0;
}

static int read_count(struct reader *r, struct content_part v)
{
	int n;

	if (number(v, false, 1000000, &n) < 0)
		return content_error(r->c, v, NULL, "'%.*s' is not a number from 1 to 1000000",
				     PART_TEXT(v));
	r->rule->recur.count = (uint32_t)n;
	return 0;
}

static int read_interval(struct reader *r, struct content_part v)
{
	int n;

	if (number(v, false, 10000, &n) < 0)
		return content_error(r->c, v, NULL, "'%.*s' is not a number from 1 to 10000",
				     PART_TEXT(v));
	r->rule->recur.interval = (uint32_t)n;
	return 0;
}

/* "MO", "-1FR": the day, and 0 or which one. */
static int one_day(struct content_part p, int *ret_day, int *ret_nth)
{
	struct content_part nth = p, day;

	if (p.n < 2)
		return -EINVAL;
	nth.n -= 2;
	day = (struct content_part){ p.s + nth.n, 2 };
	*ret_nth = 0;
	*ret_day = one_of(day, weekdays, ARRAY_SIZE(weekdays));
	return *ret_day < 0 || (nth.n && number(nth, true, 53, ret_nth) < 0) ? -EINVAL : 0;
}

static int read_days(struct reader *r, struct content_part v)
{
	struct recur *recur = &r->rule->recur;
	struct content_part p;
	int day, nth;

	while (part_next(&v, ',', &p)) {
		if (one_day(p, &day, &nth) < 0)
			return content_error(r->c, p, "MO, TU, WE, TH, FR, SA, SU; 2MO, -1FR",
					     "'%.*s' is not a day of the week", PART_TEXT(p));
		if (nth)
			recur_nth_add(&recur->nth_days[day], nth);
		else
			recur->days |= (uint8_t)(1 << day);
		if (nth && !r->numbered.n)
			r->numbered = p;
	}
	return 0;
}

static int read_months(struct reader *r, struct content_part v)
{
	struct content_part p;
	int n;

	while (part_next(&v, ',', &p)) {
		if (number(p, false, 12, &n) < 0)
			return content_error(r->c, p, NULL, "'%.*s' is not a month, 1 to 12",
					     PART_TEXT(p));
		r->rule->recur.months |= (uint16_t)(1 << n);
	}
	return 0;
}

static int read_nth(struct reader *r, struct content_part v, int max, struct recur_nth *ret)
{
	struct content_part p;
	int n;

	while (part_next(&v, ',', &p)) {
		if (number(p, true, max, &n) < 0)
			return content_error(
				r->c, p, NULL,
				"'%.*s' is neither a number from 1 to %d nor from -1 to -%d",
				PART_TEXT(p), max, max);
		recur_nth_add(ret, n);
	}
	return 0;
}

static int read_month_days(struct reader *r, struct content_part v)
{
	return read_nth(r, v, 31, &r->rule->recur.month_days);
}

static int read_year_days(struct reader *r, struct content_part v)
{
	return read_nth(r, v, 366, &r->rule->recur.year_days);
}

static int read_weeks(struct reader *r, struct content_part v)
{
	return read_nth(r, v, 53, &r->rule->recur.weeks);
}

static int read_positions(struct reader *r, struct content_part v)
{
	return read_nth(r, v, 366, &r->rule->recur.of_each_period);
}

static int read_week_start(struct reader *r, struct content_part v)
{
	int i = one_of(v, weekdays, ARRAY_SIZE(weekdays));

	if (i < 0)
		return content_error(r->c, v, "MO, TU, WE, TH, FR, SA, SU",
				     "'%.*s' is not a day of the week", PART_TEXT(v));
	r->rule->recur.week_start = (uint8_t)i;
	return 0;
}

/* RFC 7529. Without other calendars there is nothing to skip differently. */
static int read_calendar(struct reader *r, struct content_part v)
{
	if (part_is(v, "GREGORIAN"))
		return 0;
	return content_error(r->c, v, one_by_one, "only the Gregorian calendar is read");
}

static int read_skip(struct reader *r, struct content_part v)
{
	if (part_is(v, "OMIT"))
		return 0;
	return content_error(r->c, v, one_by_one, "only SKIP=OMIT is read");
}

static int read_nothing(struct reader *r _unused_, struct content_part v _unused_)
{
	return 0;
}

static const struct row {
	const char *name;
	enum part part;
	int (*read)(struct reader *r, struct content_part v);
	unsigned int freqs; /* bits: the rules in which it has a meaning; 0: all */
} rows[] = {
	{ "FREQ", PART_FREQ, read_freq, 0 },
	{ "UNTIL", PART_UNTIL, read_until, 0 },
	{ "COUNT", PART_COUNT, read_count, 0 },
	{ "INTERVAL", PART_INTERVAL, read_interval, 0 },
	{ "BYDAY", PART_BYDAY, read_days, 0 },
	{ "BYMONTH", PART_BYMONTH, read_months, 0 },
	{ "BYMONTHDAY", PART_BYMONTHDAY, read_month_days,
	  1 << RECUR_DAILY | 1 << RECUR_MONTHLY | 1 << RECUR_YEARLY },
	{ "BYYEARDAY", PART_BYYEARDAY, read_year_days, 1 << RECUR_YEARLY },
	{ "BYWEEKNO", PART_BYWEEKNO, read_weeks, 1 << RECUR_YEARLY },
	{ "BYSETPOS", PART_BYSETPOS, read_positions, 0 },
	{ "WKST", PART_WKST, read_week_start, 0 },
	{ "RSCALE", PART_RSCALE, read_calendar, 0 },
	{ "SKIP", PART_SKIP, read_skip, 0 },
	{ "BYHOUR", PART_OF_TIMES, read_nothing, 0 },
	{ "BYMINUTE", PART_OF_TIMES, read_nothing, 0 },
	{ "BYSECOND", PART_OF_TIMES, read_nothing, 0 },
};

/* "NAME=VALUE" */
static int read_part(struct reader *r, struct content_part p)
{
	struct content_part v = p, name;

	part_next(&v, '=', &name);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct content_part *at = &r->at[rows[i].part];

		if (!part_is(name, rows[i].name))
			continue;
		if (!v.n)
			return content_error(r->c, p, NULL, "'%.*s' has no value", PART_TEXT(p));
		if (at->n && rows[i].part != PART_OF_TIMES)
			return content_error(r->c, p, NULL, "%s is there already", rows[i].name);
		*at = p;
		return rows[i].read(r, v);
	}
	return content_error(r->c, p, one_by_one, "'%.*s' is no part of a rule that is known",
			     PART_TEXT(name));
}

/* What has no meaning together. */
static int check(const struct reader *r, struct content_part whole)
{
	const struct recur *recur = &r->rule->recur;
	const char *freq = freqs[recur->freq];
	bool by = false;

	if (!r->at[PART_FREQ].n)
		return content_error(r->c, whole, no_times, "this rule has no FREQ");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (r->at[rows[i].part].n && rows[i].freqs && !(rows[i].freqs >> recur->freq & 1))
			return content_error(r->c, r->at[rows[i].part], NULL,
					     "%s has no meaning in a rule that is %s", rows[i].name,
					     freq);
	if (r->numbered.n && recur->freq != RECUR_MONTHLY && recur->freq != RECUR_YEARLY)
		return content_error(r->c, r->numbered, NULL,
				     "'%.*s' has no meaning in a rule that is %s",
				     PART_TEXT(r->numbered), freq);
	if (r->numbered.n && recur->weeks.any)
		return content_error(r->c, r->numbered, NULL,
				     "'%.*s' has no meaning beside BYWEEKNO",
				     PART_TEXT(r->numbered));
	if (recur->count && recur->has_until)
		return content_error(r->c, r->at[PART_COUNT], NULL,
				     "a rule has either UNTIL or COUNT");
	for (int i = PART_BYDAY; i <= PART_BYWEEKNO; i++)
		by |= r->at[i].n > 0;
	if (recur->of_each_period.any && !by)
		return content_error(r->c, r->at[PART_BYSETPOS], NULL,
				     "BYSETPOS chooses from the days that BYDAY and its like name, "
				     "and there is none");
	return 0;
}

int content_rule(const struct content *c, struct content_rule *ret)
{
	struct content_rule rule = { .recur = { .interval = 1 }, .sure_until = INT64_MAX };
	struct reader r = { .c = c, .rule = &rule };
	struct content_part whole = content_value(c), rest = whole, p;
	int e;

	while (part_next(&rest, ';', &p)) {
		/* some write one more at the end */
		e = p.n ? read_part(&r, p) : 0;
		if (e < 0)
			return e;
	}
	e = check(&r, whole);
	if (e < 0)
		return e;
	*ret = rule;
	return 0;
}
