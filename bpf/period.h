/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The period that a quota is in, remembered until its calendar's next edge: looked for
 * in the tables, it cost each quota of a packet 15 to 20 ns. Per CPU, with the packet's other
 * state.
 */
#ifndef CURFEW_BPF_PERIOD_H
#define CURFEW_BPF_PERIOD_H

#include "judging.h"

static __always_inline struct known_period *known_period(struct judge *j, __u32 calendar)
{
	return &j->periods[calendar & (KNOWN_PERIODS - 1)];
}

/* Looks for it, and remembers it. Global: proven once, and rare. */
__noinline __u32 period_look(__u32 calendar)
{
	struct judge *j = judging_own();
	const struct cf_calendar *c = bpf_map_lookup_elem(&calendars, &calendar);
	const struct cf_edge *e, *next = NULL;
	struct known_period *k;
	__u32 i;

	if (!j || !c)
		return 0;
	i = edge_find(c->first, c->count, j->now.at);
	e = bpf_map_lookup_elem(&edges, &i);
	if (!e)
		return 0;
	i++;
	if (i < c->first + c->count)
		next = bpf_map_lookup_elem(&edges, &i);
	k = known_period(j, calendar);
	k->calendar = calendar;
	k->weeks = j->now.weeks;
	k->from = j->now.at;
	k->until = next ? next->at_jiffies : cfg.end_jiffies;
	k->period = e->period ? e->period + j->now.weeks * CF_WEEK_MINUTES : 0;
	return k->period;
}

/* A period's opening time in minutes since 1970; 0: closed. */
static __always_inline __u32 period_now(struct judge *j, __u32 calendar)
{
	const struct known_period *k = known_period(j, calendar);

	if (k->calendar == calendar && k->weeks == j->now.weeks && j->now.at >= k->from &&
	    j->now.at < k->until)
		return k->period;
	return period_look(calendar);
}

#endif
