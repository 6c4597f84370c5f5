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

/* What a failure does to packets while it lasts: the strongest of those that last holds. */
enum cf_fail {
	CF_FAIL_KEEP,    /* nothing */
	CF_FAIL_OBSERVE, /* rules charge and report, and do not drop */
	CF_FAIL_OPEN,    /* nothing is dropped */
	CF_FAIL_CLOSED,  /* all that is judged is dropped, but what a protect rule is about */
};

/* `on EVENT CHOICE`, as user/core/policy/failing.c has it; enum cf_fail but for `any` and jiffies.
 */
struct cf_failing {
	__u32 any; /* 1: one of these is not the default, but for parse_failure */
	__u32 parse_failure;
	__u64 stall_jiffies; /* a heartbeat that is older: the daemon has stalled */
	__u32 stall;
	__u32 schedule_end;
	__u32 time_unknown; /* while control.failing says so */
	__u32 geo_missing;  /* KEEP unless this generation was compiled without a database */
	__u32 table_full;   /* for packets that found no slot */
	__u32 pad;
};

/* How many classes of each kind there are (see `src_cells`); 1: no rule asks for it. */
struct cf_facets {
	__u32 used; /* 1: some rule asks for one of them */
	__u32 mac_ranges;
	__u32 mac_classes;
	__u32 interface_classes;
	__u32 vlan_classes;
	__u32 pad;
};

/* Rows that most policy sets have no rule in, so that no packet looks at eight words of nothing. */
#define CF_HAS_PROTECT  (1U << 0)
#define CF_HAS_BLOCK    (1U << 1)
#define CF_HAS_CLEARING (1U << 2)

/*
 * The verifier removes what depends on these, but the loads that remain are loads: what a
 * known pair's packet reads is in the first cache line, and a row is in one of its own.
 */
struct cf_config {
	__u64 key[4];      /* of the pair hash: control.seed, expanded */
	__u32 generation;  /* its low 16 bits mark slots */
	__u32 have_ct;     /* 1: the kernel has bpf_skb_ct_lookup() */
	__u32 frags;       /* 1: XDP frames may have fragments */
	__u32 handover;    /* enum cf_handover */
	__u32 holds;       /* 1: a rule drops keys for a time */
	__u32 quarantines; /* 1: a rule puts sources in quarantine */
	struct cf_failing failing;
	__u64 end_jiffies;  /* of the schedule's tables */
	__u64 week_jiffies; /* seven days */
	__u32 observe;      /* 1: no rule drops */
	__u32 sources;      /* entries of `sources` */
	__u32 source_classes;
	__u32 segments; /* entries of `segments` */
	struct cf_row policy_rules, clearing_rules, protect_rules, block_rules;
	struct cf_row inside_rules, outside_rules; /* `initiated inside`, `initiated outside` */
	struct cf_row hold_rules;                  /* those with CF_RULE_HOLDS */
	struct cf_row
		narrow_rules; /* about some packets of a pair: by service, MAC, interface, VLAN */
	struct cf_tree6 tree6[2];
	__u32 services;  /* entries of `services`; 0: no rule names one */
	__u32 own_lanes; /* 1: no two CPUs share a lane of `overflow` */
	__u32 rates;     /* 1: there is one */
	__u32 marks;
	__u32 entries_per_source; /* of `quotas` and `rates`, that one may make in a day */
	__u32 share_slots;        /* as if a shard that has fewer had so many; see share_take() */
	__u32 kinds;              /* CF_HAS_*: of the rows above, which have a rule */
	__u32 own_ct;             /* 1: a program may read the connection that a packet has */
	__u32 flowtables;         /* 1: when it was loaded there were some */
	__u32 row_words;          /* of each row, those that a rule may be in */
	struct cf_facets facets;
};
_Static_assert(sizeof(struct cf_config) ==
		       48 + 4 * (4 + 16) + 2 * sizeof(struct cf_tree6) + 8 * sizeof(struct cf_row) +
			       sizeof(struct cf_failing) + sizeof(struct cf_facets),
	       "no hidden padding");
_Static_assert(CF_ONE_LINE(struct cf_config, key, failing.any), "read for each packet");
_Static_assert(__builtin_offsetof(struct cf_config, policy_rules) % CF_LINE == 0, "rows are lines");

#endif
