/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates: GCRA with one word per key, its theoretical arrival time. A packet of cost c
 * moves it from a to max(a, now) + c if that is at most `room` ahead of now, by
 * compare-and-swap; else it stays. Each step adds at least its cost, so the costs of
 * all that passes between two instants are at most the time between them plus
 * room: rate * t + burst, on any number of CPUs. All divisions round against the
 * sender.
 */
#ifndef CURFEW_BPF_RATE_H
#define CURFEW_BPF_RATE_H

#include "maps.h"
#include "pkt.h"
#include "turn.h"

#define RATE_TRIES     32
#define RATE_BYTES_MAX (1U << 26) /* of a packet; what follows must not run over */
#define RATE_HOUR_NS   3600000000000ULL

static __always_inline __u64 rate_load(const struct cf_rate_state *st)
{
	WORD_STEP(&st->arrival);
	return *(const volatile __u64 *)&st->arrival;
}

static __always_inline __u64 rate_swap(struct cf_rate_state *st, __u64 was, __u64 next)
{
	WORD_STEP(&st->arrival);
	return __sync_val_compare_and_swap(&st->arrival, was, next);
}

static __always_inline __u64 rate_now(void)
{
	return bpf_ktime_get_ns() * CF_RATE_TICKS;
}

/* How long a packet takes at this rate. */
static __always_inline __u64 rate_cost(__u32 bytes, __u64 bits_per_second)
{
	return ((__u64)bytes * (8000000000ULL * CF_RATE_TICKS) + bits_per_second - 1) /
	       bits_per_second;
}

/* What of the burst is used, in bytes. */
static __always_inline __u64 rate_filled(__u64 arrival, __u64 now, __u64 bits_per_second)
{
	if (arrival == CF_RATE_RETIRED || arrival <= now)
		return 0;
	return ((arrival - now) >> 7) * bits_per_second / 1000000000;
}

/* The word as the packet would leave it; 0: it does not conform. */
static __always_inline __u64 rate_next(__u64 arrival, __u64 now, __u64 room, __u64 cost)
{
	__u64 next = (arrival > now ? arrival : now) + cost;

	return arrival == CF_RATE_RETIRED || next - now > room ? 0 : next;
}

/* The word as this packet has left it; 0: it does not conform. Global: proven once. */
__noinline __u64 rate_take(struct cf_rate_state *st, __u64 now, __u64 room, __u64 cost)
{
	if (!st)
		return 0;
	for (int i = 0; i < RATE_TRIES; i++) {
		__u64 was = rate_load(st), next = rate_next(was, now, room, cost);

		if (!next)
			return 0;
		if (rate_swap(st, was, next) == was)
			return next;
	}
	return 0;
}

/*
 * Only while nobody has taken since: after that, time gone by may have given it back
 * already, and twice would be too much.
 */
static __always_inline void rate_give_back(struct cf_rate_state *st, __u64 taken, __u64 cost)
{
	rate_swap(st, taken, taken - cost);
}

/* What is reported is so once an hour. Races cost a report, or make two. */
static __always_inline void rate_hour(struct cf_rate_state *st)
{
	__u32 hour = bpf_ktime_get_ns() / RATE_HOUR_NS + 1;

	if (st->hour == hour)
		return;
	st->hour = hour;
	st->reported = 0;
}

#endif
