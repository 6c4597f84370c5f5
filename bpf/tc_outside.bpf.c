/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TC egress on an outside interface: everything that leaves, after NAT. What
 * an inside hook has judged is only totalled here; the gateway's own packets,
 * those from interfaces without a hook, and those that came for the gateway and
 * were sent on by it, are judged.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "conntrack.h"
#include "ctx.h"
#include "handover.h"
#include "packet.h"
#include "tc.h"
#include "verdict.h"

static __always_inline enum cf_from came_from(const struct frame *f)
{
	const struct cf_iface *in;

	if (!f->ingress_ifindex)
		return CF_FROM_GATEWAY;
	in = iface_find(f->ingress_ifindex);
	return in && in->role == CF_IF_INSIDE ? CF_FROM_INSIDE : CF_FROM_OTHER;
}

/*
 * Global: what the parser's many ways leave behind is proven once, as any struct pkt.
 */
__noinline int pass_or_drop(const struct pkt *p, struct cf_slot *found, enum cf_from from)
{
	return decide(p, found, CF_HOOK_OUTSIDE, from);
}

SEC("tc")
int tc_outside(struct __sk_buff *skb)
{
	struct frame f = { 0 };
	struct pkt p = { 0 };
	enum cf_reason reason;
	enum cf_from from;
	struct cf_slot *slot;
	int verdict;

	if (handed_over())
		return TC_GO_ON;
	reason = packet_skb(skb, &f, &p);
	packet_size_skb(skb, CF_HOOK_OUTSIDE, &f, &p);
	from = came_from(&f);
	if (reason == UNDECIDED && from == CF_FROM_INSIDE && was_ignored(skb, &p))
		from = CF_FROM_OTHER;
	if (reason == UNDECIDED && from == CF_FROM_INSIDE)
		reason = CF_REASON_SEEN_FORWARDED;
	if (reason == UNDECIDED && from == CF_FROM_GATEWAY && p.configuration)
		reason = CF_REASON_IGNORED_CONFIGURATION;
	if (reason != UNDECIDED) {
		count_device(&f, p.wire_bytes);
		if (!leave_unjudged(CF_HOOK_OUTSIDE, reason, &p))
			return TC_GO_ON;
		count_device_drop(&f, p.wire_bytes);
		return TC_DROP;
	}
	/* covered hosts were judged by their own address already */
	if (from == CF_FROM_OTHER)
		true_source(skb, &p);
	slot = account_find(&p, CF_HOOK_OUTSIDE);
	count_device(&f, p.wire_bytes);
	if (pass_quiet(&p, slot, CF_HOOK_OUTSIDE, from))
		return TC_GO_ON;
	verdict = pass_or_drop(&p, slot, from);
	if (!verdict)
		return TC_GO_ON;
	if (verdict & VERDICT_ASK) {
		ask_began_skb(skb, &p, CF_HOOK_OUTSIDE);
		verdict |= pass_or_drop(&p, account_find_again(&p, CF_HOOK_OUTSIDE), from);
	}
	if (verdict & VERDICT_WHO_BEGAN)
		who_began_skb(skb, &p, CF_HOOK_OUTSIDE);
	if (cfg.marks && verdict & VERDICT_MARK)
		skb->mark |= mark_of();
	if (!(verdict & VERDICT_DROP))
		return TC_GO_ON;
	count_device_drop(&f, p.wire_bytes);
	return TC_DROP;
}

char LICENSE[] SEC("license") = "GPL";
