/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew print`: the canonical text. */
#include <string.h>

#include "app/cmd/options.h"
#include "app/running.h"
#include "base/buf.h"
#include "port/files.h"

static int run(struct cli *cli, int argc, char **argv)
{
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf text = { 0 };
	int r = options_parse(cli, NULL, NULL, &argc, &argv);

	if (r != OPTIONS_GO)
		return r;
	if (argc > 1)
		return cmd_usage(cli, "one file at a time");
	r = policy_parse(&policy_io_files, argc ? argv[0] : cli->config, &set, &diags);
	if (r < 0) {
		diags_append(&diags, &text);
		fputs(buf_text(&text), stderr);
		return EXIT_USAGE;
	}
	policy_print(set, &text);
	if (cli->json)
		return json_out("print", json_pack("{s:s}", "text", buf_text(&text)));
	fputs(buf_text(&text), stdout);
	return EXIT_FINE;
}

const struct cmd cmd_print = {
	.name = "print",
	.usage = "[FILE]",
	.help = "the configuration in canonical form, includes and all",
	.more = "What is printed means the same as what was read, and printing it again changes nothing.",
	.run = run,
};
