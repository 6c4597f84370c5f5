/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a time expression holds. */
#include <errno.h>

#include "core/time/interval.h"
#include "core/time/zone.h"

/* Of windows that name windows, and of parentheses; the parser allows 50 of these. */
#define DEPTH_MAX 512
/* Terms looked at: a handful of windows that each name the one before twice would take forever. */
#define TERMS_MAX       100000
#define EVERY_DAY       0x7f
#define SATURDAY_SUNDAY 0x60

/* What an expression is evaluated in. */
struct scope {
	const struct policy_set *set;
	const struct zone_source *zones;
	const struct zone *zone;
	struct utc begin, end; /* results are cut to this */
	unsigned int depth;
	unsigned int *terms; /* looked at so far */
};

static int eval(const struct scope *s, const struct time_expr *e, struct interval_list *out);

static void add_hull(const struct scope *s, int64_t from, int64_t until, struct interval_list *out)
{
	struct interval i;

	if (!zone_hull(s->zone, from, until, &i))
		return;
	interval_add(out, i.begin.s > s->begin.s ? i.begin.s : s->begin.s,
		     i.end.s < s->end.s ? i.end.s : s->end.s);
}

/* The local days that can have to do with the scope: a span reaches into the day after its own. */
static int64_t first_day(const struct scope *s)
{
	return floor_div(s->begin.s, DAY_SECONDS) - 3;
}

static int64_t last_day(const struct scope *s)
{
	return floor_div(s->end.s, DAY_SECONDS) + 2;
}

static void spans(const struct scope *s, unsigned int days, unsigned int from, unsigned int until,
		  struct interval_list *out)
{
	int64_t last = last_day(s), day = first_day(s);
	unsigned int weekday = civil_weekday(civil_from_days(day));
	int64_t begin = (int64_t)from * 60, end = (int64_t)until * 60;

	if (until <= from)
		end += DAY_SECONDS;
	for (; day <= last; day++, weekday = (weekday + 1) % 7)
		if (days & 1U << weekday)
			add_hull(s, day * DAY_SECONDS + begin, day * DAY_SECONDS + end, out);
}

static void dates(const struct scope *s, const struct date_list *l, struct interval_list *out)
{
	for (size_t i = 0; i < l->n; i++) {
		int64_t first = civil_to_days(l->v[i].first);
		int64_t last = civil_to_days(l->v[i].last);

		if (first <= last && first <= last_day(s) && last >= first_day(s))
			add_hull(s, first * DAY_SECONDS, (last + 1) * DAY_SECONDS, out);
	}
}

static void between(const struct scope *s, const struct time_expr *e, struct interval_list *out)
{
	int64_t from = local_from_civil(e->begin.date, e->begin.minute);
	int64_t until = local_from_civil(e->end.date, e->end.minute);

	if (from < until)
		add_hull(s, from, until, out);
}

static int named(const struct scope *s, const struct time_expr *e, struct interval_list *out)
{
	const struct window *w;
	struct scope inner = *s;

	if (e->window >= s->set->windows.n)
		return -EINVAL;
	w = &s->set->windows.v[e->window];
	if (w->zone) {
		inner.zone = s->zones->get(s->zones->arg, w->zone);
		if (!inner.zone)
			return -ENOENT;
	}
	return eval(&inner, w->when, out);
}

static int any_of(const struct scope *s, const struct time_expr *e, struct interval_list *out)
{
	for (size_t i = 0; i < e->n; i++) {
		int r = eval(s, e->v[i], out);

		if (r < 0)
			return r;
	}
	return 0;
}

static int both(const struct scope *s, const struct time_expr *e, struct interval_list *out)
{
	_cleanup_interval_list_ struct interval_list held = { 0 };
	int r;

	if (!e->n)
		return -EINVAL;
	r = eval(s, e->v[0], &held);
	for (size_t i = 1; r == 0 && i < e->n; i++) {
		_cleanup_interval_list_ struct interval_list next = { 0 };
		struct interval_list common = { 0 };

		r = eval(s, e->v[i], &next);
		interval_and(&held, &next, &common);
		interval_list_done(&held);
		held = common;
	}
	for (size_t i = 0; r == 0 && i < held.n; i++)
		*VEC_ADD(out) = held.v[i];
	return r;
}

static int all_but(const struct scope *s, const struct time_expr *e, struct interval_list *out)
{
	_cleanup_interval_list_ struct interval_list what = { 0 }, taken = { 0 };
	int r;

	if (e->n != 2)
		return -EINVAL;
	r = eval(s, e->v[0], &what);
	if (r == 0)
		r = eval(s, e->v[1], &taken);
	if (r == 0)
		interval_except(&what, &taken, out);
	return r;
}

static unsigned int weekend(const struct policy_set *set)
{
	return set->site.weekend ? set->site.weekend : SATURDAY_SUNDAY;
}

/* Adds to `out`, which is normal afterwards. */
static int eval(const struct scope *outer, const struct time_expr *e, struct interval_list *out)
{
	struct scope s = *outer;
	int r = 0;

	if (++s.depth > DEPTH_MAX)
		return -ELOOP;
	if (++*s.terms > TERMS_MAX)
		return -E2BIG;
	switch (e ? e->op : TIME_ALWAYS) {
	case TIME_ALWAYS:
		interval_add(out, s.begin.s, s.end.s);
		break;
	case TIME_SPAN:
		spans(&s, e->days, e->from, e->until, out);
		break;
	case TIME_WEEKENDS:
		spans(&s, weekend(s.set), 0, 0, out);
		break;
	case TIME_WEEKDAYS:
		spans(&s, EVERY_DAY & ~weekend(s.set), 0, 0, out);
		break;
	case TIME_DATES:
	case TIME_FILE:
		dates(&s, &e->dates, out);
		break;
	case TIME_BETWEEN:
		between(&s, e, out);
		break;
	case TIME_WINDOW:
		r = named(&s, e, out);
		break;
	case TIME_AND:
		r = both(&s, e, out);
		break;
	case TIME_OR:
		r = any_of(&s, e, out);
		break;
	case TIME_EXCEPT:
		r = all_but(&s, e, out);
		break;
	default:
		r = -EINVAL;
	}
	interval_normalise(out);
	return r;
}

/* The same instant for every range that begins in the same 400 days: see the header. */
static int64_t scope_begin(struct utc begin)
{
	int64_t step = (int64_t)INTERVAL_BACK_DAYS * DAY_SECONDS;

	return floor_div(utc_clamp(begin.s) - step, step) * step;
}

int time_expr_intervals(const struct policy_set *set, const struct time_expr *when,
			const char *zone_name, const struct zone_source *zones, struct utc begin,
			struct utc end, struct interval_list *out)
{
	_cleanup_interval_list_ struct interval_list all = { 0 };
	const char *name = zone_name ? zone_name : set->site.timezone;
	unsigned int terms = 0;
	struct scope s = {
		.set = set,
		.zones = zones,
		.zone = zones->get(zones->arg, name),
		.begin = { scope_begin(begin) },
		.end = { utc_clamp(end.s) + INTERVAL_AHEAD_DAYS * DAY_SECONDS },
		.terms = &terms,
	};
	size_t first = 0, n = 0;
	int r;

	if (!s.zone)
		return -ENOENT;
	r = eval(&s, when, &all);
	if (r < 0)
		return r;
	while (first < all.n && all.v[first].end.s <= begin.s)
		first++;
	while (begin.s < end.s && first + n < all.n && all.v[first + n].begin.s < end.s)
		n++;
	out->n = 0;
	for (size_t i = 0; i < n; i++)
		*VEC_ADD(out) = all.v[first + i];
	return 0;
}
