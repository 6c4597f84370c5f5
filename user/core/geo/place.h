/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an address is, seen from the site, and how people say it. Pure. */
#ifndef CURFEW_CORE_GEO_PLACE_H
#define CURFEW_CORE_GEO_PLACE_H

#include "base/buf.h"
#include "core/geo/geo.h"
#include "core/policy/policy.h"

struct place {
	struct geo_record rec; /* names point into the geo tables */
	bool known;
	bool has_distance;
	bool rough; /* the distance is to the middle of the country */
	uint32_t km;
};

/* Never fails: what nobody knows is empty. `site` may lack a location. */
struct place place_find(const struct geo *geo, const struct site *site, const struct addr *a);
/* "Shanghai, CN, AS4812 China Telecom, 8,187 km away"; "place unknown". */
void place_print(const struct place *p, struct buf *out);

#define COUNT_TEXT_MAX 32
/* "8,187" */
const char *count_format(uint64_t n, char buf[COUNT_TEXT_MAX]);

/* A destination as pairs and quotas have it: an IPv6 one is written as its /64. */
#define DESTINATION_TEXT_MAX PREFIX_TEXT_MAX
const char *destination_format(const struct addr *a, char buf[DESTINATION_TEXT_MAX]);

#endif
