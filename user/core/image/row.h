/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of rules: what the kernel does to struct cf_row, for the compiler and the look-ups. */
#ifndef CURFEW_CORE_IMAGE_ROW_H
#define CURFEW_CORE_IMAGE_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "curfew/abi.h"

static inline bool row_has(const struct cf_row *r, uint32_t bit)
{
	return r->word[bit / 64] >> (bit % 64) & 1;
}

static inline void row_set(struct cf_row *r, uint32_t bit)
{
	r->word[bit / 64] |= 1ULL << (bit % 64);
}

static inline void row_clear(struct cf_row *r, uint32_t bit)
{
	r->word[bit / 64] &= ~(1ULL << (bit % 64));
}

static inline struct cf_row row_and(const struct cf_row *a, const struct cf_row *b)
{
	struct cf_row r;

	for (int i = 0; i < CF_ROW_WORDS; i++)
		r.word[i] = a->word[i] & b->word[i];
	return r;
}

static inline struct cf_row row_or(const struct cf_row *a, const struct cf_row *b)
{
	struct cf_row r;

	for (int i = 0; i < CF_ROW_WORDS; i++)
		r.word[i] = a->word[i] | b->word[i];
	return r;
}

static inline struct cf_row row_without(const struct cf_row *a, const struct cf_row *b)
{
	struct cf_row r;

	for (int i = 0; i < CF_ROW_WORDS; i++)
		r.word[i] = a->word[i] & ~b->word[i];
	return r;
}

static inline bool row_empty(const struct cf_row *r)
{
	uint64_t any = 0;

	for (int i = 0; i < CF_ROW_WORDS; i++)
		any |= r->word[i];
	return !any;
}

static inline bool row_meets(const struct cf_row *a, const struct cf_row *b)
{
	struct cf_row r = row_and(a, b);

	return !row_empty(&r);
}

/* The lowest rule in the set; ~0 if it is empty. */
static inline uint32_t row_first(const struct cf_row *r)
{
	for (uint32_t i = 0; i < CF_ROW_WORDS; i++)
		if (r->word[i])
			return i * 64 + (uint32_t)__builtin_ctzll(r->word[i]);
	return ~0U;
}

#endif
