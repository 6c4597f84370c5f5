/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader told this generation. Constants to the verifier. */
#ifndef CURFEW_BPF_CFG_H
#define CURFEW_BPF_CFG_H

#include <curfew/config.h>

const volatile struct cf_config cfg = { 0 };

/*
 * A count of the configuration, of which the verifier is to know nothing. From one that it knows it
 * follows a search by halves to each place where that may end, and of tables above some ten
 * thousand entries there are more than it has patience for. The same word twice changes nothing; it
 * has to be one that the verifier knows nothing of either.
 */
static __always_inline __u32 cfg_count(__u32 n, __u32 any)
{
	asm volatile("%0 ^= %1\n%0 ^= %1" : "+r"(n) : "r"(any));
	return n;
}

/*
 * Of a row, the words that this policy set has rules for: one, up to 64 rules. The verifier takes
 * the others out, so that few rules do not pay for many.
 */
#define for_each_row_word(i)                                                                       \
	_Pragma("unroll") for (int i = 0; i < CF_ROW_WORDS && (__u32)i < cfg.row_words; i++)

static __always_inline bool row_any(const struct cf_row *r)
{
	__u64 any = 0;

	for_each_row_word (i)
		any |= r->word[i];
	return any;
}

#endif
