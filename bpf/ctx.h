/* SPDX-License-Identifier: GPL-2.0-only */
/* From the kernel's contexts to struct frame, and how many bytes a packet is on the wire. */
#ifndef CURFEW_BPF_CTX_H
#define CURFEW_BPF_CTX_H

#include "cfg.h"
#include "maps.h"
#include "pkt.h"

/* Headers beyond this need not be linear: Ethernet, two tags, IPv6 with extensions, TCP. */
#define PULL_BYTES 192

/* What gso_size says when segments differ: SCTP, whose common header each of them repeats. */
#define GSO_BY_FRAGS 0xffff
#define SCTP_HEADER  12
#define TAG_BYTES    4

/* All but the bytes. Read anew, it needs no stack meanwhile. */
static __always_inline void frame_outline_xdp(struct xdp_md *ctx, struct frame *f)
{
	f->len = cfg.frags ? (__u32)bpf_xdp_get_buff_len(ctx) : (__u32)(ctx->data_end - ctx->data);
	f->ifindex = ctx->ingress_ifindex;
}

static __always_inline void frame_from_xdp(struct xdp_md *ctx, struct frame *f)
{
	f->data = (const __u8 *)(long)ctx->data;
	f->end = (const __u8 *)(long)ctx->data_end;
	frame_outline_xdp(ctx, f);
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

static __always_inline void frame_outline_skb(struct __sk_buff *skb, struct frame *f)
{
	f->len = SKB_LOAD(skb, len);
	f->ifindex = SKB_LOAD(skb, ifindex);
	f->ingress_ifindex = SKB_LOAD(skb, ingress_ifindex);
}

/* The bytes of a packet whose headers have been pulled. */
static __always_inline void frame_bytes_skb(struct __sk_buff *skb, struct frame *f)
{
	f->data = (const __u8 *)SKB_LOAD(skb, data);
	f->end = (const __u8 *)SKB_LOAD(skb, data_end);
	f->len = skb->len;
}

static __always_inline void frame_from_skb(struct __sk_buff *skb, struct frame *f)
{
	const struct cf_iface *iface;
	__u32 want;

	frame_outline_skb(skb, f);
	iface = iface_find(f->ifindex);
	want = f->len < PULL_BYTES ? f->len : PULL_BYTES;
	if (SKB_LOAD(skb, data_end) - SKB_LOAD(skb, data) < want)
		bpf_skb_pull_data(skb, want);
	f->data = (const __u8 *)SKB_LOAD(skb, data);
	f->end = (const __u8 *)SKB_LOAD(skb, data_end);
	f->raw_l3 = iface && iface->flags & CF_IF_RAW_L3;
	/* it is 1 or 0; saying so spares the verifier a branch */
	f->tagged = SKB_LOAD(skb, vlan_present) & 1;
	f->vlan = (__u16)(SKB_LOAD(skb, vlan_tci) & 0xfff & -(__u32)f->tagged);
}

/*
 * How many frames a GSO packet becomes, from its sizes: gso_segs may be 0. Where the
 * payload is cut is known for TCP, UDP and, by inner_segmented(), for tunnels. It
 * is not known for fragments of UDP (virtio's old UFO; the UDP header is then taken
 * for one of each) and for ESP: off by the inner headers of each segment but one.
 */
static __always_inline __u32 segments_of(const struct __sk_buff *skb, const struct pkt *p,
					 __u32 bytes)
{
	__u32 gso_size = skb->gso_size;

	if (!gso_size || bytes <= p->headers)
		return 1;
	if (gso_size == GSO_BY_FRAGS)
		return skb->gso_segs ? skb->gso_segs : 1;
	return (bytes - p->headers + gso_size - 1) / gso_size;
}

/* At TC ingress nobody has added up the segments' headers. `tag`: TAG_BYTES of each, not in len. */
static __always_inline __u32 wire_from_segments(const struct __sk_buff *skb, __u32 len, __u32 tag,
						const struct pkt *p)
{
	__u32 bytes = len - (p->jumbo ? 8 : 0), gso_size = skb->gso_size, segments, headers;

	if (!gso_size)
		return bytes + tag;
	segments = segments_of(skb, p, bytes);
	headers = p->headers + (gso_size == GSO_BY_FRAGS ? SCTP_HEADER : 0);
	return bytes + (segments - 1) * headers + segments * tag;
}

/* At TC egress the kernel has, where it knows more than len: wire_len. */
static __always_inline __u32 wire_at_egress(const struct __sk_buff *skb, __u32 len, __u32 tag,
					    const struct pkt *p)
{
	__u32 wire = SKB_LOAD(skb, wire_len);

	wire = (wire > len ? wire : len) - (p->jumbo ? 8 : 0);
	return tag ? wire + segments_of(skb, p, len) * tag : wire;
}

#endif
