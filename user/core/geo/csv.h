/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Geo data as CSV: a range or a prefix per line, and what is known of it.
 *
 *   1.0.0.0,1.0.0.255,AU               first and last address
 *   16777216,16777471,AU               the same as numbers; up to 2^32 - 1 is IPv4
 *   203.0.113.0/25,CN                  a prefix
 *   network,country_code,asn,city      a header, its names in any order and case
 *
 * '#' begins a comment line. A country of '??', 'ZZ' or '-' is none. A range
 * may lie within another one: the more specific one counts there, whole.
 */
#ifndef CURFEW_CORE_GEO_CSV_H
#define CURFEW_CORE_GEO_CSV_H

#include "core/geo/geo.h"

struct geo_csv_options {
	const char *columns; /* as for geo_columns_parse(); NULL: by header or look */
	bool narrow;         /* ranges that overlap crosswise: geo_rows_narrow(), not an error */
	const struct geo_progress *progress; /* tells bytes; may be NULL */
};

/*
 * Reads one file; `name` is how errors call it. With `columns`, a header is
 * skipped. -EINVAL with "name:line:col: what is wrong", which the caller frees.
 * On success the caller owns *ret. ret_cuts, if not NULL, is how many ranges
 * were cut for `narrow`.
 */
int geo_csv_parse(const char *name, const char *text, size_t size,
		  const struct geo_csv_options *options, struct geo_table **ret, size_t *ret_cuts,
		  char **ret_why);

#endif
