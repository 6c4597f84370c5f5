/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a Unix stream socket on which one request and its reply
 * travel per connection, each a 32-bit length in network order and that many
 * bytes of JSON. Nothing here knows what requests mean.
 *
 * The server never blocks: sockets are non-blocking, sizes, clients and times
 * are limited, and what a client fails to send or fetch in time is dropped.
 */
#ifndef CURFEW_PORT_CONTROL_H
#define CURFEW_PORT_CONTROL_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROL_REQUEST_MAX   (256U << 10) /* bytes */
#define CONTROL_REPLY_MAX     (64U << 20)
#define CONTROL_PENDING_MAX   (128U << 20) /* of replies that wait to be fetched, all together */
#define CONTROL_CLIENTS_MAX   32
#define CONTROL_CLIENTS_OTHER 24   /* of these, not root's */
#define CONTROL_CLIENTS_USER  8    /* of one user other than root */
#define CONTROL_IDLE_MS       5000 /* without progress; then the connection is closed */
#define CONTROL_TOTAL_MS      60000

/* Who asks: from SO_PEERCRED, so as the kernel saw it at connect(). */
struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

struct control;

/*
 * Listens at `path`, replacing a socket that is left over there; the caller
 * holds a lock that says nobody else listens. Mode 0660, owner root, group
 * `gid` (-1: the process's). Returns 0 or -errno.
 */
int control_listen(const char *path, gid_t gid, struct control **ret);
/* Closes all connections and removes the socket. Takes NULL. */
void control_close(struct control *c);
/* For epoll: readable when control_serve() has something to do. */
int control_fd(const struct control *c);

/* Answers a request, an object; returns the reply, which control_serve() takes over. */
typedef json_t *(*control_fn)(void *arg, const struct peer *peer, const json_t *request);
/* Does what can be done now, without blocking. */
void control_serve(struct control *c, control_fn fn, void *arg);

/*
 * The client's side: one request, one reply (the caller decrefs it). Blocks up
 * to timeout_ms in all. -ENOENT, -ECONNREFUSED: nobody listens; -EACCES;
 * -ETIMEDOUT; -EMSGSIZE: request or reply too large; -EPROTO: not our protocol.
 */
int control_call(const char *path, const json_t *request, unsigned int timeout_ms,
		 json_t **ret_reply);

/* The length before each message. */
void control_put_length(unsigned char b[4], uint32_t n);
uint32_t control_get_length(const unsigned char b[4]);

#endif
