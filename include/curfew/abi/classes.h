/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From addresses, devices and MACs to classes, and from those to rows of rules. */
#ifndef CURFEW_ABI_CLASSES_H
#define CURFEW_ABI_CLASSES_H

#include "curfew/abi/limits.h"

/* A set of rules, bit n = rule n. */
struct cf_row {
	__u64 word[CF_ROW_WORDS];
};
_Static_assert(sizeof(struct cf_row) == 64, "map ABI");
_Static_assert(sizeof(struct cf_row) == CF_LINE, "what rules are about a packet: a line per table");

/*
 * IPv4 destinations: DXR (Zec, Rizzo, Mikuc 2012) with a 16-bit root, of which what
 * is crowded is divided again. The first 65,536 entries of `root4` are /16s, the
 * others parts of them; with `low` the address' last 16 bits, an entry says:
 * shift not 0: entry first + (low >> shift) knows more;
 * count 0: the label is `first`;
 * else it is that of the last of ranges [first, first + count) that starts at or
 * below `low`; the first of them does.
 */
struct cf_root4 {
	__u32 first;
	__u16 count; /* not above 1 << CF_STEPS4 */
	__u16 shift;
};
#define CF_DIVIDED4 2 /* so many entries before the last one, at most */
#define CF_STEPS4   6
struct cf_range4 {
	__u16 start;
	__u16 pad;
	__u32 label;
};
_Static_assert(sizeof(struct cf_root4) == 8 && sizeof(struct cf_range4) == 8, "map ABI");
_Static_assert(CF_LINE % sizeof(struct cf_root4) == 0 && CF_LINE % sizeof(struct cf_range4) == 0,
	       "each is in one line");

/*
 * IPv6 destinations: `root6` has an entry for each value of the first 16 bits. Its label
 * holds for all of them, or, with CF_SEARCH, one of two trees knows more:
 * static 9-way ones over the first 64 address bits, host
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
#define CF_SEARCH      (1U << 30)
struct cf_root6 {
	__u32 label;
	__u32 pad; /* an array keeps eight bytes for less, too */
};
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
_Static_assert(sizeof(struct cf_node6) == CF_LINE, "a step down the tree is a line");
_Static_assert(sizeof(struct cf_root6) == 8, "map ABI");
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
_Static_assert(CF_LINE % sizeof(struct cf_label) == 0, "each is in one line");

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

#endif
