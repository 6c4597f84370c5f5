/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the daemon over which connection we work, so that it can refuse to cut it. */
#ifndef CURFEW_APP_CMD_CONNECTION_H
#define CURFEW_APP_CMD_CONNECTION_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Adds "caller" to a request's args if there is such a connection, or "force"; for the
 * service manager, which has none, "logged_in".
 */
void connection_add(json_t *args, bool force);

#endif
