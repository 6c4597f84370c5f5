/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iCalendar's content lines, RFC 5545. Lines that were folded are put together
 * first (3.1): a property may begin on one line and have its value on the next,
 * and what looks like a property may be the rest of a description.
 */
#include "core/policy/data_content.h"

#include <stdio.h>
#include <string.h>

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
	*VEC_ADD(&c->pieces) = (struct content_piece){
		c->text.n, { r->file, r->line, (uint32_t)(s - (r->text + r->at)) + 1 }
	};
	while (n && s[n - 1] == '\r')
		n--;
	buf_add(&c->text, s, n);
	r->at = (size_t)(end - r->text) + 1;
}

void content_done(struct content *c)
{
	buf_done(&c->text);
	free(c->pieces.v);
}

bool content_next(struct content *c)
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

struct pos content_place(const struct content *c, const char *at)
{
	size_t i = c->pieces.n - 1, offset = (size_t)(at - buf_text(&c->text));
	struct pos pos;

	while (i && c->pieces.v[i].at > offset)
		i--;
	pos = c->pieces.v[i].pos;
	pos.col += (uint32_t)(offset - c->pieces.v[i].at);
	return pos;
}

bool content_property(struct content *c, const char *name)
{
	const char *s = buf_text(&c->text);
	size_t n = strlen(name);
	bool quoted = false;

	if (c->text.n <= n || strncasecmp(s, name, n) != 0 || (s[n] != ':' && s[n] != ';'))
		return false;
	c->params = s + n;
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

struct content_part content_value(const struct content *c)
{
	struct content_part p = { c->value, (size_t)(buf_text(&c->text) + c->text.n - c->value) };

	while (p.n && data_is_blank(p.s[p.n - 1]))
		p.n--;
	return p;
}

bool part_is(struct content_part p, const char *want)
{
	return strlen(want) == p.n && !strncasecmp(p.s, want, p.n);
}

bool content_value_is(const struct content *c, const char *want)
{
	return part_is(content_value(c), want);
}

bool content_has_param(const struct content *c, const char *want)
{
	struct content_part all = { c->params, (size_t)(c->value - 1 - c->params) }, p;

	while (part_next(&all, ';', &p))
		if (part_is(p, want))
			return true;
	return false;
}

bool part_next(struct content_part *rest, char separator, struct content_part *ret)
{
	const char *end;

	if (!rest->n)
		return false;
	end = memchr(rest->s, separator, rest->n);
	ret->s = rest->s;
	ret->n = end ? (size_t)(end - rest->s) : rest->n;
	rest->s += ret->n + (end != NULL);
	rest->n -= ret->n + (end != NULL);
	return true;
}

int content_day(const struct content *c, struct content_part p, const char *help,
		struct civil_date *ret)
{
	char text[11];

	if (p.n != 8)
		return content_error(c, p, help, "'%.*s' is not a date", PART_TEXT(p));
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", p.s, p.s + 4, p.s + 6);
	if (lex_date(text, 10, ret) < 0)
		return content_error(c, p, NULL, "'%.8s' is not a day of the calendar", p.s);
	return 0;
}
