/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void measure(struct place *p, const struct site *site)
{
	double lat = p->rec.latitude, lon = p->rec.longitude;

	if (!site->has_location)
		return;
	if (!p->rec.has_location) {
		if (!p->rec.cc[0] || !geo_country_location(p->rec.cc, &lat, &lon))
			return;
		p->rough = true;
	}
	p->km = (uint32_t)(geo_distance_km(site->latitude, site->longitude, lat, lon) + 0.5);
	p->has_distance = true;
}

struct place place_find(const struct geo *geo, const struct site *site, const struct addr *a)
{
	struct place p = { 0 };

	p.known = geo && geo_find(geo, a, &p.rec);
	if (p.known && site)
		measure(&p, site);
	return p;
}

void place_print(const struct place *p, struct buf *out)
{
	const struct geo_record *r = &p->rec;
	char text[COUNT_TEXT_MAX];
	size_t begin = out->n;

	if (r->city && r->city[0])
		buf_puts(out, r->city);
	if (r->cc[0])
		buf_printf(out, "%s%s", out->n > begin ? ", " : "", r->cc);
	if (r->asn)
		buf_printf(out, "%sAS%" PRIu32, out->n > begin ? ", " : "", r->asn);
	if (r->asn && r->as_name && r->as_name[0])
		buf_printf(out, " %s", r->as_name);
	if (p->has_distance)
		buf_printf(out, "%s%s%s km away", out->n > begin ? ", " : "",
			   p->rough ? "about " : "", count_format(p->km, text));
	if (out->n == begin)
		buf_puts(out, "place unknown");
}

const char *count_format(uint64_t n, char buf[COUNT_TEXT_MAX])
{
	char digits[COUNT_TEXT_MAX];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), o = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[o++] = ',';
		buf[o++] = digits[i];
	}
	buf[o] = 0;
	return buf;
}

const char *destination_format(const struct addr *a, char buf[DESTINATION_TEXT_MAX])
{
	struct prefix p = { .addr = *a, .bits = 128 };

	if (!addr_is4(a))
		p = prefix_of(a, 64);
	return prefix_format(&p, buf);
}
