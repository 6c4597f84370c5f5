/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's loop, for cmd_run.c. Functions that return int: 0 or -errno. */
#ifndef CURFEW_APP_DAEMON_LOOP_H
#define CURFEW_APP_DAEMON_LOOP_H

#include "app/daemon/daemon.h"

/* Timers, signals (blocked from here on) and netlink: before anything is read, so that no change is
 * missed. */
int daemon_loop_open(struct daemon *d);
/* Adds what exists only now: the datapath's events, the control socket. */
int daemon_loop_watch(struct daemon *d);
/* Until d->leaving. */
void daemon_loop_run(struct daemon *d);
void daemon_loop_close(struct daemon *d);

#endif
