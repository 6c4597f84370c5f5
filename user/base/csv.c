/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/csv.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

struct line {
	const char *start, *end;
};

void csv_open(struct csv_reader *r, const char *text, size_t size)
{
	*r = (struct csv_reader){ .text = text, .size = size };
	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		r->next = 3;
}

void csv_done(struct csv_reader *r)
{
	free(r->scratch);
	r->scratch = NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

static bool take_line(struct csv_reader *r, struct line *l)
{
	const char *newline;

	if (r->next >= r->size)
		return false;
	l->start = r->text + r->next;
	newline = memchr(l->start, '\n', r->size - r->next);
	l->end = newline ? newline : r->text + r->size;
	r->next = (size_t)(l->end - r->text) + 1;
	r->line++;
	if (l->end > l->start && l->end[-1] == '\r')
		l->end--;
	return true;
}

static void need_scratch(struct csv_reader *r, size_t n)
{
	if (n <= r->scratch_size)
		return;
	r->scratch = xrealloc(r->scratch, n, 1);
	r->scratch_size = n;
}

/* From after the opening quote; returns what follows the closing one, NULL if there is none. */
static const char *take_quoted(const char *s, const char *end, char **scratch,
			       struct csv_field *field)
{
	const char *quote = memchr(s, '"', (size_t)(end - s));
	char *out = *scratch;

	field->text = s;
	if (!quote)
		return NULL;
	if (quote + 1 == end || quote[1] != '"') {
		field->n = (size_t)(quote - s);
		return quote + 1;
	}
	for (field->text = out; s < end; s++) {
		if (*s == '"') {
			if (s + 1 == end || s[1] != '"')
				break;
			s++;
		}
		*out++ = *s;
	}
	field->n = (size_t)(out - field->text);
	*scratch = out;
	return s < end ? s + 1 : NULL;
}

static const char *take_plain(const char *s, const char *end, struct csv_field *field)
{
	const char *stop = s;

	while (stop < end && *stop != ',')
		stop++;
	field->text = s;
	end = stop;
	while (end > s && is_blank(end[-1]))
		end--;
	field->n = (size_t)(end - s);
	return stop;
}

static int split(struct csv_reader *r, const struct line *l, uint32_t *ret_col,
		 const char **ret_why)
{
	const char *s = l->start;
	char *scratch;

	need_scratch(r, (size_t)(l->end - l->start) + 1);
	scratch = r->scratch;
	for (r->n = 0;; s++) {
		struct csv_field *field = &r->field[r->n];
		bool quoted;

		s = skip_blanks(s, l->end);
		*ret_col = (uint32_t)(s - l->start) + 1;
		if (r->n == CSV_FIELDS_MAX) {
			*ret_why = "too many fields in a line";
			return -EINVAL;
		}
		quoted = s < l->end && *s == '"';
		field->col = *ret_col + quoted;
		s = quoted ? take_quoted(s + 1, l->end, &scratch, field)
			   : take_plain(s, l->end, field);
		if (!s) {
			*ret_why = "a quote is not closed in its line";
			return -EINVAL;
		}
		r->n++;
		s = skip_blanks(s, l->end);
		if (s == l->end)
			return 1;
		if (*s != ',') {
			*ret_col = (uint32_t)(s - l->start) + 1;
			*ret_why = "expected a comma after the closing quote";
			return -EINVAL;
		}
	}
}

int csv_next(struct csv_reader *r, uint32_t *ret_col, const char **ret_why)
{
	struct line l;

	while (take_line(r, &l)) {
		const char *s = skip_blanks(l.start, l.end);

		if (s == l.end || *s == '#')
			continue;
		return split(r, &l, ret_col, ret_why);
	}
	return 0;
}
