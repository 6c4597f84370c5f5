/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew quotas`: the state of each key, and giving one back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/cmd/options.h"
#include "app/pinned.h"
#include "app/show/quota_view.h"
#include "app/show/show.h"
#include "base/units.h"

struct quotas_options {
	bool all;
	uint64_t n;
};
static const struct option_row rows[] = {
	OPTION(struct quotas_options, all, "all", 'a', OPTION_FLAG),
	OPTION(struct quotas_options, n, "rows", 'n', OPTION_NUMBER),
	{ 0 },
};

static const struct table_column columns[] = {
	{ "KEY", false },   { "POLICY", false }, { "QUOTA", false }, { "OF", false },
	{ "WHERE", false }, { "USED", true },    { "LIMIT", true },  { "%", true },
	{ "STATE", false }, { "REFUSED", true }, { "UNTIL", false },
};

/* Only what the key itself does not say already. */
static void add_where(struct table *t, const json_t *row)
{
	_cleanup_buf_ struct buf b = { 0 };
	const char *city = json_get_text(row, "city"), *cc = json_get_text(row, "country");
	const char *name = json_get_text(row, "as_name"), *key = json_get_text(row, "key_text");

	if (city)
		buf_puts(&b, city);
	if (cc && strcmp(cc, key ? key : ""))
		buf_printf(&b, "%s%s", b.n ? ", " : "", cc);
	if (json_get_count(row, "asn") && key && strncmp(key, "AS", 2))
		buf_printf(&b, "%sAS%" PRIu64 "%s%.24s", b.n ? ", " : "",
			   json_get_count(row, "asn"), name ? " " : "", name ? name : "");
	/* a network that stands for what it has of no AS */
	if (!json_object_get(row, "country") && json_is_null(json_object_get(row, "asn")))
		buf_puts(&b, "no known AS");
	show_text(t, buf_text(&b));
}

static void add_state(struct table *t, const json_t *row)
{
	bool observes = json_is_true(json_object_get(row, "observes"));

	if (!json_is_true(json_object_get(row, "present")))
		table_add_styled(t, STYLE_DIM, "over");
	else if (json_is_null(json_object_get(row, "drop_bytes")))
		table_add(t, "reports");
	else if (!json_is_true(json_object_get(row, "used_up")))
		table_add_styled(t, STYLE_GOOD, "open");
	else if (observes)
		table_add_styled(t, STYLE_WARN, "would block");
	else
		table_add_styled(t, STYLE_BAD, "blocked");
}

static void add(struct table *t, const json_t *row)
{
	_cleanup_free_ char *until = show_time(json_get_text(row, "period_ends"));
	const json_t *limit = json_object_get(row, "limit_bytes");
	uint64_t refused = json_get_count(row, "attempted_bytes");
	char text[UNITS_TEXT_MAX];

	show_text(t, json_get_text(row, "key"));
	show_text(t, json_get_text(row, "policy"));
	show_text(t, json_get_text(row, "quota"));
	show_text(t, json_get_text(row, "key_text"));
	add_where(t, row);
	show_size(t, json_object_get(row, "used_bytes"));
	if (json_is_integer(limit))
		table_add(t, "%s", size_format_exact((uint64_t)json_integer_value(limit), text));
	else
		table_add(t, "-");
	if (json_is_integer(json_object_get(row, "percent")))
		table_add(t, "%" PRIu64, json_get_count(row, "percent"));
	else
		table_add(t, "-");
	add_state(t, row);
	table_add(t, "%s", refused ? size_format(refused, text) : "-");
	table_add(t, "%s", until);
}

static int print(const struct cli *cli, const json_t *reply)
{
	_cleanup_table_ struct table t = { 0 };
	const json_t *list = json_object_get(reply, "rows"), *row;
	uint64_t keys = json_get_count(reply, "keys"), in_use = json_get_count(reply, "in_use");
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(list, i, row) add(&t, row);
	if (table_rows(&t))
		table_print(&t, stdout, cli->colour);
	else
		puts("no quota is in use now");
	if (in_use > table_rows(&t))
		printf("\n%zu of %" PRIu64 " keys; -n shows more\n", table_rows(&t), in_use);
	else if (keys > table_rows(&t))
		printf("\nunused, or of periods that are over: %" PRIu64
		       " more; --all shows them\n",
		       keys - table_rows(&t));
	return EXIT_FINE;
}

/* ---- with the daemon dead: what the kernel itself knows ----------------------- */

static const struct table_column bare_columns[] = {
	{ "KEY", false },
	{ "POLICY", false },
	{ "OF", false },
	{ "USED", true },
	{ "LATCHED", false },
	{ "REFUSED", true },
	{ "PERIOD BEGAN (UTC)", false },
};

static void add_bare(struct table *t, const json_t *row)
{
	_cleanup_free_ char *began = show_time(json_get_text(row, "period_began"));

	show_text(t, json_get_text(row, "key"));
	show_text(t, json_get_text(row, "policy"));
	show_text(t, json_get_text(row, "key_text"));
	show_size(t, json_object_get(row, "used_bytes"));
	if (json_is_true(json_object_get(row, "latched")))
		table_add_styled(t, STYLE_BAD, "yes");
	else
		table_add(t, "no");
	show_size(t, json_object_get(row, "attempted_bytes"));
	table_add(t, "%s", began);
}

static json_t *read_bare(struct datapath *dp)
{
	_cleanup_quota_entries_ struct quota_entries l = { 0 };
	struct utc now = { time(NULL) };
	json_t *list;

	if (quota_entries_read(dp, NULL, now, &l) < 0)
		return NULL;
	quota_entries_sort(&l);
	list = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(list, quota_entry_json(&l.v[i], NULL, NULL, NULL, NULL));
	return list;
}

static int without_daemon(const struct cli *cli)
{
	_cleanup_table_ struct table t = { 0 };
	struct datapath *dp;
	json_t *list, *row;
	size_t i;
	int r = pinned_open(cli, &dp);

	if (r)
		return r;
	list = read_bare(dp);
	datapath_close(dp);
	if (!list) {
		cmd_error("cannot read the pinned quotas");
		return EXIT_DEGRADED;
	}
	cmd_error("the daemon is not running; this is what the kernel knows and enforces");
	if (cli->json) {
		json_out("quotas", json_pack("{s:o, s:b}", "rows", list, "daemon", 0));
		return EXIT_NOT_RUNNING;
	}
	table_init(&t, bare_columns, ARRAY_SIZE(bare_columns));
	json_array_foreach(list, i, row) add_bare(&t, row);
	table_print(&t, stdout, cli->colour);
	json_decref(list);
	return EXIT_NOT_RUNNING;
}

/* ---- giving one back ------------------------------------------------------------- */

static int reset(struct cli *cli, const char *key)
{
	json_t *reply;
	const json_t *row;
	char text[UNITS_TEXT_MAX];
	int r = client_call(cli, "quota-reset", json_pack("{s:s}", "key", key), &reply);

	if (r)
		return r;
	if (cli->json)
		return json_out("quotas", reply);
	row = json_object_get(reply, "reset");
	printf("reset: %s of \"%s\" (%s); %s were used\n", json_get_text(row, "key_text") ?: key,
	       json_get_text(row, "policy") ?: "?", json_get_text(row, "quota") ?: "?",
	       size_format(json_get_count(row, "used_bytes"), text));
	json_decref(reply);
	return EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct quotas_options o = { 0 };
	int r = options_parse(cli, rows, &o, &argc, &argv);
	json_t *reply;

	if (r != OPTIONS_GO)
		return r;
	if (argc == 2 && !strcmp(argv[0], "reset"))
		return reset(cli, argv[1]);
	if (argc)
		return cmd_usage(cli, !strcmp(argv[0], "reset") ? "reset wants one key"
								: "unexpected argument");
	r = client_try(cli, "quotas",
		       json_pack("{s:b, s:I}", "all", (int)o.all, "n", (json_int_t)o.n), &reply);
	if (r < 0)
		return without_daemon(cli);
	if (r)
		return r;
	if (cli->json)
		return json_out("quotas", reply);
	r = print(cli, reply);
	json_decref(reply);
	return r;
}

const struct cmd cmd_quotas = {
	.name = "quotas",
	.usage = "[--all] [-n ROWS] | reset KEY",
	.help = "how much of each quota is used; give one back",
	.more = "  -a, --all     also unused keys, and those of periods that are over\n"
		"  -n, --rows N  how many, 50\n"
		"  reset KEY     forgets what a key has used: it starts anew, at once. KEY is the eight\n"
		"                digits of the table, or what stands under OF if that is unique\n"
		"\n"
		"A key is blocked from the first packet that did not fit until its period ends, small\n"
		"packets too; one that only reports stops nothing. REFUSED is what was tried since. With\n"
		"the daemon dead the kernel's own entries are shown (exit code 3).",
	.run = run,
};
