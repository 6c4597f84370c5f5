/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Set files (one prefix or address per line) and date files (one day or range
 * per line, or an iCalendar file, RFC 5545, with all-day events). Their errors
 * are placed in the data file, not where it is named.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/policy/parse.h"
#include "core/time/calendar.h"

/* One line, without blanks around it and without its comment. */
struct line {
	const char *s;
	size_t n;
	struct pos pos;
};

struct reader {
	struct parser *p;
	char *text;
	size_t n, at;
	uint32_t file, line;
};

static int open_data(struct reader *r, struct parser *p, struct pos pos, const char *path)
{
	_cleanup_free_ char *full = xprintf("%s%s", *path == '/' ? "" : p->root, path);
	int e;

	*r = (struct reader){ .p = p };
	e = p->io->read_file(p->io->arg, full, &r->text, &r->n);
	if (e < 0)
		return parse_error(p, pos,
				   strstr(path, "://")
					   ? "files are local: fetch the list, then name the file"
					   : NULL,
				   "cannot read %s: %s", full, strerrordesc_np(-e));
	r->file = (uint32_t)p->set->files.n;
	*VEC_ADD(&p->set->files) = TAKE(full);
	*VEC_ADD(&p->set->texts) = (struct policy_text){ r->text, r->n };
	return 0;
}

/* Lists can be long; only policy files stay in memory. */
static void close_data(struct reader *r)
{
	free(r->text);
	r->p->set->texts.v[r->file] = (struct policy_text){ 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* False at the end of the file. */
static bool next_line(struct reader *r, const char *comments, struct line *ret)
{
	const char *s = r->text + r->at, *end, *stop;

	if (r->at >= r->n)
		return false;
	end = memchr(s, '\n', r->n - r->at);
	if (!end)
		end = r->text + r->n;
	r->at = (size_t)(end - r->text) + 1;
	ret->pos = (struct pos){ r->file, ++r->line, 1 };
	for (stop = s; stop < end && !(*stop && strchr(comments, *stop)); stop++)
		;
	for (; s < stop && is_blank(*s); s++)
		ret->pos.col++;
	while (stop > s && is_blank(stop[-1]))
		stop--;
	ret->s = s;
	ret->n = (size_t)(stop - s);
	return true;
}

/* The line as one token. */
static struct token classify(const struct line *l)
{
	struct token t = { .s = l->s, .n = l->n, .pos = l->pos };

	for (size_t i = 0; i < l->n; i++) {
		if (!is_blank(l->s[i]) && (unsigned char)l->s[i] >= 0x20)
			continue;
		t.kind = T_FOREIGN;
		return t;
	}
	lex_classify(&t);
	return t;
}

static bool has_any(const char *s, size_t n, const char *any)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(any, s[i]))
			return true;
	return false;
}

/* Through the parser, so that data files are as well explained as policies. */
static int bad_line(struct reader *r, const struct token *t,
		    int (*expected)(struct parser *p, const char *what, const char *help),
		    const char *what, const char *help)
{
	struct token tok = r->p->tok;
	struct pos behind = r->p->behind;
	int e;

	r->p->tok = *t;
	r->p->behind = (struct pos){ 0 };
	/* what a policy's words are made of does not help here */
	if (t->kind == T_BAD && t->guess && t->n && has_any(t->s, t->n, ",\"[]{}!*@"))
		r->p->tok.kind = T_FOREIGN;
	e = expected(r->p, what, help);
	r->p->tok = tok;
	r->p->behind = behind;
	return e;
}

int parse_prefix_file(struct parser *p, struct pos pos, const char *path, struct prefix_list *ret)
{
	static const char *const help =
		"one address or network a line; comments begin with '#' or ';'";
	struct reader r;
	struct line l;
	int e = open_data(&r, p, pos, path);

	if (e < 0)
		return e;
	while (!parse_is_full(p) && next_line(&r, "#;", &l)) {
		struct token t;

		if (!l.n)
			continue;
		t = classify(&l);
		if (t.kind == T_PREFIX)
			*VEC_ADD(ret) = t.prefix;
		else
			bad_line(&r, &t, parse_expected_address, "an address or network", help);
	}
	close_data(&r);
	return 0;
}

/* ---- date files ------------------------------------------------------------------- */

static void plain_dates(struct reader *r, struct date_list *ret)
{
	static const char *const help =
		"one date or range a line: 2026-12-25 or 2026-12-31..2027-01-02; or an iCalendar file";
	struct line l;

	while (!parse_is_full(r->p) && next_line(r, "#;", &l)) {
		struct token t;

		if (!l.n)
			continue;
		t = classify(&l);
		if (t.kind == T_DATE || t.kind == T_DATES)
			*VEC_ADD(ret) = t.dates;
		else
			bad_line(r, &t, parse_expected, "a date", help);
	}
}

struct event {
	unsigned int depth,
		event_depth; /* of BEGIN … END; event_depth: of the open VEVENT, 0: none */
	struct pos pos;
	bool has_start, has_end, cancelled, bad;
	struct civil_date start, end;
};

/* The value of "NAME:…" or "NAME;PARAMS:…"; NULL if the line is another property. */
static const char *property(const struct line *l, const char *name)
{
	size_t n = strlen(name);

	if (l->n <= n || strncasecmp(l->s, name, n) != 0 || (l->s[n] != ':' && l->s[n] != ';'))
		return NULL;
	return memchr(l->s + n, ':', l->n - n);
}

static bool value_is(const struct line *l, const char *value, const char *want)
{
	size_t n = (size_t)(l->s + l->n - value - 1);

	return strlen(want) == n && !strncasecmp(value + 1, want, n);
}

/* 20261225 */
static int calendar_date(struct reader *r, const struct line *l, const char *value,
			 struct civil_date *ret)
{
	struct pos pos = l->pos;
	size_t n = (size_t)(l->s + l->n - value - 1);
	char text[11];

	pos.col += (uint32_t)(value + 1 - l->s);
	if (n != 8)
		return parse_error(
			r->p, pos,
			"only events of whole days are read: DTSTART;VALUE=DATE:20261225",
			"'%.*s' is not a date", (int)(n > 40 ? 40 : n), value + 1);
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", value + 1, value + 5, value + 7);
	if (lex_date(text, 10, ret) < 0)
		return parse_error(r->p, pos, NULL, "'%.8s' is not a day of the calendar",
				   value + 1);
	return 0;
}

static void event_end(struct reader *r, const struct event *e, struct date_list *ret)
{
	struct date_range d = { e->start, e->start };

	if (e->bad || e->cancelled)
		return;
	if (!e->has_start) {
		parse_error(r->p, e->pos, NULL, "this event has no DTSTART");
		return;
	}
	/* DTEND is the day after the last one (RFC 5545 3.6.1) */
	if (e->has_end) {
		int64_t last = civil_to_days(e->end) - 1;

		if (last < civil_to_days(e->start)) {
			parse_error(r->p, e->pos, "DTEND is the day after the last one",
				    "this event ends before it begins");
			return;
		}
		d.last = civil_from_days(last);
	}
	*VEC_ADD(ret) = d;
}

static void event_line(struct reader *r, const struct line *l, struct event *e)
{
	const char *v;

	v = property(l, "DTSTART");
	if (v) {
		e->bad |= calendar_date(r, l, v, &e->start) < 0;
		e->has_start = true;
	}
	v = property(l, "DTEND");
	if (v) {
		e->bad |= calendar_date(r, l, v, &e->end) < 0;
		e->has_end = true;
	}
	v = property(l, "STATUS");
	if (v && value_is(l, v, "CANCELLED"))
		e->cancelled = true;
	if (property(l, "RRULE") || property(l, "RDATE") || property(l, "DURATION"))
		e->bad |=
			parse_error(r->p, l->pos, "export the calendar with each event on its own",
				    "repeating events and durations are not read") < 0;
}

static void calendar_dates(struct reader *r, struct date_list *ret)
{
	struct event e = { 0 };
	struct line l;

	while (!parse_is_full(r->p) && next_line(r, "", &l)) {
		const char *v = property(&l, "BEGIN");

		if (v) {
			e.depth++;
			if (!e.event_depth && value_is(&l, v, "VEVENT"))
				e = (struct event){ .depth = e.depth,
						    .event_depth = e.depth,
						    .pos = l.pos };
			continue;
		}
		v = property(&l, "END");
		if (v) {
			if (e.event_depth && e.event_depth == e.depth) {
				event_end(r, &e, ret);
				e.event_depth = 0;
			}
			e.depth -= e.depth > 0;
			continue;
		}
		if (e.event_depth && e.event_depth == e.depth)
			event_line(r, &l, &e);
	}
	if (e.depth)
		parse_error(r->p, (struct pos){ r->file, r->line, 1 }, "the file may be cut short",
			    "the calendar ends within an event");
}

int parse_date_file(struct parser *p, struct pos pos, const char *path, struct date_list *ret)
{
	struct reader r;
	int e = open_data(&r, p, pos, path);

	if (e < 0)
		return e;
	if (r.n >= 15 && !strncasecmp(r.text, "BEGIN:VCALENDAR", 15))
		calendar_dates(&r, ret);
	else
		plain_dates(&r, ret);
	close_data(&r);
	return 0;
}
