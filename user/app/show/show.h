/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the tables of flows, quotas and alerts show the daemon's JSON to people. */
#ifndef CURFEW_APP_SHOW_SHOW_H
#define CURFEW_APP_SHOW_SHOW_H

#include <jansson.h>

#include "app/cmd/cmd.h"
#include "app/show/json_util.h"
#include "app/show/table.h"

/* "2026-11-24 00:31:07 +03:00" from the daemon's ISO text; "-" for null. The caller frees it. */
char *show_time(const char *iso);
/* "16.0 MB"; "-" for null. */
void show_size(struct table *t, const json_t *bytes);
/* The same with "/s"; nothing at 0. */
void show_rate(struct table *t, const json_t *bytes);
void show_count(struct table *t, uint64_t n);
void show_text(struct table *t, const char *text); /* "-" for NULL */

/* CC, AS, CITY, KM: the four cells of a place. */
#define SHOW_PLACE_COLUMNS                                                                         \
	{ "CC", TABLE_OPTIONAL }, { "AS", TABLE_OPTIONAL }, { "CITY", TABLE_OPTIONAL },            \
	{                                                                                          \
		"KM", TABLE_OPTIONAL | TABLE_RIGHT                                                 \
	}
void show_place(struct table *t, const json_t *o);
void show_as(struct table *t, const json_t *o);
/* "Shanghai, CN, AS4812 China Telecom, 8,187 km away". The caller frees it. */
char *show_place_text(const json_t *o);

/* Green "pass", red "drop". */
void show_verdict(struct table *t, const char *verdict);

/*
 * Calls fn every `seconds` until it returns other than EXIT_FINE or the user
 * interrupts: on a terminal the screen is redrawn, else tables follow each
 * other. Returns fn's exit code, EXIT_FINE after an interrupt.
 */
int follow(struct cli *cli, uint64_t seconds, bool redraw, int (*fn)(struct cli *cli, void *arg),
	   void *arg);
/*
 * The rows of a request as they come, oldest first: its reply has "rows", newest first, and the
 * number of the "newest", and takes "n" and "after".
 */
struct follow_rows {
	const char *verb;
	uint64_t n; /* of the first reply; of further ones all that there are */
	void (*print)(const struct cli *cli, const json_t *row); /* not for --json */
	bool begun;                                              /* zero */
	json_int_t after;
};
int follow_rows(struct cli *cli, struct follow_rows *f);
/* One JSON value on a line of its own, at once; takes v over. */
int json_line(const char *name, json_t *v);

#endif
