/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of packets while something Curfew needs has failed: `on EVENT
 * CHOICE`. A policy set that keeps to the defaults contains none of this.
 */
#ifndef CURFEW_BPF_FAILING_H
#define CURFEW_BPF_FAILING_H

#include "cfg.h"
#include "maps.h"
#include "pkt.h"

static __always_inline bool switched_off(void)
{
	__u32 zero = 0;
	const struct cf_control *c = bpf_map_lookup_elem(&control, &zero);

	return c && c->off_until && (c->off_until == ~0ULL || bpf_jiffies64() < c->off_until);
}

/* A new policy set that nobody has confirmed in time. */
static __always_inline bool unconfirmed(void)
{
	__u32 zero = 0;
	const struct cf_control *c = bpf_map_lookup_elem(&control, &zero);

	return c && c->confirm_until && c->confirm_generation == cfg.generation &&
	       bpf_jiffies64() >= c->confirm_until;
}

/*
 * The strongest choice whose event lasts: enum cf_fail. What the switch and `observe`
 * keep from dropping is judged as ever, and charged. Global: proven once, and rare.
 */
__noinline int failing_now(__u32 no_slot)
{
	__u32 zero = 0, worst = cfg.failing.geo_missing;
	const volatile struct cf_control *c = bpf_map_lookup_elem(&control, &zero);
	__u64 now = bpf_jiffies64(), heartbeat;

	if (!c)
		return worst;
	heartbeat = c->heartbeat;
	/* one that is promised lies ahead; none is expected of a daemon that was stopped */
	if (cfg.failing.stall > worst && heartbeat &&
	    (__s64)(now - heartbeat) > (__s64)cfg.failing.stall_jiffies)
		worst = cfg.failing.stall;
	if (cfg.failing.schedule_end > worst && now >= cfg.end_jiffies)
		worst = cfg.failing.schedule_end;
	if (cfg.failing.time_unknown > worst && c->failing & CF_FAILING_TIME)
		worst = cfg.failing.time_unknown;
	if (cfg.failing.table_full > worst && no_slot)
		worst = cfg.failing.table_full;
	if (worst == CF_FAIL_CLOSED && (cfg.observe || unconfirmed() || switched_off()))
		return CF_FAIL_KEEP;
	return worst;
}

/* As failing_now(); free of charge where every choice is the default. */
static __always_inline __u32 failing(bool no_slot)
{
	return cfg.failing.any ? (__u32)failing_now(no_slot) : CF_FAIL_KEEP;
}

/* A reason to drop, as it is while that fails. */
static __always_inline enum cf_reason failing_softens(__u32 fail, enum cf_reason reason)
{
	if (fail == CF_FAIL_OPEN)
		return CF_REASON_PASS_FAILED_OPEN;
	if (fail == CF_FAIL_OBSERVE)
		return CF_REASON_PASS_OBSERVED;
	return reason;
}

#define UNPARSED_REASONS                                                                           \
	(1ULL << CF_REASON_UNPARSED_ETHER | 1ULL << CF_REASON_UNPARSED_NON_IP |                    \
	 1ULL << CF_REASON_UNPARSED_SHORT_IP | 1ULL << CF_REASON_UNPARSED_BAD_IP |                 \
	 1ULL << CF_REASON_UNPARSED_TAGS | 1ULL << CF_REASON_UNPARSED_PPPOE)

__noinline int unparsed_now(int reason)
{
	__u32 fail = failing(false);

	if (fail == CF_FAIL_OPEN || fail == CF_FAIL_OBSERVE || cfg.observe || unconfirmed() ||
	    switched_off())
		return reason;
	return CF_REASON_DROP_UNPARSED;
}

/* The reason with which a packet leaves that is not judged. */
static __always_inline enum cf_reason unjudged(enum cf_reason reason)
{
	if (!cfg.failing.parse_failure || !(UNPARSED_REASONS >> reason & 1))
		return reason;
	return unparsed_now(reason);
}

#endif
