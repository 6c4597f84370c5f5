/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When which rules are active, and when the periods of quotas begin. */
#include <errno.h>
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"

#define DAY (24 * 60 * 60)
/* So that a full week is always there to be repeated, and `now` is never the first instant. */
#define DAYS_BEFORE 8

struct turn {
	int64_t at;
	uint32_t rule;
	bool on;
};
struct turns {
	struct turn *v;
	size_t n, cap;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void time_error(struct build *b, struct pos pos, int r)
{
	build_error(b, pos, NULL,
		    r == -ENOENT ? "a time zone it uses is not known"
				 : "its times make no intervals: %s",
		    strerror(-r));
}

static void rule_intervals(struct build *b, const struct rule_origin *o, struct interval_list *out)
{
	const struct image *img = b->img;
	int r;

	if (!o->during) {
		*VEC_ADD(out) = (struct interval){ .begin = img->begin, .end = img->end };
		return;
	}
	r = time_expr_intervals(b->in->set, o->during, NULL, b->in->zones, img->begin, img->end,
				out);
	if (r < 0)
		time_error(b, o->during->pos, r);
}

static void add_turns(struct build *b, uint32_t rule, struct turns *turns)
{
	const struct rule_origin *o = &b->rules.v[rule];
	const struct image *img = b->img;
	struct interval_list open = { 0 };

	rule_intervals(b, o, &open);
	for (size_t i = 0; i < open.n; i++) {
		int64_t begin = open.v[i].begin.s, end = open.v[i].end.s;

		if (o->has_until && end > o->until.s)
			end = o->until.s;
		if (begin < img->begin.s)
			begin = img->begin.s;
		if (begin >= end || begin >= img->end.s)
			continue;
		*VEC_ADD(turns) = (struct turn){ .at = begin, .rule = rule, .on = true };
		if (end < img->end.s)
			*VEC_ADD(turns) = (struct turn){ .at = end, .rule = rule };
	}
	free(open.v);
}

static void add_segment(struct build *b, struct intern *rows, int64_t at, const struct cf_row *row)
{
	struct image *img = b->img;
	bool fresh;
	uint32_t n = intern_add(rows, row, &fresh);

	if (fresh)
		*VEC_ADD(&img->time_rows) = *row;
	if (img->segments.n && img->segments.v[img->segments.n - 1].row == n)
		return;
	*VEC_ADD(&img->segments) = (struct image_segment){ .at = { at }, .row = n };
}

static void build_segments(struct build *b)
{
	struct image *img = b->img;
	struct intern rows = INTERN(struct cf_row);
	struct turns turns = { 0 };
	struct cf_row row = { 0 };
	size_t i = 0;

	for (uint32_t rule = 0; rule < b->rules.n; rule++)
		add_turns(b, rule, &turns);
	if (turns.n)
		qsort(turns.v, turns.n, sizeof(*turns.v), compare_turns);
	for (int64_t at = img->begin.s; at < img->end.s;) {
		/* Off before on does not matter: the intervals of one rule never touch. */
		for (; i < turns.n && turns.v[i].at <= at; i++)
			(turns.v[i].on ? row_set : row_clear)(&row, turns.v[i].rule);
		add_segment(b, &rows, at, &row);
		at = i < turns.n ? turns.v[i].at : img->end.s;
	}
	*VEC_ADD(&img->segments) = (struct image_segment){ .at = img->end };
	/* begin and end of the schedule are none */
	if (img->segments.n > CF_SEGMENTS_MAX + 2)
		build_error(b, NOWHERE, "use fewer different windows",
			    "windows open and close %zu times in the schedule, %d at most",
			    img->segments.n - 2, CF_SEGMENTS_MAX);
	free(turns.v);
	intern_done(&rows);
}

static void add_edge(struct image *img, size_t first, int64_t at, uint32_t period)
{
	if (img->edges.n > first && img->edges.v[img->edges.n - 1].period == period)
		return;
	*VEC_ADD(&img->edges) = (struct image_edge){ .at = { at }, .period = period };
}

/* Appends the edges of these periods; where there is none it is closed. */
static void add_edges(struct image *img, const struct interval_list *periods)
{
	size_t first = img->edges.n;
	int64_t at = img->begin.s;

	for (size_t i = 0; i < periods->n; i++) {
		int64_t begin = periods->v[i].begin.s, end = periods->v[i].end.s;

		if (end <= img->begin.s || begin >= img->end.s)
			continue;
		if (begin > at)
			add_edge(img, first, at, 0);
		add_edge(img, first, begin > at ? begin : at,
			 (uint32_t)(periods->v[i].begin.s / 60));
		at = end;
	}
	if (at < img->end.s)
		add_edge(img, first, at, 0);
	*VEC_ADD(&img->edges) = (struct image_edge){ .at = img->end };
}

/* The calendar with these edges; they are taken back if an earlier one has them. */
static uint32_t take_calendar(struct image *img, size_t first)
{
	struct cf_calendar cal = { .first = (uint32_t)first,
				   .count = (uint32_t)(img->edges.n - first) };

	for (uint32_t i = 0; i < img->calendars.n; i++) {
		const struct cf_calendar *c = &img->calendars.v[i];
		const struct image_edge *x = &img->edges.v[c->first], *y = &img->edges.v[first];
		uint32_t same = 0;

		while (c->count == cal.count && same < cal.count && x[same].at.s == y[same].at.s &&
		       x[same].period == y[same].period)
			same++;
		if (same != cal.count)
			continue;
		img->edges.n = first;
		return i;
	}
	*VEC_ADD(&img->calendars) = cal;
	return (uint32_t)img->calendars.n - 1;
}

static void build_calendar(struct build *b, uint32_t quota)
{
	const struct quota_origin *o = &b->quotas.v[quota];
	struct image *img = b->img;
	struct interval_list periods = { 0 };
	size_t first = img->edges.n;
	int r = quota_periods(b->in->set, o->quota, o->policy->during, b->in->zones, img->begin,
			      img->end, &periods);

	if (r < 0) {
		time_error(b, o->quota->pos, r);
	} else {
		add_edges(img, &periods);
		img->quotas.v[quota].calendar = take_calendar(img, first);
	}
	free(periods.v);
}

void build_schedule(struct build *b)
{
	struct image *img = b->img;

	/* Whole minutes: a period's name is one. */
	img->begin.s = b->in->now.s - b->in->now.s % 60 - DAYS_BEFORE * DAY;
	img->end.s = b->in->now.s - b->in->now.s % 60 + (int64_t)b->in->days * DAY;
	build_segments(b);
	for (uint32_t i = 0; i < b->quotas.n; i++)
		if (b->quotas.v[i].quota)
			build_calendar(b, i);
	if (img->edges.n > CF_EDGES_MAX)
		build_error(
			b, NOWHERE, "use fewer different windows, or longer periods",
			"the periods of quotas begin and end %zu times in the schedule, %d at most",
			img->edges.n, CF_EDGES_MAX);
}
