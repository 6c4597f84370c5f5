/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is dropped for a time: keys (`drop for`) and sources (`quarantine`). Made
 * here, ended by the clock, also with the daemon dead. Only what enforces makes
 * or heeds one; nothing from the gateway itself is ever put in quarantine.
 */
#ifndef CURFEW_BPF_HOLD_H
#define CURFEW_BPF_HOLD_H

#include "classify.h"
#include "judging.h"
#include "share.h"

static __always_inline __u64 jiffies_of(__u32 seconds)
{
	return seconds * (cfg.week_jiffies / 604800);
}

/* The held key of what a quota or rate is kept per; of the pair where there is none. */
static __always_inline void hold_key(struct cf_quota_key *k, const struct cf_quota_spec *q,
				     __u32 rule_id, const struct subject *s)
{
	__builtin_memset(k, 0, sizeof(*k));
	if (q) {
		quota_key(k, q, s);
		if (q->key_kind == CF_KEY_PREFIX) {
			k->pad[0] = q->prefix4;
			k->pad[1] = q->prefix6;
		}
	} else {
		k->kind = CF_KEY_PAIR;
		key_source(k, s);
		key_prefix(k, s, 32, 64);
	}
	k->quota = rule_id;
}

static __always_inline void quarantine_key(struct cf_quota_key *k, const struct subject *s)
{
	__builtin_memset(k, 0, sizeof(*k));
	k->kind = CF_KEY_SOURCE;
	key_source(k, s);
}

static __always_inline void hold_flag(bool quarantine)
{
	__u32 zero = 0;
	volatile struct cf_control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c)
		return;
	if (quarantine)
		c->quarantines = 1;
	else
		c->holds = 1;
}

/* With j->key: that of the quota, or zero. */
static __always_inline void report_hold(struct judge *j, __u32 rule, __u32 quota, __u32 seconds)
{
	struct cf_event *e =
		report_begin(j->hold_key.quota ? CF_EVENT_HOLD : CF_EVENT_QUARANTINE, &j->subject);

	if (!e)
		return;
	e->key = j->key;
	e->rule = rule;
	e->quota = quota;
	e->detail = seconds;
	e->dropped = 1;
	bpf_ringbuf_submit(e, 0);
}

/* What is said of j->hold_key, in whichever of the two maps it belongs to. */
static __always_inline struct cf_hold *hold_find(struct judge *j)
{
	if (j->hold_key.quota)
		return bpf_map_lookup_elem(&held, &j->hold_key);
	return bpf_map_lookup_elem(&quarantined, &j->hold_key);
}

/*
 * Puts j->hold_key where it belongs, unless it is there for as long already, and says so.
 * 0: there is no room. The functions from here on are global: rare, with stack frames of
 * their own, and nothing called from the deepest.
 */
__noinline int hold_put(__u32 rule, __u32 quota, __u32 seconds)
{
	struct judge *j = judging_own();
	const struct cf_rule *r = bpf_map_lookup_elem(&rules, &rule);
	struct cf_hold *h;
	__u64 until;
	long failed;

	if (!j || !r)
		return 0;
	until = bpf_jiffies64() + jiffies_of(seconds);
	h = hold_find(j);
	if (h && h->until_jiffies >= until)
		return 1;
	j->fresh_hold.until_jiffies = until;
	j->fresh_hold.dropped_packets = j->fresh_hold.dropped_bytes = 0;
	j->fresh_hold.rule_id = r->id;
	j->fresh_hold.seconds = seconds;
	__builtin_memcpy(j->fresh_hold.policy, r->name, CF_NAME_LEN);
	if (j->hold_key.quota)
		failed = bpf_map_update_elem(&held, &j->hold_key, &j->fresh_hold, BPF_ANY);
	else
		failed = bpf_map_update_elem(&quarantined, &j->hold_key, &j->fresh_hold, BPF_ANY);
	if (failed)
		return 0;
	/* after it: who clears the flag looks again */
	hold_flag(!j->hold_key.quota);
	report_hold(j, rule, quota, seconds);
	return 1;
}

/* Counted, and reported. */
__noinline int hold_not_made(__u32 trouble, __u32 rule)
{
	struct judge *j = judging_own();

	if (!j)
		return 0;
	note_subject(j, CF_NOTE_HOLD_NOT_MADE);
	return report_trouble(j, trouble, rule);
}

/* j->hold_key, if its source has not made its share of such keys. */
static __always_inline bool hold_make(__u32 rule, __u32 quota, __u32 seconds)
{
	if (!hold_allowed()) {
		hold_not_made(CF_TABLE_HELD_SHARE, rule);
		return false;
	}
	if (hold_put(rule, quota, seconds))
		return true;
	hold_share_back();
	hold_not_made(CF_TABLE_HELD, rule);
	return false;
}

/* A policy that drops without a quota: for how long, 0: not. The key is the pair. */
__noinline __u32 hold_of_rule(__u32 rule)
{
	struct judge *j = judging_own();
	const struct cf_rule *r = bpf_map_lookup_elem(&rules, &rule);

	if (!j || !r || r->flags & CF_RULE_OBSERVE)
		return 0;
	hold_key(&j->hold_key, NULL, r->id, &j->subject);
	__builtin_memset(&j->key, 0, sizeof(j->key));
	return r->hold_seconds;
}

/*
 * Claims `bit` of what is remembered of a quota's key. False: done before, or the key shares
 * another's entry; but a source whose own spray of keys has led to that is put in quarantine.
 */
static __always_inline bool claim_once(struct judge *j, const struct cf_quota_spec *q, __u32 bit)
{
	struct cf_quota_state *st;

	__builtin_memset(&j->key, 0, sizeof(j->key));
	quota_key(&j->key, q, &j->subject);
	/* a rate has no period: whenever it is exceeded */
	if (q->bits_per_second)
		return bpf_map_lookup_elem(&rates, &j->key) ||
		       (bit != CF_QUOTA_HELD && j->over_share);
	st = bpf_map_lookup_elem(&quotas, &j->key);
	if (!st || word_retired(word_load(st)))
		return bit != CF_QUOTA_HELD && j->over_share;
	if (st->reported & bit)
		return false;
	return !(__sync_fetch_and_or(&st->reported, bit) & bit);
}

/* What was claimed could not be done: the next packet tries again. */
__noinline int claim_back(__u32 quota, __u32 bits)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q = bpf_map_lookup_elem(&quota_specs, &quota);
	struct cf_quota_state *st;

	if (!j || !q || q->bits_per_second)
		return 0;
	__builtin_memset(&j->key, 0, sizeof(j->key));
	quota_key(&j->key, q, &j->subject);
	st = bpf_map_lookup_elem(&quotas, &j->key);
	if (st && !word_retired(word_load(st)))
		__sync_fetch_and_and(&st->reported, ~bits);
	return 0;
}

/* A quota or rate has refused: for how long its key is held, 0: not, or once already. */
__noinline __u32 hold_of_quota(__u32 rule, __u32 quota)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q = bpf_map_lookup_elem(&quota_specs, &quota);
	const struct cf_rule *r = bpf_map_lookup_elem(&rules, &rule);

	if (!j || !q || !r || !q->hold_seconds || !claim_once(j, q, CF_QUOTA_HELD))
		return 0;
	hold_key(&j->hold_key, q, r->id, &j->subject);
	return q->hold_seconds;
}

/* The same for a quarantine that goes with the drop. */
__noinline __u32 quarantine_of_quota(__u32 quota)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q = bpf_map_lookup_elem(&quota_specs, &quota);
	__u32 seconds = 0;

	if (!j || !q)
		return 0;
	for (__u32 i = 0; i < CF_QUOTA_ATS; i++)
		if (i < q->at_count && q->at[i].bytes == q->drop_bytes &&
		    q->at[i].quarantine_seconds)
			seconds = q->at[i].quarantine_seconds;
	if (!seconds || !claim_once(j, q, CF_QUOTA_QUARANTINED(CF_QUOTA_ATS)))
		return 0;
	return seconds;
}

#define QUARANTINED_BITS (CF_QUOTA_QUARANTINED(CF_QUOTA_ATS + 1) - CF_QUOTA_QUARANTINED(0))

__noinline int quarantine_put(__u32 rule, __u32 quota, __u32 seconds)
{
	struct judge *j = judging_own();

	if (!j || j->from == CF_FROM_GATEWAY)
		return 0;
	if (owner_look())
		owner_claim();
	quarantine_key(&j->hold_key, &j->subject);
	if (hold_put(rule, quota, seconds))
		return 0;
	hold_not_made(CF_TABLE_QUARANTINED, rule);
	claim_back(quota, QUARANTINED_BITS);
	return 0;
}

/* bpf_loop() callback: one of the policies that hold this packet's pair. */
static long hold_one(__u32 i, void *ctx)
{
	struct judge *j = ((struct judge_ctx *)ctx)->j;
	__u32 rule = row_take(&j->left), seconds;

	if (rule == ~0U)
		return 1;
	seconds = hold_of_rule(rule);
	if (seconds)
		hold_make(rule, ~0U, seconds);
	return 0;
}

/*
 * What a packet's judging leads to beside its drop by a policy: keys held, its source
 * in quarantine. After the walk, so that it adds nothing to its stack.
 */
__noinline int hold_deeds(__u32 dropped)
{
	struct judge *j = judging_own();
	struct judge_ctx ctx = { .j = j };
	__u32 seconds;

	if (!j || j->off)
		return 0;
	if (cfg.quarantines && j->quarantine_seconds)
		quarantine_put(j->quarantine_rule, j->quarantine_quota, j->quarantine_seconds);
	if (!dropped)
		return 0;
	if (cfg.quarantines && j->drop_quota != ~0U) {
		seconds = quarantine_of_quota(j->drop_quota);
		if (seconds)
			quarantine_put(j->drop_rule, j->drop_quota, seconds);
	}
	if (!cfg.holds)
		return 0;
	if (j->drop_quota != ~0U) {
		seconds = hold_of_quota(j->drop_rule, j->drop_quota);
		if (seconds && !hold_make(j->drop_rule, j->drop_quota, seconds))
			claim_back(j->drop_quota, CF_QUOTA_HELD);
	}
	row_and(&j->left, &j->match, &cfg.hold_rules);
	bpf_loop(CF_RULES_MAX, hold_one, &ctx, 0);
	return 0;
}

/* Its key's use has reached a line that puts the source in quarantine; done by hold_deeds(). */
static __always_inline void quarantine_due(struct judge *j, __u32 seconds)
{
	if (seconds < j->quarantine_seconds)
		return;
	j->quarantine_seconds = seconds;
	j->quarantine_rule = j->rule;
	j->quarantine_quota = j->quota;
}

static __always_inline bool may_quarantine(const struct judge *j)
{
	return !j->off && !j->shadow && j->key.kind != CF_KEY_OVERFLOW;
}

/* ---- heeding ------------------------------------------------------------ */

static __always_inline bool hold_lasts(const struct cf_hold *h)
{
	return h && h->until_jiffies > bpf_jiffies64();
}

/* The packet is dropped because of j->hold_key. */
__noinline int hold_count(__u32 bytes)
{
	struct judge *j = judging_own();
	struct cf_hold *h = j ? hold_find(j) : NULL;

	if (!h)
		return 0;
	__sync_fetch_and_add(&h->dropped_packets, 1);
	__sync_fetch_and_add(&h->dropped_bytes, bytes);
	return 0;
}

/* Is the key held that the rule keeps per `quota` (~0: the pair)? Global: proven once. */
__noinline int held_key(__u32 rule, __u32 quota)
{
	struct judge *j = judging_own();
	const struct cf_quota_spec *q = NULL;
	const struct cf_rule *r;

	if (!j)
		return 0;
	r = bpf_map_lookup_elem(&rules, &rule);
	if (quota != ~0U)
		q = bpf_map_lookup_elem(&quota_specs, &quota);
	if (!r || (quota != ~0U && (!q || !q->hold_seconds)))
		return 0;
	hold_key(&j->hold_key, q, r->id, &j->subject);
	return hold_lasts(bpf_map_lookup_elem(&held, &j->hold_key));
}

/* bpf_loop() callback: the next key of the rule at hand, or the next rule of `holding`. */
static long held_one(__u32 i, void *ctx)
{
	struct judge *j = ((struct judge_ctx *)ctx)->j;
	const struct cf_rule *r;

	if (j->quota < j->quota_end) {
		if (held_key(j->rule, j->quota)) {
			j->drop_rule = j->rule;
			return 1;
		}
		j->quota++;
		return 0;
	}
	j->rule = row_take(&j->holding);
	if (j->rule == ~0U)
		return 1;
	r = bpf_map_lookup_elem(&rules, &j->rule);
	if (!r)
		return 1;
	if (j->observe | (r->flags & CF_RULE_OBSERVE))
		return 0;
	j->quota = r->quota_first;
	j->quota_end = r->quota_first + r->quota_count;
	if (r->hold_seconds && held_key(j->rule, ~0U)) {
		j->drop_rule = j->rule;
		return 1;
	}
	return 0;
}

static __always_inline bool any_flag(bool quarantine)
{
	__u32 zero = 0;
	const volatile struct cf_control *c = bpf_map_lookup_elem(&control, &zero);

	return c && (quarantine ? c->quarantines : c->holds);
}

/*
 * The policies in j->holding: has one of them dropped this before, for a time that
 * lasts? Global: proven once, with a stack frame of its own.
 */
__noinline int held_before(void)
{
	struct judge *j = judging_own();
	struct judge_ctx ctx = { .j = j };

	if (!j || !row_any(&j->holding) || !any_flag(false))
		return 0;
	j->quota = j->quota_end = 0;
	bpf_loop(CF_RULES_MAX + CF_QUOTAS_MAX + 1, held_one, &ctx, 0);
	if (j->drop_rule == ~0U)
		return 0;
	hold_count(j->subject.wire_bytes);
	return 1;
}

/* How a source in quarantine is known. */
enum quarantine_by { BY_ADDRESS, BY_MAC, BY_MAC_ONLY /* its address is made up */ };

/*
 * Is its source in quarantine? Leaves the key in j->hold_key. A MAC that was made up for the
 * address of one that is, is too. Global: proven once.
 */
__noinline int in_quarantine(const struct pkt *p, const struct klass *c, enum cf_hook hook)
{
	struct judge *j = judging_own();
	enum quarantine_by by = BY_ADDRESS;
	struct cf_quota_key *k;
	__u64 owner = 0;

	if (!p || !c || !j)
		return 0;
	if (c->foreign)
		by = BY_MAC_ONLY;
	else if (c->on_link && p->has_mac && hook == CF_HOOK_INSIDE)
		by = BY_MAC;
	k = &j->hold_key;
	__builtin_memset(k, 0, sizeof(*k));
	k->kind = CF_KEY_SOURCE;
	if (p->l3 == L3_IPV4)
		map4(k->src, p->src.word[0]);
	else
		copy16(k->src, (const __u8 *)p->src.word);
	if (by == BY_ADDRESS) {
		if (p->l3 == L3_IPV6)
			__builtin_memset(k->src + 8, 0, 8);
		return hold_lasts(bpf_map_lookup_elem(&quarantined, k));
	}
	if (by == BY_MAC)
		owner = owner_of(k->src);
	__builtin_memset(k->src, 0, 16);
	__builtin_memcpy(k->mac, p->mac, 6);
	if (hold_lasts(bpf_map_lookup_elem(&quarantined, k)))
		return 1;
	if (by == BY_MAC && !owner)
		return 0;
	__builtin_memcpy(k->mac, &owner, 6);
	if (!hold_lasts(bpf_map_lookup_elem(&quarantined, k)))
		return 0;
	if (owner)
		note_count(CF_HOOK_INSIDE, CF_NOTE_ADDRESS_SHARED, p);
	return 1;
}

#endif
