/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet is counted in: its pair's slot, or without one its label and class; and notes.
 */
#ifndef CURFEW_BPF_ACCOUNT_H
#define CURFEW_BPF_ACCOUNT_H

#include "new_pair.h"

static __always_inline void note_count(enum cf_hook hook, enum cf_note note, const struct pkt *p)
{
	__u32 i = hook * CF_NOTE_MAX + note;
	struct cf_note_count *c = bpf_map_lookup_elem(&notes, &i);

	if (!c)
		return;
	c->packets++;
	c->wire_bytes += p->wire_bytes;
}

static __always_inline void traffic_add(struct cf_traffic *t, const struct pkt *p)
{
	t->packets++;
	t->wire_bytes += p->wire_bytes;
	t->payload_bytes += p->payload_bytes;
}

/* Of a row that CPUs may share. */
static __always_inline void traffic_add_shared(struct cf_traffic *t, const struct pkt *p)
{
	__sync_fetch_and_add(&t->packets, 1);
	__sync_fetch_and_add(&t->wire_bytes, p->wire_bytes);
	__sync_fetch_and_add(&t->payload_bytes, p->payload_bytes);
}

/* No slot: by label and class, else by hook alone. Never nothing. */
__noinline int account_overflow(const struct pkt *p, enum cf_hook hook, __u32 label,
				__u32 source_class)
{
	struct cf_overflow_key key = {
		.label = label,
		.source_class = source_class,
		.hook = hook,
		.lane = bpf_get_smp_processor_id() & (CF_OVERFLOW_LANES - 1),
	};
	struct cf_traffic *t = bpf_map_lookup_elem(&overflow, &key);
	__u32 loss = hook;

	if (!p)
		return 0;
	note_count(hook, CF_NOTE_OVERFLOW, p);
	if (!t) {
		struct cf_traffic none = { 0 };

		bpf_map_update_elem(&overflow, &key, &none, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&overflow, &key);
	}
	if (t && !cfg.own_lanes) {
		traffic_add_shared(t, p);
		return 0;
	}
	if (!t)
		t = bpf_map_lookup_elem(&losses, &loss);
	if (t)
		traffic_add(t, p);
	return 0;
}

static __always_inline void account_slot(struct cf_slot *s, const struct pkt *p, __u32 epoch,
					 bool dropped)
{
	__u8 flags = s->meta.flags, next = flags & ~CF_SLOT_DROPPED;

	s->wire_bytes += p->wire_bytes;
	s->payload_bytes += p->payload_bytes;
	s->packets++;
	if (s->meta.epoch != (__u16)epoch)
		s->meta.epoch = (__u16)epoch;
	if (dropped) {
		s->dropped_wire_bytes += p->wire_bytes;
		next |= CF_SLOT_DROPPED;
	}
	next |= p->began;
	if (next != flags)
		s->meta.flags = next;
}

#endif
