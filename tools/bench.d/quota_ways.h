/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What quota_ways.bpf.c and the program that runs it agree on. */
#ifndef CURFEW_BENCH_QUOTA_WAYS_H
#define CURFEW_BENCH_QUOTA_WAYS_H

#include <curfew/abi.h>

#define WAY_PACKET_BYTES 1000
#define WAY_LEASE_BYTES  (64 * 1024)
#define WAY_PERIOD       1000 /* minutes */

/* One key's, on two cache lines of its own: neighbours are fetched in pairs. */
struct way_state {
	struct cf_quota_state state;
	__u8 pad[128 - sizeof(struct cf_quota_state)];
};

/* Of one CPU. */
struct way_cpu {
	__u64 passed_bytes;
	__u64 lease_bytes; /* left of it */
};

#endif
