/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calendar_help.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void put(struct buf *b, uint64_t v, unsigned int size)
{
	while (size-- > 0) {
		uint8_t byte = (uint8_t)(v >> 8 * size);

		buf_add(b, &byte, 1);
	}
}

static void put_block(struct buf *b, const struct tzif_spec *s, unsigned int time_size)
{
	static const char reserved[15];

	buf_add(b, "TZif", 4);
	put(b, (uint8_t)s->version, 1);
	buf_add(b, reserved, sizeof(reserved));
	put(b, 0, 4);
	put(b, 0, 4);
	put(b, s->leaps, 4);
	put(b, s->transitions, 4);
	put(b, s->types, 4);
	put(b, s->names_size, 4);
	for (size_t i = 0; i < s->transitions; i++)
		put(b, (uint64_t)s->at[i], time_size);
	for (size_t i = 0; i < s->transitions; i++)
		put(b, s->to[i], 1);
	for (size_t i = 0; i < s->types; i++) {
		put(b, (uint32_t)s->offsets[i], 4);
		put(b, 0, 1);
		put(b, s->name_at[i], 1);
	}
	buf_add(b, s->names, s->names_size);
	for (uint32_t i = 0; i < s->leaps; i++) {
		put(b, i, time_size);
		put(b, i, 4);
	}
}

uint8_t *tzif_make(const struct tzif_spec *s, size_t *ret_size)
{
	struct buf b = { 0 };

	put_block(&b, s, 4);
	if (s->version) {
		put_block(&b, s, 8);
		buf_printf(&b, "\n%s\n", s->footer);
	}
	*ret_size = b.n;
	return (uint8_t *)b.s;
}

static struct zone *parse(const struct tzif_spec *s)
{
	struct zone *z = NULL;
	size_t size;
	uint8_t *data = tzif_make(s, &size);
	int r = zone_parse(data, size, &z);

	free(data);
	cr_assert_eq(r, 0, "%s: %d", s->footer, r);
	return z;
}

struct zone *zone_of(const char *tz)
{
	static const int32_t offset[] = { 0 };
	static const uint8_t name_at[] = { 0 };

	return parse(&(struct tzif_spec){ .version = '3',
					  .types = 1,
					  .offsets = offset,
					  .names = "-00",
					  .names_size = 4,
					  .name_at = name_at,
					  .footer = tz });
}

/* West of the date line until 2011-12-30 10:00 UTC, east from then on: no 30 December. */
static struct zone *apia(void)
{
	static const int64_t at[] = { 1325239200 };
	static const uint8_t to[] = { 1 }, name_at[] = { 0, 0 };
	static const int32_t offsets[] = { -10 * 3600, 14 * 3600 };

	return parse(&(struct tzif_spec){ .version = '2',
					  .transitions = 1,
					  .at = at,
					  .to = to,
					  .types = 2,
					  .offsets = offsets,
					  .names = "+xx",
					  .names_size = 4,
					  .name_at = name_at,
					  .footer = "<+14>-14" });
}

const struct zone *zone_named(const char *name)
{
	static struct {
		const char *name, *tz;
		struct zone *zone;
	} known[] = {
		{ "Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", NULL },
		{ "New_York", "EST5EDT,M3.2.0,M11.1.0", NULL },
		{ "Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", NULL },
		{ "Shanghai", "CST-8", NULL },
		{ "Sao_Paulo_then", "<-03>3<-02>,M11.1.0/0,M2.3.0/0", NULL },
		{ "Apia", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(name ? name : "Berlin", known[i].name) != 0)
			continue;
		if (!known[i].zone)
			known[i].zone = known[i].tz ? zone_of(known[i].tz) : apia();
		return known[i].zone;
	}
	return NULL;
}

static const struct zone *get(void *arg, const char *name)
{
	(void)arg;
	return zone_named(name);
}
const struct zone_source zones_of_tests = { get, NULL };

struct utc at_utc(const char *text)
{
	struct tm tm = { 0 };

	cr_assert_geq(sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			     &tm.tm_hour, &tm.tm_min, &tm.tm_sec),
		      3, "%s", text);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (struct utc){ timegm(&tm) };
}

struct civil_date date_of(const char *text)
{
	int y = 0, m = 0, d = 0;

	cr_assert_eq(sscanf(text, "%d-%d-%d", &y, &m, &d), 3, "%s", text);
	return (struct civil_date){ (int16_t)y, (uint8_t)m, (uint8_t)d };
}

static uint16_t minute_of(const char *text)
{
	int h = 0, m = 0;

	cr_assert_eq(sscanf(text, "%d:%d", &h, &m), 2, "%s", text);
	return (uint16_t)(h * 60 + m);
}

struct time_expr *leaf(enum time_op op)
{
	/* reachable, so that a leak checker has nothing to say */
	static struct {
		struct time_expr **v;
		size_t n, cap;
	} kept;
	struct time_expr *e = xcalloc(1, sizeof(*e));

	*VEC_ADD(&kept) = e;
	e->op = op;
	return e;
}

struct time_expr *span(unsigned int days, const char *from, const char *until)
{
	struct time_expr *e = leaf(TIME_SPAN);

	e->days = (uint8_t)days;
	e->from = minute_of(from);
	e->until = minute_of(until);
	return e;
}

struct time_expr *named(uint32_t window)
{
	struct time_expr *e = leaf(TIME_WINDOW);

	e->window = window;
	return e;
}

struct time_expr *dates(enum time_op op, const char *first, const char *last)
{
	struct time_expr *e = leaf(op);

	*VEC_ADD(&e->dates) = (struct date_range){ date_of(first), date_of(last) };
	return e;
}

struct time_expr *between(const char *begin, const char *end)
{
	struct time_expr *e = leaf(TIME_BETWEEN);

	e->begin = (struct civil_minute){ date_of(begin), minute_of(begin + 11) };
	e->end = (struct civil_minute){ date_of(end), minute_of(end + 11) };
	return e;
}

struct time_expr *join(enum time_op op, struct time_expr *a, struct time_expr *b)
{
	struct time_expr *e = leaf(op);

	*VEC_ADD(e) = a;
	*VEC_ADD(e) = b;
	return e;
}

static void add_time(struct buf *b, struct utc at, const struct zone *z)
{
	time_t local = at.s + zone_offset(z, at);
	struct tm tm;

	gmtime_r(&local, &tm);
	buf_printf(b, "%02d-%02d %02d:%02d", tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);
	if (tm.tm_sec)
		buf_printf(b, ":%02d", tm.tm_sec);
}

const char *list_text(const struct interval_list *l, const struct zone *z)
{
	static struct buf b;

	buf_done(&b);
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(&b, i ? ", " : "");
		add_time(&b, l->v[i].begin, z ? z : zone_utc());
		buf_puts(&b, " - ");
		add_time(&b, l->v[i].end, z ? z : zone_utc());
	}
	return buf_text(&b);
}

const char *windows_text(const struct policy_set *set, const struct time_expr *when,
			 const char *zone, const char *begin, const char *end)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	static char error[32];
	int r = time_expr_intervals(set, when, zone, &zones_of_tests, at_utc(begin), at_utc(end),
				    &l);

	if (r < 0) {
		snprintf(error, sizeof(error), "error %d", -r);
		return error;
	}
	return list_text(&l, zone_named(zone));
}
