/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Established TCP connections of this network namespace, as proc(5) lists them in /proc/net/tcp. */
#ifndef CURFEW_PORT_SESSIONS_H
#define CURFEW_PORT_SESSIONS_H

#include "base/addr.h"
#include "base/def.h"

struct session {
	struct addr local, remote;
	uint16_t local_port, remote_port;
};
struct session_list {
	struct session *v;
	size_t n, cap;
};

/*
 * Appends those whose own port is `local_port`, IPv4 and IPv6; the caller frees ret->v.
 * 0 or -errno, then some may have been appended.
 */
int sessions_read(uint16_t local_port, struct session_list *ret);

#endif
