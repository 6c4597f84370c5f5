/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of set files and date files share. Internal to the parser. */
#ifndef CURFEW_CORE_POLICY_DATA_H
#define CURFEW_CORE_POLICY_DATA_H

#include "core/policy/parse.h"
#include "core/time/calendar.h"

/* One line, without blanks around it and without its comment. */
struct data_line {
	const char *s;
	size_t n;
	struct pos pos;
};

struct data_reader {
	struct parser *p;
	char *text;
	size_t n, at;
	uint32_t file, line;
};

bool data_is_blank(char c);
/* The next line; what follows one of `comments` is cut. False at the end of the file. */
bool data_line(struct data_reader *r, const char *comments, struct data_line *ret);

/* Is it an iCalendar file? */
bool calendar_begins(const struct data_reader *r);
/* The days of its events, RFC 5545: whole days only; in order, each once. */
void calendar_dates(struct data_reader *r, struct date_list *ret);

#endif
