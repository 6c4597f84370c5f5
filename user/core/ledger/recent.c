/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates: for each of the last polls, which pairs it saw move, and by how much. What is
 * idle costs nothing, and what moves is written in the order in which it is read. Where
 * more than LEDGER_RECENT_MAX moved, rates look back on less time.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "core/ledger/priv.h"

/* Of one slot in one poll; beyond it (4 TB) a rate is too small. */
#define PIECES_MAX 1024

static struct ledger_recents *recents(struct ledger *l, uint32_t poll)
{
	return &l->recent[poll % LEDGER_POLLS];
}

static void forget(struct ledger *l, struct ledger_recents *r)
{
	l->recent_n -= r->n;
	free(r->v);
	*r = (struct ledger_recents){ 0 };
}

void ledger_recent_begin(struct ledger *l, uint64_t mono_ms)
{
	forget(l, recents(l, l->poll));
	l->poll_ms[l->poll % LEDGER_POLLS] = mono_ms;
	for (size_t i = 0; l->resuming && i < LEDGER_POLLS; i++)
		l->poll_ms[i] = mono_ms;
}

void ledger_recent_add(struct ledger *l, uint32_t pair, uint64_t wire)
{
	struct ledger_recents *r = recents(l, l->poll);

	for (int i = 0; wire && i < PIECES_MAX; i++) {
		uint32_t piece = wire < UINT32_MAX ? (uint32_t)wire : UINT32_MAX;

		*VEC_ADD(r) = (struct ledger_recent){ pair, piece };
		l->recent_n++;
		wire -= piece;
	}
}

static bool old(const struct ledger *l, uint32_t poll)
{
	return l->poll_ms[l->poll % LEDGER_POLLS] - l->poll_ms[poll % LEDGER_POLLS] >=
	       LEDGER_RATE_MS;
}

void ledger_recent_end(struct ledger *l)
{
	uint32_t first = l->poll < LEDGER_POLLS ? 0 : l->poll - LEDGER_POLLS + 1;

	if (l->recent_from < first)
		l->recent_from = first;
	while (l->recent_from < l->poll &&
	       (old(l, l->recent_from) || l->recent_n > LEDGER_RECENT_MAX))
		forget(l, recents(l, l->recent_from++));
}

void ledger_recent_move(struct ledger *l, const uint32_t *pairs)
{
	for (size_t i = 0; i < LEDGER_POLLS; i++) {
		struct ledger_recents *r = &l->recent[i];
		size_t n = 0;

		for (size_t k = 0; k < r->n; k++)
			if (pairs[r->v[k].pair] != HASH_NONE)
				r->v[n++] =
					(struct ledger_recent){ pairs[r->v[k].pair], r->v[k].wire };
		l->recent_n -= r->n - n;
		r->n = n;
	}
}

void ledger_recent_done(struct ledger *l)
{
	for (size_t i = 0; i < LEDGER_POLLS; i++)
		forget(l, &l->recent[i]);
}

/* ---- reading ------------------------------------------------------------- */

/*
 * How many polls a rate over `ms` is made of, the last one first, and the time that they
 * cover: what a poll shows came after the one before it, which must still be in the ring.
 */
static uint32_t window(const struct ledger *l, uint64_t ms, uint32_t most, uint64_t *ret_span)
{
	uint64_t last = l->poll_ms[l->poll % LEDGER_POLLS], span = 0;
	uint32_t i = 0;

	for (; i < most && i + 1 < LEDGER_POLLS && i + 1 < l->poll; i++) {
		uint64_t before = l->poll_ms[(l->poll - i - 1) % LEDGER_POLLS];

		if (span && (last - before > ms || l->poll - i < l->recent_from))
			break;
		span = last - before;
	}
	*ret_span = span;
	return i;
}

static uint64_t rate(const struct ledger *l, const struct ledger_pair *p, uint64_t ms,
		     uint32_t most)
{
	uint32_t place = (uint32_t)(p - l->pairs.v);
	uint64_t span, bytes = 0;
	uint32_t n = window(l, ms, most, &span);

	for (uint32_t i = 0; i < n; i++) {
		const struct ledger_recents *r = &l->recent[(l->poll - i) % LEDGER_POLLS];

		for (size_t k = 0; k < r->n; k++)
			bytes += r->v[k].pair == place ? r->v[k].wire : 0;
	}
	return span ? bytes * 1000 / span : 0;
}

/* Wire bytes per second of the time that the polls cover. */
uint64_t ledger_rate(const struct ledger *l, const struct ledger_pair *p)
{
	return rate(l, p, LEDGER_RATE_MS, LEDGER_POLLS);
}

uint64_t ledger_rate_now(const struct ledger *l, const struct ledger_pair *p)
{
	return rate(l, p, UINT64_MAX, 1);
}

static void rates(const struct ledger *l, uint64_t ms, uint32_t most, uint64_t *to)
{
	uint64_t span;
	uint32_t n = window(l, ms, most, &span);

	for (uint32_t i = 0; i < n; i++) {
		const struct ledger_recents *r = &l->recent[(l->poll - i) % LEDGER_POLLS];

		for (size_t k = 0; k < r->n; k++)
			to[r->v[k].pair] += r->v[k].wire;
	}
	for (size_t i = 0; i < l->pairs.n; i++)
		to[i] = span ? to[i] * 1000 / span : 0;
}

void ledger_rates(const struct ledger *l, uint64_t *rate_10s, uint64_t *rate_now)
{
	rates(l, LEDGER_RATE_MS, LEDGER_POLLS, rate_10s);
	rates(l, UINT64_MAX, 1, rate_now);
}
