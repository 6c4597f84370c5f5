/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time zones: TZif data, the footer, instants and wall clocks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "calendar_help.h"

static const int64_t at[] = { -100, 0, 1000000000 };
static const uint8_t to[] = { 1, 2, 1 };
static const int32_t offsets[] = { 3208, 3600, 7200 };
static const uint8_t name_at[] = { 0, 4, 8 };

static const struct tzif_spec berlin = {
	.version = '2',
	.transitions = ARRAY_SIZE(at),
	.at = at,
	.to = to,
	.types = ARRAY_SIZE(offsets),
	.offsets = offsets,
	.names = "LMT\0CET\0CEST",
	.names_size = 13,
	.name_at = name_at,
	.footer = "CET-1CEST,M3.5.0,M10.5.0/3",
};

static int parse(const struct tzif_spec *spec, struct zone **ret)
{
	size_t size;
	_cleanup_free_ uint8_t *data = tzif_make(spec, &size);

	return zone_parse(data, size, ret);
}

static void expect_at(const struct zone *z, int64_t s, int32_t offset, const char *name)
{
	struct utc t = { s };

	cr_expect_eq(zone_offset(z, t), offset, "at %lld: %d", (long long)s, zone_offset(z, t));
	cr_expect_str_eq(zone_abbreviation(z, t), name, "at %lld", (long long)s);
}

Test(zone, transitions_then_the_footer)
{
	static const char versions[] = { '2', '3', '4' };

	for (size_t i = 0; i < sizeof(versions); i++) {
		_cleanup_zone_ struct zone *z = NULL;
		struct tzif_spec spec = berlin;

		spec.version = versions[i];
		cr_assert_eq(parse(&spec, &z), 0);
		expect_at(z, INT64_MIN, 3208, "LMT");
		expect_at(z, -101, 3208, "LMT");
		expect_at(z, -100, 3600, "CET");
		expect_at(z, -1, 3600, "CET");
		expect_at(z, 0, 7200, "CEST");
		expect_at(z, 999999999, 7200, "CEST");
		/* from the last transition on the footer decides: 2001-09-09 is summer */
		expect_at(z, 1000000000, 7200, "CEST");
		expect_at(z, at_utc("2001-10-28 00:59:59").s, 7200, "CEST");
		expect_at(z, at_utc("2001-10-28 01:00:00").s, 3600, "CET");
		expect_at(z, at_utc("2099-03-29 00:59:59").s, 3600, "CET");
		expect_at(z, at_utc("2099-03-29 01:00:00").s, 7200, "CEST");
		zone_offset(z, (struct utc){ INT64_MAX });
	}
}

Test(zone, version_1_and_an_empty_footer_go_on_as_last)
{
	struct tzif_spec spec = berlin;
	_cleanup_zone_ struct zone *one = NULL, *empty = NULL;

	spec.version = 0;
	cr_assert_eq(parse(&spec, &one), 0);
	expect_at(one, -101, 3208, "LMT");
	expect_at(one, 0, 7200, "CEST");
	expect_at(one, at_utc("2099-07-01").s, 3600, "CET");
	spec.version = '2';
	spec.footer = "";
	cr_assert_eq(parse(&spec, &empty), 0);
	expect_at(empty, at_utc("2099-07-01").s, 3600, "CET");
}

/* POSIX TZ strings as zones in use have them. */
Test(zone, footers)
{
	static const struct {
		const char *tz, *utc;
		int32_t offset;
		const char *name;
	} cases[] = {
		{ "EAT-3", "2026-07-01", 10800, "EAT" },
		{ "<+0545>-5:45", "2026-07-01", 20700, "+0545" },
		/* Dublin: winter time is the daylight saving time, an hour back */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25 00:59:59", 3600, "IST" },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25 01:00", 0, "GMT" },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29 00:59:59", 0, "GMT" },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29 01:00", 3600, "IST" },
		/* southern summer over the year's end */
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-12-31 23:59:59", 39600, "+11" },
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04 15:00", 37800, "+1030" },
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04 14:59:59", 39600, "+11" },
		/* negative and more than 24 hours: Godthab, Troll's two hours, Gaza */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29 00:59:59", -7200, "-02" },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29 01:00", -3600, "-01" },
		{ "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", "2026-07-01", 7200, "+02" },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27 23:59:59", 7200, "EET" },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28 00:00", 10800, "EEST" },
		/* Jn never counts 29 February, n does */
		{ "AAA0BBB,J60/0,J61/0", "2028-02-29 12:00", 0, "AAA" },
		{ "AAA0BBB,J60/0,J61/0", "2028-03-01 12:00", 3600, "BBB" },
		{ "AAA0BBB,59/0,60/0", "2028-02-29 12:00", 3600, "BBB" },
		{ "AAA0BBB,59/0,60/0", "2027-03-01 12:00", 3600, "BBB" },
		{ "AAA0BBB,59/0,60/0", "2027-02-28 12:00", 0, "AAA" },
		/* all year: RFC 8536 3.3.1 */
		{ "XXX3EDT4,0/0,J365/23", "2026-01-01 03:00", -14400, "EDT" },
		{ "XXX3EDT4,0/0,J365/23", "2026-01-01 02:59:59", -14400, "EDT" },
		{ "XXX3EDT4,0/0,J365/23", "2026-07-01", -14400, "EDT" },
		{ "XXX3EDT4,0/0,J365/23", "2026-12-31 23:59:59", -14400, "EDT" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_zone_ struct zone *z = zone_of(cases[i].tz);

		expect_at(z, at_utc(cases[i].utc).s, cases[i].offset, cases[i].name);
	}
}

Test(zone, bad_footers_are_refused)
{
	static const char *const cases[] = {
		"E3",
		"EAT",
		"EAT-",
		"EAT-25",
		"EAT-3:60",
		"EAT-3:00:60",
		"EAT-3x",
		"<EAT-3",
		"<E>-3",
		"<+0!>-3",
		"CET-1CEST",
		"CET-1CEST,",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,",
		",",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5,M10.5.0",
		"CET-1CEST,J0,J300",
		"CET-1CEST,J366,J300",
		"CET-1CEST,366,300",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0/,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0x",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ-1",
		"CET-99999999999999999999",
		"-1",
		":Europe/Berlin",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zone *z = NULL;
		struct tzif_spec spec = berlin;

		spec.footer = cases[i];
		cr_expect_eq(parse(&spec, &z), -EINVAL, "%s", cases[i]);
		cr_expect_null(z);
	}
}

/* Every prefix of good data is bad data, and none is read beyond its end (run under ASan). */
Test(zone, cut_short)
{
	size_t size;
	_cleanup_free_ uint8_t *data = tzif_make(&berlin, &size);

	for (size_t n = 0; n < size; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		struct zone *z = NULL;

		memcpy(cut, data, n);
		cr_assert_eq(zone_parse(cut, n, &z), -EINVAL, "%zu of %zu", n, size);
		free(cut);
	}
}

Test(zone, contradictions_are_refused)
{
	static const int64_t back[] = { 0, -100, 5 }, twice[] = { 0, 5, 5 };
	static const uint8_t no_type[] = { 1, 3, 1 }, no_name[] = { 0, 13, 8 };
	static const int32_t far[] = { 3208, 93600, 7200 }, far_west[] = { 3208, -90000, 7200 };
	struct tzif_spec spec[9];
	struct zone *z = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(spec); i++)
		spec[i] = berlin;
	spec[0].at = back;
	spec[1].at = twice;
	spec[2].to = no_type;
	spec[3].name_at = no_name;
	spec[4].offsets = far;
	spec[5].offsets = far_west;
	spec[6].version = '1';
	spec[7].version = '5';
	spec[8].names_size = 12; /* the last name has no end */
	for (size_t i = 0; i < ARRAY_SIZE(spec); i++)
		cr_expect_eq(parse(&spec[i], &z), -EINVAL, "%zu", i);
	cr_assert_null(z);
	cr_assert_eq(zone_parse("not TZif", 8, &z), -EINVAL);
}

Test(zone, leap_second_data_is_refused)
{
	struct tzif_spec spec = berlin;
	struct zone *z = NULL;

	spec.leaps = 27;
	cr_assert_eq(parse(&spec, &z), -EOPNOTSUPP);
	cr_assert_null(z);
}

Test(zone, counts_that_would_overflow)
{
	size_t size;
	_cleanup_free_ uint8_t *data = tzif_make(&berlin, &size);
	struct zone *z = NULL;

	for (size_t field = 20; field < 44; field += 4) {
		uint8_t kept[4];

		memcpy(kept, data + field, 4);
		memset(data + field, 0xff, 4);
		cr_expect_eq(zone_parse(data, size, &z), -EINVAL, "field at %zu", field);
		memcpy(data + field, kept, 4);
	}
	cr_assert_eq(zone_parse(data, size, &z), 0);
	zone_free(z);
}

Test(zone, wall_clock_to_instant)
{
	static const struct {
		const char *zone, *date;
		unsigned int minute;
		const char *utc;
	} cases[] = {
		{ "Berlin", "2026-11-23", 22 * 60, "2026-11-23 21:00" },
		{ "Berlin", "2026-11-23", 24 * 60, "2026-11-23 23:00" },
		/* gap: the first instant after; overlap: the earlier one */
		{ "Berlin", "2026-03-29", 119, "2026-03-29 00:59" },
		{ "Berlin", "2026-03-29", 120, "2026-03-29 01:00" },
		{ "Berlin", "2026-03-29", 150, "2026-03-29 01:00" },
		{ "Berlin", "2026-03-29", 180, "2026-03-29 01:00" },
		{ "Berlin", "2026-10-25", 120, "2026-10-25 00:00" },
		{ "Berlin", "2026-10-25", 179, "2026-10-25 00:59" },
		{ "Berlin", "2026-10-25", 180, "2026-10-25 02:00" },
		{ "Lord_Howe", "2026-04-05", 100, "2026-04-04 14:40" },
		{ "Lord_Howe", "2026-10-04", 125, "2026-10-03 15:30" },
		{ "Sao_Paulo_then", "2026-11-01", 0, "2026-11-01 03:00" },
		{ "Sao_Paulo_then", "2026-02-14", 23 * 60 + 30, "2026-02-15 01:30" },
		{ "Sao_Paulo_then", "2026-02-15", 0, "2026-02-15 03:00" },
		{ "Apia", "2011-12-30", 720, "2011-12-30 10:00" },
		{ "Apia", "2011-12-31", 0, "2011-12-30 10:00" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct utc t = zone_to_utc(zone_named(cases[i].zone), date_of(cases[i].date),
					   cases[i].minute);

		cr_expect_eq(t.s, at_utc(cases[i].utc).s, "%s %s %u: off by %lld", cases[i].zone,
			     cases[i].date, cases[i].minute,
			     (long long)(t.s - at_utc(cases[i].utc).s));
	}
}

/* What a clock shows leads back to its instant, but for the second pass of an overlap. */
Test(zone, there_and_back)
{
	static const char *const zones[] = { "Berlin", "New_York", "Lord_Howe", "Sao_Paulo_then",
					     "Shanghai" };

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		const struct zone *z = zone_named(zones[i]);
		int64_t begin = at_utc("2025-12-25").s;
		unsigned int repeated = 0;

		for (int64_t s = begin; s < begin + 380 * 86400; s += 60) {
			struct civil_minute c = zone_to_civil(z, (struct utc){ s });
			struct utc t = zone_to_utc(z, c.date, c.minute);

			if (t.s == s)
				continue;
			repeated++;
			cr_assert(t.s == s - 3600 || t.s == s - 1800, "%s %lld", zones[i],
				  (long long)s);
		}
		cr_assert_eq(repeated,
			     !strcmp(zones[i], "Shanghai")    ? 0
			     : !strcmp(zones[i], "Lord_Howe") ? 30
							      : 60,
			     "%s: %u", zones[i], repeated);
	}
}

Test(zone, ends_of_time)
{
	static const char *const zones[] = { "Berlin", "Lord_Howe", "Apia" };
	static const int64_t ends[] = { INT64_MIN, UTC_FIRST - 1, UTC_FIRST, UTC_LAST, INT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(ends); k++) {
			struct civil_minute c =
				zone_to_civil(zone_named(zones[i]), (struct utc){ ends[k] });
			struct utc t = zone_to_utc(zone_named(zones[i]), c.date, c.minute);

			cr_assert(t.s >= UTC_FIRST && t.s <= UTC_LAST);
		}
	}
}

Test(zone, utc_needs_no_data)
{
	expect_at(zone_utc(), 1763856000, 0, "UTC");
	cr_assert_eq(zone_to_utc(zone_utc(), date_of("2025-11-23"), 0).s, 1763856000);
	zone_free((struct zone *)zone_utc());
	expect_at(zone_utc(), 0, 0, "UTC");
}
