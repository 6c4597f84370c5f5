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

/*
 * The segment in force, and until when it is, as real jiffies: one word, so that it is
 * read whole. Jiffies never go back, so whoever finds it written is past its beginning.
 */
static __u64 segment_known;
#define KNOWN_UNTIL       ((1ULL << 48) - 1)
#define KNOWN_STAMP_SHIFT 48

/* What tells the segment in force from others in a slot, never 0; 0: it has to be looked for. */
static __always_inline __u32 segment_stamp(void)
{
	__u64 known = *(volatile __u64 *)&segment_known;

	return bpf_jiffies64() < (known & KNOWN_UNTIL) ? (__u32)(known >> KNOWN_STAMP_SHIFT) : 0;
}

static __always_inline const struct cf_segment *segment_at(__u32 i)
{
	return bpf_map_lookup_elem(&segments, &i);
}

/* Where in `segments` an instant is. Global: proven once. */
__noinline __u32 segment_find(__u64 at)
{
	__u32 lo = 0, n = cfg_count(cfg.segments, (__u32)at);

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

/* Looks for the segment in force, and keeps it until it ends. Global: proven once, and rare. */
__noinline __u32 segment_look(__u64 at, __u32 weeks)
{
	__u32 i = segment_find(at), next = i + 1;
	const struct cf_segment *s = segment_at(next);
	__u64 until = s ? s->at_jiffies + weeks * cfg.week_jiffies : 0;

	/* none that ends beyond what fits; one that is over at once is looked for again */
	if (next < cfg.segments && next <= CF_SLOT_SEGMENT && until <= KNOWN_UNTIL)
		*(volatile __u64 *)&segment_known = (__u64)next << KNOWN_STAMP_SHIFT | until;
	return i;
}

/* The segment in force. NULL only if the tables are broken. */
static __always_inline const struct cf_segment *schedule_segment(const struct sched_now *now,
								 __u32 *ret_segment)
{
	__u32 stamp = segment_stamp(), i = stamp ? stamp - 1 : segment_look(now->at, now->weeks);

	*ret_segment = i;
	return segment_at(i);
}

/* Its row of active rules. */
static __always_inline const struct cf_row *schedule_row(const struct sched_now *now,
							 __u32 *ret_segment)
{
	const struct cf_segment *s = schedule_segment(now, ret_segment);
	__u32 row;

	if (!s)
		return NULL;
	row = s->row;
	return bpf_map_lookup_elem(&time_rows, &row);
}

/* The edge of a calendar that an instant follows, in `edges`. Global: proven once. */
__noinline __u32 edge_find(__u32 first, __u32 count, __u64 at)
{
	__u32 lo = first, n = count;

	for (int step = 0; step < 17 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;
		const struct cf_edge *e = bpf_map_lookup_elem(&edges, &mid);

		if (!e)
			break;
		if (e->at_jiffies <= at) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	return lo;
}

#endif
