/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is pinned, for commands that work with the daemon dead too. */
#ifndef CURFEW_APP_PINNED_H
#define CURFEW_APP_PINNED_H

#include "app/cmd/cmd.h"
#include "port/datapath/datapath.h"

/*
 * Adopts what is pinned in cli->bpffs. Returns EXIT_FINE and the datapath, to be
 * closed; else says why not and returns the exit code.
 */
int pinned_open(const struct cli *cli, struct datapath **ret);

#endif
