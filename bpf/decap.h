/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One level of tunnels, for the books: what kind, and where an inner IP header
 * begins. The outer destination stays what is judged and charged. Pure, as
 * parse.h; runs only for what the parser marked as `tunnel`.
 *
 * Sources: RFC 2003 (IPIP), 4213 (6in4), 2473 (4in6, 6in6), 2784 and 2890 (GRE),
 * 7348 (VXLAN), 8926 (Geneve), 4380 (Teredo), 4303 and 3948 (ESP, in UDP), and
 * WireGuard's paper for its four messages.
 */
#ifndef CURFEW_BPF_DECAP_H
#define CURFEW_BPF_DECAP_H

#include "parse.h"

/* Not a note: no tunnel after all. */
#define NO_TUNNEL CF_NOTE_MAX

/* All that can be before an inner header: less than this. */
#define DECAP_BYTES_MAX 0xfff

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING  0x4000
#define GRE_KEY      0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION  0x0007

#define VXLAN_HAS_ID 0x08

#define TEREDO_AUTHENTICATION 0x0001
#define TEREDO_ORIGIN         0x0000

#define WG_INITIATION       1
#define WG_RESPONSE         2
#define WG_COOKIE           3
#define WG_DATA             4
#define WG_INITIATION_BYTES 148
#define WG_RESPONSE_BYTES   92
#define WG_COOKIE_BYTES     64
#define WG_DATA_BYTES_MIN   32
#define WG_DATA_PADDING     16
/* Not padded beyond the tunnel's MTU: so most of what is sent in bulk is not. None has less. */
#define WG_DATA_FULL (WG_DATA_BYTES_MIN + 1280)

/* `n` bytes at an offset, or NULL if the frame does not hold them. */
static __always_inline const __u8 *look(const struct frame *f, __u32 at, __u32 n)
{
	const __u8 *b;

	KEEP_MASK(at);
	b = f->data + (at & DECAP_BYTES_MAX);
	return holds(f, b, n) ? b : NULL;
}

static __always_inline void set_inner(const struct frame *f, __u32 at, __u32 ethertype,
				      struct pkt *p)
{
	__u32 l3 = ethertype == ETHERTYPE_IPV4   ? L3_IPV4
		   : ethertype == ETHERTYPE_IPV6 ? L3_IPV6
						 : L3_NONE;

	if (l3 == L3_NONE || at + (l3 == L3_IPV4 ? 20 : 40) > f->len)
		return;
	p->inner_l3 = (__u8)l3;
	p->inner_at = (__u16)at;
}

/* An Ethernet frame in a tunnel, tagged or not; else what the ethertype says. */
static __always_inline void inner_ether(const struct frame *f, __u32 at, __u32 type, struct pkt *p)
{
	const __u8 *b;

	if (type == ETHERTYPE_TEB) {
		b = look(f, at, 14);
		if (!b)
			return;
		type = get16(b + 12);
		at += 14;
	}
	for (int i = 0; i < TAGS_MAX; i++) {
		if (!is_tag(type))
			break;
		b = look(f, at, 4);
		if (!b)
			return;
		type = get16(b + 2);
		at += 4;
	}
	set_inner(f, at, type, p);
}

static __always_inline void inner_gre(const struct frame *f, __u32 at, struct pkt *p)
{
	const __u8 *b = look(f, at, 4);
	__u32 flags, type;

	if (!b)
		return;
	flags = get16(b);
	type = get16(b + 2);
	/* version 1 is PPTP's; routing is long gone, and nobody reads it */
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return;
	at += 4 + 4 * (flags >> 15) + 4 * (flags >> 13 & 1) + 4 * (flags >> 12 & 1);
	inner_ether(f, at, type, p);
}

static __always_inline enum cf_note decap_vxlan(const struct frame *f, __u32 at, struct pkt *p)
{
	const __u8 *b = look(f, at, 8);

	if (!b || !(b[0] & VXLAN_HAS_ID))
		return NO_TUNNEL;
	inner_ether(f, at + 8, ETHERTYPE_TEB, p);
	return CF_NOTE_VXLAN;
}

static __always_inline enum cf_note decap_geneve(const struct frame *f, __u32 at, struct pkt *p)
{
	const __u8 *b = look(f, at, 8);

	if (!b || b[0] >> 6)
		return NO_TUNNEL;
	inner_ether(f, at + 8 + 4 * (b[0] & 0x3f), get16(b + 2), p);
	return CF_NOTE_GENEVE;
}

static __always_inline enum cf_note decap_teredo(const struct frame *f, __u32 at, struct pkt *p)
{
	const __u8 *b = look(f, at, 4);

	if (b && get16(b) == TEREDO_AUTHENTICATION) {
		/* client identifier, authentication value, nonce, confirmation */
		at += 4 + b[2] + b[3] + 8 + 1;
		b = look(f, at, 4);
	}
	if (b && get16(b) == TEREDO_ORIGIN) {
		at += 8;
		b = look(f, at, 4);
	}
	if (!b || b[0] >> 4 != 6)
		return NO_TUNNEL;
	set_inner(f, at, ETHERTYPE_IPV6, p);
	return CF_NOTE_TEREDO;
}

/* By the lengths that its messages have; `size` is the UDP payload's. */
static __always_inline bool is_wireguard(__u32 type, __u32 size)
{
	switch (type) {
	case WG_INITIATION:
		return size == WG_INITIATION_BYTES;
	case WG_RESPONSE:
		return size == WG_RESPONSE_BYTES;
	case WG_COOKIE:
		return size == WG_COOKIE_BYTES;
	case WG_DATA:
		return size >= WG_DATA_BYTES_MIN &&
		       (size % WG_DATA_PADDING == 0 || size >= WG_DATA_FULL);
	default:
		return false;
	}
}

static __always_inline enum cf_note decap_udp(const struct frame *f, __u32 at, struct pkt *p)
{
	const __u8 *b = look(f, at, 12);
	enum cf_note note = NO_TUNNEL;
	__u32 size, first;

	if (!b)
		return NO_TUNNEL;
	/* the receiver cuts off what is beyond it */
	size = (__u32)get16(b + 4) - 8;
	first = get32(b + 8);
	at += 8;
	if (p->dport == PORT_VXLAN || p->dport == PORT_VXLAN_OLD)
		note = decap_vxlan(f, at, p);
	else if (p->dport == PORT_GENEVE)
		note = decap_geneve(f, at, p);
	else if (p->dport == PORT_TEREDO || p->sport == PORT_TEREDO)
		note = decap_teredo(f, at, p);
	else if ((p->dport == PORT_ESP || p->sport == PORT_ESP) && first)
		note = CF_NOTE_ESP;
	if (note == NO_TUNNEL && !(first & 0xffffff) && is_wireguard(first >> 24, size))
		note = CF_NOTE_WIREGUARD;
	return note;
}

static __always_inline enum cf_note decap_kind(const struct frame *f, __u32 at, struct pkt *p)
{
	bool four = p->l3 == L3_IPV4;

	switch (p->proto.n) {
	case PROTO_UDP:
		return decap_udp(f, at, p);
	case PROTO_IPV4:
		set_inner(f, at, ETHERTYPE_IPV4, p);
		return four ? CF_NOTE_IPIP : CF_NOTE_FOURINSIX;
	case PROTO_IPV6:
		set_inner(f, at, ETHERTYPE_IPV6, p);
		return four ? CF_NOTE_SIXINFOUR : CF_NOTE_SIXINSIX;
	case PROTO_GRE:
		inner_gre(f, at, p);
		return CF_NOTE_GRE;
	case PROTO_ESP:
		return CF_NOTE_ESP;
	default:
		return NO_TUNNEL;
	}
}

/*
 * Of a packet that parsed and has `tunnel` set: adds its note and says where the
 * inner IP header is. NO_TUNNEL if it only looked like one.
 */
static __always_inline enum cf_note decap(const struct frame *f, struct pkt *p)
{
	enum cf_note note = decap_kind(f, p->transport_at, p);

	if (note != NO_TUNNEL)
		p->notes |= 1U << (note & 31);
	return note;
}

/* Of the inner header at `ip`, in 40 bytes. False: it is none. */
static __always_inline bool inner_is_ip(const struct pkt *p, const __u8 *ip)
{
	return ip[0] >> 4 == (p->inner_l3 == L3_IPV4 ? 4 : 6);
}

/* Both are read: clang would choose between two stack pointers by an `or`, which no verifier takes.
 */
static __always_inline __u8 inner_protocol(const struct pkt *p, const __u8 *ip)
{
	__u8 four = *(const volatile __u8 *)(ip + 9), six = *(const volatile __u8 *)(ip + 6);

	return p->inner_l3 == L3_IPV4 ? four : six;
}

/*
 * Whether a GSO packet was segmented by what is inside the tunnel, and not by the
 * outer UDP: then the inner length is the whole packet's. BIG TCP says 0. Returns
 * the inner IP header's bytes; 0: it was not.
 */
static __always_inline __u32 inner_segmented(const struct pkt *p, const __u8 *ip, __u32 gso_size)
{
	__u32 four = (__u32) * (const volatile __u8 *)(ip + 2) << 8 | ip[3];
	__u32 six = (__u32) * (const volatile __u8 *)(ip + 4) << 8 | ip[5];
	__u32 total = p->inner_l3 == L3_IPV4 ? four : six;
	__u32 header = p->inner_l3 == L3_IPV4 ? (__u32)(ip[0] & 0xf) * 4 : 40;

	return total && total <= gso_size ? 0 : header;
}

#endif
