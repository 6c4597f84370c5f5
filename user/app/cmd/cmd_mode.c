/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew mode`: what is done with what policies say, and changing it by hand. */
#include <string.h>

#include "app/cmd/connection.h"
#include "app/cmd/options.h"
#include "app/show/json_util.h"

struct mode_options {
	bool force;
};
static const struct option_row mode_rows[] = {
	OPTION(struct mode_options, force, "force", 0, OPTION_FLAG),
	{ 0 },
};

static void say(const json_t *reply)
{
	const char *file = json_get_text(reply, "mode_of_file");

	fputs(json_get_text(reply, "warnings") ?: "", stderr);
	printf("mode %s", json_get_text(reply, "mode") ?: "?");
	if (file)
		printf(", by hand until the next reload; the file says %s", file);
	putchar('\n');
}

static int show(const struct cli *cli)
{
	json_t *status;
	int r = client_call(cli, "status", NULL, &status);

	if (r)
		return r;
	if (cli->json)
		r = json_out("mode",
			     json_pack("{s:O, s:O}", "mode", json_object_get(status, "mode"),
				       "mode_of_file", json_object_get(status, "mode_of_file")));
	else
		say(status);
	json_decref(status);
	return r;
}

static int run_mode(struct cli *cli, int argc, char **argv)
{
	struct mode_options o = { 0 };
	int r = options_parse(cli, mode_rows, &o, &argc, &argv);
	json_t *args, *reply;

	if (r != OPTIONS_GO)
		return r;
	if (!argc)
		return show(cli);
	if (argc > 1 || (strcmp(argv[0], "observe") && strcmp(argv[0], "enforce")))
		return cmd_usage(cli, "a mode is observe or enforce");
	args = json_pack("{s:s}", "mode", argv[0]);
	connection_add(args, o.force);
	r = client_call(cli, "mode", args, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("mode", reply);
	say(reply);
	json_decref(reply);
	return EXIT_FINE;
}

const struct cmd cmd_mode = {
	.name = "mode",
	.usage = "[observe|enforce] [--force]",
	.help = "show or change whether policies are enforced",
	.more = "The file says which mode it is; a change by hand is for until it is read again, by 'curfew\n"
		"reload' or by a daemon that starts. Counters stay. Keys that have used up their quota\n"
		"are named before they are cut. What would cut your own connection to this machine is\n"
		"refused. In an emergency, and with the daemon dead: curfew off.\n"
		"\n"
		"  --force  also if it cuts your own connection",
	.run = run_mode,
};
