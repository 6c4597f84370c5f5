/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules: what a policy set says, one record each, and the services they name. */
#ifndef CURFEW_ABI_RULES_H
#define CURFEW_ABI_RULES_H

#include "curfew/abi/classes.h"

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

#endif
