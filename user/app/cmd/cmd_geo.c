/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "app/cmd/geo_tool.h"

static const struct {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
} verbs[] = {
	{ "build", geo_tool_build },
	{ "verify", geo_tool_verify },
};

static int geo_run(struct cli *cli, int argc, char **argv)
{
	int at = 1;

	/* Options may come before the verb. */
	while (at < argc && argv[at][0] == '-')
		at++;
	for (size_t i = 0; at < argc && i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[at], verbs[i].name))
			continue;
		memmove(&argv[at], &argv[at + 1], (size_t)(argc - at) * sizeof(*argv));
		return verbs[i].run(cli, argc - 1, argv);
	}
	return geo_tool_find(cli, argc, argv);
}

const struct cmd cmd_geo = {
	.name = "geo",
	.usage =
		"[--db FILE]... [--from LAT,LON] ADDRESS... | build -o OUT.mmdb IN.csv... | verify FILE...",
	.help = "where an address is; build and verify geo databases",
	.more = "geo ADDRESS...\n"
		"  Shows all that the databases of the configuration know of each address. Exits 1\n"
		"  if one of them is in none.\n"
		"      --db FILE       use this MMDB instead, and no configuration; may be repeated,\n"
		"                      the first one that knows a thing counts\n"
		"      --from LAT,LON  show the distance from here instead of from the site\n"
		"\n"
		"geo build -o OUT.mmdb IN.csv...\n"
		"  Compiles CSV to an MMDB. Lines are ranges (first,last,…) or prefixes; addresses may\n"
		"  be numbers. Columns are told by a header (network or start and end, country_code,\n"
		"  continent_code, asn, as_name, city, latitude, longitude), by --columns, or by the\n"
		"  look of the first line. Of several files, the later ones win, field by field.\n"
		"  -o, --output FILE   where the database goes; replaced at once or not at all\n"
		"      --columns LIST  such as start,end,country; '-' leaves a column out\n"
		"      --type NAME     what the database calls itself\n"
		"      --narrow        where ranges overlap and neither is within the other, cut the\n"
		"                      larger one; otherwise that is an error\n"
		"\n"
		"geo verify FILE...\n"
		"  Walks each database whole and says what is in it; exits 1 if one is bad.\n"
		"\n"
		"Examples:\n"
		"  curfew geo 203.0.113.5\n"
		"  curfew geo --db asn.mmdb --db country.mmdb --from 9.03,38.76 2001:db8::1\n"
		"  curfew geo build -o country.mmdb /usr/share/tor/geoip /usr/share/tor/geoip6",
	.run = geo_run,
};
