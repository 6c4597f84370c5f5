/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel and user code must agree on: map keys and values, events,
 * limits. Nothing else lives here: no code but trivial packing, no libc.
 *
 * Conventions: fixed width, named padding, size asserted below each struct.
 * Addresses are byte arrays in network order; in 16 bytes an IPv4 address is
 * mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2). Integers are in host order.
 * Byte counts are bytes; times in the kernel are jiffies unless named _ns.
 */
#ifndef CURFEW_ABI_H
#define CURFEW_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "reasons.def"

/* Bumped whenever a shared map's layout changes: pinned maps of another version are not adopted. */
#define CF_LAYOUT_VERSION 6

#define CF_RULES_MAX    512 /* policies, except blocks, exempts, protects, blocks, allows together */
#define CF_ROW_WORDS    (CF_RULES_MAX / 64)
#define CF_QUOTAS_MAX   1024 /* quota lines of all policies */
#define CF_QUOTA_ATS    4    /* "at N%" lines of a policy */
#define CF_LABELS_MAX   ((1 << 20) - 1)
#define CF_CLASSES_MAX  4095
#define CF_EDGES_MAX    65536 /* of all calendars together */
#define CF_SEGMENTS_MAX 4096
#define CF_NAME_LEN     32 /* of a policy as maps show it, cut there, NUL-terminated */
#define CF_WEEK_MINUTES (7 * 24 * 60)

enum cf_reason {
#define X(id, slug, group, text) CF_REASON_##id,
	CF_REASONS(X)
#undef X
		CF_REASON_MAX
};

/* Bit n: a packet that leaves with reason n was dropped. */
enum cf_drops_of_group {
	CF_DROPS_PASS,
	CF_DROPS_SEEN = CF_DROPS_PASS,
	CF_DROPS_IGNORED = CF_DROPS_PASS,
	CF_DROPS_UNPARSED = CF_DROPS_PASS,
	CF_DROPS_DROP,
};
#define CF_DROPS_X(id, slug, group, text) | (__u64)CF_DROPS_##group << CF_REASON_##id
#define CF_DROP_REASONS                                                                            \
	(0 CF_REASONS(CF_DROPS_X) | 1ULL << CF_REASON_DROP_UNPARSED |                              \
	 1ULL << CF_REASON_DROP_FOREIGN)
_Static_assert(CF_REASON_MAX <= 64, "reasons are bits of 64");

/* What is counted about a packet beside its reason. */
enum cf_note {
#define X(id, slug, text) CF_NOTE_##id,
	CF_NOTES(X)
#undef X
		CF_NOTE_MAX
};
_Static_assert(CF_NOTE_MAX <= 32, "notes of a packet are bits of 32");

enum cf_hook { CF_HOOK_INSIDE, CF_HOOK_OUTSIDE, CF_HOOK_MAX };

/* Who began a packet's flow, as `initiated` sees it. */
enum cf_began { CF_BEGAN_UNKNOWN, CF_BEGAN_INSIDE, CF_BEGAN_OUTSIDE, CF_BEGAN_MAX };

/* Where a packet began, as `from` sees it. */
enum cf_from { CF_FROM_INSIDE, CF_FROM_GATEWAY, CF_FROM_OTHER, CF_FROM_MAX };

/* ---- the pair table ------------------------------------------------- */

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
#define CF_SEGMENTS     4096 /* of one family, unless the loader makes room for more */
#define CF_CPUS_MAX     1024

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

struct cf_bucket4 {
	struct cf_slot4 slot[CF_BUCKET_SLOTS];
};
struct cf_bucket6 {
	struct cf_slot6 slot[CF_BUCKET_SLOTS];
};
_Static_assert(sizeof(struct cf_bucket4) == 256 && sizeof(struct cf_bucket6) == 256, "map ABI");

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

/* What found no slot, by who and where to. Values are per CPU. */
struct cf_overflow_key {
	__u32 label;
	__u16 source_class;
	__u8 hook;
	__u8 pad;
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

/* ---- counters for people ------------------------------------------- */

/* `reasons`, index hook * CF_REASON_MAX + reason; the names are written by the loader. */
struct cf_reason_count {
	char hook[8];
	char reason[24];
	__u64 packets;
	__u64 wire_bytes;
	__u64 payload_bytes;
};
_Static_assert(sizeof(struct cf_reason_count) == 56, "map ABI");

/* `notes`, index hook * CF_NOTE_MAX + note; the names are written by the loader. */
struct cf_note_count {
	char hook[8];
	char note[24];
	__u64 packets;
	__u64 wire_bytes;
};
_Static_assert(sizeof(struct cf_note_count) == 48, "map ABI");

/*
 * `tunnels`: who carries what in tunnels, by outer addresses; for people. One
 * inner header is shown where it can be read. Packets beyond its room are in
 * `notes` only.
 */
struct cf_tunnel_key {
	__u8 src[16];
	__u8 dst[16];
	__u16 note; /* enum cf_note: the kind */
	__u8 hook;
	__u8 pad[5];
};
struct cf_tunnel {
	char kind[16];
	__u8 inner_src[16]; /* of the last packet; zero: opaque, or not IP */
	__u8 inner_dst[16];
	__u8 inner_protocol;
	__u8 pad[7];
	__u64 packets; /* about: CPUs race here, `notes` is exact */
	__u64 wire_bytes;
};
_Static_assert(sizeof(struct cf_tunnel_key) == 40 && sizeof(struct cf_tunnel) == 72, "map ABI");
#define CF_TUNNELS_MAX 1024

/* `devices`, index CF_IF_INDEX(ifindex): what a hook on it was offered. */
#define CF_IF_MAX            4096
#define CF_IF_INDEX(ifindex) ((ifindex) & (CF_IF_MAX - 1))
struct cf_device_count {
	__u64 packets;
	__u64 len_bytes;  /* skb->len, or the frame in XDP */
	__u64 wire_bytes; /* with the headers of every segment */
	/* at outside hooks: what of these the device never got, since we dropped it */
	__u64 dropped_packets;
	__u64 dropped_len_bytes;
	__u64 dropped_wire_bytes;
};
_Static_assert(sizeof(struct cf_device_count) == 48, "map ABI");

/*
 * `baselines`, by ifindex of outside interfaces: what the device's counters and
 * our hook's stood at, at one moment soon after the hook was attached. Written by
 * the daemon, read by `status`, so that the two can be held against each other.
 */
struct cf_baseline {
	char ifname[16];
	__u64 at; /* seconds since 1970 */
	__u64 tx_bytes;
	__u64 tx_packets;
	__u64 tx_dropped;
	__u64 queue_bytes; /* waiting in the qdisc */
	__u64 queue_drops;
	struct cf_device_count hook;
};
_Static_assert(sizeof(struct cf_baseline) == 112, "map ABI");

/* `ifaces`, index CF_IF_INDEX(ifindex). */
enum cf_if_role { CF_IF_NONE, CF_IF_INSIDE, CF_IF_OUTSIDE };
enum cf_if_flags {
	CF_IF_RAW_L3 = 1 << 0, /* frames begin with the IP header */
	CF_IF_CLSACT = 1 << 1, /* hooked by a clsact filter, which no link pins */
	CF_IF_UPPER = 1 << 2,  /* not hooked itself: what comes in by it was seen below it */
};
struct cf_iface {
	__u32 ifindex; /* 0: no such interface */
	__u16 role;    /* enum cf_if_role; INSIDE only while an inside hook is attached */
	__u16 flags;   /* enum cf_if_flags */
};
_Static_assert(sizeof(struct cf_iface) == 8, "map ABI");

/* `coverage`: for people, by the name in the configuration; never read by the kernel. */
struct cf_coverage_key {
	char interface[16];
};
struct cf_coverage {
	char role[8]; /* inside, outside */
	char at[16];  /* not hooked itself: its packets are seen there */
	char why[160];
	char warning[160];
	__u32 ifindex; /* 0: there is no such device */
	__u32 refused; /* the errno with which its driver refused native XDP; 0 */
};
_Static_assert(sizeof(struct cf_coverage) == 352, "map ABI");
#define CF_COVERAGE_MAX 1024

/* `destinations`: written by the daemon for people, never read by the kernel. */
struct cf_destination_key {
	char address[48];
};
struct cf_destination {
	char cc[4];
	__u32 asn;
	char as_name[32];
	char city[24];
	__u32 distance_km;
	char verdict[8]; /* "pass" or "drop": the last packet's */
	__u32 sources;
	__u64 packets;
	__u64 wire_bytes;
	__u64 payload_bytes;
	__u64 dropped_wire_bytes;
};
_Static_assert(sizeof(struct cf_destination) == 112, "map ABI");

/* ---- classes ---------------------------------------------------------- */

/* A set of rules, bit n = rule n. */
struct cf_row {
	__u64 word[CF_ROW_WORDS];
};
_Static_assert(sizeof(struct cf_row) == 64, "map ABI");

/*
 * IPv4 destinations: DXR (Zec, Rizzo, Mikuc 2012) with a 16-bit root. count 0:
 * the whole /16 has the label `first`. Else ranges [first, first + count),
 * the first of which starts at 0; the last one starting at or below the
 * address' low 16 bits holds its label.
 */
struct cf_root4 {
	__u32 first;
	__u32 count;
};
struct cf_range4 {
	__u16 start;
	__u16 pad;
	__u32 label;
};
_Static_assert(sizeof(struct cf_root4) == 8 && sizeof(struct cf_range4) == 8, "map ABI");

/*
 * IPv6 destinations: two static 9-way trees over the first 64 address bits, host
 * order, one for each value of the very first bit. Keys have the other 63: the
 * sign of a difference tells which is less. Level 0 is the root; node i of level l
 * is first[l] + i of `node6`; child j of node i is node i * 9 + j of the next
 * level. Key j is the lowest start in child j + 1; unused keys come last. The last
 * level's node n has its labels in first_leaf + n of `leaf6`. A label with CF_DEEP
 * set is an index into `deep6`: below that /64 prefixes differ, and ranges
 * [first, first + count) of `low6`, the first starting at 0, decide on the last 64
 * bits.
 */
#define CF_KEYS6       8
#define CF_FANOUT6     (CF_KEYS6 + 1)
#define CF_LEVELS6     7
#define CF_HALF6       (1ULL << 63)
#define CF_KEY6_UNUSED CF_HALF6 /* no address of 63 bits is as large */
#define CF_DEEP        (1U << 31)
struct cf_tree6 {
	__u32 levels;
	__u32 first[CF_LEVELS6];
	__u32 first_leaf;
};
struct cf_node6 {
	__u64 key[CF_KEYS6];
};
struct cf_leaf6 {
	__u32 label[CF_FANOUT6];
	__u32 pad;
};
struct cf_deep6 {
	__u32 first;
	__u32 count;
};
struct cf_low6 {
	__u64 start;
	__u32 label;
	__u32 pad;
};
_Static_assert(sizeof(struct cf_node6) == 64 && sizeof(struct cf_leaf6) == 40, "map ABI");
_Static_assert(sizeof(struct cf_deep6) == 8 && sizeof(struct cf_low6) == 16, "map ABI");

enum cf_label_flags {
	CF_LABEL_IGNORED = 1 << 0, /* never judged: `reason` says why */
};
struct cf_label {
	__u32 row; /* in `dst_rows` */
	__u32 asn; /* 0: unknown, or no quota is per ASN */
	char cc[4];
	__u16 flags;
	__u16 reason; /* enum cf_reason, if IGNORED */
};
_Static_assert(sizeof(struct cf_label) == 16, "map ABI");

/*
 * Sources: one sorted table for both families, addresses as two host-order
 * halves of the 16 bytes; the last entry at or below the address counts. The
 * first entry is all zero.
 */
enum cf_source_flags {
	CF_SOURCE_ON_LINK = 1 << 0, /* on an attached segment: the MAC is the host */
	CF_SOURCE_FOREIGN = 1 << 1, /* of no network that is reached through inside interfaces */
};
struct cf_source_range {
	__u64 hi;
	__u64 lo;
	__u32 source_class;
	__u32 flags;
};
_Static_assert(sizeof(struct cf_source_range) == 24, "map ABI");
#define CF_SOURCE_RANGES_MAX 65536

/*
 * What else tells sources apart at inside hooks: the sender's MAC (`macs`, sorted,
 * 48-bit numbers, the first entry is 0), the interface (`if_classes`, by
 * CF_IF_INDEX) and the VLAN (`vlan_classes`, by number). Class 0 is what no rule
 * names. Together with the source class they are an index into `src_cells`:
 * ((class * mac_classes + mac) * interface_classes + interface) * vlan_classes + vlan,
 * and that has an index into `src_rows`.
 */
struct cf_mac_range {
	__u64 first;
	__u32 mac_class;
	__u32 pad;
};
/* Written by the loader whenever devices change. */
struct cf_if_class {
	__u32 ifindex; /* 0: none */
	__u16 interface_class;
	__u16 vlan; /* of a VLAN device: what comes in by it has lost this tag; else 0 */
};
_Static_assert(sizeof(struct cf_mac_range) == 16 && sizeof(struct cf_if_class) == 8, "map ABI");
#define CF_MAC_RANGES_MAX 65536
#define CF_VLANS          4096
#define CF_CELLS_MAX      (1 << 20)

/* ---- rules ------------------------------------------------------------ */

enum cf_rule_kind {
	CF_RULE_NONE,
	CF_RULE_POLICY,
	CF_RULE_EXCEPT,  /* takes packets out of the policies in `clears` */
	CF_RULE_EXEMPT,  /* the same, from outside the policy; exempt and allow */
	CF_RULE_PROTECT, /* passes whatever others say */
	CF_RULE_BLOCK,   /* by hand */
	CF_RULE_PUBLISH, /* as EXEMPT: answers of a published service */
};
enum cf_rule_flags {
	CF_RULE_OBSERVE = 1 << 0, /* shadow: charge and report, never drop */
	CF_RULE_DROP = 1 << 1,    /* then drop */
	CF_RULE_ALERT = 1 << 2,   /* then alert */
	CF_RULE_MARK = 1 << 3,    /* then mark */
	CF_RULE_HOLDS = 1 << 4,   /* drops keys for a time: see cf_hold */
};
struct cf_rule {
	char name[CF_NAME_LEN];
	struct cf_row clears;
	__u8 kind;  /* enum cf_rule_kind */
	__u8 flags; /* enum cf_rule_flags */
	__u8 level; /* enum cf_level of the `then alert` */
	__u8 quota_count;
	__u32 quota_first; /* in `quota_specs` */
	__u32 id;          /* stable across generations: see image.h */
	__u32 mark;
	__u32 hold_seconds; /* then drop for: its pairs; 0: not */
	__u32 pad;
	__u64 up_to_bytes; /* payload that `allow … --up-to` lets pass: see `allowed`; 0: no limit
			    */
};
_Static_assert(sizeof(struct cf_rule) == 128, "map ABI");

/*
 * `allowed`, by rule id: what `allow … --up-to` has let pass. Taken before a packet is let
 * pass, by one fetch-and-add whose result decides; the first that does not fit ends it.
 */
struct cf_allowed {
	__u64 used_bytes;
	__u32 used_up;
	__u32 pad;
};
_Static_assert(sizeof(struct cf_allowed) == 16, "map ABI");
#define CF_ALLOWED_MAX 1024

/*
 * Services: which rules' `service` a protocol and a port meet; rules without one
 * meet all. `services` is sorted by start, protocol << 16 | port; the last entry at
 * or below counts, and the first one is 0. `service_protocols`, by protocol, is for
 * packets whose port is not known.
 */
#define CF_SERVICE(protocol, port) ((__u32)(protocol) << 16 | (port))
#define CF_SERVICES_MAX            16384
#define CF_PROTOCOLS               256
/* TCP, UDP, DCCP, SCTP, UDP-Lite: whose header begins with two ports */
#define CF_HAS_PORTS(protocol)                                                                     \
	((protocol) == 6 || (protocol) == 17 || (protocol) == 33 || (protocol) == 132 ||           \
	 (protocol) == 136)
struct cf_service_range {
	__u32 start;
	__u32 row; /* in `service_rows` */
};
struct cf_service_protocol {
	__u32 row;  /* in `service_rows`: the rules that hold without a port */
	__u32 open; /* in `service_rows`: those that would have asked for it */
};
_Static_assert(sizeof(struct cf_service_range) == 8 && sizeof(struct cf_service_protocol) == 8,
	       "map ABI");

enum cf_level { CF_LEVEL_NONE, CF_LEVEL_INFO, CF_LEVEL_WARNING, CF_LEVEL_CRITICAL };

/* What a quota is kept per. The order is map ABI. */
enum cf_key_kind {
	CF_KEY_SOURCE,
	CF_KEY_DESTINATION,
	CF_KEY_PAIR,
	CF_KEY_PREFIX,
	CF_KEY_MAC,
	CF_KEY_ASN,
	CF_KEY_COUNTRY,
	CF_KEY_POLICY,
	CF_KEY_OVERFLOW, /* shared by the keys that found the ledger full: N for all of them
			    together; kept in `quotas_shared`, whose key is the quota's id */
};

struct cf_quota_at {
	__u64 bytes; /* reported when a key's use first reaches this */
	__u8 level;  /* enum cf_level */
	__u8 percent;
	__u8 has_mark;
	__u8 pad;
	__u32 mark;               /* of packets from then on, until the period ends */
	__u32 quarantine_seconds; /* of the source; 0: none */
	__u32 pad2;
};
struct cf_quota_spec {
	char policy[CF_NAME_LEN];
	__u64 limit_bytes; /* N */
	__u64 drop_bytes;  /* a packet that would lead beyond is dropped; ~0: never */
	struct cf_quota_at at[CF_QUOTA_ATS];
	/* of a rate, which is a bucket of limit_bytes that drains; 0: a quota */
	__u64 bits_per_second;
	__u64 room;     /* ticks (CF_RATE_TICKS) that a key's arrival time may be ahead */
	__u32 id;       /* stable across generations */
	__u32 calendar; /* in `calendars`: its periods; of a rate none */
	__u32 rule;
	__u32 hold_seconds; /* drop for: the key that is refused; 0: not */
	__u8 key_kind;      /* enum cf_key_kind */
	__u8 wire;          /* 1: wire bytes, 0: payload bytes */
	__u8 prefix4;
	__u8 prefix6;
	__u8 at_count;
	__u8 pad[3];
};
_Static_assert(sizeof(struct cf_quota_spec) == 184, "map ABI");

/* The largest quota: what fits the word below, with room for a packet per CPU above it. */
#define CF_QUOTA_BYTES_MAX (1ULL << 40)

/*
 * A key of the quota ledger. Parts that the kind does not use are zero. A
 * source on an attached segment is its MAC in `mac`, else its address (IPv6:
 * the /64) in `src`; an unknown ASN is the destination's /24 or /48 in `dst`.
 * Neither MAC nor address: all foreign sources whose MAC has no key (bpf/owner.h).
 */
struct cf_quota_key {
	__u32 quota; /* cf_quota_spec.id */
	__u32 asn;
	char cc[4];
	__u8 mac[6];
	__u16 kind; /* enum cf_key_kind */
	__u8 pad[4];
	__u8 src[16];
	__u8 dst[16];
};
_Static_assert(sizeof(struct cf_quota_key) == 56, "map ABI");

/*
 * `word` decides and is changed only by atomics: used bytes (41 bits), latch (1),
 * and the period's opening time in minutes since 1970 mod 2^22, compared by
 * equality and modular order, never as an index. What follows it says the same
 * for people, as of the last change on any CPU.
 */
struct cf_quota_state {
	__u64 word;
	__u64 used_bytes;
	__u64 attempted_bytes; /* refused since the period began */
	__u64 attempted_packets;
	__u64 period_opened; /* seconds since 1970 */
	__u32 latched;
	__u32 reported;   /* bit n: at[n] is reported; bit 31: the first drop */
	__u64 keep_bytes; /* when use reaches it, the daemon is told (CF_EVENT_KEEP); ~0: it has
			     been */
	char policy[CF_NAME_LEN];
};
_Static_assert(sizeof(struct cf_quota_state) == 88, "map ABI");
#define CF_QUOTA_USED_BITS     41
#define CF_QUOTA_LATCH         (1ULL << CF_QUOTA_USED_BITS)
#define CF_QUOTA_PERIOD_SHIFT  42
#define CF_QUOTA_PERIOD_MASK   ((1U << 22) - 1)
#define CF_QUOTA_REPORTED_DROP (1U << 31)
/* in `reported`, too: the key has been held in this period, its source put in quarantine by at[n]
 */
#define CF_QUOTA_HELD           (1U << 30)
#define CF_QUOTA_QUARANTINED(n) (1U << (16 + (n)))
#define CF_QUOTA_SHARED         (1U << 29) /* of a shared entry: that keys have come to it */
/* An entry that is about to be deleted; no period says so, since minute 2^22 - 1 is not used. */
#define CF_QUOTA_RETIRED ((__u64)CF_QUOTA_PERIOD_MASK << CF_QUOTA_PERIOD_SHIFT | CF_QUOTA_LATCH)

/*
 * `quotas_spilled`, by quota id: what keys without an entry have been charged by the
 * shared one, in a cell of each row by a hash of the key; words as in cf_quota_state.
 * Who is given an entry later begins with the lesser of its cells, or would have the limit
 * twice in one period.
 */
#define CF_SPILL_ROWS  2
#define CF_SPILL_CELLS 512
struct cf_quota_spill {
	__u64 word[CF_SPILL_ROWS][CF_SPILL_CELLS];
};
_Static_assert(sizeof(struct cf_quota_spill) == 8192, "map ABI");

/*
 * `rates`: GCRA (ITU-T I.371; RFC 4443 2.4 calls it a token bucket) in one word: the
 * theoretical arrival time, in ticks of the monotonic clock, changed by
 * compare-and-swap alone. What follows it is for people, and about.
 */
#define CF_RATE_TICKS     16ULL   /* in a nanosecond */
#define CF_RATE_RETIRED   (~0ULL) /* an entry that is about to be deleted */
#define CF_RATE_BURST_MAX (1ULL << 32)
#define CF_RATE_BITS_MIN  1000
#define CF_RATE_BITS_MAX  1000000000000ULL
struct cf_rate_state {
	__u64 arrival;
	__u64 refused_bytes;
	__u64 refused_packets;
	__u32 hour;     /* since boot: what is reported is so once in it */
	__u32 reported; /* as in cf_quota_state */
	char policy[CF_NAME_LEN];
};
_Static_assert(sizeof(struct cf_rate_state) == 64, "map ABI");

/*
 * `held`: what is dropped for a time, also outside the windows of the policy that
 * said so, and under later generations. The key is a quota's key with the policy's
 * rule id in place of the quota's (`drop for`; prefix lengths in pad[0] and pad[1]).
 * `quarantined`: with 0 there, sources in quarantine; a map of its own, so that no
 * number of held keys takes their room.
 */
struct cf_hold {
	__u64 until_jiffies;
	__u64 dropped_packets;
	__u64 dropped_bytes;
	__u32 rule_id; /* of the policy that said so */
	__u32 seconds; /* it was to last */
	char policy[CF_NAME_LEN];
};
_Static_assert(sizeof(struct cf_hold) == 64, "map ABI");
#define CF_HELD_MAX        65536
#define CF_QUARANTINES_MAX 16384

/*
 * `makers`: how many keys of quotas and rates a source has made today, so that none
 * takes the room of all; by a hash of the source: day << 32 | number.
 */
#define CF_MAKERS      4096
#define CF_MAKER_PART  4  /* of all entries there is room for, a source's share is one in so many */
#define CF_MAKER_LEAST 64 /* and no less than this */
/* `detail` of CF_EVENT_OVERFLOW */
enum cf_full_table {
	CF_TABLE_PAIRS,
	CF_TABLE_KEYS,
	CF_TABLE_SHARE,
	CF_TABLE_HELD,       /* a key was to be dropped for a time */
	CF_TABLE_HELD_SHARE, /* the same, and it is its source's share that is used up */
	CF_TABLE_QUARANTINED,
	CF_TABLE_FOREIGN, /* none was full: a foreign source was seen */
	CF_TABLE_MAX
};

/*
 * `holders`: as `makers`, of keys in `held`. `owners`, by a hash of an address on an
 * attached segment: the MAC that its account is kept by, and the hour it was opened in,
 * packed as bpf/owner.h says.
 */
#define CF_OWNERS 65536

/* ---- time ------------------------------------------------------------- */

/*
 * `segments`: when the set of active rules changes, sorted; segment i holds
 * from at_jiffies until the next one begins. The first begins at 0. The last
 * one is the end of the table: from there on the last full week before it
 * repeats.
 */
struct cf_segment {
	__u64 at_jiffies;
	__u32 row; /* in `time_rows` */
	__u32 pad;
};
/* `calendars` and `edges`: the same for the periods of one kind of quota. */
struct cf_calendar {
	__u32 first; /* in `edges` */
	__u32 count; /* the last one is the end of the table */
};
struct cf_edge {
	__u64 at_jiffies;
	__u32 period; /* opening time, minutes since 1970; 0: closed */
	__u32 pad;
};
_Static_assert(sizeof(struct cf_segment) == 16 && sizeof(struct cf_edge) == 16, "map ABI");

/* ---- control ---------------------------------------------------------- */

/* What fails at present, as far as the daemon has to find it out. */
enum cf_failing_now {
	CF_FAILING_TIME = 1 << 0, /* since the boot the clock has not been synchronised */
	CF_FAILING_GEO = 1 << 1,  /* the generation in force was compiled without a database */
};
#define CF_ON_MAX 8

/* `control`, one entry, memory-mapped by the daemon and by `curfew off`. */
struct cf_control {
	__u64 off_until;     /* jiffies; 0: on; ~0: until switched on */
	__u64 confirm_until; /* jiffies; an unconfirmed generation turns to observe; 0: none */
	__u64 heartbeat;     /* jiffies of the daemon's last poll, or of the one that is promised;
				0: none is expected */
	__u64 seed[2];       /* of the pair hash; drawn once, when the shards are made */
	__u32 layout_version;
	__u32 confirm_generation;
	__u32 generation; /* the one in force */
	__u32 numbered;   /* the highest number ever given to one, in force or not */
	__u32 hz;
	__u32 pad;
	/* a cache line of its own: read for each packet, written at each commit of the books */
	__u32 epoch;     /* published; begins with 1 */
	__u32 acked;     /* epoch - 1 or epoch - 2 */
	__u64 tables_id; /* random: other tables, other number */
	__u32 failing;   /* enum cf_failing_now */
	__u32 stall_seconds;
	__u8 on[CF_ON_MAX]; /* enum on_choice, of the generation in force: for people */
	__u32 holds;        /* 1: `held` may have keys that a policy drops */
	__u32 quarantines;  /* 1: and sources in quarantine */
	__u64 end_jiffies;  /* of the schedule in force: for people */
	__u32 frozen;       /* 1: no slot is given away; only while a new ledger takes them over */
	__u32 pad2[3];
};
_Static_assert(sizeof(struct cf_control) == 128, "map ABI");

/* ---- events ----------------------------------------------------------- */

enum cf_event_kind {
	CF_EVENT_AT = 1,       /* a quota's use reached at[detail] */
	CF_EVENT_DROP = 2,     /* the first drop of a key in its period */
	CF_EVENT_POLICY = 3,   /* a policy without quota matched */
	CF_EVENT_BLOCK = 4,    /* blocked by hand */
	CF_EVENT_OVERFLOW = 5, /* a table was full: detail says which */
	CF_EVENT_KEEP = 6, /* a quota's use reached keep_bytes: its record is to be kept again */
	CF_EVENT_HOLD = 7, /* a key is dropped from now on, for `detail` seconds */
	CF_EVENT_QUARANTINE = 8, /* its source is in quarantine, for `detail` seconds */
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
	__u64 packets;
	__u64 wire_bytes;
};
_Static_assert(sizeof(struct cf_drop_cell) == 32, "map ABI");
#define CF_DROP_CELLS 4096

/* `drop_samples`, one entry per CPU: what became of the packets that were dropped. */
struct cf_drop_samples {
	__u64 sampled;
	__u64 limited; /* another of the same second stands for it */
	__u64 lost;    /* it was to be sampled, and the ring was full */
};
_Static_assert(sizeof(struct cf_drop_samples) == 24, "map ABI");

#endif
