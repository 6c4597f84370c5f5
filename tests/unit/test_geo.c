/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of ranges, countries, distances: found right at every edge. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/build.h"
#include "core/geo/text.h"

#define ISO_3166 "/usr/share/iso-codes/json/iso_3166-1.json"

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert(!addr_parse(text, &a), "%s", text);
	return a;
}

static struct geo_record land(const char *cc)
{
	struct geo_record r = { 0 };

	memcpy(r.cc, cc, 2);
	return r;
}

static void add(struct geo_builder *b, const char *first, const char *last, struct geo_record r)
{
	struct addr x = ip(first), y = ip(last);

	geo_builder_add(b, &x, &y, geo_builder_intern(b, &r));
}

static struct geo_table *finish(struct geo_builder *b)
{
	struct geo_table *t = NULL;

	cr_assert_eq(geo_builder_finish(b, &t), 0);
	return t;
}

static const char *country_at(const struct geo_table *t, const char *text)
{
	struct addr a = ip(text);
	const struct geo_record *r = geo_table_find(t, &a);

	return r ? r->cc : "";
}

/* ---- tables ----------------------------------------------------------- */

Test(geo, an_address_is_found_at_both_ends_of_its_range_and_not_beyond)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = NULL;

	add(b, "203.0.113.16", "203.0.113.31", land("CN"));
	add(b, "198.51.100.0", "198.51.100.255", land("DE"));
	add(b, "2001:db8::", "2001:db8::ffff", land("KE"));
	add(b, "ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", land("JP"));
	t = finish(b);
	cr_assert_eq(t->ranges.n, 4);
	cr_assert_str_eq(country_at(t, "203.0.113.15"), "");
	cr_assert_str_eq(country_at(t, "203.0.113.16"), "CN");
	cr_assert_str_eq(country_at(t, "203.0.113.31"), "CN");
	cr_assert_str_eq(country_at(t, "203.0.113.32"), "");
	cr_assert_str_eq(country_at(t, "198.51.100.0"), "DE");
	cr_assert_str_eq(country_at(t, "2001:db8::ffff"), "KE");
	cr_assert_str_eq(country_at(t, "2001:db8::1:0"), "");
	cr_assert_str_eq(country_at(t, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "JP");
	cr_assert_str_eq(country_at(t, "::"), "");
	cr_assert(t->has_country && !t->has_asn && !t->has_city && !t->has_location);
}

Test(geo, an_empty_table_knows_nothing)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = finish(b);

	cr_assert_str_eq(country_at(t, "203.0.113.1"), "");
	geo_table_free(NULL);
}

Test(geo, neighbours_that_say_the_same_become_one_range)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = NULL;

	add(b, "203.0.113.128", "203.0.113.255", land("CN"));
	add(b, "203.0.113.0", "203.0.113.127", land("CN"));
	add(b, "203.0.114.0", "203.0.114.0", land("SG"));
	add(b, "203.0.114.2", "203.0.114.2", land("SG"));
	t = finish(b);
	cr_assert_eq(t->ranges.n, 3);
	cr_assert_eq(t->records.n, 2);
}

Test(geo, overlapping_ranges_are_refused)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_table *t = NULL;

	add(b, "203.0.113.0", "203.0.113.128", land("CN"));
	add(b, "203.0.113.128", "203.0.113.255", land("SG"));
	cr_assert_eq(geo_builder_finish(b, &t), -EEXIST);
	cr_assert_null(t);
}

Test(geo, equal_records_are_one_and_silent_ones_none)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_record r = { .asn = 64500, .as_name = (char *)"Example", .city = (char *)"" };
	struct geo_record same = { .asn = 64500, .as_name = xstrdup("Example") };
	struct geo_record half = { .latitude = 5, .longitude = 5 };
	uint32_t first = geo_builder_intern(b, &r);

	cr_assert_eq(geo_builder_intern(b, &same), first);
	same.asn++;
	cr_assert_neq(geo_builder_intern(b, &same), first);
	cr_assert_eq(geo_builder_intern(b, &half), GEO_NOTHING, "coordinates without has_location");
	cr_assert_eq(geo_builder_intern(b, &(struct geo_record){ 0 }), GEO_NOTHING);
	free(same.as_name);
}

Test(geo, the_continent_comes_from_the_country_unless_the_database_has_one)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_record turkey = land("TR"), own = land("TR");

	memcpy(own.continent, "EU", 2);
	cr_assert_str_eq(geo_builder_record(b, geo_builder_intern(b, &turkey))->continent, "AS");
	cr_assert_str_eq(geo_builder_record(b, geo_builder_intern(b, &own))->continent, "EU");
}

/* ---- tables over tables ----------------------------------------------- */

Test(geo, an_overlay_takes_each_field_from_the_upper_table_if_it_has_it)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *base = NULL, *over = NULL, *both = NULL;
	struct geo_record net = { .asn = 64500, .as_name = (char *)"Example" },
			  shanghai = land("CN");
	struct addr a;
	const struct geo_record *r;

	add(b, "10.0.0.0", "10.0.0.255", land("DE"));
	add(b, "10.0.2.0", "10.0.2.255", land("KE"));
	base = finish(b);
	shanghai.city = (char *)"Shanghai";
	add(b, "10.0.0.128", "10.0.1.255", net);
	add(b, "10.0.2.0", "10.0.2.0", shanghai);
	over = finish(b);
	cr_assert_eq(geo_overlay(base, over, &both), 0);
	cr_assert_str_eq(country_at(both, "10.0.0.127"), "DE");
	a = ip("10.0.0.128");
	r = geo_table_find(both, &a);
	cr_assert_str_eq(r->cc, "DE");
	cr_assert_eq(r->asn, 64500);
	cr_assert_str_eq(r->as_name, "Example");
	cr_assert_str_eq(country_at(both, "10.0.1.0"), "");
	a = ip("10.0.1.0");
	cr_assert_eq(geo_table_find(both, &a)->asn, 64500);
	cr_assert_str_eq(country_at(both, "10.0.2.0"), "CN");
	cr_assert_str_eq(country_at(both, "10.0.2.1"), "KE");
	cr_assert_str_eq(country_at(both, "10.0.3.0"), "");
	cr_assert_eq(both->ranges.n, 5);
}

Test(geo, an_overlay_reaches_the_last_address)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *base = NULL, *over = NULL, *both = NULL;
	static const char top[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

	add(b, "::", top, land("DE"));
	base = finish(b);
	add(b, top, top, land("CN"));
	over = finish(b);
	cr_assert_eq(geo_overlay(base, over, &both), 0);
	cr_assert_eq(both->ranges.n, 2);
	cr_assert_str_eq(country_at(both, top), "CN");
	cr_assert_str_eq(country_at(both, "::"), "DE");
}

Test(geo, a_lookup_takes_each_field_from_the_first_table_that_has_it)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *city = NULL, *country = NULL, *asn = NULL;
	struct geo_record place = { .has_location = true, .latitude = 31, .longitude = 121 };
	struct geo_record number = { .asn = 4812 };
	struct geo_record named = { .asn = 4812, .as_name = (char *)"China Telecom" };
	struct geo_record found = { 0 };
	struct geo geo = { 0 };
	struct addr a = ip("203.0.113.1");

	cr_assert_not(geo_find(&geo, &a, &found));
	place.asn = number.asn;
	add(b, "203.0.113.0", "203.0.113.255", place);
	city = finish(b);
	add(b, "203.0.113.0", "203.0.113.255", land("CN"));
	country = finish(b);
	add(b, "203.0.113.0", "203.0.113.255", named);
	asn = finish(b);
	geo = (struct geo){ .country = country, .asn = asn, .city = city };
	cr_assert(geo_find(&geo, &a, &found));
	cr_assert_str_eq(found.cc, "CN");
	cr_assert_str_eq(found.continent, "AS");
	cr_assert_eq(found.asn, 4812);
	cr_assert_str_eq(found.as_name, "China Telecom");
	cr_assert(found.has_location && found.latitude == 31);
	a = ip("203.0.114.1");
	cr_assert_not(geo_find(&geo, &a, &found));
}

/* ---- countries and distances ------------------------------------------ */

Test(geo, every_iso_country_is_known_with_continent_name_and_place)
{
	FILE *f = fopen(ISO_3166, "r");
	char line[512], cc[3];
	unsigned int seen = 0;

	if (!f)
		cr_skip_test("SKIP: iso-codes is not installed");
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "\"alpha_2\": \"");
		double lat, lon;

		if (!at)
			continue;
		snprintf(cc, sizeof(cc), "%s", at + strlen("\"alpha_2\": \""));
		seen++;
		cr_assert(geo_is_country(cc), "%s", cc);
		cr_assert_not_null(geo_country_name(cc), "%s", cc);
		cr_assert_not_null(geo_continent_name(geo_continent(cc)), "%s", cc);
		cr_assert(geo_country_location(cc, &lat, &lon), "%s", cc);
		cr_assert(geo_location_valid(lat, lon) && (lat != 0 || lon != 0), "%s", cc);
	}
	fclose(f);
	cr_assert_geq(seen, 249);
}

Test(geo, no_other_pair_of_letters_is_a_country)
{
	unsigned int known = 0;

	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++)
			known += geo_is_country((char[3]){ a, b, 0 });
	cr_assert_eq(known, 250, "ISO 3166-1 and XK");
	cr_assert(geo_is_country("XK"));
	cr_assert_not(geo_is_country("ZZ"));
	cr_assert_not(geo_is_country("EU"));
	cr_assert_not(geo_is_country("cn"));
	cr_assert_not(geo_is_country(""));
	cr_assert_null(geo_continent("ZZ"));
}

Test(geo, centroids_are_nearer_to_their_capital_than_to_the_other_side)
{
	static const struct {
		const char *cc;
		double lat, lon, within_km;
	} capitals[] = {
		{ "CN", 39.90, 116.40, 1500 }, { "US", 38.90, -77.04, 2000 },
		{ "ET", 9.03, 38.76, 300 },    { "KE", -1.29, 36.82, 300 },
		{ "DE", 52.52, 13.40, 350 },   { "SG", 1.29, 103.85, 30 },
		{ "BR", -15.79, -47.88, 900 }, { "AU", -35.28, 149.13, 1900 },
		{ "RU", 55.75, 37.62, 3500 },  { "JP", 35.68, 139.69, 400 },
		{ "FR", 48.86, 2.35, 350 },    { "IN", 28.61, 77.21, 800 },
		{ "ZA", -25.75, 28.19, 700 },  { "GB", 51.51, -0.13, 450 },
		{ "CA", 45.42, -75.70, 2500 }, { "NZ", -41.29, 174.78, 350 },
		{ "CL", -33.45, -70.67, 350 }, { "EG", 30.04, 31.24, 500 },
		{ "NG", 9.06, 7.49, 200 },     { "TR", 39.93, 32.86, 300 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(capitals); i++) {
		double lat, lon, km;

		cr_assert(geo_country_location(capitals[i].cc, &lat, &lon));
		km = geo_distance_km(lat, lon, capitals[i].lat, capitals[i].lon);
		cr_assert_leq(km, capitals[i].within_km, "%s: %.0f km", capitals[i].cc, km);
	}
}

Test(geo, distances_on_the_globe)
{
	static const struct {
		double lat1, lon1, lat2, lon2, km;
	} known[] = {
		{ 0, 0, 0, 0, 0 },
		{ 0, 0, 0, 180, 20015.115 }, /* half of 2 pi 6371.0088 */
		{ 90, 0, -90, 77, 20015.115 },
		{ 0, 0, 0, 1, 111.195 },
		{ 10, 179.5, 10, -179.5, 109.506 },             /* over the date line */
		{ 51.4700, -0.4543, 40.6413, -73.7781, 5540 },  /* Heathrow, Kennedy */
		{ 9.0302, 38.7612, 31.2222, 121.4581, 8797.9 }, /* Addis Ababa, Shanghai */
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		double km =
			geo_distance_km(known[i].lat1, known[i].lon1, known[i].lat2, known[i].lon2);

		cr_assert_lt(fabs(km - known[i].km), 0.01 + known[i].km * 0.001, "%zu: %f", i, km);
	}
	/* Rounding beyond the antipode is not a number. */
	for (double lat = -90; lat <= 90; lat += 0.37)
		cr_assert(isfinite(geo_distance_km(lat, 12.3, -lat, 192.3)));
}

/* ---- words ------------------------------------------------------------ */

Test(geo, words_of_databases)
{
	char cc[4] = "";
	uint32_t asn = 7;
	double d = 7;

	cr_assert_eq(geo_text_country("de", 2, cc), 1);
	cr_assert_str_eq(cc, "DE");
	cr_assert_eq(geo_text_country("??", 2, cc), 0);
	cr_assert_eq(geo_text_country("ZZ", 2, cc), 0);
	cr_assert_eq(geo_text_country("A1", 2, cc), 0);
	cr_assert_eq(geo_text_country("", 0, cc), 0);
	cr_assert_eq(geo_text_country("D~", 2, cc), -EINVAL);
	cr_assert_eq(geo_text_country("DEU", 3, cc), -EINVAL);
	cr_assert_str_eq(cc, "DE");
	cr_assert_eq(geo_text_continent("oc", 2, cc), 1);
	cr_assert_eq(geo_text_continent("XX", 2, cc), -EINVAL);
	cr_assert_eq(geo_text_asn("AS64500", 7, &asn), 1);
	cr_assert_eq(asn, 64500);
	cr_assert_eq(geo_text_asn("4294967295", 10, &asn), 1);
	cr_assert_eq(asn, UINT32_MAX);
	cr_assert_eq(geo_text_asn("4294967296", 10, &asn), -ERANGE);
	cr_assert_eq(geo_text_asn("AS", 2, &asn), -EINVAL);
	cr_assert_eq(geo_text_asn("0", 1, &asn), 0);
	cr_assert_eq(asn, UINT32_MAX);
	cr_assert_eq(geo_text_degrees("-31.2222", 8, &d), 0);
	cr_assert_eq(d, -31.2222);
	cr_assert_eq(geo_text_degrees("0.1000000000000000000000000001", 30, &d), 0);
	cr_assert_eq(d, 0.1);
	cr_assert_eq(geo_text_degrees("1e5", 3, &d), -EINVAL);
	cr_assert_eq(geo_text_degrees("", 0, &d), -EINVAL);
	cr_assert_eq(geo_text_degrees(".", 1, &d), -EINVAL);
	cr_assert_eq(geo_text_degrees("99999999999999999999", 20, &d), -EINVAL);
}

Test(geo, only_clean_text_reaches_a_terminal)
{
	static const char *const good[] = { "",
					    "Addis Ababa",
					    "S\xc3\xa3o Paulo",
					    "\xe4\xb8\x8a\xe6\xb5\xb7",
					    "\xf0\x9f\x8c\x8d",
					    "\xc2\xa0",
					    "\xef\xbf\xbd",
					    "\xed\x9f\xbf",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = {
		"\x1b[2J",      "a\nb",
		"\x7f",         "\xc2\x9b",
		"\xc0\xaf",     "\xc3",
		"\xe4\xb8",     "\xff",
		"\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xe0\x80\xaf", "\xf0\x80\x80\x80",
		"\x80",         "\xc3\x28",
		"\xe2\x82\x28", "\xf5\x80\x80\x80",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_assert(geo_text_clean(good[i], strlen(good[i])), "%zu", i);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_not(geo_text_clean(bad[i], strlen(bad[i])), "%zu", i);
	cr_assert_not(geo_text_clean("a\0b", 3));
}
