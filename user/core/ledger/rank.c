/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The largest rows, in order, without room for all of them. */
#include <stdlib.h>

#include "core/ledger/priv.h"

static uint64_t rank(const struct ledger_row *r, enum ledger_column column)
{
	switch (column) {
	case LEDGER_PAYLOAD:
		return r->sums.payload_bytes;
	case LEDGER_DROPPED:
		return r->sums.dropped_wire_bytes;
	case LEDGER_PACKETS:
		return r->sums.packets;
	case LEDGER_RATE:
		return r->rate;
	case LEDGER_LAST_SEEN:
		return (uint64_t)r->last_seen.s;
	default:
		return r->sums.wire_bytes;
	}
}

/* Larger first; then by what names the row, so that equal ones keep their order from poll to poll.
 */
static int row_compare(const void *a, const void *b, void *arg)
{
	const struct ledger_row *x = a, *y = b;
	enum ledger_column column = *(const enum ledger_column *)arg;
	uint64_t rx = rank(x, column), ry = rank(y, column);
	int r;

	if (rx != ry)
		return rx < ry ? 1 : -1;
	if (x->sums.wire_bytes != y->sums.wire_bytes)
		return x->sums.wire_bytes < y->sums.wire_bytes ? 1 : -1;
	r = addr_compare(&x->dst, &y->dst);
	if (!r)
		r = addr_compare(&x->src, &y->src);
	return r ? r : (x->number > y->number) - (x->number < y->number);
}

/* The heap's root is the least of the rows that are kept. */
static void sift(struct ledger_row *v, size_t n, size_t i, enum ledger_column column)
{
	for (;;) {
		size_t worst = i, child = 2 * i + 1;
		struct ledger_row tmp;

		for (size_t k = child; k < n && k < child + 2; k++)
			if (row_compare(&v[k], &v[worst], &column) > 0)
				worst = k;
		if (worst == i)
			return;
		tmp = v[i];
		v[i] = v[worst];
		v[worst] = tmp;
		i = worst;
	}
}

static void heap_make(struct ledger_rows *rows, size_t top, enum ledger_column column)
{
	for (size_t i = top / 2; i-- > 0;)
		sift(rows->v, top, i, column);
}

void ledger_rank_offer(struct ledger_rows *rows, size_t top, enum ledger_column column,
		       const struct ledger_row *row)
{
	if (!top || rows->n < top) {
		*VEC_ADD(rows) = *row;
		if (rows->n == top)
			heap_make(rows, top, column);
		return;
	}
	if (row_compare(row, &rows->v[0], &column) >= 0)
		return;
	rows->v[0] = *row;
	sift(rows->v, top, 0, column);
}

void ledger_rank_keep(struct ledger_rows *rows, size_t top, enum ledger_column column)
{
	if (top && top < rows->n) {
		heap_make(rows, top, column);
		for (size_t i = top; i < rows->n; i++) {
			if (row_compare(&rows->v[i], &rows->v[0], &column) >= 0)
				continue;
			rows->v[0] = rows->v[i];
			sift(rows->v, top, 0, column);
		}
		rows->n = top;
	}
	if (rows->n)
		qsort_r(rows->v, rows->n, sizeof(*rows->v), row_compare, &column);
}
