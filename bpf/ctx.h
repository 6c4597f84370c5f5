/* SPDX-License-Identifier: GPL-2.0-only */
/* From the kernel's contexts to struct frame, and how many bytes a packet is on the wire. */
#ifndef CURFEW_BPF_CTX_H
#define CURFEW_BPF_CTX_H

#include "maps.h"
#include "pkt.h"

/* Headers beyond this need not be linear: Ethernet, two tags, IPv6 with extensions, TCP. */
#define PULL_BYTES 192

static __always_inline void frame_from_xdp(struct xdp_md *ctx, struct frame *f)
{
	f->data = (const __u8 *)(long)ctx->data;
	f->end = (const __u8 *)(long)ctx->data_end;
	f->len = (__u32)(f->end - f->data);
	f->ifindex = ctx->ingress_ifindex;
}

static __always_inline const struct cf_iface *iface_find(__u32 ifindex)
{
	__u32 i = CF_IF_INDEX(ifindex);
	const struct cf_iface *iface = bpf_map_lookup_elem(&ifaces, &i);

	return iface && iface->ifindex == ifindex ? iface : NULL;
}

/*
 * A load at a fixed offset from the context. The verifier wants exactly that,
 * and clang, seeing the same field read twice, keeps its address instead.
 */
#define SKB_LOAD(skb, field)                                                                       \
	({                                                                                         \
		__u64 skb_load;                                                                    \
		asm volatile(                                                                      \
			"%[v] = *(u32 *)(%[ctx] + %[at])"                                          \
			: [v] "=r"(skb_load)                                                       \
			: [ctx] "r"(skb), [at] "i"(__builtin_offsetof(struct __sk_buff, field))    \
			: "memory");                                                               \
		skb_load;                                                                          \
	})

static __always_inline void frame_from_skb(struct __sk_buff *skb, struct frame *f)
{
	const struct cf_iface *iface = iface_find(skb->ifindex);
	__u32 want = skb->len < PULL_BYTES ? skb->len : PULL_BYTES;

	if (SKB_LOAD(skb, data_end) - SKB_LOAD(skb, data) < want)
		bpf_skb_pull_data(skb, want);
	f->data = (const __u8 *)SKB_LOAD(skb, data);
	f->end = (const __u8 *)SKB_LOAD(skb, data_end);
	f->len = skb->len;
	f->ifindex = skb->ifindex;
	f->ingress_ifindex = skb->ingress_ifindex;
	f->raw_l3 = iface && iface->flags & CF_IF_RAW_L3;
}

/* At TC ingress nobody has added up the segments' headers: gso_segs may be 0, so they are counted.
 */
static __always_inline __u32 wire_from_segments(const struct __sk_buff *skb, const struct pkt *p)
{
	__u32 segments;

	if (!skb->gso_size || !p->payload_bytes)
		return skb->len;
	segments = (p->payload_bytes + skb->gso_size - 1) / skb->gso_size;
	return skb->len + (segments - 1) * p->headers;
}

/* At TC egress the kernel has, where it knows more than len: wire_len. */
static __always_inline __u32 wire_at_egress(const struct __sk_buff *skb)
{
	__u32 len = SKB_LOAD(skb, len), wire = SKB_LOAD(skb, wire_len);

	return wire > len ? wire : len;
}

#endif
