/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/buf.h"

struct sink {
	char *path;
	int fd;
	bool torn; /* the file ends within a line that could not be finished */
	int error;
	uint64_t lost;
};

static int reopen(struct sink *s)
{
	int fd = open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		      0640);

	if (fd < 0)
		return -errno;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	s->torn = false;
	return 0;
}

static bool moved(const struct sink *s)
{
	struct stat there, ours;

	if (s->fd < 0 || stat(s->path, &there) < 0 || fstat(s->fd, &ours) < 0)
		return true;
	return there.st_dev != ours.st_dev || there.st_ino != ours.st_ino;
}

struct sink *sink_open(const char *path)
{
	struct sink *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(path);
	s->fd = -1;
	s->error = reopen(s);
	return s;
}

void sink_close(struct sink *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

static int append(struct sink *s, const char *line, size_t n)
{
	struct iovec v[] = {
		{ .iov_base = (char *)"\n", .iov_len = s->torn ? 1 : 0 },
		{ .iov_base = (char *)line, .iov_len = n },
		{ .iov_base = (char *)"\n", .iov_len = 1 },
	};
	size_t all = v[0].iov_len + n + 1;
	ssize_t done;

	do {
		done = writev(s->fd, v, ARRAY_SIZE(v));
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return -errno;
	if ((size_t)done == all) {
		s->torn = false;
		return 0;
	}
	/* the rest would have to wait; the next line begins on its own */
	s->torn = done > 0 || s->torn;
	return -ENOSPC;
}

int sink_write(struct sink *s, const char *line, size_t n)
{
	int r = moved(s) ? reopen(s) : 0;

	/* the old file still takes it while the new one cannot be made */
	if (s->fd >= 0)
		r = append(s, line, n);
	if (r < 0)
		s->lost++;
	s->error = r;
	return r;
}

const char *sink_path(const struct sink *s)
{
	return s->path;
}

uint64_t sink_lost(const struct sink *s)
{
	return s->lost;
}

int sink_error(const struct sink *s)
{
	return s->error;
}

static ssize_t read_at(int fd, char *buf, size_t n, off_t at)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = pread(fd, buf + have, n - have, at + (off_t)have);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

int file_tail(const char *path, size_t max_bytes, char **ret_text, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t n, skip = 0;
	ssize_t have;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = (size_t)st.st_size < max_bytes ? (size_t)st.st_size : max_bytes;
	text = xcalloc(n + 1, 1);
	have = read_at(fd, text, n, st.st_size - (off_t)n);
	if (have < 0)
		return (int)have;
	n = (size_t)have;
	while (n && text[n - 1] != '\n')
		n--;
	if (st.st_size > have) {
		const char *first = memchr(text, '\n', n);

		skip = first ? (size_t)(first - text) + 1 : n;
	}
	memmove(text, text + skip, n - skip);
	text[n - skip] = 0;
	*ret_text = TAKE(text);
	*ret_size = n - skip;
	return 0;
}
