/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates in a packet's judging: asked, taken, given back, as quotas are. */
#ifndef CURFEW_BPF_RATE_WALK_H
#define CURFEW_BPF_RATE_WALK_H

#include "hold.h"
#include "judging.h"
#include "rate.h"
#include "share.h"

static __always_inline struct cf_rate_state *rate_entry(struct judge *j,
							const struct cf_quota_spec *q)
{
	struct cf_quota_key *k = &j->key;
	struct cf_rate_state *st = bpf_map_lookup_elem(&rates, k);
	bool over_share;

	if (!st && owner_other())
		st = bpf_map_lookup_elem(&rates, k);
	over_share = !st && !entry_allowed();
	j->over_share |= over_share;
	if (!st && !over_share) {
		__builtin_memset(&j->fresh_rate, 0, sizeof(j->fresh_rate));
		__builtin_memcpy(j->fresh_rate.policy, q->policy, CF_NAME_LEN);
		bpf_map_update_elem(&rates, k, &j->fresh_rate, BPF_NOEXIST);
		st = bpf_map_lookup_elem(&rates, k);
	}
	if (st && rate_load(st) != CF_RATE_RETIRED)
		return st;
	__builtin_memset(k, 0, sizeof(*k));
	k->quota = q->id;
	k->kind = CF_KEY_OVERFLOW;
	st = bpf_map_lookup_elem(&rates_shared, &k->quota);
	if (st)
		entry_shared(&st->reported, over_share);
	return st;
}

/* What report_rate() is to say: one number, for the sake of its stack. */
#define RATE_REPORT(kind, detail, dropped) ((kind) | (detail) << 8 | (__u32)(dropped) << 16)

static __always_inline __u32 rate_bit(__u32 what)
{
	return (what & 255) == CF_EVENT_AT ? 1U << (what >> 8 & 7) : CF_QUOTA_REPORTED_DROP;
}

/* As report_quota(), of a rate: once an hour. */
__noinline int report_rate(struct cf_rate_state *st, __u32 what)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	struct cf_event *e;

	if (!j || !st)
		return 0;
	rate_hour(st);
	if (st->reported & rate_bit(what) ||
	    __sync_fetch_and_or(&st->reported, rate_bit(what)) & rate_bit(what))
		return 0;
	/* taken apart again below, rather than each part of it kept */
	asm volatile("" : "+r"(what));
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	e = q ? report_begin(what & 255, &j->subject) : NULL;
	asm volatile("" : "+r"(what));
	if (!e) {
		__sync_fetch_and_and(&st->reported, ~rate_bit(what));
		return 0;
	}
	e->key = j->key;
	e->rule = j->rule;
	e->quota = j->quota;
	e->detail = what >> 8 & 255;
	e->used_bytes = (what & 255) == CF_EVENT_AT
				? rate_filled(rate_load(st), rate_now(), q->bits_per_second)
				: q->limit_bytes;
	e->period_minute = st->hour;
	e->dropped = what >> 16;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* What this packet's rate and its use of it lead to: reports and marks. */
static __always_inline void rate_deeds(struct judge *j, const struct cf_quota_spec *q,
				       struct cf_rate_state *st, __u64 filled)
{
	for (__u32 i = 0; i < CF_QUOTA_ATS; i++) {
		if (i >= q->at_count)
			break;
		if (filled < q->at[i].bytes || q->at[i].bytes >= q->drop_bytes)
			continue;
		if (q->at[i].has_mark && !j->shadow)
			j->mark |= q->at[i].mark;
		if (cfg.quarantines && q->at[i].quarantine_seconds && may_quarantine(j))
			quarantine_due(j, q->at[i].quarantine_seconds);
		if (q->at[i].level)
			report_rate(st, RATE_REPORT(CF_EVENT_AT, i, 0));
	}
}

static __always_inline void rate_refused(struct judge *j, const struct cf_quota_spec *q,
					 struct cf_rate_state *st)
{
	__sync_fetch_and_add(&st->refused_bytes, j->subject.wire_bytes);
	__sync_fetch_and_add(&st->refused_packets, 1);
	if (!j->off)
		report_rate(st, RATE_REPORT(CF_EVENT_DROP, 100, !j->shadow));
	refuse(j);
	if (j->drop_rule == j->rule && j->drop_quota == j->quota)
		j->drop_by_rate = 1;
}

/* One rate of the rule being walked, as walk_quota(). */
__noinline int walk_rate(void)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	struct cf_rate_state *st;
	__u64 now, cost, next;
	__u32 n;

	if (!j)
		return 0;
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	if (!q || !q->bits_per_second)
		return 0;
	__builtin_memset(&j->key, 0, sizeof(j->key));
	quota_key(&j->key, q, &j->subject);
	st = rate_entry(j, q);
	if (!st)
		return 0;
	j->quotas++;
	n = j->rates++ & (RATES_TAKEN_MAX - 1);
	now = rate_now();
	cost = j->subject.wire_bytes > RATE_BYTES_MAX
		       ? ~0ULL >> 2
		       : rate_cost(j->subject.wire_bytes, q->bits_per_second);
	if (j->pass == GIVE_BACK) {
		if (j->quotas > j->stop_after)
			return 1;
		if (j->rates <= RATES_TAKEN_MAX && j->taken[n])
			rate_give_back(st, j->taken[n], cost);
		return 0;
	}
	if (j->pass == ASK)
		next = rate_next(rate_load(st), now, q->room, cost);
	else
		next = j->taken[n] = rate_take(st, now, q->room, cost);
	if (next) {
		if (j->pass == CHARGE && q->at_count)
			rate_deeds(j, q, st, rate_filled(next, now, q->bits_per_second));
		return 0;
	}
	/* one that only reports takes nothing of what is too much */
	if (q->drop_bytes == ~0ULL) {
		if (j->pass == CHARGE)
			rate_deeds(j, q, st, q->limit_bytes);
		return 0;
	}
	rate_refused(j, q, st);
	if (j->shadow || j->pass == ASK)
		return 0;
	j->stop_after = j->quotas - 1;
	return 1;
}

#endif
