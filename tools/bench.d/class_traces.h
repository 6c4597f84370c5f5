/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Destinations in the order in which packets bring them. The same seed draws the same. */
#ifndef CURFEW_BENCH_CLASS_TRACES_H
#define CURFEW_BENCH_CLASS_TRACES_H

#include "class_ranges.h"
#include "core/image/image.h"

/* None of what is never judged, nor IPv6 addresses that stand for IPv4 ones. */
void draw4(const struct image *img, enum class_trace kind, struct trace4 *ret);
void draw6(const struct image *img, const struct place_ranges *r, enum class_trace kind,
	   struct trace6 *ret);
#define CLASS_DEEP 16 /* networks of TRACE_DEEP */

#endif
