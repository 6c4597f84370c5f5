/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `curfew geo` is made of: looking up, building, verifying. */
#ifndef CURFEW_APP_CMD_GEO_TOOL_H
#define CURFEW_APP_CMD_GEO_TOOL_H

#include "app/cmd/cmd.h"
#include "core/geo/geo.h"

/* Each takes the rest of the command line, argv[0] a name; returns an exit code. */
int geo_tool_find(struct cli *cli, int argc, char **argv);
int geo_tool_build(struct cli *cli, int argc, char **argv);
int geo_tool_verify(struct cli *cli, int argc, char **argv);

/* Shows how far work is, on stderr and only if that is a terminal; _end() clears the line. */
struct geo_progress geo_tool_progress(void);
void geo_tool_progress_end(void);

/* Values of an option that may be given more than once; they point into argv. */
struct geo_tool_texts {
	const char **v;
	size_t n, cap;
};
/* Moves each "--NAME VALUE" and "--NAME=VALUE" from argv to the list. OPTIONS_GO or an exit code.
 */
int geo_tool_take(struct cli *cli, const char *name, int *argc, char **argv,
		  struct geo_tool_texts *list);

#endif
