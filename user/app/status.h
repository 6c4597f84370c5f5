/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `curfew status` tells. The kernel's part comes from the pinned maps
 * alone, so that it works with the daemon dead; the daemon adds what only it
 * knows. All of it is one JSON object, which the command prints as text.
 */
#ifndef CURFEW_APP_STATUS_H
#define CURFEW_APP_STATUS_H

#include <jansson.h>

#include "app/cmd.h"
#include "port/datapath.h"

/* "hooks", "reasons", "books", "off", "confirm", "sizes", "generation", "events_lost", and
 * "problems" of these. */
json_t *status_kernel(struct datapath *dp);

/* Appends {"what","do"} to status.problems. Takes both over. */
void status_problem(json_t *status, char *what, const char *advice);

/* Prints for people. Returns the exit code: EXIT_DEGRADED if there are problems. */
int status_print(const struct cli *cli, const json_t *status);
bool status_is_degraded(const json_t *status);

#endif
