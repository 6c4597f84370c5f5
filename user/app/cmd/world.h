/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the databases: of what is in force, and of what a file would be compiled with now. */
#ifndef CURFEW_APP_CMD_WORLD_H
#define CURFEW_APP_CMD_WORLD_H

#include <jansson.h>
#include <stdbool.h>

#include "core/time/calendar.h"

/* Only what differs; NULL arrays: nothing was compared. */
struct world_diff {
	json_t *databases; /* kind, built_before, built_after: times, null for none */
	json_t *policies;  /* policy, ipv4_before, ipv4_after, ipv6_64s_before, ipv6_64s_after */
};
void world_done(struct world_diff *w);
#define _cleanup_world_ _cleanup_(world_done)

/*
 * `reply`: the daemon's, to `config`. Compiles the file. Returns an exit code; what is wrong with
 * it is on stderr. *ret is empty before.
 */
int world_compare(const json_t *reply, const char *path, struct utc now, struct world_diff *ret);
bool world_differs(const struct world_diff *w);
void world_print(const struct world_diff *w, bool colour);

#endif
