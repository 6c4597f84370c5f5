/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader told this generation. Constants to the verifier. */
#ifndef CURFEW_BPF_CFG_H
#define CURFEW_BPF_CFG_H

#include <curfew/config.h>

const volatile struct cf_config cfg = { 0 };

/* A row of the configuration, as a value. */
static __always_inline bool row_any(const struct cf_row *r)
{
	__u64 any = 0;

	for (int i = 0; i < CF_ROW_WORDS; i++)
		any |= r->word[i];
	return any;
}

#endif
