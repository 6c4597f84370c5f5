/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells: events, and samples of packets that were dropped. */
#ifndef CURFEW_ABI_EVENTS_H
#define CURFEW_ABI_EVENTS_H

#include "curfew/abi/quotas.h"

enum cf_event_kind {
	CF_EVENT_AT = 1,       /* a quota's use reached at[detail] */
	CF_EVENT_DROP = 2,     /* the first drop of a key in its period */
	CF_EVENT_POLICY = 3,   /* a policy without quota matched */
	CF_EVENT_BLOCK = 4,    /* blocked by hand */
	CF_EVENT_OVERFLOW = 5, /* a table was full: detail says which */
	CF_EVENT_KEEP = 6, /* a quota's use reached keep_bytes: its record is to be kept again */
	CF_EVENT_HOLD = 7, /* a key is dropped from now on, for `detail` seconds */
	CF_EVENT_QUARANTINE = 8, /* its source is in quarantine, for `detail` seconds */
	CF_EVENT_ROOM =
		9, /* a pair found no slot: told some times a second at most, to no one else */
};
struct cf_event {
	__u64 boot_ns;
	__u64 used_bytes;
	struct cf_quota_key key;
	__u8 src[16];
	__u8 dst[16];
	__u32 kind; /* enum cf_event_kind */
	__u32 detail;
	__u32 rule;  /* index in this generation */
	__u32 quota; /* index in this generation; ~0: none */
	__u32 generation;
	__u32 period_minute;
	__u32 packet_bytes;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 hook;
	__u8 dropped; /* 1: and it was enforced */
	__u8 pad;
	__u8 mac[6];
	__u8 pad2[2];
};
_Static_assert(sizeof(struct cf_event) == 152, "event ABI");

/*
 * `drops`, a ring of its own, so that no flood of them costs an alert: samples of
 * dropped packets, at most one a second for a pair of addresses, reason and hook.
 */
struct cf_drop {
	__u64 boot_ns;
	__u64 packets;    /* dropped of its kind since the last sample, this one too; about */
	__u64 wire_bytes; /* of these */
	__u8 src[16];
	__u8 dst[16];
	__u32 packet_bytes; /* on the wire */
	__u32 payload_bytes;
	__u32 ifindex;
	__u32 rule; /* index in this generation; ~0: it is not by a rule */
	__u32 quota;
	__u32 generation;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol; /* of IPv4 and IPv6 */
	__u8 hook;
	__u8 reason; /* enum cf_reason */
	__u8 ip;     /* 4, 6, or 0: neither */
	__u8 mac[6]; /* the sender's, at inside hooks; zero: unknown */
	__u8 pad[2];
};
_Static_assert(sizeof(struct cf_drop) == 96, "event ABI");

/* `drop_cells`: when a kind of drop was last sampled, and what has been dropped since. */
struct cf_drop_cell {
	__u64 at_jiffies; /* 0: never */
	__u64 kind;       /* a hash of it; who shares the cell within the second is not sampled */
	__u64 dropped;    /* packets and bytes in one word, so that one atomic add does */
	__u64 pad;
};
_Static_assert(sizeof(struct cf_drop_cell) == 32, "map ABI");
/* 37 bits of bytes, 27 of packets: of a second, as a rule. */
#define CF_DROPPED_SHIFT           37
#define CF_DROPPED(packets, bytes) ((__u64)(packets) << CF_DROPPED_SHIFT | (bytes))
#define CF_DROPPED_PACKETS(word)   ((word) >> CF_DROPPED_SHIFT)
#define CF_DROPPED_BYTES(word)     ((word) & ((1ULL << CF_DROPPED_SHIFT) - 1))
#define CF_DROP_CELLS              4096

/* `drop_samples`, one entry per CPU: what became of the packets that were dropped. */
struct cf_drop_samples {
	__u64 sampled;
	__u64 limited; /* another of the same second stands for it */
	__u64 lost;    /* it was to be sampled, and the ring was full */
};
_Static_assert(sizeof(struct cf_drop_samples) == 24, "map ABI");

#endif
