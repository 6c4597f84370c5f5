/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block, allow, blocks: rules made by hand. unblock is cmd_unblock.c. */
#include <errno.h>
#include <string.h>

#include "app/cmd/blocks.h"
#include "app/cmd/connection.h"
#include "app/cmd/options.h"
#include "app/show/show.h"
#include "base/units.h"

struct block_options {
	uint64_t seconds;
	uint64_t up_to;
	const char *reason;
	bool force;
};
static const struct option_row block_rows[] = {
	OPTION(struct block_options, seconds, "for", 0, OPTION_DURATION),
	OPTION(struct block_options, reason, "reason", 0, OPTION_TEXT),
	OPTION(struct block_options, force, "force", 0, OPTION_FLAG),
	{ 0 },
};
static const struct option_row allow_rows[] = {
	OPTION(struct block_options, seconds, "for", 0, OPTION_DURATION),
	OPTION(struct block_options, up_to, "up-to", 0, OPTION_SIZE),
	OPTION(struct block_options, reason, "reason", 0, OPTION_TEXT),
	{ 0 },
};

static const char *text_of(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));

	return s ? s : "";
}

/* alone: only TO was said. */
static void say(const json_t *reply, bool alone)
{
	const json_t *rule = json_object_get(reply, "rule");
	_cleanup_free_ char *when = show_time(json_get_text(rule, "until"));
	const char *until = *text_of(rule, "until") ? when : "";

	printf("%s %lld: from %s to %s%s%s\n",
	       json_is_true(json_object_get(rule, "allow")) ? "allow" : "block",
	       json_integer_value(json_object_get(rule, "id")), text_of(rule, "from"),
	       text_of(rule, "to"), *until ? ", until " : ", until 'curfew unblock'", until);
	if (json_is_true(json_object_get(reply, "observe")) &&
	    json_is_false(json_object_get(rule, "allow")))
		puts("the mode is observe: matching packets are counted, not dropped");
	if (*text_of(reply, "never_judged"))
		printf("it meets no packet: that destination is never judged (%s)%s%s%s\n",
		       text_of(reply, "never_judged"), alone ? "; to name a source: " : "",
		       alone ? text_of(rule, "to") : "", alone ? " any" : "");
	if (*text_of(reply, "not_by"))
		printf("only IPv4: what that host sends by IPv6 (%s) goes past it; its MAC names it in both: "
		       "mac 02:…\n",
		       text_of(reply, "not_by"));
}

static int make(struct cli *cli, const struct option_row *rows, int argc, char **argv)
{
	struct block_options o = { 0 };
	int r = options_parse(cli, rows, &o, &argc, &argv);
	json_t *args, *reply;

	if (r != OPTIONS_GO)
		return r;
	if (argc < 1 || argc > 2)
		return cmd_usage(cli, "says who and where to: [FROM] TO");
	args = json_pack("{s:s, s:s, s:I, s:I, s:s*}", "from", argc == 2 ? argv[0] : "any", "to",
			 argv[argc - 1], "for_seconds", (json_int_t)o.seconds, "up_to_bytes",
			 (json_int_t)o.up_to, "reason", o.reason);
	connection_add(args, o.force);
	r = client_call(cli, cli->cmd->name, args, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out(cli->cmd->name, reply);
	say(reply, argc == 1);
	json_decref(reply);
	return EXIT_FINE;
}

static int run_block(struct cli *cli, int argc, char **argv)
{
	return make(cli, block_rows, argc, argv);
}

static int run_allow(struct cli *cli, int argc, char **argv)
{
	return make(cli, allow_rows, argc, argv);
}

void blocks_table(struct table *t)
{
	static const struct table_column columns[] = { { "ID", true },     { "WHAT", false },
						       { "FROM", false },  { "TO", false },
						       { "UNTIL", false }, { "USED", false },
						       { "REASON", false } };

	table_init(t, columns, ARRAY_SIZE(columns));
}

void blocks_add_rule(struct table *t, const json_t *rule)
{
	uint64_t up_to = (uint64_t)json_integer_value(json_object_get(rule, "up_to_bytes"));
	uint64_t used = (uint64_t)json_integer_value(json_object_get(rule, "used_bytes"));
	bool allow = json_is_true(json_object_get(rule, "allow"));
	_cleanup_free_ char *until = show_time(json_get_text(rule, "until"));
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	table_add(t, "%lld", json_integer_value(json_object_get(rule, "id")));
	table_add_styled(t, allow ? STYLE_GOOD : STYLE_BAD, allow ? "allow" : "block");
	table_add(t, "%s", text_of(rule, "from"));
	table_add(t, "%s", text_of(rule, "to"));
	table_add(t, "%s", until);
	if (up_to)
		table_add(t, "%s of %s", size_format(used, a), size_format(up_to, b));
	else
		table_add(t, "-");
	table_add(t, "%s", text_of(rule, "reason"));
}

void blocks_add_hold(struct table *t, const json_t *hold)
{
	bool quarantine = json_is_true(json_object_get(hold, "quarantine"));
	uint64_t dropped = (uint64_t)json_integer_value(json_object_get(hold, "dropped_bytes"));
	_cleanup_free_ char *until = show_time(json_get_text(hold, "until"));
	char text[UNITS_TEXT_MAX];

	table_add(t, "%s", text_of(hold, "key"));
	table_add_styled(t, STYLE_BAD, quarantine ? "quarantine" : "hold");
	table_add(t, "%s", text_of(hold, "of"));
	table_add(t, "%s", quarantine ? "any" : "-");
	table_add(t, "%s", until);
	table_add(t, "%s dropped", size_format(dropped, text));
	table_add(t, "policy \"%s\"", text_of(hold, "policy"));
}

static int run_blocks(struct cli *cli, int argc, char **argv)
{
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	_cleanup_table_ struct table t;
	json_t *reply, *rule;
	size_t i;

	blocks_table(&t);
	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	r = client_call(cli, "blocks", NULL, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("blocks", reply);
	json_array_foreach(json_object_get(reply, "rules"), i, rule) blocks_add_rule(&t, rule);
	json_array_foreach(json_object_get(reply, "holds"), i, rule) blocks_add_hold(&t, rule);
	if (table_rows(&t))
		table_print(&t, stdout, cli->colour);
	else
		puts("nothing is blocked or allowed by hand, nothing is held");
	json_decref(reply);
	return EXIT_FINE;
}

#define EXPRESSIONS                                                                                  \
	"FROM and TO are written as in a policy: an address, a prefix, the name of a set, inside,\n" \
	"gateway, any; and for TO \"country CN\", AS64500, \"any except near\". Without FROM: any."

const struct cmd cmd_block = {
	.name = "block",
	.usage = "[--for 2h] [--reason TEXT] [--force] [FROM] TO",
	.help = "stop traffic by hand, now",
	.more = EXPRESSIONS
	"\n"
	"\n"
	"  --for 2h       ends by itself, in the kernel; without: until 'curfew unblock'\n"
	"  --reason TEXT  shown by 'curfew blocks' and 'curfew why'\n"
	"  --force        also if it cuts your own connection\n"
	"\n"
	"Only a protect of the configuration is stronger. In observe mode nothing is dropped.",
	.run = run_block,
};
const struct cmd cmd_allow = {
	.name = "allow",
	.usage = "[--for 2h] [--up-to 5GB] [--reason TEXT] [FROM] TO",
	.help = "let traffic pass by hand, uncharged",
	.more = EXPRESSIONS
	"\n"
	"\n"
	"  --for 2h       ends by itself, in the kernel; without: until 'curfew unblock'\n"
	"  --up-to 5GB    ends when so many payload bytes have passed, in the kernel: the first\n"
	"                 packet that does not fit ends it\n"
	"  --reason TEXT  shown by 'curfew blocks' and 'curfew why'\n"
	"\n"
	"A block by hand and a quarantine are stronger; 'curfew unblock' lifts them. What no policy\n"
	"is about now passes anyway, and does not count for --up-to.",
	.run = run_allow,
};
const struct cmd cmd_blocks = {
	.name = "blocks",
	.usage = "",
	.help = "list the rules made by hand, what policies drop for a time, and quarantines",
	.more = "USED is what an 'allow --up-to' has let pass, or what a 'drop for' or a quarantine has\n"
		"dropped; of other rules it is not kept. One with no UNTIL lasts until 'curfew unblock'.",
	.run = run_blocks,
};
