/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books' side of decap.h: the map `tunnels`. Each of the two functions here
 * is proven once, and runs only for packets that the parser marked.
 */
#ifndef CURFEW_BPF_TUNNELS_H
#define CURFEW_BPF_TUNNELS_H

#include "ctx.h"
#include "decap.h"

/* By enum cf_note. */
static const char tunnel_kinds[CF_NOTE_MAX][16] = {
	[CF_NOTE_IPIP] = "ipip",      [CF_NOTE_SIXINFOUR] = "6in4",
	[CF_NOTE_FOURINSIX] = "4in6", [CF_NOTE_SIXINSIX] = "6in6",
	[CF_NOTE_GRE] = "gre",        [CF_NOTE_VXLAN] = "vxlan",
	[CF_NOTE_GENEVE] = "geneve",  [CF_NOTE_TEREDO] = "teredo",
	[CF_NOTE_ESP] = "esp",        [CF_NOTE_WIREGUARD] = "wireguard",
};

static __always_inline void outer_addresses(const struct pkt *p, struct cf_tunnel_key *k)
{
	if (p->l3 == L3_IPV6) {
		__builtin_memcpy(k->src, p->src.word, 16);
		__builtin_memcpy(k->dst, p->dst.word, 16);
		return;
	}
	k->src[10] = k->src[11] = k->dst[10] = k->dst[11] = 0xff;
	__builtin_memcpy(k->src + 12, p->src.word, 4);
	__builtin_memcpy(k->dst + 12, p->dst.word, 4);
}

/* `ip`: the inner header's first 40 bytes, or NULL. */
static __always_inline void show_inner(const struct pkt *p, const __u8 *ip, struct cf_tunnel *t)
{
	if (!ip)
		return;
	t->inner_protocol = inner_protocol(p, ip);
	if (p->inner_l3 == L3_IPV6) {
		__builtin_memcpy(t->inner_src, ip + 8, 16);
		__builtin_memcpy(t->inner_dst, ip + 24, 16);
		return;
	}
	__builtin_memset(t->inner_src, 0, 10);
	__builtin_memset(t->inner_dst, 0, 10);
	t->inner_src[10] = t->inner_src[11] = t->inner_dst[10] = t->inner_dst[11] = 0xff;
	__builtin_memcpy(t->inner_src + 12, ip + 12, 4);
	__builtin_memcpy(t->inner_dst + 12, ip + 16, 4);
}

static __always_inline void tunnel_book(const struct pkt *p, enum cf_hook hook, __u32 note,
					const __u8 *ip)
{
	struct cf_tunnel_key key = { .note = (__u16)note, .hook = hook };
	struct cf_tunnel *t, fresh = { 0 };

	if (note >= CF_NOTE_MAX)
		return;
	outer_addresses(p, &key);
	t = bpf_map_lookup_elem(&tunnels, &key);
	if (t) {
		t->packets++;
		t->wire_bytes += p->wire_bytes;
		show_inner(p, ip, t);
		return;
	}
	__builtin_memcpy(fresh.kind, tunnel_kinds[note], sizeof(fresh.kind));
	fresh.packets = 1;
	fresh.wire_bytes = p->wire_bytes;
	show_inner(p, ip, &fresh);
	bpf_map_update_elem(&tunnels, &key, &fresh, BPF_NOEXIST);
}

/* A packet that may be a tunnel's, at an inside hook in XDP. */
__noinline int tunnel_xdp(struct xdp_md *ctx, struct pkt *p)
{
	struct frame f = { 0 };
	const __u8 *inner = NULL;
	enum cf_note note;
	__u8 ip[40] = { 0 };

	if (!p)
		return 0;
	frame_from_xdp(ctx, &f);
	note = decap(&f, p);
	if (note == NO_TUNNEL)
		return 0;
	if (p->inner_l3 != L3_NONE &&
	    !bpf_xdp_load_bytes(ctx, p->inner_at, ip, p->inner_l3 == L3_IPV4 ? 20 : 40) &&
	    inner_is_ip(p, ip))
		inner = ip;
	else
		p->inner_l3 = L3_NONE;
	tunnel_book(p, CF_HOOK_INSIDE, note, inner);
	return 0;
}

/* What each segment repeats, when it was the inner packet that was segmented. */
static __always_inline void segment_headers(struct __sk_buff *skb, struct pkt *p, const __u8 *ip)
{
	__u32 header = inner_segmented(p, ip, skb->gso_size), at = p->inner_at + header;
	__u8 offset;

	if (!header)
		return;
	if (inner_protocol(p, ip) == PROTO_UDP)
		p->headers = at + 8;
	else if (inner_protocol(p, ip) == PROTO_TCP &&
		 !bpf_skb_load_bytes(skb, at + 12, &offset, 1))
		p->headers = at + (offset >> 4) * 4;
}

/* The same at TC, where it also says how many bytes a GSO packet in a tunnel is on the wire. */
__noinline int tunnel_skb(struct __sk_buff *skb, struct pkt *p, enum cf_hook hook)
{
	struct frame f = { 0 };
	const __u8 *inner = NULL;
	enum cf_note note;
	__u8 ip[40] = { 0 };

	if (!p)
		return 0;
	frame_bytes_skb(skb, &f);
	note = decap(&f, p);
	if (note == NO_TUNNEL)
		return 0;
	if (p->inner_l3 != L3_NONE &&
	    !bpf_skb_load_bytes(skb, p->inner_at, ip, p->inner_l3 == L3_IPV4 ? 20 : 40) &&
	    inner_is_ip(p, ip))
		inner = ip;
	else
		p->inner_l3 = L3_NONE;
	if (inner && skb->gso_size) {
		__u32 tag = skb->vlan_present ? TAG_BYTES : 0, wire;

		segment_headers(skb, p, ip);
		wire = wire_from_segments(skb, SKB_LOAD(skb, len), tag, p);
		/* older kernels' wire_len leaves out inner headers */
		if (wire > p->wire_bytes)
			p->wire_bytes = wire;
	}
	tunnel_book(p, hook, note, inner);
	return 0;
}

#endif
