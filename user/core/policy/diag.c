/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics: kept as facts, printed as text that is safe for a terminal. */
#include <string.h>

#include "core/policy/lex.h"
#include "core/policy/policy.h"

/* A source line longer than this is shown as a piece around the caret. */
#define LINE_SHOWN 120

void diag_list_done(struct diag_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].message);
		free(l->v[i].help);
		free(l->v[i].file);
		free(l->v[i].line);
	}
	free(l->v);
	*l = (struct diag_list){ 0 };
}

const char *diag_level_name(enum diag_level level)
{
	static const char *const names[DIAG_LEVELS] = {
		[DIAG_ERROR] = "error",
		[DIAG_WARNING] = "warning",
		[DIAG_NOTE] = "note",
	};

	return names[level];
}

size_t diag_count(const struct diag_list *l, enum diag_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->v[i].level == level;
	return n;
}

size_t diag_errors(const struct diag_list *l)
{
	return diag_count(l, DIAG_ERROR);
}

static bool before(const struct diag *a, const struct diag *b)
{
	if (a->pos.file != b->pos.file)
		return a->pos.file < b->pos.file;
	if (a->pos.line != b->pos.line)
		return a->pos.line < b->pos.line;
	return a->pos.col < b->pos.col;
}

void diag_sort(struct diag_list *l, size_t first)
{
	for (size_t i = first + 1; i < l->n; i++) {
		struct diag d = l->v[i];
		size_t k = i;

		for (; k > first && before(&d, &l->v[k - 1]); k--)
			l->v[k] = l->v[k - 1];
		l->v[k] = d;
	}
}

static char *line_of(const struct policy_text *text, uint32_t line)
{
	const char *s = text->s, *end;
	char *copy;
	size_t n;

	if (!s || !line)
		return NULL;
	end = s + text->n;
	while (--line) {
		s = memchr(s, '\n', (size_t)(end - s));
		if (!s)
			return NULL;
		s++;
	}
	n = (size_t)(end - s);
	if (memchr(s, '\n', n))
		n = (size_t)((const char *)memchr(s, '\n', n) - s);
	copy = xcalloc(n + 1, 1);
	/* a NUL must not cut the line before the caret */
	for (size_t i = 0; i < n; i++)
		copy[i] = s[i] ? s[i] : '?';
	return copy;
}

static bool is_control(const unsigned char *s, size_t n)
{
	/* and C1, which terminals obey too: U+0080 to U+009F */
	return (n == 1 && *s < 0x20 && *s != '\t') || *s == 0x7f ||
	       (n == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

/*
 * What a file says must neither steer the terminal nor break JSON. Byte for
 * byte, so that columns stay true.
 */
static void make_safe(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (s && *s) {
		size_t n = lex_utf8_length(s, strlen((char *)s));

		if (*s == '\r' && !s[1])
			return;
		if (n && !is_control(s, n)) {
			s += n;
			continue;
		}
		for (n = n ? n : 1; n; n--)
			*s++ = '?';
	}
}

void diag_add(struct diag_list *l, const struct policy_set *set, enum diag_level level,
	      struct pos pos, const char *help, const char *fmt, ...)
{
	struct diag *d = VEC_ADD(l);
	va_list ap;
	struct buf b = { 0 };

	*d = (struct diag){ .level = level, .pos = pos };
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	d->message = b.s ? b.s : xstrdup("");
	d->help = help ? xstrdup(help) : NULL;
	if (set && pos.file < set->files.n)
		d->file = xstrdup(set->files.v[pos.file]);
	if (set && pos.file < set->texts.n)
		d->line = line_of(&set->texts.v[pos.file], pos.line);
	make_safe(d->message);
	make_safe(d->help);
	make_safe(d->file);
	make_safe(d->line);
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void put_line(struct buf *out, const char *line, size_t col)
{
	size_t n = strlen(line), at = col ? col - 1 : 0, from = 0, to;

	if (n && line[n - 1] == '\r')
		n--;
	while (n && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t') &&
	       n > at + 1)
		n--;
	if (at > n)
		at = n;
	if (n > LINE_SHOWN && at > LINE_SHOWN / 2)
		from = at - LINE_SHOWN / 2;
	while (from && continues(line[from]))
		from--;
	to = n - from > LINE_SHOWN ? from + LINE_SHOWN : n;
	while (to < n && continues(line[to]))
		to++;
	buf_puts(out, from ? "  ..." : "  ");
	buf_add(out, line + from, to - from);
	buf_puts(out, to < n ? "...\n  " : "\n  ");
	if (from)
		buf_puts(out, "   ");
	/* tabs stay tabs, so that the caret lines up however wide they are */
	for (size_t i = from; i < at; i++)
		if (!continues(line[i]))
			buf_puts(out, line[i] == '\t' ? "\t" : " ");
	buf_puts(out, "^\n");
}

void diag_print(const struct diag_list *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct diag *d = &l->v[i];

		if (d->file && *d->file) {
			buf_puts(out, d->file);
			if (d->pos.line)
				buf_printf(out, ":%u:%u", d->pos.line, d->pos.col);
			buf_puts(out, ": ");
		}
		buf_printf(out, "%s: %s\n", diag_level_name(d->level), d->message);
		if (d->line && d->pos.line && d->line[strspn(d->line, " \t\r")])
			put_line(out, d->line, d->pos.col);
		if (d->help) {
			buf_puts(out, "  help: ");
			buf_puts(out, d->help);
			buf_puts(out, "\n");
		}
	}
}
