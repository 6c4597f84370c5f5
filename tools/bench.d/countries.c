/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * countries MMDB: the IPv4 part of a database, a line per range, "first-last CC"; neighbours
 * that say the same are one. For what other firewalls are to be given as a map.
 */
#include <stdio.h>
#include <string.h>

#include "port/mmdb.h"

static uint32_t v4(const struct addr *a)
{
	return (uint32_t)addr_lo(a);
}

static bool is_v4(const struct addr *a)
{
	return !addr_hi(a) && addr_lo(a) >> 32 == 0xffff;
}

static void print(uint32_t first, uint32_t last, const char *cc)
{
	printf("%u.%u.%u.%u-%u.%u.%u.%u %s\n", first >> 24, first >> 16 & 255, first >> 8 & 255,
	       first & 255, last >> 24, last >> 16 & 255, last >> 8 & 255, last & 255, cc);
}

int main(int argc, char **argv)
{
	_cleanup_geo_table_ struct geo_table *t = NULL;
	struct mmdb_report report;
	uint32_t first = 0, last = 0;
	const char *cc = NULL;
	char *why = NULL;

	if (argc != 2)
		return 2;
	if (mmdb_load(argv[1], NULL, &t, &report, &why) < 0) {
		fprintf(stderr, "countries: %s: %s\n", argv[1], why);
		free(why);
		return 1;
	}
	for (size_t i = 0; i < t->ranges.n; i++) {
		const struct geo_range *r = &t->ranges.v[i];
		const char *now = t->records.v[r->record].cc;

		if (!is_v4(&r->first) || !now[0])
			continue;
		if (cc && !strcmp(cc, now) && v4(&r->first) == last + 1) {
			last = v4(&r->last);
			continue;
		}
		if (cc)
			print(first, last, cc);
		first = v4(&r->first);
		last = v4(&r->last);
		cc = now;
	}
	if (cc)
		print(first, last, cc);
	return 0;
}
