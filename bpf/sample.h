/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of dropped packets, for people: at most one a second for each pair of
 * addresses, reason and hook. Only what is dropped pays for it.
 */
#ifndef CURFEW_BPF_SAMPLE_H
#define CURFEW_BPF_SAMPLE_H

#include "account.h"
#include "judging.h"

/* Whose drop `judging` still knows: that of the packet just judged. */
#define RULE_DROPS                                                                                 \
	(1ULL << CF_REASON_DROP_POLICY | 1ULL << CF_REASON_DROP_QUOTA |                            \
	 1ULL << CF_REASON_DROP_RATE | 1ULL << CF_REASON_DROP_HELD |                               \
	 1ULL << CF_REASON_DROP_BLOCKED)

/* The cell's turn: true for the one packet of this second that is to be a sample. */
static __always_inline bool sample_due(struct cf_drop_cell *c, __u64 kind)
{
	__u64 now = bpf_jiffies64(), at = *(volatile __u64 *)&c->at_jiffies;

	if (at && now - at < cfg.week_jiffies / 604800)
		return false;
	if (__sync_val_compare_and_swap(&c->at_jiffies, at, now) != at)
		return false;
	if (c->kind != kind) {
		c->kind = kind;
		c->dropped = 0;
	}
	return true;
}

static __always_inline void sample_fill(struct cf_drop *d, const struct pkt *p, __u32 hook,
					__u32 reason)
{
	const struct judge *j = judging_own();

	__builtin_memset(d, 0, sizeof(*d));
	d->boot_ns = bpf_ktime_get_boot_ns();
	d->rule = d->quota = ~0U;
	if (j && RULE_DROPS >> (reason & 63) & 1) {
		d->rule = j->drop_rule;
		d->quota = reason == CF_REASON_DROP_QUOTA || reason == CF_REASON_DROP_RATE
				   ? j->drop_quota
				   : ~0U;
	}
	d->generation = cfg.generation;
	d->hook = hook;
	d->reason = reason;
	d->packet_bytes = p->wire_bytes;
	d->payload_bytes = p->payload_bytes;
	d->ifindex = p->ifindex;
	d->protocol = p->proto.n;
	d->source_port = p->sport;
	d->destination_port = p->dport;
	if (p->l3 == L3_IPV4) {
		d->ip = 4;
		map4(d->src, p->src.word[0]);
		map4(d->dst, p->dst.word[0]);
	} else if (p->l3 == L3_IPV6) {
		d->ip = 6;
		copy16(d->src, (const __u8 *)p->src.word);
		copy16(d->dst, (const __u8 *)p->dst.word);
	}
	if (p->has_mac && hook == CF_HOOK_INSIDE)
		__builtin_memcpy(d->mac, p->mac, 6);
}

/*
 * Of a packet that is dropped, after all else is done; `pair`: pair_hash() of it. Global: rare,
 * with a stack of its own.
 */
__noinline int sample_drop(const struct pkt *p, __u32 hook, __u32 reason, __u64 pair)
{
	struct cf_drop_samples *n;
	struct cf_drop_cell *c;
	struct cf_drop *d;
	__u32 zero = 0, i;
	__u64 kind, dropped;

	if (!p)
		return 0;
	kind = pair ^ reason << 1 ^ hook;
	i = (kind ^ kind >> 32) & (CF_DROP_CELLS - 1);
	c = bpf_map_lookup_elem(&drop_cells, &i);
	n = bpf_map_lookup_elem(&drop_samples, &zero);
	if (!c || !n)
		return 0;
	if (!sample_due(c, kind)) {
		n->limited++;
		/* one atomic add: each is as long as a hundred other instructions */
		if (c->kind == kind)
			__sync_fetch_and_add(&c->dropped, CF_DROPPED(1, p->wire_bytes));
		return 0;
	}
	d = bpf_ringbuf_reserve(&drops, sizeof(*d), 0);
	if (!d) {
		n->lost++;
		return 0;
	}
	sample_fill(d, p, hook, reason);
	dropped = __sync_fetch_and_and(&c->dropped, 0);
	d->packets = CF_DROPPED_PACKETS(dropped) + 1;
	d->wire_bytes = CF_DROPPED_BYTES(dropped) + p->wire_bytes;
	n->sampled++;
	/* the daemon looks once a second; no drop is worth waking it */
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
