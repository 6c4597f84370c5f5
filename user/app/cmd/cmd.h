/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every command shares: the row in the table, the global options, the exit codes, talking to
 * the daemon. */
#ifndef CURFEW_APP_CMD_CMD_H
#define CURFEW_APP_CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/def.h"

enum exit_code {
	EXIT_FINE = 0,
	EXIT_DEGRADED = 1, /* or: differs, would drop */
	EXIT_USAGE = 2,    /* or: configuration */
	EXIT_NOT_RUNNING = 3,
	EXIT_NOT_PERMITTED = 4,
};

struct cli {
	const char *config;    /* -c FILE; /etc/curfew/curfew.conf */
	const char *bpffs;     /* --bpffs DIR; /sys/fs/bpf/curfew */
	const char *run_dir;   /* --run DIR; /run/curfew */
	const char *state_dir; /* --state DIR; /var/lib/curfew */
	bool json;             /* --json */
	bool colour;           /* stdout is a terminal and NO_COLOR is unset */
	const struct cmd *cmd;
};

struct cmd {
	const char *name;
	const char *usage; /* "[--by KEY] [-n ROWS]" */
	const char *help;  /* one line */
	const char *more;  /* paragraphs and examples for `curfew help NAME`; may be NULL */
	int (*run)(struct cli *cli, int argc,
		   char **argv); /* argv[0] is the name; returns an exit code */
};
extern const struct cmd *const cmds[]; /* cmd_table.c; NULL-terminated */

/* Says what is wrong on stderr, with the usage line; returns EXIT_USAGE. */
int cmd_usage(const struct cli *cli, const char *fmt, ...) _printf_(2, 3);
/* "curfew: …" on stderr. */
void cmd_error(const char *fmt, ...) _printf_(1, 2);

/*
 * Asks the daemon. Takes over args (may be NULL). On success returns EXIT_FINE
 * and the reply, which the caller decrefs; else says why on stderr and returns
 * the exit code for it.
 */
int client_call(const struct cli *cli, const char *verb, json_t *args, json_t **ret_reply);

/* The same, but says nothing when the daemon cannot be reached: then -errno as of control_call().
 */
int client_try(const struct cli *cli, const char *verb, json_t *args, json_t **ret_reply);
/* The same with a limit of one's own to how long it may take. */
int client_ask(const struct cli *cli, const char *verb, json_t *args, unsigned int timeout_ms,
	       json_t **ret_reply);

/* Prints {"version":1,"<name>":…} pretty; takes over v. */
int json_out(const char *name, json_t *v);

#endif
