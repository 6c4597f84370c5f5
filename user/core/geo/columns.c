/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/columns.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "core/geo/text.h"

static const struct {
	const char *name;
	enum geo_column kind;
} names[] = {
	{ "network", GEO_COLUMN_NETWORK },
	{ "prefix", GEO_COLUMN_NETWORK },
	{ "ip_prefix", GEO_COLUMN_NETWORK },
	{ "cidr", GEO_COLUMN_NETWORK },
	{ "start", GEO_COLUMN_START },
	{ "first", GEO_COLUMN_START },
	{ "start_ip", GEO_COLUMN_START },
	{ "ip_start", GEO_COLUMN_START },
	{ "range_start", GEO_COLUMN_START },
	{ "ip_range_start", GEO_COLUMN_START },
	{ "end", GEO_COLUMN_END },
	{ "last", GEO_COLUMN_END },
	{ "end_ip", GEO_COLUMN_END },
	{ "ip_end", GEO_COLUMN_END },
	{ "range_end", GEO_COLUMN_END },
	{ "ip_range_end", GEO_COLUMN_END },
	{ "country", GEO_COLUMN_COUNTRY },
	{ "country_code", GEO_COLUMN_COUNTRY },
	{ "country_iso_code", GEO_COLUMN_COUNTRY },
	{ "cc", GEO_COLUMN_COUNTRY },
	{ "continent", GEO_COLUMN_CONTINENT },
	{ "continent_code", GEO_COLUMN_CONTINENT },
	{ "asn", GEO_COLUMN_ASN },
	{ "as_number", GEO_COLUMN_ASN },
	{ "autonomous_system_number", GEO_COLUMN_ASN },
	{ "as_name", GEO_COLUMN_AS_NAME },
	{ "as_org", GEO_COLUMN_AS_NAME },
	{ "as_organization", GEO_COLUMN_AS_NAME },
	{ "autonomous_system_organization", GEO_COLUMN_AS_NAME },
	{ "organization", GEO_COLUMN_AS_NAME },
	{ "city", GEO_COLUMN_CITY },
	{ "city_name", GEO_COLUMN_CITY },
	{ "latitude", GEO_COLUMN_LATITUDE },
	{ "lat", GEO_COLUMN_LATITUDE },
	{ "longitude", GEO_COLUMN_LONGITUDE },
	{ "lon", GEO_COLUMN_LONGITUDE },
	{ "lng", GEO_COLUMN_LONGITUDE },
	{ "-", GEO_COLUMN_NONE },
};

/*
 * Files without a header, after the addresses: by number of fields and by what
 * the first of these fields looks like.
 */
enum look { LOOK_COUNTRY, LOOK_CONTINENT, LOOK_ASN };
static const struct {
	size_t fields;
	enum look look;
	const char *columns;
} shapes[] = {
	{ 1, LOOK_COUNTRY, "country" }, /* tor-geoipdb, ip-location-db, DB-IP */
	{ 1, LOOK_ASN, "asn" },
	{ 2, LOOK_ASN, "asn,as_name" }, /* ip-location-db, DB-IP */
	{ 6, LOOK_CONTINENT, "continent,country,-,city,latitude,longitude" }, /* DB-IP city lite */
	{ 8, LOOK_COUNTRY, "country,-,-,city,-,latitude,longitude,-" }, /* ip-location-db city */
};

/* -1 if there is no such column. */
static int kind_of(const char *text, size_t n)
{
	char name[40];

	if (n >= sizeof(name))
		return -1;
	for (size_t i = 0; i < n; i++)
		name[i] = text[i] == ' ' || text[i] == '-' ? '_' : text[i];
	name[n] = 0;
	if (n == 1 && text[0] == '-')
		return GEO_COLUMN_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcasecmp(names[i].name, name))
			return names[i].kind;
	return -1;
}

static bool add(struct geo_columns *c, enum geo_column kind)
{
	if (c->n == CSV_FIELDS_MAX)
		return false;
	if (kind != GEO_COLUMN_NONE) {
		if (c->at[kind] != SIZE_MAX)
			return false;
		c->at[kind] = c->n;
	}
	c->kind[c->n++] = kind;
	return true;
}

static void start(struct geo_columns *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < GEO_COLUMN_MAX; i++)
		c->at[i] = SIZE_MAX;
}

static bool has(const struct geo_columns *c, enum geo_column kind)
{
	return c->at[kind] != SIZE_MAX;
}

static const char *lacking(const struct geo_columns *c)
{
	bool fact = false;

	if (has(c, GEO_COLUMN_NETWORK) == (has(c, GEO_COLUMN_START) || has(c, GEO_COLUMN_END)))
		return "the columns need either 'network', or 'start' and 'end'";
	if (has(c, GEO_COLUMN_START) != has(c, GEO_COLUMN_END))
		return "the columns 'start' and 'end' need each other";
	if (has(c, GEO_COLUMN_LATITUDE) != has(c, GEO_COLUMN_LONGITUDE))
		return "the columns 'latitude' and 'longitude' need each other";
	for (enum geo_column k = GEO_COLUMN_COUNTRY; k < GEO_COLUMN_MAX; k++)
		fact |= has(c, k);
	return fact ? NULL : "no column says anything about a network (country, asn, city …)";
}

int geo_columns_parse(const char *text, struct geo_columns *ret, char **ret_why)
{
	struct geo_columns c;
	const char *why;

	start(&c);
	for (const char *s = text;; s++) {
		size_t n = strcspn(s, ",");
		int kind;

		while (n && *s == ' ') {
			s++;
			n--;
		}
		kind = kind_of(s, n);
		if (kind < 0) {
			*ret_why = xprintf("unknown column '%.*s'", (int)n, s);
			return -EINVAL;
		}
		if (!add(&c, (enum geo_column)kind)) {
			*ret_why =
				xprintf("column '%.*s' is given twice, or too many are", (int)n, s);
			return -EINVAL;
		}
		s += n;
		if (!*s)
			break;
	}
	why = lacking(&c);
	if (why) {
		*ret_why = xstrdup(why);
		return -EINVAL;
	}
	*ret = c;
	return 0;
}

bool geo_columns_is_header(const struct geo_columns *c, const struct csv_reader *first)
{
	size_t at = c->at[has(c, GEO_COLUMN_NETWORK) ? GEO_COLUMN_NETWORK : GEO_COLUMN_START];
	const struct csv_field *f = &first->field[at];

	if (at >= first->n || !f->n)
		return false;
	for (size_t i = 0; i < f->n; i++)
		if (memchr("0123456789.:/", f->text[i], 13))
			return false;
	return true;
}

/* Letters come first in a header, digits or hexadecimal groups in an address. */
static bool is_address(const struct csv_field *f, bool *ret_prefix)
{
	bool mark = false, digits = f->n > 0;

	*ret_prefix = memchr(f->text, '/', f->n);
	for (size_t i = 0; i < f->n; i++) {
		char c = f->text[i];

		mark |= c == ':' || c == '.';
		if (c < '0' || c > '9')
			digits = false;
		if (!memchr("0123456789abcdefABCDEF:./", c, 25))
			return false;
	}
	return mark || digits;
}

static bool looks(const struct csv_field *f, enum look look)
{
	char text[4];
	uint32_t asn;

	switch (look) {
	case LOOK_CONTINENT:
		return geo_text_continent(f->text, f->n, text) > 0;
	case LOOK_COUNTRY:
		return f->n && geo_text_country(f->text, f->n, text) >= 0;
	case LOOK_ASN:
		return f->n && geo_text_asn(f->text, f->n, &asn) >= 0;
	}
	return false;
}

static int from_header(const struct csv_reader *line, struct geo_columns *ret, uint32_t *ret_col,
		       char **ret_why)
{
	struct geo_columns c;
	const char *why;
	bool any = false;

	start(&c);
	for (size_t i = 0; i < line->n; i++) {
		const struct csv_field *f = &line->field[i];
		int kind = kind_of(f->text, f->n);

		any |= kind > 0;
		*ret_col = f->col;
		if (!add(&c, kind < 0 ? GEO_COLUMN_NONE : (enum geo_column)kind)) {
			*ret_why = xprintf("column '%.*s' is there twice", (int)f->n, f->text);
			return -EINVAL;
		}
	}
	*ret_col = line->field[0].col;
	why = any ? lacking(&c) : "neither a header nor an address";
	if (why) {
		*ret_why = xstrdup(why);
		return -EINVAL;
	}
	*ret = c;
	return 1;
}

static int from_data(const struct csv_reader *line, bool prefix, struct geo_columns *ret,
		     uint32_t *ret_col, char **ret_why)
{
	size_t skip = prefix ? 1 : 2;

	for (size_t i = 0; line->n > skip && i < ARRAY_SIZE(shapes); i++) {
		_cleanup_free_ char *columns = NULL;

		if (line->n - skip != shapes[i].fields ||
		    !looks(&line->field[skip], shapes[i].look))
			continue;
		columns = xprintf("%s,%s", prefix ? "network" : "start,end", shapes[i].columns);
		return geo_columns_parse(columns, ret, ret_why);
	}
	*ret_col = line->field[line->n > skip ? skip : 0].col;
	*ret_why = xstrdup("the columns can't be told without a header; name them with --columns");
	return -EINVAL;
}

int geo_columns_detect(const struct csv_reader *first, struct geo_columns *ret, uint32_t *ret_col,
		       char **ret_why)
{
	bool prefix;

	if (is_address(&first->field[0], &prefix))
		return from_data(first, prefix, ret, ret_col, ret_why);
	return from_header(first, ret, ret_col, ret_why);
}
