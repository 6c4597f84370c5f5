/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet is to us, and the few wire formats we read. Compiles for BPF
 * and for the host: the parser is fuzzed there. No helpers, no maps.
 */
#ifndef CURFEW_BPF_PKT_H
#define CURFEW_BPF_PKT_H

#ifndef __bpf__
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#undef __always_inline /* libc has one too */
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#endif

#include <curfew/abi.h>

/* Not a reason: go on. */
#define UNDECIDED CF_REASON_MAX

enum l3_kind { L3_NONE, L3_IPV4, L3_IPV6 };

struct ip_proto {
	__u8 n;
};
#define PROTO_HOPOPTS  0
#define PROTO_ICMP     1
#define PROTO_IPV4     4
#define PROTO_TCP      6
#define PROTO_UDP      17
#define PROTO_IPV6     41
#define PROTO_ROUTING  43
#define PROTO_FRAGMENT 44
#define PROTO_GRE      47
#define PROTO_ESP      50
#define PROTO_AH       51
#define PROTO_ICMPV6   58
#define PROTO_SCTP     132
#define PROTO_UDPLITE  136
#define PROTO_DCCP     33
#define PROTO_DSTOPTS  60
#define PROTO_MOBILITY 135
#define PROTO_HIP      139
#define PROTO_SHIM6    140
#define PROTO_NONE     255 /* reserved by IANA: what we could not walk to */

/* An address as on the wire; IPv4 uses word[0] only. */
struct ip_addr {
	union {
		__u32 word[4];
		__u64 half[2]; /* of IPv6, as it is read and written: words would be stalled */
	};
};

struct pkt {
	enum l3_kind l3;
	struct ip_proto proto;
	bool fragment;       /* any fragment */
	bool later_fragment; /* one without ports */
	bool has_mac;
	__u8 mac[6];        /* the sender's */
	__u32 ifindex;      /* of the device whose hook it is at */
	__u16 sport, dport; /* host order; 0 where there are none */
	bool has_ports;     /* they were there to be read */
	__u16 vlan;         /* outer VLAN id, from the frame or its metadata; 0: none */
	__u8 began;         /* CF_SLOT_BEGAN_*: who began this flow, where that can be told */
	__u8 initiated;     /* enum cf_began, as connection tracking knows it */
	bool asked;         /* it has been asked */
	bool configuration; /* DHCP or neighbour discovery: the gateway's own is not judged */
	__u8 inner_l3;      /* enum l3_kind of what a tunnel carries; NONE: none, or opaque */
	bool tunnel;        /* it may be one: decap() has to look */
	bool jumbo;         /* it has a jumbo option of 8 bytes that the wire never carries */
	__u16 inner_at;     /* where in the frame that header begins */
	__u16 transport_at; /* where in the frame the transport header begins */
	__u32 notes;        /* bit n: enum cf_note n */
	__u32 payload_bytes;
	__u32 headers; /* what each segment of a GSO packet repeats: all before the payload */
	__u32 wire_bytes;
	struct ip_addr src, dst;
};

/* A frame at a hook: the linear part, and what is known of the rest. */
struct frame {
	const __u8 *data;
	const __u8 *end;
	__u32 len; /* all of it, also what is not in [data, end) */
	__u32 ifindex;
	__u32 ingress_ifindex; /* 0: the gateway's own; only at TC egress */
	bool raw_l3;           /* begins with the IP header */
	bool tagged; /* a tag was taken off: its VLAN id is in `vlan`, 4 bytes not in len */
	__u16 vlan;  /* 0 if not tagged */
};

#endif
