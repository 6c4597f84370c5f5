/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the service manager how we are: the protocol of sd_notify(3), without its library. */
#ifndef CURFEW_PORT_NOTIFY_H
#define CURFEW_PORT_NOTIFY_H

/*
 * Sends lines such as "READY=1\nSTATUS=…" to the socket that NOTIFY_SOCKET
 * names (an abstract one starts with '@'). Returns 0, also without a service
 * manager, or -errno.
 */
int notify_send(const char *lines);

#endif
