/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet tells of the rules that it has met, and about whom. */
#ifndef CURFEW_BPF_REPORT_RULES_H
#define CURFEW_BPF_REPORT_RULES_H

#include "classify.h"
#include "judge.h"
#include "report.h"

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

#endif
