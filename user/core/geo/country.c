/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core/geo/geo.h"

static const struct country {
	char cc[4];
	char continent[4];
	double latitude, longitude;
	const char *name;
} countries[] = {
#define X(code, cont, lat, lon, text) { code, cont, lat, lon, text },
#include "core/geo/countries.def"
#undef X
};

static const struct {
	char code[4];
	const char *name;
} continents[] = {
	{ "AF", "Africa" },        { "AN", "Antarctica" },    { "AS", "Asia" },
	{ "EU", "Europe" },        { "NA", "North America" }, { "OC", "Oceania" },
	{ "SA", "South America" },
};

static const struct country *find(const char *cc)
{
	size_t low = 0, high = ARRAY_SIZE(countries);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = strcmp(countries[mid].cc, cc);

		if (!r)
			return &countries[mid];
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool geo_is_country(const char *cc)
{
	return find(cc);
}

const char *geo_continent(const char *cc)
{
	const struct country *c = find(cc);

	return c ? c->continent : NULL;
}

const char *geo_country_name(const char *cc)
{
	const struct country *c = find(cc);

	return c ? c->name : NULL;
}

const char *geo_continent_name(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(continents); i++)
		if (!strcmp(continents[i].code, code))
			return continents[i].name;
	return NULL;
}

bool geo_country_location(const char *cc, double *ret_latitude, double *ret_longitude)
{
	const struct country *c = find(cc);

	if (!c)
		return false;
	*ret_latitude = c->latitude;
	*ret_longitude = c->longitude;
	return true;
}
