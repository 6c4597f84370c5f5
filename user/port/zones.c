/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/zones.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define ZONEINFO       "/usr/share/zoneinfo/"
#define LOCALTIME      "/etc/localtime"
#define TIMEZONE       "/etc/timezone"
#define ZONE_BYTES_MAX (1 << 20) /* the largest in use has 4 kB */
#define NAME_CHARS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_/."

struct entry {
	char *name;
	struct zone *zone; /* NULL: built in, or error */
	int error;
};

struct zones {
	char *root;
	char *site; /* NULL: the machine's own */
	struct {
		struct entry **v; /* what they hold must not move */
		size_t n, cap;
	} cache;
	bool local_known;
	int local_error;
	const struct zone *local;
	char *local_name;
	struct zone *local_own; /* if no name leads to it */
};

struct zones *zones_new(const char *root)
{
	struct zones *z = xcalloc(1, sizeof(*z));

	z->root = xstrdup(root ? root : "");
	return z;
}

void zones_free(struct zones *z)
{
	if (!z)
		return;
	for (size_t i = 0; i < z->cache.n; i++) {
		zone_free(z->cache.v[i]->zone);
		free(z->cache.v[i]->name);
		free(z->cache.v[i]);
	}
	free(z->cache.v);
	zone_free(z->local_own);
	free(z->local_name);
	free(z->site);
	free(z->root);
	free(z);
}

/* Regular files only: a fifo in the way must not stop the daemon. */
static int read_file(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	struct stat st;
	size_t n = 0;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	if (st.st_size > ZONE_BYTES_MAX)
		return -EFBIG;
	data = xcalloc(1, (size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, data + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret = TAKE(data);
	*ret_size = n;
	return 0;
}

static int read_rooted(const struct zones *z, const char *dir, const char *name, char **ret,
		       size_t *ret_size)
{
	_cleanup_free_ char *path = xprintf("%s%s%s", z->root, dir, name);

	return read_file(path, ret, ret_size);
}

static bool name_valid(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > 255 || strspn(name, NAME_CHARS) != n || *name == '/' || name[n - 1] == '/')
		return false;
	/* a part that begins with a dot is a directory entry, never a zone */
	return *name != '.' && !strstr(name, "/.") && !strstr(name, "..");
}

static bool is_utc(const char *name)
{
	return !strcmp(name, "UTC") || !strcmp(name, "Etc/UTC");
}

static int load(const struct zones *z, const char *name, struct zone **ret)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = read_rooted(z, ZONEINFO, name, &data, &size);

	return r < 0 ? r : zone_parse(data, size, ret);
}

int zones_get(struct zones *z, const char *name, const struct zone **ret)
{
	struct entry *e = NULL;

	if (!name_valid(name))
		return -EINVAL;
	for (size_t i = 0; i < z->cache.n && !e; i++)
		if (!strcmp(z->cache.v[i]->name, name))
			e = z->cache.v[i];
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->name = xstrdup(name);
		e->error = is_utc(name) ? 0 : load(z, name, &e->zone);
		*VEC_ADD(&z->cache) = e;
	}
	if (e->error < 0)
		return e->error;
	*ret = e->zone ? e->zone : zone_utc();
	return 0;
}

/* "/usr/share/zoneinfo/Europe/Berlin", also as a relative path: what follows "zoneinfo/". */
static char *linked_name(const struct zones *z)
{
	_cleanup_free_ char *path = xprintf("%s%s", z->root, LOCALTIME);
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *name;

	if (n < 0)
		return NULL;
	target[n] = 0;
	name = strstr(target, "zoneinfo/");
	if (!name || !name_valid(name + strlen("zoneinfo/")))
		return NULL;
	return xstrdup(name + strlen("zoneinfo/"));
}

/* Debian keeps the name beside a copy; the two may have gone different ways. */
static char *written_name(const struct zones *z, const char *data, size_t size)
{
	_cleanup_free_ char *name = NULL, *same = NULL;
	size_t n;

	if (read_rooted(z, "", TIMEZONE, &name, &n) < 0)
		return NULL;
	name[strcspn(name, " \t\r\n")] = 0;
	if (!name_valid(name) || read_rooted(z, ZONEINFO, name, &same, &n) < 0)
		return NULL;
	return n == size && !memcmp(same, data, n) ? TAKE(name) : NULL;
}

static int find_local(struct zones *z)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	z->local_name = linked_name(z);
	if (z->local_name)
		return zones_get(z, z->local_name, &z->local);
	r = read_rooted(z, "", LOCALTIME, &data, &size);
	if (r == -ENOENT) {
		z->local_name = xstrdup("UTC");
		z->local = zone_utc();
		return 0;
	}
	if (r == 0)
		r = zone_parse(data, size, &z->local_own);
	if (r < 0)
		return r;
	z->local = z->local_own;
	z->local_name = written_name(z, data, size);
	return 0;
}

int zones_local(struct zones *z, const struct zone **ret, const char **ret_name)
{
	if (!z->local_known) {
		z->local_error = find_local(z);
		z->local_known = true;
	}
	if (z->local_error < 0)
		return z->local_error;
	*ret = z->local;
	if (ret_name)
		*ret_name = z->local_name;
	return 0;
}

void zones_set_site(struct zones *z, const char *name)
{
	free(z->site);
	z->site = name ? xstrdup(name) : NULL;
}

static const struct zone *source_get(void *arg, const char *name)
{
	struct zones *z = arg;
	const struct zone *zone = NULL;
	int r;

	if (!name)
		name = z->site;
	r = name ? zones_get(z, name, &zone) : zones_local(z, &zone, NULL);
	return r < 0 ? NULL : zone;
}

struct zone_source zones_source(struct zones *z)
{
	return (struct zone_source){ .get = source_get, .arg = z };
}
