/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON values that jansson has no constructor for: absent facts are null, texts are always valid.
 */
#ifndef CURFEW_APP_SHOW_JSON_UTIL_H
#define CURFEW_APP_SHOW_JSON_UTIL_H

#include <jansson.h>
#include <stdint.h>

#include "core/geo/place.h"
#include "core/time/calendar.h"

/* Null for NULL and ""; bytes that are not UTF-8 become '?'. */
json_t *json_text(const char *s);
/* Counts: JSON integers end at 2^63. */
json_t *json_count(uint64_t n);
/* "2026-11-24T00:31:07+03:00"; null for 0. Without a zone: UTC, "Z". */
json_t *json_when(struct utc at, const struct zone *zone);
json_t *json_addr(const struct addr *a);
/* Sets country, asn, as_name, city, distance_km. */
void json_place(json_t *o, const struct place *p);

/* Reading: NULL or 0 where the field is missing, null or of another type. */
const char *json_get_text(const json_t *o, const char *name);
uint64_t json_get_count(const json_t *o, const char *name);

#endif
