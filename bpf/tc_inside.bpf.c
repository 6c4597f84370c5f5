/* SPDX-License-Identifier: GPL-2.0-only */
/* TC ingress on an inside interface, where native XDP cannot see the truth or is not to be had. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "conntrack.h"
#include "ctx.h"
#include "handover.h"
#include "neighbour.h"
#include "packet.h"
#include "tc.h"
#include "verdict.h"

/*
 * Global: what the parser's many ways leave behind is proven once, as any struct pkt.
 */
__noinline int pass_or_drop(const struct pkt *p, struct cf_slot *found)
{
	return decide(p, found, CF_HOOK_INSIDE, CF_FROM_INSIDE);
}

SEC("tc")
int tc_inside(struct __sk_buff *skb)
{
	struct frame f = { 0 };
	struct pkt p = { 0 };
	struct cf_slot *slot;
	enum cf_reason reason;
	int verdict;

	if (handed_over())
		return TC_GO_ON;
	reason = packet_skb(skb, &f, &p);
	if (reason != UNDECIDED) {
		packet_size_skb(skb, CF_HOOK_INSIDE, &f, &p);
		count_device(&f, p.wire_bytes);
		return leave_unjudged(CF_HOOK_INSIDE, reason, &p) ? TC_DROP : TC_GO_ON;
	}
	/* as early as it can be: at TC nothing else hides how long a hash and three loads take */
	slot = account_find(&p, CF_HOOK_INSIDE);
	packet_size_skb(skb, CF_HOOK_INSIDE, &f, &p);
	count_device(&f, p.wire_bytes);
	if (pass_quiet(&p, slot, CF_HOOK_INSIDE, CF_FROM_INSIDE))
		return TC_GO_ON;
	verdict = pass_or_drop(&p, slot);
	if (!verdict)
		return TC_GO_ON;
	if (verdict & VERDICT_ASK) {
		ask_began_skb(skb, &p, CF_HOOK_INSIDE);
		verdict |= pass_or_drop(&p, account_find_again(&p, CF_HOOK_INSIDE));
	}
	if (verdict & VERDICT_WHO_BEGAN)
		who_began_skb(skb, &p, CF_HOOK_INSIDE);
	if (verdict & VERDICT_NEIGHBOUR)
		check_neighbour_skb(skb, &p);
	if (cfg.marks && verdict & VERDICT_MARK)
		skb->mark |= mark_of();
	return verdict & VERDICT_DROP ? TC_DROP : TC_GO_ON;
}

char LICENSE[] SEC("license") = "GPL";
