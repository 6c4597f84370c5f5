/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew check`: everything that `run` does with a configuration, short of the kernel. */
#include <string.h>
#include <time.h>

#include "app/cmd/in_force.h"
#include "app/cmd/options.h"
#include "app/running.h"
#include "app/show/json_util.h"
#include "base/buf.h"

struct check_options {
	bool syntax;
};
static const struct option_row check_rows[] = {
	OPTION(struct check_options, syntax, "syntax", 0, OPTION_FLAG),
	{ 0 },
};

#define CUTS_SHOWN 10

/* Where the quota stands that `diff` and the daemon write so. */
static struct pos quota_pos(const struct policy *p, const char *text)
{
	for (size_t i = 0; i < p->quotas.n; i++) {
		_cleanup_buf_ struct buf line = { 0 };

		policy_print_quota(&p->quotas.v[i], &line);
		if (!strcmp(buf_text(&line), text))
			return p->quotas.v[i].pos;
	}
	return p->pos;
}

static void warn_cuts(const struct policy_set *set, const json_t *cuts, struct diag_list *diags)
{
	size_t first = diags->n, i;
	struct pos pos = { 0 };
	const json_t *row;

	json_array_foreach(cuts, i, row)
	{
		const char *policy = json_get_text(row, "policy");
		const char *quota = json_get_text(row, "quota");
		_cleanup_free_ char *help = NULL;

		if (i == CUTS_SHOWN)
			break;
		pos = quota_pos(policy_find_policy(set, policy), quota);
		help = xprintf(
			"curfew quotas reset %s gives it back; or leave the policy in 'mode observe'",
			json_get_text(row, "key") ?: "KEY");
		diag_add(diags, set, DIAG_WARNING, pos, help,
			 "policy \"%s\" cuts %s at once: of %s, nothing is left", policy,
			 json_get_text(row, "key_text") ?: "?", quota);
	}
	diag_sort(diags, first);
	if (json_array_size(cuts) > CUTS_SHOWN)
		diag_add(diags, set, DIAG_WARNING, pos, "'curfew diff' lists them",
			 "and %zu more keys are cut at once", json_array_size(cuts) - CUTS_SHOWN);
}

/* What is used up only a daemon knows, and there need be none. */
static void check_cuts(const struct cli *cli, const struct policy_set *set, struct diag_list *diags)
{
	_cleanup_in_force_ struct in_force before = { .now = { time(NULL) } };
	struct policy_diff d;
	json_t *cuts;

	if (set->mode != MODE_ENFORCE || in_force_try(cli, IN_FORCE_BRIEF_MS, &before))
		return;
	in_force_diff(&before, set, &d);
	cuts = in_force_cuts(cli, IN_FORCE_BRIEF_MS, set, &d);
	warn_cuts(set, cuts, diags);
	json_decref(cuts);
	policy_diff_done(&d);
}

static int check(const struct cli *cli, const char *path, bool syntax, struct diag_list *diags)
{
	_cleanup_running_ struct running run = { 0 };
	int r = running_read(path, &run, diags);

	if (r < 0 || syntax)
		return r;
	run.warn = true;
	r = running_load_geo(&run, diags);
	if (r == 0)
		r = running_compile_here(&run, (struct utc){ time(NULL) }, diags);
	if (r < 0)
		return r;
	image_warn_room(run.image, diags);
	check_cuts(cli, run.set, diags);
	return 0;
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
	r = check(cli, argc ? argv[0] : cli->config, o.syntax, &diags) < 0 ? EXIT_USAGE : EXIT_FINE;
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
		"the file names, one note says so. Warned of is what never matches, what something else\n"
		"covers, and where a daemon answers, keys that enforcing FILE would cut at once.\n"
		"\n"
		"  --syntax  only the language: no databases, nothing of this machine but its time zones",
	.run = run,
};
