/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What time it is in policy: which rules are active, and which period a quota
 * is in. Tables in jiffies, written by the loader; no help from userspace is
 * needed when an edge passes.
 */
#ifndef CURFEW_BPF_SCHEDULE_H
#define CURFEW_BPF_SCHEDULE_H

#include "cfg.h"
#include "maps.h"

/* Schedule time: jiffies, brought back into the tables by whole weeks once they have ended. */
struct sched_now {
	__u64 at;
	__u32 weeks; /* gone by since the end, rounded up */
};

static __always_inline struct sched_now schedule_now(void)
{
	struct sched_now now = { .at = bpf_jiffies64() };

	if (now.at >= cfg.end_jiffies && cfg.week_jiffies) {
		__u64 beyond = now.at - cfg.end_jiffies;

		now.weeks = beyond / cfg.week_jiffies + 1;
		now.at -= now.weeks * cfg.week_jiffies;
	}
	return now;
}

/* The segment that was last in force; a hint that each reader checks. */
static __u32 segment_hint;

static __always_inline const struct cf_segment *segment_at(__u32 i)
{
	return bpf_map_lookup_elem(&segments, &i);
}

/* Where in `segments` an instant is. Global: proven once. */
__noinline __u32 segment_find(__u64 at)
{
	__u32 lo = 0, n = cfg.segments;

	for (int step = 0; step < 13 && n > 1; step++) {
		__u32 half = n / 2;
		const struct cf_segment *s = segment_at(lo + half);

		if (!s)
			return 0;
		if (s->at_jiffies <= at) {
			lo += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return lo;
}

/* The row of active rules. NULL only if the tables are broken. */
static __always_inline const struct cf_row *schedule_row(const struct sched_now *now,
							 __u32 *ret_segment)
{
	__u32 i = *(volatile __u32 *)&segment_hint, row;
	const struct cf_segment *s = segment_at(i), *next = segment_at(i + 1);

	if (!s || !next || s->at_jiffies > now->at || next->at_jiffies <= now->at) {
		i = segment_find(now->at);
		*(volatile __u32 *)&segment_hint = i;
		s = segment_at(i);
		if (!s)
			return NULL;
	}
	row = s->row;
	*ret_segment = i;
	return bpf_map_lookup_elem(&time_rows, &row);
}

/* A period's opening time in minutes since 1970; 0: closed. */
__noinline __u32 schedule_period(__u32 calendar, __u64 at, __u32 weeks)
{
	const struct cf_calendar *c = bpf_map_lookup_elem(&calendars, &calendar);
	const struct cf_edge *e;
	__u32 lo, n;

	if (!c)
		return 0;
	lo = c->first;
	n = c->count;
	for (int step = 0; step < 17 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;

		e = bpf_map_lookup_elem(&edges, &mid);
		if (!e)
			return 0;
		if (e->at_jiffies <= at) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	e = bpf_map_lookup_elem(&edges, &lo);
	if (!e || !e->period)
		return 0;
	return e->period + weeks * CF_WEEK_MINUTES;
}

#endif
