/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys without an entry in `quotas`: they are given one, or are charged by the entry
 * that their quota keeps for all such keys. A key may be charged there first and be given
 * an entry later, in the same period; so what is charged there is noted by a hash of
 * the key, and the entry begins with that.
 */
#ifndef CURFEW_BPF_SPILL_H
#define CURFEW_BPF_SPILL_H

#include "share.h"

#define E2BIG 7

/* The jiffy in which there was no room: nobody else tries in it. */
static __u32 no_room_at;

/* A key's cells: one of each row, so that a stranger is rarely in both. */
struct spill_cells {
	__u64 *in[CF_SPILL_ROWS];
};

static __always_inline bool spill_find(const struct cf_quota_key *key, struct spill_cells *ret)
{
	struct cf_quota_spill *s = bpf_map_lookup_elem(&quotas_spilled, &key->quota);
	const __u32 *word = (const __u32 *)key;
	__u64 h = cfg.key[3];

	if (!s)
		return false;
	for (__u32 i = 0; i < sizeof(*key) / sizeof(*word); i += 2)
		h = mix(h ^ ((__u64)word[i] << 32 | word[i + 1]));
	ret->in[0] = &s->word[0][h & (CF_SPILL_CELLS - 1)];
	ret->in[1] = &s->word[1][h >> 32 & (CF_SPILL_CELLS - 1)];
	return true;
}

static __always_inline __u64 spilled_least(const struct spill_cells *c, __u32 period)
{
	__u64 a = spilled(c->in[0], period), b = spilled(c->in[1], period);

	return a < b ? a : b;
}

/* An entry of its own for j->key. Nonzero: there is none. */
static __always_inline long quota_make(struct judge *j, const struct cf_quota_spec *q, __u32 period,
				       const struct spill_cells *c)
{
	__u64 before = spilled_least(c, period), after;
	struct cf_quota_state *st;
	long r;

	__builtin_memset(&j->fresh, 0, sizeof(j->fresh));
	j->fresh.word = word_open(period) + before;
	j->fresh.used_bytes = before;
	j->fresh.period_opened = (__u64)period * 60;
	__builtin_memcpy(j->fresh.policy, q->policy, CF_NAME_LEN);
	r = bpf_map_update_elem(&quotas, &j->key, &j->fresh, BPF_NOEXIST);
	if (r)
		return r;
	/* noted by one who has not seen the entry; who notes later will see it */
	after = spilled_least(c, period);
	st = bpf_map_lookup_elem(&quotas, &j->key);
	if (st && after > before)
		__sync_fetch_and_add(&st->word, after - before);
	return 0;
}

/*
 * For a key without an entry: makes one, or notes what the packet is about to be
 * charged by the shared one. The caller looks for the entry after that. 1: its source has made
 * its share. Global: proven once, and not on the way of keys that have one.
 */
__noinline int quota_without_entry(__u32 retired, __u32 period)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	struct cf_quota_state *shared;
	bool over_share = false;
	__u32 bytes, now = (__u32)bpf_jiffies64();
	struct spill_cells cells;

	if (!j)
		return 0;
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	if (!q || !spill_find(&j->key, &cells))
		return 0;
	if (!retired && no_room_at != now) {
		over_share = !entry_allowed();
		j->over_share |= over_share;
		if (!over_share) {
			long r = quota_make(j, q, period, &cells);

			if (!r)
				return 0;
			entry_not_made();
			if (r == -E2BIG)
				no_room_at = now;
		}
	}
	if (j->pass != CHARGE || q->drop_bytes == ~0ULL)
		return over_share;
	bytes = q->wire ? j->subject.wire_bytes : j->subject.payload_bytes;
	shared = bpf_map_lookup_elem(&quotas_shared, &j->key.quota);
	if (shared && quota_check(shared, period, q->drop_bytes, bytes) == QUOTA_FITS) {
		quota_spill(cells.in[0], period, bytes);
		quota_spill(cells.in[1], period, bytes);
	}
	return over_share;
}

#endif
