/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iCalendar files, RFC 5545, as far as they name whole days. Lines that were
 * folded are put together first (3.1): a property may begin on one line and
 * have its value on the next, and what looks like a property may be the rest of
 * a description.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/policy/data.h"

/* Where a part of a content line stands in the file. */
struct piece {
	size_t at; /* in the content line */
	struct pos pos;
};

struct content {
	struct data_reader *r;
	struct buf text;
	struct {
		struct piece *v;
		size_t n, cap;
	} pieces;
	const char *value; /* of the property that was asked for last */
};

static void add_line(struct content *c)
{
	struct data_reader *r = c->r;
	const char *s = r->text + r->at, *end = memchr(s, '\n', r->n - r->at);
	size_t n;

	if (!end)
		end = r->text + r->n;
	n = (size_t)(end - s);
	r->line++;
	/* the blank that says that this line goes on with the last one */
	if (c->pieces.n) {
		s++;
		n--;
	}
	*VEC_ADD(&c->pieces) =
		(struct piece){ c->text.n,
				{ r->file, r->line, (uint32_t)(s - (r->text + r->at)) + 1 } };
	while (n && s[n - 1] == '\r')
		n--;
	buf_add(&c->text, s, n);
	r->at = (size_t)(end - r->text) + 1;
}

/* The next content line, whole; false at the end of the file. */
static bool next_content(struct content *c)
{
	struct data_reader *r = c->r;

	c->text.n = 0;
	c->pieces.n = 0;
	if (r->at >= r->n)
		return false;
	add_line(c);
	while (r->at < r->n && (r->text[r->at] == ' ' || r->text[r->at] == '\t'))
		add_line(c);
	return true;
}

static struct pos place(const struct content *c, size_t at)
{
	size_t i = c->pieces.n - 1;
	struct pos pos;

	while (i && c->pieces.v[i].at > at)
		i--;
	pos = c->pieces.v[i].pos;
	pos.col += (uint32_t)(at - c->pieces.v[i].at);
	return pos;
}

/*
 * Is it "NAME:…" or "NAME;PARAMS:…"? Then c->value is what follows the colon. One
 * within quotes belongs to a parameter.
 */
static bool property(struct content *c, const char *name)
{
	const char *s = buf_text(&c->text);
	size_t n = strlen(name);
	bool quoted = false;

	if (c->text.n <= n || strncasecmp(s, name, n) != 0 || (s[n] != ':' && s[n] != ';'))
		return false;
	for (; n < c->text.n; n++) {
		if (s[n] == '"')
			quoted = !quoted;
		if (s[n] == ':' && !quoted) {
			c->value = s + n + 1;
			return true;
		}
	}
	return false;
}

static size_t value_length(const struct content *c)
{
	size_t n = (size_t)(buf_text(&c->text) + c->text.n - c->value);

	while (n && data_is_blank(c->value[n - 1]))
		n--;
	return n;
}

static bool value_is(const struct content *c, const char *want)
{
	size_t n = value_length(c);

	return strlen(want) == n && !strncasecmp(c->value, want, n);
}

static struct pos value_place(const struct content *c)
{
	return place(c, (size_t)(c->value - buf_text(&c->text)));
}

struct event {
	unsigned int depth,
		event_depth; /* of BEGIN … END; event_depth: of the open VEVENT, 0: none */
	struct pos pos;
	bool has_start, has_end, cancelled, bad;
	struct civil_date start, end;
	int64_t days; /* 0: no DURATION */
};

/* 20261225 */
static int calendar_date(const struct content *c, struct civil_date *ret)
{
	size_t n = value_length(c);
	const char *v = c->value;
	char text[11];

	if (n != 8)
		return parse_error(
			c->r->p, value_place(c),
			"only events of whole days are read: DTSTART;VALUE=DATE:20261225",
			"'%.*s' is not a date", (int)(n > 40 ? 40 : n), v);
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", v, v + 4, v + 6);
	if (lex_date(text, 10, ret) < 0)
		return parse_error(c->r->p, value_place(c), NULL,
				   "'%.8s' is not a day of the calendar", v);
	return 0;
}

/* P3D, P1W: 3.3.6, as far as it is about whole days */
static int duration(const struct content *c, int64_t *ret_days)
{
	size_t n = value_length(c);
	const char *v = c->value;
	char unit = n ? v[n - 1] : '\0';
	int64_t days = 0;

	if (n >= 3 && n <= 6 && v[0] == 'P' && (unit == 'D' || unit == 'W')) {
		size_t i = 1;

		while (i < n - 1 && v[i] >= '0' && v[i] <= '9')
			days = days * 10 + v[i++] - '0';
		if (i == n - 1 && days > 0) {
			*ret_days = unit == 'W' ? days * 7 : days;
			return 0;
		}
	}
	return parse_error(c->r->p, value_place(c),
			   "only events of whole days are read: DURATION:P2D",
			   "'%.*s' is not a number of days", (int)(n > 40 ? 40 : n), v);
}

static void event_end(struct data_reader *r, const struct event *e, struct date_list *ret)
{
	struct date_range d = { e->start, e->start };
	int64_t last;

	if (e->bad || e->cancelled)
		return;
	if (!e->has_start) {
		parse_error(r->p, e->pos, NULL, "this event has no DTSTART");
		return;
	}
	/* DTEND is the day after the last one (3.6.1) */
	last = civil_to_days(e->start) + (e->days ? e->days - 1 : 0);
	if (e->has_end)
		last = civil_to_days(e->end) - 1;
	if (last < civil_to_days(e->start)) {
		parse_error(r->p, e->pos, "DTEND is the day after the last one",
			    "this event ends before it begins");
		return;
	}
	d.last = civil_from_days(last);
	*VEC_ADD(ret) = d;
}

static void event_line(struct content *c, struct event *e)
{
	if (property(c, "DTSTART")) {
		e->bad |= calendar_date(c, &e->start) < 0;
		e->has_start = true;
	}
	if (property(c, "DTEND")) {
		e->bad |= calendar_date(c, &e->end) < 0;
		e->has_end = true;
	}
	if (property(c, "DURATION"))
		e->bad |= duration(c, &e->days) < 0;
	if (property(c, "STATUS") && value_is(c, "CANCELLED"))
		e->cancelled = true;
	if (property(c, "RRULE") || property(c, "RDATE"))
		e->bad |= parse_error(c->r->p, place(c, 0),
				      "export the calendar with each event on its own",
				      "repeating events are not read") < 0;
}

bool calendar_begins(const struct data_reader *r)
{
	size_t at = r->at;

	while (at < r->n && (data_is_blank(r->text[at]) || r->text[at] == '\n'))
		at++;
	return r->n - at >= 15 && !strncasecmp(r->text + at, "BEGIN:VCALENDAR", 15);
}

void calendar_dates(struct data_reader *r, struct date_list *ret)
{
	struct content c = { .r = r };
	struct event e = { 0 };

	while (!parse_is_full(r->p) && next_content(&c)) {
		if (property(&c, "BEGIN")) {
			e.depth++;
			if (!e.event_depth && value_is(&c, "VEVENT"))
				e = (struct event){ .depth = e.depth,
						    .event_depth = e.depth,
						    .pos = place(&c, 0) };
		} else if (property(&c, "END")) {
			if (e.event_depth && e.event_depth == e.depth) {
				event_end(r, &e, ret);
				e.event_depth = 0;
			}
			e.depth -= e.depth > 0;
		} else if (e.event_depth && e.event_depth == e.depth) {
			event_line(&c, &e);
		}
	}
	if (e.depth)
		parse_error(r->p, (struct pos){ r->file, r->line, 1 }, "the file may be cut short",
			    "the calendar ends within an event");
	buf_done(&c.text);
	free(c.pieces.v);
}
