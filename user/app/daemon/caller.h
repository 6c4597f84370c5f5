/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection over which somebody works on this machine: what must not be cut by accident. */
#ifndef CURFEW_APP_DAEMON_CALLER_H
#define CURFEW_APP_DAEMON_CALLER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct caller {
	struct addr client;                /* where they are */
	struct addr server;                /* the address of ours they reached */
	uint16_t client_port, server_port; /* 0: not known */
};

/* Those whose connections are not to be cut. */
#define CALLERS_MAX 64
struct callers {
	struct caller v[CALLERS_MAX];
	size_t n;
	bool own; /* the one who asks; else whoever is logged in */
};

/*
 * From SSH_CONNECTION (sshd(8): "client port server port"), of this process or
 * of one that started it: sudo takes it out of the environment. False: nobody
 * came over the network, or we may not look.
 */
bool caller_find(struct caller *ret);
/* The same from the variable's text. */
bool caller_parse(const char *text, struct caller *ret);

#endif
