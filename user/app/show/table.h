/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: columns as wide as their widest cell, in terminal cells
 * (UTF-8; wide East Asian characters count two, combining ones none). What
 * comes from outside cannot play tricks: control characters and invalid UTF-8
 * are shown as '?'.
 */
#ifndef CURFEW_APP_SHOW_TABLE_H
#define CURFEW_APP_SHOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/def.h"

enum table_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

enum table_flags {
	TABLE_RIGHT = 1 << 0,    /* numbers */
	TABLE_OPTIONAL = 1 << 1, /* left out if every cell is empty or "-" */
};

struct table_column {
	const char *title;
	unsigned int flags; /* enum table_flags; true: numbers */
};

struct table_cell {
	char *text;
	enum table_style style;
};
struct table {
	const struct table_column *columns; /* borrowed */
	size_t n_columns;
	struct {
		struct table_cell *v;
		size_t n, cap;
	} cells; /* row by row */
};

void table_init(struct table *t, const struct table_column *columns, size_t n);
/* The next cell of the row; the row ends with the last column. */
void table_add(struct table *t, const char *fmt, ...) _printf_(2, 3);
void table_add_styled(struct table *t, enum table_style style, const char *fmt, ...) _printf_(3, 4);
size_t table_rows(const struct table *t);
/* Header and rows, two spaces between columns, none at the line's end. Styles only if `colour`. */
void table_print(const struct table *t, FILE *out, bool colour);
void table_done(struct table *t);
#define _cleanup_table_ _cleanup_(table_done)

/* Width in terminal cells of a text as shown. */
size_t text_width(const char *text);
/* A copy in which what must not reach a terminal is '?'. The caller frees it. */
char *text_safe(const char *text);
/* Escape sequences; empty strings without colour. */
const char *style_on(enum table_style style, bool colour);
const char *style_off(enum table_style style, bool colour);

#endif
