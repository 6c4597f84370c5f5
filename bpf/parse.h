/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From bytes to struct pkt. Works on a frame alone, bounded everywhere, never
 * reads behind frame.end. What it does not understand gets a reason.
 *
 * Here the link layer; then parse_ip.h. Sources: IEEE 802.1Q, 802.2; RFC 1042 (SNAP),
 * 1661 and 2516 (PPP, PPPoE). Tunnels: decap.h.
 */
#ifndef CURFEW_BPF_PARSE_H
#define CURFEW_BPF_PARSE_H

#include "parse_ip.h"

#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_ARP   0x0806
#define ETHERTYPE_TEB   0x6558 /* Ethernet in a tunnel */
#define ETHERTYPE_VLAN  0x8100
#define ETHERTYPE_IPV6  0x86dd
#define ETHERTYPE_SLOW  0x8809 /* LACP, marker */
#define ETHERTYPE_PPPD  0x8863 /* PPPoE discovery */
#define ETHERTYPE_PPPS  0x8864 /* PPPoE session */
#define ETHERTYPE_EAPOL 0x888e
#define ETHERTYPE_QINQ  0x88a8
#define ETHERTYPE_LLDP  0x88cc
#define ETHERTYPE_MIN   0x0600 /* below: an 802.3 length */

#define PPPOE_SESSION 0x1100 /* version 1, type 1, code 0 */
#define PPP_IPV4      0x0021
#define PPP_IPV6      0x0057
#define PPP_CONTROL   0x8000 /* from here on: LCP, IPCP, authentication, ... */

#define SNAP_PVST 0x000c010b /* the tail of Cisco's OUI, and its number for it */

#define TAGS_MAX       2
#define LINK_BYTES_MAX 63 /* Ethernet, two tags, PPPoE or SNAP: 38 */

/* The reason for what is not IP. */
static __always_inline enum cf_reason not_ip(__u32 ethertype)
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

/* Where the link's headers end, and the ethertype of what follows. */
struct link {
	__u32 offset;
	__u32 type;
};

static __always_inline bool is_tag(__u32 type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ;
}

/* Ethernet and at most two tags, one of which may be in the metadata. */
static __always_inline enum cf_reason parse_ether(const struct frame *f, struct pkt *p,
						  struct link *l)
{
	const __u8 *at = f->data;

	if (!holds(f, at, 14) || f->len < 14)
		return CF_REASON_UNPARSED_ETHER;
	copy_mac(p->mac, at + 6);
	p->has_mac = true;
	p->vlan = f->vlan;
	l->type = get16(at + 12);
	l->offset = 14;
	for (__u32 i = 0; i < TAGS_MAX; i++) {
		at = f->data + 14 + 4 * i;
		if (!is_tag(l->type) || (i + 1 == TAGS_MAX && f->tagged))
			break;
		if (!holds(f, at, 4) || f->len < 18 + 4 * i)
			return CF_REASON_UNPARSED_ETHER;
		if (!i && !f->tagged)
			p->vlan = get16(at) & 0xfff;
		l->type = get16(at + 2);
		l->offset += 4;
	}
	return UNDECIDED;
}

/* A PPPoE session: the ethertype that its PPP protocol stands for, or why there is none. */
static __always_inline enum cf_reason parse_pppoe(const struct frame *f, struct link *l)
{
	const __u8 *at = f->data + l->offset;
	__u32 length, protocol, size = 8;

	if (!holds(f, at, 8) || f->len < l->offset + 8)
		return CF_REASON_UNPARSED_PPPOE;
	length = get16(at + 4);
	if (get16(at) != PPPOE_SESSION || length < 2 || length > f->len - l->offset - 6)
		return CF_REASON_UNPARSED_PPPOE;
	protocol = get16(at + 6);
	/* the high byte may be left out: then the first one is odd (RFC 1661 6.5) */
	if (protocol & 0x100) {
		protocol >>= 8;
		size = 7;
	}
	l->offset += size;
	if (protocol >= PPP_CONTROL)
		return CF_REASON_IGNORED_CONTROL;
	if (protocol != PPP_IPV4 && protocol != PPP_IPV6)
		return CF_REASON_UNPARSED_NON_IP;
	l->type = protocol == PPP_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	return UNDECIDED;
}

/*
 * An 802.3 frame. Linux itself takes no IP in it, but a bridge passes it on and
 * there are routers that do: so IP behind a SNAP header is parsed.
 */
static __always_inline enum cf_reason parse_llc(const struct frame *f, struct link *l)
{
	const __u8 *at = f->data + l->offset;

	/* 42-42-03: spanning tree */
	if (holds(f, at, 2) && at[0] == 0x42 && at[1] == 0x42)
		return CF_REASON_IGNORED_CONTROL;
	if (!holds(f, at, 8) || f->len < l->offset + 8)
		return CF_REASON_UNPARSED_NON_IP;
	if (get32(at) != 0xaaaa0300)
		return CF_REASON_UNPARSED_NON_IP;
	/* spanning tree per VLAN */
	if (get32(at + 4) == SNAP_PVST)
		return CF_REASON_IGNORED_CONTROL;
	if (at[4] || at[5])
		return CF_REASON_UNPARSED_NON_IP;
	l->type = get16(at + 6);
	l->offset += 8;
	return UNDECIDED;
}

/* Up to the IP header, if there is one: then UNDECIDED. */
static __always_inline enum cf_reason parse_link(const struct frame *f, struct pkt *p,
						 struct link *ret)
{
	enum cf_reason reason = UNDECIDED;
	struct link l = { 0 };

	if (!holds(f, f->data, 1))
		return f->raw_l3 ? CF_REASON_UNPARSED_SHORT_IP : CF_REASON_UNPARSED_ETHER;
	if (f->raw_l3)
		l.type = f->data[0] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	else
		reason = parse_ether(f, p, &l);
	if (reason == UNDECIDED && l.type == ETHERTYPE_PPPS)
		reason = parse_pppoe(f, &l);
	else if (reason == UNDECIDED && l.type < ETHERTYPE_MIN)
		reason = parse_llc(f, &l);
	if (reason != UNDECIDED)
		return reason;
	if (l.type != ETHERTYPE_IPV4 && l.type != ETHERTYPE_IPV6)
		return not_ip(l.type);
	FORGET(l.offset, f->data[0]);
	l.offset &= LINK_BYTES_MAX;
	*ret = l;
	return UNDECIDED;
}

/* UNDECIDED: `p` is complete but for wire_bytes, which the hook knows. Else why it is not judged.
 */
static __always_inline enum cf_reason parse_frame(const struct frame *f, struct pkt *p)
{
	struct link l = { 0 };
	enum cf_reason reason = parse_link(f, p, &l);

	if (reason != UNDECIDED)
		return reason;
	if (l.type == ETHERTYPE_IPV4)
		return parse_ipv4(f, l.offset, p);
	return parse_ipv6_plain(f, l.offset, p) ? UNDECIDED : parse_ipv6(f, l.offset, p);
}

#endif
