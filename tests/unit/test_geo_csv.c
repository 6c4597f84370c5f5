/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Geo data as CSV: all the shapes it comes in, and errors that name the place. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/columns.h"
#include "core/geo/csv.h"

static struct geo_table *parse(const char *text, const char *columns)
{
	struct geo_csv_options o = { .columns = columns };
	struct geo_table *t = NULL;
	char *why = NULL;

	cr_assert_eq(geo_csv_parse("in.csv", text, strlen(text), &o, &t, NULL, &why), 0, "%s", why);
	return t;
}

static const struct geo_record *at(const struct geo_table *t, const char *address)
{
	static const struct geo_record nothing;
	const struct geo_record *r;
	struct addr a;

	cr_assert(!addr_parse(address, &a));
	r = geo_table_find(t, &a);
	return r ? r : &nothing;
}

/* ---- shapes ----------------------------------------------------------- */

Test(geo_csv, numbers_as_tor_geoipdb_has_them)
{
	_cleanup_geo_table_ struct geo_table *t = parse(
		"# comment\n15726992,15726999,??\n16777216,16777471,AU\n16777472,16778239,CN\n",
		NULL);

	cr_assert_eq(t->ranges.n, 2);
	cr_assert_str_eq(at(t, "1.0.0.255")->cc, "AU");
	cr_assert_str_eq(at(t, "1.0.0.255")->continent, "OC");
	cr_assert_str_eq(at(t, "1.0.1.0")->cc, "CN");
	cr_assert_str_eq(at(t, "0.239.249.145")->cc, "");
}

Test(geo_csv, ipv6_ranges_as_tor_geoipdb_has_them)
{
	_cleanup_geo_table_ struct geo_table *t =
		parse("2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n", NULL);

	cr_assert_str_eq(at(t, "2001:200:ffff:ffff:ffff:ffff:ffff:ffff")->cc, "JP");
	cr_assert_str_eq(at(t, "2001:201::")->cc, "");
}

Test(geo_csv, numbers_beyond_32_bits_are_ipv6)
{
	_cleanup_geo_table_ struct geo_table *t = parse(
		"42540528726795050063891204319802818560,42540528727329395276160870415022948351,"
		"2500,WIDE Project\n"
		"4294967296,4294967297,64500,Edge\n"
		"340282366920938463463374607431768211455,340282366920938463463374607431768211455,64501,Top\n",
		NULL);

	cr_assert_eq(at(t, "2001:200::1")->asn, 2500);
	cr_assert_eq(at(t, "::1:0:0")->asn, 64500);
	cr_assert_eq(at(t, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")->asn, 64501);
}

Test(geo_csv, quoted_names_as_ip_location_db_has_them)
{
	_cleanup_geo_table_ struct geo_table *t =
		parse("1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\r\n"
		      "1.0.4.0,1.0.7.255,AS38803,  Gtelecom Pty Ltd \r\n"
		      "1.0.8.0,1.0.8.255,64500,\"The \"\"best\"\" net\"\r\n",
		      NULL);

	cr_assert_str_eq(at(t, "1.0.0.1")->as_name, "Cloudflare, Inc.");
	cr_assert_eq(at(t, "1.0.7.255")->asn, 38803);
	cr_assert_str_eq(at(t, "1.0.7.255")->as_name, "Gtelecom Pty Ltd");
	cr_assert_str_eq(at(t, "1.0.8.0")->as_name, "The \"best\" net");
}

Test(geo_csv, a_header_in_any_order_and_case_after_a_byte_order_mark)
{
	_cleanup_geo_table_ struct geo_table *t = parse(
		"\xef\xbb\xbf\"City\",geoname_id,Network,Longitude,LATITUDE,Country-Code,AS_Name,asn\n"
		"Shanghai,1,203.0.113.0/25,121.4581,31.2222,cn,China Telecom,4812\n"
		",2,2001:db8::/32,,,ZZ,-,0\n"
		"Berlin,2,2001:db9::/32,,,DE,-,0",
		NULL);
	const struct geo_record *r = at(t, "203.0.113.127");

	cr_assert_str_eq(r->city, "Shanghai");
	cr_assert_str_eq(r->cc, "CN");
	cr_assert(r->has_location && r->latitude == 31.2222 && r->longitude == 121.4581);
	cr_assert_eq(r->asn, 4812);
	cr_assert_eq(t->ranges.n, 2, "a line that knows nothing makes no range");
	cr_assert_not(at(t, "2001:db9::")->has_location);
	cr_assert_null(at(t, "2001:db9::")->as_name);
	cr_assert(t->has_country && t->has_asn && t->has_city && t->has_location);
}

Test(geo_csv, dbip_and_ip_location_db_cities_without_a_header)
{
	_cleanup_geo_table_ struct geo_table *a =
		parse("1.0.0.0,1.0.0.255,OC,AU,Queensland,South Brisbane,-27.4767,153.017\n", NULL);
	_cleanup_geo_table_ struct geo_table *b = parse(
		"1.0.0.0,1.0.0.255,AU,Queensland,,Brisbane,4101,-27.4767,153.017,Australia/Brisbane\n",
		NULL);

	cr_assert_str_eq(at(a, "1.0.0.1")->city, "South Brisbane");
	cr_assert_eq(at(a, "1.0.0.1")->longitude, 153.017);
	cr_assert_str_eq(at(b, "1.0.0.1")->city, "Brisbane");
	cr_assert_eq(at(b, "1.0.0.1")->latitude, -27.4767);
}

Test(geo_csv, columns_that_are_named_skip_a_header_and_leave_out_dashes)
{
	static const char columns[] = "start,end,-,country";
	_cleanup_geo_table_ struct geo_table *a =
		parse("from,to,x,y\n1.0.0.0,1.0.0.9,q,DE\n", columns);
	_cleanup_geo_table_ struct geo_table *b = parse("1.0.0.0,1.0.0.9,q,DE\n", columns);

	cr_assert_str_eq(at(a, "1.0.0.9")->cc, "DE");
	cr_assert_str_eq(at(b, "1.0.0.9")->cc, "DE");
}

Test(geo_csv, prefixes_without_a_header)
{
	_cleanup_geo_table_ struct geo_table *t =
		parse("203.0.113.0/24,DE\n203.0.113.64/26,CN\n203.0.113.200,KE\n2001:db8::/32,ET\n",
		      NULL);

	cr_assert_str_eq(at(t, "203.0.113.63")->cc, "DE");
	cr_assert_str_eq(at(t, "203.0.113.64")->cc, "CN");
	cr_assert_str_eq(at(t, "203.0.113.128")->cc, "DE");
	cr_assert_str_eq(at(t, "203.0.113.200")->cc, "KE");
	cr_assert_str_eq(at(t, "2001:db8:ffff::")->cc, "ET");
	cr_assert_eq(t->ranges.n, 6);
}

Test(geo_csv, a_more_specific_unknown_makes_a_hole)
{
	_cleanup_geo_table_ struct geo_table *t =
		parse("203.0.113.0/24,DE\n203.0.113.64/26,??\n", NULL);

	cr_assert_str_eq(at(t, "203.0.113.64")->cc, "");
	cr_assert_str_eq(at(t, "203.0.113.128")->cc, "DE");
}

Test(geo_csv, crosswise_ranges_can_be_cut)
{
	static const char text[] =
		"10.0.0.0,10.0.0.99,DE\n10.0.0.90,10.0.0.95,KE\n10.0.0.80,10.0.0.255,CN\n";
	struct geo_csv_options o = { .narrow = true };
	_cleanup_geo_table_ struct geo_table *t = NULL;
	char *why = NULL;
	size_t cuts = 0;

	cr_assert_eq(geo_csv_parse("x", text, strlen(text), &o, &t, &cuts, &why), 0, "%s", why);
	cr_assert_eq(cuts, 1);
	cr_assert_str_eq(at(t, "10.0.0.99")->cc, "DE");
	cr_assert_str_eq(at(t, "10.0.0.90")->cc, "KE");
	cr_assert_str_eq(at(t, "10.0.0.100")->cc, "CN");
}

/* ---- errors ----------------------------------------------------------- */

static const struct {
	const char *text, *columns;
	const char *expected; /* "line:col: " and a part of the message */
	const char *part;
} faults[] = {
	{ "", NULL, "1:1: ", "no data" },
	{ "# only\n\n", NULL, "2:1: ", "no data" },
	{ "hello,world\n", NULL, "1:1: ", "neither a header nor an address" },
	{ "network,colour\n", NULL, "1:1: ", "no column says anything" },
	{ "country,asn\nDE,1\n", NULL, "1:1: ", "need either 'network'" },
	{ "start,country\n", NULL, "1:1: ", "need each other" },
	{ "network,start,end,country\n", NULL, "1:1: ", "need either 'network'" },
	{ "network,latitude,country\n", NULL, "1:1: ", "need each other" },
	{ "network,country,cc\n", NULL, "1:17: ", "there twice" },
	{ "1.0.0.0,1.0.0.9,hello,x\n", NULL, "1:17: ", "--columns" },
	{ "1.0.0.0\n", NULL, "1:1: ", "--columns" },
	{ "1.0.0.0,1.0.0.9,DE\n1.0.0.10,1.0.0.19\n", NULL, "2:10: ", "2 fields, expected 3" },
	{ "1.0.0.0,1.0.0.9,DE\n1.0.0.10,1.0.0.19,DE,x\n", NULL, "2:22: ", "4 fields, expected 3" },
	{ "1.0.0.0,1.0.0.9,DE\n\n#\n1.0.0.256,1.0.1.0,DE\n", NULL,
	  "4:1: ", "'1.0.0.256' is not an address" },
	{ "1.0.0.0,1.0.0.9,DE\n1.0.0.20,1.0.0.19,DE\n", NULL, "2:10: ", "lies before the start" },
	{ "1.0.0.0,1.0.0.9,DE\n1.0.0.20,2001:db8::,DE\n", NULL, "2:10: ", "another IP version" },
	{ "1.0.0.0/8,DE\n1.0.0.1/24,DE\n", NULL, "2:1: ", "the network is 1.0.0.0/24" },
	{ "1.0.0.0/8,DE\n1.0.0.0/33,DE\n", NULL, "2:1: ", "too large" },
	{ "1.0.0.0/8,DE\n2001:db8::/129,DE\n", NULL, "2:1: ", "too large" },
	{ "1.0.0.0/8,DE\n1.0.0.0/,DE\n", NULL, "2:1: ", "not a network" },
	{ "1.0.0.0/8,DE\n2.0.0.0/8,DEU\n", NULL, "2:11: ", "'DEU' is not a country code" },
	{ "1.0.0.0/8,DE\n2.0.0.0/8, \"D~\"\n", NULL, "2:13: ", "'D~' is not a country code" },
	{ "1.0.0.0/8,1\n2.0.0.0/8,ASX\n", NULL, "2:11: ", "not an AS number" },
	{ "1.0.0.0/8,1\n2.0.0.0/8,4294967296\n", NULL, "2:11: ", "not an AS number" },
	{ "network,lat,lon\n1.0.0.0/8,91,0\n", NULL, "2:11: ", "not a latitude" },
	{ "network,lat,lon\n1.0.0.0/8,1,180.5\n", NULL, "2:13: ", "not a longitude" },
	{ "network,lat,lon\n1.0.0.0/8,1,\n", NULL, "2:13: ", "not a longitude" },
	{ "network,continent\n1.0.0.0/8,XY\n", NULL, "2:11: ", "not a continent" },
	{ "network,asn,as_name\n1.0.0.0/8,1,a\x1b[2Jb\n", NULL, "2:13: ", "control characters" },
	{ "network,city\n1.0.0.0/8,\xff\n", NULL, "2:11: ", "not UTF-8" },
	{ "1.0.0.0/8,1,\"open\n2.0.0.0/8,1,x\n", NULL, "1:13: ", "not closed" },
	{ "1.0.0.0/8,1,\"shut\"x\n", NULL, "1:19: ", "expected a comma" },
	{ "10.0.0.0,10.0.0.9,DE\n10.0.0.5,10.0.0.15,DE\n", NULL, "2:1: ", "of line 1" },
	{ "country,start,end\nDE,10.0.0.5,10.0.0.15\nDE,10.0.0.0,10.0.0.9\n", NULL,
	  "3:4: ", "of line 2" },
	{ "10.0.0.0/8,DE\n10.0.0.0/8,CN\n", NULL, "2:1: ", "in line 1 already" },
	{ "1.0.0.x,1.0.0.9,DE\n", "start,end,country", "1:1: ", "'1.0.0.x' is not an address" },
	{ "340282366920938463463374607431768211456,1,DE\n", "start,end,country",
	  "1:1: ", "not an address" },
};

Test(geo_csv, every_error_names_file_line_and_column)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		struct geo_csv_options o = { .columns = faults[i].columns };
		_cleanup_free_ char *expected = xprintf("in.csv:%s", faults[i].expected);
		struct geo_table *t = NULL;
		char *why = NULL;
		int r = geo_csv_parse("in.csv", faults[i].text, strlen(faults[i].text), &o, &t,
				      NULL, &why);

		cr_assert_eq(r, -EINVAL, "%zu: %d", i, r);
		cr_assert_null(t, "%zu", i);
		cr_assert(!strncmp(why, expected, strlen(expected)), "%zu: %s", i, why);
		cr_assert(strstr(why, faults[i].part), "%zu: %s", i, why);
		free(why);
	}
}

Test(geo_csv, a_byte_of_zero_is_an_error_and_no_end)
{
	static const char text[] = "1.0.0.0/8,DE\n2.0.\0.0/8,DE\n";
	struct geo_csv_options o = { 0 };
	struct geo_table *t = NULL;
	char *why = NULL;

	cr_assert_eq(geo_csv_parse("x", text, sizeof(text) - 1, &o, &t, NULL, &why), -EINVAL);
	cr_assert(!strncmp(why, "x:2:1: ", 7), "%s", why);
	free(why);
}

Test(geo_csv, names_of_columns)
{
	struct geo_columns c;
	char *why = NULL;

	cr_assert_eq(geo_columns_parse("network, country_code,-,-,asn", &c, &why), 0);
	cr_assert_eq(c.n, 5);
	cr_assert_eq(c.at[GEO_COLUMN_ASN], 4);
	cr_assert_eq(geo_columns_parse("network,colour", &c, &why), -EINVAL);
	cr_assert(strstr(why, "'colour'"), "%s", why);
	free(why);
	cr_assert_eq(geo_columns_parse("", &c, &why), -EINVAL);
	free(why);
	cr_assert_eq(geo_columns_parse("network,asn,asn", &c, &why), -EINVAL);
	free(why);
}

/* Whatever the bytes are: an answer, and sorted ranges if it is a table. */
Test(geo_csv, no_input_breaks_it)
{
	static const char seedtext[] = "network,country,asn,as_name,latitude,longitude\n"
				       "203.0.113.0/25,CN,4812,\"China, Telecom\",31.2,121.4\n"
				       "2001:db8::/32,DE,AS3320,x,1,2\n198.51.100.0/24,??,,,,\n";
	uint64_t state = 1;

	for (unsigned int round = 0; round < 20000; round++) {
		struct geo_csv_options o = { .narrow = round & 1 };
		struct geo_table *t = NULL;
		char text[sizeof(seedtext)], *why = NULL;
		size_t n = sizeof(seedtext) - 1;

		memcpy(text, seedtext, sizeof(text));
		for (unsigned int k = 0; k < 1 + round % 8; k++) {
			state = state * 6364136223846793005ULL + 1442695040888963407ULL;
			text[(state >> 33) % n] = "0129a,\"\n\r#/:.-?\xff"[(state >> 50) % 16];
		}
		if (geo_csv_parse("x", text, n, &o, &t, NULL, &why) < 0) {
			cr_assert_null(t);
			cr_assert_not_null(why);
		}
		for (size_t i = 1; t && i < t->ranges.n; i++)
			cr_assert_lt(addr_compare(&t->ranges.v[i - 1].last, &t->ranges.v[i].first),
				     0);
		geo_table_free(t);
		free(why);
	}
}
