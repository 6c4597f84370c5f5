/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters for people, by reason, device and tunnel; what is known of interfaces and destinations.
 */
#ifndef CURFEW_ABI_COUNTERS_H
#define CURFEW_ABI_COUNTERS_H

#include "curfew/abi/limits.h"

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

#define CF_IF_MAX            4096
#define CF_IF_INDEX(ifindex) ((ifindex) & (CF_IF_MAX - 1))

/*
 * `devices`, per CPU, index `device_rows`[CF_IF_INDEX(ifindex)]: what a hook on it was offered. A
 * row for each number of a device would be much for each CPU that is possible; so those that are
 * hooked have one, and keep it until another needs it.
 */
#define CF_DEVICE_ROWS   256
#define CF_DEVICE_OTHERS 0 /* those that found no row */
#define CF_DEVICE_GONE   1 /* what was in rows that were given to others; the loader's */
#define CF_DEVICE_FIRST  2
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

#endif
