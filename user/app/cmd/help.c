/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands say when they are asked for help, or asked wrongly. */
#include <stdarg.h>

#include "app/cmd/cmd.h"
#include "app/cmd/options.h"
#include "base/buf.h"

void cmd_error(const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "curfew: %s\n", buf_text(&b));
}

int cmd_usage(const struct cli *cli, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (cli->cmd)
		fprintf(stderr, "curfew %s: %s\nusage: curfew %s %s\n", cli->cmd->name,
			buf_text(&b), cli->cmd->name, cli->cmd->usage);
	else
		fprintf(stderr,
			"curfew: %s\nusage: curfew [OPTIONS] COMMAND [...]; see 'curfew help'\n",
			buf_text(&b));
	return EXIT_USAGE;
}

void help_command(const struct cmd *cmd, FILE *out)
{
	fprintf(out, "usage: curfew %s %s\n\n%s\n", cmd->name, cmd->usage, cmd->help);
	if (cmd->more)
		fprintf(out, "\n%s\n", cmd->more);
	fputs("\nGlobal options: see 'curfew help'.\n", out);
}

void help_all(FILE *out)
{
	fputs("usage: curfew [OPTIONS] COMMAND [...]\n\nCommands:\n", out);
	for (size_t i = 0; cmds[i]; i++)
		fprintf(out, "  %-9s %s\n", cmds[i]->name, cmds[i]->help);
	fputs("  help      this list, or help on one command: curfew help COMMAND\n"
	      "\n"
	      "Options, before or after the command:\n"
	      "  -c, --config FILE  the policy file [/etc/curfew/curfew.conf]\n"
	      "      --run DIR      where the control socket is [/run/curfew]\n"
	      "      --state DIR    what survives a reboot [/var/lib/curfew]\n"
	      "      --bpffs DIR    where maps and links are pinned [/sys/fs/bpf/curfew]\n"
	      "      --json         print JSON\n"
	      "  -h, --help         help, also after a command\n"
	      "      --version      print the version\n"
	      "\n"
	      "Exit codes: 0 fine, 1 degraded, differs or would drop, 2 usage or configuration,\n"
	      "3 not running, 4 not permitted.\n",
	      out);
}
