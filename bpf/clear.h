/* SPDX-License-Identifier: GPL-2.0-only */
/* What lets a packet through that policies are about: except, exempt, publish, allow by hand. */
#ifndef CURFEW_BPF_CLEAR_H
#define CURFEW_BPF_CLEAR_H

#include "judging.h"

/* Of a rule with a limit: does it let this packet pass? Global: rare. */
__noinline int allow_takes(__u32 rule)
{
	struct judge *j = judging_own();
	const struct cf_rule *r = bpf_map_lookup_elem(&rules, &rule);
	struct cf_allowed *a;
	__u64 used;

	if (!j || !r)
		return 0;
	a = bpf_map_lookup_elem(&allowed, &r->id);
	if (!a || a->used_up)
		return 0;
	used = __sync_fetch_and_add(&a->used_bytes, j->subject.payload_bytes);
	if (used + j->subject.payload_bytes <= r->up_to_bytes)
		return 1;
	__sync_fetch_and_sub(&a->used_bytes, j->subject.payload_bytes);
	a->used_up = 1;
	return 0;
}

/* bpf_loop() callback: one except or exempt. */
static long clear_one(__u32 i, void *ctx)
{
	struct judge *j = ((struct judge_ctx *)ctx)->j;
	__u32 n = row_take(&j->left);
	const struct cf_rule *r;

	if (n == ~0U)
		return 1;
	r = bpf_map_lookup_elem(&rules, &n);
	if (!r)
		return 1;
	if (r->up_to_bytes && !allow_takes(n))
		return 0;
	if (row_intersects(&j->match, &r->clears)) {
		if (r->kind == CF_RULE_EXEMPT)
			j->exempted = 1;
		else if (r->kind == CF_RULE_PUBLISH)
			j->published = 1;
		else
			j->excepted = 1;
	}
	for_each_row_word (w)
		j->match.word[w] &= ~r->clears.word[w];
	if (!cfg.holds)
		return 0;
	for_each_row_word (w)
		j->holding.word[w] &= ~r->clears.word[w];
	return 0;
}

#endif
