/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Set files (one prefix or address per line) and date files (one day or range
 * per line, or an iCalendar file, RFC 5545, with all-day events). Their errors
 * are placed in the data file, not where it is named.
 */
#include "core/policy/data.h"

#include <errno.h>
#include <string.h>

static int open_data(struct data_reader *r, struct parser *p, struct pos pos, const char *path)
{
	_cleanup_free_ char *full = xprintf("%s%s", *path == '/' ? "" : p->root, path);
	int e;

	*r = (struct data_reader){ .p = p };
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
	/* a byte order mark */
	if (r->n >= 3 && !memcmp(r->text, "\xef\xbb\xbf", 3))
		r->at = 3;
	return 0;
}

/* Lists can be long; only policy files stay in memory. */
static void close_data(struct data_reader *r)
{
	free(r->text);
	r->p->set->texts.v[r->file] = (struct policy_text){ 0 };
}

bool data_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool data_line(struct data_reader *r, const char *comments, struct data_line *ret)
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
	for (; s < stop && data_is_blank(*s); s++)
		ret->pos.col++;
	while (stop > s && data_is_blank(stop[-1]))
		stop--;
	ret->s = s;
	ret->n = (size_t)(stop - s);
	return true;
}

/* The line as one token. */
static struct token classify(const struct data_line *l)
{
	struct token t = { .s = l->s, .n = l->n, .pos = l->pos };

	for (size_t i = 0; i < l->n; i++) {
		if (!data_is_blank(l->s[i]) && (unsigned char)l->s[i] >= 0x20)
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
static int bad_line(struct data_reader *r, const struct token *t,
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
	struct data_reader r;
	struct data_line l;
	int e = open_data(&r, p, pos, path);

	if (e < 0)
		return e;
	while (!parse_is_full(p) && data_line(&r, "#;", &l)) {
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

static void plain_dates(struct data_reader *r, struct date_list *ret)
{
	static const char *const help =
		"one date or range a line: 2026-12-25 or 2026-12-31..2027-01-02; or an iCalendar file";
	struct data_line l;

	while (!parse_is_full(r->p) && data_line(r, "#;", &l)) {
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

int parse_date_file(struct parser *p, struct pos pos, const char *path, struct date_list *ret)
{
	struct data_reader r;
	int e = open_data(&r, p, pos, path);

	if (e < 0)
		return e;
	if (calendar_begins(&r))
		calendar_dates(&r, ret);
	else
		plain_dates(&r, ret);
	close_data(&r);
	return 0;
}
