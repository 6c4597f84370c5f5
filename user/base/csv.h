/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of comma-separated values (RFC 4180, but no line break within a field). */
#ifndef CURFEW_BASE_CSV_H
#define CURFEW_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_FIELDS_MAX 64

struct csv_field {
	const char
		*text; /* of n bytes, no NUL; blanks around an unquoted field are not part of it */
	size_t n;
	uint32_t col; /* byte where its text begins in the line, from 1 */
};

struct csv_reader {
	const char *text;
	size_t size;
	size_t next;   /* where the next line begins */
	uint32_t line; /* of the fields, from 1 */
	struct csv_field field[CSV_FIELDS_MAX];
	size_t n;
	char *scratch; /* fields with doubled quotes */
	size_t scratch_size;
};

/* The text must outlive the reader. A byte order mark is skipped. */
void csv_open(struct csv_reader *r, const char *text, size_t size);
void csv_done(struct csv_reader *r);
/*
 * Goes on to the next line that is neither empty nor a comment ('#' first).
 * Returns 1; 0 at the end; -EINVAL with the column and a reason (not freed).
 * The fields are valid until the next call.
 */
int csv_next(struct csv_reader *r, uint32_t *ret_col, const char **ret_why);

#endif
