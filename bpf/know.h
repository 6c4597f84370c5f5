/* SPDX-License-Identifier: GPL-2.0-only */
/* Who a pair is: its class from its slot, or classified, with a slot of its own if there is one. */
#ifndef CURFEW_BPF_KNOW_H
#define CURFEW_BPF_KNOW_H

#include "account.h"
#include "classify.h"
#include "quiet.h"
#include "report_rules.h"

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

#endif
