/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew flows`: the ledger as a table. */
#include <string.h>

#include "app/cmd/options.h"
#include "app/show/show.h"
#include "base/units.h"

struct flows_options {
	const char *by, *sort, *source, *destination, *since, *until;
	uint64_t n, every;
	bool follow, more;
};
static const struct option_row rows[] = {
	OPTION(struct flows_options, by, "by", 'b', OPTION_TEXT),
	OPTION(struct flows_options, sort, "sort", 's', OPTION_TEXT),
	OPTION(struct flows_options, n, "rows", 'n', OPTION_NUMBER),
	OPTION(struct flows_options, source, "source", 0, OPTION_TEXT),
	OPTION(struct flows_options, destination, "destination", 0, OPTION_TEXT),
	OPTION(struct flows_options, since, "since", 0, OPTION_TEXT),
	OPTION(struct flows_options, until, "until", 0, OPTION_TEXT),
	OPTION(struct flows_options, follow, "follow", 'f', OPTION_FLAG),
	OPTION(struct flows_options, every, "every", 0, OPTION_DURATION),
	{ 0 },
};

/* ---- tables: what identifies a row, then the same columns for all ------------- */

#define SUMS                                                                                       \
	{ "BYTES", true }, { "PAYLOAD", true }, { "DROPPED", true }, { "PACKETS", true },          \
		{ "RATE", true }, { "LAST", false },                                               \
	{                                                                                          \
		"VERDICT", false                                                                   \
	}

static const struct table_column by_pair[] = {
	{ "SOURCE", false }, { "DESTINATION", false }, SHOW_PLACE_COLUMNS, SUMS
};
static const struct table_column by_source[] = { { "SOURCE", false },
						 { "DESTINATIONS", true },
						 SUMS };
static const struct table_column by_destination[] = {
	{ "DESTINATION", false }, SHOW_PLACE_COLUMNS, { "SOURCES", true }, SUMS
};
static const struct table_column by_country[] = {
	{ "COUNTRY", false }, { "SOURCES", true }, { "DESTINATIONS", true }, SUMS
};
static const struct table_column by_asn[] = {
	{ "AS", false }, { "SOURCES", true }, { "DESTINATIONS", true }, SUMS
};
static const struct table_column by_policy[] = {
	{ "POLICY", false }, { "SOURCES", true }, { "DESTINATIONS", true }, SUMS
};
static const struct table_column by_label[] = {
	{ "LABEL", true }, { "SOURCES", true }, { "DESTINATIONS", true }, SUMS
};
static const struct table_column by_reason[] = { { "HOOK", false },   { "REASON", false },
						 { "PACKETS", true }, { "BYTES", true },
						 { "PAYLOAD", true }, { "MEANS", false } };
static const struct table_column by_note[] = { { "HOOK", false },
					       { "NOTE", false },
					       { "PACKETS", true },
					       { "BYTES", true },
					       { "MEANS", false } };

static void hosts(struct table *t, const json_t *row)
{
	show_count(t, json_get_count(row, "sources"));
	show_count(t, json_get_count(row, "destinations"));
}

static void cells_pair(struct table *t, const json_t *row)
{
	show_text(t, json_get_text(row, "source"));
	show_text(t, json_get_text(row, "destination"));
	show_place(t, row);
}

static void cells_source(struct table *t, const json_t *row)
{
	show_text(t, json_get_text(row, "source"));
	show_count(t, json_get_count(row, "destinations"));
}

static void cells_destination(struct table *t, const json_t *row)
{
	show_text(t, json_get_text(row, "destination"));
	show_place(t, row);
	show_count(t, json_get_count(row, "sources"));
}

static void cells_country(struct table *t, const json_t *row)
{
	const char *cc = json_get_text(row, "country");

	table_add(t, "%s", cc ? cc : "unknown");
	hosts(t, row);
}

static void cells_asn(struct table *t, const json_t *row)
{
	if (json_get_count(row, "asn"))
		show_as(t, row);
	else
		table_add(t, "unknown");
	hosts(t, row);
}

/* A policy's row has more in it than the policy is about. */
static bool is_wider(const json_t *row)
{
	return json_array_size(json_object_get(row, "not_told_apart"));
}

static void cells_policy(struct table *t, const json_t *row)
{
	const char *name = json_get_text(row, "policy");

	_cleanup_free_ char *marked = xprintf("%s *", name ? name : "");

	show_text(t, !name ? "(no policy is about these)" : is_wider(row) ? marked : name);
	hosts(t, row);
}

static void cells_label(struct table *t, const json_t *row)
{
	show_count(t, json_get_count(row, "label"));
	hosts(t, row);
}

static void cells_reason(struct table *t, const json_t *row)
{
	const char *group = json_get_text(row, "group");
	bool drop = group && !strcmp(group, "drop");

	show_text(t, json_get_text(row, "hook"));
	table_add_styled(t, drop ? STYLE_BAD : STYLE_PLAIN, "%s", json_get_text(row, "reason"));
	show_count(t, json_get_count(row, "packets"));
	show_size(t, json_object_get(row, "wire_bytes"));
	show_size(t, json_object_get(row, "payload_bytes"));
	show_text(t, json_get_text(row, "text"));
}

static void cells_note(struct table *t, const json_t *row)
{
	show_text(t, json_get_text(row, "hook"));
	show_text(t, json_get_text(row, "note"));
	show_count(t, json_get_count(row, "packets"));
	show_size(t, json_object_get(row, "wire_bytes"));
	show_text(t, json_get_text(row, "text"));
}

static const struct view {
	const char *by;
	const struct table_column *columns;
	size_t n;
	void (*cells)(struct table *t, const json_t *row);
	bool no_sums;
} views[] = {
	{ "pair", by_pair, ARRAY_SIZE(by_pair), cells_pair },
	{ "source", by_source, ARRAY_SIZE(by_source), cells_source },
	{ "destination", by_destination, ARRAY_SIZE(by_destination), cells_destination },
	{ "country", by_country, ARRAY_SIZE(by_country), cells_country },
	{ "asn", by_asn, ARRAY_SIZE(by_asn), cells_asn },
	{ "policy", by_policy, ARRAY_SIZE(by_policy), cells_policy },
	{ "label", by_label, ARRAY_SIZE(by_label), cells_label },
	{ "reason", by_reason, ARRAY_SIZE(by_reason), cells_reason, .no_sums = true },
	{ "note", by_note, ARRAY_SIZE(by_note), cells_note, .no_sums = true },
};

static void add_sums(struct table *t, const json_t *row)
{
	_cleanup_free_ char *last = show_time(json_get_text(row, "last_seen"));
	uint64_t dropped = json_get_count(row, "dropped_wire_bytes");
	char text[UNITS_TEXT_MAX];

	show_size(t, json_object_get(row, "wire_bytes"));
	show_size(t, json_object_get(row, "payload_bytes"));
	if (dropped)
		table_add_styled(t, STYLE_BAD, "%s", size_format(dropped, text));
	else
		table_add(t, "-");
	show_count(t, json_get_count(row, "packets"));
	show_rate(t, json_object_get(row, "rate_10s"));
	table_add(t, "%s", last);
	show_verdict(t, json_get_text(row, "verdict"));
}

static void print_wider(const json_t *reply)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		if (!is_wider(row))
			continue;
		puts("\n* it also asks for a service, a MAC, an interface, a VLAN or who began: its row "
		     "has all\n  that went between its sources and destinations, also what it is not "
		     "about");
		return;
	}
}

static void print_foot(const json_t *reply, size_t shown, bool filtered)
{
	_cleanup_free_ char *since = show_time(json_get_text(reply, "since"));
	_cleanup_free_ char *now = show_time(json_get_text(reply, "now"));
	const json_t *total = json_object_get(reply, "total");
	uint64_t dropped = json_get_count(total, "dropped_wire_bytes");
	uint64_t overflow = json_get_count(json_object_get(reply, "overflow"), "wire_bytes");
	uint64_t groups = json_get_count(reply, "groups");
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	printf("\n%s%s offered, %s of it dropped, since %s (now %s)\n",
	       filtered ? "of all pairs: " : "",
	       size_format(json_get_count(total, "wire_bytes"), a), size_format(dropped, b), since,
	       now);
	if (groups > shown)
		printf("%zu of %llu rows; -n shows more\n", shown, (unsigned long long)groups);
	if (overflow)
		printf("%s more found the pair table full and is counted by class only\n",
		       size_format(overflow, a));
}

static int print(const struct cli *cli, const json_t *reply, bool filtered)
{
	_cleanup_table_ struct table t = { 0 };
	const char *by = json_get_text(reply, "by");
	const json_t *list = json_object_get(reply, "rows"), *row;
	const struct view *v = NULL;
	size_t i;

	for (i = 0; by && i < ARRAY_SIZE(views); i++)
		if (!strcmp(views[i].by, by))
			v = &views[i];
	if (!v) {
		cmd_error("the daemon answers what this command does not understand");
		return EXIT_DEGRADED;
	}
	table_init(&t, v->columns, v->n);
	json_array_foreach(list, i, row)
	{
		v->cells(&t, row);
		if (!v->no_sums)
			add_sums(&t, row);
	}
	if (table_rows(&t))
		table_print(&t, stdout, cli->colour);
	else
		puts(filtered ? "nothing of these yet" : "nothing yet");
	print_wider(reply);
	print_foot(reply, table_rows(&t), filtered);
	return EXIT_FINE;
}

/* ---- asking -------------------------------------------------------------------- */

static json_t *args_of(const struct flows_options *o)
{
	return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "by", o->by, "sort", o->sort,
			 "source", o->source, "destination", o->destination, "since", o->since,
			 "until", o->until, "n", (json_int_t)o->n);
}

static int once(struct cli *cli, void *arg)
{
	const struct flows_options *o = arg;
	json_t *reply;
	int r = client_call(cli, "flows", args_of(o), &reply);

	if (r)
		return r;
	if (cli->json)
		return o->follow ? json_line("flows", reply) : json_out("flows", reply);
	r = print(cli, reply, o->source || o->destination);
	if (o->more)
		putchar('\n');
	json_decref(reply);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct flows_options o = { .n = 20, .by = "pair" };
	int r = options_parse(cli, rows, &o, &argc, &argv);

	if (r != OPTIONS_GO)
		return r;
	if (argc > 1 || (argc && !o.follow))
		return cmd_usage(cli, "unexpected argument '%s'", argv[argc - 1]);
	if (argc && duration_parse(argv[0], &o.every) < 0) {
		char *end;

		o.every = strtoull(argv[0], &end, 10);
		if (*end || !o.every)
			return cmd_usage(cli, "'%s' is not a time such as 2 or 2s", argv[0]);
	}
	if (!o.follow)
		return once(cli, &o);
	o.more = !isatty(STDOUT_FILENO);
	return follow(cli, o.every ? o.every : 2, true, once, &o);
}

const struct cmd cmd_flows = {
	.name = "flows",
	.usage =
		"[--by KEY] [-n ROWS] [--sort COLUMN] [--source A] [--destination A] [--follow [SECONDS]]",
	.help = "the ledger as a table: who sent what where",
	.more = "  -b, --by KEY         pair (default), source, destination, country, asn, policy, label,\n"
		"                       reason (why packets left a hook), note (fragments, tunnels,\n"
		"                       overflow: what else was counted about them)\n"
		"  -n, --rows N         how many rows, 20; 0: all\n"
		"  -s, --sort COLUMN    wire (default), payload, dropped, packets, rate, last\n"
		"      --source A       only what this address sent\n"
		"      --destination A  only what went there; in IPv6, to its /64\n"
		"  -f, --follow [SEC]   again every 2 seconds, until Ctrl-C\n"
		"      --since T        refused, unless T is before the ledger began: it has totals, and\n"
		"      --until T        not yet when each byte was sent\n"
		"\n"
		"BYTES are wire bytes that were offered, those dropped included; PAYLOAD is what quotas\n"
		"usually count; RATE is that of the last 10 seconds. A pair that two policies are about\n"
		"stands in both rows of --by policy. Of a pair neither services nor MACs are kept: a policy\n"
		"that asks for these, marked *, has all that went between its sources and destinations in\n"
		"its row; --by reason and 'curfew quotas' have what it did. Totals outlive the daemon: they\n"
		"begin when the kernel's tables were made.",
	.run = run,
};
