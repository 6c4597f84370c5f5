/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the rules that match to a verdict. Precedence: protect, block by hand,
 * exempt, policy. All quotas are asked before any is charged; a packet that is
 * dropped is charged to none.
 */
#ifndef CURFEW_BPF_JUDGE_H
#define CURFEW_BPF_JUDGE_H

#include "clear.h"
#include "quota_walk.h"

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
