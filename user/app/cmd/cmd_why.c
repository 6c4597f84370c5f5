/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew why`: the reason for an alert or for what a pair meets, and what to do about it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/options.h"
#include "app/show/explain_print.h"
#include "app/show/show.h"

struct why_options {
	bool suggest;
	const char *service;
};
static const struct option_row rows[] = {
	OPTION(struct why_options, suggest, "suggest", 0, OPTION_FLAG),
	OPTION(struct why_options, service, "service", 0, OPTION_TEXT),
	{ 0 },
};

static void print_alert(const json_t *event)
{
	const json_t *o = json_object_get(event, "curfew");
	_cleanup_free_ char *when = NULL, *story = NULL;

	if (!event)
		return;
	when = show_time(json_get_text(event, "timestamp"));
	story = text_safe(json_get_text(o, "story") ?: "");
	printf("alert %" PRIu64 ", %s, %s:\n  %s [%s]\n", json_get_count(o, "id"),
	       json_get_text(o, "level") ?: "?", when, story, json_get_text(o, "verdict") ?: "-");
}

static void print_suggestion(const json_t *reply)
{
	const json_t *s = json_object_get(reply, "suggest");
	_cleanup_free_ char *policy = NULL;

	if (!s) {
		puts(json_object_get(reply, "other_services")
			     ? "\nit depends on the service, and none of their packets was dropped "
			       "lately: say which with --service"
			     : "\nno policy decides here, so there is nothing to except it from");
		return;
	}
	policy = text_safe(json_get_text(s, "policy") ?: "?");
	printf("\nto let this pass, add to policy \"%s\":\n\n%s\nthen: %s\n", policy,
	       json_get_text(s, "except") ?: "", json_get_text(s, "then") ?: "");
}

static void print_commands(const json_t *list)
{
	const json_t *c;
	size_t i;

	puts("\nnext:");
	json_array_foreach(list, i, c) printf("  %-52s # %s\n", json_get_text(c, "command") ?: "",
					      json_get_text(c, "does") ?: "");
}

static json_t *args_of(const struct cli *cli, const struct why_options *o, int argc, char **argv)
{
	char *end = NULL;
	unsigned long long id;

	if (argc == 2)
		return json_pack("{s:s, s:s, s:s*, s:b}", "source", argv[0], "destination", argv[1],
				 "service", o->service, "suggest", (int)o->suggest);
	if (argc != 1) {
		cmd_usage(cli, "wants the number of an alert, or a source and a destination");
		return NULL;
	}
	if (o->service) {
		cmd_usage(cli, "an alert has its own service: --service is for a source and a "
			       "destination");
		return NULL;
	}
	id = strtoull(argv[0], &end, 10);
	if (!id || *end) {
		cmd_usage(cli, "'%s' is not the number of an alert", argv[0]);
		return NULL;
	}
	return json_pack("{s:I, s:b}", "id", (json_int_t)id, "suggest", (int)o->suggest);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct why_options o = { 0 };
	int r = options_parse(cli, rows, &o, &argc, &argv);
	json_t *args, *reply;

	if (r != OPTIONS_GO)
		return r;
	args = args_of(cli, &o, argc, argv);
	if (!args)
		return EXIT_USAGE;
	r = client_call(cli, "why", args, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("why", reply);
	print_alert(json_object_get(reply, "alert"));
	/* an alert about a hook is about no pair */
	if (json_object_get(reply, "flow")) {
		if (json_object_get(reply, "alert"))
			puts("\nNow:");
		explain_print(cli, reply);
	}
	if (o.suggest)
		print_suggestion(reply);
	else
		print_commands(json_object_get(reply, "commands"));
	json_decref(reply);
	return EXIT_FINE;
}

const struct cmd cmd_why = {
	.name = "why",
	.usage = "ID | SOURCE DESTINATION [--service tcp/443] [--suggest]",
	.help = "why something was, or was not, stopped; and what to do",
	.more = "ID is the number of an alert. Shows policy, key, what is used of the quota, when it\n"
		"resets, the verdict now, and the commands to run next.\n"
		"\n"
		"      --suggest   prints the 'except' that would let it pass\n"
		"      --service S as for 'would'; if not given, that of their last dropped packet",
	.run = run,
};
