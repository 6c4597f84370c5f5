/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entry programs' first stage: from a context to struct pkt. What has many
 * ways to be verified, or needs room on the stack, is a global function: IPv6 and
 * tunnels. So it is proven once, and its stack is free again when the packet is
 * judged. IPv4 is spared the call.
 */
#ifndef CURFEW_BPF_PACKET_H
#define CURFEW_BPF_PACKET_H

#include "ctx.h"
#include "parse.h"
#include "tunnels.h"

/* IPv6 at an offset, as parse_link() has found it. */
__noinline int packet6_xdp(struct xdp_md *ctx, struct pkt *p, __u32 offset)
{
	struct frame f = { 0 };

	if (!p)
		return CF_REASON_UNPARSED_ETHER;
	frame_from_xdp(ctx, &f);
	return parse_ipv6(&f, offset & LINK_BYTES_MAX, p);
}

__noinline int packet6_skb(struct __sk_buff *skb, struct pkt *p, __u32 offset)
{
	struct frame f = { 0 };

	if (!p)
		return CF_REASON_UNPARSED_ETHER;
	frame_bytes_skb(skb, &f);
	return parse_ipv6(&f, offset & LINK_BYTES_MAX, p);
}

/*
 * As parse_frame(), and wire_bytes, and its tunnel if it is one. `p` is all zero; of
 * `f`, lengths and interfaces are left.
 */
static __always_inline enum cf_reason packet_xdp(struct xdp_md *ctx, struct frame *f, struct pkt *p)
{
	struct frame whole = { 0 };
	enum cf_reason reason;
	struct link l = { 0 };

	frame_from_xdp(ctx, &whole);
	p->wire_bytes = whole.len;
	reason = parse_link(&whole, p, &l);
	if (reason == UNDECIDED)
		reason = l.type == ETHERTYPE_IPV4 ? parse_ipv4(&whole, l.offset, p)
			 : parse_ipv6_plain(&whole, l.offset, p)
				 ? UNDECIDED
				 : (enum cf_reason)packet6_xdp(ctx, p, l.offset);
	if (p->tunnel)
		tunnel_xdp(ctx, p);
	f->len = p->wire_bytes;
	f->ifindex = p->ifindex = ctx->ingress_ifindex;
	return reason;
}

/*
 * The same at TC without wire_bytes and tunnel, which are packet_size_skb()'s: the pair may be
 * looked for in between.
 */
static __always_inline enum cf_reason packet_skb(struct __sk_buff *skb, struct frame *f,
						 struct pkt *p)
{
	enum cf_reason reason;
	struct link l = { 0 };

	frame_from_skb(skb, f);
	p->ifindex = f->ifindex;
	reason = parse_link(f, p, &l);
	if (reason != UNDECIDED)
		return reason;
	if (l.type == ETHERTYPE_IPV4)
		return parse_ipv4(f, l.offset, p);
	if (parse_ipv6_plain(f, l.offset, p))
		return UNDECIDED;
	return (enum cf_reason)packet6_skb(skb, p, l.offset);
}

static __always_inline void packet_size_skb(struct __sk_buff *skb, enum cf_hook hook,
					    const struct frame *f, struct pkt *p)
{
	__u32 tag = f->tagged * TAG_BYTES;

	p->wire_bytes = hook == CF_HOOK_INSIDE ? wire_from_segments(skb, f->len, tag, p)
					       : wire_at_egress(skb, f->len, tag, p);
	if (p->tunnel)
		tunnel_skb(skb, p, hook);
}

#endif
