/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For how long an interface existed without our hook on it. Fed with what is
 * seen now; times are milliseconds of one monotonic clock, the caller's.
 */
#ifndef CURFEW_CORE_COVERAGE_UNCOVERED_H
#define CURFEW_CORE_COVERAGE_UNCOVERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/coverage/device.h"
#include "curfew/abi.h"

struct uncovered_entry {
	char ifname[DEVICE_NAME];
	enum cf_if_role role;
	bool exists;
	bool covered;
	bool seen;         /* since uncovered_begin() */
	uint64_t known_ms; /* when it was last looked at */
	uint64_t since_ms; /* of the gap that is open; only if exists and not covered */
	uint64_t total_ms; /* of gaps that have ended */
	uint32_t gaps;     /* how many have begun */
};
struct uncovered {
	struct uncovered_entry *v;
	size_t n, cap;
};

enum uncovered_news { UNCOVERED_SAME, UNCOVERED_BEGAN, UNCOVERED_ENDED };

/*
 * What an interface is now. A gap of an interface that was covered began, for
 * all we know, when it was last seen covered; of one that has appeared,
 * at `appeared_ms`, the earliest moment it may have. Both overstate rather than
 * understate. *ret_ms (may be NULL) is how long the gap is by now; 0: there is none.
 */
struct uncovered_look {
	const char *ifname;
	enum cf_if_role role;
	bool exists, covered;
	bool anew; /* another device than the last that had the name */
	uint64_t appeared_ms;
	uint64_t now_ms;
};
enum uncovered_news uncovered_look(struct uncovered *u, const struct uncovered_look *look,
				   uint64_t *ret_ms);

/* Around a look at all: gaps of interfaces that were not looked at, being wanted no more, end. */
void uncovered_begin(struct uncovered *u);
void uncovered_end(struct uncovered *u, uint64_t now_ms);

/* All gaps of an interface, the open one included. */
uint64_t uncovered_total(const struct uncovered_entry *e, uint64_t now_ms);
bool uncovered_open(const struct uncovered_entry *e);
void uncovered_done(struct uncovered *u);

#endif
