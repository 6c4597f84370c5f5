/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/table.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* Unicode 15 blocks that terminals draw two cells wide, and those they draw on the cell before. */
static const struct {
	uint32_t first, last;
	uint8_t width;
} odd_widths[] = {
	{ 0x0300, 0x036f, 0 },   { 0x0483, 0x0489, 0 },   { 0x0591, 0x05bd, 0 },
	{ 0x064b, 0x065f, 0 },   { 0x1100, 0x115f, 2 },   { 0x1ab0, 0x1aff, 0 },
	{ 0x1dc0, 0x1dff, 0 },   { 0x200b, 0x200f, 0 },   { 0x20d0, 0x20ff, 0 },
	{ 0x2e80, 0x303e, 2 },   { 0x3041, 0x33ff, 2 },   { 0x3400, 0x4dbf, 2 },
	{ 0x4e00, 0x9fff, 2 },   { 0xa000, 0xa4cf, 2 },   { 0xac00, 0xd7a3, 2 },
	{ 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },   { 0xfe20, 0xfe2f, 0 },
	{ 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },
	{ 0x1f300, 0x1f64f, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
};

/* Decodes one character (RFC 3629); returns its length, 0 if it is not one or must not be shown. */
static size_t decode(const char *text, uint32_t *ret)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);

	if (s[0] >= 0xf8 || (s[0] >= 0x80 && s[0] < 0xc2))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return 0;
	/* Bidirectional overrides can make a table lie. */
	if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	*ret = c;
	return n;
}

char *text_safe(const char *text)
{
	struct buf b = { 0 };

	while (*text) {
		uint32_t c;
		size_t n = decode(text, &c);

		if (n)
			buf_add(&b, text, n);
		else
			buf_puts(&b, "?");
		text += n ? n : 1;
	}
	return b.s ? b.s : xstrdup("");
}

size_t text_width(const char *text)
{
	size_t width = 0;

	while (*text) {
		uint32_t c;
		size_t n = decode(text, &c), w = 1;

		for (size_t i = 0; n > 1 && i < ARRAY_SIZE(odd_widths); i++)
			if (c >= odd_widths[i].first && c <= odd_widths[i].last)
				w = odd_widths[i].width;
		width += w;
		text += n ? n : 1;
	}
	return width;
}

const char *style_on(enum table_style style, bool colour)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",        [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
		[STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31;1m",
	};

	return colour ? codes[style] : "";
}

const char *style_off(enum table_style style, bool colour)
{
	return colour && style != STYLE_PLAIN ? "\033[0m" : "";
}

void table_init(struct table *t, const struct table_column *columns, size_t n)
{
	*t = (struct table){ .columns = columns, .n_columns = n };
}

static _printf_(3, 0) void add(struct table *t, enum table_style style, const char *fmt, va_list ap)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_vprintf(&b, fmt, ap);
	*VEC_ADD(&t->cells) = (struct table_cell){ text_safe(buf_text(&b)), style };
}

void table_add(struct table *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(t, STYLE_PLAIN, fmt, ap);
	va_end(ap);
}

void table_add_styled(struct table *t, enum table_style style, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(t, style, fmt, ap);
	va_end(ap);
}

size_t table_rows(const struct table *t)
{
	return t->cells.n / t->n_columns;
}

#define LEFT_OUT SIZE_MAX

static bool is_empty(const struct table *t, size_t column)
{
	for (size_t i = column; i < t->cells.n; i += t->n_columns)
		if (*t->cells.v[i].text && strcmp(t->cells.v[i].text, "-") != 0)
			return false;
	return t->cells.n > 0;
}

static void print_row(const struct table *t, const struct table_cell *row, const size_t *widths,
		      FILE *out, bool colour)
{
	size_t pad = 0;

	for (size_t c = 0; c < t->n_columns; c++) {
		bool right = t->columns[c].flags & TABLE_RIGHT;
		size_t room, before;

		if (widths[c] == LEFT_OUT)
			continue;
		room = widths[c] - text_width(row[c].text);
		before = pad + (right ? room : 0);

		if (!*row[c].text) {
			pad += widths[c] + 2;
			continue;
		}
		fprintf(out, "%*s%s%s%s", (int)before, "", style_on(row[c].style, colour),
			row[c].text, style_off(row[c].style, colour));
		pad = 2 + (right ? 0 : room);
	}
	fputc('\n', out);
}

void table_print(const struct table *t, FILE *out, bool colour)
{
	_cleanup_free_ size_t *widths = xcalloc(t->n_columns, sizeof(*widths));
	_cleanup_free_ struct table_cell *head = xcalloc(t->n_columns, sizeof(*head));

	for (size_t c = 0; c < t->n_columns; c++) {
		head[c] = (struct table_cell){ (char *)t->columns[c].title, STYLE_BOLD };
		widths[c] = text_width(t->columns[c].title);
	}
	for (size_t i = 0, c = 0; i < t->cells.n; i++) {
		size_t w = text_width(t->cells.v[i].text);

		if (w > widths[c])
			widths[c] = w;
		c = c + 1 < t->n_columns ? c + 1 : 0;
	}
	for (size_t c = 0; c < t->n_columns; c++)
		if (t->columns[c].flags & TABLE_OPTIONAL && is_empty(t, c))
			widths[c] = LEFT_OUT;
	print_row(t, head, widths, out, colour);
	for (size_t i = 0; i + t->n_columns <= t->cells.n; i += t->n_columns)
		print_row(t, t->cells.v + i, widths, out, colour);
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->cells.n; i++)
		free(t->cells.v[i].text);
	free(t->cells.v);
	*t = (struct table){ 0 };
}
