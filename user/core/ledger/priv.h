/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ledger's files share. */
#ifndef CURFEW_CORE_LEDGER_PRIV_H
#define CURFEW_CORE_LEDGER_PRIV_H

#include "core/ledger/query.h"

struct ledger_pair_key {
	uint32_t src, dst, hook;
};

/* More than the kernel has: CF_SEGMENTS of CF_SEG_BUCKETS buckets, with room to spare. */
#define LEDGER_SLOTS_MAX (1U << 28)
/* By family (0: IPv4, 1: IPv6) and number; made if need be. */
uint32_t *ledger_number(struct ledger *l, int family, uint32_t number);
/* Makes the indexes anew from the arrays. */
void ledger_index(struct ledger *l);
/* HASH_NONE: no such pair. */
uint32_t ledger_pair_place(const struct ledger *l, uint32_t src, uint32_t dst, uint32_t hook);
/* Sums up the pairs that have been idle longest, and forgets hosts without pairs. */
void ledger_fold(struct ledger *l);

void ledger_sums_add(struct ledger_sums *to, const struct ledger_sums *d);

/* ---- counts.c -------------------------------------------------- */

void ledger_counts_set(struct ledger *l, struct ledger_counts *c, const struct ledger_sums *s);
/* Zero, and nothing beside. */
void ledger_counts_clear(struct ledger *l, struct ledger_counts *c);

/* ---- hosts.c --------------------------------------------------- */

void ledger_hosts_done(struct ledger_hosts *h);
void ledger_hosts_index(struct ledger_hosts *h, const struct hash_seed *seed);
/* HASH_NONE: not there. */
uint32_t ledger_host_find(const struct ledger_hosts *h, const struct hash_seed *seed,
			  const struct addr *a);
/* Adds it if need be. */
uint32_t ledger_host_place(struct ledger_hosts *h, const struct hash_seed *seed,
			   const struct addr *a);
/* Keeps those that are `used`, without peers, in their order; where each is now, or HASH_NONE. */
uint32_t *ledger_hosts_keep(struct ledger_hosts *h, const bool *used);

/* ---- recent.c -------------------------------------------------- */

void ledger_recent_begin(struct ledger *l, uint64_t mono_ms);
void ledger_recent_add(struct ledger *l, uint32_t pair, uint64_t wire);
/* Forgets what no rate looks at any more. */
void ledger_recent_end(struct ledger *l);
/* Pairs have moved; HASH_NONE: gone. */
void ledger_recent_move(struct ledger *l, const uint32_t *pairs);
void ledger_recent_done(struct ledger *l);

/* ---- rank.c ---------------------------------------------------- */

/* Adds a row; of more than `top` rows (0: all are kept), the least goes. */
void ledger_rank_offer(struct ledger_rows *rows, size_t top, enum ledger_column column,
		       const struct ledger_row *row);
/* Keeps the `top` largest, and sorts them. */
void ledger_rank_keep(struct ledger_rows *rows, size_t top, enum ledger_column column);

#endif
