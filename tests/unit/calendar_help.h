/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the calendar tests: zones made in memory, time expressions made by hand, results as text. */
#ifndef CURFEW_TESTS_CALENDAR_HELP_H
#define CURFEW_TESTS_CALENDAR_HELP_H

#include "core/time/calendar.h"

enum { MON = 1, TUE = 2, WED = 4, THU = 8, FRI = 16, SAT = 32, SUN = 64, DAILY = 127 };

/* TZif data as bytes; the caller frees. types: offset and name of each. */
struct tzif_spec {
	char version; /* 0, '2', '3', '4' */
	size_t transitions;
	const int64_t *at;
	const uint8_t *to;
	size_t types;
	const int32_t *offsets;
	const char *names; /* as in the file: "LMT\0CET\0" */
	size_t names_size;
	const uint8_t *name_at;
	const char *footer; /* without newlines */
	uint32_t leaps;
};
uint8_t *tzif_make(const struct tzif_spec *spec, size_t *ret_size);

/* A zone that follows a POSIX TZ string at all times. Fails the test if it can't be parsed. */
struct zone *zone_of(const char *tz);
/* Berlin, New_York, Lord_Howe, Shanghai, Sao_Paulo_then (DST at midnight), Apia (a day left out);
 * NULL: Berlin. */
const struct zone *zone_named(const char *name);
extern const struct zone_source zones_of_tests;

/* "2026-10-25 01:00[:00]", UTC. */
struct utc at_utc(const char *text);
/* The same for a date alone. */
struct civil_date date_of(const char *text);

/* Time expressions; never freed. Times "HH:MM", until up to "24:00". */
struct time_expr *span(unsigned int days, const char *from, const char *until);
struct time_expr *leaf(enum time_op op);
struct time_expr *named(uint32_t window);
struct time_expr *dates(enum time_op op, const char *first, const char *last);
struct time_expr *between(const char *begin, const char *end); /* "YYYY-MM-DD HH:MM" */
struct time_expr *join(enum time_op op, struct time_expr *a, struct time_expr *b);

/* "10-25 20:00 - 10-26 05:00, …", in the zone, NULL: UTC. Static buffer. */
const char *list_text(const struct interval_list *l, const struct zone *z);
/* The intervals of `when` in [begin, end) as that text; "error N" for -N. */
const char *windows_text(const struct policy_set *set, const struct time_expr *when,
			 const char *zone, const char *begin, const char *end);

#endif
