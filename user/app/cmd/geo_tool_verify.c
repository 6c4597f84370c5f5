/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curfew geo verify FILE... */
#include <time.h>

#include "app/cmd/geo_tool.h"
#include "app/cmd/options.h"
#include "base/buf.h"
#include "base/units.h"
#include "core/geo/place.h"
#include "port/mmdb.h"

static const char *day_text(uint64_t built_at, char buf[32])
{
	time_t t = (time_t)built_at;
	struct tm tm;

	if (!built_at || !gmtime_r(&t, &tm) || !strftime(buf, 32, "%Y-%m-%d", &tm))
		return "at an unknown time";
	return buf;
}

static unsigned int percent(uint32_t part, uint32_t of)
{
	return of ? (unsigned int)(part * 100ULL / of) : 0;
}

static void print_good(const char *path, const struct mmdb_report *r)
{
	const struct mmdb_facts *f = &r->facts;
	char a[COUNT_TEXT_MAX], b[COUNT_TEXT_MAX], size[UNITS_TEXT_MAX], day[32];

	printf("%s: good\n", path);
	printf("  type       %s, built %s\n", r->type[0] ? r->type : "unnamed",
	       day_text(r->built_at, day));
	printf("  size       %s, a tree of %s nodes for IPv%u, records of %u bits\n",
	       size_format(r->file_bytes, size), count_format(r->node_count, a), r->ip_version,
	       r->record_bits);
	printf("  networks   %s of IPv4, %s of IPv6", count_format(r->networks4, a),
	       count_format(r->networks6, b));
	printf("; %s ranges when merged\n", count_format(r->ranges, a));
	printf("  records    %s: country in %u %%, ASN in %u %%, city in %u %%, location in %u %%\n",
	       count_format(f->records, a), percent(f->with_country, f->records),
	       percent(f->with_asn, f->records), percent(f->with_city, f->records),
	       percent(f->with_location, f->records));
	if (f->bad)
		printf("  doubtful   %s with a value that cannot be: %s\n", count_format(f->bad, a),
		       f->bad_example);
}

static json_t *report_json(const char *path, const struct mmdb_report *r, const char *why)
{
	const struct mmdb_facts *f = &r->facts;
	json_t *j = json_pack("{s:s, s:b, s:I}", "file", path, "good", !why, "bytes",
			      (json_int_t)r->file_bytes);

	if (why)
		json_object_set_new(j, "reason", json_string(why));
	if (!r->node_count)
		return j;
	json_object_set_new(j, "type", json_string(r->type));
	json_object_set_new(j, "built_at", json_integer((json_int_t)r->built_at));
	json_object_set_new(j, "nodes", json_integer(r->node_count));
	json_object_set_new(j, "record_bits", json_integer(r->record_bits));
	json_object_set_new(j, "ip_version", json_integer(r->ip_version));
	json_object_set_new(j, "networks4", json_integer(r->networks4));
	json_object_set_new(j, "networks6", json_integer(r->networks6));
	json_object_set_new(j, "ranges", json_integer((json_int_t)r->ranges));
	json_object_set_new(j, "records", json_integer(f->records));
	json_object_set_new(j, "with_country", json_integer(f->with_country));
	json_object_set_new(j, "with_asn", json_integer(f->with_asn));
	json_object_set_new(j, "with_city", json_integer(f->with_city));
	json_object_set_new(j, "with_location", json_integer(f->with_location));
	json_object_set_new(j, "doubtful", json_integer(f->bad));
	return j;
}

static bool verify(const char *path, json_t *list)
{
	struct geo_progress progress = geo_tool_progress();
	_cleanup_geo_table_ struct geo_table *table = NULL;
	_cleanup_free_ char *why = NULL;
	struct mmdb_report report;
	int r;

	r = mmdb_load(path, &progress, &table, &report, &why);
	geo_tool_progress_end();
	if (list)
		json_array_append_new(list, report_json(path, &report, why));
	else if (r < 0)
		printf("%s: bad: %s\n", path, why);
	else
		print_good(path, &report);
	return !r;
}

int geo_tool_verify(struct cli *cli, int argc, char **argv)
{
	int code = EXIT_FINE;
	json_t *list;
	int r;

	r = options_parse(cli, NULL, NULL, &argc, &argv);
	if (r != OPTIONS_GO)
		return r;
	if (!argc)
		return cmd_usage(cli, "which database?");
	list = cli->json ? json_array() : NULL;
	for (int i = 0; i < argc; i++)
		if (!verify(argv[i], list))
			code = EXIT_DEGRADED;
	if (list && json_out("databases", list))
		return EXIT_DEGRADED;
	return code;
}
