/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What classes.bpf.c and the program that runs it agree on. */
#ifndef CURFEW_BENCH_CLASSES_H
#define CURFEW_BENCH_CLASSES_H

#include <curfew/abi.h>

enum class_trace { TRACE_UNIFORM, TRACE_WORST, TRACE_ZIPF, TRACE_DEEP, CLASS_TRACES };
#define CLASS_TRACES6      TRACE_DEEP /* IPv6 has the others */
#define CLASS_TRACE        (1 << 17)  /* addresses; read one after the other */
#define CLASS_PREFIXES_MAX (4 << 20)

/* Host order. */
struct trace4 {
	__u32 addr[CLASS_TRACE];
};
struct trace_addr6 {
	__u64 hi, low;
};
struct trace6 {
	struct trace_addr6 addr[CLASS_TRACE];
};

struct lpm_key4 {
	__u32 prefixlen;
	__u32 addr; /* network order */
};
struct lpm_key6 {
	__u32 prefixlen;
	__u32 addr[4]; /* network order */
};
/* What the databases say of a network. */
struct place {
	__u32 asn;
	char cc[4];
};

/*
 * What a trie has of it: country, AS, and the label that stands for both, in the eight
 * bytes that country and AS would take without it. So it is one line, whichever is read.
 */
struct found {
	__u32 asn;
	__u32 cc_label;
};
#define FOUND_CC(cc)   ((__u32)((cc)[0] & 31) << 27 | (__u32)((cc)[1] & 31) << 22)
#define FOUND_CC_OF(f) ((f)->cc_label & 0xffc00000)
#define FOUND_LABEL(f) ((f)->cc_label & 0x3fffff)
_Static_assert(CF_LABELS_MAX <= 0x3fffff, "a label fits");

struct class_counts {
	__u64 compared;
	__u64 known; /* to the tries */
	__u64 differ;
};

#endif
