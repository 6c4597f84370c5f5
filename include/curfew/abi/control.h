/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon and the administrator tell the running programs. */
#ifndef CURFEW_ABI_CONTROL_H
#define CURFEW_ABI_CONTROL_H

#include "curfew/abi/limits.h"
#include "curfew/abi/pairs.h"

/* What fails at present, as far as the daemon has to find it out. */
enum cf_failing_now {
	CF_FAILING_TIME = 1 << 0, /* since the boot the clock has not been synchronised */
	CF_FAILING_GEO = 1 << 1,  /* the generation in force was compiled without a database */
};
#define CF_ON_MAX 8

/* `control`, one entry, memory-mapped by the daemon and by `curfew off`. */
struct cf_control {
	__u64 off_until;     /* jiffies; 0: on; ~0: until switched on */
	__u64 confirm_until; /* jiffies; an unconfirmed generation turns to observe; 0: none */
	__u64 heartbeat;     /* jiffies of the daemon's last poll, or of the one that is promised;
				0: none is expected */
	__u64 seed[2];       /* of the pair hash; drawn once, when the shards are made */
	__u32 layout_version;
	__u32 confirm_generation;
	__u32 generation; /* the one in force */
	__u32 numbered;   /* the highest number ever given to one, in force or not */
	__u32 hz;
	__u32 pad;
	/* a cache line of its own: read for each packet, written at each commit of the books */
	__u32 epoch;     /* published; begins with 1 */
	__u32 acked;     /* epoch - 1 or epoch - 2 */
	__u64 tables_id; /* random: other tables, other number */
	__u32 failing;   /* enum cf_failing_now */
	__u32 stall_seconds;
	__u8 on[CF_ON_MAX]; /* enum on_choice, of the generation in force: for people */
	__u32 holds;        /* 1: `held` may have keys that a policy drops */
	__u32 quarantines;  /* 1: and sources in quarantine */
	__u64 end_jiffies;  /* of the schedule in force: for people */
	__u32 frozen;       /* 1: no slot is given away; only while a new ledger takes them over */
	__u32 pad2[3];
	/* wire bytes in overflow when a lane's shards were last given more room: it is there now */
	__u64 outgrown[CF_HOOK_MAX][CF_OVERFLOW_LANES];
};
_Static_assert(sizeof(struct cf_control) == 256, "map ABI");
_Static_assert(CF_ONE_LINE(struct cf_control, epoch, frozen), "read for each packet");

#endif
