/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the shared entry to one of its own. Who finds no entry notes in the key's cells
 * what it is about to be charged by the shared one, and looks again: none, and it goes on. Who
 * makes an entry puts it there as one that is being opened, reads the cells, and opens it
 * with that. So of the two at least one sees the other: the note is in what the entry begins with,
 * or the entry is seen, and waited for. Both read after they have written, on different CPUs: that
 * wants a full barrier on either side, and only atomics whose result is used are one
 * (Documentation/atomic_t.txt; arm64's JIT makes others relaxed).
 */
#ifndef CURFEW_BPF_CELLS_H
#define CURFEW_BPF_CELLS_H

#include "mix.h"
#include "quota.h"

/* A key's cells: one of each row, so that a stranger is rarely in both. */
struct spill_cells {
	__u64 *in[CF_SPILL_ROWS];
};

static __always_inline void cells_hash(__u64 seed, const struct cf_quota_key *key,
				       __u32 ret_at[CF_SPILL_ROWS])
{
	const __u32 *word = (const __u32 *)key;
	__u64 h = seed;

	for (__u32 i = 0; i < sizeof(*key) / sizeof(*word); i += 2)
		h = mix(h ^ ((__u64)word[i] << 32 | word[i + 1]));
	ret_at[0] = (__u32)h;
	ret_at[1] = (__u32)(h >> 32);
}

static __always_inline void cells_at(struct cf_quota_spill *s, const __u32 at[CF_SPILL_ROWS],
				     struct spill_cells *ret)
{
	ret->in[0] = &s->word[0][at[0] & (CF_SPILL_CELLS - 1)];
	ret->in[1] = &s->word[1][at[1] & (CF_SPILL_CELLS - 1)];
}

/*
 * What a cell says of this period. What it says of a later one counts too: the clock was
 * set back. Read by an exchange, for the barrier; a compare-and-swap that fails is none.
 */
static __always_inline __u64 cell_read(__u64 *cell, __u32 period)
{
	__u64 w;

	WORD_ORDERED(cell);
	w = __sync_fetch_and_or(cell, 0);
	return word_older(w, period) ? 0 : word_used(w);
}

/*
 * Adds to a cell. Too much is harmless there, too little is not. The result is of
 * no use to anyone; that there is one makes the last step a barrier.
 */
__noinline __u64 cell_add(__u64 *cell, __u32 period, __u64 bytes)
{
	__u64 w = 0;

	if (!cell)
		return 0;
	for (int i = 0; i < QUOTA_TRIES; i++) {
		WORD_STEP(cell);
		w = *(volatile __u64 *)cell;
		if (!word_older(w, period))
			break;
		WORD_ORDERED(cell);
		if (__sync_val_compare_and_swap(cell, w, word_open(period) + bytes) == w)
			return w;
	}
	/* beyond any limit; the field must not run over */
	if (word_used(w) >= CF_QUOTA_BYTES_MAX)
		return w;
	WORD_ORDERED(cell);
	return __sync_fetch_and_add(cell, bytes);
}

static __always_inline void cells_add(const struct spill_cells *c, __u32 period, __u64 bytes)
{
	cell_add(c->in[0], period, bytes);
	cell_add(c->in[1], period, bytes);
}

#define NOTED_NOT ~0U

/*
 * Notes what is about to be charged by the shared entry. For which period: it may be in a
 * later one than the packet. NOTED_NOT: it does not fit there; 0 is for who has not asked.
 */
static __always_inline __u32 shared_note(struct cf_quota_state *shared, const struct spill_cells *c,
					 __u32 period, __u64 drop_bytes, __u32 bytes)
{
	__u32 noted = period & CF_QUOTA_PERIOD_MASK;
	__u64 w;

	if (quota_check(shared, period, drop_bytes, bytes) != QUOTA_FITS)
		return NOTED_NOT;
	w = word_load(shared);
	if (!word_older(w, period))
		noted = word_period(w);
	cells_add(c, noted, bytes);
	return noted;
}

/*
 * Charges it, for what is noted and in the period that it is noted in: if that has ended just
 * now, the packet is refused, rather than forgotten.
 */
static __always_inline enum quota_answer shared_charge(struct cf_quota_state *shared, __u32 noted,
						       __u32 period, __u64 drop_bytes, __u32 bytes,
						       __u64 *charged)
{
	if (noted == NOTED_NOT ||
	    quota_charge(shared, period, drop_bytes, bytes, charged) == QUOTA_TRIPPED)
		return QUOTA_TRIPPED;
	if (word_period(*charged) == noted)
		return QUOTA_FITS;
	quota_give_back(shared, *charged, bytes);
	return QUOTA_TRIPPED;
}

/* The second half of making an entry: it is there, as CF_QUOTA_OPENING. False: it was retired. */
static __always_inline bool entry_open(struct cf_quota_state *st, const struct spill_cells *c,
				       __u32 period)
{
	__u64 a = cell_read(c->in[0], period), b = cell_read(c->in[1], period);

	if (b < a)
		a = b;
	if (word_swap(st, CF_QUOTA_OPENING, word_open(period) + a) != CF_QUOTA_OPENING)
		return false;
	st->used_bytes = a;
	return true;
}

/* Its maker is a few instructions away from opening it, unless an interrupt keeps it. */
#ifndef OPENING_LOOKS
#define OPENING_LOOKS 256
#endif

/* The word as it is once the entry is open; CF_QUOTA_OPENING: it would not be. Global: rare. */
__noinline __u64 entry_await(struct cf_quota_state *st)
{
	__u64 w = CF_QUOTA_OPENING;

	for (int i = 0; st && i < OPENING_LOOKS && word_opening(w); i++)
		w = word_load(st);
	return w;
}

static __always_inline __u64 entry_word(struct cf_quota_state *st)
{
	__u64 w = word_load(st);

	return word_opening(w) ? entry_await(st) : w;
}

#endif
