/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys without an entry in `quotas`: they are given one, or are charged by the entry
 * that their quota keeps for all such keys. A key may be charged there first and be given
 * an entry later, in the same period; so what is charged there is noted by a hash of
 * the key, and the entry begins with that.
 */
#ifndef CURFEW_BPF_SPILL_H
#define CURFEW_BPF_SPILL_H

#include "cells.h"
#include "share.h"

#define E2BIG 7

/* The jiffy in which there was no room: nobody else tries in it. */
static __u32 no_room_at;

/* Where the cells of j->key are, in j->cell_at. A leaf, as in bpf/owner.h: for the stack. */
__noinline int spill_look(void)
{
	struct judge *j = judging_own();
	struct cf_quota_spill *s;

	if (!j)
		return 0;
	s = bpf_map_lookup_elem(&quotas_spilled, &j->key.quota);
	if (s)
		cells_hash(s->seed, &j->key, j->cell_at);
	return !!s;
}

/* After that. */
static __always_inline bool spill_find(struct judge *j, struct spill_cells *ret)
{
	struct cf_quota_spill *s = bpf_map_lookup_elem(&quotas_spilled, &j->key.quota);

	if (!s)
		return false;
	cells_at(s, j->cell_at, ret);
	return true;
}

/* An entry of its own for j->key. Nonzero: there is none. */
static __always_inline long quota_make(struct judge *j, const struct cf_quota_spec *q, __u32 period,
				       const struct spill_cells *c)
{
	struct cf_quota_state *st;
	long r;

	__builtin_memset(&j->fresh, 0, sizeof(j->fresh));
	j->fresh.word = CF_QUOTA_OPENING;
	j->fresh.period_opened = (__u64)period * 60;
	__builtin_memcpy(j->fresh.policy, q->policy, CF_NAME_LEN);
	r = bpf_map_update_elem(&quotas, &j->key, &j->fresh, BPF_NOEXIST);
	if (r)
		return r;
	st = bpf_map_lookup_elem(&quotas, &j->key);
	return st && entry_open(st, c, period) ? 0 : -1;
}

#define ENTRY_MADE      1
#define ENTRY_OVERSHARE 2 /* its source has made its share */

/* An entry for a key without one. Global: proven once, and not on the way of keys that have one. */
__noinline int quota_without_entry(__u32 retired, __u32 period)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	__u32 now = (__u32)bpf_jiffies64();
	struct spill_cells cells;
	long r;

	if (!j || retired || no_room_at == now || !spill_look())
		return 0;
	if (!entry_allowed()) {
		j->over_share = 1;
		return ENTRY_OVERSHARE;
	}
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	if (!q || !spill_find(j, &cells))
		return 0;
	r = quota_make(j, q, period, &cells);
	if (!r)
		return ENTRY_MADE;
	entry_not_made();
	if (r == -E2BIG)
		no_room_at = now;
	return 0;
}

/*
 * Without one: notes what the packet is about to be charged by the shared entry, and in j->noted
 * for which period. The caller looks for an entry of its own once more after that.
 */
__noinline int quota_note(__u32 period)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	struct cf_quota_state *shared;
	struct spill_cells cells;
	__u32 bytes;

	if (!j || !spill_look())
		return 0;
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	shared = bpf_map_lookup_elem(&quotas_shared, &j->key.quota);
	if (!q || !shared || !spill_find(j, &cells))
		return 0;
	bytes = q->wire ? j->subject.wire_bytes : j->subject.payload_bytes;
	j->noted = shared_note(shared, &cells, period, q->drop_bytes, bytes);
	return 0;
}

#endif
