/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew alerts`: what has been reported, newest first; one by its number; or as they come. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/options.h"
#include "app/show/show.h"
#include "base/units.h"

struct alerts_options {
	uint64_t n;
	bool follow;
};
static const struct option_row rows[] = {
	OPTION(struct alerts_options, n, "rows", 'n', OPTION_NUMBER),
	OPTION(struct alerts_options, follow, "follow", 'f', OPTION_FLAG),
	{ 0 },
};

static const struct table_column columns[] = {
	{ "ID", true },      { "TIME", false },    { "LEVEL", false },
	{ "POLICY", false }, { "VERDICT", false }, { "WHAT", false },
};

static enum table_style level_style(const char *level)
{
	if (level && !strcmp(level, "critical"))
		return STYLE_BAD;
	return level && !strcmp(level, "warning") ? STYLE_WARN : STYLE_PLAIN;
}

static void add(struct table *t, const json_t *event)
{
	const json_t *o = json_object_get(event, "curfew");
	_cleanup_free_ char *when = show_time(json_get_text(event, "timestamp"));
	const char *level = json_get_text(o, "level");

	table_add(t, "%" PRIu64, json_get_count(o, "id"));
	table_add(t, "%s", when);
	table_add_styled(t, level_style(level), "%s", level ? level : "-");
	show_text(t, json_get_text(o, "policy"));
	show_verdict(t, json_get_text(o, "verdict"));
	show_text(t, json_get_text(o, "story"));
}

static int print_table(const struct cli *cli, const json_t *reply)
{
	_cleanup_table_ struct table t = { 0 };
	const json_t *list = json_object_get(reply, "rows"), *event;
	uint64_t suppressed = json_get_count(reply, "suppressed");
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(list, i, event) add(&t, event);
	if (table_rows(&t))
		table_print(&t, stdout, cli->colour);
	else
		puts("no alerts");
	if (suppressed)
		printf("\n%" PRIu64 " more %s the same again, and only counted\n", suppressed,
		       suppressed == 1 ? "was" : "were");
	return EXIT_FINE;
}

/* ---- one alert ------------------------------------------------------------------ */

static void line(const char *name, const char *value)
{
	_cleanup_free_ char *safe = value && *value ? text_safe(value) : NULL;

	if (safe)
		printf("  %-12s %s\n", name, safe);
}

static void line_time(const char *name, const char *iso)
{
	_cleanup_free_ char *when = iso ? show_time(iso) : NULL;

	line(name, when);
}

static void print_quota(const json_t *o)
{
	_cleanup_free_ char *text = NULL;
	char used[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX];

	if (!json_get_text(o, "key"))
		return;
	text = xprintf("%s of %s (%" PRIu64 " %%)",
		       size_format(json_get_count(o, "used_bytes"), used),
		       size_format_exact(json_get_count(o, "limit_bytes"), limit),
		       json_get_count(o, "percent"));
	line("quota", json_get_text(o, "quota"));
	line("key", json_get_text(o, "key_text"));
	line("used", text);
	line_time("until", json_get_text(o, "period_ends"));
}

static int print_one(const struct cli *cli, const json_t *reply)
{
	const json_t *event = json_array_get(json_object_get(reply, "rows"), 0);
	const json_t *o = json_object_get(event, "curfew");
	_cleanup_free_ char *place = show_place_text(o), *where = NULL;
	_cleanup_free_ char *story = text_safe(json_get_text(o, "story") ?: "");
	const char *level = json_get_text(o, "level");

	printf("%salert %" PRIu64 "%s: %s\n\n", style_on(level_style(level), cli->colour),
	       json_get_count(o, "id"), style_off(level_style(level), cli->colour), story);
	if (json_get_text(o, "destination"))
		where = xprintf("%s (%s)", json_get_text(o, "destination"), place);
	line_time("time", json_get_text(event, "timestamp"));
	line("level", level);
	line("policy", json_get_text(o, "policy"));
	line("source", json_get_text(o, "source"));
	line("mac", json_get_text(o, "source_mac"));
	line("destination", where);
	line("protocol", json_get_text(event, "proto"));
	line("window", json_get_text(o, "window"));
	line_time("opened", json_get_text(o, "window_opened"));
	line_time("closes", json_get_text(o, "window_closes"));
	print_quota(o);
	line("verdict", json_get_text(o, "verdict"));
	printf("\nwhy, and what to do: curfew why %" PRIu64 "\n", json_get_count(o, "id"));
	return EXIT_FINE;
}

/* ---- following -------------------------------------------------------------------- */

static void print_line(const struct cli *cli, const json_t *event)
{
	const json_t *o = json_object_get(event, "curfew");
	_cleanup_free_ char *when = show_time(json_get_text(event, "timestamp"));
	_cleanup_free_ char *policy = text_safe(json_get_text(o, "policy") ?: "-");
	_cleanup_free_ char *story = text_safe(json_get_text(o, "story") ?: "");
	const char *level = json_get_text(o, "level");

	printf("%s  %s#%" PRIu64 " %-8s%s  \"%s\": %s [%s]\n", when,
	       style_on(level_style(level), cli->colour), json_get_count(o, "id"),
	       level ? level : "-", style_off(level_style(level), cli->colour), policy, story,
	       json_get_text(o, "verdict") ?: "-");
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct alerts_options o = { .n = 20 };
	struct follow_rows of = { .verb = "alerts", .print = print_line };
	int r = options_parse(cli, rows, &o, &argc, &argv);
	unsigned long long id = 0;
	json_t *reply;
	char *end = NULL;

	if (r != OPTIONS_GO)
		return r;
	of.n = o.n;
	if (argc > 1)
		return cmd_usage(cli, "unexpected argument '%s'", argv[1]);
	if (argc)
		id = strtoull(argv[0], &end, 10);
	if (argc && (!id || *end))
		return cmd_usage(cli, "'%s' is not the number of an alert", argv[0]);
	if (o.follow && !id)
		return follow_rows(cli, &of);
	r = client_call(cli, "alerts",
			json_pack("{s:I, s:I}", "n", (json_int_t)o.n, "id", (json_int_t)id),
			&reply);
	if (r)
		return r;
	if (cli->json) {
		r = json_out("alerts", json_incref(json_object_get(reply, "rows")));
		json_decref(reply);
		return r;
	}
	r = id ? print_one(cli, reply) : print_table(cli, reply);
	json_decref(reply);
	return r;
}

const struct cmd cmd_alerts = {
	.name = "alerts",
	.usage = "[-n ROWS] [--follow] | ID",
	.help = "what was reported, newest first",
	.more = "  -n, --rows N  how many, 20; the newest 1000 are kept\n"
		"  -f, --follow  the newest, then each one as it comes, until Ctrl-C; with --json one\n"
		"                EVE-style object a line\n"
		"\n"
		"Each policy, key and period is reported once; what repeats is counted. Numbers go on\n"
		"over restarts. 'curfew why ID' explains one.",
	.run = run,
};
