/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iCalendar's content lines, and the values that several properties have. Internal to the parser.
 */
#ifndef CURFEW_CORE_POLICY_DATA_CONTENT_H
#define CURFEW_CORE_POLICY_DATA_CONTENT_H

#include "base/buf.h"
#include "core/policy/data.h"
#include "core/time/recur.h"

/* Where a part of a content line stands in the file. */
struct content_piece {
	size_t at; /* in the content line */
	struct pos pos;
};

struct content {
	struct data_reader *r;
	struct buf text;
	struct {
		struct content_piece *v;
		size_t n, cap;
	} pieces;
	const char *params; /* of the property that was asked for last, with their ';' */
	const char *value;
};

/* A part of a content line. */
struct content_part {
	const char *s;
	size_t n;
};

void content_done(struct content *c);
/* The next content line, whole; false at the end of the file. */
bool content_next(struct content *c);
/*
 * Is it "NAME:…" or "NAME;PARAMS:…"? Then params and value are those. A colon
 * within quotes belongs to a parameter.
 */
bool content_property(struct content *c, const char *name);
/* The value of the property that was asked for last. */
struct content_part content_value(const struct content *c);
bool content_value_is(const struct content *c, const char *want);
bool content_has_param(const struct content *c, const char *want);
struct pos content_place(const struct content *c, const char *at);

bool part_is(struct content_part p, const char *want);
/* Takes what is before the next `separator` off `rest`; false when nothing is left. */
bool part_next(struct content_part *rest, char separator, struct content_part *ret);

/* A complaint about a part, which the format shows as its first argument: "'%.*s' is …". */
#define CONTENT_SHOWN_MAX 40
#define PART_TEXT(p)      (int)((p).n > CONTENT_SHOWN_MAX ? CONTENT_SHOWN_MAX : (p).n), (p).s
#define content_error(c, part, help, fmt, ...)                                                     \
	parse_error((c)->r->p, content_place(c, (part).s), help, fmt, ##__VA_ARGS__)

/* "20261225"; complains about everything else, with this help. */
int content_day(const struct content *c, struct content_part p, const char *help,
		struct civil_date *ret);

/* data_rule.c: the value of RRULE. */
struct content_rule {
	struct recur recur;
	struct pos until_pos;
	/* UNTIL in UTC: days after this one are meant in some time zones only; else INT64_MAX */
	int64_t sure_until;
};
int content_rule(const struct content *c, struct content_rule *ret);

#endif
