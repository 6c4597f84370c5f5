/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of instants as lists of intervals. Inside civil time; the interface is
 * calendar.h. A list is normal when it is sorted and its intervals are not
 * empty and apart from each other.
 */
#ifndef CURFEW_CORE_TIME_INTERVAL_H
#define CURFEW_CORE_TIME_INTERVAL_H

#include "core/time/calendar.h"

/* Appends; what is empty or ends before it begins is left out. */
void interval_add(struct interval_list *l, int64_t begin, int64_t end);
/* Sorts, and merges what touches or overlaps. */
void interval_normalise(struct interval_list *l);
/* Both take normal lists and append to `out`, which stays normal if it was empty. */
void interval_and(const struct interval_list *a, const struct interval_list *b,
		  struct interval_list *out);
void interval_except(const struct interval_list *a, const struct interval_list *b,
		     struct interval_list *out);

#endif
