/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs of the part "pairs" and its loader agree on. */
#ifndef CURFEW_BENCH_PAIRS_STORE_H
#define CURFEW_BENCH_PAIRS_STORE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Each packet's. */
#define PAIRS_WIRE    1054
#define PAIRS_PAYLOAD 1000

/* What a map of the kernel's would count of a pair: as much as our slots do. */
struct pair_count {
	__u64 packets, wire_bytes, payload_bytes, dropped_wire_bytes;
};
struct pair_key4 {
	__u64 word; /* source and destination */
};
struct pair_key6 {
	__u64 word[3];
};

#endif
