/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a part of tools/bench hands back. A part is called as
 *
 *	PART --build DIR --json OUT [--quick]
 *
 * runs its cases in turn for several rounds, so that the samples of all rows at
 * one index are of one round, and writes one JSON object (see render.py for how it is
 * shown). Exit code: 0; 1 if a fact is not as it must be, or the work could
 * not be done; BENCH_SKIP, with the reason on stderr, if this machine cannot do
 * it. Never because of time.
 */
#ifndef CURFEW_BENCH_REPORT_H
#define CURFEW_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/def.h"

#define BENCH_SKIP 77

struct bench_options {
	const char *build; /* where everything was built */
	const char *json;  /* where the result goes */
	bool quick;        /* a few seconds: facts count, times do not */
};

/* 0, or the exit code: usage is on stderr. */
int bench_options_parse(int argc, char **argv, struct bench_options *ret);

/* A result; tables, rows and the rest belong to it. */
json_t *bench_report_new(const char *part, const char *title, const char *about);

/* `base`: the row that the others' ratios are to; NULL: there is none. */
json_t *bench_table(json_t *report, const char *title, const char *unit, const char *base);
/* `ratio_to`: another row than the table's base; it and `note` may be NULL. */
json_t *bench_row(json_t *table, const char *name, const char *ratio_to, const char *note);
/* One round's figure; rows of one table are given theirs in the same rounds. */
void bench_sample(json_t *row, double value);
double bench_median(const json_t *row);

/*
 * What was found beside times; one that `must` be something fails the part when it is not,
 * one that is to be `at_most` something when it is more.
 */
void bench_fact(json_t *report, const char *what, int64_t value, const char *unit);
void bench_must(json_t *report, const char *what, int64_t value, const char *unit, int64_t must);
void bench_at_most(json_t *report, const char *what, int64_t value, const char *unit, int64_t most);
/*
 * What the project wants of itself, to be compared (goals.py) and never a reason to fail. What was
 * found are rows of their own, for bench_sample(); of several the worst counts. Without any
 * samples the goal was not measured.
 */
enum bench_bound { BENCH_AT_MOST, BENCH_AT_LEAST };
json_t *bench_goal(json_t *report, const char *what, const char *unit, enum bench_bound bound,
		   double limit);
json_t *bench_found(json_t *goal, const char *of);
/* Round by round: what a row has more than the base, or how many times as much. */
void bench_found_beyond(json_t *goal, const char *of, const json_t *row, const json_t *base);
void bench_found_ratio(json_t *goal, const char *of, const json_t *row, const json_t *base);
/* A row's samples as they are. */
void bench_found_row(json_t *goal, const char *of, const json_t *row);
void bench_unmeasured(json_t *goal, const char *why);

void bench_note(json_t *report, const char *fmt, ...) _printf_(2, 3);
void bench_verbatim(json_t *report, const char *title, const char *text);

/* Writes and frees it; the exit code. */
int bench_report_write(json_t *report, const struct bench_options *opt);

/* Says what failed on stderr, and returns 1; bench_skip() returns BENCH_SKIP. */
int bench_fail(const char *fmt, ...) _printf_(1, 2);
int bench_skip(const char *fmt, ...) _printf_(1, 2);
/* Where it is, on a terminal. */
void bench_progress(int round, int rounds);

#endif
