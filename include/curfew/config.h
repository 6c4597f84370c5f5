/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one generation's programs are told when they are loaded: read-only
 * data, so that the verifier removes what this policy set does not use.
 */
#ifndef CURFEW_CONFIG_H
#define CURFEW_CONFIG_H

#include "abi.h"

/* Of a copy that is loaded for moments only: see bpf/handover.h. */
enum cf_handover { CF_HANDOVER_NONE, CF_HANDOVER_TAKE, CF_HANDOVER_LEAVE };

struct cf_config {
	__u64 key[4];       /* of the pair hash: control.seed, expanded */
	__u64 end_jiffies;  /* of the schedule's tables */
	__u64 week_jiffies; /* seven days */
	__u32 generation;   /* its low 16 bits mark slots */
	__u32 sources;      /* entries of `sources` */
	__u32 source_classes;
	__u32 segments; /* entries of `segments` */
	__u32 levels6;  /* of the IPv6 tree */
	__u32 level_first6[CF_LEVELS6];
	__u32 observe;  /* 1: no rule drops */
	__u32 have_ct;  /* 1: the kernel has bpf_skb_ct_lookup() */
	__u32 frags;    /* 1: XDP frames may have fragments */
	__u32 handover; /* enum cf_handover */
	struct cf_row policy_rules, clearing_rules, protect_rules, block_rules;
};
_Static_assert(sizeof(struct cf_config) ==
		       48 + 4 * (5 + CF_LEVELS6 + 4) + 4 * sizeof(struct cf_row),
	       "no hidden padding");

#endif
