/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet's way through the stages, the same at each hook: parse (parse.h), find its slot
 * (pair.h), classify if it is new (know.h), judge (judge.h), book (account.h), leave (leave.h).
 */
#ifndef CURFEW_BPF_VERDICT_H
#define CURFEW_BPF_VERDICT_H

#include "facets.h"
#include "failing.h"
#include "judge.h"
#include "know.h"
#include "leave.h"
#include "parse.h"
#include "quiet.h"
#include "report_rules.h"
#include "service.h"

/* Not a reason: the hook is to ask who began, and to come again. */
#define ASK_FIRST (UNDECIDED + 1)

/* Of what no rule that is stronger is about. Global: rare. */
__noinline int quarantine_reason(void)
{
	if (cfg.observe || unconfirmed())
		return CF_REASON_PASS_OBSERVED;
	return switched_off() ? CF_REASON_PASS_OFF : CF_REASON_DROP_QUARANTINED;
}

/* What the policies that this packet has met say it is to be marked with; 0: nothing. */
static __always_inline __u32 mark_of(void)
{
	const struct judge *j = judging_own();

	return j && !j->off ? j->mark : 0;
}

/*
 * Judging a packet whose pair has rules, in steps, each of which has the stack for
 * itself. Global, so that the verifier proves them once and not once per way a packet
 * can be parsed.
 *
 * First: which rules apply, and to what. UNDECIDED, or enum cf_reason, or ASK_FIRST.
 */
__noinline int match_pair(const struct pkt *p, const struct klass *k, enum cf_hook hook,
			  enum cf_from from)
{
	__u32 zero = 0;
	struct judge *j = bpf_map_lookup_elem(&judging, &zero);
	enum cf_reason reason;

	if (!p || !k || !j)
		return CF_REASON_PASS_UNMATCHED;
	j->mark = 0;
	j->from = from;
	j->quarantined = k->quarantined;
	j->foreign = k->foreign;
	j->over_share = 0;
	if (!rules_about(k->label, source_row(p, k->source_class, from), &j->both)) {
		if (k->quarantined)
			return quarantine_reason();
		return k->failing == CF_FAIL_CLOSED ? CF_REASON_DROP_FAILED_CLOSED
						    : CF_REASON_PASS_UNMATCHED;
	}
	if (asks_service())
		narrow_service(p);
	if (k->failing == CF_FAIL_CLOSED && !any_protects(&j->both))
		return CF_REASON_DROP_FAILED_CLOSED;
	if (!judge_time(j, &reason))
		return k->quarantined ? quarantine_reason() : reason;
	if (asks_began()) {
		if (narrow_began(p, hook) == ASK_WHO_BEGAN)
			return ASK_FIRST;
		if (k->failing == CF_FAIL_CLOSED && !any_protects(&j->match))
			return CF_REASON_DROP_FAILED_CLOSED;
	}
	set_subject(&j->subject, p, hook, k->label, k->on_link);
	if (k->foreign)
		j->subject.by_mac = j->subject.foreign = 1;
	j->observe = cfg.observe || unconfirmed() || k->failing == CF_FAIL_OBSERVE;
	j->off = switched_off() || k->failing == CF_FAIL_OPEN;
	return UNDECIDED;
}

static __always_inline bool by_policy(enum cf_reason reason)
{
	return reason == CF_REASON_DROP_POLICY || reason == CF_REASON_DROP_QUOTA ||
	       reason == CF_REASON_DROP_RATE;
}

/* Then: what is stronger than policies. UNDECIDED: ask judge_policies(). */
__noinline int judge_pair(void)
{
	struct judge *j = judging_own();

	return j ? judge(j) : CF_REASON_PASS_UNMATCHED;
}

/* And last: what follows from that. Returns what is left of the reason. */
__noinline int judged_pair(struct cf_slot *slot, const struct klass *k, enum cf_reason reason)
{
	struct judge *j = judging_own();

	if (!k || !j)
		return reason;
	if ((cfg.holds | cfg.quarantines) && (by_policy(reason) || j->quarantine_seconds))
		hold_deeds(by_policy(reason));
	if (j->off && is_drop(reason))
		reason = k->failing == CF_FAIL_OPEN ? CF_REASON_PASS_FAILED_OPEN
						    : CF_REASON_PASS_OFF;
	/* quotas have reported for themselves */
	if (row_any(&j->alerts) || any_blocks(&j->match))
		report_rules(slot, is_drop(reason));
	return reason;
}

/* The kinds of tunnel. One that the gateway has made is told apart. */
#define CARRIER_NOTES ((2U << CF_NOTE_WIREGUARD) - (1U << CF_NOTE_IPIP))

/* What pass_or_drop() says: bits. Some of what is to be done needs a hook's own context. */
#define VERDICT_DROP      1
#define VERDICT_WHO_BEGAN 2  /* ask conntrack.h */
#define VERDICT_NEIGHBOUR 4  /* ask neighbour.h: a new pair of a source on an attached segment */
#define VERDICT_MARK      64 /* mark_of() */
#define VERDICT_ASK       8  /* nothing is booked yet: ask conntrack.h who began, and come again */

static __always_inline int new_neighbour(const struct pkt *p, const struct klass *k,
					 enum cf_hook hook)
{
	return k->fresh && k->on_link && p->has_mac && hook == CF_HOOK_INSIDE ? VERDICT_NEIGHBOUR
									      : 0;
}

/*
 * What is to be found out about a pair on its first packet, its second, its fourth,
 * and so on, so that a known pair does not pay: who began its flows, unless both
 * sides have, or the packet says it itself, as TCP's first do, or connection tracking has been
 * asked already, as for what came from elsewhere.
 */
static __always_inline int questions(const struct cf_slot *slot, const struct pkt *p,
				     const struct klass *k, enum cf_hook hook, enum cf_from from)
{
	const __u8 both = CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE;
	int verdict = 0;

	if (cfg.have_ct && from != CF_FROM_OTHER && !p->began && (slot->meta.flags & both) != both)
		verdict = VERDICT_WHO_BEGAN;
	return verdict | new_neighbour(p, k, hook);
}

/*
 * A packet from inside, for inside or the gateway, whose source is foreign: connection tracking
 * would take it for the beginning of a flow from outside, and what its sender sends there
 * for answers. It cannot be answered, so it goes: 1. Only where a rule asks who began. Global:
 * on the way of what is not judged.
 */
__noinline int lies_about_side(const struct pkt *p, enum cf_reason reason)
{
	if (!p || p->configuration ||
	    (reason != CF_REASON_IGNORED_LOCAL && reason != CF_REASON_IGNORED_NETWORKS &&
	     reason != CF_REASON_IGNORED_DESTINATION) ||
	    !(source_of(p) & SOURCE_FOREIGN))
		return 0;
	foreign_seen(p, 0);
	if (cfg.observe || unconfirmed() || switched_off())
		return 0;
	leave(CF_HOOK_INSIDE, CF_REASON_DROP_FOREIGN, p);
	sample_drop(p, CF_HOOK_INSIDE, CF_REASON_DROP_FOREIGN, pair_hash(p));
	return 1;
}

/* account_find(), before a packet comes again: rare, so with a stack of its own. */
static __noinline struct cf_slot *account_find_again(const struct pkt *p, enum cf_hook hook)
{
	return account_find(p, hook);
}

/*
 * The way of a packet that parsed and that pass_quiet() has left; `found`: its pair's slot, or
 * NULL. The body of each entry program's pass_or_drop(), so that the hook is a constant.
 */
static __always_inline int decide(const struct pkt *p, struct cf_slot *found, enum cf_hook hook,
				  enum cf_from from)
{
	const volatile struct cf_control *c = control_own();
	struct cf_slot *slot = NULL;
	enum cf_reason reason;
	struct klass k;
	int verdict = 0;
	__u32 epoch;

	if (!p || !c)
		return 0;
	__builtin_memset(&k, 0, sizeof(k));
	epoch = c->epoch;
	reason = know(p, found, epoch, hook, from, &k, &slot);
	if (reason != UNDECIDED) {
		if (hook == CF_HOOK_INSIDE && asks_began() && from == CF_FROM_INSIDE &&
		    lies_about_side(p, reason))
			return VERDICT_DROP;
		leave(hook, reason, p);
		return 0;
	}
	k.failing = failing(!slot);
	if (from != CF_FROM_GATEWAY && any_flag(true))
		k.quarantined = in_quarantine(p, &k, hook);
	if (!k.no_rule) {
		reason = match_pair(p, &k, hook, from);
		if (reason == UNDECIDED) {
			reason = judge_pair();
			if (reason == UNDECIDED)
				reason = judge_policies();
			reason = judged_pair(slot, &k, reason);
		}
	} else if (k.quarantined) {
		reason = quarantine_reason();
	} else if (k.failing == CF_FAIL_CLOSED) {
		reason = CF_REASON_DROP_FAILED_CLOSED;
	} else {
		reason = CF_REASON_PASS_UNMATCHED;
	}
	if ((int)reason == ASK_FIRST)
		return VERDICT_ASK | new_neighbour(p, &k, hook);
	if (is_drop(reason))
		reason = failing_softens(k.failing, reason);
	if (reason == CF_REASON_PASS_UNMATCHED && from == CF_FROM_GATEWAY &&
	    p->notes & CARRIER_NOTES)
		reason = CF_REASON_PASS_CARRIER;
	if (slot) {
		account_slot(slot, p, epoch, is_drop(reason));
		if (reason == CF_REASON_PASS_UNMATCHED || reason == CF_REASON_PASS_CLOSED)
			quiet_learn(slot, hook);
		if (!(slot->packets & (slot->packets - 1)))
			verdict = questions(slot, p, &k, hook, from);
	} else {
		account_overflow(p, hook, k.label, k.source_class);
	}
	leave(hook, reason, p);
	if (reason == CF_REASON_DROP_QUARANTINED)
		hold_count(p->wire_bytes);
	if (is_drop(reason)) {
		sample_drop(p, hook, reason, pair_hash(p));
		return verdict | VERDICT_DROP;
	}
	return cfg.marks && !k.no_rule && mark_of() ? verdict | VERDICT_MARK : verdict;
}

#endif
