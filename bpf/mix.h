/* SPDX-License-Identifier: GPL-2.0-only */
/* A hash's last step: every bit of the result depends on every bit of what goes in. */
#ifndef CURFEW_BPF_MIX_H
#define CURFEW_BPF_MIX_H

static __always_inline __u64 mix(__u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

#endif
