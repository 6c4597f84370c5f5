/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recurrence rules of iCalendar (RFC 5545, 3.3.10) on whole days: which days a
 * rule names. How a rule is written is core/policy/data_rule.c.
 */
#ifndef CURFEW_CORE_TIME_RECUR_H
#define CURFEW_CORE_TIME_RECUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A rule without an end ends here. A year of its own and not some years from
 * now: what a file says must not depend on the day it is read on, else a set
 * would differ from itself a day later.
 */
#define RECUR_LAST_YEAR 2099

enum recur_freq { RECUR_DAILY, RECUR_WEEKLY, RECUR_MONTHLY, RECUR_YEARLY };

/* Places in a row, counted from its first (1 …) or from its last (-1 …). */
#define RECUR_NTH_MAX 366
struct recur_nth {
	bool any;
	uint64_t first[RECUR_NTH_MAX / 64 + 1];
	uint64_t last[RECUR_NTH_MAX / 64 + 1];
};
void recur_nth_add(struct recur_nth *x, int n);

struct recur {
	enum recur_freq freq;
	uint32_t interval; /* at least 1 */
	uint32_t count;    /* 0: not given; the first day counts */
	bool has_until;
	int64_t until;                   /* as civil_to_days() */
	uint8_t week_start;              /* 0 Monday */
	uint16_t months;                 /* bits 1 to 12; 0: not given */
	uint8_t days;                    /* of the week, every one; bit 0 Monday */
	struct recur_nth nth_days[7];    /* 1MO, -1FR: of the month, or of the year */
	struct recur_nth month_days;     /* BYMONTHDAY */
	struct recur_nth year_days;      /* BYYEARDAY */
	struct recur_nth weeks;          /* BYWEEKNO */
	struct recur_nth of_each_period; /* BYSETPOS */
};

struct day_list {
	int64_t *v; /* as civil_to_days() */
	size_t n, cap;
};

/*
 * Appends the days on which an event that first is on `start` is: `start`
 * itself, whether or not the rule names it, and what the rule names after it.
 * In order, each once. `work` is taken from for each day that is looked at or
 * named; -E2BIG when there is none left.
 */
int recur_days(const struct recur *r, int64_t start, size_t *work, struct day_list *out);

#endif
