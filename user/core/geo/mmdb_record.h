/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a database's record says, recognised by its field names whoever made
 * it: MaxMind (country/iso_code, location/latitude), DB-IP, IPinfo (country
 * or country_code, asn "AS64500"), ip-location-db (flat country_code).
 */
#ifndef CURFEW_CORE_GEO_MMDB_RECORD_H
#define CURFEW_CORE_GEO_MMDB_RECORD_H

#include "core/geo/build.h"
#include "core/geo/mmdb_data.h"

/* Counts over distinct records. */
struct mmdb_facts {
	uint32_t records;
	uint32_t with_country;
	uint32_t with_asn;
	uint32_t with_city;
	uint32_t with_location;
	uint32_t silent;      /* say nothing we know */
	uint32_t bad;         /* have a known field with a value that can't be: taken as missing */
	char bad_example[80]; /* "country_code: 'C~'", escaped; of the first bad one */
	char keys[120];       /* top-level keys of the first record, ", " between them */
};

/*
 * Reads the record at offset, interns it in `b`, adds to `facts`. -EPROTOTYPE
 * if it is not a map, -EBADMSG if it cannot be read; ret_why is not freed then.
 *
 * Where a database names several countries of a network (MaxMind), its
 * `country` counts; `registered_country` only where that is missing.
 */
int mmdb_record_read(const struct mmdb_data *d, size_t offset, struct geo_builder *b,
		     struct mmdb_facts *facts, uint32_t *ret_record, const char **ret_why);

#endif
