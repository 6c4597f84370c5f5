/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What never matches. Conditions are asked with all facts that occur; of one that never
 * held, the innermost part that explains it is named. Addresses that are never judged count
 * as met: that they are none is said elsewhere.
 */
#include <string.h>

#include "core/image/warn.h"

void warn_once(struct build *b, struct pos pos, const char *help, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < b->diags->n; i++) {
		const struct diag *d = &b->diags->v[i];

		if (d->level != DIAG_NOTE && d->pos.file == pos.file && d->pos.line == pos.line &&
		    d->pos.col == pos.col &&
		    (!strcmp(d->message, buf_text(&text)) ||
		     (!strncmp(buf_text(&text), "this never", 10) && strstr(d->message, "never"))))
			return;
	}
	if (pos.line)
		diag_add(b->diags, b->in->set, DIAG_WARNING, pos, help, "%s", buf_text(&text));
}

/* ---- who and where to ------------------------------------------------------------ */

static bool all_met(const struct conditions *c, const struct condition *cond)
{
	for (size_t i = 0; i < cond->n; i++)
		if (!c->all.v[cond->v[i]].met)
			return false;
	return true;
}

static void warn_combination(struct build *b, const struct conditions *c,
			     const struct condition *cond)
{
	const char *what = c->side == SIDE_FROM ? "source" : "destination";

	if (cond->op == COND_AND && all_met(c, cond))
		warn_once(b, cond->expr->pos,
			  "'and' means both at once; for one or the other write ','",
			  "this never matches: no %s is all of it at once", what);
	if (cond->op == COND_EXCEPT && c->all.v[cond->v[0]].met)
		warn_once(b, cond->expr->pos, "take out less",
			  "this never matches: 'except' leaves no %s of it", what);
}

static void warn_condition(struct build *b, const struct conditions *c,
			   const struct condition *cond)
{
	switch (cond->op) {
	case COND_COUNTRY:
	case COND_CONTINENT:
	case COND_ASN:
	case COND_CITY:
		if (!b->in->geo_missing)
			warn_place(b, cond->expr);
		return;
	case COND_BEYOND:
		if (!b->in->geo_missing)
			warn_once(b, cond->expr->pos,
				  "no place on Earth is farther away than 20,015 km",
				  "this never matches: the databases know nothing that far away");
		return;
	case COND_UNKNOWN:
		warn_once(b, cond->expr->pos, NULL,
			  "this never matches: the databases know a country of every address");
		return;
	case COND_AND:
	case COND_EXCEPT:
		warn_combination(b, c, cond);
		return;
	default:
		/* a list without entries, and what is of such lists alone, has its warning */
		return;
	}
}

static void warn_conditions(struct build *b, const struct conditions *c)
{
	for (size_t i = 0; i < c->all.n; i++)
		if (!c->all.v[i].met && c->all.v[i].expr)
			warn_condition(b, c, &c->all.v[i]);
}

/* ---- when -------------------------------------------------------------------------- */

#define SOON (60LL * 24 * 60 * 60)
/* 1990 to 2110: beyond what any list of dates names */
#define EVER_FIRST 631152000LL
#define EVER_LAST  4417977600LL

struct times {
	struct build *b;
	const char *zone; /* NULL: the site's */
	bool *dead;       /* by window */
};

static bool opens(const struct times *s, const struct time_expr *t, int64_t from, int64_t until)
{
	const struct image_input *in = s->b->in;
	_cleanup_interval_list_ struct interval_list open = { 0 };
	int r = time_expr_intervals(in->set, t, s->zone, in->zones, (struct utc){ from },
				    (struct utc){ until }, &open);

	return r < 0 || open.n;
}

/* True if it never comes; why is said by then. */
static bool warn_time(const struct times *s, const struct time_expr *t)
{
	int64_t now = s->b->in->now.s;
	size_t dead = 0;
	bool first = false;

	for (size_t i = 0; i < t->n; i++) {
		bool x = warn_time(s, t->v[i]);

		dead += x;
		first |= x && !i;
	}
	switch (t->op) {
	case TIME_WINDOW:
		return s->dead[t->window];
	case TIME_DATES:
	case TIME_FILE:
		return !t->dates.n;
	case TIME_OR:
		return dead == t->n;
	case TIME_AND:
	case TIME_EXCEPT:
		break;
	default:
		return false;
	}
	if (t->op == TIME_AND ? dead > 0 : first)
		return true;
	if (opens(s, t, now, now + SOON) || opens(s, t, EVER_FIRST, EVER_LAST))
		return false;
	if (t->op == TIME_AND)
		warn_once(s->b, t->pos, "'and' means both at once; for one or the other write ','",
			  "this never opens: no time is all of it at once");
	else
		warn_once(s->b, t->pos, "take out less",
			  "this never opens: 'except' leaves no time of it");
	return true;
}

static void warn_during(const struct times *s, const struct time_expr *t)
{
	if (t)
		warn_time(s, t);
}

static void warn_times(struct build *b)
{
	const struct policy_set *set = b->in->set;
	struct times s = { .b = b, .dead = xcalloc(set->windows.n, sizeof(*s.dead)) };

	/* one that names a later one has its own warning, if any */
	for (size_t i = 0; i < set->windows.n; i++) {
		s.zone = set->windows.v[i].zone;
		s.dead[i] = warn_time(&s, set->windows.v[i].when);
	}
	s.zone = NULL;
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		warn_during(&s, p->during);
		for (size_t k = 0; k < p->excepts.n; k++)
			warn_during(&s, p->excepts.v[k].during);
	}
	for (size_t i = 0; i < set->exempts.n; i++)
		warn_during(&s, set->exempts.v[i].during);
	free(s.dead);
}

void warn_dead(struct build *b)
{
	warn_conditions(b, &b->from);
	warn_conditions(b, &b->to);
	warn_times(b);
}
