/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of the programs that the loader runs itself. */
#ifndef CURFEW_ADMIN_H
#define CURFEW_ADMIN_H

#include "abi.h"

struct cf_clocks {
	__u64 jiffies;
	__u64 boot_ns;
};
_Static_assert(sizeof(struct cf_clocks) == 16, "program ABI");

struct cf_retire {
	struct cf_quota_key key;
	__u32 period_minute; /* retire only if it is still of this one */
	__u32 done;          /* set by the program */
};

/* What a record says that a key has used, in the period it is of. */
struct cf_restore {
	struct cf_quota_key key;
	__u64 used_bytes;
	__u32 period_minute;
	__u32 reported;
	__u32 latched;
	__u32 done; /* set by the program: enum cf_restored */
	char policy[CF_NAME_LEN];
};
enum cf_restored {
	CF_RESTORED_NOT,   /* its entry would not hold still, or is of a later period */
	CF_RESTORED_ADDED, /* to what has been used since, or as a new entry */
	CF_RESTORED_FULL,  /* there is no room for it: noted in its cells */
};
_Static_assert(sizeof(struct cf_restore) == 56 + 8 + 16 + CF_NAME_LEN, "program ABI");

/* Told when use reaches it, if the key is still of that period. */
struct cf_keep {
	struct cf_quota_key key;
	__u64 keep_bytes;
	__u32 period_minute;
	__u32 done; /* set by the program */
};
_Static_assert(sizeof(struct cf_keep) == 72, "program ABI");

/* An entry of a period that is yet to come, since the clock was set back: to the present one. */
struct cf_restamp {
	struct cf_quota_key key;
	__u32 from_minute, to_minute;
	__u32 done; /* set by the program */
	__u32 pad;
};
_Static_assert(sizeof(struct cf_restamp) == 72, "program ABI");
_Static_assert(sizeof(struct cf_retire) == 64, "program ABI");

struct cf_retire_rate {
	struct cf_quota_key key;
	__u64 arrival; /* retire only if it is still this */
	__u32 done;    /* set by the program */
	__u32 pad;
};
_Static_assert(sizeof(struct cf_retire_rate) == 72, "program ABI");

/* Cells of `owners` that are older than counts. */
struct cf_age_owners {
	__u64 hour_jiffies; /* as the generation's */
	__u64 aged;         /* set by the program */
};
_Static_assert(sizeof(struct cf_age_owners) == 16, "program ABI");

#endif
