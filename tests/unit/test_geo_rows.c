/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nested rows become flat ranges: checked against a list of addresses. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/build.h"

static struct geo_table *finish(struct geo_builder *b)
{
	struct geo_table *t = NULL;

	cr_assert_eq(geo_builder_finish(b, &t), 0);
	return t;
}

#define SPAN 400

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33);
}

static struct addr nth(uint32_t n)
{
	struct addr a = addr_from_halves(0, 0xffff00000000ULL + 0x0a000000 + n);

	return a;
}

static struct geo_row row_of(uint32_t first, uint32_t last, uint32_t record, uint32_t row)
{
	return (struct geo_row){
		.first = nth(first), .last = nth(last), .record = record, .row = row
	};
}

/* Nested by construction: each child lies within its parent. */
static void nest(uint64_t *seed, struct geo_rows *rows, uint32_t *model, uint32_t low,
		 uint32_t high, unsigned int depth, uint32_t records)
{
	while (depth && low + 2 < high) {
		uint32_t first = low + next_random(seed) % 20,
			 last = first + next_random(seed) % 60;
		uint32_t record = next_random(seed) % records;

		struct geo_row row = row_of(first, last, record, (uint32_t)rows->n + 1);

		if (last >= high)
			return;
		*VEC_ADD(rows) = row;
		for (uint32_t i = first; i <= last; i++)
			model[i] = record;
		nest(seed, rows, model, first, last, depth - 1, records);
		low = last + 1;
	}
}

Test(geo_rows, the_more_specific_of_nested_rows_wins)
{
	for (uint64_t round = 1; round <= 300; round++) {
		_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
		_cleanup_geo_table_ struct geo_table *t = NULL;
		struct geo_row conflict[2];
		struct geo_rows rows = { 0 };
		uint32_t model[SPAN];
		uint64_t seed = round;

		for (uint32_t i = 0; i < 5; i++) {
			struct geo_record r = { .asn = i + 1 };

			cr_assert_eq(geo_builder_intern(b, &r), i);
		}
		memset(model, 0xff, sizeof(model));
		nest(&seed, &rows, model, 0, SPAN, 4, 5);
		/* In any order. */
		for (size_t i = rows.n; i > 1; i--) {
			size_t k = next_random(&seed) % i;
			struct geo_row swap = rows.v[k];

			rows.v[k] = rows.v[i - 1];
			rows.v[i - 1] = swap;
		}
		cr_assert_eq(geo_rows_resolve(&rows, b, conflict), 0, "round %d", (int)round);
		t = finish(b);
		for (uint32_t i = 0; i < SPAN; i++) {
			struct addr a = nth(i);
			const struct geo_record *r = geo_table_find(t, &a);

			cr_assert_eq(r ? r->asn - 1 : UINT32_MAX, model[i], "round %d, address %u",
				     (int)round, i);
		}
		free(rows.v);
	}
}

Test(geo_rows, rows_that_cross_are_a_conflict_that_names_both)
{
	struct geo_row conflict[2] = { 0 }, v[] = { row_of(10, 20, 0, 7), row_of(15, 25, 0, 3) };
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_rows rows = { v, 2, 2 };
	struct geo_record r = { .asn = 1 };

	geo_builder_intern(b, &r);
	cr_assert_eq(geo_rows_resolve(&rows, b, conflict), -EEXIST);
	cr_assert_eq(conflict[0].row, 3);
	cr_assert_eq(conflict[1].row, 7);
}

Test(geo_rows, the_same_range_twice_is_fine_only_if_it_says_the_same)
{
	struct geo_row conflict[2], same[] = { row_of(1, 9, 0, 1), row_of(1, 9, 0, 2) };
	struct geo_row other[] = { row_of(1, 9, 0, 1), row_of(1, 9, 1, 2) };
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_rows rows = { same, 2, 2 };

	for (uint32_t i = 0; i < 2; i++)
		geo_builder_intern(b, &(struct geo_record){ .asn = i + 1 });
	cr_assert_eq(geo_rows_resolve(&rows, b, conflict), 0);
	rows.v = other;
	cr_assert_eq(geo_rows_resolve(&rows, b, conflict), -EEXIST);
}

Test(geo_rows, narrowing_cuts_the_larger_of_two_rows_that_cross)
{
	struct geo_row conflict[2], v[] = { row_of(0, 100, 0, 1), row_of(90, 110, 1, 2),
					    row_of(105, 300, 2, 3), row_of(95, 99, 3, 4) };
	static const uint32_t edges[][2] = { { 0, 1 },   { 89, 1 },  { 90, 2 },  { 94, 2 },
					     { 95, 4 },  { 99, 4 },  { 100, 2 }, { 110, 2 },
					     { 111, 3 }, { 300, 3 }, { 301, 0 } };
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = NULL;
	struct geo_rows rows = { v, 4, 4 };

	for (uint32_t i = 0; i < 4; i++)
		geo_builder_intern(b, &(struct geo_record){ .asn = i + 1 });
	cr_assert_eq(geo_rows_narrow(&rows), 2);
	cr_assert_eq(geo_rows_resolve(&rows, b, conflict), 0);
	t = finish(b);
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		struct addr a = nth(edges[i][0]);
		const struct geo_record *r = geo_table_find(t, &a);

		cr_assert_eq(r ? r->asn : 0, edges[i][1], "address %u", edges[i][0]);
	}
}

Test(geo_rows, after_narrowing_nothing_crosses)
{
	for (uint64_t round = 1; round <= 200; round++) {
		_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
		struct geo_row conflict[2];
		struct geo_rows rows = { 0 };
		uint64_t seed = round;
		struct geo_table *t;

		geo_builder_intern(b, &(struct geo_record){ .asn = 1 });
		for (uint32_t i = 0; i < 30; i++) {
			uint32_t first = next_random(&seed) % SPAN;

			*VEC_ADD(&rows) = row_of(first, first + next_random(&seed) % 80, 0, i + 1);
		}
		geo_rows_narrow(&rows);
		cr_assert_eq(geo_rows_resolve(&rows, b, conflict), 0, "round %d", (int)round);
		t = finish(b);
		geo_table_free(t);
		free(rows.v);
	}
}

Test(geo_rows, nested_rows_may_end_at_the_last_address)
{
	static const uint64_t low[] = { 0, 100, 200 };
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = NULL;
	struct geo_row conflict[2], v[3];
	struct geo_rows rows = { v, 3, 3 };

	for (uint32_t i = 0; i < 3; i++) {
		geo_builder_intern(b, &(struct geo_record){ .asn = i + 1 });
		v[i] = (struct geo_row){ addr_from_halves(UINT64_MAX, low[i]),
					 addr_from_halves(UINT64_MAX, UINT64_MAX), i, i };
	}
	cr_assert_eq(geo_rows_resolve(&rows, b, conflict), 0);
	t = finish(b);
	cr_assert_eq(t->ranges.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct addr a = addr_from_halves(UINT64_MAX, low[i]);

		cr_assert_eq(geo_table_find(t, &a)->asn, i + 1);
	}
}
