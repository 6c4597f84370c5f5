/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/geo.h"

#include <math.h>
#include <string.h>

#define EARTH_RADIUS_KM 6371.0088 /* mean radius R1, IUGG 1980 */

void geo_table_free(struct geo_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->records.n; i++) {
		free(t->records.v[i].as_name);
		free(t->records.v[i].city);
	}
	free(t->records.v);
	free(t->ranges.v);
	free(t->type);
	free(t);
}

const struct geo_range *geo_table_find_range(const struct geo_table *t, const struct addr *a)
{
	size_t low = 0, high = t->ranges.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (addr_compare(&t->ranges.v[mid].first, a) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr_compare(a, &t->ranges.v[low - 1].last) > 0)
		return NULL;
	return &t->ranges.v[low - 1];
}

const struct geo_record *geo_table_find(const struct geo_table *t, const struct addr *a)
{
	const struct geo_range *range = geo_table_find_range(t, a);

	return range ? &t->records.v[range->record] : NULL;
}

double geo_distance_km(double lat1, double lon1, double lat2, double lon2)
{
	const double rad = M_PI / 180;
	double dlat = sin((lat2 - lat1) * rad / 2), dlon = sin((lon2 - lon1) * rad / 2);
	double h = dlat * dlat + cos(lat1 * rad) * cos(lat2 * rad) * dlon * dlon;

	/* Rounding can lead beyond 1 between antipodes. */
	return 2 * EARTH_RADIUS_KM * asin(sqrt(h < 1 ? h : 1));
}

static void take_asn(struct geo_record *to, const struct geo_record *from)
{
	if (!to->asn)
		to->asn = from->asn;
	if (!to->as_name && from->asn == to->asn)
		to->as_name = from->as_name;
}

static void take(struct geo_record *to, const struct geo_record *from)
{
	bool country = !to->cc[0] && from->cc[0];

	if (country)
		memcpy(to->cc, from->cc, sizeof(to->cc));
	if (country || !to->continent[0])
		memcpy(to->continent, from->continent, sizeof(to->continent));
	if (!to->city)
		to->city = from->city;
	if (!to->has_location && from->has_location) {
		to->has_location = true;
		to->latitude = from->latitude;
		to->longitude = from->longitude;
	}
	take_asn(to, from);
}

bool geo_find(const struct geo *geo, const struct addr *a, struct geo_record *ret)
{
	const struct geo_table *const order[] = { geo->city, geo->country, geo->asn };
	struct geo_record found = { 0 };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct geo_record *record = order[i] ? geo_table_find(order[i], a) : NULL;

		if (!record)
			continue;
		take(&found, record);
		any = true;
	}
	if (!any)
		return false;
	*ret = found;
	return true;
}
