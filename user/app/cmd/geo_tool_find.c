/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curfew geo ADDRESS... */
#include <string.h>

#include "app/cmd/geo_tool.h"
#include "app/cmd/options.h"
#include "app/running.h"
#include "base/buf.h"
#include "core/geo/build.h"
#include "core/geo/place.h"
#include "core/geo/text.h"
#include "core/image/normalise.h"
#include "port/geo_load.h"

/* What the answers are made from. */
struct source {
	struct geo_tables tables; /* of --db */
	struct running running;   /* of the configuration */
	const struct geo *geo;
	struct site site; /* only its location; nothing in it is owned */
};

struct answer {
	struct addr asked, judged;
	struct geo_range network; /* as far as all databases that know it agree */
	struct place place;
};

static void source_done(struct source *s)
{
	geo_tables_done(&s->tables);
	running_done(&s->running);
}
#define _cleanup_source_ _cleanup_(source_done)

static int open_files(const struct geo_tool_texts *files, struct source *s)
{
	struct geo_progress progress = geo_tool_progress();

	for (size_t i = 0; i < files->n; i++) {
		_cleanup_free_ char *why = NULL;
		int r = geo_tables_add(&s->tables, files->v[i], &progress, &why);

		geo_tool_progress_end();
		if (r < 0) {
			cmd_error("%s %s", files->v[i], why);
			return EXIT_USAGE;
		}
	}
	s->geo = &s->tables.view;
	return OPTIONS_GO;
}

static int open_configured(const struct cli *cli, struct source *s)
{
	_cleanup_(diag_list_done) struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf text = { 0 };
	int r;

	r = running_read(cli->config, &s->running, &diags);
	if (!r)
		r = running_load_geo(&s->running, &diags);
	if (r < 0) {
		diags_append(&diags, &text);
		fputs(buf_text(&text), stderr);
		cmd_error("no database to look into; --db FILE names one without a configuration");
		return EXIT_USAGE;
	}
	if (!s->running.set->geo.n) {
		cmd_error("%s names no geo database; --db FILE names one", cli->config);
		return EXIT_USAGE;
	}
	s->geo = &s->running.geo;
	s->site = s->running.set->site;
	return OPTIONS_GO;
}

static int take_from(struct cli *cli, const char *from, struct site *site)
{
	const char *comma = strchr(from, ',');
	double lat, lon;

	if (!comma || geo_text_degrees(from, (size_t)(comma - from), &lat) < 0 ||
	    geo_text_degrees(comma + 1 + (comma[1] == ' '), strlen(comma + 1 + (comma[1] == ' ')),
			     &lon) < 0 ||
	    !geo_location_valid(lat, lon))
		return cmd_usage(cli,
				 "--from wants latitude and longitude such as 9.03,38.76, not '%s'",
				 from);
	site->has_location = true;
	site->latitude = lat;
	site->longitude = lon;
	return OPTIONS_GO;
}

static struct geo_range network_of(const struct geo *geo, const struct addr *a)
{
	const struct geo_table *const tables[] = { geo->city, geo->country, geo->asn };
	struct geo_range all = { 0 };

	memset(&all.last, 0xff, sizeof(all.last));
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct geo_range *r = tables[i] ? geo_table_find_range(tables[i], a) : NULL;

		if (r && addr_compare(&r->first, &all.first) > 0)
			all.first = r->first;
		if (r && addr_compare(&r->last, &all.last) < 0)
			all.last = r->last;
	}
	return all;
}

static struct answer find(const struct source *s, const struct addr *a)
{
	struct answer found = { .asked = *a, .judged = addr_normalise(a) };

	found.place = place_find(s->geo, &s->site, &found.judged);
	if (found.place.known)
		found.network = network_of(s->geo, &found.judged);
	return found;
}

/* A prefix if it is one, else "first - last". */
static char *network_text(const struct geo_range *n)
{
	unsigned int longest = addr_is4(&n->first) ? 32 : 128;
	char a[PREFIX_TEXT_MAX], b[ADDR_TEXT_MAX];

	for (unsigned int len = 0; len <= longest; len++) {
		struct prefix p = prefix_of(&n->first, len);
		struct addr first = prefix_first(&p), last = prefix_last(&p);

		if (!addr_compare(&first, &n->first) && !addr_compare(&last, &n->last))
			return xstrdup(prefix_format(&p, a));
	}
	addr_format(&n->first, a);
	addr_format(&n->last, b);
	return xprintf("%s - %s", a, b);
}

static void print_country(const struct geo_record *r)
{
	const char *name = geo_country_name(r->cc), *continent = geo_continent_name(r->continent);

	if (!r->cc[0] && !continent)
		return;
	printf("  country    ");
	if (r->cc[0])
		printf("%s%s%s%s", name ? name : "", name ? " (" : "", r->cc, name ? ")" : "");
	printf("%s%s\n", r->cc[0] && continent ? ", " : "", continent ? continent : "");
}

static void print_answer(const struct answer *a)
{
	const struct geo_record *r = &a->place.rec;
	char text[ADDR_TEXT_MAX], count[COUNT_TEXT_MAX];
	_cleanup_free_ char *network = NULL;

	printf("%s\n", addr_format(&a->asked, text));
	if (addr_compare(&a->asked, &a->judged))
		printf("  carries    %s, and is judged as that\n", addr_format(&a->judged, text));
	if (!a->place.known) {
		printf("  in no database\n");
		return;
	}
	network = network_text(&a->network);
	printf("  network    %s\n", network);
	print_country(r);
	if (r->asn)
		printf("  AS         AS%u%s%s\n", r->asn, r->as_name ? " " : "",
		       r->as_name ? r->as_name : "");
	if (r->city)
		printf("  city       %s\n", r->city);
	if (r->has_location)
		printf("  location   %.4f, %.4f\n", r->latitude, r->longitude);
	if (a->place.has_distance)
		printf("  distance   %s km%s\n", count_format(a->place.km, count),
		       a->place.rough ? ", to the middle of the country" : "");
}

static void set_text(json_t *to, const char *key, const char *text)
{
	if (text && text[0])
		json_object_set_new(to, key, json_string(text));
}

static json_t *answer_json(const struct answer *a)
{
	const struct geo_record *r = &a->place.rec;
	json_t *j = json_object();
	char text[ADDR_TEXT_MAX];
	_cleanup_free_ char *network = NULL;

	set_text(j, "address", addr_format(&a->asked, text));
	if (addr_compare(&a->asked, &a->judged))
		set_text(j, "judged_as", addr_format(&a->judged, text));
	json_object_set_new(j, "known", json_boolean(a->place.known));
	if (!a->place.known)
		return j;
	network = network_text(&a->network);
	set_text(j, "network", network);
	set_text(j, "country", r->cc);
	set_text(j, "country_name", geo_country_name(r->cc));
	set_text(j, "continent", r->continent);
	if (r->asn)
		json_object_set_new(j, "asn", json_integer(r->asn));
	set_text(j, "as_name", r->as_name);
	set_text(j, "city", r->city);
	if (r->has_location) {
		json_object_set_new(j, "latitude", json_real(r->latitude));
		json_object_set_new(j, "longitude", json_real(r->longitude));
	}
	if (a->place.has_distance) {
		json_object_set_new(j, "distance_km", json_integer(a->place.km));
		json_object_set_new(j, "distance_rough", json_boolean(a->place.rough));
	}
	return j;
}

static int answer_all(struct cli *cli, const struct source *s, char **addresses, int n)
{
	json_t *list = cli->json ? json_array() : NULL;
	int code = EXIT_FINE;

	for (int i = 0; i < n; i++) {
		struct answer a;
		struct addr addr;

		addr_parse(addresses[i], &addr);
		a = find(s, &addr);
		if (!a.place.known)
			code = EXIT_DEGRADED;
		if (list)
			json_array_append_new(list, answer_json(&a));
		else
			print_answer(&a);
	}
	if (list && json_out("addresses", list))
		return EXIT_DEGRADED;
	return code;
}

struct find_options {
	const char *from;
};

int geo_tool_find(struct cli *cli, int argc, char **argv)
{
	static const struct option_row rows[] = {
		OPTION(struct find_options, from, "from", 0, OPTION_TEXT),
		{ .kind = OPTION_END },
	};
	struct geo_tool_texts files = { 0 };
	_cleanup_source_ struct source source = { 0 };
	struct find_options o = { 0 };
	struct addr addr;
	int r;

	r = geo_tool_take(cli, "db", &argc, argv, &files);
	if (r == OPTIONS_GO)
		r = options_parse(cli, rows, &o, &argc, &argv);
	if (r == OPTIONS_GO && !argc)
		r = cmd_usage(cli, "which address?");
	for (int i = 0; r == OPTIONS_GO && i < argc; i++)
		if (addr_parse(argv[i], &addr) < 0)
			r = cmd_usage(cli, "'%s' is not an address", argv[i]);
	if (r == OPTIONS_GO)
		r = files.n ? open_files(&files, &source) : open_configured(cli, &source);
	if (r == OPTIONS_GO && o.from)
		r = take_from(cli, o.from, &source.site);
	free(files.v);
	return r == OPTIONS_GO ? answer_all(cli, &source, argv, argc) : r;
}
