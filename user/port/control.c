/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#include "base/buf.h"

struct client {
	int fd; /* -1: free */
	struct peer peer;
	int64_t born_ms, moved_ms;
	unsigned char head[4];
	size_t head_n;
	char *request;
	size_t request_n, request_size;
	char *reply; /* with its length; NULL: still reading */
	size_t reply_n, reply_size;
};

struct control {
	int epoll;
	int listener;
	int timer;
	char *path;
	size_t n_clients;
	size_t pending;
	struct client clients[CONTROL_CLIENTS_MAX];
};

/* epoll's data for what is not a client. */
enum { TAG_LISTENER = CONTROL_CLIENTS_MAX, TAG_TIMER };

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int watch(struct control *c, int op, int fd, uint32_t events, int tag)
{
	struct epoll_event ev = { .events = events, .data.fd = tag };

	return epoll_ctl(c->epoll, op, fd, &ev) < 0 ? -errno : 0;
}

/* Ticks only while somebody is connected. */
static void tick(const struct control *c, bool on)
{
	struct itimerspec every = { .it_interval.tv_sec = on, .it_value.tv_sec = on };

	timerfd_settime(c->timer, 0, &every, NULL);
}

static int bind_socket(const char *path, gid_t gid)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	mask = umask(0117);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return r;
	if (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) < 0)
		return -errno;
	if (listen(fd, CONTROL_CLIENTS_MAX) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int control_listen(const char *path, gid_t gid, struct control **ret)
{
	struct control *c = xcalloc(1, sizeof(*c));
	int r;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i].fd = -1;
	c->listener = -1;
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = c->timer < 0 || c->epoll < 0 ? -errno : bind_socket(path, gid);
	if (r >= 0) {
		c->listener = r;
		c->path = xstrdup(path);
		r = watch(c, EPOLL_CTL_ADD, c->listener, EPOLLIN, TAG_LISTENER);
	}
	if (r >= 0)
		r = watch(c, EPOLL_CTL_ADD, c->timer, EPOLLIN, TAG_TIMER);
	if (r < 0) {
		control_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

static void drop(struct control *c, struct client *p)
{
	if (p->fd < 0)
		return;
	close(p->fd); /* leaves epoll by itself */
	c->pending -= p->reply_size;
	free(p->request);
	free(p->reply);
	*p = (struct client){ .fd = -1 };
	if (--c->n_clients == 0)
		tick(c, false);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(c, &c->clients[i]);
	if (c->path)
		unlink(c->path);
	free(c->path);
	close_p(&c->listener);
	close_p(&c->timer);
	close_p(&c->epoll);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll;
}

/* The process owner's clients count as root's: tests run unprivileged. */
static bool may_connect(const struct control *c, const struct peer *peer)
{
	size_t others = 0, same = 0;

	if (peer->uid == 0 || peer->uid == geteuid())
		return c->n_clients < CONTROL_CLIENTS_MAX;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct client *p = &c->clients[i];

		if (p->fd < 0 || p->peer.uid == 0)
			continue;
		others++;
		same += p->peer.uid == peer->uid;
	}
	return others < CONTROL_CLIENTS_OTHER && same < CONTROL_CLIENTS_USER;
}

static bool accept_one(struct control *c)
{
	_cleanup_close_ int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t size = sizeof(cred);
	struct peer peer;
	size_t i = 0;

	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return true;
	peer = (struct peer){ cred.uid, cred.gid, cred.pid };
	if (!may_connect(c, &peer))
		return true;
	while (i < CONTROL_CLIENTS_MAX && c->clients[i].fd >= 0)
		i++;
	if (i == CONTROL_CLIENTS_MAX || watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, i) < 0)
		return true;
	if (c->n_clients++ == 0)
		tick(c, true);
	c->clients[i] = (struct client){ .fd = TAKE_FD(fd), .peer = peer };
	c->clients[i].born_ms = c->clients[i].moved_ms = now_ms();
	return true;
}

static json_t *failure(const char *text, int code)
{
	return json_pack("{s:s, s:i}", "error", text, "code", code);
}

/* Takes over the reply. */
static void set_reply(struct control *c, struct client *p, json_t *reply)
{
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	size_t n = text ? strlen(text) : 0;

	json_decref(reply);
	if (!text || n > CONTROL_REPLY_MAX || c->pending + n > CONTROL_PENDING_MAX) {
		free(text);
		reply = failure(n ? "the reply is too large: ask for less" : "no reply", 1);
		text = json_dumps(reply, JSON_COMPACT);
		json_decref(reply);
		n = strlen(text);
	}
	p->reply_size = n + 4;
	p->reply = xcalloc(1, p->reply_size);
	control_put_length((unsigned char *)p->reply, n);
	memcpy(p->reply + 4, text, n);
	free(text);
	c->pending += p->reply_size;
}

/* Returns 0 when there is nothing more to read now, 1 when the request is whole, or -errno. */
static int read_request(struct client *p)
{
	for (;;) {
		bool head = p->head_n < sizeof(p->head);
		ssize_t n;

		n = head ? read(p->fd, p->head + p->head_n, sizeof(p->head) - p->head_n)
			 : read(p->fd, p->request + p->request_n, p->request_size - p->request_n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -ECONNRESET;
		p->moved_ms = now_ms();
		if (!head) {
			p->request_n += n;
			if (p->request_n == p->request_size)
				return 1;
			continue;
		}
		p->head_n += n;
		if (p->head_n < sizeof(p->head))
			continue;
		p->request_size = control_get_length(p->head);
		if (!p->request_size || p->request_size > CONTROL_REQUEST_MAX)
			return -EMSGSIZE;
		p->request = xcalloc(1, p->request_size);
	}
}

/* The same for the reply: 1 when all is sent. */
static int write_reply(struct client *p)
{
	while (p->reply_n < p->reply_size) {
		ssize_t n = send(p->fd, p->reply + p->reply_n, p->reply_size - p->reply_n,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		p->moved_ms = now_ms();
		p->reply_n += n;
	}
	return 1;
}

static int answer(struct control *c, struct client *p, control_fn fn, void *arg)
{
	json_t *request = json_loadb(p->request, p->request_size, JSON_REJECT_DUPLICATES, NULL);
	json_t *reply = json_is_object(request) ? fn(arg, &p->peer, request)
						: failure("the request is not a JSON object", 2);

	json_decref(request);
	set_reply(c, p, reply);
	return watch(c, EPOLL_CTL_MOD, p->fd, EPOLLOUT, p - c->clients);
}

static void serve_client(struct control *c, struct client *p, control_fn fn, void *arg)
{
	int r = 1;

	if (p->fd < 0)
		return;
	if (!p->reply) {
		r = read_request(p);
		if (r > 0 && answer(c, p, fn, arg) < 0)
			r = -EIO;
	}
	if (r > 0)
		r = write_reply(p) == 0 ? 0 : -EPIPE;
	if (r < 0)
		drop(c, p);
}

static void drop_late(struct control *c)
{
	int64_t now = now_ms();
	uint64_t ticks;

	if (read(c->timer, &ticks, sizeof(ticks)) < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *p = &c->clients[i];

		if (p->fd >= 0 &&
		    (now - p->moved_ms > CONTROL_IDLE_MS || now - p->born_ms > CONTROL_TOTAL_MS))
			drop(c, p);
	}
}

void control_serve(struct control *c, control_fn fn, void *arg)
{
	struct epoll_event ev[CONTROL_CLIENTS_MAX + 2];
	int n = epoll_wait(c->epoll, ev, ARRAY_SIZE(ev), 0);

	for (int i = 0; i < n; i++) {
		int tag = ev[i].data.fd;

		/* A bounded number: a flood of connections must not hold the loop. */
		if (tag == TAG_LISTENER)
			for (int k = 0; k < CONTROL_CLIENTS_MAX && accept_one(c); k++)
				;
		else if (tag == TAG_TIMER)
			drop_late(c);
		else
			serve_client(c, &c->clients[tag], fn, arg);
	}
}
