/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where addresses are: the content of a geo database as plain sorted ranges,
 * however it was stored. The MMDB port fills it, the compiler and `curfew geo`
 * read it. Nothing here opens files.
 */
#ifndef CURFEW_CORE_GEO_GEO_H
#define CURFEW_CORE_GEO_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/def.h"

/* What one database says of one network; empty or zero where it says nothing. */
struct geo_record {
	char cc[4];        /* ISO 3166-1, "CN" */
	char continent[4]; /* "AS"; derived from cc when the database lacks it */
	uint32_t asn;
	char *as_name; /* owned by the table */
	char *city;    /* owned by the table, UTF-8 */
	bool has_location;
	double latitude, longitude; /* degrees, WGS 84 */
};

/* Inclusive, sorted by first, not overlapping; addresses as struct addr orders them. */
struct geo_range {
	struct addr first, last;
	uint32_t record; /* index into records */
};

struct geo_table {
	struct {
		struct geo_range *v;
		size_t n, cap;
	} ranges;
	struct {
		struct geo_record *v;
		size_t n, cap;
	} records;         /* interned: equal ones are one */
	char *type;        /* the database's own name of itself */
	uint64_t built_at; /* seconds since 1970; 0: unknown */
	bool has_country, has_asn, has_city, has_location;
};

void geo_table_free(struct geo_table *t);
static inline void geo_table_free_p(struct geo_table **t)
{
	geo_table_free(*t);
}
#define _cleanup_geo_table_ _cleanup_(geo_table_free_p)
/* The range an address is in; NULL if the table has none. */
const struct geo_range *geo_table_find_range(const struct geo_table *t, const struct addr *a);
/* The record of an address; NULL if the table has none. */
const struct geo_record *geo_table_find(const struct geo_table *t, const struct addr *a);

/* Countries are those of ISO 3166-1 alpha-2, and XK; what is none has no continent, name or
 * location. */
bool geo_is_country(const char *cc);
/* "AS" of "CN"; NULL if the country is unknown. */
const char *geo_continent(const char *cc);
/* In English; NULL if the country is unknown. */
const char *geo_country_name(const char *cc);
/* Of "AS", say: "Asia". */
const char *geo_continent_name(const char *code);

/* Great-circle distance in km (haversine, mean Earth radius 6371.0088 km). */
double geo_distance_km(double lat1, double lon1, double lat2, double lon2);

/*
 * The centroid of a country, for databases without coordinates: good enough for
 * `beyond N km` over thousands of km, and said so in docs/policy.md. False if
 * unknown.
 */
bool geo_country_location(const char *cc, double *ret_latitude, double *ret_longitude);

/*
 * The tables that are loaded, any of them NULL. A lookup takes each field from
 * the first table that has it, in the order city, country, asn; as_name comes
 * from the table that gave the ASN, or from one that gives the same.
 */
struct geo {
	const struct geo_table *country, *asn, *city;
};
/* Fills what is known; as_name and city point into the tables. False if nothing is. */
bool geo_find(const struct geo *geo, const struct addr *a, struct geo_record *ret);

/* How long work says how far it is; tell may be NULL, and so may a pointer to this. */
struct geo_progress {
	void (*tell)(void *arg, const char *what, uint64_t done, uint64_t total);
	void *arg;
};
static inline void geo_progress_tell(const struct geo_progress *p, const char *what, uint64_t done,
				     uint64_t total)
{
	if (p && p->tell)
		p->tell(p->arg, what, done, total);
}

#endif
