/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the rules that match to a verdict. Precedence: protect, block by hand,
 * exempt, policy. All quotas are asked before any is charged; a packet that is
 * dropped is charged to none.
 */
#ifndef CURFEW_BPF_JUDGE_H
#define CURFEW_BPF_JUDGE_H

#include "quota.h"
#include "report.h"
#include "schedule.h"

enum pass_kind {
	ASK,       /* would every quota have room? */
	CHARGE,    /* take it */
	GIVE_BACK, /* undo, up to the quota that refused */
};

/* What one packet's judging needs: too much for the stack. */
struct judge {
	struct cf_row left; /* rules still to be looked at */
	struct cf_row both; /* the rules about this source and destination, whatever the time */
	struct cf_row match;
	struct cf_row refused; /* policies in shadow that refuse: charged to none of their quotas */
	struct cf_row alerts;  /* policies without quota that report */
	struct sched_now now;
	struct subject subject;
	enum pass_kind pass;
	__u32 rule;  /* being walked */
	__u32 quota; /* its next quota */
	__u32 quota_end;
	__u32 quotas;     /* seen in this pass */
	__u32 stop_after; /* quotas to give back */
	__u32 exempted;   /* an exempt took policies out */
	__u32 excepted;
	__u32 drop_rule; /* ~0: none refuses */
	__u32 drop_quota;
	__u32 would_rule; /* the same, in shadow */
	__u32 would_quota;
	__u32 segment; /* of the schedule */
	__u32 off;     /* enforcement is switched off */
	__u32 observe;
	__u32 shadow; /* of the rule being walked; not bool: callbacks may return 0 or 1 only,
			 provably */
	struct cf_quota_key key;
	struct cf_quota_state fresh;
};

/* Bottom halves are off at every hook: one packet at a time on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct judge);
} judging SEC(".maps");

/*
 * `judging`, for global functions: an argument is plain memory to the verifier,
 * which before 6.3 takes no such memory as a map's key or value.
 */
static __always_inline struct judge *judging_own(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&judging, &zero);
}

/* bpf_loop() takes a context on the stack only. */
struct judge_ctx {
	struct judge *j;
};

struct verdict {
	enum cf_reason reason;
	bool drop;
};

/*
 * Number of the lowest bit set: how many are below it, added up pairwise. Clang
 * 14's BPF backend has no __builtin_ctzll, and a comparison per power of two
 * would give the verifier 64 paths.
 */
static __always_inline __u32 lowest_bit(__u64 w)
{
	__u64 n = (w & -w) - 1;

	n -= n >> 1 & 0x5555555555555555ULL;
	n = (n & 0x3333333333333333ULL) + (n >> 2 & 0x3333333333333333ULL);
	n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (__u32)(n * 0x0101010101010101ULL >> 56);
}

/* Removes the lowest rule from a row and returns it; ~0 when it is empty. */
static __always_inline __u32 row_take(struct cf_row *r)
{
	for (int i = 0; i < CF_ROW_WORDS; i++) {
		__u64 w = r->word[i];

		if (!w)
			continue;
		r->word[i] = w & (w - 1);
		return i * 64 + lowest_bit(w);
	}
	return ~0U;
}

static __always_inline void row_set(struct cf_row *r, __u32 n)
{
	r->word[n / 64 & (CF_ROW_WORDS - 1)] |= 1ULL << (n & 63);
}

static __always_inline bool row_has(const struct cf_row *r, __u32 n)
{
	return r->word[n / 64 & (CF_ROW_WORDS - 1)] >> (n & 63) & 1;
}

static __always_inline bool row_intersects(const struct cf_row *a, const volatile struct cf_row *b)
{
	__u64 any = 0;

	for (int i = 0; i < CF_ROW_WORDS; i++)
		any |= a->word[i] & b->word[i];
	return any;
}

static __always_inline void row_and(struct cf_row *to, const struct cf_row *a,
				    const volatile struct cf_row *b)
{
	for (int i = 0; i < CF_ROW_WORDS; i++)
		to->word[i] = a->word[i] & b->word[i];
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
	if (row_intersects(&j->match, &r->clears)) {
		if (r->kind == CF_RULE_EXEMPT)
			j->exempted = 1;
		else
			j->excepted = 1;
	}
	for (int w = 0; w < CF_ROW_WORDS; w++)
		j->match.word[w] &= ~r->clears.word[w];
	return 0;
}

static __always_inline void mask_prefix(__u8 addr[16], __u32 bits)
{
	for (__u32 i = 0; i < 16; i++) {
		__u32 left = bits > 8 * i ? bits - 8 * i : 0;

		if (left < 8)
			addr[i] &= 0xff00 >> left;
	}
}

static __always_inline void key_source(struct cf_quota_key *k, const struct subject *s)
{
	if (s->by_mac) {
		__builtin_memcpy(k->mac, s->mac, 6);
		return;
	}
	copy16(k->src, s->src);
	if (s->l3 == L3_IPV6)
		__builtin_memset(k->src + 8, 0, 8);
}

static __always_inline void key_prefix(struct cf_quota_key *k, const struct subject *s, __u32 bits4,
				       __u32 bits6)
{
	copy16(k->dst, s->key_dst);
	mask_prefix(k->dst, s->as4 ? 96 + bits4 : bits6);
}

static __always_inline void quota_key(struct cf_quota_key *k, const struct cf_quota_spec *q,
				      const struct subject *s)
{
	k->quota = q->id;
	k->kind = q->key_kind;
	switch (q->key_kind) {
	case CF_KEY_SOURCE:
		key_source(k, s);
		break;
	case CF_KEY_PAIR:
		key_source(k, s);
		key_prefix(k, s, 32, 64);
		break;
	case CF_KEY_DESTINATION:
		key_prefix(k, s, 32, 64);
		break;
	case CF_KEY_PREFIX:
		key_prefix(k, s, q->prefix4, q->prefix6);
		break;
	case CF_KEY_MAC:
		__builtin_memcpy(k->mac, s->mac, 6);
		break;
	case CF_KEY_ASN:
		k->asn = s->asn;
		if (!s->asn)
			key_prefix(k, s, 24, 48);
		break;
	case CF_KEY_COUNTRY:
		__builtin_memcpy(k->cc, s->cc, 4);
		break;
	default: /* CF_KEY_POLICY: one key for all */
		break;
	}
}

/* The key's entry; when the ledger is full, the one its quota keeps for all such keys. */
static __always_inline struct cf_quota_state *quota_entry(struct judge *j,
							  const struct cf_quota_spec *q,
							  __u32 period)
{
	struct cf_quota_key *k = &j->key;
	struct cf_quota_state *st = bpf_map_lookup_elem(&quotas, k);

	if (st && !word_retired(word_load(st)))
		return st;
	if (!st) {
		__builtin_memset(&j->fresh, 0, sizeof(j->fresh));
		j->fresh.word = word_open(period);
		j->fresh.period_opened = (__u64)period * 60;
		__builtin_memcpy(j->fresh.policy, q->policy, CF_NAME_LEN);
		bpf_map_update_elem(&quotas, k, &j->fresh, BPF_NOEXIST);
	}
	st = st ? NULL : bpf_map_lookup_elem(&quotas, k);
	if (st)
		return st;
	__builtin_memset(k, 0, sizeof(*k));
	k->quota = q->id;
	k->kind = CF_KEY_OVERFLOW;
	return bpf_map_lookup_elem(&quotas_shared, &k->quota);
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

/* Global, as walk_quota(): proven once, with a stack frame of its own. */
__noinline int quota_refused(struct judge *j, struct cf_quota_state *st, __u32 period, __u32 bytes)
{
	if (!j || !st || !quota_roll(st, period))
		return 0;
	quota_latch(st, period);
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
		if (used >= q->at[i].bytes && q->at[i].bytes < q->drop_bytes &&
		    report_once(st, 1U << i))
			report_quota(j, CF_EVENT_AT, i, st, 1U << i, false);
	}
	return 0;
}

/* Has this charge reached a threshold that is still to be reported? */
static __always_inline bool reports_due(const struct cf_quota_spec *q, struct cf_quota_state *st)
{
	__u64 used = word_used(word_load(st));
	bool due = false;

	for (__u32 i = 0; i < CF_QUOTA_ATS; i++)
		due |= i < q->at_count && used >= q->at[i].bytes && !(st->reported & 1U << i);
	return due;
}

static __always_inline void refuse(struct judge *j)
{
	if (j->shadow) {
		row_set(&j->refused, j->rule);
		j->would_rule = j->rule;
		j->would_quota = j->quota;
	} else {
		j->drop_rule = j->rule;
		j->drop_quota = j->quota;
	}
}

/* One quota of the rule being walked. Nonzero: stop. Global: proven once, not per walk. */
__noinline int walk_quota(void)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q;
	struct cf_quota_key *k;
	struct cf_quota_state *st;
	__u64 charged = 0;
	__u32 period, bytes;

	if (!j)
		return 0;
	k = &j->key;
	q = bpf_map_lookup_elem(&quota_specs, &j->quota);
	if (!q)
		return 0;
	period = schedule_period(q->calendar, j->now.at, j->now.weeks);
	if (!period)
		return 0;
	bytes = q->wire ? j->subject.wire_bytes : j->subject.payload_bytes;
	__builtin_memset(k, 0, sizeof(*k));
	quota_key(k, q, &j->subject);
	st = quota_entry(j, q, period);
	if (!st)
		return 0;
	j->quotas++;
	switch (j->pass) {
	case ASK:
		if (quota_check(st, period, q->drop_bytes, bytes) == QUOTA_FITS)
			return 0;
		quota_refused(j, st, period, bytes);
		refuse(j);
		return j->shadow ? 0 : 1;
	case CHARGE:
		if (quota_charge(st, period, q->drop_bytes, bytes, &charged) == QUOTA_FITS) {
			if (reports_due(q, st))
				quota_reports(st);
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
	if (r->flags & CF_RULE_DROP) {
		j->quota = ~0U;
		j->quota_end = 0;
		refuse(j);
		return j->shadow ? 0 : 1;
	}
	return 0;
}

#define WALK_MAX (CF_RULES_MAX + CF_QUOTAS_MAX + 1)

static __always_inline void walk(struct judge *j, enum pass_kind pass)
{
	struct judge_ctx ctx = { .j = j };

	j->pass = pass;
	j->left = j->match;
	j->quota = j->quota_end = j->quotas = 0;
	bpf_loop(WALK_MAX, walk_one, &ctx, 0);
}

/*
 * The usual case: one policy, one quota. It need not be asked before it is
 * charged, since a charge that does not fit takes itself back.
 */
static __always_inline bool judge_single(struct judge *j)
{
	const struct cf_rule *r;
	__u64 others = 0;

	j->left = j->match;
	j->rule = row_take(&j->left);
	for (int i = 0; i < CF_ROW_WORDS; i++)
		others |= j->left.word[i];
	r = bpf_map_lookup_elem(&rules, &j->rule);
	if (others || !r || r->quota_count != 1 || r->flags & (CF_RULE_DROP | CF_RULE_ALERT))
		return false;
	j->shadow = j->observe | (r->flags & CF_RULE_OBSERVE);
	j->quota = r->quota_first;
	j->pass = CHARGE;
	j->quotas = 0;
	walk_quota();
	return true;
}

/* The policies in j->match, all of which apply. */
static __always_inline enum cf_reason judge_policies(struct judge *j)
{
	if (!judge_single(j)) {
		walk(j, ASK);
		if (j->drop_rule == ~0U && j->quotas) {
			walk(j, CHARGE);
			if (j->drop_rule != ~0U)
				walk(j, GIVE_BACK);
		}
	}
	if (j->drop_rule != ~0U)
		return j->drop_quota == ~0U ? CF_REASON_DROP_POLICY : CF_REASON_DROP_QUOTA;
	if (j->would_rule != ~0U)
		return CF_REASON_PASS_OBSERVED;
	return j->quotas ? CF_REASON_PASS_QUOTA : CF_REASON_PASS_ALERT;
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
		if (row_intersects(&j->match, &cfg.policy_rules) ||
		    row_intersects(&j->match, &cfg.protect_rules) ||
		    row_intersects(&j->match, &cfg.block_rules))
			return true;
	}
	*ret_reason = row_intersects(&j->both, &cfg.policy_rules) ? CF_REASON_PASS_CLOSED
								  : CF_REASON_PASS_UNMATCHED;
	return false;
}

/* The rules in j->match, in the order of precedence. */
static __always_inline enum cf_reason judge(struct judge *j)
{
	__builtin_memset(&j->refused, 0, sizeof(j->refused));
	__builtin_memset(&j->alerts, 0, sizeof(j->alerts));
	j->drop_rule = j->would_rule = ~0U;
	j->drop_quota = j->would_quota = ~0U;
	j->exempted = j->excepted = 0;
	if (row_intersects(&j->match, &cfg.protect_rules))
		return CF_REASON_PASS_PROTECTED;
	if (row_intersects(&j->match, &cfg.block_rules)) {
		row_and(&j->left, &j->match, &cfg.block_rules);
		j->drop_rule = row_take(&j->left);
		return j->observe ? CF_REASON_PASS_OBSERVED : CF_REASON_DROP_BLOCKED;
	}
	if (row_intersects(&j->match, &cfg.clearing_rules)) {
		struct judge_ctx ctx = { .j = j };

		row_and(&j->left, &j->match, &cfg.clearing_rules);
		bpf_loop(CF_RULES_MAX, clear_one, &ctx, 0);
	}
	row_and(&j->match, &j->match, &cfg.policy_rules);
	if (row_any(&j->match))
		return judge_policies(j);
	if (j->exempted)
		return CF_REASON_PASS_EXEMPT;
	if (j->excepted)
		return CF_REASON_PASS_EXCEPTED;
	return row_intersects(&j->both, &cfg.policy_rules) ? CF_REASON_PASS_CLOSED
							   : CF_REASON_PASS_UNMATCHED;
}

#endif
