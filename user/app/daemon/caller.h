/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection over which somebody works on this machine: what must not be cut by accident. */
#ifndef CURFEW_APP_DAEMON_CALLER_H
#define CURFEW_APP_DAEMON_CALLER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/* How we know of a connection. */
enum caller_kind {
	CALLER_OWN,  /* of the one who asks */
	CALLER_PAST, /* the one who asks came in by it, and it is not open any more */
	CALLER_OPEN  /* it is open; whose it is, we do not know */
};
struct caller {
	enum caller_kind kind;
	struct addr client;                /* where they are */
	struct addr server;                /* the address of ours they reached */
	uint16_t client_port, server_port; /* 0: not known */
};

/* Those whose connections are not to be cut. */
#define CALLERS_MAX 64
struct callers {
	struct caller v[CALLERS_MAX];
	size_t n;
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
