/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/json_util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/show/table.h"

json_t *json_text(const char *s)
{
	_cleanup_free_ char *safe = NULL;
	json_t *v;

	if (!s || !s[0])
		return json_null();
	v = json_string(s);
	if (v)
		return v;
	safe = text_safe(s);
	return json_string(safe);
}

json_t *json_count(uint64_t n)
{
	return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

json_t *json_when(struct utc at, const struct zone *zone)
{
	char text[48];
	time_t t = (time_t)at.s;
	struct tm tm;

	if (!at.s)
		return json_null();
	if (zone) {
		utc_format_iso(at, zone, text, sizeof(text));
	} else {
		gmtime_r(&t, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	return json_string(text);
}

json_t *json_addr(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(a, text));
}

void json_place(json_t *o, const struct place *p)
{
	json_object_set_new(o, "country", json_text(p->rec.cc));
	json_object_set_new(o, "asn", p->rec.asn ? json_integer(p->rec.asn) : json_null());
	json_object_set_new(o, "as_name", json_text(p->rec.as_name));
	json_object_set_new(o, "city", json_text(p->rec.city));
	json_object_set_new(o, "distance_km", p->has_distance ? json_integer(p->km) : json_null());
	if (p->has_distance && p->rough)
		json_object_set_new(o, "distance_rough", json_true());
}

const char *json_get_text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

uint64_t json_get_count(const json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	return n > 0 ? (uint64_t)n : 0;
}
