/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a command as a table bound to the fields of a struct. The global
 * options (cmd.h, struct cli) and --help are understood after every command's
 * name too, so no table repeats them.
 */
#ifndef CURFEW_APP_CMD_OPTIONS_H
#define CURFEW_APP_CMD_OPTIONS_H

#include <stddef.h>

#include "app/cmd/cmd.h"

enum option_kind {
	OPTION_END,
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char *, points into argv */
	OPTION_NUMBER,   /* uint64_t */
	OPTION_SIZE,     /* uint64_t, bytes: "5GB" */
	OPTION_DURATION, /* uint64_t, seconds: "2h" */
};
struct option_row {
	const char *name; /* "for": --for */
	char letter;      /* 'n': -n; 0: none */
	enum option_kind kind;
	size_t offset; /* of the field */
};
#define OPTION(type, field, name, letter, kind)                                                    \
	{                                                                                          \
		name, letter, kind, offsetof(type, field)                                          \
	}

/* Go on: everything is understood. */
#define OPTIONS_GO (-1)

/*
 * Fills the fields that options name. Returns OPTIONS_GO with argc and argv
 * moved to the remaining arguments (argv[0] is the first of them, NULL if there
 * is none); else the exit code: --help was answered, or the error was said.
 * `rows` ends with OPTION_END; NULL: no options of its own. Without `fields`
 * there must be none.
 */
int options_parse(struct cli *cli, const struct option_row *rows, void *fields, int *argc,
		  char ***argv);

/* The same for the options before the command's name; stops there. -V is understood here only. */
int options_parse_global(struct cli *cli, int *argc, char ***argv);

/* `curfew help NAME`, or with NULL the list of commands; on `out`. */
void help_command(const struct cmd *cmd, FILE *out);
void help_all(FILE *out);

#endif
