/* SPDX-License-Identifier: GPL-2.0-only */
/* How a packet leaves: counted by reason, and at its device. */
#ifndef CURFEW_BPF_LEAVE_H
#define CURFEW_BPF_LEAVE_H

#include "account.h"
#include "failing.h"
#include "quiet.h"
#include "sample.h"

/* Rare, so out of the way: what is counted beside the reason. */
__noinline int leave_notes(const struct pkt *p, enum cf_hook hook)
{
	if (!p)
		return 0;
	for (__u32 n = 0; n < CF_NOTE_MAX; n++)
		if (p->notes & 1U << n)
			note_count(hook, n, p);
	return 0;
}

/* The only way out: each packet leaves with a counted reason. */
static __always_inline void leave(enum cf_hook hook, enum cf_reason reason, const struct pkt *p)
{
	if (p->notes)
		leave_notes(p, hook);
	count_reason(hook, reason, p);
}

/* Which device has the number is not asked: the hook is on it. */
static __always_inline struct cf_device_count *device_count(const struct frame *f)
{
	__u32 row = device_rows[CF_IF_INDEX(f->ifindex)];

	return bpf_map_lookup_elem(&devices, &row);
}

static __always_inline void count_device(const struct frame *f, __u32 wire_bytes)
{
	struct cf_device_count *c = device_count(f);

	if (!c)
		return;
	c->packets++;
	c->len_bytes += f->len;
	c->wire_bytes += wire_bytes;
}

/* Of what count_device() has counted: this one does not get to the device. */
static __always_inline void count_device_drop(const struct frame *f, __u32 wire_bytes)
{
	struct cf_device_count *c = device_count(f);

	if (!c)
		return;
	c->dropped_packets++;
	c->dropped_len_bytes += f->len;
	c->dropped_wire_bytes += wire_bytes;
}

static __always_inline bool is_drop(enum cf_reason reason)
{
	return CF_DROP_REASONS >> reason & 1;
}

/* A packet that is not judged leaves: true if it is dropped all the same. */
static __always_inline bool leave_unjudged(enum cf_hook hook, enum cf_reason reason,
					   const struct pkt *p)
{
	reason = unjudged(reason);
	leave(hook, reason, p);
	if (!is_drop(reason))
		return false;
	sample_drop(p, hook, reason, pair_hash(p));
	return true;
}

#endif
