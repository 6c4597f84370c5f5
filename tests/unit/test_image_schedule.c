/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows and periods at every instant are what the windows' text says, also after the schedule's end.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "core/image/row.h"
#include "image_help.h"

#define DAY  86400
#define WEEK (7 * DAY)

struct span {
	uint8_t days; /* bit 0 Monday */
	uint16_t from, until;
};

static struct time_expr *time_leaf(struct span s)
{
	struct time_expr *t = keep(xcalloc(1, sizeof(*t)));

	*t = (struct time_expr){ .op = TIME_SPAN,
				 .pos = { .line = 1, .col = 1 },
				 .days = s.days,
				 .from = s.from,
				 .until = s.until };
	return t;
}

static struct time_expr *time_or(struct time_expr *a, struct time_expr *b)
{
	struct time_expr *t = keep(xcalloc(1, sizeof(*t)));

	t->op = TIME_OR;
	*VEC_ADD(t) = a;
	*VEC_ADD(t) = b;
	return t;
}

/* 1970-01-01 was a Thursday. */
static bool span_holds(const struct span *s, int64_t at)
{
	int64_t day = at / DAY, minute = at % DAY / 60;
	bool today = s->days >> ((day + 3) % 7) & 1, yesterday = s->days >> ((day + 2) % 7) & 1;

	if (s->from < s->until)
		return today && minute >= s->from && minute < s->until;
	return (today && minute >= s->from) || (yesterday && minute < s->until);
}

/* Of either span: the minute it opened in; 0 if it is closed. */
static uint32_t window_opening(const struct span *a, const struct span *b, int64_t at)
{
	if (!span_holds(a, at) && !span_holds(b, at))
		return 0;
	for (at -= at % 60; span_holds(a, at - 60) || span_holds(b, at - 60);)
		at -= 60;
	return (uint32_t)(at / 60);
}

static struct span random_span(struct prng *r)
{
	struct span s = { .days = (uint8_t)(1 + prng_below(r, 126)),
			  .from = (uint16_t)prng_below(r, 1440),
			  .until = (uint16_t)(1 + prng_below(r, 1440)) };

	if (s.from == s.until)
		s.from--;
	return s;
}

enum { POLICIES = 6, PERIODS = 5 };
static const enum period_kind periods[PERIODS] = { PERIOD_WINDOW, PERIOD_HOUR, PERIOD_DAY,
						   PERIOD_WEEK, PERIOD_HOURS };

/* Six policies, each active in the union of two spans, with a quota of every kind. */
struct world {
	struct span a[POLICIES], b[POLICIES];
	struct policy_set *set;
	struct utc now;
	struct image *img;
};

static struct world world_new(uint64_t seed)
{
	struct prng r = { seed };
	struct world w = { .set = set_new() };
	struct image_input in;
	char name[8];

	for (int i = 0; i < POLICIES; i++) {
		struct policy *p;

		w.a[i] = random_span(&r);
		w.b[i] = random_span(&r);
		snprintf(name, sizeof(name), "p%d", i);
		p = policy_add(w.set, name, any(), NULL);
		p->during = time_or(time_leaf(w.a[i]), time_leaf(w.b[i]));
		for (int k = 0; k < PERIODS; k++)
			quota_add(p, 1000, CF_KEY_SOURCE, periods[k])->hours = 6;
	}
	quota_add(policy_add(w.set, "always", any(), NULL), 1000, CF_KEY_SOURCE, PERIOD_DAY);
	in = input_for(w.set);
	in.now.s += (int64_t)prng_below(&r, WEEK);
	w.now = in.now;
	w.img = compile(&in);
	return w;
}

static uint32_t want_period(const struct world *w, int policy, enum period_kind kind, int64_t at)
{
	switch (kind) {
	case PERIOD_WINDOW:
		return window_opening(&w->a[policy], &w->b[policy], at);
	case PERIOD_HOUR:
		return (uint32_t)(at / 3600 * 60);
	case PERIOD_DAY:
		return (uint32_t)(at / DAY * 1440);
	case PERIOD_WEEK:
		return (uint32_t)((at - (at + 3 * DAY) % WEEK) / 60);
	default: /* six hours since midnight */
		return (uint32_t)(at / (6 * 3600) * 360);
	}
}

static void check_at(const struct world *w, int64_t at, int64_t folded)
{
	const struct addr src = addr_of("10.0.0.1"), dst = addr_of("192.0.2.1");
	struct cf_row row = image_candidates(
		w->img, &(struct image_packet){ CF_FROM_INSIDE, src, dst, { at } });
	uint32_t gone = (uint32_t)((at - folded) / 60), q = 0;

	for (int i = 0; i < POLICIES; i++) {
		bool want = span_holds(&w->a[i], folded) || span_holds(&w->b[i], folded);

		cr_assert_eq(row_has(&row, (uint32_t)i), want, "policy %d at %ld", i, (long)at);
		for (int k = 0; k < PERIODS; k++, q++) {
			uint32_t p = want_period(w, i, periods[k], folded);
			uint32_t calendar = w->img->quotas.v[q].calendar;

			cr_assert_eq(image_period(w->img, calendar, (struct utc){ at }),
				     p ? p + gone : 0, "quota %u at %ld", q, (long)at);
		}
	}
	cr_assert(row_has(&row, POLICIES));
}

static void check_world(uint64_t seed)
{
	struct world w = world_new(seed);
	const struct image *img = w.img;
	int64_t begin = img->begin.s, end = img->end.s;

	for (int64_t at = begin; at < end; at += 1237)
		check_at(&w, at, at);
	for (size_t i = 0; i + 1 < img->segments.n; i++) {
		check_at(&w, img->segments.v[i].at.s, img->segments.v[i].at.s);
		if (i)
			check_at(&w, img->segments.v[i].at.s - 1, img->segments.v[i].at.s - 1);
	}
	check_at(&w, end - 1, end - 1);
	for (int64_t at = end; at < end + 3 * WEEK; at += 3611)
		check_at(&w, at, at - ((at - end) / WEEK + 1) * WEEK);
	image_free(w.img);
}

Test(schedule, rows_and_periods_at_every_instant)
{
	for (uint64_t seed = 1; seed <= 8; seed++)
		check_world(seed);
}

static void check_table(const struct image_segment *v, size_t n, const struct image *img)
{
	cr_assert_geq(n, 2);
	cr_assert_eq(v[0].at.s, img->begin.s);
	cr_assert_eq(v[n - 1].at.s, img->end.s);
	for (size_t i = 1; i < n; i++)
		cr_assert_gt(v[i].at.s, v[i - 1].at.s);
}

Test(schedule, tables_begin_before_now_and_end_with_a_marker)
{
	struct world w = world_new(3);
	const struct image *img = w.img;

	cr_assert_leq(img->begin.s, w.now.s - WEEK);
	cr_assert_geq(img->end.s, w.now.s - 60 + 40 * DAY);
	check_table(img->segments.v, img->segments.n, img);
	for (size_t i = 0; i + 2 < img->segments.n; i++)
		cr_assert_neq(img->segments.v[i].row, img->segments.v[i + 1].row);
	for (size_t i = 0; i < img->calendars.n; i++) {
		const struct image_edge *e = &img->edges.v[img->calendars.v[i].first];
		uint32_t n = img->calendars.v[i].count;

		cr_assert_eq(e[0].at.s, img->begin.s);
		cr_assert_eq(e[n - 1].at.s, img->end.s);
		for (uint32_t k = 1; k < n; k++)
			cr_assert_gt(e[k].at.s, e[k - 1].at.s);
	}
	image_free(w.img);
}

/* Hours, days, weeks and six hours are the same for all; only windows differ. */
Test(schedule, equal_calendars_are_one)
{
	struct world w = world_new(5);

	cr_assert_eq(w.img->calendars.n, POLICIES + 4);
	image_free(w.img);
}

Test(schedule, period_ends_where_the_next_begins)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;
	struct utc at = { TEST_NOW.s + 600 };

	quota_add(policy_add(set, "hourly", any(), NULL), 1000, CF_KEY_SOURCE, PERIOD_HOUR);
	img = compile(&in);
	cr_assert_eq(image_period_end(img, 0, at).s, TEST_NOW.s + 3600);
	at.s = img->end.s + 2 * WEEK + 60;
	cr_assert_eq(image_period_end(img, 0, at).s, at.s - at.s % 3600 + 3600);
	image_free(img);
}

/* A window that has been open since before the tables begin keeps its name: its true opening. */
Test(schedule, long_window_keeps_its_opening)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct time_expr between = { .op = TIME_BETWEEN,
				     .begin = { { 2026, 10, 1 }, 540 },
				     .end = { { 2026, 12, 1 }, 0 } };
	struct policy *p = policy_add(set, "stocktaking", any(), NULL);
	struct image *img;

	p->during = &between;
	quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_WINDOW);
	img = compile(&in);
	cr_assert_eq(image_period(img, 0, TEST_NOW), 1790845200 / 60);
	cr_assert_eq(image_period(img, 0, img->begin), 1790845200 / 60);
	cr_assert_eq(image_period(img, 0, (struct utc){ 1796083200 }), 0);
	image_free(img);
}

static enum cf_reason reason_at(const struct image *img, int64_t at)
{
	const struct addr src = addr_of("10.0.0.1"), dst = addr_of("192.0.2.1");

	return image_judge(img, &(struct image_packet){ CF_FROM_INSIDE, src, dst, { at } }).reason;
}

Test(schedule, exempt_and_rules_by_hand_end_on_time)
{
	struct policy_set *set = set_new();
	struct manual_rule block = { .until = { TEST_NOW.s + 7200 }, .id = 1 };
	struct manual_rule expired = { .until = { TEST_NOW.s - 30 * DAY }, .id = 2 };
	struct manual_list manual = { 0 };
	struct image_input in = input_for(set);
	struct exempt *e = exempt_add(set, "visit", any(), NULL);
	struct image *img;

	policy_add(set, "none", any(), NULL)->then.drop = true;
	e->has_until = true;
	e->until = (struct civil_minute){ { 2026, 11, 24 }, 60 };
	*VEC_ADD(&manual) = block;
	*VEC_ADD(&manual) = expired;
	in.manual = &manual;
	img = compile(&in);
	cr_assert_eq(reason_at(img, TEST_NOW.s), CF_REASON_DROP_BLOCKED);
	cr_assert_eq(reason_at(img, TEST_NOW.s + 7199), CF_REASON_DROP_BLOCKED);
	cr_assert_eq(reason_at(img, TEST_NOW.s + 7200), CF_REASON_PASS_EXEMPT);
	cr_assert_eq(reason_at(img, TEST_NOW.s + 13 * 3600 - 1), CF_REASON_PASS_EXEMPT);
	cr_assert_eq(reason_at(img, TEST_NOW.s + 13 * 3600), CF_REASON_DROP_POLICY);
	image_free(img);
}
