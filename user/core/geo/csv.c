/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/csv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/build.h"
#include "core/geo/columns.h"
#include "core/geo/text.h"

#define PROGRESS_LINES 65536
#define LONGEST_SHOWN  48

struct reader {
	const char *name;
	const struct geo_csv_options *options;
	struct csv_reader csv;
	struct geo_columns columns;
	struct geo_builder *builder;
	struct geo_rows rows;
	struct buf as_name, city; /* kept, so that a line costs no allocation */
	char *why;
};

static int fail(struct reader *r, uint32_t col, const char *what)
{
	r->why = xprintf("%s:%u:%u: %s", r->name, r->csv.line ? r->csv.line : 1, col, what);
	return -EINVAL;
}

/* Names the field; anything unfit for a terminal is left out of it. */
static int fail_field(struct reader *r, const struct csv_field *f, const char *what)
{
	_cleanup_free_ char *text = NULL;

	if (!geo_text_clean(f->text, f->n))
		return fail(r, f->col, what);
	text = xprintf("'%.*s%s' %s", (int)(f->n < LONGEST_SHOWN ? f->n : LONGEST_SHOWN), f->text,
		       f->n > LONGEST_SHOWN ? "…" : "", what);
	return fail(r, f->col, text);
}

static const struct csv_field *field(const struct reader *r, enum geo_column kind)
{
	size_t i = r->columns.at[kind];

	return i == SIZE_MAX ? NULL : &r->csv.field[i];
}

static bool number_address(const struct csv_field *f, struct addr *ret)
{
	unsigned __int128 v = 0;

	if (!f->n || f->n > 39)
		return false;
	for (size_t i = 0; i < f->n; i++) {
		unsigned int digit = (unsigned int)f->text[i] - '0';

		if (digit > 9 || v > (~(unsigned __int128)0 - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v <= UINT32_MAX)
		v |= (unsigned __int128)0xffff << 32;
	*ret = addr_from_halves((uint64_t)(v >> 64), (uint64_t)v);
	return true;
}

static bool copy_text(const struct csv_field *f, char *text, size_t size)
{
	if (f->n >= size)
		return false;
	memcpy(text, f->text, f->n);
	text[f->n] = 0;
	return !memchr(text, 0, f->n);
}

static int take_address(struct reader *r, const struct csv_field *f, struct addr *ret)
{
	char text[ADDR_TEXT_MAX];

	if (number_address(f, ret))
		return 0;
	if (copy_text(f, text, sizeof(text)) && !addr_parse(text, ret))
		return 0;
	return fail_field(r, f, "is not an address");
}

static int take_prefix(struct reader *r, const struct csv_field *f, struct geo_row *row)
{
	char text[PREFIX_TEXT_MAX], help[PREFIX_TEXT_MAX + 64];
	struct prefix p;
	int e;

	if (!copy_text(f, text, sizeof(text)))
		return fail_field(r, f, "is not a network");
	e = prefix_parse(text, &p);
	if (e == -ERANGE)
		return fail_field(r, f, "has a prefix length that is too large");
	if (e == -EDOM) {
		snprintf(help, sizeof(help), "has bits set beyond its length; the network is %s",
			 prefix_format(&p, text));
		return fail_field(r, f, help);
	}
	if (e < 0)
		return fail_field(r, f, "is not a network");
	row->first = prefix_first(&p);
	row->last = prefix_last(&p);
	return 0;
}

static int take_range(struct reader *r, struct geo_row *row)
{
	const struct csv_field *network = field(r, GEO_COLUMN_NETWORK);
	const struct csv_field *end = field(r, GEO_COLUMN_END);
	int e;

	if (network)
		return take_prefix(r, network, row);
	e = take_address(r, field(r, GEO_COLUMN_START), &row->first);
	if (!e)
		e = take_address(r, end, &row->last);
	if (e < 0)
		return e;
	if (addr_is4(&row->first) != addr_is4(&row->last))
		return fail_field(r, end, "is of another IP version than the start");
	if (addr_compare(&row->first, &row->last) > 0)
		return fail_field(r, end, "lies before the start");
	return 0;
}

static int take_text(struct reader *r, enum geo_column kind, struct buf *b, char **ret)
{
	const struct csv_field *f = field(r, kind);

	if (!f || !f->n || (f->n == 1 && f->text[0] == '-'))
		return 0;
	if (!geo_text_clean(f->text, f->n))
		return fail_field(r, f, "a name is not UTF-8, or has control characters");
	b->n = 0;
	buf_add(b, f->text, f->n);
	*ret = b->s;
	return 0;
}

static int take_location(struct reader *r, struct geo_record *record)
{
	const struct csv_field *lat = field(r, GEO_COLUMN_LATITUDE);
	const struct csv_field *lon = field(r, GEO_COLUMN_LONGITUDE);

	if (!lat || (!lat->n && !lon->n))
		return 0;
	if (geo_text_degrees(lat->text, lat->n, &record->latitude) < 0 ||
	    !geo_location_valid(record->latitude, 0))
		return fail_field(r, lat, "is not a latitude in degrees");
	if (geo_text_degrees(lon->text, lon->n, &record->longitude) < 0 ||
	    !geo_location_valid(0, record->longitude))
		return fail_field(r, lon, "is not a longitude in degrees");
	/* How some say that they don't know. */
	record->has_location = record->latitude != 0 || record->longitude != 0;
	return 0;
}

static int take_record(struct reader *r, struct geo_record *record)
{
	const struct csv_field *country = field(r, GEO_COLUMN_COUNTRY);
	const struct csv_field *continent = field(r, GEO_COLUMN_CONTINENT);
	const struct csv_field *asn = field(r, GEO_COLUMN_ASN);
	int e;

	if (country && geo_text_country(country->text, country->n, record->cc) < 0)
		return fail_field(r, country, "is not a country code");
	if (continent && geo_text_continent(continent->text, continent->n, record->continent) < 0)
		return fail_field(r, continent, "is not a continent code");
	if (asn && geo_text_asn(asn->text, asn->n, &record->asn) < 0)
		return fail_field(r, asn, "is not an AS number");
	e = take_text(r, GEO_COLUMN_AS_NAME, &r->as_name, &record->as_name);
	if (!e)
		e = take_text(r, GEO_COLUMN_CITY, &r->city, &record->city);
	if (!e)
		e = take_location(r, record);
	return e;
}

static int take_row(struct reader *r)
{
	struct geo_record record = { 0 };
	struct geo_row row = { .row = r->csv.line };
	int e;

	if (r->csv.n != r->columns.n) {
		_cleanup_free_ char *what =
			xprintf("%zu fields, expected %zu", r->csv.n, r->columns.n);
		size_t at = r->csv.n < r->columns.n ? r->csv.n - 1 : r->columns.n;

		return fail(r, r->csv.field[at].col, what);
	}
	e = take_range(r, &row);
	if (!e)
		e = take_record(r, &record);
	if (e < 0)
		return e;
	row.record = geo_builder_intern(r->builder, &record);
	*VEC_ADD(&r->rows) = row;
	return 0;
}

/* Returns 1 if the first line is a header, 0 if it is data. */
static int settle_columns(struct reader *r)
{
	_cleanup_free_ char *why = NULL;
	uint32_t col = 1;
	int e;

	if (r->options->columns)
		return geo_columns_is_header(&r->columns, &r->csv);
	e = geo_columns_detect(&r->csv, &r->columns, &col, &why);
	return e < 0 ? fail(r, col, why) : e;
}

static int read_lines(struct reader *r)
{
	const char *why = NULL;
	uint32_t col = 1;
	bool first = true;
	int e;

	while ((e = csv_next(&r->csv, &col, &why)) > 0) {
		if (r->rows.n % PROGRESS_LINES == 0)
			geo_progress_tell(r->options->progress, r->name, r->csv.next, r->csv.size);
		e = first ? settle_columns(r) : 0;
		first = false;
		if (e == 1)
			continue;
		if (!e)
			e = take_row(r);
		if (e < 0)
			return e;
	}
	if (e < 0)
		return fail(r, col, why);
	return 0;
}

static uint32_t column_of_line(struct reader *r, uint32_t line)
{
	const struct csv_field *f;
	const char *why;
	uint32_t col;

	csv_done(&r->csv);
	csv_open(&r->csv, r->csv.text, r->csv.size);
	while (r->csv.line < line && csv_next(&r->csv, &col, &why) > 0)
		;
	f = field(r, GEO_COLUMN_NETWORK);
	return f ? f->col : field(r, GEO_COLUMN_START)->col;
}

static int fail_conflict(struct reader *r, const struct geo_row row[2])
{
	bool same = !addr_compare(&row[0].first, &row[1].first) &&
		    !addr_compare(&row[0].last, &row[1].last);
	char a[2][ADDR_TEXT_MAX], b[2][ADDR_TEXT_MAX];
	_cleanup_free_ char *what = NULL;
	uint32_t col = column_of_line(r, row[1].row);

	for (int i = 0; i < 2; i++) {
		addr_format(&row[i].first, a[i]);
		addr_format(&row[i].last, b[i]);
	}
	if (same)
		what = xprintf("%s - %s is in line %u already, and said to be something else", a[1],
			       b[1], row[0].row);
	else
		what = xprintf(
			"%s - %s overlaps %s - %s of line %u, and neither is within the other "
			"(--narrow cuts the larger one)",
			a[1], b[1], a[0], b[0], row[0].row);
	return fail(r, col, what);
}

static int read_table(struct reader *r, struct geo_table **ret, size_t *ret_cuts)
{
	const char *columns = r->options->columns;
	struct geo_row conflict[2];
	size_t cuts = 0;
	int e;

	if (columns && geo_columns_parse(columns, &r->columns, &r->why) < 0)
		return -EINVAL;
	e = read_lines(r);
	if (e < 0)
		return e;
	if (!r->rows.n)
		return fail(r, 1, "the file has no data");
	if (r->options->narrow)
		cuts = geo_rows_narrow(&r->rows);
	if (geo_rows_resolve(&r->rows, r->builder, conflict) < 0)
		return fail_conflict(r, conflict);
	e = geo_builder_finish(r->builder, ret);
	if (!e && ret_cuts)
		*ret_cuts = cuts;
	return e;
}

int geo_csv_parse(const char *name, const char *text, size_t size,
		  const struct geo_csv_options *options, struct geo_table **ret, size_t *ret_cuts,
		  char **ret_why)
{
	struct reader r = { .name = name, .options = options };
	int e;

	csv_open(&r.csv, text, size);
	r.builder = geo_builder_new();
	e = read_table(&r, ret, ret_cuts);
	if (e < 0)
		*ret_why = r.why;
	geo_builder_free(r.builder);
	csv_done(&r.csv);
	free(r.rows.v);
	buf_done(&r.as_name);
	buf_done(&r.city);
	return e;
}
