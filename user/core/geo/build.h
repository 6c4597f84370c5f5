/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making geo tables: interning records, sorting and merging ranges, resolving
 * nested ranges, laying one table over another. Pure; no formats in here.
 */
#ifndef CURFEW_CORE_GEO_BUILD_H
#define CURFEW_CORE_GEO_BUILD_H

#include "core/geo/geo.h"

/* The index of the record that says nothing: ranges with it are left out. */
#define GEO_NOTHING UINT32_MAX

struct geo_builder;

struct geo_builder *geo_builder_new(void);
void geo_builder_free(struct geo_builder *b);
static inline void geo_builder_free_p(struct geo_builder **b)
{
	geo_builder_free(*b);
}
#define _cleanup_geo_builder_ _cleanup_(geo_builder_free_p)

/*
 * The index of an equal record, made if there is none; strings are copied, an
 * empty one counts as none. A missing continent is derived from the country.
 */
uint32_t geo_builder_intern(struct geo_builder *b, const struct geo_record *r);
/* The interned record; valid until the next one is interned. */
const struct geo_record *geo_builder_record(const struct geo_builder *b, uint32_t record);
/* Appends [first, last]. Fast in address order; any order will do. */
void geo_builder_add(struct geo_builder *b, const struct addr *first, const struct addr *last,
		     uint32_t record);
/*
 * Hands the table over, sorted, adjacent ranges with the same record as one;
 * the builder is then empty. -EEXIST if ranges overlap.
 */
int geo_builder_finish(struct geo_builder *b, struct geo_table **ret);

/* A range as an input has it: `row` says where, for errors. */
struct geo_row {
	struct addr first, last;
	uint32_t record;
	uint32_t row;
};
struct geo_rows {
	struct geo_row *v;
	size_t n, cap;
};
/*
 * Adds rows of which some lie within others: the more specific one wins. Sorts
 * `rows`. -EEXIST if two overlap without one holding the other, or are equal
 * with different records; ret_conflict is then the two, the later row last.
 */
int geo_rows_resolve(struct geo_rows *rows, struct geo_builder *b, struct geo_row ret_conflict[2]);

/*
 * Where two rows overlap without one holding the other, cuts the larger one
 * (of two as large the later row) back to what the other leaves. Sorts `rows`.
 * Returns how many cuts were made.
 */
size_t geo_rows_narrow(struct geo_rows *rows);

/*
 * Lays `over` on `base`: where both say something, each field is from `over` if
 * it has it. Country and continent are one field; so are ASN and its name.
 */
int geo_overlay(const struct geo_table *base, const struct geo_table *over, struct geo_table **ret);

/* The address before; false for the first one. */
bool geo_addr_previous(struct addr *a);

#endif
