/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew reload` and `curfew confirm`. */
#include <string.h>

#include "app/cmd/connection.h"
#include "app/cmd/options.h"
#include "base/buf.h"
#include "base/units.h"

struct reload_options {
	uint64_t confirm;
	bool force;
};
static const struct option_row reload_rows[] = {
	OPTION(struct reload_options, confirm, "confirm", 0, OPTION_DURATION),
	OPTION(struct reload_options, force, "force", 0, OPTION_FLAG),
	{ 0 },
};

static void say(const json_t *reply, uint64_t confirm)
{
	const char *warnings = json_string_value(json_object_get(reply, "warnings"));
	char text[UNITS_TEXT_MAX];

	fputs(warnings ? warnings : "", stderr);
	printf("generation %lld is in force, mode %s\n",
	       json_integer_value(json_object_get(reply, "generation")),
	       json_string_value(json_object_get(reply, "mode")));
	if (confirm)
		printf("unconfirmed, the old configuration returns in %s: curfew confirm\n",
		       duration_format(confirm, text));
}

static int run_reload(struct cli *cli, int argc, char **argv)
{
	struct reload_options o = { 0 };
	int r = options_parse(cli, reload_rows, &o, &argc, &argv);
	json_t *args, *reply;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'; the daemon reads its own file",
				 argv[0]);
	args = json_pack("{s:I}", "confirm_seconds", (json_int_t)o.confirm);
	connection_add(args, o.force);
	r = client_call(cli, "reload", args, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("reload", reply);
	say(reply, o.confirm);
	json_decref(reply);
	return EXIT_FINE;
}

static int run_confirm(struct cli *cli, int argc, char **argv)
{
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	json_t *reply;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	r = client_call(cli, "confirm", NULL, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("confirm", reply);
	printf("generation %lld is confirmed\n",
	       json_integer_value(json_object_get(reply, "generation")));
	json_decref(reply);
	return EXIT_FINE;
}

const struct cmd cmd_reload = {
	.name = "reload",
	.usage = "[--confirm 60s] [--force]",
	.help = "put the changed configuration in force, at once or not at all",
	.more = "The daemon reads its file anew. If anything is wrong with it, the policy in force stays,\n"
		"and what is wrong is said here. A configuration that would cut your own connection to this\n"
		"machine is refused.\n"
		"\n"
		"  --confirm 60s  the old configuration returns in 60 seconds unless 'curfew confirm' says\n"
		"                 that you are still there. If the daemon dies meanwhile, the kernel turns the\n"
		"                 new one to observe by itself. An alert and 'curfew status' say that it returned\n"
		"  --force        also if it cuts your own connection\n"
		"\n"
		"With --json, took_ms says how long each part took, in milliseconds: reading, databases,\n"
		"compiling, loading programs, filling tables, the switch from the first\n"
		"hook to the last, and the wait for packets under the old programs.",
	.run = run_reload,
};

const struct cmd cmd_confirm = {
	.name = "confirm",
	.usage = "",
	.help = "keep what 'reload --confirm' has put in force",
	.run = run_confirm,
};
