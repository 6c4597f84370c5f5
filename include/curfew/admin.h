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
_Static_assert(sizeof(struct cf_retire) == 64, "program ABI");

#endif
