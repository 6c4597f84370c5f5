/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Country and ASN databases as one list of ranges, and as the prefixes that an LPM trie wants. */
#ifndef CURFEW_BENCH_CLASS_RANGES_H
#define CURFEW_BENCH_CLASS_RANGES_H

#include "classes.h"
#include "core/geo/geo.h"
#include "core/image/image.h"
#include "core/image/literals.h"

/* Sorted, not overlapping; neighbours that say the same are one. */
struct place_range {
	uint128 first, last;
	struct place place;
};
struct place_ranges {
	struct place_range *v;
	size_t n, cap;
	size_t first4, end4; /* of these, IPv4's */
};
struct place_ranges place_ranges(const struct geo *geo);

/*
 * One family's into a trie, each prefix with the label that its first address has; how many
 * prefixes that is. 0 or -errno.
 */
int fill_trie(const struct place_ranges *r, const struct image *img, bool six, int fd,
	      size_t *ret_prefixes);

#endif
