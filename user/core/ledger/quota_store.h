/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What quotas have used, as a file that outlives the machine: a head, then
 * records that are only ever appended. Of a key the last record counts; what a
 * crash has cut off or scrambled at the end is left out. A record says `used` and
 * a reserve ahead of it, so that a key which went on until the crash is not given
 * back what it had. Pure: bytes in, bytes out.
 */
#ifndef CURFEW_CORE_LEDGER_QUOTA_STORE_H
#define CURFEW_CORE_LEDGER_QUOTA_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash_index.h"
#include "curfew/abi.h"

struct quota_record {
	struct cf_quota_key key;
	uint64_t used_bytes;    /* the reserve included */
	uint32_t period_minute; /* as cf_quota_state.word has it */
	uint32_t reported;      /* as cf_quota_state */
	bool latched;
	bool own;  /* not kept: from this boot, before the clock was set */
	bool gone; /* the key was given back, or its quota is no more: forget earlier records */
};

/*
 * What keys without an entry of their own have been charged is on file too, by cells (abi.h:
 * cf_quota_spill): each is a record of such a key. Of CF_CELL_ALL, `used` is how far the
 * cells may have gone beyond their records: as far as their quota's shared entry beyond what
 * it had used then, since no cell grows by more than that does. All of a quota's cells begin with
 * that more.
 */
struct cf_quota_key quota_cell_key(uint32_t quota, uint64_t seed, uint32_t n);
uint64_t quota_cell_seed(const struct cf_quota_key *key);

/* Keys, each once. */
struct quota_records {
	struct quota_record *v;
	size_t n, cap;
	struct hash_index index;
	struct hash_seed seed;
};
void quota_records_done(struct quota_records *l);
/* NULL: none of that key. Valid until the next quota_records_set(). */
struct quota_record *quota_records_find(const struct quota_records *l,
					const struct cf_quota_key *key);
/* Adds it, or replaces the one of that key. */
void quota_records_set(struct quota_records *l, const struct quota_record *r);

/* Names the kernel's tables that the amounts were read from. */
void quota_store_head(struct buf *out, uint64_t tables_id);
void quota_store_record(struct buf *out, const struct quota_record *r);
/*
 * Adds the file's records to `l`; those that are `gone` stay in it as such. Returns 0
 * and the tables' number; *ret_bad (may be NULL): bytes at the end that are no
 * records. -EINVAL: not such a file, or of another version.
 */
int quota_store_read(const void *data, size_t size, uint64_t *ret_tables_id,
		     struct quota_records *l, size_t *ret_bad);

/*
 * How far ahead of `used` a record goes. `since`: used since the last record, which
 * was `ms` ago; ~0: there was none. A key that is busy gets what it needs until the next
 * one can be on disk, one that is used up gets none. limit, drop: of the quota (drop ~0:
 * it never drops). link: bytes per ms that the network can carry.
 */
uint64_t quota_reserve(uint64_t used, uint64_t since, uint64_t ms, uint64_t limit, uint64_t drop,
		       uint64_t link);

#endif
