/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the columns of a geo CSV are, by header, by request, or by the look of the first line. */
#ifndef CURFEW_CORE_GEO_COLUMNS_H
#define CURFEW_CORE_GEO_COLUMNS_H

#include "base/csv.h"

enum geo_column {
	GEO_COLUMN_NONE, /* not used */
	GEO_COLUMN_NETWORK,
	GEO_COLUMN_START,
	GEO_COLUMN_END,
	GEO_COLUMN_COUNTRY,
	GEO_COLUMN_CONTINENT,
	GEO_COLUMN_ASN,
	GEO_COLUMN_AS_NAME,
	GEO_COLUMN_CITY,
	GEO_COLUMN_LATITUDE,
	GEO_COLUMN_LONGITUDE,
	GEO_COLUMN_MAX
};

struct geo_columns {
	enum geo_column kind[CSV_FIELDS_MAX];
	size_t n;
	/* Where each kind is; SIZE_MAX: nowhere. */
	size_t at[GEO_COLUMN_MAX];
};

/*
 * "start,end,country_code"; "-" for a column to leave out. -EINVAL for a name
 * that is not known, a column given twice, and for what makes no range; the
 * reason is then to be freed.
 */
int geo_columns_parse(const char *names, struct geo_columns *ret, char **ret_why);

/* Whether a file's first line is no data, by columns that are known: where an address should be is
 * a word. */
bool geo_columns_is_header(const struct geo_columns *c, const struct csv_reader *first);

/*
 * From the first line of a file. Returns 1 if it is a header, 0 if it is data
 * already. -EINVAL if it is neither or its columns can't be told; column and
 * reason are then set, the reason to be freed. Columns of a header that are
 * not known are left out.
 */
int geo_columns_detect(const struct csv_reader *first, struct geo_columns *ret, uint32_t *ret_col,
		       char **ret_why);

#endif
