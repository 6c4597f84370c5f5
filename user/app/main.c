/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Global options, finding the command, help. */
#include <string.h>

#include "app/cmd/cmd.h"
#include "app/cmd/options.h"
#include "base/log.h"

static const struct cmd *find(const char *name)
{
	for (size_t i = 0; cmds[i]; i++)
		if (!strcmp(cmds[i]->name, name))
			return cmds[i];
	return NULL;
}

/* Edit distance with transpositions (optimal string alignment); names are short. */
static unsigned int distance(const char *a, const char *b)
{
	enum { MAX = 24 };
	unsigned int d[MAX + 1][MAX + 1];
	size_t n = strnlen(a, MAX), m = strnlen(b, MAX);

	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

static int unknown(const char *name)
{
	const struct cmd *best = NULL;
	unsigned int least = 3;

	for (size_t i = 0; cmds[i]; i++) {
		unsigned int d = distance(name, cmds[i]->name);
		size_t n = strlen(name);

		if (n >= 3 && !strncmp(name, cmds[i]->name, n))
			d = 1;
		if (d < least && d < strlen(cmds[i]->name)) {
			least = d;
			best = cmds[i];
		}
	}
	if (best)
		cmd_error("unknown command '%s'; did you mean '%s'?", name, best->name);
	else
		cmd_error("unknown command '%s'; see 'curfew help'", name);
	return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	const struct cmd *cmd;

	if (argc < 2) {
		help_all(stdout);
		return EXIT_FINE;
	}
	cmd = find(argv[1]);
	if (!cmd)
		return unknown(argv[1]);
	help_command(cmd, stdout);
	return EXIT_FINE;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	if (!strcmp(argv[0], "help"))
		return help(argc, argv);
	cli->cmd = find(argv[0]);
	if (!cli->cmd)
		return unknown(argv[0]);
	return cli->cmd->run(cli, argc, argv);
}

int main(int argc, char **argv)
{
	const char *no_colour = getenv("NO_COLOR");
	struct cli cli = {
		.config = "/etc/curfew/curfew.conf",
		.bpffs = "/sys/fs/bpf/curfew",
		.run_dir = "/run/curfew",
		.state_dir = "/var/lib/curfew",
		.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour),
	};
	int r;

	log_open();
	r = options_parse_global(&cli, &argc, &argv);
	if (r != OPTIONS_GO)
		return r;
	if (argc < 1) {
		help_all(stderr);
		return EXIT_USAGE;
	}
	r = dispatch(&cli, argc, argv);
	/* A full disk must not look like success. */
	if (fflush(stdout) || ferror(stdout)) {
		cmd_error("cannot write to standard output");
		return r ? r : EXIT_DEGRADED;
	}
	return r;
}
