/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nested ranges to flat ones, and tables over tables. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/build.h"

bool geo_addr_previous(struct addr *a)
{
	for (int i = 15; i >= 0; i--)
		if (a->b[i]--)
			return true;
	return false;
}

/* Holders come before what they hold. */
static int row_order(const void *a, const void *b)
{
	const struct geo_row *x = a, *y = b;
	int r = addr_compare(&x->first, &y->first);

	if (!r)
		r = addr_compare(&y->last, &x->last);
	return r ? r : x->row < y->row ? -1 : x->row > y->row;
}

/* The rows that hold the place the sweep is at, outermost first; `at` is what is not yet told. */
struct nest {
	struct {
		struct geo_row **v;
		size_t n, cap;
	} open;
	struct addr at;
	bool done; /* the last address is told */
	struct geo_builder *b;
};

/* Tells the innermost open row up to and including `last`. */
static void tell(struct nest *nest, const struct addr *last)
{
	geo_builder_add(nest->b, &nest->at, last, nest->open.v[nest->open.n - 1]->record);
	nest->at = *last;
	nest->done = !addr_next(&nest->at);
}

static void close_before(struct nest *nest, const struct addr *first)
{
	while (nest->open.n) {
		const struct addr *last = &nest->open.v[nest->open.n - 1]->last;

		if (first && addr_compare(last, first) >= 0)
			return;
		if (!nest->done && addr_compare(&nest->at, last) <= 0)
			tell(nest, last);
		nest->open.n--;
	}
}

static bool conflict(const struct geo_row *holder, const struct geo_row *row)
{
	int last = addr_compare(&row->last, &holder->last);

	if (last > 0)
		return true;
	return !last && !addr_compare(&row->first, &holder->first) && row->record != holder->record;
}

static void enter(struct nest *nest, struct geo_row *row)
{
	struct addr before = row->first;

	if (nest->open.n && addr_compare(&nest->at, &row->first) < 0 && geo_addr_previous(&before))
		tell(nest, &before);
	nest->at = row->first;
	*VEC_ADD(&nest->open) = row;
}

int geo_rows_resolve(struct geo_rows *rows, struct geo_builder *b, struct geo_row ret_conflict[2])
{
	struct nest nest = { .b = b };
	int r = 0;

	qsort(rows->v, rows->n, sizeof(*rows->v), row_order);
	for (size_t i = 0; i < rows->n; i++) {
		struct geo_row *row = &rows->v[i], *holder;

		close_before(&nest, &row->first);
		holder = nest.open.n ? nest.open.v[nest.open.n - 1] : NULL;
		if (holder && conflict(holder, row)) {
			bool swap = holder->row > row->row;

			ret_conflict[swap] = *holder;
			ret_conflict[!swap] = *row;
			r = -EEXIST;
			break;
		}
		enter(&nest, row);
	}
	if (!r)
		close_before(&nest, NULL);
	free(nest.open.v);
	return r;
}

static unsigned __int128 row_size(const struct geo_row *r)
{
	unsigned __int128 first = (unsigned __int128)addr_hi(&r->first) << 64 | addr_lo(&r->first);
	unsigned __int128 last = (unsigned __int128)addr_hi(&r->last) << 64 | addr_lo(&r->last);

	return last - first;
}

/* `holder` begins first and ends within `row`. True if `row` was the one to cut, and moved. */
static bool cut(struct geo_row *holder, struct geo_row *row)
{
	unsigned __int128 a = row_size(holder), b = row_size(row);

	if (a > b || (a == b && holder->row > row->row)) {
		holder->last = row->first;
		geo_addr_previous(&holder->last);
		return false;
	}
	row->first = holder->last;
	addr_next(&row->first);
	return true;
}

/* One pass in order; a row that moved waits for the next pass, for it may be out of order now. */
static size_t narrow_once(struct geo_rows *rows, bool *ret_moved)
{
	struct nest nest = { 0 };
	size_t cuts = 0;

	*ret_moved = false;
	qsort(rows->v, rows->n, sizeof(*rows->v), row_order);
	for (size_t i = 0; i < rows->n; i++) {
		struct geo_row *row = &rows->v[i];
		bool moved = false;

		while (nest.open.n && !moved) {
			struct geo_row *holder = nest.open.v[nest.open.n - 1];

			if (addr_compare(&holder->last, &row->first) >= 0) {
				if (addr_compare(&row->last, &holder->last) <= 0)
					break;
				cuts++;
				moved = cut(holder, row);
			}
			nest.open.n -= !moved;
		}
		*ret_moved |= moved;
		if (!moved)
			*VEC_ADD(&nest.open) = row;
	}
	free(nest.open.v);
	return cuts;
}

size_t geo_rows_narrow(struct geo_rows *rows)
{
	bool moved = true;
	size_t cuts = 0;

	while (moved)
		cuts += narrow_once(rows, &moved);
	return cuts;
}

static struct geo_record combine(const struct geo_record *base, const struct geo_record *over)
{
	struct geo_record r = *base;

	if (over->cc[0]) {
		memcpy(r.cc, over->cc, sizeof(r.cc));
		memcpy(r.continent, over->continent, sizeof(r.continent));
	} else if (over->continent[0] && !r.cc[0]) {
		memcpy(r.continent, over->continent, sizeof(r.continent));
	}
	if (over->asn) {
		if (over->as_name || over->asn != r.asn)
			r.as_name = over->as_name;
		r.asn = over->asn;
	}
	if (over->city)
		r.city = over->city;
	if (over->has_location) {
		r.has_location = true;
		r.latitude = over->latitude;
		r.longitude = over->longitude;
	}
	return r;
}

/* Where one table's next range begins or goes on, seen from `at`. */
static const struct geo_range *ahead(const struct geo_table *t, size_t *i, const struct addr *at)
{
	while (*i < t->ranges.n && addr_compare(&t->ranges.v[*i].last, at) < 0)
		++*i;
	return *i < t->ranges.n ? &t->ranges.v[*i] : NULL;
}

static bool begun(const struct geo_range *r, const struct addr *at)
{
	return r && addr_compare(&r->first, at) <= 0;
}

static void until(const struct geo_range *r, const struct addr *at, struct addr *last)
{
	struct addr end;

	if (!r)
		return;
	end = begun(r, at) ? r->last : r->first;
	if (!begun(r, at))
		geo_addr_previous(&end);
	if (addr_compare(&end, last) < 0)
		*last = end;
}

int geo_overlay(const struct geo_table *base, const struct geo_table *over, struct geo_table **ret)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct addr at = { 0 }, last;
	size_t i = 0, j = 0;

	do {
		const struct geo_range *x = ahead(base, &i, &at), *y = ahead(over, &j, &at);
		struct geo_record nothing = { 0 }, record;

		if (!x && !y)
			break;
		memset(&last, 0xff, sizeof(last));
		until(x, &at, &last);
		until(y, &at, &last);
		record = combine(begun(x, &at) ? &base->records.v[x->record] : &nothing,
				 begun(y, &at) ? &over->records.v[y->record] : &nothing);
		geo_builder_add(b, &at, &last, geo_builder_intern(b, &record));
		at = last;
	} while (addr_next(&at));
	return geo_builder_finish(b, ret);
}
