/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeping the ledger in bounds: whoever sprays addresses must not fill the daemon's memory. */
#include <stdlib.h>

#include "base/buf.h"
#include "core/ledger/priv.h"

static int compare_polls(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of pairs that last moved in this poll or before, all but about `keep` are to go. */
static uint32_t idle_since(const struct ledger *l, size_t keep)
{
	uint32_t *polls = xcalloc(l->pairs.n, sizeof(*polls)), at;

	for (size_t i = 0; i < l->pairs.n; i++)
		polls[i] = l->pairs.v[i].moved_poll;
	qsort(polls, l->pairs.n, sizeof(*polls), compare_polls);
	at = polls[l->pairs.n - keep - 1];
	free(polls);
	return at;
}

static void fold_pair(struct ledger *l, struct ledger_pair *p)
{
	struct ledger_sums sums = ledger_pair_sums(l, p);

	ledger_sums_add(&l->folded[p->hook], &sums);
	ledger_counts_clear(l, &p->counts);
	l->folded_pairs++;
}

/* Returns where each pair is now, by its old place; HASH_NONE: folded. */
static uint32_t *keep_pairs(struct ledger *l, size_t keep)
{
	uint32_t *place = xcalloc(l->pairs.n, sizeof(*place)), n = 0;
	uint32_t idle = idle_since(l, keep);
	size_t gone = 0, most = l->pairs.n - keep;

	for (size_t i = 0; i < l->pairs.n; i++) {
		struct ledger_pair *p = &l->pairs.v[i];

		place[i] = HASH_NONE;
		/* of one poll's, which are equally idle, as many as must go */
		if (p->moved_poll <= idle && gone < most) {
			fold_pair(l, p);
			gone++;
			continue;
		}
		l->pairs.v[n] = *p;
		place[i] = n++;
	}
	l->pairs.n = n;
	return place;
}

/* The same for hosts: those of no kept pair go. */
static uint32_t *keep_hosts(struct ledger_hosts *h, const struct ledger *l, bool sources)
{
	bool *used = xcalloc(h->n, sizeof(*used));
	uint32_t *place;

	for (size_t i = 0; i < l->pairs.n; i++)
		used[sources ? l->pairs.v[i].src : l->pairs.v[i].dst] = true;
	place = ledger_hosts_keep(h, used);
	free(used);
	return place;
}

static void move_slots(struct ledger *l, const uint32_t *pairs)
{
	for (size_t i = 0; i < l->slots.n; i++) {
		struct ledger_slot *s = &l->slots.v[i];

		/* HASH_NONE + 1 is 0: its pair is not kept */
		if (s->pair)
			s->pair = pairs[s->pair - 1] + 1;
	}
}

/* A pair that both hooks saw makes one peer. */
static void count_peers(struct ledger *l)
{
	for (size_t i = 0; i < l->pairs.n; i++) {
		const struct ledger_pair *p = &l->pairs.v[i];

		if (p->hook != CF_HOOK_INSIDE &&
		    ledger_pair_place(l, p->src, p->dst, CF_HOOK_INSIDE) != HASH_NONE)
			continue;
		l->sources.v[p->src].peers++;
		l->destinations.v[p->dst].peers++;
	}
}

void ledger_fold(struct ledger *l)
{
	uint32_t *pairs = keep_pairs(l, l->pairs_max - l->pairs_max / 4);
	uint32_t *sources = keep_hosts(&l->sources, l, true);
	uint32_t *destinations = keep_hosts(&l->destinations, l, false);

	for (size_t i = 0; i < l->pairs.n; i++) {
		struct ledger_pair *p = &l->pairs.v[i];

		p->src = sources[p->src];
		p->dst = destinations[p->dst];
	}
	move_slots(l, pairs);
	ledger_recent_move(l, pairs);
	ledger_index(l);
	count_peers(l);
	free(pairs);
	free(sources);
	free(destinations);
}

void ledger_limit(struct ledger *l, uint32_t n)
{
	l->pairs_max = n < 4 ? 4 : n;
}
