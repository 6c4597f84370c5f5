/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ledger*.c files share. */
#ifndef CURFEW_CORE_LEDGER_PRIV_H
#define CURFEW_CORE_LEDGER_PRIV_H

#include "core/ledger/ledger.h"

struct ledger_pair_key {
	uint32_t src, dst, hook;
};

/* More than the kernel has: CF_SEGMENTS of CF_SEG_BUCKETS buckets, with room to spare. */
#define LEDGER_SLOTS_MAX (1U << 28)
/* The books of a slot by family (0: IPv4, 1: IPv6) and number; made if need be. */
struct ledger_slot *ledger_slot(struct ledger *l, int family, uint32_t number);
/* Makes the indexes anew from the arrays. */
void ledger_index(struct ledger *l);
/* HASH_NONE: no such pair. */
uint32_t ledger_pair_place(const struct ledger *l, uint32_t src, uint32_t dst, uint32_t hook);
/* Sums up the pairs that have been idle longest, and forgets hosts without pairs. */
void ledger_fold(struct ledger *l);

#endif
