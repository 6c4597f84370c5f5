/* SPDX-License-Identifier: GPL-2.0-only */
/* Run by the loader, never by a packet: reads clocks together, retires ledger entries safely. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include <curfew/admin.h>

#include "cells.h"
#include "maps.h"
#include "owned.h"

SEC("syscall")
int read_clocks(struct cf_clocks *c)
{
	c->jiffies = bpf_jiffies64();
	c->boot_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/*
 * Marks an entry so that no CPU charges it any more. Userspace deletes it after
 * a grace period; whoever meets it meanwhile shares the quota's overflow entry.
 */
SEC("syscall")
int retire_quota(struct cf_retire *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st = bpf_map_lookup_elem(&quotas, &key);
	__u64 w;

	r->done = 0;
	if (!st)
		return 0;
	w = word_load(st);
	if (word_period(w) != r->period_minute)
		return 0;
	r->done = word_swap(st, w, CF_QUOTA_RETIRED) == w;
	return 0;
}

/* The same for the bucket of a rate. */
SEC("syscall")
int retire_rate(struct cf_retire_rate *r)
{
	struct cf_quota_key key = r->key;
	struct cf_rate_state *st = bpf_map_lookup_elem(&rates, &key);

	r->done = st && __sync_val_compare_and_swap(&st->arrival, r->arrival, CF_RATE_RETIRED) ==
				r->arrival;
	return 0;
}

static __always_inline struct cf_quota_state *state_of(struct cf_quota_key *key)
{
	if (key->kind == CF_KEY_OVERFLOW)
		return bpf_map_lookup_elem(&quotas_shared, &key->quota);
	return bpf_map_lookup_elem(&quotas, key);
}

static __always_inline __u64 word_restored(const struct cf_restore *r, __u64 used)
{
	if (used > CF_QUOTA_BYTES_MAX)
		used = CF_QUOTA_BYTES_MAX;
	return word_open(r->period_minute) | used | (r->latched ? CF_QUOTA_LATCH : 0);
}

static __always_inline int restore_new(const struct cf_restore *r, struct cf_quota_key *key)
{
	struct cf_quota_state st = {
		.word = word_restored(r, r->used_bytes),
		.used_bytes = r->used_bytes,
		.latched = r->latched,
		.reported = r->reported,
		.keep_bytes = r->used_bytes + 1,
	};

	__builtin_memcpy(st.policy, r->policy, sizeof(st.policy));
	return bpf_map_update_elem(&quotas, key, &st, BPF_NOEXIST) ? CF_RESTORED_FULL
								   : CF_RESTORED_ADDED;
}

/* The word of a cell, by its name as a key; NULL: there is none, or the name has another seed. */
static __always_inline __u64 *cell_of(struct cf_quota_key *key)
{
	struct cf_quota_spill *s = bpf_map_lookup_elem(&quotas_spilled, &key->quota);
	__u32 i = key->asn;
	__u64 seed;

	__builtin_memcpy(&seed, key->src, sizeof(seed));
	if (!s || s->seed != seed || i >= CF_CELLS)
		return NULL;
	return &s->word[0][0] + i;
}

/* No room for it: what it had is noted where its entry would begin with it, once there is. */
static __always_inline void note(const struct cf_restore *r, struct cf_quota_key *key)
{
	struct cf_quota_spill *s = bpf_map_lookup_elem(&quotas_spilled, &key->quota);
	__u32 at[CF_SPILL_ROWS];
	struct spill_cells c;

	if (!s || r->used_bytes > CF_QUOTA_BYTES_MAX)
		return;
	cells_hash(s->seed, key, at);
	cells_at(s, at, &c);
	cells_add(&c, r->period_minute, r->used_bytes);
}

static __always_inline int restore_cell(struct cf_restore *r, struct cf_quota_key *key)
{
	__u64 *cell = cell_of(key);

	r->done = CF_RESTORED_NOT;
	if (!cell || r->used_bytes > CF_QUOTA_BYTES_MAX)
		return 0;
	cell_add(cell, r->period_minute, r->used_bytes);
	r->done = CF_RESTORED_ADDED;
	return 0;
}

/*
 * Gives a key back what an earlier boot, or an earlier time, has on record of it. What
 * was charged to the same period since is added; an older period gives way.
 */
SEC("syscall")
int restore_quota(struct cf_restore *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st;

	if (key.kind == CF_KEY_CELL)
		return restore_cell(r, &key);
	st = state_of(&key);
	r->done = CF_RESTORED_NOT;
	if (!st) {
		r->done = key.kind == CF_KEY_OVERFLOW ? CF_RESTORED_FULL : restore_new(r, &key);
		if (r->done == CF_RESTORED_FULL && key.kind != CF_KEY_OVERFLOW)
			note(r, &key);
		return 0;
	}
	for (int i = 0; i < QUOTA_TRIES; i++) {
		__u64 w = word_load(st), had;
		bool older = word_older(w, r->period_minute);

		if (word_retired(w) || (!older && word_period(w) != r->period_minute))
			return 0;
		had = older ? 0 : word_used(w);
		if (word_swap(st, w,
			      word_restored(r, had + r->used_bytes) |
				      (older ? 0 : w & CF_QUOTA_LATCH)) != w)
			continue;
		st->used_bytes = had + r->used_bytes;
		st->latched |= r->latched;
		st->reported = (older ? 0 : st->reported) | r->reported;
		st->keep_bytes = had + r->used_bytes + 1;
		if (older) {
			st->period_opened = 0;
			st->attempted_bytes = st->attempted_packets = 0;
			st->latched = r->latched;
		}
		r->done = CF_RESTORED_ADDED;
		return 0;
	}
	return 0;
}

SEC("syscall")
int keep_quota(struct cf_keep *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st = state_of(&key);

	r->done = 0;
	if (!st || word_period(word_load(st)) != r->period_minute)
		return 0;
	st->keep_bytes = r->keep_bytes;
	r->done = 1;
	return 0;
}

static __always_inline int restamp_cell(struct cf_restamp *r, struct cf_quota_key *key)
{
	__u64 *cell = cell_of(key), w;

	r->done = 0;
	if (!cell)
		return 0;
	w = *(volatile __u64 *)cell;
	if (word_period(w) != r->from_minute)
		return 0;
	r->done = __sync_val_compare_and_swap(cell, w, word_open(r->to_minute) | word_used(w)) == w;
	return 0;
}

SEC("syscall")
int restamp_quota(struct cf_restamp *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st;

	if (key.kind == CF_KEY_CELL)
		return restamp_cell(r, &key);
	st = state_of(&key);
	r->done = 0;
	if (!st)
		return 0;
	for (int i = 0; i < QUOTA_TRIES; i++) {
		__u64 w = word_load(st);
		__u64 rest = w & (word_open(1) - 1);

		if (word_period(w) != r->from_minute)
			return 0;
		if (word_swap(st, w, word_open(r->to_minute) | rest) != w)
			continue;
		st->keep_bytes = 0;
		r->done = 1;
		return 0;
	}
	return 0;
}

struct aging {
	__u64 hour, aged;
};

/* bpf_loop() callback: one cell of `owners`. */
static long age_owner(__u32 i, void *ctx)
{
	struct aging *a = ctx;
	__u64 *cell = bpf_map_lookup_elem(&owners, &i), was, old;

	if (!cell)
		return 1;
	was = *(volatile __u64 *)cell;
	old = (was & ~OWNER_HOURS) | ((a->hour - OWNER_OLD) & OWNER_HOURS);
	if (was && was != old && ((a->hour - was) & OWNER_HOURS) > OWNER_LIFETIME)
		a->aged += __sync_val_compare_and_swap(cell, was, old) == was;
	return 0;
}

/*
 * Owners of long ago stay so, for quarantines: but as old as can be, or their hour would
 * come round and make them owners of now.
 */
SEC("syscall")
int age_owners(struct cf_age_owners *r)
{
	struct aging a = { .hour = 0 };

	r->aged = 0;
	if (!r->hour_jiffies)
		return 0;
	a.hour = bpf_jiffies64() / r->hour_jiffies;
	bpf_loop(CF_OWNERS, age_owner, &a, 0);
	r->aged = a.aged;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
