/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holding counters against each other that ought to agree: what the inside
 * hooks let pass against what the outside hooks saw of it, and what the outside
 * hook handed to a device against what the device says that it sent. Pure.
 */
#ifndef CURFEW_CORE_LEDGER_RECONCILE_H
#define CURFEW_CORE_LEDGER_RECONCILE_H

#include <stdint.h>

#include "core/report/reason.h"

struct reconcile {
	/* of each hook, by group; their sum is what it was offered */
	struct cf_traffic group[CF_HOOK_MAX][REASON_GROUP_MAX];
	struct cf_traffic offered[CF_HOOK_MAX];
	/* passed inside, and what `ignore destination` names, which leaves unjudged */
	struct cf_traffic expected;
	struct cf_traffic left; /* by the outside interfaces */
	/*
	 * expected - seen outside. Packets that the kernel has joined (GRO) count
	 * once there; payload bytes do not change on the way.
	 */
	int64_t missing_packets;
	int64_t missing_payload_bytes;
};
void reconcile_hooks(const struct cf_traffic reasons[CF_HOOK_MAX][CF_REASON_MAX],
		     struct reconcile *ret);

/* Why a device's own count differs from ours. */
enum device_cause {
	DEVICE_AGREES,
	DEVICE_COUNTS_SEGMENTS, /* with the headers of every segment: our wire bytes */
	DEVICE_COUNTS_OVERHEAD, /* check sequences, padding of short packets */
	DEVICE_DROPPED,         /* behind our hook: the queue or the driver has dropped */
	DEVICE_LOST,            /* behind our hook, and nobody says where */
	DEVICE_AROUND,          /* sent without passing our hook */
	DEVICE_RESET,           /* its counters went back: nothing can be said */
};
const char *device_cause_text(enum device_cause cause);

/* Since the baseline. */
struct device_check {
	uint64_t handed_packets; /* offered to our hook, less what we dropped */
	uint64_t handed_bytes;   /* skb->len of these */
	uint64_t handed_wire_bytes;
	uint64_t sent_packets, sent_bytes; /* the device's */
	int64_t queued_bytes;              /* waiting now, less what waited then */
	uint64_t queue_drops, device_drops;
	int64_t difference_bytes; /* handed - queued - sent */
	enum device_cause cause;
};
/* slack: bytes that passed while `now` was read; a difference within it is none. */
void reconcile_device(const struct cf_baseline *then, const struct cf_baseline *now, uint64_t slack,
		      struct device_check *ret);

#endif
