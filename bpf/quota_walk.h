/* SPDX-License-Identifier: GPL-2.0-only */
/* One quota of a policy that matches: asked, charged, reported, or given back. */
#ifndef CURFEW_BPF_QUOTA_WALK_H
#define CURFEW_BPF_QUOTA_WALK_H

#include "hold.h"
#include "judging.h"
#include "period.h"
#include "rate_walk.h"
#include "spill.h"

/*
 * The key's entry; when the ledger is full, the one its quota keeps for all such keys. NULL:
 * neither may be charged, since somebody who makes it or takes it away is held up.
 */
static __always_inline struct cf_quota_state *quota_entry(struct judge *j,
							  const struct cf_quota_spec *q,
							  __u32 period)
{
	struct cf_quota_key *k = &j->key;
	struct cf_quota_state *st = bpf_map_lookup_elem(&quotas, k);
	int made;

	if (!st && owner_other())
		st = bpf_map_lookup_elem(&quotas, k);
	if (st && !word_retired(entry_word(st)))
		return st;
	made = quota_without_entry(st != NULL, period);
	if (made != ENTRY_MADE && j->pass == CHARGE && q->drop_bytes != ~0ULL)
		quota_note(period);
	st = bpf_map_lookup_elem(&quotas, k);
	if (st) {
		__u64 w = entry_word(st);

		if (!word_retired(w))
			return st;
		if (word_opening(w))
			return NULL;
	}
	/* retired as soon as it was made: nothing is noted */
	if (j->pass == CHARGE && q->drop_bytes != ~0ULL && !j->noted)
		return NULL;
	__builtin_memset(k, 0, sizeof(*k));
	k->quota = q->id;
	k->kind = CF_KEY_OVERFLOW;
	st = bpf_map_lookup_elem(&quotas_shared, &k->quota);
	if (st)
		entry_shared(&st->reported, made == ENTRY_OVERSHARE);
	return st;
}

/* `bit` was set to claim the report; it is given back if there is no room for it. */
static __always_inline void report_quota(struct judge *j, enum cf_event_kind kind, __u32 detail,
					 struct cf_quota_state *st, __u32 bit, bool dropped)
{
	struct cf_event *e = report_begin(kind, &j->subject);

	if (!e) {
		__sync_fetch_and_and(&st->reported, ~bit);
		return;
	}
	e->key = j->key;
	e->rule = j->rule;
	e->quota = j->quota;
	e->detail = detail;
	e->used_bytes = word_used(word_load(st));
	e->period_minute = word_period(word_load(st));
	e->dropped = dropped;
	bpf_ringbuf_submit(e, 0);
}

/* Marks a report as made; true for the one that made it. */
static __always_inline bool report_once(struct cf_quota_state *st, __u32 bit)
{
	if (st->reported & bit)
		return false;
	return !(__sync_fetch_and_or(&st->reported, bit) & bit);
}

/*
 * Use has come near what the daemon has on record for this key: it is to keep more
 * before that is reached. Said once, and never where alerts may need the room.
 */
__noinline int quota_keep(struct cf_quota_state *st)
{
	struct judge *j = judging_own();
	struct cf_event *e;
	__u64 at;

	if (!j || !st)
		return 0;
	at = *(volatile __u64 *)&st->keep_bytes;
	if (at == ~0ULL || bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > EVENTS_BYTES / 2)
		return 0;
	if (__sync_val_compare_and_swap(&st->keep_bytes, at, ~0ULL) != at)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		st->keep_bytes = at;
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = CF_EVENT_KEEP;
	e->key = j->key;
	e->rule = j->rule;
	e->quota = j->quota;
	e->generation = cfg.generation;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* Global, as walk_quota(): proven once, with a stack frame of its own. */
__noinline int quota_refused(struct judge *j, struct cf_quota_state *st, __u32 period, __u32 bytes)
{
	__u64 w;

	if (!j || !st)
		return 0;
	w = word_load(st);
	if (word_older(w, period) || !(w & CF_QUOTA_LATCH)) {
		if (!quota_roll(st, period))
			return 0;
		quota_latch(st, period);
	}
	__sync_fetch_and_add(&st->attempted_bytes, bytes);
	__sync_fetch_and_add(&st->attempted_packets, 1);
	/* while switched off nothing is dropped, and the first drop is still to come */
	if (!j->off && report_once(st, CF_QUOTA_REPORTED_DROP))
		report_quota(j, CF_EVENT_DROP, 100, st, CF_QUOTA_REPORTED_DROP, !j->shadow);
	return 0;
}

__noinline int quota_reports(struct cf_quota_state *st)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	__u64 used;

	if (!j || !st)
		return 0;
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	if (!q)
		return 0;
	used = word_used(word_load(st));
	for (__u32 i = 0; i < CF_QUOTA_ATS; i++) {
		if (i >= q->at_count)
			break;
		/* at the drop itself, the refusal reports */
		if (used < q->at[i].bytes || q->at[i].bytes >= q->drop_bytes)
			continue;
		if (cfg.quarantines && q->at[i].quarantine_seconds && may_quarantine(j) &&
		    report_once(st, CF_QUOTA_QUARANTINED(i)))
			quarantine_due(j, q->at[i].quarantine_seconds);
		if (q->at[i].level && report_once(st, 1U << i))
			report_quota(j, CF_EVENT_AT, i, st, 1U << i, false);
	}
	return 0;
}

static __always_inline void quota_marks(struct judge *j, const struct cf_quota_spec *q,
					struct cf_quota_state *st)
{
	__u64 used = word_used(word_load(st));

	for (__u32 i = 0; i < CF_QUOTA_ATS; i++)
		if (i < q->at_count && used >= q->at[i].bytes && q->at[i].has_mark && !j->shadow)
			j->mark |= q->at[i].mark;
}

/* Has this charge reached a threshold that is still to be reported? */
static __always_inline bool reports_due(const struct cf_quota_spec *q, struct cf_quota_state *st)
{
	__u64 used = word_used(word_load(st));
	bool due = false;

	for (__u32 i = 0; i < CF_QUOTA_ATS; i++)
		due |= i < q->at_count && used >= q->at[i].bytes &&
		       ((q->at[i].level && !(st->reported & 1U << i)) ||
			(cfg.quarantines && q->at[i].quarantine_seconds &&
			 !(st->reported & CF_QUOTA_QUARANTINED(i))));
	return due;
}

/* Remembers, or asks, by which of the two entries the quota at hand was charged. */
static __always_inline void charged_by(struct judge *j)
{
	if (j->key.kind == CF_KEY_OVERFLOW && j->quotas < 64)
		j->by_shared |= 1ULL << (j->quotas & 63);
}

static __always_inline bool same_entry(const struct judge *j)
{
	bool shared = j->by_shared >> (j->quotas & 63) & 1;

	return j->quotas < 64 && shared == (j->key.kind == CF_KEY_OVERFLOW);
}

static __always_inline enum quota_answer entry_charge(struct judge *j,
						      const struct cf_quota_spec *q,
						      struct cf_quota_state *st, __u32 period,
						      __u32 bytes)
{
	__u64 charged = 0;

	if (j->key.kind == CF_KEY_OVERFLOW && q->drop_bytes != ~0ULL)
		return shared_charge(st, j->noted, period, q->drop_bytes, bytes, &charged);
	return quota_charge(st, period, q->drop_bytes, bytes, &charged);
}

/* One quota of the rule being walked. Nonzero: stop. Global: proven once, not per walk. */
__noinline int walk_quota(void)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	struct cf_quota_key *k;
	struct cf_quota_state *st;
	__u32 period, bytes;

	if (!j)
		return 0;
	k = &j->key;
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	if (!q)
		return 0;
	if (cfg.rates && q->bits_per_second)
		return walk_rate();
	period = period_now(j, q->calendar);
	if (!period)
		return 0;
	bytes = q->wire ? j->subject.wire_bytes : j->subject.payload_bytes;
	__builtin_memset(k, 0, sizeof(*k));
	quota_key(k, q, &j->subject);
	j->noted = 0;
	st = quota_entry(j, q, period);
	/* also without an entry, so that who gives back counts as who has charged did */
	j->quotas++;
	if (!st && j->pass != GIVE_BACK && q->drop_bytes != ~0ULL) {
		refuse(j);
		j->stop_after = j->quotas - 1;
		return j->pass == CHARGE && !j->shadow;
	}
	if (!st)
		return 0;
	switch (j->pass) {
	case ASK:
		if (quota_check(st, period, q->drop_bytes, bytes) == QUOTA_FITS)
			return 0;
		/* the others are asked too: the order in the file is of no importance */
		quota_refused(j, st, period, bytes);
		refuse(j);
		return 0;
	case CHARGE:
		charged_by(j);
		if (entry_charge(j, q, st, period, bytes) == QUOTA_FITS) {
			if (cfg.marks)
				quota_marks(j, q, st);
			if (reports_due(q, st))
				quota_reports(st);
			if (word_used(word_load(st)) >= st->keep_bytes)
				quota_keep(st);
			return 0;
		}
		/* lost a race since we asked */
		quota_refused(j, st, period, bytes);
		refuse(j);
		if (j->shadow)
			return 0;
		j->stop_after = j->quotas - 1;
		return 1;
	case GIVE_BACK:
		if (j->quotas > j->stop_after)
			return 1;
		if (same_entry(j))
			quota_give_back(st, word_open(period), bytes);
		return 0;
	}
	return 0;
}

#endif
