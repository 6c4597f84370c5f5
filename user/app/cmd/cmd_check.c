/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew check`: everything that `run` does with a configuration, short of the kernel. */
#include <string.h>
#include <time.h>

#include "app/cmd/options.h"
#include "app/running.h"
#include "base/buf.h"

struct check_options {
	bool syntax;
};
static const struct option_row check_rows[] = {
	OPTION(struct check_options, syntax, "syntax", 0, OPTION_FLAG),
	{ 0 },
};

static int compile(struct running *run, struct diag_list *diags)
{
	_cleanup_machine_ struct machine machine = { 0 };
	_cleanup_image_ struct image *image = NULL;
	struct manual_rules manual = { 0 };
	struct net_state net = { 0 };
	struct utc now = { time(NULL) };
	char *error = NULL;
	int r;

	/* Addresses and routes only help: a policy is checked on other machines too. */
	if (net_state_read(&net) == 0) {
		machine_build(&net, run->set, &machine);
		running_check_here(run, &net, now, diags);
	}
	net_state_done(&net);
	r = running_compile(run, &machine, NULL, now, &image, &manual, diags, &error);
	if (r == 0)
		image_warn_room(image, diags);
	free(error);
	manual_rules_done(&manual);
	return r;
}

static int check(const char *path, bool syntax, struct diag_list *diags)
{
	_cleanup_running_ struct running run = { 0 };
	int r = running_read(path, &run, diags);

	if (r < 0 || syntax)
		return r;
	run.warn = true;
	r = running_load_geo(&run, diags);
	return r < 0 ? r : compile(&run, diags);
}

static int print_json(const struct diag_list *diags)
{
	json_t *list = json_array();
	size_t errors = diag_errors(diags), warnings = diag_count(diags, DIAG_WARNING);

	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *d = &diags->v[i];

		json_array_append_new(list, json_pack("{s:s, s:s?, s:I, s:I, s:s, s:s?}", "level",
						      diag_level_name(d->level), "file", d->file,
						      "line", (json_int_t)d->pos.line, "column",
						      (json_int_t)d->pos.col, "message", d->message,
						      "help", d->help));
	}
	return json_out("check", json_pack("{s:b, s:I, s:I, s:o}", "good", !errors, "errors",
					   (json_int_t)errors, "warnings", (json_int_t)warnings,
					   "diagnostics", list));
}

static int run(struct cli *cli, int argc, char **argv)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf text = { 0 };
	struct check_options o = { 0 };
	int r = options_parse(cli, check_rows, &o, &argc, &argv);

	if (r != OPTIONS_GO)
		return r;
	if (argc > 1)
		return cmd_usage(cli, "one file at a time");
	r = check(argc ? argv[0] : cli->config, o.syntax, &diags) < 0 ? EXIT_USAGE : EXIT_FINE;
	if (cli->json)
		print_json(&diags);
	else {
		diags_append(&diags, &text);
		fputs(buf_text(&text), stderr);
	}
	return r;
}

const struct cmd cmd_check = {
	.name = "check",
	.usage = "[--syntax] [FILE]",
	.help = "is the configuration good? silent when it is",
	.more = "Reads FILE, by default the one in force, with all it includes, loads its databases and\n"
		"compiles it for this machine: what passes here, 'curfew reload' takes. Errors and warnings\n"
		"name file:line:column. Exit code 0: good, perhaps with warnings; 2: not.\n"
		"Interfaces that are not there are warned of, too; on a machine that has none of those that\n"
		"the file names, one note says so.\n"
		"\n"
		"  --syntax  only the language: no databases, nothing of this machine but its time zones",
	.run = run,
};
