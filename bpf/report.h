/* SPDX-License-Identifier: GPL-2.0-only */
/* Events for the daemon. Never needed for a verdict; when the ring is full the loss is counted. */
#ifndef CURFEW_BPF_REPORT_H
#define CURFEW_BPF_REPORT_H

#include "cfg.h"
#include "maps.h"
#include "pkt.h"

/* Who and what a packet is about, as scalars: it lives on the stack across bpf_loop(). */
struct subject {
	__u8 src[16];
	__u8 dst[16];
	__u8 mac[6];
	__u8 protocol;
	__u8 hook;
	__u16 sport;
	__u16 dport;
	__u32 payload_bytes;
	__u32 wire_bytes;
	__u32 asn;
	char cc[4];
	__u32 l3;
	__u32 by_mac;     /* the source is known by its MAC */
	__u32 foreign;    /* no network inside has it: nothing but its MAC tells who it is */
	__u32 as4;        /* key_dst is IPv4 */
	__u8 key_dst[16]; /* as quotas see it: IPv4 where the address only carries one */
};

static __always_inline void copy16(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, 16);
}

static __always_inline void map4(__u8 *to, __u32 addr)
{
	__u32 w[4] = { 0, 0, bpf_htonl(0xffff), addr };

	__builtin_memcpy(to, w, 16);
}

static __always_inline void report_lost(void)
{
	__u32 i = CF_LOSS_EVENTS;
	struct cf_traffic *t = bpf_map_lookup_elem(&losses, &i);

	if (t)
		t->packets++;
}

/* A filled event to complete and submit, or NULL. */
static __always_inline struct cf_event *report_begin(enum cf_event_kind kind,
						     const struct subject *s)
{
	struct cf_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		report_lost();
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->boot_ns = bpf_ktime_get_boot_ns();
	e->kind = kind;
	e->rule = e->quota = ~0U;
	e->generation = cfg.generation;
	e->hook = s->hook;
	copy16(e->src, s->src);
	copy16(e->dst, s->dst);
	__builtin_memcpy(e->mac, s->mac, 6);
	e->protocol = s->protocol;
	e->source_port = s->sport;
	e->destination_port = s->dport;
	e->packet_bytes = s->wire_bytes;
	return e;
}

#endif
