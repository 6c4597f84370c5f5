/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What live.bpf.c and frames.c share. The includer brings its own __u8 and so on. */
#ifndef CURFEW_BENCH_LIVE_H
#define CURFEW_BENCH_LIVE_H

#define LIVE_TRACE (1U << 20) /* steps */

/* One frame's host and destination, and what the latter adds to the header's sum. */
struct live_step {
	__u8 daddr[4];
	__u16 sum;
	__u8 host;
	__u8 pad;
};

/* Ethernet, IPv4, UDP, in network order; as many bytes as the smallest frame has. */
struct live_head {
	__u8 mac_to[6];
	__u8 mac_from[6];
	__u16 ethertype;
	__u8 version_ihl;
	__u8 tos;
	__u16 length;
	__u16 id;
	__u16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 check; /* in the template: the sum of the fields that stay the same, folded */
	__u8 saddr[4];
	__u8 daddr[4];
	__u16 sport;
	__u16 dport;
	__u16 udp_length;
	__u16 udp_check;
	__u8 payload[18];
} __attribute__((packed));
_Static_assert(sizeof(struct live_head) == 60, "the smallest frame without its check sequence");

struct live_setup {
	__u32 ifindex; /* the device that sends */
	__u32 first;   /* step of the trace */
	struct live_head head;
};

#endif
