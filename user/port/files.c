/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

/* A file may grow while we read: what counts is what read() gives, up to max. */
static int read_all(int fd, size_t max, struct buf *out)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		if (out->n + (size_t)n > max)
			return -EFBIG;
		buf_add(out, chunk, (size_t)n);
	}
}

int files_read(const char *path, size_t max, char **ret_text, size_t *ret_size)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	/* without O_NONBLOCK, opening a pipe would wait for its writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = read_all(fd, max, &text);
	if (r < 0)
		return r;
	buf_add(&text, "", 0);
	*ret_size = text.n;
	*ret_text = text.s ? TAKE(text.s) : xstrdup("");
	return 0;
}

static int io_read(void *arg _unused_, const char *path, char **ret_text, size_t *ret_size)
{
	return files_read(path, FILES_SIZE_MAX, ret_text, ret_size);
}

/* A directory that is not there holds nothing; one that we may not read is an error. */
static int glob_failed(const char *path _unused_, int err)
{
	return err != ENOENT && err != ENOTDIR;
}

static int io_glob(void *arg _unused_, const char *pattern, char ***ret_paths)
{
	glob_t g = { 0 };
	char **paths;
	int r = glob(pattern, 0, glob_failed, &g);

	if (r == GLOB_NOSPACE || r == GLOB_ABORTED) {
		r = r == GLOB_NOSPACE ? -ENOMEM : errno ? -errno : -EIO;
		globfree(&g);
		return r;
	}
	paths = xcalloc(g.gl_pathc + 1, sizeof(*paths));
	for (size_t i = 0; i < g.gl_pathc; i++)
		paths[i] = xstrdup(g.gl_pathv[i]);
	globfree(&g);
	*ret_paths = paths;
	return 0;
}

const struct policy_io policy_io_files = { .read_file = io_read, .glob = io_glob };
