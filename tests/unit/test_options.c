/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a command: fields are filled, globals are understood everywhere, mistakes are exit
 * code 2. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdint.h>

#include "app/cmd/options.h"

struct fields {
	uint64_t seconds, bytes, rows;
	const char *text;
	bool flag;
};
static const struct option_row rows[] = {
	OPTION(struct fields, seconds, "for", 0, OPTION_DURATION),
	OPTION(struct fields, bytes, "up-to", 0, OPTION_SIZE),
	OPTION(struct fields, rows, "rows", 'n', OPTION_NUMBER),
	OPTION(struct fields, text, "reason", 0, OPTION_TEXT),
	OPTION(struct fields, flag, "flag", 'f', OPTION_FLAG),
	{ 0 },
};

static int parse(struct cli *cli, struct fields *f, char **argv, int *ret_argc, char ***ret_argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	*ret_argv = argv;
	*ret_argc = argc;
	cli->cmd = cmds[0];
	return options_parse(cli, rows, f, ret_argc, ret_argv);
}
/* Arguments live as long as the block: not within an assertion. */
#define PARSE(cli, f, argc, argv, ...)                                                             \
	parse(cli, f, (char *[]){ (char *)"cmd", __VA_ARGS__, NULL }, argc, argv)

Test(options, fills_the_fields)
{
	struct fields f = { 0 };
	struct cli cli = { 0 };
	char **argv;
	int argc, r;

	r = PARSE(&cli, &f, &argc, &argv, "--for", "2h", "a", "--up-to=5GB", "-n", "7", "-f",
		  "--reason", "why not", "b");
	cr_assert_eq(r, OPTIONS_GO);
	cr_assert_eq(f.seconds, 7200);
	cr_assert_eq(f.bytes, 5000000000ULL);
	cr_assert_eq(f.rows, 7);
	cr_assert(f.flag);
	cr_assert_str_eq(f.text, "why not");
	cr_assert_eq(argc, 2);
	cr_assert_str_eq(argv[0], "a");
	cr_assert_str_eq(argv[1], "b");
	cr_assert_null(argv[2]);
}

Test(options, globals_come_after_the_command_too)
{
	struct fields f = { 0 };
	struct cli cli = { 0 };
	char **argv;
	int argc, r;

	r = PARSE(&cli, &f, &argc, &argv, "--json", "-c", "x.conf", "--run", "/r", "--state=/s",
		  "--bpffs", "/b");
	cr_assert_eq(r, OPTIONS_GO);
	cr_assert(cli.json);
	cr_assert_str_eq(cli.config, "x.conf");
	cr_assert_str_eq(cli.run_dir, "/r");
	cr_assert_str_eq(cli.state_dir, "/s");
	cr_assert_str_eq(cli.bpffs, "/b");
	cr_assert_eq(argc, 0);
}

Test(options, two_dashes_end_them)
{
	struct fields f = { 0 };
	struct cli cli = { 0 };
	char **argv;
	int argc, r;

	r = PARSE(&cli, &f, &argc, &argv, "--", "--for", "-f");
	cr_assert_eq(r, OPTIONS_GO);
	cr_assert_eq(argc, 2);
	cr_assert(!f.flag);
}

Test(options, says_what_is_wrong, .init = cr_redirect_stderr)
{
	char *wrong[][3] = {
		{ (char *)"--for", (char *)"soon" },
		{ (char *)"--up-to", (char *)"5 apples" },
		{ (char *)"-n", (char *)"-3" },
		{ (char *)"-n", (char *)"3x" },
		{ (char *)"--nonsense" },
		{ (char *)"-z" },
		{ (char *)"--for" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fields f = { 0 };
		struct cli cli = { 0 };
		char **argv;
		int argc, r;

		r = PARSE(&cli, &f, &argc, &argv, wrong[i][0], wrong[i][1]);
		cr_assert_eq(r, EXIT_USAGE, "case %zu", i);
	}
}

Test(options, help_after_the_command, .init = cr_redirect_stdout)
{
	struct fields f = { 0 };
	struct cli cli = { 0 };
	char **argv;
	int argc, r;

	r = PARSE(&cli, &f, &argc, &argv, "-h");
	cr_assert_eq(r, EXIT_FINE);
}

/* The table is what help, completion and dispatch live on. */
Test(options, every_command_has_its_help)
{
	for (size_t i = 0; cmds[i]; i++) {
		cr_assert_not_null(cmds[i]->name);
		cr_assert_not_null(cmds[i]->usage, "%s", cmds[i]->name);
		cr_assert(cmds[i]->help && *cmds[i]->help, "%s", cmds[i]->name);
		cr_assert_not_null(cmds[i]->run, "%s", cmds[i]->name);
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(cmds[i]->name, cmds[k]->name);
	}
}
