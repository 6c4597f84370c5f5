/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The usual packet's short way: of a pair that is known, in a segment of the schedule in
 * which no rule is about it. What is remembered of such a pair, and what is still asked
 * for each packet. Rules that are about a packet: verdict.h.
 */
#ifndef CURFEW_BPF_QUIET_H
#define CURFEW_BPF_QUIET_H

#include "account.h"
#include "facets.h"
#include "failing.h"
#include "judging.h"

static __always_inline void count_reason(enum cf_hook hook, enum cf_reason reason,
					 const struct pkt *p)
{
	__u32 i = hook * CF_REASON_MAX + reason;
	struct cf_reason_count *c = bpf_map_lookup_elem(&reasons, &i);

	if (!c)
		return;
	c->packets++;
	c->wire_bytes += p->wire_bytes;
	c->payload_bytes += p->payload_bytes;
}

/* The rules about this source, by its row in `src_rows`, and destination; false if there are none.
 */
static __always_inline bool rules_about(__u32 label, __u32 src, struct cf_row *ret)
{
	__u32 dst;
	const struct cf_label *l = bpf_map_lookup_elem(&labels, &label);
	const struct cf_row *a, *b;

	if (!l)
		return false;
	dst = l->row;
	a = bpf_map_lookup_elem(&dst_rows, &dst);
	b = bpf_map_lookup_elem(&src_rows, &src);
	if (!a || !b)
		return false;
	row_and(ret, a, b);
	return row_any(ret);
}

/*
 * What is known of a pair without its packet, in the segment whose active rules are
 * `time`: 0 or 1, CF_SLOT_CLOSED; -1: that depends on the packet, or rules are active.
 * Global: the rules' rows would be too much for the caller's stack.
 */
__noinline int quiet_from(__u32 label_class, __u32 from, __u32 time_row)
{
	struct judge *j = judging_own();
	const struct cf_row *time = bpf_map_lookup_elem(&time_rows, &time_row);
	__u64 active = 0, closed = 0, unsure = 0;

	if (!j || !time)
		return -1;
	if (!rules_about(CF_LABEL(label_class),
			 any_source_row(CF_CLASS(label_class), (enum cf_from)from), &j->left))
		return 0;
	for_each_row_word (i) {
		__u64 both = j->left.word[i], policies = both & cfg.policy_rules.word[i];

		active |= both & time->word[i] &
			  (cfg.policy_rules.word[i] | cfg.protect_rules.word[i] |
			   cfg.block_rules.word[i]);
		closed |= policies & ~cfg.narrow_rules.word[i];
		unsure |= policies & cfg.narrow_rules.word[i];
		/* one word after the other: all at once, they are spilled to the stack */
		asm volatile("" ::: "memory");
	}
	if (active || (unsure && !closed))
		return -1;
	return !!closed;
}

/*
 * A packet has passed because no rule that is active is about it: is this so for each
 * packet of its pair, as long as this segment lasts? Put down in the slot, either way.
 * Global: once for a pair and segment.
 */
__noinline int quiet_learn(struct cf_slot *slot, enum cf_hook hook)
{
	struct sched_now now = schedule_now();
	const struct cf_segment *s;
	__u32 segment, known;
	int here, other = 0;

	if (!slot)
		return 0;
	s = schedule_segment(&now, &segment);
	if (!s || (slot->meta.reported & CF_SLOT_SEGMENT) == segment + 1)
		return 0;
	here = quiet_from(slot->label_class,
			  hook == CF_HOOK_INSIDE ? CF_FROM_INSIDE : CF_FROM_GATEWAY, s->row);
	if (hook == CF_HOOK_OUTSIDE)
		other = quiet_from(slot->label_class, CF_FROM_OTHER, s->row);
	known = here < 0 || other < 0
			? CF_SLOT_UNQUIET
			: CF_SLOT_QUIET | (__u32)(here | other << 1) << CF_SLOT_CLOSED_SHIFT;
	slot->meta.reported = (__u16)(known | (segment + 1));
	return 0;
}

/* Of a slot's meta, what says that this packet passes and changes nothing in it. */
#define QUIET_KNOWN                                                                                \
	((__u64)(CF_SLOT_QUIET | CF_SLOT_SEGMENT) | 0xffffULL << META_GEN_SHIFT |                  \
	 0xffffULL << META_EPOCH_SHIFT |                                                           \
	 (__u64)(CF_SLOT_USED | CF_SLOT_OUTSIDE | CF_SLOT_DROPPED | CF_SLOT_DEEP)                  \
		 << META_FLAGS_SHIFT)

/*
 * The usual packet: of a pair that is known, in a segment of the schedule in which no
 * rule is about it, and nothing about the packet itself wants a look. Booked, and true;
 * else nothing is done. In the entry programs themselves: a call would be a tenth of it. All that
 * may change a verdict from one packet to the next is asked here, or is in the slot's stamps:
 * generation, segment, epoch.
 */
static __always_inline bool pass_quiet(const struct pkt *p, struct cf_slot *slot, enum cf_hook hook,
				       enum cf_from from)
{
	const volatile struct cf_control *c = control_own();
	__u64 meta, known;
	__u32 packets;

	if (!slot || !c)
		return false;
	meta = meta_load(slot);
	packets = slot->packets + 1;
	known = (__u64)(CF_SLOT_QUIET | segment_stamp()) |
		(__u64)(__u16)cfg.generation << META_GEN_SHIFT |
		(__u64)(__u16)c->epoch << META_EPOCH_SHIFT | meta_key(hook);
	/* notes and beginnings are booked by the long way */
	if (((meta ^ known) & QUIET_KNOWN) | p->notes | p->began | c->quarantines |
	    (cfg.holds ? c->holds : 0))
		return false;
	/* questions() */
	if (cfg.have_ct && !(packets & (packets - 1)))
		return false;
	if (cfg.failing.any && failing(false) == CF_FAIL_CLOSED)
		return false;
	slot->wire_bytes += p->wire_bytes;
	slot->payload_bytes += p->payload_bytes;
	slot->packets = packets;
	/*
	 * A branch, which a CPU foretells, where a number would have to be waited for: it comes out
	 * of the slot, and where it is counted would be looked up with it. Told apart to the end,
	 * or clang makes it a number again.
	 */
	if (meta >> (CF_SLOT_CLOSED_SHIFT + (from == CF_FROM_OTHER)) & 1) {
		count_reason(hook, CF_REASON_PASS_CLOSED, p);
		asm volatile("" ::: "memory");
	} else {
		count_reason(hook, CF_REASON_PASS_UNMATCHED, p);
	}
	return true;
}
_Static_assert(CF_REASON_PASS_UNMATCHED == 0 && CF_REASON_PASS_CLOSED == 1, "pass_quiet()");

#endif
