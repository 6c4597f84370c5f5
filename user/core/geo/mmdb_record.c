/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/mmdb_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/text.h"

enum field {
	CC,
	CC_REGISTERED,
	CONTINENT,
	ASN,
	AS_NAME,
	AS_LABEL,
	CITY,
	LAT,
	LON,
	LAT_LON,
	FIELDS
};

/* Of several paths to a field the first one with a value that can be counts. */
static const struct known {
	const char *path;
	enum field field;
} known[] = {
	{ "country/iso_code", CC },
	{ "country_code", CC },
	{ "country_iso_code", CC },
	{ "countryCode", CC },
	{ "country", CC }, /* IPinfo; a name there is no code, and no error */
	{ "registered_country/iso_code", CC_REGISTERED },
	{ "continent/code", CONTINENT },
	{ "continent_code", CONTINENT },
	{ "continent", CONTINENT },
	{ "autonomous_system_number", ASN },
	{ "traits/autonomous_system_number", ASN },
	{ "as_number", ASN },
	{ "asn", ASN },
	{ "autonomous_system_organization", AS_NAME },
	{ "traits/autonomous_system_organization", AS_NAME },
	{ "as_organization", AS_NAME },
	{ "as_name", AS_NAME },
	{ "as_org", AS_NAME },
	{ "name", AS_LABEL }, /* IPinfo's ASN database; anything elsewhere */
	{ "city/names/en", CITY },
	{ "city_name", CITY },
	{ "city", CITY },
	{ "location/latitude", LAT },
	{ "latitude", LAT },
	{ "lat", LAT },
	{ "location/longitude", LON },
	{ "longitude", LON },
	{ "lng", LON },
	{ "lon", LON },
	{ "loc", LAT_LON },
};

struct found {
	struct mmdb_value value[ARRAY_SIZE(known)];
	bool have[ARRAY_SIZE(known)];
	struct mmdb_facts *facts;
	bool bad;
	bool list_keys;
};

static void list_key(struct mmdb_facts *facts, const char *path)
{
	char *keys = facts->keys, key[40];
	size_t n = strcspn(path, "/"), have = strlen(keys);
	const char *last = have ? strrchr(keys, ' ') : NULL;

	if (!geo_text_clean(path, n) || n >= sizeof(key))
		return;
	memcpy(key, path, n);
	key[n] = 0;
	if (have && !strcmp(last ? last + 1 : keys, key))
		return;
	if (have + n + 3 <= sizeof(facts->keys))
		snprintf(keys + have, sizeof(facts->keys) - have, "%s%s", have ? ", " : "", key);
}

static int collect(void *arg, const char *path, const struct mmdb_value *v)
{
	struct found *f = arg;

	if (f->list_keys)
		list_key(f->facts, path);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].path, path))
			continue;
		f->value[i] = *v;
		f->have[i] = true;
		break;
	}
	return 0;
}

static void note_bad(struct found *f, const char *path, const struct mmdb_value *v)
{
	struct buf b = { 0 };

	f->bad = true;
	if (f->facts->bad_example[0])
		return;
	buf_printf(&b, "%s: ", path);
	if (v->type == MMDB_TYPE_TEXT) {
		buf_puts(&b, "'");
		for (uint32_t i = 0; i < v->size && i < 32; i++) {
			unsigned char c = (unsigned char)v->text[i];

			if (c < 0x20 || c > 0x7e)
				buf_printf(&b, "\\x%02x", c);
			else
				buf_add(&b, &c, 1);
		}
		buf_puts(&b, "'");
	} else if (v->type == MMDB_TYPE_DOUBLE || v->type == MMDB_TYPE_FLOAT) {
		buf_printf(&b, "%g", v->real);
	} else {
		buf_printf(&b, "%llu (type %d)", (unsigned long long)v->number, v->type);
	}
	snprintf(f->facts->bad_example, sizeof(f->facts->bad_example), "%s", b.s);
	buf_done(&b);
}

/* These return 1, 0 for "nothing said", -errno for a value that can't be. */
static int as_asn(const struct mmdb_value *v, uint32_t *ret)
{
	if (v->type == MMDB_TYPE_TEXT)
		return geo_text_asn(v->text, v->size, ret);
	if (v->type != MMDB_TYPE_UINT16 && v->type != MMDB_TYPE_UINT32 &&
	    v->type != MMDB_TYPE_UINT64 && v->type != MMDB_TYPE_INT32)
		return -EINVAL;
	if (v->number > UINT32_MAX)
		return -ERANGE;
	if (v->number)
		*ret = (uint32_t)v->number;
	return v->number != 0;
}

static int as_degrees(const struct mmdb_value *v, double *ret)
{
	switch (v->type) {
	case MMDB_TYPE_TEXT:
		if (!v->size)
			return 0;
		return geo_text_degrees(v->text, v->size, ret) < 0 ? -EINVAL : 1;
	case MMDB_TYPE_DOUBLE:
	case MMDB_TYPE_FLOAT:
		*ret = v->real;
		return 1;
	case MMDB_TYPE_INT32:
		*ret = (double)(int64_t)v->number;
		return 1;
	case MMDB_TYPE_UINT16:
	case MMDB_TYPE_UINT32:
		*ret = (double)v->number;
		return 1;
	default:
		return -EINVAL;
	}
}

static int as_text(const struct mmdb_value *v, char **ret)
{
	if (v->type != MMDB_TYPE_TEXT || !geo_text_clean(v->text, v->size))
		return -EINVAL;
	if (!v->size || (v->size == 1 && v->text[0] == '-'))
		return 0;
	*ret = xstrndup(v->text, v->size);
	return 1;
}

static int as_country(const struct mmdb_value *v, const char *path, char ret[4])
{
	if (v->type != MMDB_TYPE_TEXT)
		return -EINVAL;
	if (v->size != 2 && !strcmp(path, "country"))
		return geo_text_clean(v->text, v->size) ? 0 : -EINVAL;
	return geo_text_country(v->text, v->size, ret);
}

static int as_continent(const struct mmdb_value *v, const char *path, char ret[4])
{
	if (v->type != MMDB_TYPE_TEXT)
		return -EINVAL;
	if (v->size != 2 && !strcmp(path, "continent"))
		return geo_text_clean(v->text, v->size) ? 0 : -EINVAL;
	return geo_text_continent(v->text, v->size, ret);
}

static int as_lat_lon(const struct mmdb_value *v, double *ret_lat, double *ret_lon)
{
	const char *comma;
	size_t n;

	if (v->type != MMDB_TYPE_TEXT)
		return -EINVAL;
	comma = memchr(v->text, ',', v->size);
	if (!comma)
		return v->size ? -EINVAL : 0;
	n = (size_t)(comma - v->text);
	if (geo_text_degrees(v->text, n, ret_lat) < 0 ||
	    geo_text_degrees(comma + 1, v->size - n - 1, ret_lon) < 0)
		return -EINVAL;
	return 1;
}

/* What of the record is settled so far. */
struct draft {
	struct geo_record record;
	char *label;
	double lat, lon;
	bool done[FIELDS];
};

static int interpret(struct draft *d, const struct known *k, const struct mmdb_value *v)
{
	int r;

	switch (k->field) {
	case CC:
	case CC_REGISTERED:
		return as_country(v, k->path, d->record.cc);
	case CONTINENT:
		return as_continent(v, k->path, d->record.continent);
	case ASN:
		return as_asn(v, &d->record.asn);
	case AS_NAME:
		return as_text(v, &d->record.as_name);
	case AS_LABEL:
		return as_text(v, &d->label);
	case CITY:
		return as_text(v, &d->record.city);
	case LAT:
		return as_degrees(v, &d->lat);
	case LON:
		return as_degrees(v, &d->lon);
	case LAT_LON:
		if (d->done[LAT])
			return 0;
		r = as_lat_lon(v, &d->lat, &d->lon);
		if (r > 0)
			d->done[LAT] = d->done[LON] = true;
		return r;
	default:
		return 0;
	}
}

static void settle(struct draft *d, struct found *f)
{

	struct geo_record *r = &d->record;

	/* IPinfo's "name" names the network only beside its number. */
	if (r->asn && !r->as_name)
		r->as_name = TAKE(d->label);
	if (!d->done[LAT] || !d->done[LON])
		return;
	if (!geo_location_valid(d->lat, d->lon)) {
		bool north = geo_location_valid(d->lat, 0);

		note_bad(f, north ? "longitude" : "latitude",
			 &(struct mmdb_value){ .type = MMDB_TYPE_DOUBLE,
					       .real = north ? d->lon : d->lat });
		return;
	}
	/* 0, 0 is how some say that they don't know. */
	if (d->lat == 0 && d->lon == 0)
		return;
	r->has_location = true;
	r->latitude = d->lat;
	r->longitude = d->lon;
}

static void count(struct mmdb_facts *facts, const struct geo_record *r, bool bad)
{
	facts->records++;
	facts->with_country += r->cc[0] != 0;
	facts->with_asn += r->asn != 0;
	facts->with_city += r->city != NULL;
	facts->with_location += r->has_location;
	facts->bad += bad;
	facts->silent += !r->cc[0] && !r->continent[0] && !r->asn && !r->city && !r->has_location;
}

int mmdb_record_read(const struct mmdb_data *d, size_t offset, struct geo_builder *b,
		     struct mmdb_facts *facts, uint32_t *ret_record, const char **ret_why)
{
	struct found f = { .facts = facts, .list_keys = !facts->records };
	const struct mmdb_visitor visitor = { collect, &f };
	struct draft draft = { 0 };
	enum mmdb_type type;
	int r;

	r = mmdb_data_type(d, offset, &type, ret_why);
	if (r < 0)
		return r;
	if (type != MMDB_TYPE_MAP) {
		*ret_why = "it is not a map";
		return -EPROTOTYPE;
	}
	r = mmdb_data_visit(d, offset, &visitor, ret_why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		enum field field = known[i].field;

		if (!f.have[i] || draft.done[field])
			continue;
		if (field == CC_REGISTERED && draft.done[CC])
			continue;
		r = interpret(&draft, &known[i], &f.value[i]);
		if (r < 0 && field != AS_LABEL)
			note_bad(&f, known[i].path, &f.value[i]);
		draft.done[field] |= r > 0;
	}
	settle(&draft, &f);
	count(facts, &draft.record, f.bad);
	*ret_record = geo_builder_intern(b, &draft.record);
	free(draft.label);
	free(draft.record.as_name);
	free(draft.record.city);
	return 0;
}
