/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four counters in sixteen bytes. Those with one that needs more are kept whole in
 * the ledger's `wide`: then the first word is the place there, and the others are all ones.
 */
#include "base/buf.h"
#include "core/ledger/priv.h"

#define ALL_ONES UINT32_MAX

void ledger_sums_add(struct ledger_sums *to, const struct ledger_sums *d)
{
	to->wire_bytes += d->wire_bytes;
	to->payload_bytes += d->payload_bytes;
	to->dropped_wire_bytes += d->dropped_wire_bytes;
	to->packets += d->packets;
}

static uint32_t wide_new(struct ledger *l)
{
	uint32_t place;

	if (l->wide_free) {
		place = l->wide_free - 1;
		l->wide_free = (uint32_t)l->wide.v[place].wire_bytes;
		return place;
	}
	place = (uint32_t)l->wide.n;
	*VEC_ADD(&l->wide) = (struct ledger_sums){ 0 };
	return place;
}

void ledger_counts_clear(struct ledger *l, struct ledger_counts *c)
{
	if (ledger_counts_beside(c)) {
		l->wide.v[c->v[0]] = (struct ledger_sums){ .wire_bytes = l->wide_free };
		l->wide_free = c->v[0] + 1;
	}
	*c = (struct ledger_counts){ { 0 } };
}

void ledger_counts_set(struct ledger *l, struct ledger_counts *c, const struct ledger_sums *s)
{
	struct ledger_counts next = { { (uint32_t)s->wire_bytes, (uint32_t)s->payload_bytes,
					(uint32_t)s->dropped_wire_bytes, (uint32_t)s->packets } };
	uint64_t any = s->wire_bytes | s->payload_bytes | s->dropped_wire_bytes | s->packets;
	uint32_t place;

	/* what has become wide stays so: it would again */
	if (ledger_counts_beside(c)) {
		l->wide.v[c->v[0]] = *s;
		return;
	}
	if (any <= UINT32_MAX && !ledger_counts_beside(&next)) {
		*c = next;
		return;
	}
	place = wide_new(l);
	l->wide.v[place] = *s;
	*c = (struct ledger_counts){ { place, ALL_ONES, ALL_ONES, ALL_ONES } };
}
