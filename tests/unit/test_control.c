/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: requests are answered, and nobody can hold or flood the server. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/buf.h"
#include "port/control.h"

static char directory[] = "/tmp/curfew-control-XXXXXX";
static char path[64];
static struct control *server;
static pthread_t thread;
static atomic_bool leaving;
static atomic_int served;

/* {"size":N} is answered with N letters; the rest comes back as it is. */
static json_t *answer(void *arg _unused_, const struct peer *peer, const json_t *request)
{
	size_t n = (size_t)json_integer_value(json_object_get(request, "size"));
	_cleanup_free_ char *text = xcalloc(1, n + 1);

	served++;
	memset(text, 'x', n);
	return json_pack("{s:s, s:I, s:O}", "text", text, "uid", (json_int_t)peer->uid, "request",
			 request);
}

static void *serve(void *arg _unused_)
{
	while (!leaving) {
		struct pollfd p = { .fd = control_fd(server), .events = POLLIN };

		if (poll(&p, 1, 20) > 0)
			control_serve(server, answer, NULL);
	}
	return NULL;
}

static void up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sock", directory);
	cr_assert_eq(control_listen(path, (gid_t)-1, &server), 0);
	pthread_create(&thread, NULL, serve, NULL);
}

static void down(void)
{
	leaving = true;
	pthread_join(thread, NULL);
	control_close(server);
	cr_assert_eq(access(path, F_OK), -1, "the socket stays behind");
	rmdir(directory);
}

TestSuite(control, .init = up, .fini = down, .timeout = 30);

static int raw_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static size_t drained; /* bytes that the last closed_after() has read */

/* Milliseconds until the server closes the connection; at most `limit`. */
static int closed_after(int fd, int limit)
{
	struct timespec a, b;
	char sink[4096];
	int ms;

	clock_gettime(CLOCK_MONOTONIC, &a);
	drained = 0;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = 0;

		clock_gettime(CLOCK_MONOTONIC, &b);
		ms = (int)((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000);
		if (ms >= limit)
			return ms;
		if (poll(&p, 1, limit - ms) > 0) {
			n = read(fd, sink, sizeof(sink));
			if (n <= 0)
				return ms;
			drained += (size_t)n;
		}
	}
}

static void expect_alive(void)
{
	json_t *request = json_pack("{s:i}", "size", 3), *reply = NULL;

	cr_assert_eq(control_call(path, request, 2000, &reply), 0);
	cr_assert_str_eq(json_string_value(json_object_get(reply, "text")), "xxx");
	json_decref(request);
	json_decref(reply);
}

Test(control, answers_and_knows_who_asks)
{
	json_t *request = json_pack("{s:i, s:s}", "size", 1, "word", "grüezi"), *reply;

	cr_assert_eq(control_call(path, request, 2000, &reply), 0);
	cr_assert(json_equal(json_object_get(reply, "request"), request));
	cr_assert_eq(json_integer_value(json_object_get(reply, "uid")), getuid());
	json_decref(request);
	json_decref(reply);
}

Test(control, the_socket_is_for_owner_and_group)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0660);
}

Test(control, big_replies_arrive_whole)
{
	json_t *request = json_pack("{s:i}", "size", 20 << 20), *reply;

	cr_assert_eq(control_call(path, request, 20000, &reply), 0);
	cr_assert_eq(json_string_length(json_object_get(reply, "text")), 20 << 20);
	json_decref(request);
	json_decref(reply);
}

Test(control, a_reply_beyond_the_limit_is_an_error_not_a_crash)
{
	json_t *request = json_pack("{s:I}", "size", (json_int_t)CONTROL_REPLY_MAX), *reply;

	cr_assert_eq(control_call(path, request, 20000, &reply), 0);
	cr_assert_not_null(json_object_get(reply, "error"));
	json_decref(request);
	json_decref(reply);
	expect_alive();
}

Test(control, what_is_no_request_is_refused)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool replied; /* else the connection is closed at once */
	} cases[] = {
		{ "\0\0\0\0", 4, false },
		{ "\xff\xff\xff\xff", 4, false },
		{ "\0\4\0\1", 4, false }, /* one byte over the limit */
		{ "\0\0\0\4junk", 8, true },
		{ "\0\0\0\2[]", 6, true },
		{ "GET / HTTP/1.1\r\n\r\n", 18, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = raw_connect();
		int ms;

		cr_assert_eq(write(fd, cases[i].bytes, cases[i].n), (ssize_t)cases[i].n);
		ms = closed_after(fd, 2000);
		cr_assert_lt(ms, 1000, "case %zu: still open", i);
		cr_assert_eq(drained > 4, cases[i].replied, "case %zu: %zu bytes", i, drained);
	}
	cr_assert_eq(served, 0);
	expect_alive();
}

Test(control, a_request_may_come_in_pieces)
{
	static const char bytes[] = "\0\0\0\12{\"size\":2}";
	_cleanup_close_ int fd = raw_connect();
	const struct timespec pause = { 0, 5000000 };
	char got[512];

	for (size_t i = 0; i < 14; i++) {
		cr_assert_eq(write(fd, bytes + i, 1), 1);
		nanosleep(&pause, NULL);
	}
	cr_assert_gt(read(fd, got, sizeof(got)), 4);
	cr_assert_eq(served, 1);
}

Test(control, silent_clients_hold_nobody_and_are_dropped)
{
	int fds[CONTROL_CLIENTS_MAX - 1];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = raw_connect();
	expect_alive();
	cr_assert_lt(closed_after(fds[0], CONTROL_IDLE_MS + 4000), CONTROL_IDLE_MS + 3000);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	expect_alive();
}

Test(control, who_does_not_fetch_the_reply_holds_nobody_and_is_dropped)
{
	static const char bytes[] = "\0\0\0\21{\"size\":10000000}";
	_cleanup_close_ int fd = raw_connect();
	const struct timespec pause = { 0, 100000000 };

	cr_assert_eq(write(fd, bytes, sizeof(bytes) - 1), (ssize_t)sizeof(bytes) - 1);
	nanosleep(&pause, NULL);
	expect_alive();
	for (int i = 0; i < (CONTROL_IDLE_MS + 2500) / 100; i++)
		nanosleep(&pause, NULL);
	/* What was in the socket's buffers can still be read, then it is over: not ten million
	 * bytes. */
	cr_assert_lt(closed_after(fd, 3000), 2000);
	cr_assert_lt(drained, 10000000);
	expect_alive();
}

Test(control, more_clients_than_places_are_turned_away)
{
	int fds[CONTROL_CLIENTS_MAX + 8];
	size_t closed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = raw_connect();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN };

		closed += poll(&p, 1, i ? 0 : 300) > 0;
		if (!i)
			poll(NULL, 0, 300);
	}
	cr_assert_eq(closed, 8);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	poll(NULL, 0, 200);
	expect_alive();
}

Test(control_restart, a_dead_servers_socket_is_replaced)
{
	struct control *second;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sock", directory);
	if (fork() == 0) {
		control_listen(path, (gid_t)-1, &server);
		_exit(0);
	}
	poll(NULL, 0, 300);
	json_t *request = json_object(), *reply;

	cr_assert_eq(control_call(path, request, 500, &reply), -ECONNREFUSED);
	cr_assert_eq(control_listen(path, (gid_t)-1, &second), 0);
	control_close(second);
	cr_assert_eq(control_call(path, request, 500, &reply), -ENOENT);
	json_decref(request);
	rmdir(directory);
}
