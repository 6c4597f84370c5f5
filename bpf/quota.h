/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The quota ledger: one word per key holds period, latch and used bytes
 * (cf_quota_state). Charged by one fetch-and-add whose result decides, so that
 * at most the limit passes, on any number of CPUs. All other changes are
 * compare-and-swap, and only within the period they were meant for.
 */
#ifndef CURFEW_BPF_QUOTA_H
#define CURFEW_BPF_QUOTA_H

#include "maps.h"
#include "pkt.h"
#include "turn.h"

#define QUOTA_TRIES 8
#define USED_MASK   (CF_QUOTA_LATCH - 1)

static __always_inline __u64 word_used(__u64 w)
{
	return w & USED_MASK;
}

static __always_inline __u32 word_period(__u64 w)
{
	return w >> CF_QUOTA_PERIOD_SHIFT;
}

static __always_inline __u64 word_open(__u32 period)
{
	return (__u64)(period & CF_QUOTA_PERIOD_MASK) << CF_QUOTA_PERIOD_SHIFT;
}

static __always_inline bool word_retired(__u64 w)
{
	return word_period(w) == CF_QUOTA_PERIOD_MASK;
}

static __always_inline bool word_opening(__u64 w)
{
	return w == CF_QUOTA_OPENING;
}

/* Modular order: minutes wrap after eight years. */
static __always_inline bool word_older(__u64 w, __u32 period)
{
	__u32 ahead = (period - word_period(w)) & CF_QUOTA_PERIOD_MASK;

	if (word_retired(w))
		return false;
	if (!word_period(w)) /* never used */
		return true;
	return ahead && ahead <= CF_QUOTA_PERIOD_MASK / 2;
}

static __always_inline __u64 word_load(struct cf_quota_state *q)
{
	WORD_STEP(&q->word);
	return *(volatile __u64 *)&q->word;
}

static __always_inline __u64 word_swap(struct cf_quota_state *q, __u64 old, __u64 new)
{
	WORD_STEP(&q->word);
	return __sync_val_compare_and_swap(&q->word, old, new);
}

/* Global, these loops are proven once and not at each call. */

/* Moves the word to `period` if it is of an older one. False: it would not hold still. */
__noinline bool quota_roll(struct cf_quota_state *q, __u32 period)
{
	if (!q)
		return false;
	for (int i = 0; i < QUOTA_TRIES; i++) {
		__u64 w = word_load(q);

		if (!word_older(w, period))
			return true;
		if (word_swap(q, w, word_open(period)) == w) {
			q->used_bytes = 0;
			q->attempted_bytes = 0;
			q->attempted_packets = 0;
			q->period_opened = (__u64)period * 60;
			q->latched = 0;
			q->reported = 0;
			q->keep_bytes = 0;
			return true;
		}
	}
	return false;
}

/* Refuses the key until its period ends. */
__noinline int quota_latch(struct cf_quota_state *q, __u32 period)
{
	if (!q)
		return 0;
	for (int i = 0; i < QUOTA_TRIES; i++) {
		__u64 w = word_load(q);

		if (w & CF_QUOTA_LATCH || word_older(word_open(period), word_period(w)))
			return 0;
		if (word_swap(q, w, w | CF_QUOTA_LATCH) == w) {
			q->latched = 1;
			return 0;
		}
	}
	return 0;
}

/* Takes a charge back, unless the period has changed meanwhile: then it never counted there. */
__noinline int quota_give_back(struct cf_quota_state *q, __u64 charged, __u32 bytes)
{
	if (!q)
		return 0;
	for (int i = 0; i < QUOTA_TRIES; i++) {
		__u64 w = word_load(q);

		if (word_period(w) != word_period(charged) || word_used(w) < bytes)
			return 0;
		if (word_swap(q, w, w - bytes) == w) {
			q->used_bytes = word_used(w) - bytes;
			return 0;
		}
	}
	return 0;
}

enum quota_answer { QUOTA_FITS, QUOTA_TRIPPED };

/* Would `bytes` more fit? Changes nothing. */
static __always_inline enum quota_answer quota_check(struct cf_quota_state *q, __u32 period,
						     __u64 drop_bytes, __u32 bytes)
{
	__u64 w = word_load(q);

	if (drop_bytes == ~0ULL)
		return QUOTA_FITS;
	if (word_older(w, period))
		return bytes <= drop_bytes ? QUOTA_FITS : QUOTA_TRIPPED;
	if (w & CF_QUOTA_LATCH || word_used(w) + bytes > drop_bytes)
		return QUOTA_TRIPPED;
	return QUOTA_FITS;
}

/* Charges, or does not. `*charged`: the word as it was, for quota_give_back(). */
static __always_inline enum quota_answer quota_charge(struct cf_quota_state *q, __u32 period,
						      __u64 drop_bytes, __u32 bytes, __u64 *charged)
{
	__u64 w = word_load(q);

	if (word_older(w, period)) {
		if (!quota_roll(q, period))
			return drop_bytes == ~0ULL ? QUOTA_FITS : QUOTA_TRIPPED;
		w = word_load(q);
	}
	*charged = w;
	/* only quotas that never drop get there; the field must not run over */
	if (word_used(w) >= CF_QUOTA_BYTES_MAX)
		return drop_bytes == ~0ULL ? QUOTA_FITS : QUOTA_TRIPPED;
	/* used up, and it stays so: a charge would only be taken back, an atomic access each */
	if (w & CF_QUOTA_LATCH && drop_bytes != ~0ULL)
		return QUOTA_TRIPPED;
	WORD_STEP(&q->word);
	w = __sync_fetch_and_add(&q->word, bytes);
	*charged = w;
	q->used_bytes = word_used(w) + bytes;
	if (drop_bytes == ~0ULL)
		return QUOTA_FITS;
	if (!(w & CF_QUOTA_LATCH) && word_used(w) + bytes <= drop_bytes)
		return QUOTA_FITS;
	quota_give_back(q, w, bytes);
	return QUOTA_TRIPPED;
}

#endif
