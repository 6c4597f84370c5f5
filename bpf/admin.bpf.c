/* SPDX-License-Identifier: GPL-2.0-only */
/* Run by the loader, never by a packet: reads clocks together, retires ledger entries safely. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include <curfew/admin.h>

#include "maps.h"
#include "quota.h"

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

/*
 * Gives a key back what an earlier boot, or an earlier time, has on record of it. What
 * was charged to the same period since is added; an older period gives way.
 */
SEC("syscall")
int restore_quota(struct cf_restore *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st = state_of(&key);

	r->done = CF_RESTORED_NOT;
	if (!st) {
		r->done = key.kind == CF_KEY_OVERFLOW ? CF_RESTORED_FULL : restore_new(r, &key);
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

SEC("syscall")
int restamp_quota(struct cf_restamp *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st = state_of(&key);

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

char LICENSE[] SEC("license") = "GPL";
