/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IPv4 and IPv6, up to the ports. Sources: RFC 791, 8200, 4302 (AH length), 2675 (jumbograms),
 * 9293 (TCP), 768 (UDP), 2131 and 8415 (DHCP), 4861 (neighbour discovery).
 */
#ifndef CURFEW_BPF_PARSE_IP_H
#define CURFEW_BPF_PARSE_IP_H

#include "parse_bytes.h"

#define PORT_TEREDO     3544
#define PORT_ESP        4500
#define PORT_VXLAN      4789
#define PORT_GENEVE     6081
#define PORT_VXLAN_OLD  8472 /* before it had a number; still the default of `ip link` */
#define PORTS(src, dst) ((__u32)(src) << 16 | (dst))

#define EXTENSIONS_MAX   8
#define EXTENSIONS_BYTES 2048
#define IPV4_LATER       0x1fff
#define IPV4_MORE        0x2000
#define JUMBO_OPTION     8 /* bytes of a hop-by-hop header with nothing else in it */

#define NOTE(note) (1U << CF_NOTE_##note)

/*
 * Whether a UDP packet may be a tunnel's: by its port, or by a WireGuard message's
 * first bytes. decap() decides; nearly all that is sent ends here.
 */
static __always_inline bool udp_suspect(const __u8 *payload, __u16 sport, __u16 dport)
{
	switch (dport) {
	case PORT_VXLAN:
	case PORT_VXLAN_OLD:
	case PORT_GENEVE:
	case PORT_TEREDO:
	case PORT_ESP:
		return true;
	}
	if (sport == PORT_TEREDO || sport == PORT_ESP)
		return true;
	/* 1 to 4, and three zero bytes */
	return ((get32(payload) - 0x01000000) & 0xfcffffff) == 0;
}

/* Bytes behind the IP packet are not its ports. */
static __always_inline void parse_ports(const struct frame *f, const __u8 *at, __u32 avail,
					struct pkt *p)
{
	if (!holds(f, at, 4) || avail < 4)
		return;
	p->sport = get16(at);
	p->dport = get16(at + 2);
	p->has_ports = true;
}

static __always_inline void parse_tcp(const struct frame *f, const __u8 *at, __u32 avail,
				      struct pkt *p)
{
	__u32 header = 0, ack;

	if (holds(f, at, 14) && avail >= 14) {
		header = (__u32)(at[12] >> 4) * 4;
		ack = at[13] >> 4 & 1;
		/* who sends a SYN begins, who sends one with ACK answers */
		p->began = (__u8)(CF_SLOT_BEGAN_INSIDE << ack & -(at[13] >> 1 & 1));
	}
	/* a header that does not fit: nothing of it is free */
	if (header > avail || header < 20)
		header = 0;
	p->payload_bytes = avail - header;
	p->headers += header;
}

static __always_inline void parse_udp(const struct frame *f, const __u8 *at, __u32 avail,
				      struct pkt *p)
{
	__u32 ports = PORTS(p->sport, p->dport);

	if (avail < 8)
		return;
	p->payload_bytes = avail - 8;
	p->headers += 8;
	p->configuration = ports == PORTS(68, 67) || ports == PORTS(546, 547);
	if (holds(f, at, 12) && avail >= 12)
		p->tunnel = udp_suspect(at + 8, p->sport, p->dport);
}

/*
 * `avail` is what the frame has from the transport header on, by the IP length
 * where that is credible. Sets ports, payload, headers, and what hangs on them. `hops`: IPv6's
 * hop limit.
 */
static __always_inline void parse_transport(const struct frame *f, __u32 offset, __u32 avail,
					    __u32 hops, struct pkt *p)
{
	const __u8 *at = f->data + offset;

	p->payload_bytes = avail;
	p->headers = offset;
	p->transport_at = (__u16)offset;
	if (p->later_fragment)
		return;
	switch (p->proto.n) {
	case PROTO_TCP:
		parse_ports(f, at, avail, p);
		parse_tcp(f, at, avail, p);
		return;
	case PROTO_UDP:
		parse_ports(f, at, avail, p);
		parse_udp(f, at, avail, p);
		return;
	case PROTO_SCTP:
	case PROTO_UDPLITE:
	case PROTO_DCCP:
		parse_ports(f, at, avail, p);
		return;
	case PROTO_ICMPV6:
		/* router and neighbour discovery: believed only from the same link */
		if (hops == 255 && !p->fragment && avail && holds(f, at, 1))
			p->configuration = at[0] - 133U < 5;
		return;
	case PROTO_IPV4:
	case PROTO_IPV6:
	case PROTO_GRE:
	case PROTO_ESP:
		p->tunnel = true;
	}
}

/* `later`: 0, or the offset of a later fragment. */
static __always_inline void set_fragment(struct pkt *p, __u32 fragment, __u32 later)
{
	p->fragment = fragment;
	p->later_fragment = later;
	p->notes |= (1 - equal(fragment, 0)) << CF_NOTE_FRAGMENT |
		    (1 - equal(later, 0)) << CF_NOTE_LATER_FRAGMENT;
}

static __always_inline enum cf_reason parse_ipv4(const struct frame *f, __u32 offset, struct pkt *p)
{
	const __u8 *at = f->data + offset;
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
	if (frag & (IPV4_LATER | IPV4_MORE))
		set_fragment(p, 1, frag & IPV4_LATER);
	total = get16(at + 2);
	/* Ethernet pads short frames; BIG TCP says 0 */
	if (total < ihl || total > left)
		total = left;
	parse_transport(f, offset + ihl, total - ihl, 0, p);
	return UNDECIDED;
}

/* Bit sets instead of comparisons: each comparison would be one more path to verify. */
#define EXT_BIT(proto) (1ULL << ((proto)&63))
#define EXTENSIONS_0                                                                               \
	(EXT_BIT(PROTO_HOPOPTS) | EXT_BIT(PROTO_ROUTING) | EXT_BIT(PROTO_FRAGMENT) |               \
	 EXT_BIT(PROTO_AH) | EXT_BIT(PROTO_DSTOPTS))
#define EXTENSIONS_128 (EXT_BIT(PROTO_MOBILITY) | EXT_BIT(PROTO_HIP) | EXT_BIT(PROTO_SHIM6))

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
	p->payload_bytes = payload;
	p->headers = headers;
	set_fragment(p, fragment, 0);
	p->notes |= NOTE(EXTENSIONS);
	return UNDECIDED;
}

/*
 * IPv6 BIG TCP as older kernels do it: the stack itself puts a jumbo payload option
 * into packets of more than 64 KiB and takes it out before the wire. `ip` holds
 * 40 bytes, of `left`. A host that sends one in a frame of its own gains nothing:
 * there it is an extension header like others.
 */
static __always_inline bool is_jumbo(const struct frame *f, const __u8 *ip, __u32 left)
{
	return left > 40 + 0xffff && holds(f, ip, 40 + JUMBO_OPTION) &&
	       !(ip[4] | ip[5] | ip[6] | ip[41]) && ip[42] == 0xc2 && ip[43] == 4;
}

/* What nearly all IPv6 is: TCP or UDP right after the header. False: nothing is done, parse_ipv6()
 * is to. */
static __always_inline bool parse_ipv6_plain(const struct frame *f, __u32 offset, struct pkt *p)
{
	const __u8 *at = f->data + offset;
	__u32 left = f->len - offset, total;

	if (!holds(f, at, 40) || left < 40)
		return false;
	total = get16(at + 4);
	if (at[0] >> 4 != 6 || (at[6] != PROTO_TCP && at[6] != PROTO_UDP) || !total ||
	    total > left - 40)
		return false;
	p->l3 = L3_IPV6;
	p->proto.n = at[6];
	for (int i = 0; i < 2; i++) {
		p->src.half[i] = raw64(at + 8 + 8 * i);
		p->dst.half[i] = raw64(at + 24 + 8 * i);
	}
	parse_transport(f, offset + 40, total, 0, p);
	return true;
}

static __always_inline enum cf_reason parse_ipv6(const struct frame *f, __u32 offset, struct pkt *p)
{
	const __u8 *at = f->data + offset;
	__u32 left = f->len - offset, total, skipped = 0, later = 0, fragment = 0, next;

	if (!holds(f, at, 40) || left < 40)
		return CF_REASON_UNPARSED_SHORT_IP;
	if (at[0] >> 4 != 6)
		return CF_REASON_UNPARSED_BAD_IP;
	p->l3 = L3_IPV6;
	for (int i = 0; i < 2; i++) {
		p->src.half[i] = raw64(at + 8 + 8 * i);
		p->dst.half[i] = raw64(at + 24 + 8 * i);
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
		KEEP_MASK(size);
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
	set_fragment(p, fragment, later);
	/* RFC 8200, 4.5: only the first fragment's next header counts, so a later one may lie */
	p->proto.n = later ? PROTO_NONE : (__u8)next;
	parse_transport(f, offset + 40 + skipped, total - skipped, at[7], p);
	/* what travels in extension headers is payload too: options can carry anything */
	p->payload_bytes += skipped;
	p->jumbo = is_jumbo(f, at, left);
	if (p->jumbo) {
		p->payload_bytes -= JUMBO_OPTION;
		p->headers -= JUMBO_OPTION;
	}
	return UNDECIDED;
}

#endif
