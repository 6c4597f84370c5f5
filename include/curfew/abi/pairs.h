/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pair table: its slots, its shards, and what finds no slot. */
#ifndef CURFEW_ABI_PAIRS_H
#define CURFEW_ABI_PAIRS_H

#include "curfew/abi/limits.h"

/*
 * A shard is a run of segments; a segment is an inner map of the arrays of
 * maps `shards4` and `shards6`, holding CF_SEG_BUCKETS buckets. A CPU finds
 * its run in `cpu_shards`, and is the only writer of its slots.
 *
 * Who was seen when. `control.epoch` is stamped into each slot that is touched;
 * userspace publishes epoch e + 1, waits until no program that read e still
 * runs, scans, keeps what it saw, and only then acknowledges e. A slot of an
 * acknowledged epoch has been seen whole, so its owner may give it to another
 * pair. At most two epochs are not acknowledged: acked + 1 and acked + 2.
 */
#define CF_SEG_BUCKETS  1024
#define CF_BUCKET_SLOTS 4
#define CF_SEGMENTS     4096 /* of one family */
#define CF_CPUS_MAX     1024
#define CF_SHARES       4096 /* cells of a CPU in `shares` */

enum cf_slot_flags {
	CF_SLOT_USED = 1 << 0,
	CF_SLOT_OUTSIDE =
		1 << 1, /* seen by the outside hook, else by an inside one; part of the key */
	CF_SLOT_NO_RULE = 1 << 2, /* in this generation no rule is about this pair */
	CF_SLOT_DROPPED = 1 << 3, /* the last packet was dropped */
	CF_SLOT_ON_LINK = 1 << 4, /* the source is on an attached segment */
	CF_SLOT_DEEP = 1 << 5,    /* labels differ within the destination's /64, or the source is
				     foreign: nothing is remembered */
	CF_SLOT_BEGAN_INSIDE = 1 << 6,  /* a flow of this pair began at the source */
	CF_SLOT_BEGAN_OUTSIDE = 1 << 7, /* a flow of this pair began at the destination */
};

/*
 * Read and written as one 64-bit word. Exchanging it publishes the slot, so
 * what is seen as USED has its key; while it changes hands `incarnation` is
 * odd. A reader that finds the same even incarnation before and after its copy
 * has copied one pair.
 */
struct cf_slot_meta {
	__u16 reported; /* CF_SLOT_SEGMENT: see there */
	__u16 generation;
	__u16 epoch; /* low bits, of the last touch */
	__u8 incarnation;
	__u8 flags; /* enum cf_slot_flags */
};
_Static_assert(sizeof(struct cf_slot_meta) == 8, "map ABI");

/*
 * `reported`: a schedule segment + 1, and what is known of the pair in it. That number
 * alone: a policy without quota has reported it. QUIET: no rule that is active in this
 * segment is about any packet of this pair; it passes, as outside the windows of rules
 * about it (CLOSED; packets that came from elsewhere have a bit of their own), or as
 * one that no rule is about. UNQUIET: that depends on the packet.
 */
#define CF_SLOT_SEGMENT      0x1fff
#define CF_SLOT_CLOSED_SHIFT 13
#define CF_SLOT_CLOSED       (1 << CF_SLOT_CLOSED_SHIFT)
#define CF_SLOT_CLOSED_OTHER (2 << CF_SLOT_CLOSED_SHIFT)
#define CF_SLOT_UNQUIET      (CF_SLOT_CLOSED | CF_SLOT_CLOSED_OTHER)
#define CF_SLOT_QUIET        0x8000
_Static_assert(CF_SEGMENTS_MAX + 2 <= CF_SLOT_SEGMENT, "segments are numbers of 13 bits");

#define CF_LABEL_BITS         20
#define CF_LABEL(label_class) ((label_class) & ((1U << CF_LABEL_BITS) - 1))
#define CF_CLASS(label_class) ((label_class) >> CF_LABEL_BITS)

/* What the slots of both families begin with. */
struct cf_slot {
	struct cf_slot_meta meta;
	__u64 wire_bytes; /* all that was offered, dropped or not */
	__u64 payload_bytes;
	__u64 dropped_wire_bytes;
	__u32 packets; /* mod 2^32 */
	__u32 label_class;
};
_Static_assert(sizeof(struct cf_slot) == 40, "map ABI");

struct cf_slot4 {
	struct cf_slot common;
	__u8 src[4];
	__u8 dst[4];
	__u8 spare[16];
};
/*
 * A destination in IPv6 is a /64; the source is kept whole. Behind NAT64 (64:ff9b::/96) each IPv4
 * address is one: its four bytes follow the prefix's first four.
 */
struct cf_slot6 {
	struct cf_slot common;
	__u8 src[16];
	__u8 dst[8];
};
_Static_assert(sizeof(struct cf_slot4) == 64, "a slot is one cache line");
_Static_assert(sizeof(struct cf_slot6) == 64, "a slot is one cache line");
_Static_assert(__builtin_offsetof(struct cf_slot4, src) % 8 == 0 &&
		       __builtin_offsetof(struct cf_slot6, src) % 8 == 0,
	       "addresses are compared as 64-bit words");

struct cf_bucket4 {
	struct cf_slot4 slot[CF_BUCKET_SLOTS];
};
struct cf_bucket6 {
	struct cf_slot6 slot[CF_BUCKET_SLOTS];
};
_Static_assert(sizeof(struct cf_bucket4) == 256 && sizeof(struct cf_bucket6) == 256, "map ABI");

/*
 * Each CPU has numbers of its own for so many segments that its shard can take half of
 * all there are, so few numbers are in use; one that comes online later gets half of what another
 * has and does not use. `segment_places` lists them: the
 * n-th segment that was made, by family, is known as n.
 */
struct cf_segment_place {
	__u32 at4; /* its number in `shards4` + 1; 0: there is none */
	__u32 at6;
};
_Static_assert(sizeof(struct cf_segment_place) == 8, "map ABI");

/*
 * The segments of one CPU; a count is a power of two, or 0: all goes to
 * overflow. First and count are written and read together, as 64 bits. A shard
 * grows by a longer run: pairs that are looked for in the new part begin there
 * anew, and their old slots are left to be recycled.
 */
struct cf_cpu_shard {
	__u32 first4;
	__u32 count4;
	__u32 first6;
	__u32 count6;
};
_Static_assert(sizeof(struct cf_cpu_shard) == 16, "map ABI");
_Static_assert(CF_LINE % sizeof(struct cf_cpu_shard) == 0, "read for each packet, in one line");

/*
 * What found no slot, by who and where to, and by CPU mod CF_OVERFLOW_LANES: many see such packets
 * at once, and most of these are alike.
 */
#define CF_OVERFLOW_LANES 8
struct cf_overflow_key {
	__u32 label;
	__u16 source_class;
	__u8 hook;
	__u8 lane;
};
struct cf_traffic {
	__u64 packets;
	__u64 wire_bytes;
	__u64 payload_bytes;
};
_Static_assert(sizeof(struct cf_overflow_key) == 8 && sizeof(struct cf_traffic) == 24, "map ABI");

/* `recycled`, per CPU, by hook: what the slots that were given away had counted. */
struct cf_recycled {
	__u64 pairs;
	__u64 packets;
	__u64 wire_bytes;
	__u64 payload_bytes;
	__u64 dropped_wire_bytes;
};
_Static_assert(sizeof(struct cf_recycled) == 40, "map ABI");

/* `losses`, per CPU: what found no room even there, by hook; and events that were not delivered. */
#define CF_LOSS_EVENTS CF_HOOK_MAX
#define CF_LOSS_MAX    (CF_HOOK_MAX + 1)

#endif
