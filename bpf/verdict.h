/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet's way through the stages, the same at each hook:
 * parse, find its slot, classify if it is new, judge, book, leave.
 */
#ifndef CURFEW_BPF_VERDICT_H
#define CURFEW_BPF_VERDICT_H

#include "account.h"
#include "classify.h"
#include "facets.h"
#include "failing.h"
#include "judge.h"
#include "parse.h"
#include "quiet.h"
#include "sample.h"
#include "service.h"

/* Rare, so out of the way: what is counted beside the reason. */
__noinline int leave_notes(const struct pkt *p, enum cf_hook hook)
{
	if (!p)
		return 0;
	for (__u32 n = 0; n < CF_NOTE_MAX; n++)
		if (p->notes & 1U << n)
			note_count(hook, n, p);
	return 0;
}

/* The only way out: each packet leaves with a counted reason. */
static __always_inline void leave(enum cf_hook hook, enum cf_reason reason, const struct pkt *p)
{
	if (p->notes)
		leave_notes(p, hook);
	count_reason(hook, reason, p);
}

/* Which device has the number is not asked: the hook is on it. */
static __always_inline struct cf_device_count *device_count(const struct frame *f)
{
	__u32 row = device_rows[CF_IF_INDEX(f->ifindex)];

	return bpf_map_lookup_elem(&devices, &row);
}

static __always_inline void count_device(const struct frame *f, __u32 wire_bytes)
{
	struct cf_device_count *c = device_count(f);

	if (!c)
		return;
	c->packets++;
	c->len_bytes += f->len;
	c->wire_bytes += wire_bytes;
}

/* Of what count_device() has counted: this one does not get to the device. */
static __always_inline void count_device_drop(const struct frame *f, __u32 wire_bytes)
{
	struct cf_device_count *c = device_count(f);

	if (!c)
		return;
	c->dropped_packets++;
	c->dropped_len_bytes += f->len;
	c->dropped_wire_bytes += wire_bytes;
}

static __always_inline void set_subject(struct subject *s, const struct pkt *p, enum cf_hook hook,
					__u32 label, bool on_link)
{
	const struct cf_label *l = bpf_map_lookup_elem(&labels, &label);
	__u32 v4 = 0;

	__builtin_memset(s, 0, sizeof(*s));
	if (p->l3 == L3_IPV4) {
		map4(s->src, p->src.word[0]);
		map4(s->dst, p->dst.word[0]);
		v4 = bpf_ntohl(p->dst.word[0]);
		s->as4 = 1;
	} else {
		copy16(s->src, (const __u8 *)p->src.word);
		copy16(s->dst, (const __u8 *)p->dst.word);
		s->as4 = embedded4(half64(p->dst.word[0], p->dst.word[1]),
				   half64(p->dst.word[2], p->dst.word[3]), &v4);
	}
	if (s->as4)
		map4(s->key_dst, bpf_htonl(v4));
	else
		copy16(s->key_dst, s->dst);
	if (l) {
		s->asn = l->asn;
		__builtin_memcpy(s->cc, l->cc, 4);
	}
	/* the outside hook sees our own MAC, never the host's */
	if (p->has_mac && hook == CF_HOOK_INSIDE) {
		__builtin_memcpy(s->mac, p->mac, 6);
		s->by_mac = on_link;
	}
	s->protocol = p->proto.n;
	s->hook = hook;
	s->sport = p->sport;
	s->dport = p->dport;
	s->payload_bytes = p->payload_bytes;
	s->wire_bytes = p->wire_bytes;
	s->l3 = p->l3;
}

static __always_inline bool is_drop(enum cf_reason reason)
{
	return CF_DROP_REASONS >> reason & 1;
}

/*
 * When a rule without quota last reported a pair that found no slot, by rule:
 * one a second, so that a full table does not silence it. Races cost a report.
 */
static __u64 slotless_reports[CF_RULES_MAX];

static __always_inline bool may_report(const struct cf_slot *slot, __u16 stamp, __u32 rule)
{
	__u64 now = bpf_jiffies64();

	if (slot)
		return slot->meta.reported != stamp;
	rule &= CF_RULES_MAX - 1;
	if (slotless_reports[rule] && now - slotless_reports[rule] < cfg.week_jiffies / 604800)
		return false;
	slotless_reports[rule] = now;
	return true;
}

/*
 * One rule of `alerts`, or the one that dropped; 0 when the ring is full. Global:
 * proven once, not per turn of the loop below.
 */
__noinline int report_one(__u32 rule, __u32 block, __u32 dropped)
{
	struct judge *j = judging_own();
	struct cf_event *e;

	if (!j)
		return 0;
	e = report_begin(block ? CF_EVENT_BLOCK : CF_EVENT_POLICY, &j->subject);
	if (!e)
		return 0;
	e->rule = rule;
	e->dropped = !!dropped;
	bpf_ringbuf_submit(e, 0);
	return 1;
}

#define ALERTS_MAX 8 /* policies that report one packet; more are counted as lost */

/*
 * Policies that say `then`, and blocks by hand: reported once per pair, CPU and
 * segment of the schedule.
 */
__noinline int report_rules(struct cf_slot *slot, __u32 dropped)
{
	struct judge *j = judging_own();
	__u32 rule;
	__u16 stamp;
	bool said = true;

	if (!j)
		return 0;
	stamp = (__u16)(j->segment + 1);
	if (any_blocks(&j->match)) {
		/* what is protected was not stopped */
		if (j->drop_rule == ~0U)
			return 0;
		if (may_report(slot, stamp, j->drop_rule))
			said = report_one(j->drop_rule, true, dropped);
		else
			return 0;
	} else {
		rule = j->drop_rule != ~0U ? j->drop_rule : 0;
		if (!may_report(slot, stamp, rule))
			return 0;
		for (int i = 0; i < ALERTS_MAX; i++) {
			rule = row_take(&j->alerts);
			if (rule == ~0U)
				break;
			said &= !!report_one(rule, false, dropped && rule == j->drop_rule);
		}
		if (row_any(&j->alerts))
			report_lost();
	}
	if (slot && said)
		slot->meta.reported = stamp;
	return 0;
}

/* Not a reason: the hook is to ask who began, and to come again. */
#define ASK_FIRST (UNDECIDED + 1)

/* Of what no rule that is stronger is about. Global: rare. */
__noinline int quarantine_reason(void)
{
	if (cfg.observe || unconfirmed())
		return CF_REASON_PASS_OBSERVED;
	return switched_off() ? CF_REASON_PASS_OFF : CF_REASON_DROP_QUARANTINED;
}

/* A packet that is not judged leaves: true if it is dropped all the same. */
static __always_inline bool leave_unjudged(enum cf_hook hook, enum cf_reason reason,
					   const struct pkt *p)
{
	reason = unjudged(reason);
	leave(hook, reason, p);
	if (!is_drop(reason))
		return false;
	sample_drop(p, hook, reason, pair_hash(p));
	return true;
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

/* Counted, and reported. */
__noinline int foreign_seen(const struct pkt *p, __u32 label)
{
	struct judge *j = judging_own();

	if (!p || !j)
		return 0;
	note_count(CF_HOOK_INSIDE, CF_NOTE_FOREIGN, p);
	set_subject(&j->subject, p, CF_HOOK_INSIDE, label, false);
	return report_trouble(j, CF_TABLE_FOREIGN, ~0U);
}

/*
 * A pair that this generation has not seen: its class, and whether any rule is
 * about it. UNDECIDED, or the reason why it is not judged.
 */
__noinline int classify_pair(const struct pkt *p, struct klass *k, enum cf_from from)
{
	enum cf_reason reason;
	struct cf_row both;

	if (!p || !k)
		return CF_REASON_PASS_UNMATCHED;
	k->label = classify_destination(p);
	k->deep = !!(k->label & CF_DEEP);
	k->label &= ~CF_DEEP;
	reason = ignored(k->label);
	if (reason != UNDECIDED)
		return reason;
	classify_source(p, k);
	/* what is said of it is not remembered either, so that each packet is counted as such */
	k->foreign &= from == CF_FROM_INSIDE;
	k->deep |= k->foreign;
	if (k->foreign && !p->asked)
		foreign_seen(p, k->label);
	k->no_rule = !rules_about(k->label, any_source_row(k->source_class, from), &both);
	/* one slot serves all that the outside hook judges */
	if (from != CF_FROM_INSIDE)
		k->no_rule &= !rules_about(
			k->label,
			any_source_row(k->source_class,
				       from == CF_FROM_GATEWAY ? CF_FROM_OTHER : CF_FROM_GATEWAY),
			&both);
	return UNDECIDED;
}

/*
 * Who a new pair is put down to: the MAC on an attached segment, else the address, IPv6 by
 * /64. Foreign sources are one.
 */
static __always_inline __u64 host_of(const struct pkt *p, enum cf_hook hook, const struct klass *k)
{
	__u64 host = 0;

	if (k->foreign)
		return 1ULL << 50;
	if (k->on_link && p->has_mac && hook == CF_HOOK_INSIDE) {
		__builtin_memcpy(&host, p->mac, 6);
		return host | 1ULL << 48;
	}
	if (p->l3 == L3_IPV4)
		return p->src.word[0] | 1ULL << 49;
	return (__u64)p->src.word[1] << 32 | p->src.word[0];
}

/*
 * A slot for a new pair, if there is one to be had and its source has not taken its share:
 * k->fresh. Apart: the key would be kept on the stack of all that is judged.
 */
static __noinline struct cf_slot *begin_pair(const struct pkt *p, struct klass *k,
					     enum cf_hook hook, __u32 epoch, __u64 meta)
{
	struct pair_key key;
	struct cf_slot *slot;
	__u32 slots;

	pair_key(p, &key);
	slot = account_room(p, &key, &slots);
	if (!slot) {
		ask_for_room();
		return NULL;
	}
	/* nobody's share is looked at where there is no room for anybody */
	if (!share_take(host_of(p, hook, k), epoch, slots)) {
		note_count(hook, CF_NOTE_OVER_SHARE, p);
		return NULL;
	}
	account_create(slot, &key, k->source_class << CF_LABEL_BITS | k->label, meta);
	k->fresh = true;
	return slot;
}

/* Class of a known pair, from its slot; classified anew when the generation has changed. */
static __always_inline enum cf_reason know(const struct pkt *p, struct cf_slot *slot, __u32 epoch,
					   enum cf_hook hook, enum cf_from from, struct klass *k,
					   struct cf_slot **ret_slot)
{
	__u16 generation = (__u16)cfg.generation;
	enum cf_reason reason;
	__u64 flags, meta;

	*ret_slot = slot;
	if (slot && slot->meta.generation == generation && !(slot->meta.flags & CF_SLOT_DEEP)) {
		k->label = CF_LABEL(slot->label_class);
		k->source_class = CF_CLASS(slot->label_class);
		k->on_link = slot->meta.flags & CF_SLOT_ON_LINK;
		k->no_rule = slot->meta.flags & CF_SLOT_NO_RULE;
		return UNDECIDED;
	}
	reason = classify_pair(p, k, from);
	if (reason != UNDECIDED)
		return reason;
	/* it has found no slot just now */
	if (!slot && p->asked)
		return UNDECIDED;
	flags = CF_SLOT_USED | (hook == CF_HOOK_OUTSIDE ? CF_SLOT_OUTSIDE : 0) |
		(k->no_rule ? CF_SLOT_NO_RULE : 0) | (k->on_link ? CF_SLOT_ON_LINK : 0) |
		(k->deep ? CF_SLOT_DEEP : 0);
	meta = (__u64)generation << META_GEN_SHIFT | (__u64)(__u16)epoch << META_EPOCH_SHIFT;
	if (!slot) {
		*ret_slot = begin_pair(p, k, hook, epoch, meta | flags << META_FLAGS_SHIFT);
		return UNDECIDED;
	}
	slot->label_class = k->source_class << CF_LABEL_BITS | k->label;
	flags |=
		slot->meta.flags & (CF_SLOT_DROPPED | CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE);
	if (slot->meta.generation == generation)
		meta |= slot->meta.reported;
	meta |= (__u64)slot->meta.incarnation << META_INC_SHIFT;
	slot_publish(slot, meta | flags << META_FLAGS_SHIFT);
	return UNDECIDED;
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
