/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rule is not solved but tried: every day of a period is held against all
 * parts of the rule. What RFC 5545 calls expanding and limiting is then the
 * same, and the order in which its parts apply does not matter.
 */
#include "core/time/recur.h"

#include <errno.h>

#include "base/buf.h"
#include "core/time/calendar.h"

#define WORK_DAY   1 /* of looking at one */
#define WORK_NAMED 10

/* A rule at work, with what it leaves to its first day filled in. */
struct walk {
	struct recur r;
	int64_t start, last;
	int64_t period[RECUR_NTH_MAX]; /* the days that are meant in the period at hand */
	size_t n;
	uint32_t left; /* of COUNT */
	size_t *work;
	struct day_list *out;
};

struct day {
	int64_t number; /* since 1970 */
	struct civil_date date;
	unsigned int weekday;
	unsigned int month_days;          /* of its month */
	unsigned int year_day, year_days; /* 1 …, of how many */
};

void recur_nth_add(struct recur_nth *x, int n)
{
	unsigned int at = (unsigned int)(n < 0 ? -n : n);

	x->any = true;
	(n < 0 ? x->last : x->first)[at / 64] |= 1ULL << at % 64;
}

/* Is the one at `at` of `n` meant? Both count from 1. */
static bool has_nth(const struct recur_nth *x, unsigned int at, unsigned int n)
{
	unsigned int back = n - at + 1;

	return x->first[at / 64] >> at % 64 & 1 || x->last[back / 64] >> back % 64 & 1;
}

static int64_t first_of_year(int year)
{
	return civil_to_days((struct civil_date){ (int16_t)year, 1, 1 });
}

static struct day day_at(int64_t number)
{
	struct day d = { .number = number, .date = civil_from_days(number) };
	int64_t first = first_of_year(d.date.year);

	d.weekday = civil_weekday(d.date);
	d.month_days = civil_month_days(d.date.year, d.date.month);
	d.year_day = (unsigned int)(number - first) + 1;
	d.year_days = (unsigned int)(first_of_year(d.date.year + 1) - first);
	return d;
}

/* A week belongs to the year that has its fourth day (3.3.10, BYWEEKNO). */
static bool in_weeks(const struct recur *r, const struct day *d)
{
	unsigned int at = (d->weekday + 7 - r->week_start) % 7;
	struct day fourth = day_at(d->number - at + 3);
	unsigned int week = (fourth.year_day - 1) / 7 + 1;

	return has_nth(&r->weeks, week, week + (fourth.year_days - fourth.year_day) / 7);
}

/* "MO", or "2MO": the second one of the month, or of the year. */
static bool on_days(const struct recur *r, const struct day *d)
{
	bool of_month = r->freq == RECUR_MONTHLY || r->months;
	unsigned int at = of_month ? d->date.day : d->year_day;
	unsigned int n = of_month ? d->month_days : d->year_days;
	unsigned int week = (at - 1) / 7 + 1;

	return r->days >> d->weekday & 1 ||
	       has_nth(&r->nth_days[d->weekday], week, week + (n - at) / 7);
}

static bool has_days(const struct recur *r)
{
	bool any = r->days;

	for (unsigned int i = 0; i < 7; i++)
		any |= r->nth_days[i].any;
	return any;
}

static bool is_meant(const struct recur *r, const struct day *d)
{
	return (!r->months || r->months >> d->date.month & 1) &&
	       (!r->month_days.any || has_nth(&r->month_days, d->date.day, d->month_days)) &&
	       (!r->year_days.any || has_nth(&r->year_days, d->year_day, d->year_days)) &&
	       (!has_days(r) || on_days(r, d)) && (!r->weeks.any || in_weeks(r, d));
}

static int spend(struct walk *w, size_t work)
{
	if (*w->work < work)
		return -E2BIG;
	*w->work -= work;
	return 0;
}

static int look_at(struct walk *w, int64_t first, unsigned int n)
{
	int e = spend(w, (size_t)n * WORK_DAY);

	for (unsigned int i = 0; i < n && e >= 0; i++) {
		struct day d = day_at(first + i);

		if (is_meant(&w->r, &d))
			w->period[w->n++] = d.number;
	}
	return e;
}

static int look_at_month(struct walk *w, int year, unsigned int month)
{
	struct civil_date first = { (int16_t)year, (uint8_t)month, 1 };

	if (w->r.months && !(w->r.months >> month & 1))
		return spend(w, WORK_DAY);
	return look_at(w, civil_to_days(first), civil_month_days(year, month));
}

static int name(struct walk *w, int64_t day)
{
	int e = spend(w, WORK_NAMED);

	if (e < 0)
		return e;
	*VEC_ADD(w->out) = day;
	w->left -= w->r.count > 0;
	return 0;
}

/* Ends a period. Returns 1 when the rule has come to its end. */
static int end_period(struct walk *w)
{
	const struct recur_nth *chosen = &w->r.of_each_period;
	size_t n = w->n;
	int e;

	w->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (chosen->any && !has_nth(chosen, (unsigned int)i + 1, (unsigned int)n))
			continue;
		if (w->period[i] <= w->start)
			continue;
		if (w->period[i] > w->last)
			return 1;
		e = name(w, w->period[i]);
		if (e < 0)
			return e;
		if (w->r.count && !w->left)
			return 1;
	}
	return 0;
}

static int walk_days(struct walk *w, int64_t first, unsigned int n)
{
	int64_t step = (int64_t)n * w->r.interval;
	int e = 0;

	for (; first <= w->last && !e; first += step) {
		e = look_at(w, first, n);
		if (e >= 0)
			e = end_period(w);
	}
	return e;
}

/* Periods of `n` months, 1 or 12, from that month of that year on. */
static int walk_months(struct walk *w, int year, unsigned int month, unsigned int n)
{
	int64_t step = (int64_t)n * w->r.interval;
	int e = 0;

	for (int64_t at = year * 12LL + month - 1; at / 12 <= RECUR_LAST_YEAR && !e; at += step) {
		for (unsigned int i = 0; i < n && e >= 0; i++)
			e = look_at_month(w, (int)(at / 12), (unsigned int)(at % 12) + 1 + i);
		if (e >= 0)
			e = end_period(w);
	}
	return e;
}

/* "Information, not contained in the rule, … is derived from DTSTART". */
static void complete(struct recur *r, const struct day *start)
{
	bool days = has_days(r), yearly = r->freq == RECUR_YEARLY;

	if ((r->freq == RECUR_WEEKLY || r->weeks.any) && !days && !r->month_days.any &&
	    !r->year_days.any)
		r->days = (uint8_t)(1 << start->weekday);
	else if ((yearly || r->freq == RECUR_MONTHLY) && !days && !r->month_days.any &&
		 !r->year_days.any)
		recur_nth_add(&r->month_days, start->date.day);
	else
		return;
	if (yearly && !r->weeks.any && !r->months)
		r->months = (uint16_t)(1 << start->date.month);
}

int recur_days(const struct recur *r, int64_t start, size_t *work, struct day_list *out)
{
	struct walk w = { .r = *r, .start = start, .left = r->count, .work = work, .out = out };
	struct day first = day_at(start);
	int e;

	w.last = first_of_year(RECUR_LAST_YEAR + 1) - 1;
	if (r->has_until && r->until < w.last)
		w.last = r->until;
	complete(&w.r, &first);
	e = name(&w, start);
	if (e < 0 || r->count == 1)
		return e;
	switch (r->freq) {
	case RECUR_DAILY:
		e = walk_days(&w, start, 1);
		break;
	case RECUR_WEEKLY:
		e = walk_days(&w, start - (first.weekday + 7 - r->week_start) % 7, 7);
		break;
	case RECUR_MONTHLY:
		e = walk_months(&w, first.date.year, first.date.month, 1);
		break;
	case RECUR_YEARLY:
		e = walk_months(&w, first.date.year, 1, 12);
		break;
	}
	return e < 0 ? e : 0;
}
