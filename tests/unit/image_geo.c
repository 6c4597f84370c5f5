/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases from a seed: half of the ranges end at random, half where prefixes would. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "image_help.h"

static const char *const countries[] = { "CN", "US", "DE", "ET", "KE", "DJ", "BR", "JP",
					 "FR", "AU", "ZA", "IN", "RU", "GB", "XX", "" };
static const char *const cities[] = { "Shanghai", "Berlin", "Nairobi", "Paris", "Beijing", "" };

struct geo_table *table_new(void)
{
	return keep(xcalloc(1, sizeof(struct geo_table)));
}

void table_add(struct geo_table *t, const char *first, const char *last, struct geo_record record)
{
	*VEC_ADD(&t->records) = record;
	*VEC_ADD(&t->ranges) = (struct geo_range){ .first = addr_of(first),
						   .last = addr_of(last),
						   .record = (uint32_t)t->records.n - 1 };
	t->has_country |= record.cc[0] != 0;
	t->has_asn |= record.asn != 0;
	t->has_city |= record.city != NULL;
	t->has_location |= record.has_location;
}

static struct geo_record random_record(struct prng *r, enum geo_kind kind)
{
	struct geo_record rec = { 0 };
	const char *cc = countries[prng_below(r, ARRAY_SIZE(countries))];
	const char *name = cities[prng_below(r, ARRAY_SIZE(cities))];

	if (kind == GEO_ASN) {
		rec.asn = prng_below(r, 8) ? 64500 + prng_below(r, 200) : 0;
		return rec;
	}
	memcpy(rec.cc, cc, strlen(cc));
	if (geo_continent(cc))
		memcpy(rec.continent, geo_continent(cc), 2);
	if (kind == GEO_COUNTRY)
		return rec;
	rec.city = *name ? xstrdup(name) : NULL;
	rec.has_location = prng_below(r, 3) > 0;
	if (rec.has_location) {
		rec.latitude = (double)prng_below(r, 180000) / 1000 - 90;
		rec.longitude = (double)prng_below(r, 360000) / 1000 - 180;
	}
	/* Also databases of cities may know the network's owner, and contradict the other. */
	rec.asn = prng_below(r, 4) ? 0 : 64500 + prng_below(r, 200);
	return rec;
}

/* Random distinct starts, sorted; the ranges lie between them. */
static int compare_addr(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static struct addr random_start4(struct prng *r)
{
	uint32_t v = (uint32_t)prng_next(r);
	uint8_t b[4];

	if (prng_below(r, 2))
		v &= ~0U << prng_below(r, 20);
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> (24 - 8 * i));
	return addr_from4(b);
}

static struct addr random_start6(struct prng *r, const struct addr *before)
{
	uint64_t hi = 0x2000000000000000ULL | prng_next(r) >> 3, lo = 0;

	switch (prng_below(r, 8)) {
	case 0: /* within one /64, again and again */
		hi = addr_hi(before);
		lo = prng_next(r) >> prng_below(r, 64);
		break;
	case 1: /* the /64 after it */
		hi = addr_hi(before) + 1;
		lo = prng_below(r, 2) ? prng_next(r) : 0;
		break;
	case 2:
		hi = (uint64_t)prng_next(r);
		break;
	default:
		hi &= ~0ULL << prng_below(r, 48);
	}
	return addr_from_halves(hi, lo);
}

static void fill(struct prng *r, struct geo_table *t, struct addr *start, size_t n)
{
	qsort(start, n, sizeof(*start), compare_addr);
	for (size_t i = 0; i + 1 < n; i++) {
		struct addr last = start[i + 1];

		if (!addr_compare(&start[i], &last) || !prng_below(r, 6))
			continue;
		if (addr_is4(&start[i]) != addr_is4(&last))
			continue;
		for (int k = 15; k >= 0 && !last.b[k]--; k--)
			;
		*VEC_ADD(&t->ranges) =
			(struct geo_range){ .first = start[i],
					    .last = last,
					    .record = prng_below(r, (uint32_t)t->records.n) };
	}
}

struct geo_table *table_random(struct prng *r, enum geo_kind kind, size_t n4, size_t n6)
{
	struct geo_table *t = table_new();
	struct addr *start = xcalloc(n4 + n6, sizeof(*start)), before = { 0 };

	for (size_t i = 0; i < 500; i++)
		*VEC_ADD(&t->records) = random_record(r, kind);
	t->has_country = kind != GEO_ASN;
	t->has_asn = kind == GEO_ASN;
	t->has_city = t->has_location = kind == GEO_CITY;
	for (size_t i = 0; i < n4; i++)
		start[i] = random_start4(r);
	for (size_t i = n4; i < n4 + n6; i++)
		start[i] = before = random_start6(r, &before);
	fill(r, t, start, n4 + n6);
	free(start);
	return t;
}
