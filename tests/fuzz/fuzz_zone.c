/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Zone data from anywhere: it parses or it does not, and what parses keeps the
 * promises of calendar.h at any instant. libFuzzer.
 */
#include <stdlib.h>
#include <string.h>

#include "core/time/calendar.h"

#define CENTURIES 10000000000LL /* three of them */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static const struct zone *get(void *arg, const char *name)
{
	(void)name;
	return arg;
}

static void check_instant(const struct zone *z, struct utc at)
{
	int32_t offset = zone_offset(z, at);
	struct civil_minute shown = zone_to_civil(z, at);
	struct utc back = zone_to_utc(z, shown.date, shown.minute);
	char text[UTC_TEXT_MAX];

	check(offset > -26 * 3600 && offset < 26 * 3600);
	check(strlen(zone_abbreviation(z, at)) < 1 << 20);
	check(shown.minute < 1440);
	/* the first instant that shows it, or later */
	check(back.s <= at.s || at.s <= UTC_FIRST);
	check(utc_format(at, z, text, sizeof(text)) == text);
	check(utc_format_iso(at, z, text, sizeof(text)) == text);
}

static void check_list(const struct interval_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		check(l->v[i].begin.s < l->v[i].end.s);
		check(i == 0 || l->v[i - 1].end.s <= l->v[i].begin.s);
	}
}

static void check_calendar(struct zone *z, struct utc begin)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	static const struct policy_set set;
	const struct zone_source source = { get, z };
	const struct time_expr night = {
		.op = TIME_SPAN, .days = 0x7f, .from = 1320, .until = 360
	};
	const struct quota hourly = { .period = PERIOD_HOUR };
	struct utc end = { begin.s + 3 * 86400 };

	check(time_expr_intervals(&set, &night, NULL, &source, begin, end, &l) == 0);
	check_list(&l);
	check(quota_periods(&set, &hourly, NULL, &source, begin, end, &l) == 0);
	check_list(&l);
	check(l.n && l.v[0].begin.s <= begin.s && l.v[l.n - 1].end.s >= end.s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t instants[] = {
		INT64_MIN,  UTC_FIRST,  -2208988800, -1,       0,
		1763856000, 2145916800, 4102444800,  UTC_LAST, INT64_MAX
	};
	_cleanup_zone_ struct zone *z = NULL;
	struct zone *untouched = (struct zone *)&instants;
	struct utc own = { 0 };

	if (zone_parse(data, size, &z) < 0) {
		zone_parse(data, size, &untouched);
		check(untouched == (struct zone *)&instants);
		return 0;
	}
	for (size_t i = 0; i < sizeof(instants) / sizeof(*instants); i++)
		check_instant(z, (struct utc){ instants[i] });
	/* and one that the input chooses: near its own transitions */
	if (size > 80)
		for (size_t i = 0; i < 5; i++)
			own.s = own.s * 256 + data[size - 80 + i];
	own.s = own.s % (2 * CENTURIES) - CENTURIES;
	check_instant(z, own);
	check_calendar(z, own);
	return 0;
}
