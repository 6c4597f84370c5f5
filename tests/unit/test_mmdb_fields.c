/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases of all makers: their field names, and the places where their trees have IPv4. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mmdb_help.h"

TestSuite(mmdb_fields, .fini = mm_file_remove);

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert(!addr_parse(text, &a), "%s", text);
	return a;
}

static const struct geo_record *at(const struct geo_table *t, const char *address)
{
	static const struct geo_record nothing;
	struct addr a = ip(address);
	const struct geo_record *r = geo_table_find(t, &a);

	return r ? r : &nothing;
}

/* ---- others' databases ------------------------------------------------ */

static void names_en(struct mm *m, const char *name)
{
	mm_text(m, "names");
	mm_map(m, 2);
	mm_text(m, "de");
	mm_text(m, "anders");
	mm_text(m, "en");
	mm_text(m, name);
}

Test(mmdb_fields, maxmind_city_with_registered_country_as_the_fallback)
{
	_cleanup_mm_ struct mm m = { 0 };
	_cleanup_geo_table_ struct geo_table *t = NULL;
	size_t full, registered;

	full = mm_map(&m, 5);
	mm_text(&m, "registered_country");
	mm_map(&m, 1);
	mm_text(&m, "iso_code");
	mm_text(&m, "US");
	mm_text(&m, "city");
	mm_map(&m, 2);
	mm_text(&m, "geoname_id");
	mm_u32(&m, 1796236);
	names_en(&m, "Shanghai");
	mm_text(&m, "continent");
	mm_map(&m, 2);
	mm_text(&m, "code");
	mm_text(&m, "AS");
	names_en(&m, "Asia");
	mm_text(&m, "country");
	mm_map(&m, 2);
	mm_text(&m, "iso_code");
	mm_text(&m, "CN");
	names_en(&m, "China");
	mm_text(&m, "location");
	mm_map(&m, 3);
	mm_text(&m, "accuracy_radius");
	mm_raw(&m, "\xa1\x32", 2); /* uint16 50 */
	mm_text(&m, "latitude");
	mm_double(&m, 31.2222);
	mm_text(&m, "longitude");
	mm_double(&m, 121.4581);
	registered = mm_map(&m, 1);
	mm_text(&m, "registered_country");
	mm_map(&m, 1);
	mm_text(&m, "iso_code");
	mm_text(&m, "KE");
	mm_put(&m, "203.0.113.0/25", full);
	mm_put(&m, "203.0.113.128/25", registered);
	t = mm_table(&m);
	cr_assert_str_eq(at(t, "203.0.113.1")->cc, "CN");
	cr_assert_str_eq(at(t, "203.0.113.1")->city, "Shanghai");
	cr_assert_eq(at(t, "203.0.113.1")->latitude, 31.2222);
	cr_assert_eq(at(t, "203.0.113.1")->longitude, 121.4581);
	cr_assert_str_eq(at(t, "203.0.113.200")->cc, "KE");
	cr_assert_str_eq(at(t, "203.0.113.200")->continent, "AF");
}

Test(mmdb_fields, ipinfo_with_flat_texts)
{
	_cleanup_mm_ struct mm m = { 0 };
	_cleanup_geo_table_ struct geo_table *t = NULL;
	size_t lite, place, asn;

	lite = mm_map(&m, 6);
	mm_text(&m, "asn");
	mm_text(&m, "AS4812");
	mm_text(&m, "as_name");
	mm_text(&m, "China Telecom");
	mm_text(&m, "continent");
	mm_text(&m, "Asia");
	mm_text(&m, "continent_code");
	mm_text(&m, "AS");
	mm_text(&m, "country");
	mm_text(&m, "China");
	mm_text(&m, "country_code");
	mm_text(&m, "CN");
	place = mm_map(&m, 4);
	mm_text(&m, "city");
	mm_text(&m, "Nairobi");
	mm_text(&m, "country");
	mm_text(&m, "KE");
	mm_text(&m, "lat");
	mm_text(&m, "-1.2864");
	mm_text(&m, "lng");
	mm_text(&m, "36.8172");
	asn = mm_map(&m, 2);
	mm_text(&m, "asn");
	mm_text(&m, "AS64500");
	mm_text(&m, "name");
	mm_text(&m, "Example");
	mm_put(&m, "203.0.113.0/25", lite);
	mm_put(&m, "198.51.100.0/24", place);
	mm_put(&m, "2001:db8::/32", asn);
	t = mm_table(&m);
	cr_assert_str_eq(at(t, "203.0.113.0")->cc, "CN");
	cr_assert_str_eq(at(t, "203.0.113.0")->continent, "AS");
	cr_assert_eq(at(t, "203.0.113.0")->asn, 4812);
	cr_assert_str_eq(at(t, "203.0.113.0")->as_name, "China Telecom");
	cr_assert_str_eq(at(t, "198.51.100.9")->city, "Nairobi");
	cr_assert_str_eq(at(t, "198.51.100.9")->cc, "KE");
	cr_assert_eq(at(t, "198.51.100.9")->latitude, -1.2864);
	cr_assert_eq(at(t, "198.51.100.9")->longitude, 36.8172);
	cr_assert_eq(at(t, "2001:db8::")->asn, 64500);
	cr_assert_str_eq(at(t, "2001:db8::")->as_name, "Example");
}

Test(mmdb_fields, ip_location_db_with_flat_numbers)
{
	_cleanup_mm_ struct mm m = { 0 };
	_cleanup_geo_table_ struct geo_table *t = NULL;
	size_t city, asn;

	city = mm_map(&m, 4);
	mm_text(&m, "city");
	mm_text(&m, "Brisbane");
	mm_text(&m, "country_code");
	mm_text(&m, "AU");
	mm_text(&m, "latitude");
	mm_float(&m, -27.5f);
	mm_text(&m, "longitude");
	mm_float(&m, 153.0f);
	asn = mm_map(&m, 2);
	mm_text(&m, "autonomous_system_number");
	mm_u32(&m, 13335);
	mm_text(&m, "autonomous_system_organization");
	mm_text(&m, "Cloudflare, Inc.");
	mm_put(&m, "1.0.0.0/24", city);
	mm_put(&m, "1.0.1.0/24", asn);
	t = mm_table(&m);
	cr_assert_str_eq(at(t, "1.0.0.0")->city, "Brisbane");
	cr_assert_eq(at(t, "1.0.0.0")->latitude, -27.5);
	cr_assert_eq(at(t, "1.0.0.0")->longitude, 153);
	cr_assert_eq(at(t, "1.0.1.0")->asn, 13335);
	cr_assert_str_eq(at(t, "1.0.1.0")->as_name, "Cloudflare, Inc.");
}

Test(mmdb_fields, what_nobody_knows_is_nothing_and_no_error)
{
	_cleanup_mm_ struct mm m = { 0 };
	_cleanup_geo_table_ struct geo_table *t = NULL;
	size_t nowhere = mm_map(&m, 4);

	mm_text(&m, "country_code");
	mm_text(&m, "ZZ");
	mm_text(&m, "latitude");
	mm_double(&m, 0);
	mm_text(&m, "longitude");
	mm_double(&m, 0);
	mm_text(&m, "asn");
	mm_u32(&m, 0);
	mm_put(&m, "203.0.113.0/25", nowhere);
	mm_put(&m, "203.0.113.128/25", mm_country(&m, "CN"));
	t = mm_table(&m);
	cr_assert_eq(t->ranges.n, 1);
	cr_assert_str_eq(at(t, "203.0.113.128")->cc, "CN");
}

/* ---- where IPv4 is in the tree ---------------------------------------- */

Test(mmdb_fields, a_tree_of_ipv4_only)
{
	_cleanup_mm_ struct mm m = { .ip_version = 4 };
	_cleanup_geo_table_ struct geo_table *t = NULL;

	mm_put(&m, "203.0.113.0/25", mm_country(&m, "CN"));
	mm_put(&m, "255.255.255.255/32", mm_country(&m, "DE"));
	t = mm_table(&m);
	cr_assert_eq(t->ranges.n, 2);
	cr_assert_str_eq(at(t, "203.0.113.127")->cc, "CN");
	cr_assert_str_eq(at(t, "255.255.255.255")->cc, "DE");
	cr_assert_str_eq(at(t, "cb00:7100::")->cc, "");
}

static uint64_t node_at(const struct mm *m, unsigned int depth)
{
	uint64_t node = 0;

	while (depth--)
		node = m->nodes.v[node].side[0];
	return node;
}

Test(mmdb_fields, repeats_of_the_ipv4_tree_are_left_out)
{
	_cleanup_mm_ struct mm m = { 0 };
	_cleanup_geo_table_ struct geo_table *t = NULL;
	uint64_t root4;

	mm_put(&m, "203.0.113.0/24", mm_country(&m, "CN"));
	root4 = node_at(&m, 96);
	mm_insert(&m, "::ffff:0:0", 96, root4);
	mm_insert(&m, "2001::", 32, root4);
	mm_insert(&m, "2002::", 16, root4);
	mm_insert(&m, "64:ff9b::", 96, root4);
	mm_put(&m, "2001:db8::/32", mm_country(&m, "DE"));
	t = mm_table(&m);
	cr_assert_eq(t->ranges.n, 2);
	cr_assert_str_eq(at(t, "203.0.113.9")->cc, "CN");
	cr_assert_str_eq(at(t, "2001:db8::1")->cc, "DE");
	cr_assert_str_eq(at(t, "2002:cb00:7109::")->cc, "");
}

Test(mmdb_fields, mapped_addresses_count_only_without_an_ipv4_tree)
{
	_cleanup_mm_ struct mm alone = { 0 }, both = { 0 };
	_cleanup_geo_table_ struct geo_table *a = NULL, *b = NULL;

	mm_insert(&alone, "::ffff:203.0.113.0", 120, MM_DATA(mm_country(&alone, "CN")));
	a = mm_table(&alone);
	cr_assert_str_eq(at(a, "203.0.113.9")->cc, "CN");
	mm_insert(&both, "::ffff:203.0.113.0", 120, MM_DATA(mm_country(&both, "CN")));
	mm_put(&both, "203.0.113.0/25", mm_country(&both, "DE"));
	b = mm_table(&both);
	cr_assert_str_eq(at(b, "203.0.113.9")->cc, "DE");
	cr_assert_str_eq(at(b, "203.0.113.129")->cc, "", "as libmaxminddb answers for IPv4");
}

Test(mmdb_fields, a_record_above_the_ipv4_tree_is_ipv4s_too)
{
	static const unsigned int lengths[] = { 1, 8, 79, 80, 81, 95, 96 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_cleanup_mm_ struct mm m = { 0 };
		_cleanup_geo_table_ struct geo_table *t = NULL;
		unsigned int bits = lengths[i];

		mm_insert(&m, "::", bits, MM_DATA(mm_country(&m, "CN")));
		mm_put(&m, "ffff::/16", mm_country(&m, "DE"));
		t = mm_table(&m);
		cr_assert_str_eq(at(t, "203.0.113.9")->cc, "CN", "/%u", bits);
		cr_assert_str_eq(at(t, "0.0.0.0")->cc, "CN", "/%u", bits);
		cr_assert_str_eq(at(t, "255.255.255.255")->cc, "CN", "/%u", bits);
		cr_assert_str_eq(at(t, "ffff::1")->cc, "DE", "/%u", bits);
		cr_assert_str_eq(at(t, "::1:0:0:0")->cc, bits <= 79 ? "CN" : "", "/%u", bits);
		cr_assert_str_eq(at(t, "::fffe:0:0")->cc, bits <= 80 ? "CN" : "", "/%u", bits);
		cr_assert_str_eq(at(t, "8000::")->cc, "", "/%u", bits);
	}
}
