/* SPDX-License-Identifier: GPL-2.0-only */
/* Native XDP on an inside interface: the host's own frame, before NAT, before an skb exists. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "conntrack.h"
#include "ctx.h"
#include "neighbour.h"
#include "packet.h"
#include "verdict.h"

/*
 * Global: what the parser's many ways leave behind is proven once, as any struct pkt.
 */
__noinline int pass_or_drop(const struct pkt *p, struct cf_slot *found)
{
	return decide(p, found, CF_HOOK_INSIDE, CF_FROM_INSIDE);
}

SEC("xdp")
int xdp_inside(struct xdp_md *ctx)
{
	struct frame f = { 0 };
	struct pkt p = { 0 };
	enum cf_reason reason;
	struct cf_slot *slot;
	int verdict;

	reason = packet_xdp(ctx, &f, &p);
	count_device(&f, f.len);
	if (reason != UNDECIDED)
		return leave_unjudged(CF_HOOK_INSIDE, reason, &p) ? XDP_DROP : XDP_PASS;
	slot = account_find(&p, CF_HOOK_INSIDE);
	if (pass_quiet(&p, slot, CF_HOOK_INSIDE, CF_FROM_INSIDE))
		return XDP_PASS;
	verdict = pass_or_drop(&p, slot);
	if (!verdict)
		return XDP_PASS;
	if (verdict & VERDICT_ASK) {
		ask_began_xdp(ctx, &p);
		verdict |= pass_or_drop(&p, account_find_again(&p, CF_HOOK_INSIDE));
	}
	if (verdict & VERDICT_WHO_BEGAN)
		who_began_xdp(ctx, &p);
	if (verdict & VERDICT_NEIGHBOUR)
		check_neighbour_xdp(ctx, &p);
	return verdict & VERDICT_DROP ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
