/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled policy set: the exact content of the tables one generation loads
 * into the kernel. The compiler makes it from policy, databases and machine
 * facts; the loader copies it; `would` and the tests read it. No descriptors,
 * no clock, no printing.
 */
#ifndef CURFEW_CORE_IMAGE_IMAGE_H
#define CURFEW_CORE_IMAGE_IMAGE_H

#include "core/geo/geo.h"
#include "core/geo/vendor.h"
#include "core/policy/policy.h"
#include "core/time/calendar.h"
#include "curfew/abi.h"
#include "curfew/config.h"

#define IMAGE_ARRAY(T)                                                                             \
	struct {                                                                                   \
		T *v;                                                                              \
		size_t n, cap;                                                                     \
	}

/*
 * What the words mean, where the language leaves it open:
 *
 * - A destination is judged by the IPv4 address it carries, if it does
 *   (normalise.h), unless that one is ignored: our own networks in an IPv6 coat
 *   leave, and are judged as IPv6 addresses that `any` alone is about. So no
 *   network in 2002::/16, 64:ff9b::/96 or 2001::/32 ever decides anything, and naming
 *   a network there in `to` is an error; `to ::/0` is every other IPv6 address,
 *   `to 0.0.0.0/0` every IPv4 one.
 * - Never judged, in this order: addresses of this machine; multicast and the
 *   broadcast addresses of inside links; link-local, loopback and 0.0.0.0/8;
 *   `networks` and what is routed through inside interfaces; `ignore
 *   destination`, which like `to` is also about the IPv4 address that is carried.
 * - `beyond N km`: farther than N km from site.location, by the address'
 *   coordinates, else by its country's centroid. An address without either is
 *   not beyond anything; `unknown` matches those of no known country.
 * - `from any`: inside, the gateway itself, and uncovered interfaces. A prefix
 *   or set in `from` matches by address, wherever the packet began.
 * - A global observe caps all, also blocks made by hand: they only report.
 * - Once the schedule ends, its last 7 days repeat; a period's name moves on
 *   with them.
 */

/* An instant at which something changes; the loader turns it into jiffies. */
struct image_segment {
	struct utc at;
	uint32_t row; /* in time_rows */
};
struct image_edge {
	struct utc at;
	uint32_t period; /* as cf_edge.period */
};

/* One that rules name. */
struct image_interface {
	char name[16];
};

/* In rule_policy: the rule stands for `at most` of a publish. */
#define IMAGE_PUBLISH (1U << 31)

/* In quota_line: it is a rate. */
#define IMAGE_RATE (1U << 31)

/* What a rule's `to` holds of the addresses that are judged. */
struct image_reach {
	uint64_t addresses4;
	uint64_t nets6;  /* as many addresses as so many /64s, rounded up */
	uint64_t digest; /* of which they are, however their ranges are cut */
};

struct image {
	/* classes */
	IMAGE_ARRAY(struct cf_root4) root4; /* 65,536, and parts of them */
	IMAGE_ARRAY(struct cf_range4) range4;
	IMAGE_ARRAY(struct cf_root6) root6; /* 65,536 */
	IMAGE_ARRAY(struct cf_node6) node6;
	struct cf_tree6 tree6[2]; /* of addresses below 8000::, and of the others */
	size_t keys6;             /* of both */
	IMAGE_ARRAY(struct cf_leaf6) leaf6;
	IMAGE_ARRAY(struct cf_deep6) deep6;
	IMAGE_ARRAY(struct cf_low6) low6;
	IMAGE_ARRAY(struct cf_label) labels; /* 0: judged, and no rule is about it */
	IMAGE_ARRAY(struct cf_row) dst_rows; /* 0: empty */
	IMAGE_ARRAY(struct cf_source_range) sources;
	uint32_t source_classes;
	/* [from * source_classes + class]: from inside, what any packet of the class may meet */
	IMAGE_ARRAY(struct cf_row) src_rows;
	struct cf_facets facets;
	IMAGE_ARRAY(struct cf_mac_range) macs;
	IMAGE_ARRAY(struct image_interface) interfaces; /* n is of class n + 1 */
	IMAGE_ARRAY(uint64_t) vlan_classes;             /* CF_VLANS, or none */
	IMAGE_ARRAY(uint64_t) src_cells;                /* rows in src_rows */

	struct cf_row facet_rules; /* whose `from` asks for MAC, interface or VLAN */

	/* services; all empty if no rule names one */
	IMAGE_ARRAY(struct cf_service_range) services;
	IMAGE_ARRAY(struct cf_row) service_rows;
	IMAGE_ARRAY(struct cf_service_protocol) service_protocols; /* CF_PROTOCOLS */
	struct cf_row service_rules;                               /* those that name services */
	struct cf_row inside_rules, outside_rules; /* `initiated inside`, `initiated outside` */

	/* rules: index = bit */
	IMAGE_ARRAY(struct cf_rule) rules;
	IMAGE_ARRAY(struct cf_quota_spec) quotas;
	struct cf_row policy_rules, clearing_rules, protect_rules, block_rules; /* by kind */
	bool observe;              /* the global mode: no rule drops */
	enum on_choice on[ON_MAX]; /* in force, defaults included; UNSET: see failing.h */
	bool geo_missing;          /* compiled without a database that the set names */

	/* schedule: covers [begin, end), which begins 8 days before `now`, in whole minutes */
	struct utc begin, end;
	IMAGE_ARRAY(struct image_segment)
	segments; /* the first at begin; the last is the end, its row means nothing */
	IMAGE_ARRAY(struct cf_row) time_rows;
	IMAGE_ARRAY(struct cf_calendar) calendars;
	IMAGE_ARRAY(struct image_edge) edges; /* of each calendar the same way */

	/* for people: the policy (index into policy_set.policies) of each rule, ~0: none, or
	 * IMAGE_PUBLISH and which publish; and of each quota, which of its quotas, of a rate
	 * IMAGE_RATE and which of its rates */
	IMAGE_ARRAY(uint32_t) rule_policy;
	IMAGE_ARRAY(uint32_t) quota_line;
	IMAGE_ARRAY(struct image_reach) reach; /* by rule */
};

/* What the machine knows and no file says. */
struct machine {
	struct prefix_list local;  /* addresses of this machine, as /32 and /128 */
	struct prefix_list inside; /* routed through inside interfaces */
	struct prefix_list
		inside_links;   /* on-link at inside interfaces: hosts there are known by MAC */
	bool inside_default[2]; /* of IPv4, IPv6: a default route leads through one */
};

/* `curfew block` and `curfew allow`: parsed like the rules of a file, kept by the daemon. */
struct manual_rule {
	bool allow;
	struct expr *from, *to; /* NULL: any */
	struct utc until;
	uint64_t up_to_bytes; /* allow only, payload: then it ends; 0: no limit */
	uint32_t id;          /* becomes cf_rule.id; need not differ from the ids of other rules */
};
struct manual_list {
	struct manual_rule *v;
	size_t n, cap;
};

struct image_input {
	const struct policy_set *set;
	struct geo geo;
	const struct machine *machine; /* NULL: nothing is known */
	/* NULL: none. Positions in their expressions are best all zero: no file has them. */
	const struct manual_list *manual;
	const struct zone_source *zones;
	/* a database that the set names is not there: its questions are answered with no */
	bool geo_missing;
	const struct vendor_source *vendors; /* NULL: none are known */
	struct utc now;
	unsigned int days; /* of schedule, counted from now; at least 35 in service */
	bool warn;         /* `diags` also gets what is likely a mistake; takes longer */
};

/*
 * Compiles. Returns 0; -EINVAL with an error in `diags` that names the limit or
 * the thing that is missing; `*ret` is untouched then. Errors that are not
 * about a place in a file have position 0:0 and no file. The input is only
 * read, and not needed afterwards.
 */
int image_compile(const struct image_input *in, struct image **ret, struct diag_list *diags);
void image_free(struct image *img);
static inline void image_free_p(struct image **img)
{
	image_free(*img);
}
#define _cleanup_image_ _cleanup_(image_free_p)

/* Warns where so little is left of a table that rules made by hand may find no room in it. */
void image_warn_room(const struct image *img, struct diag_list *diags);
/* Of what nothing is left for one rule more, that ends some day; NULL: there is room. */
const char *image_no_room(const struct image *img, bool ends);

/* How much there is of what, for `status`; bytes: all tables as the kernel holds them. */
struct image_stats {
	size_t labels, source_classes, sources;
	size_t ranges4, keys6, deep6, low6;
	size_t dst_rows, time_rows;
	size_t policies, rules, quotas;
	size_t segments, calendars, edges;
	size_t bytes;
};
void image_stats(const struct image *img, struct image_stats *ret);

/* The same look-ups as the kernel's, on the same tables. */
uint32_t image_label(const struct image *img, const struct addr *dst);
/* *ret_flags (may be NULL): enum cf_source_flags. */
uint32_t image_source_class(const struct image *img, const struct addr *src, uint32_t *ret_flags);

/* A MAC's class, 0 without one; an interface's by its name, 0 without one. */
uint32_t image_mac_class(const struct image *img, uint64_t mac);
uint32_t image_interface_class(const struct image *img, const char *name);

/* A packet that is asked about. What is not known of it is undetermined, as in the kernel. */
struct image_packet {
	enum cf_from from;
	struct addr src, dst;
	struct utc at;
	bool has_service;
	uint8_t protocol;
	bool has_port;
	uint16_t port; /* the responder's, whoever sends; not known who began: the destination's */
	uint16_t other_port; /* the other side's; 0: of no importance */
	enum cf_began began;
	bool has_mac; /* the sender's, at an inside hook */
	uint8_t mac[6];
	const char *interface; /* came in by it; NULL: not known */
	uint16_t vlan;         /* 0: untagged */
	enum cf_fail failing;  /* of what the image cannot know: a stall, the clock, a full table */
};
/* The rules that match: class, label, service, initiation and time; `except` and precedence not yet
 * applied. */
struct cf_row image_candidates(const struct image *img, const struct image_packet *p);
/* Of these rules those that do not ask for another MAC, interface or VLAN than the packet's. */
struct cf_row image_without_others(const struct image *img, const struct image_packet *p,
				   const struct cf_row *rules);
/*
 * The instant of the schedule by which `at` is judged: itself; once the schedule has ended, the
 * one that is whole weeks earlier, in its last week. Before it begins, its first state counts.
 */
struct utc image_schedule_at(const struct image *img, struct utc at);
/* Opening time of a quota's period at an instant, minutes since 1970; 0: closed. */
uint32_t image_period(const struct image *img, uint32_t calendar, struct utc at);
/* When that period ends; the schedule's end if later. */
struct utc image_period_end(const struct image *img, uint32_t calendar, struct utc at);

/* What of a packet's service and initiation a verdict had to do without. */
enum image_open {
	IMAGE_OPEN_SERVICE = 1 << 0,
	IMAGE_OPEN_BEGAN = 1 << 1,
};

struct image_verdict {
	enum cf_reason
		reason; /* for an empty ledger: quotas all unused; IGNORED_* where none is asked */
	uint32_t rule;  /* the one that decides, of several the first; ~0: none */
	struct cf_row
		charged; /* policies whose quotas the packet is charged to; empty if it drops */
	uint32_t open;   /* enum image_open */
};
/* The policies that may have dropped it before, for a time (`drop for`) that lasts. */
struct cf_row image_holding(const struct image *img, const struct image_packet *p);
/* What judge.h decides when no quota is used up, for a packet of any size within every quota. */
struct image_verdict image_judge(const struct image *img, const struct image_packet *p);
/* What becomes of a verdict while something fails: bpf/failing.h. Part of image_judge(). */
struct image_verdict image_judge_failing(const struct image *img, const struct image_packet *p,
					 struct image_verdict v);
/* What the kernel does then, apart from p->failing: the schedule's end, a missing database. */
enum cf_fail image_failing(const struct image *img, struct utc at);

/*
 * Ids are stable: rule ids hash the policy's name, quota ids the name and the
 * quota's own line, so that an unchanged quota keeps its used amount over a
 * reload. FNV-1a, 32 bit; a collision within one set is an error. quota_text
 * is NULL for a policy itself, "except N" (from 1) for its except blocks; for
 * exempt and protect the name is their own, else "exempt N", and the text
 * "exempt" or "protect".
 */
uint32_t image_id(const char *policy_name, const char *quota_text);

#endif
