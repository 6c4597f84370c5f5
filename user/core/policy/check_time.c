/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warnings about times: nights in two days, days without times, dates that are over. */
#include <string.h>

#include "core/policy/check.h"
#include "core/time/calendar.h"

#define ENDS_SOON_DAYS 30

/* ---- an ordinary week, minute by minute ---------------------------------------------- */

#define DAY_MINUTES  1440
#define WEEK_MINUTES (7 * DAY_MINUTES)

/* When a window is open in a week without a date that any list names. */
struct week {
	bool known;
	uint8_t open[WEEK_MINUTES / 8];
};

static bool is_open(const struct week *w, unsigned int minute)
{
	return w->open[minute / 8] >> minute % 8 & 1;
}

static void add_span(const struct time_expr *t, struct week *w)
{
	unsigned int n = t->until > t->from ? t->until - t->from : t->until + DAY_MINUTES - t->from;

	for (unsigned int day = 0; day < 7; day++)
		for (unsigned int i = 0; t->days >> day & 1 && i < n; i++) {
			unsigned int at = (day * DAY_MINUTES + t->from + i) % WEEK_MINUTES;

			w->open[at / 8] |= (uint8_t)(1 << at % 8);
		}
}

static void add_days(uint8_t days, struct week *w)
{
	const struct time_expr whole = { .days = days, .until = DAY_MINUTES };

	add_span(&whole, w);
}

/* What holds on some dates only; an ordinary week has none of them. */
static bool is_dated(const struct time_expr *t)
{
	return t->op == TIME_DATES || t->op == TIME_FILE || t->op == TIME_BETWEEN;
}

static void fill(struct checker *c, const struct time_expr *t, struct week *w);

static void combine(struct checker *c, const struct time_expr *t, struct week *w)
{
	bool first = true;

	for (size_t i = 0; i < t->n; i++) {
		struct week x = { 0 };

		/* "night and dates …": on such a date it is a night as any other */
		if (t->op == TIME_AND && is_dated(t->v[i]))
			continue;
		fill(c, t->v[i], &x);
		for (size_t k = 0; k < sizeof(w->open); k++) {
			if (first || t->op == TIME_OR)
				w->open[k] |= x.open[k];
			else if (t->op == TIME_AND)
				w->open[k] &= x.open[k];
			else
				w->open[k] &= (uint8_t)~x.open[k];
		}
		first = false;
	}
}

static void fill(struct checker *c, const struct time_expr *t, struct week *w)
{
	struct week *of;

	switch (t->op) {
	case TIME_ALWAYS:
		memset(w->open, 0xff, sizeof(w->open));
		return;
	case TIME_SPAN:
		add_span(t, w);
		return;
	case TIME_WEEKENDS:
		add_days(c->set->site.weekend, w);
		return;
	case TIME_WEEKDAYS:
		add_days(0x7f & (uint8_t)~c->set->site.weekend, w);
		return;
	case TIME_WINDOW:
		of = &c->weeks[t->window];
		if (!of->known)
			fill(c, c->set->windows.v[t->window].when, of);
		of->known = true;
		memcpy(w->open, of->open, sizeof(w->open));
		return;
	case TIME_DATES:
	case TIME_FILE:
	case TIME_BETWEEN:
		return;
	case TIME_AND:
	case TIME_OR:
	case TIME_EXCEPT:
		combine(c, t, w);
	}
}

/*
 * Whether it is open over a midnight without being open for longer than a day: then people take
 * it for one night, and not for parts of two days.
 */
static bool is_night(struct checker *c, const struct time_expr *t)
{
	struct week w = { 0 };

	fill(c, t, &w);
	for (unsigned int day = 0; day < 7; day++) {
		unsigned int midnight = WEEK_MINUTES + day * DAY_MINUTES, before = 0, after = 0;

		while (before <= DAY_MINUTES && is_open(&w, (midnight - before - 1) % WEEK_MINUTES))
			before++;
		while (after <= DAY_MINUTES && is_open(&w, (midnight + after) % WEEK_MINUTES))
			after++;
		if (before && after && before + after <= DAY_MINUTES)
			return true;
	}
	return false;
}

static void warn_midnight(struct checker *c, const struct policy *p)
{
	bool has_day = false;

	for (size_t i = 0; i < p->quotas.n; i++)
		has_day |= p->quotas.v[i].period == PERIOD_DAY;
	if (!p->during || !has_day || !is_night(c, p->during))
		return;
	for (size_t i = 0; i < p->quotas.n; i++)
		if (p->quotas.v[i].period == PERIOD_DAY)
			check_warning(
				c, p->quotas.v[i].period_pos,
				"write 'each window' to have one quota for the whole night",
				"the window spans midnight, where 'each day' begins anew: up to twice the quota passes");
}

/* ---- days ------------------------------------------------------------------------- */

static bool whole_day(const struct time_expr *t)
{
	return t->op == TIME_SPAN && t->days != 0x7f && !(t->days & (t->days - 1)) && !t->from &&
	       t->until == 1440;
}

/* "mon, wed 08:00-10:00": the comma separates windows, not days. */
static void warn_bare_day(struct checker *c, const struct time_expr *t)
{
	for (size_t i = 0; i < t->n; i++) {
		warn_bare_day(c, t->v[i]);
		if (t->op != TIME_OR || i + 1 >= t->n || !whole_day(t->v[i]) ||
		    t->v[i + 1]->op != TIME_SPAN || whole_day(t->v[i + 1]))
			continue;
		check_warning(c, t->v[i]->pos,
			      "give each day its times: mon 08:00-10:00, wed 08:00-10:00",
			      "this is the whole day; the times behind the comma are not for it");
	}
}

void check_times(struct checker *c)
{
	const struct policy_set *set = c->set;

	c->weeks = xcalloc(set->windows.n, sizeof(*c->weeks));
	for (size_t i = 0; i < set->policies.n; i++) {
		warn_midnight(c, &set->policies.v[i]);
		if (set->policies.v[i].during)
			warn_bare_day(c, set->policies.v[i].during);
	}
	for (size_t i = 0; i < set->windows.n; i++)
		warn_bare_day(c, set->windows.v[i].when);
	free(c->weeks);
	c->weeks = NULL;
}

/* ---- what the day decides ---------------------------------------------------------- */

struct dated {
	struct checker c; /* first: the walker hands it back */
	int64_t today;
};

static void warn_dates(struct checker *c, const struct time_expr *t)
{
	int64_t today = ((struct dated *)c)->today, last = INT64_MIN;

	for (size_t i = 0; i < t->dates.n; i++)
		if (civil_to_days(t->dates.v[i].last) > last)
			last = civil_to_days(t->dates.v[i].last);
	if (t->dates.n && last < today)
		check_warning(c, t->pos, NULL, "all of these dates are over");
	else if (t->op == TIME_FILE && t->dates.n && last - today < ENDS_SOON_DAYS)
		check_warning(c, t->pos, "bring the file up to date", "\"%s\" ends in %lld days",
			      t->text, (long long)(last - today));
	if (t->op == TIME_BETWEEN && civil_to_days(t->end.date) < today)
		check_warning(c, t->pos, NULL, "this time is over");
}

void policy_check_dates(const struct policy_set *set, struct civil_date today,
			struct diag_list *diags)
{
	struct dated d = { .c = { .set = set, .diags = diags }, .today = civil_to_days(today) };
	size_t first = diags->n;

	check_everywhere(&d.c, NULL, warn_dates);
	for (size_t i = 0; i < set->exempts.n; i++)
		if (set->exempts.v[i].has_until &&
		    civil_to_days(set->exempts.v[i].until.date) < d.today)
			check_warning(&d.c, set->exempts.v[i].until_pos, "remove it",
				      "this exempt has run out");
	diag_sort(diags, first);
}
