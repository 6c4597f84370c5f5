/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/buf.h"
#include "port/control.h"

void control_put_length(unsigned char b[4], uint32_t n)
{
	n = htonl(n);
	memcpy(b, &n, sizeof(n));
}

uint32_t control_get_length(const unsigned char b[4])
{
	uint32_t n;

	memcpy(&n, b, sizeof(n));
	return ntohl(n);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Waits until the descriptor is ready or the deadline has passed. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd p = { .fd = fd, .events = events };
		int r = left > 0 ? poll(&p, 1, left > 1000000 ? 1000000 : (int)left) : 0;

		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (left <= 0)
			return -ETIMEDOUT;
	}
}

static int send_all(int fd, const void *data, size_t n, int64_t deadline)
{
	const char *p = data;

	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		int r;

		if (k >= 0) {
			p += k;
			n -= k;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

static int receive_all(int fd, void *data, size_t n, int64_t deadline)
{
	char *p = data;

	while (n) {
		ssize_t k = read(fd, p, n);
		int r;

		if (k == 0)
			return -ECONNRESET;
		if (k > 0) {
			p += k;
			n -= k;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_for(fd, POLLIN, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

static int connect_to(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno; /* EAGAIN: the backlog is full */
	return TAKE_FD(fd);
}

int control_call(const char *path, const json_t *request, unsigned int timeout_ms,
		 json_t **ret_reply)
{
	_cleanup_free_ char *text = json_dumps(request, JSON_COMPACT), *reply = NULL;
	int64_t deadline = now_ms() + timeout_ms;
	_cleanup_close_ int fd = -1;
	unsigned char head[4];
	uint32_t n;
	json_t *v;
	int r;

	if (!text)
		return -EINVAL;
	if (strlen(text) > CONTROL_REQUEST_MAX)
		return -EMSGSIZE;
	fd = connect_to(path);
	if (fd < 0)
		return fd;
	control_put_length(head, strlen(text));
	r = send_all(fd, head, sizeof(head), deadline);
	if (r >= 0)
		r = send_all(fd, text, strlen(text), deadline);
	if (r >= 0)
		r = receive_all(fd, head, sizeof(head), deadline);
	if (r < 0)
		return r;
	n = control_get_length(head);
	if (n > CONTROL_REPLY_MAX)
		return -EMSGSIZE;
	reply = xcalloc(1, n);
	r = receive_all(fd, reply, n, deadline);
	if (r < 0)
		return r;
	v = json_loadb(reply, n, 0, NULL);
	if (!json_is_object(v)) {
		json_decref(v);
		return -EPROTO;
	}
	*ret_reply = v;
	return 0;
}
