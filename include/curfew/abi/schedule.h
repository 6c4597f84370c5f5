/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Civil time, as the kernel keeps it. */
#ifndef CURFEW_ABI_SCHEDULE_H
#define CURFEW_ABI_SCHEDULE_H

#include "curfew/abi/limits.h"

/*
 * `segments`: when the set of active rules changes, sorted; segment i holds
 * from at_jiffies until the next one begins. The first begins at 0. The last
 * one is the end of the table: from there on the last full week before it
 * repeats.
 */
struct cf_segment {
	__u64 at_jiffies;
	__u32 row; /* in `time_rows` */
	__u32 pad;
};
/* `calendars` and `edges`: the same for the periods of one kind of quota. */
struct cf_calendar {
	__u32 first; /* in `edges` */
	__u32 count; /* the last one is the end of the table */
};
struct cf_edge {
	__u64 at_jiffies;
	__u32 period; /* opening time, minutes since 1970; 0: closed */
	__u32 pad;
};
_Static_assert(sizeof(struct cf_segment) == 16 && sizeof(struct cf_edge) == 16, "map ABI");
_Static_assert(CF_LINE % sizeof(struct cf_segment) == 0, "each is in one line");

#endif
