/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may have an entry of its own in `quotas` and `rates`: a source makes so many
 * in a day, so that a spray of keys does not take the room of others. What is over
 * shares the quota's entry with those that find the table full. Keys that are dropped
 * for a time are counted the same way, in `holders`.
 */
#ifndef CURFEW_BPF_SHARE_H
#define CURFEW_BPF_SHARE_H

#include "account.h"
#include "judging.h"
#include "owner.h"

#define ENTRY_TRIES 8

/* Days since boot, about; 0 is a cell that was never used. */
static __always_inline __u32 entry_day(void)
{
	return cfg.week_jiffies ? (__u32)(bpf_jiffies64() / (cfg.week_jiffies / 7)) + 1 : 1;
}

/* Where the source is counted: in `makers` and in `holders`. */
static __always_inline __u32 entry_index(const struct subject *s)
{
	__u64 host = 0;

	if (s->by_mac)
		__builtin_memcpy(&host, s->mac, 6);
	else if (s->l3 == L3_IPV6)
		__builtin_memcpy(&host, s->src, 8);
	else
		__builtin_memcpy(&host, s->src + 8, 8);
	return (__u32)mix(nh(host, cfg.key[2]) + cfg.key[1]) & (CF_MAKERS - 1);
}

static __always_inline __u64 *entry_cell(const struct subject *s)
{
	__u32 i = entry_index(s);

	return bpf_map_lookup_elem(&makers, &i);
}

/*
 * May the source that is judged make one more entry? Sources share cells by chance. A
 * cell says the day, and how many. Global: only for keys that have none.
 */
static __always_inline bool share_of_day(__u64 *cell)
{
	__u32 day = entry_day();

	if (!cell)
		return true;
	for (int i = 0; i < ENTRY_TRIES; i++) {
		__u64 was = *(volatile __u64 *)cell, n = (__u32)was;

		if (was >> 32 != day)
			n = 0;
		if (n >= cfg.entries_per_source)
			return false;
		if (__sync_val_compare_and_swap(cell, was, (__u64)day << 32 | (n + 1)) == was)
			return true;
	}
	return false;
}

__noinline int entry_allowed(void)
{
	struct judge *j = judging_own();

	return !j || share_of_day(entry_cell(&j->subject));
}

/* The same of j->hold_key, one more key that is dropped for a time, if it is one more. */
__noinline int hold_allowed(void)
{
	struct judge *j = judging_own();
	__u32 i;

	if (!j || bpf_map_lookup_elem(&held, &j->hold_key))
		return 1;
	i = entry_index(&j->subject);
	return share_of_day(bpf_map_lookup_elem(&holders, &i));
}

/* There was no room for what has been counted. */
static __always_inline void share_back(__u64 *cell)
{
	__u32 day = entry_day();

	for (int i = 0; cell && i < ENTRY_TRIES; i++) {
		__u64 was = *(volatile __u64 *)cell;

		if (was >> 32 != day || !(__u32)was ||
		    __sync_val_compare_and_swap(cell, was, was - 1) == was)
			return;
	}
}

static __always_inline void entry_not_made(void)
{
	struct judge *j = judging_own();

	share_back(j ? entry_cell(&j->subject) : NULL);
}

/* Nor for a key that was to be held. Global: rare. */
__noinline int hold_share_back(void)
{
	struct judge *j = judging_own();
	__u32 i;

	if (!j)
		return 0;
	i = entry_index(&j->subject);
	share_back(bpf_map_lookup_elem(&holders, &i));
	return 0;
}

/* A key goes without an entry of its own: counted, and reported once by each shared entry. */
__noinline int entry_shared(__u32 *reported, __u32 over_share)
{
	struct judge *j = judging_own();
	struct cf_event *e;

	if (!j || !reported)
		return 0;
	note_subject(j, CF_NOTE_KEY_SHARED);
	if (*reported & CF_QUOTA_SHARED ||
	    __sync_fetch_and_or(reported, CF_QUOTA_SHARED) & CF_QUOTA_SHARED)
		return 0;
	e = report_begin(CF_EVENT_OVERFLOW, &j->subject);
	if (!e)
		return 0;
	e->rule = j->rule;
	e->detail = over_share ? CF_TABLE_SHARE : CF_TABLE_KEYS;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif
