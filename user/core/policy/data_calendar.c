/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iCalendar files, RFC 5545, as far as they name whole days: events, those that
 * repeat, and what is said of single days of those.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash_index.h"
#include "core/policy/data_content.h"

/*
 * What the rules of all calendars may cost together, as recur_days() counts:
 * 2,500 endless yearly ones, or 150 endless weekly ones; half a second at most.
 */
#define WORK_MAX 10000000

struct event {
	unsigned int depth,
		event_depth; /* of BEGIN … END; event_depth: of the open VEVENT, 0: none */
	struct pos pos, rule_pos;
	bool has_start, has_end, has_uid, has_rule, repeats, replaces, cancelled, bad;
	struct civil_date start, end;
	int64_t days;     /* 0: no DURATION */
	uint64_t uid;     /* its hash */
	int64_t replaced; /* RECURRENCE-ID: the day of the event with the same UID */
	struct content_rule rule;
	struct day_list added, left_out; /* RDATE, EXDATE */
};

/* A day on which an event begins that repeats, or one that another event replaces. */
struct instance {
	uint64_t uid;
	int64_t day, length;
};
struct instance_list {
	struct instance *v;
	size_t n, cap;
};

struct calendar {
	struct content c;
	struct event e;
	struct day_list days; /* of the event at hand */
	struct instance_list instances, replaced;
	struct date_list *out;
};

static const char whole_days[] = "only events of whole days are read: DTSTART;VALUE=DATE:20261225";
static const char one_day[] = "a day, as 20261225";

/* ---- the lines of an event ----------------------------------------------------------- */

/* P3D, P1W: 3.3.6, as far as it is about whole days */
static int duration(const struct content *c, int64_t *ret_days)
{
	struct content_part v = content_value(c);
	char unit = v.n ? v.s[v.n - 1] : '\0';
	int64_t days = 0;

	if (v.n >= 3 && v.n <= 6 && v.s[0] == 'P' && (unit == 'D' || unit == 'W')) {
		size_t i = 1;

		while (i < v.n - 1 && v.s[i] >= '0' && v.s[i] <= '9')
			days = days * 10 + v.s[i++] - '0';
		if (i == v.n - 1 && days > 0) {
			*ret_days = unit == 'W' ? days * 7 : days;
			return 0;
		}
	}
	return content_error(c, v, "only events of whole days are read: DURATION:P2D",
			     "'%.*s' is not a number of days", PART_TEXT(v));
}

static int days(const struct content *c, struct day_list *to)
{
	struct content_part v = content_value(c), p;
	struct civil_date date;

	while (part_next(&v, ',', &p)) {
		if (content_day(c, p, one_day, &date) < 0)
			return -EINVAL;
		*VEC_ADD(to) = civil_to_days(date);
	}
	return 0;
}

static int rule(struct content *c, struct event *e)
{
	if (e->has_rule)
		return parse_error(c->r->p, content_place(c, buf_text(&c->text)),
				   "write an event for each", "this event has a rule already");
	e->has_rule = e->repeats = true;
	e->rule_pos = content_place(c, c->value);
	return content_rule(c, &e->rule);
}

static int replaces(struct content *c, struct event *e)
{
	struct civil_date date;

	if (content_has_param(c, "RANGE=THISANDFUTURE"))
		return parse_error(c->r->p, content_place(c, c->params + 1),
				   "end the first event's rule, and write another event",
				   "RANGE=THISANDFUTURE is not read");
	e->replaces = true;
	if (content_day(c, content_value(c), one_day, &date) < 0)
		return -EINVAL;
	e->replaced = civil_to_days(date);
	return 0;
}

/* Not a secret: who writes the calendar writes its UIDs. */
static uint64_t uid_hash(struct content_part v)
{
	static const struct hash_seed seed = { { 0x6375726665772d75ULL, 0x69642d7631000000ULL } };

	return hash_bytes(&seed, v.s, v.n);
}

static void event_line(struct content *c, struct event *e)
{
	if (content_property(c, "DTSTART")) {
		e->bad |= content_day(c, content_value(c), whole_days, &e->start) < 0;
		e->has_start = true;
	} else if (content_property(c, "DTEND")) {
		e->bad |= content_day(c, content_value(c), whole_days, &e->end) < 0;
		e->has_end = true;
	} else if (content_property(c, "DURATION")) {
		e->bad |= duration(c, &e->days) < 0;
	} else if (content_property(c, "STATUS")) {
		e->cancelled |= content_value_is(c, "CANCELLED");
	} else if (content_property(c, "UID")) {
		e->uid = uid_hash(content_value(c));
		e->has_uid = true;
	} else if (content_property(c, "RRULE")) {
		e->bad |= rule(c, e) < 0;
	} else if (content_property(c, "RDATE")) {
		e->bad |= days(c, &e->added) < 0;
		e->repeats = true;
	} else if (content_property(c, "EXDATE")) {
		e->bad |= days(c, &e->left_out) < 0;
	} else if (content_property(c, "RECURRENCE-ID")) {
		e->bad |= replaces(c, e) < 0;
	} else if (content_property(c, "EXRULE")) {
		e->bad |= parse_error(c->r->p, content_place(c, buf_text(&c->text)),
				      "name the days by EXDATE", "EXRULE is not read") < 0;
	}
}

/* ---- what an event comes to ---------------------------------------------------------- */

static int day_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool is_left_out(const struct event *e, int64_t day)
{
	return e->left_out.n &&
	       bsearch(&day, e->left_out.v, e->left_out.n, sizeof(*e->left_out.v), day_order);
}

/* UNTIL in UTC ends on one day or on the next, by the zone; days have none. */
static int check_until(struct calendar *cal, const struct event *e)
{
	int64_t sure = e->rule.sure_until;

	for (size_t i = 1; i < cal->days.n; i++) {
		struct civil_date d = civil_from_days(cal->days.v[i]);
		_cleanup_free_ char *help = NULL;

		if (cal->days.v[i] <= sure || is_left_out(e, cal->days.v[i]))
			continue;
		help = xprintf("write the last day, as UNTIL=%04d%02d%02d", d.year, d.month, d.day);
		return parse_error(cal->c.r->p, e->rule.until_pos, help,
				   "whether %04d-%02d-%02d is still meant depends on a time zone",
				   d.year, d.month, d.day);
	}
	return 0;
}

static int follow_rule(struct calendar *cal, const struct event *e, int64_t start)
{
	struct parser *p = cal->c.r->p;
	size_t left = WORK_MAX - p->rule_work;

	if (e->rule.recur.has_until && e->rule.recur.until < start)
		return parse_error(p, e->rule.until_pos, NULL,
				   "this rule ends before its event begins");
	if (p->too_many_rules)
		return -EINVAL;
	p->too_many_rules = recur_days(&e->rule.recur, start, &left, &cal->days) < 0;
	p->rule_work = WORK_MAX - left;
	if (p->too_many_rules)
		return parse_error(
			p, e->rule_pos,
			"give rules an end, as UNTIL=20301231; or list the days in a file",
			"the rules of calendars name too many days, up to this one");
	return check_until(cal, e);
}

static void repeat(struct calendar *cal, struct event *e, int64_t start, int64_t length)
{
	cal->days.n = 0;
	if (e->left_out.n)
		qsort(e->left_out.v, e->left_out.n, sizeof(*e->left_out.v), day_order);
	if (!e->has_rule)
		*VEC_ADD(&cal->days) = start;
	else if (follow_rule(cal, e, start) < 0)
		return;
	for (size_t i = 0; i < e->added.n; i++)
		*VEC_ADD(&cal->days) = e->added.v[i];
	for (size_t i = 0; i < cal->days.n; i++)
		if (!is_left_out(e, cal->days.v[i]))
			*VEC_ADD(&cal->instances) =
				(struct instance){ e->uid, cal->days.v[i], length };
}

static void add_range(struct calendar *cal, int64_t first, int64_t length)
{
	*VEC_ADD(cal->out) =
		(struct date_range){ civil_from_days(first), civil_from_days(first + length - 1) };
}

static void event_end(struct calendar *cal, struct event *e)
{
	struct parser *p = cal->c.r->p;
	int64_t start, length;

	if (e->bad)
		return;
	if (e->replaces && !e->has_uid) {
		parse_error(p, e->pos, NULL, "this event has no UID: which one does it replace?");
		return;
	}
	if (e->replaces)
		*VEC_ADD(&cal->replaced) = (struct instance){ e->uid, e->replaced, 0 };
	if (e->cancelled)
		return;
	if (!e->has_start) {
		parse_error(p, e->pos, NULL, "this event has no DTSTART");
		return;
	}
	/* DTEND is the day after the last one (3.6.1) */
	start = civil_to_days(e->start);
	length = e->has_end ? civil_to_days(e->end) - start : e->days ? e->days : 1;
	if (length < 1)
		parse_error(p, e->pos, "DTEND is the day after the last one",
			    "this event ends before it begins");
	else if (e->repeats)
		repeat(cal, e, start, length);
	else
		add_range(cal, start, length);
}

/* ---- the file ------------------------------------------------------------------------ */

static int instance_order(const void *a, const void *b)
{
	const struct instance *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x->day > y->day) - (x->day < y->day);
}

/* Which may come before the event that they are about. */
static void add_instances(struct calendar *cal)
{
	const struct instance_list *l = &cal->instances, *replaced = &cal->replaced;

	if (replaced->n)
		qsort(replaced->v, replaced->n, sizeof(*replaced->v), instance_order);
	for (size_t i = 0; i < l->n; i++)
		if (!replaced->n || !bsearch(&l->v[i], replaced->v, replaced->n,
					     sizeof(*replaced->v), instance_order))
			add_range(cal, l->v[i].day, l->v[i].length);
}

static int range_order(const void *a, const void *b)
{
	const struct date_range *x = a, *y = b;
	int64_t p = civil_to_days(x->first), q = civil_to_days(y->first);

	return (p > q) - (p < q);
}

/* In order, and days that follow each other as one range: rules name the same day often. */
static void merge(struct date_list *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), range_order);
	for (size_t i = 1; i < l->n; i++) {
		int64_t last = civil_to_days(l->v[n].last);

		if (civil_to_days(l->v[i].first) > last + 1)
			l->v[++n] = l->v[i];
		else if (civil_to_days(l->v[i].last) > last)
			l->v[n].last = l->v[i].last;
	}
	l->n = n + 1;
}

bool calendar_begins(const struct data_reader *r)
{
	struct content_part text;
	size_t at = r->at;

	while (at < r->n && (data_is_blank(r->text[at]) || r->text[at] == '\n'))
		at++;
	text = (struct content_part){ r->text + at, r->n - at < 15 ? r->n - at : 15 };
	return part_is(text, "BEGIN:VCALENDAR");
}

static void event_begin(struct calendar *cal)
{
	struct day_list added = cal->e.added, left_out = cal->e.left_out;

	added.n = left_out.n = 0;
	cal->e = (struct event){ .depth = cal->e.depth,
				 .event_depth = cal->e.depth,
				 .pos = content_place(&cal->c, buf_text(&cal->c.text)),
				 .added = added,
				 .left_out = left_out };
}

static void line(struct calendar *cal)
{
	struct content *c = &cal->c;
	struct event *e = &cal->e;

	if (content_property(c, "BEGIN")) {
		e->depth++;
		if (!e->event_depth && content_value_is(c, "VEVENT"))
			event_begin(cal);
	} else if (content_property(c, "END")) {
		if (e->event_depth && e->event_depth == e->depth) {
			event_end(cal, e);
			e->event_depth = 0;
		}
		e->depth -= e->depth > 0;
	} else if (e->event_depth && e->event_depth == e->depth) {
		event_line(c, e);
	}
}

void calendar_dates(struct data_reader *r, struct date_list *ret)
{
	struct calendar cal = { .c = { .r = r }, .out = ret };

	while (!parse_is_full(r->p) && content_next(&cal.c))
		line(&cal);
	if (cal.e.depth)
		parse_error(r->p, (struct pos){ r->file, r->line, 1 }, "the file may be cut short",
			    "the calendar ends within an event");
	add_instances(&cal);
	merge(ret);
	free(cal.e.added.v);
	free(cal.e.left_out.v);
	free(cal.days.v);
	free(cal.instances.v);
	free(cal.replaced.v);
	content_done(&cal.c);
}
