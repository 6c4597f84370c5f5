/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew drops`: samples of dropped packets, newest first, or as they come. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/options.h"
#include "app/show/show.h"
#include "base/units.h"

struct drops_options {
	uint64_t n;
	bool follow;
};
static const struct option_row rows[] = {
	OPTION(struct drops_options, n, "rows", 'n', OPTION_NUMBER),
	OPTION(struct drops_options, follow, "follow", 'f', OPTION_FLAG),
	{ 0 },
};

static const struct table_column columns[] = {
	{ "TIME", false },
	{ "SOURCE", false },
	{ "PORT", TABLE_OPTIONAL | TABLE_RIGHT },
	{ "DESTINATION", false },
	{ "CC", TABLE_OPTIONAL },
	{ "SERVICE", false },
	{ "BYTES", TABLE_RIGHT },
	{ "REASON", false },
	{ "POLICY", TABLE_OPTIONAL },
	{ "PACKETS", TABLE_RIGHT },
};

static void add(struct table *t, const json_t *o)
{
	_cleanup_free_ char *when = show_time(json_get_text(o, "at"));
	const char *source = json_get_text(o, "source");
	uint64_t port = json_get_count(o, "source_port");

	table_add(t, "%s", when);
	/* a frame that could not be understood is known by its sender's MAC at best */
	show_text(t, source ? source : json_get_text(o, "source_mac"));
	if (port)
		table_add(t, "%" PRIu64, port);
	else
		show_text(t, NULL);
	show_text(t, json_get_text(o, "destination"));
	show_text(t, json_get_text(o, "country"));
	show_text(t, json_get_text(o, "service"));
	show_count(t, json_get_count(o, "packet_bytes"));
	show_text(t, json_get_text(o, "reason"));
	show_text(t, json_get_text(o, "policy"));
	show_count(t, json_get_count(o, "packets"));
}

static void print_counts(const json_t *reply)
{
	uint64_t limited = json_get_count(reply, "limited"), lost = json_get_count(reply, "lost");

	if (limited)
		printf("\n%" PRIu64 " more packets were dropped: one a second is shown of each "
		       "pair and reason\n",
		       limited);
	if (lost)
		printf("%s%" PRIu64 " samples were lost: there were too many at once\n",
		       limited ? "" : "\n", lost);
}

static void print_table(const struct cli *cli, const json_t *reply)
{
	_cleanup_table_ struct table t = { 0 };
	const json_t *o;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(json_object_get(reply, "rows"), i, o) add(&t, o);
	if (table_rows(&t))
		table_print(&t, stdout, cli->colour);
	else
		puts("nothing was dropped since the daemon started");
	print_counts(reply);
}

/* ---- following -------------------------------------------------------------------- */

static void print_line(const struct cli *cli _unused_, const json_t *o)
{
	_cleanup_free_ char *when = show_time(json_get_text(o, "at"));
	_cleanup_free_ char *policy = text_safe(json_get_text(o, "policy") ?: "");
	const char *source = json_get_text(o, "source");

	printf("%s  %s:%" PRIu64 " -> %s %s, %" PRIu64 " bytes, %s%s%s%s", when,
	       source ? source : json_get_text(o, "source_mac") ?: "-",
	       json_get_count(o, "source_port"), json_get_text(o, "destination") ?: "-",
	       json_get_text(o, "service") ?: "-", json_get_count(o, "packet_bytes"),
	       json_get_text(o, "reason") ?: "-", *policy ? " by \"" : "", policy,
	       *policy ? "\"" : "");
	if (json_get_count(o, "packets") > 1)
		printf(", %" PRIu64 " packets", json_get_count(o, "packets"));
	putchar('\n');
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct drops_options o = { .n = 20 };
	struct follow_rows of = { .verb = "drops", .print = print_line };
	int r = options_parse(cli, rows, &o, &argc, &argv);
	json_t *reply;

	if (r != OPTIONS_GO)
		return r;
	of.n = o.n;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	if (o.follow)
		return follow_rows(cli, &of);
	r = client_call(cli, "drops", json_pack("{s:I}", "n", (json_int_t)o.n), &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("drops", reply);
	print_table(cli, reply);
	json_decref(reply);
	return EXIT_FINE;
}

const struct cmd cmd_drops = {
	.name = "drops",
	.usage = "[-n ROWS] [--follow]",
	.help = "samples of dropped packets, newest first",
	.more = "  -n, --rows N  how many, 20; the newest 1024 are kept, until the daemon ends\n"
		"  -f, --follow  the newest, then each one as it comes, until Ctrl-C\n"
		"\n"
		"One packet a second of each source, destination and reason; PACKETS is how many were\n"
		"dropped since the sample before, this one too. All of them are counted: 'curfew flows\n"
		"--by reason'. 'curfew why SOURCE DESTINATION' explains.",
	.run = run,
};
