/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What databases say, by libmaxminddb alone: none of our readers. For proofs; slow. */
#ifndef CURFEW_TESTS_MMDB_TRUTH_H
#define CURFEW_TESTS_MMDB_TRUTH_H

#include "core/geo/geo.h"

/* Opens one more; the first that knows a thing is believed. Exits where it cannot. */
void truth_open(const char *path);
/* As geo_find(), of all that are open. Strings are valid until the next call. */
void truth_find(const struct geo *unused, const struct addr *addr, struct geo_record *ret);
/* Calls `fn` with the first and the last address of every network, also of those without data. */
void truth_networks(void (*fn)(void *arg, const struct addr *first, const struct addr *last),
		    void *arg);

#endif
