/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source on an attached segment is its MAC. When a pair begins, the frame's
 * MAC is held against the kernel's neighbour table: a host that uses another's
 * address is counted. Never judged by: addresses do move.
 */
#ifndef CURFEW_BPF_NEIGHBOUR_H
#define CURFEW_BPF_NEIGHBOUR_H

#include "account.h"
#include "pkt.h"

#define AF_INET  2
#define AF_INET6 10

/* Asks for the way to the sender, as if it were to be sent something. */
static __always_inline void ask_way(const struct pkt *p, __u32 ifindex, struct bpf_fib_lookup *way)
{
	way->ifindex = ifindex;
	if (p->l3 == L3_IPV4) {
		way->family = AF_INET;
		way->ipv4_dst = p->src.word[0];
		return;
	}
	way->family = AF_INET6;
	for (int i = 0; i < 4; i++)
		way->ipv6_dst[i] = p->src.word[i];
}

/* `found`: what bpf_fib_lookup() returned. A neighbour that is not known has no MAC. */
static __always_inline void note_mismatch(const struct pkt *p, long found,
					  const struct bpf_fib_lookup *way)
{
	__u64 known = 0, seen = 0;

	/* it found the neighbour, but something would not fit the device's MTU: no matter */
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return;
	__builtin_memcpy(&known, way->dmac, 6);
	__builtin_memcpy(&seen, p->mac, 6);
	if (known && known != seen)
		note_count(CF_HOOK_INSIDE, CF_NOTE_MAC_MISMATCH, p);
}

__noinline int check_neighbour_skb(struct __sk_buff *skb, const struct pkt *p)
{
	struct bpf_fib_lookup way = { 0 };

	if (!p)
		return 0;
	ask_way(p, skb->ifindex, &way);
	note_mismatch(p, bpf_fib_lookup(skb, &way, sizeof(way), 0), &way);
	return 0;
}

__noinline int check_neighbour_xdp(struct xdp_md *ctx, const struct pkt *p)
{
	struct bpf_fib_lookup way = { 0 };

	if (!p)
		return 0;
	ask_way(p, ctx->ingress_ifindex, &way);
	note_mismatch(p, bpf_fib_lookup(ctx, &way, sizeof(way), 0), &way);
	return 0;
}

#endif
