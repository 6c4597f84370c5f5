/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one parser said of one packet, in a form that all of them can write: the
 * host's, the two BPF programs, and the Python side that compares. Little endian
 * machines only, as it is a file between two processes of one machine.
 */
#ifndef CURFEW_TESTS_DIFF_FACTS_H
#define CURFEW_TESTS_DIFF_FACTS_H

#include "pkt.h"

enum facts_how { FACTS_NONE, FACTS_HOST, FACTS_TEST_RUN, FACTS_INJECTED };

enum facts_flags {
	FACTS_FRAGMENT = 1 << 0,
	FACTS_LATER = 1 << 1,
	FACTS_MAC = 1 << 2,
};

/* facts.py reads it by these offsets. */
struct facts {
	__u32 seen; /* counts up with every packet that the program saw */
	__u8 reason;
	__u8 l3;
	__u8 proto;
	__u8 flags;
	__u8 src[16];
	__u8 dst[16];
	__u16 sport, dport;
	__u32 payload;
	/* up to here compared as one string of bytes, `seen` apart */
	__u32 headers;
	__u32 notes;
	__u16 vlan;
	__u16 inner_at;
	__u8 inner_l3;
	__u8 how; /* enum facts_how; only in the file */
	__u8 mac[6];
	__u32 wire;
};
_Static_assert(sizeof(struct facts) == 72, "facts.py reads it");

static __always_inline void facts_of(const struct pkt *p, __u32 reason, struct facts *f)
{
	f->reason = (__u8)reason;
	f->l3 = (__u8)p->l3;
	f->proto = p->proto.n;
	f->flags = (__u8)((p->fragment ? FACTS_FRAGMENT : 0) |
			  (p->later_fragment ? FACTS_LATER : 0) | (p->has_mac ? FACTS_MAC : 0));
	__builtin_memcpy(f->src, p->src.word, 16);
	__builtin_memcpy(f->dst, p->dst.word, 16);
	f->sport = p->sport;
	f->dport = p->dport;
	f->payload = p->payload_bytes;
	f->headers = p->headers;
	f->notes = p->notes;
	f->vlan = p->vlan;
	f->inner_at = p->inner_at;
	f->inner_l3 = p->inner_l3;
	__builtin_memcpy(f->mac, p->mac, 6);
	f->wire = p->wire_bytes;
	f->seen++;
}

#endif
