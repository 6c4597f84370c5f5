/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From bytes to struct pkt. Works on a frame alone, bounded everywhere, never
 * reads behind frame.end. What it does not understand gets a reason.
 *
 * Sources: IEEE 802.1Q; RFC 791, 8200, 4302 (AH length), 9293 (TCP), 768 (UDP).
 */
#ifndef CURFEW_BPF_PARSE_H
#define CURFEW_BPF_PARSE_H

#include "pkt.h"

/* Not a reason: go on. */
#define UNDECIDED CF_REASON_MAX

#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_ARP   0x0806
#define ETHERTYPE_VLAN  0x8100
#define ETHERTYPE_IPV6  0x86dd
#define ETHERTYPE_SLOW  0x8809 /* LACP, marker */
#define ETHERTYPE_PPPD  0x8863 /* PPPoE discovery */
#define ETHERTYPE_EAPOL 0x888e
#define ETHERTYPE_QINQ  0x88a8
#define ETHERTYPE_LLDP  0x88cc
#define ETHERTYPE_MIN   0x0600 /* below: an 802.3 length */

#define TAGS_MAX         2
#define EXTENSIONS_MAX   8
#define EXTENSIONS_BYTES 2048
#define IPV4_LATER       0x1fff
#define IPV4_MORE        0x2000

static __always_inline __u16 get16(const __u8 *b)
{
	return (__u16)(b[0] << 8 | b[1]);
}

static __always_inline __u32 raw32(const __u8 *b)
{
	__u32 v;

	__builtin_memcpy(&v, b, 4);
	return v;
}

static __always_inline bool holds(const struct frame *f, const __u8 *at, __u32 n)
{
	return at + n <= f->end;
}

/*
 * `avail` is what the frame has from the transport header on, by the IP length
 * where that is credible. Sets ports, payload and headers.
 */
static __always_inline enum cf_reason parse_transport(const struct frame *f, const __u8 *at,
						      __u32 offset, __u32 avail, __u32 ip_payload,
						      struct pkt *p)
{
	__u32 header = 0;

	if (p->later_fragment || (p->proto.n != PROTO_TCP && p->proto.n != PROTO_UDP)) {
		p->payload_bytes = p->later_fragment ? avail : ip_payload;
		p->headers = offset + avail - p->payload_bytes;
		return UNDECIDED;
	}
	if (holds(f, at, 4)) {
		p->sport = get16(at);
		p->dport = get16(at + 2);
	}
	if (p->proto.n == PROTO_UDP)
		header = 8;
	else if (holds(f, at, 14))
		header = (__u32)(at[12] >> 4) * 4;
	/* a header that does not fit: nothing of it is free */
	if (header > avail || (p->proto.n == PROTO_TCP && header < 20))
		header = 0;
	p->payload_bytes = avail - header;
	p->headers = offset + header;
	return UNDECIDED;
}

static __always_inline enum cf_reason parse_ipv4(const struct frame *f, const __u8 *at,
						 __u32 offset, struct pkt *p)
{
	__u32 left = f->len - offset, ihl, total, frag;

	if (!holds(f, at, 20) || left < 20)
		return CF_REASON_UNPARSED_SHORT_IP;
	ihl = (__u32)(at[0] & 0xf) * 4;
	if (at[0] >> 4 != 4 || ihl < 20)
		return CF_REASON_UNPARSED_BAD_IP;
	if (ihl > left)
		return CF_REASON_UNPARSED_SHORT_IP;
	p->l3 = L3_IPV4;
	p->proto.n = at[9];
	p->src.word[0] = raw32(at + 12);
	p->dst.word[0] = raw32(at + 16);
	frag = get16(at + 6);
	p->fragment = frag & (IPV4_LATER | IPV4_MORE);
	p->later_fragment = frag & IPV4_LATER;
	total = get16(at + 2);
	/* Ethernet pads short frames; BIG TCP says 0 */
	if (total < ihl || total > left)
		total = left;
	return parse_transport(f, at + ihl, offset + ihl, total - ihl, total - ihl, p);
}

/* Bit sets instead of comparisons: each comparison would be one more path to verify. */
#define EXT_BIT(proto) (1ULL << ((proto)&63))
#define EXTENSIONS_0                                                                               \
	(EXT_BIT(PROTO_HOPOPTS) | EXT_BIT(PROTO_ROUTING) | EXT_BIT(PROTO_FRAGMENT) |               \
	 EXT_BIT(PROTO_AH) | EXT_BIT(PROTO_DSTOPTS))
#define EXTENSIONS_128 (EXT_BIT(PROTO_MOBILITY) | EXT_BIT(PROTO_HIP) | EXT_BIT(PROTO_SHIM6))

/* 1 if they are, else 0; the barrier keeps clang from making it a branch again. */
static __always_inline __u32 equal(__u32 a, __u32 b)
{
	__u64 differs = a ^ b;

	asm volatile("" : "+r"(differs));
	return (__u32)((differs - 1) >> 63);
}

static __always_inline __u32 is_extension(__u32 proto)
{
	__u64 set = (EXTENSIONS_0 & -(__u64)equal(proto >> 6, 0)) |
		    (EXTENSIONS_128 & -(__u64)equal(proto >> 6, 2));

	return set >> (proto & 63) & 1;
}

/*
 * Extension headers that are cut short, or more than we walk: the addresses are
 * known, so the packet is judged by them, as a protocol without a name whose
 * payload is all there is. Skipping it would be a way around every policy.
 */
static __always_inline enum cf_reason parse_other(__u32 payload, __u32 headers, __u32 fragment,
						  struct pkt *p)
{
	p->proto.n = PROTO_NONE;
	p->fragment = fragment;
	p->payload_bytes = payload;
	p->headers = headers;
	return UNDECIDED;
}

static __always_inline enum cf_reason parse_ipv6(const struct frame *f, const __u8 *at,
						 __u32 offset, struct pkt *p)
{
	__u32 left = f->len - offset, total, skipped = 0, later = 0, fragment = 0, next;

	if (!holds(f, at, 40) || left < 40)
		return CF_REASON_UNPARSED_SHORT_IP;
	if (at[0] >> 4 != 6)
		return CF_REASON_UNPARSED_BAD_IP;
	p->l3 = L3_IPV6;
	for (int i = 0; i < 4; i++) {
		p->src.word[i] = raw32(at + 8 + 4 * i);
		p->dst.word[i] = raw32(at + 24 + 4 * i);
	}
	total = get16(at + 4);
	if (!total || total > left - 40)
		total = left - 40;
	next = at[6];
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const __u8 *ext = at + 40 + skipped;
		__u32 size, ah, frag;

		if (!is_extension(next) || later)
			break;
		if (!holds(f, ext, 8))
			return parse_other(total, offset + 40, fragment, p);
		/* in units of 8, AH of 4 and two more, a fragment header always 8; without a
		 * branch, each of which would double the ways to verify */
		ah = equal(next, PROTO_AH);
		frag = equal(next, PROTO_FRAGMENT);
		size = 8 + ext[1] * (8 - 4 * ah - 8 * frag);
		asm volatile("" : "+r"(size)); /* clang knows that it fits, the verifier does not */
		size &= 0xfff;
		fragment |= frag;
		later = get16(ext + 2) & 0xfff8 & -frag;
		next = ext[0];
		skipped += size;
		if (skipped > EXTENSIONS_BYTES)
			return parse_other(total, offset + 40, fragment, p);
	}
	if (skipped > total || (is_extension(next) && !later))
		return parse_other(total, offset + 40, fragment, p);
	p->fragment = fragment;
	p->later_fragment = later;
	p->proto.n = (__u8)next;
	parse_transport(f, at + 40 + skipped, offset + 40 + skipped, total - skipped,
			total - skipped, p);
	/* what travels in extension headers is payload too: options can carry anything */
	p->payload_bytes += skipped;
	p->headers -= skipped;
	return UNDECIDED;
}

/* The reason for what is not IP. */
static __always_inline enum cf_reason not_ip(__u16 ethertype)
{
	switch (ethertype) {
	case ETHERTYPE_ARP:
		return CF_REASON_IGNORED_ARP;
	case ETHERTYPE_SLOW:
	case ETHERTYPE_PPPD:
	case ETHERTYPE_EAPOL:
	case ETHERTYPE_LLDP:
		return CF_REASON_IGNORED_CONTROL;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
		return CF_REASON_UNPARSED_TAGS;
	default:
		return CF_REASON_UNPARSED_NON_IP;
	}
}

/* UNDECIDED: `p` is complete but for wire_bytes, which the hook knows. Else why it is not judged.
 */
static __always_inline enum cf_reason parse_frame(const struct frame *f, struct pkt *p)
{
	const __u8 *at = f->data;
	__u32 offset = 0;
	__u16 type;

	if (f->raw_l3) {
		if (!holds(f, at, 1))
			return CF_REASON_UNPARSED_SHORT_IP;
		type = at[0] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	} else {
		if (!holds(f, at, 14) || f->len < 14)
			return CF_REASON_UNPARSED_ETHER;
		__builtin_memcpy(p->mac, at + 6, 6);
		p->has_mac = true;
		type = get16(at + 12);
		offset = 14;
	}
	at += offset;
	for (int i = 0; i < TAGS_MAX; i++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
			break;
		if (!holds(f, at, 4) || f->len < offset + 4)
			return CF_REASON_UNPARSED_ETHER;
		type = get16(at + 2);
		at += 4;
		offset += 4;
	}
	if (type == ETHERTYPE_IPV4)
		return parse_ipv4(f, at, offset, p);
	if (type == ETHERTYPE_IPV6)
		return parse_ipv6(f, at, offset, p);
	/* 802.3 with LLC 42-42-03: spanning tree */
	if (type < ETHERTYPE_MIN && holds(f, at, 2) && at[0] == 0x42 && at[1] == 0x42)
		return CF_REASON_IGNORED_CONTROL;
	return not_ip(type);
}

#endif
