/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ledger as bytes, so that the next daemon goes on where this one was: totals
 * and what each slot showed then, in one piece, taken at one commit. It is worth
 * as much as the kernel's tables it belongs to, and no longer: it holds their
 * number and the epoch of the commit, and is read by the program of the same
 * build that wrote it, on the same machine; hence structs as they are in memory.
 */
#ifndef CURFEW_CORE_LEDGER_SNAPSHOT_H
#define CURFEW_CORE_LEDGER_SNAPSHOT_H

#include "core/ledger/ledger.h"

struct snapshot_id {
	uint64_t tables_id;
	uint32_t epoch; /* that is acknowledged once the snapshot is safe */
	uint32_t pad;
};

/* Gets the bytes in their order, a piece at a time; -errno ends it. */
typedef int (*snapshot_sink_fn)(void *arg, const void *data, size_t n);
int ledger_snapshot_write(const struct ledger *l, const struct snapshot_id *id,
			  snapshot_sink_fn sink, void *arg);
/*
 * -EBADMSG: not a snapshot, of another build, or damaged; -ESTALE: of other tables, or
 * of a commit before `acked`, since when slots may have been given away. The ledger
 * takes up the polls where they were.
 */
int ledger_snapshot_read(const void *data, size_t n, uint64_t tables_id, uint32_t acked,
			 struct hash_seed seed, struct ledger **ret);

#endif
