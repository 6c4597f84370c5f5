/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the rules that match to a verdict. Precedence: protect, block by hand,
 * exempt, policy. All quotas are asked before any is charged; a packet that is
 * dropped is charged to none.
 */
#ifndef CURFEW_BPF_JUDGE_H
#define CURFEW_BPF_JUDGE_H

#include "hold.h"
#include "judging.h"
#include "period.h"
#include "rate_walk.h"
#include "spill.h"

/* Of a rule with a limit: does it let this packet pass? Global: rare. */
__noinline int allow_takes(__u32 rule)
{
	struct judge *j = judging_own();
	const struct cf_rule *r = bpf_map_lookup_elem(&rules, &rule);
	struct cf_allowed *a;
	__u64 used;

	if (!j || !r)
		return 0;
	a = bpf_map_lookup_elem(&allowed, &r->id);
	if (!a || a->used_up)
		return 0;
	used = __sync_fetch_and_add(&a->used_bytes, j->subject.payload_bytes);
	if (used + j->subject.payload_bytes <= r->up_to_bytes)
		return 1;
	__sync_fetch_and_sub(&a->used_bytes, j->subject.payload_bytes);
	a->used_up = 1;
	return 0;
}

/* bpf_loop() callback: one except or exempt. */
static long clear_one(__u32 i, void *ctx)
{
	struct judge *j = ((struct judge_ctx *)ctx)->j;
	__u32 n = row_take(&j->left);
	const struct cf_rule *r;

	if (n == ~0U)
		return 1;
	r = bpf_map_lookup_elem(&rules, &n);
	if (!r)
		return 1;
	if (r->up_to_bytes && !allow_takes(n))
		return 0;
	if (row_intersects(&j->match, &r->clears)) {
		if (r->kind == CF_RULE_EXEMPT)
			j->exempted = 1;
		else if (r->kind == CF_RULE_PUBLISH)
			j->published = 1;
		else
			j->excepted = 1;
	}
	for_each_row_word (w)
		j->match.word[w] &= ~r->clears.word[w];
	if (!cfg.holds)
		return 0;
	for_each_row_word (w)
		j->holding.word[w] &= ~r->clears.word[w];
	return 0;
}

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

/* bpf_loop() callback: the next quota of the rule at hand, or the next rule. */
static long walk_one(__u32 i, void *ctx)
{
	struct judge *j = ((struct judge_ctx *)ctx)->j;
	const struct cf_rule *r;

	if (j->quota < j->quota_end) {
		int stop = walk_quota();

		j->quota++;
		return stop ? 1 : 0;
	}
	j->rule = row_take(&j->left);
	if (j->rule == ~0U)
		return 1;
	r = bpf_map_lookup_elem(&rules, &j->rule);
	if (!r)
		return 1;
	j->shadow = j->observe | (r->flags & CF_RULE_OBSERVE);
	j->quota = r->quota_first;
	j->quota_end = r->quota_first + r->quota_count;
	if (j->pass != ASK) {
		if (row_has(&j->refused, j->rule))
			j->quota_end = j->quota;
		return 0;
	}
	if (r->flags & CF_RULE_ALERT)
		row_set(&j->alerts, j->rule);
	if (cfg.marks && r->flags & CF_RULE_MARK && !j->shadow)
		j->mark |= r->mark;
	if (r->flags & CF_RULE_DROP) {
		j->quota = ~0U;
		j->quota_end = 0;
		refuse(j);
	}
	return 0;
}

#define WALK_MAX (CF_RULES_MAX + CF_QUOTAS_MAX + 1)

/* `ctx`: one for all walks, since each of its own would take its place on the stack. */
static __always_inline void walk(struct judge_ctx *ctx, enum pass_kind pass)
{
	struct judge *j = ctx->j;

	j->pass = pass;
	row_copy(&j->left, &j->match);
	j->quota = j->quota_end = j->quotas = 0;
	j->rates = 0;
	bpf_loop(WALK_MAX, walk_one, ctx, 0);
}

/*
 * The usual case: one policy, one quota. It need not be asked before it is
 * charged, since a charge that does not fit takes itself back.
 */
static __always_inline bool judge_single(struct judge *j)
{
	const struct cf_rule *r;
	__u64 others = 0;

	row_copy(&j->left, &j->match);
	j->rule = row_take(&j->left);
	for_each_row_word (i)
		others |= j->left.word[i];
	r = bpf_map_lookup_elem(&rules, &j->rule);
	if (others || !r || r->quota_count != 1 ||
	    r->flags & (CF_RULE_DROP | CF_RULE_ALERT | CF_RULE_MARK))
		return false;
	j->shadow = j->observe | (r->flags & CF_RULE_OBSERVE);
	j->quota = r->quota_first;
	j->pass = CHARGE;
	j->quotas = 0;
	j->rates = 0;
	walk_quota();
	return true;
}

/* The policies in j->match, all of which apply. Global: with the stack for itself. */
__noinline int judge_policies(void)
{
	struct judge *j = judging_own();
	struct judge_ctx ctx = { .j = j };

	if (!j)
		return CF_REASON_PASS_UNMATCHED;
	if (!judge_single(j)) {
		j->by_shared = 0;
		walk(&ctx, ASK);
		if (j->drop_rule == ~0U && j->quotas) {
			walk(&ctx, CHARGE);
			if (j->drop_rule != ~0U)
				walk(&ctx, GIVE_BACK);
		}
	}
	if (j->drop_rule != ~0U && cfg.rates && j->drop_by_rate)
		return CF_REASON_DROP_RATE;
	if (j->drop_rule != ~0U)
		return j->drop_quota == ~0U ? CF_REASON_DROP_POLICY : CF_REASON_DROP_QUOTA;
	if (j->would_rule != ~0U)
		return CF_REASON_PASS_OBSERVED;
	if (j->quotas)
		return CF_REASON_PASS_QUOTA;
	return cfg.marks && !row_any(&j->alerts) ? CF_REASON_PASS_MARKED : CF_REASON_PASS_ALERT;
}

/*
 * The rules that apply now, from j->both; false if none of them could change
 * anything, and then *ret_reason says why.
 */
static __always_inline bool judge_time(struct judge *j, enum cf_reason *ret_reason)
{
	const struct cf_row *time;

	j->now = schedule_now();
	time = schedule_row(&j->now, &j->segment);
	if (time) {
		row_and(&j->match, &j->both, time);
		if (row_intersects(&j->match, &cfg.policy_rules) || any_protects(&j->match) ||
		    any_blocks(&j->match))
			return true;
		/* what was dropped for a time is so outside the window too */
		if (cfg.holds && row_intersects(&j->both, &cfg.hold_rules) && any_flag(false))
			return true;
	}
	*ret_reason = row_intersects(&j->both, &cfg.policy_rules) ? CF_REASON_PASS_CLOSED
								  : CF_REASON_PASS_UNMATCHED;
	return false;
}

/* The rules in j->match, in the order of precedence; UNDECIDED: policies are to decide. */
static __always_inline enum cf_reason judge(struct judge *j)
{
	struct judge_ctx ctx = { .j = j };

	row_clear(&j->refused);
	row_clear(&j->alerts);
	j->drop_rule = j->would_rule = ~0U;
	j->drop_quota = j->would_quota = ~0U;
	j->exempted = j->published = j->excepted = 0;
	j->mark = j->drop_by_rate = j->quarantine_seconds = 0;
	if (cfg.holds)
		row_and(&j->holding, &j->both, &cfg.hold_rules);
	if (any_protects(&j->match))
		return CF_REASON_PASS_PROTECTED;
	if (any_blocks(&j->match)) {
		row_and(&j->left, &j->match, &cfg.block_rules);
		j->drop_rule = row_take(&j->left);
		return j->observe ? CF_REASON_PASS_OBSERVED : CF_REASON_DROP_BLOCKED;
	}
	if (j->quarantined)
		return j->observe ? CF_REASON_PASS_OBSERVED : CF_REASON_DROP_QUARANTINED;
	if (any_clears(&j->match)) {
		row_and(&j->left, &j->match, &cfg.clearing_rules);
		bpf_loop(CF_RULES_MAX, clear_one, &ctx, 0);
	}
	row_and(&j->match, &j->match, &cfg.policy_rules);
	if (cfg.holds && held_before())
		return CF_REASON_DROP_HELD;
	if (row_any(&j->match))
		return UNDECIDED;
	if (j->exempted)
		return CF_REASON_PASS_EXEMPT;
	if (j->published)
		return CF_REASON_PASS_PUBLISHED;
	if (j->excepted)
		return CF_REASON_PASS_EXCEPTED;
	return row_intersects(&j->both, &cfg.policy_rules) ? CF_REASON_PASS_CLOSED
							   : CF_REASON_PASS_UNMATCHED;
}

#endif
