/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/mmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/geo/mmdb_encode.h"
#include "port/mmdb_walk.h"

#define MARKER          "\xab\xcd\xefMaxMind.com"
#define MARKER_BYTES    (sizeof(MARKER) - 1)
#define METADATA_MAX    (128 * 1024) /* the specification's limit, marker included */
#define SEPARATOR_BYTES 16
#define COPY_BYTES      (1 << 20)

static int explain(char **ret_why, int error, char *why)
{
	*ret_why = why;
	return error;
}

static int copy(int from, int to, uint64_t expected, uint64_t *ret_copied)
{
	_cleanup_free_ char *block = xcalloc(COPY_BYTES, 1);
	uint64_t copied = 0;

	for (;;) {
		ssize_t n = read(from, block, COPY_BYTES), done = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		copied += (uint64_t)n;
		if (copied > expected)
			break;
		while (done < n) {
			ssize_t m = write(to, block + done, (size_t)(n - done));

			if (m < 0 && errno != EINTR)
				return -errno;
			done += m > 0 ? m : 0;
		}
	}
	*ret_copied = copied;
	return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A copy that nobody can change or cut: mapping the file itself would fault if it shrank. */
static int sealed_copy(const char *path, int *ret_fd, uint64_t *ret_size, char **ret_why)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	_cleanup_close_ int from = -1, to = -1;
	struct stat before, after;
	uint64_t copied;
	int r;

	/* Not to wait for the other end of a FIFO. */
	from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (from < 0 || fstat(from, &before) < 0) {
		r = -errno;
		return explain(ret_why, r, xprintf("cannot be read: %s", strerror(-r)));
	}
	if (!S_ISREG(before.st_mode))
		return explain(ret_why, -EMEDIUMTYPE, xstrdup("is not a regular file"));
	if (!before.st_size)
		return explain(ret_why, -EFBIG, xstrdup("is empty"));
	if ((uint64_t)before.st_size > MMDB_SIZE_MAX)
		return explain(ret_why, -EFBIG, xstrdup("is larger than 2 GiB"));
	to = memfd_create("curfew-mmdb", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0) {
		r = -errno;
		return explain(ret_why, r, xprintf("no memory file for it: %s", strerror(-r)));
	}
	r = copy(from, to, (uint64_t)before.st_size, &copied);
	if (r < 0)
		return explain(ret_why, r, xprintf("cannot be copied: %s", strerror(-r)));
	if (fstat(from, &after) < 0 || !same_file(&before, &after) ||
	    copied != (uint64_t)before.st_size)
		return explain(ret_why, -EBUSY, xstrdup("changed while it was read"));
	if (fcntl(to, F_ADD_SEALS, seals) < 0) {
		r = -errno;
		return explain(ret_why, r, xprintf("the copy cannot be sealed: %s", strerror(-r)));
	}
	*ret_fd = TAKE_FD(to);
	*ret_size = copied;
	return 0;
}

static int ignore_value(void *arg _unused_, const char *path _unused_,
			const struct mmdb_value *v _unused_)
{
	return 0;
}

/*
 * Where the metadata's marker stands, checked before the library sees it:
 * libmaxminddb follows pointers within metadata without a limit on their number.
 */
static int find_metadata(const uint8_t *p, size_t n, size_t *ret_marker, char **ret_why)
{
	const struct mmdb_visitor visitor = { ignore_value, NULL };
	size_t low = n > METADATA_MAX ? n - METADATA_MAX : 0;
	struct mmdb_data metadata;
	const char *why = "";
	size_t at = n;
	int r;

	if (n < MARKER_BYTES)
		return explain(ret_why, -EMEDIUMTYPE, xstrdup("is not a MaxMind DB: too short"));
	for (size_t i = n - MARKER_BYTES + 1; i-- > low;)
		if (!memcmp(p + i, MARKER, MARKER_BYTES)) {
			at = i;
			break;
		}
	if (at == n)
		return explain(ret_why, -EMEDIUMTYPE,
			       xstrdup("is not a MaxMind DB, or its end is missing"));
	metadata.p = p + at + MARKER_BYTES;
	metadata.n = n - at - MARKER_BYTES;
	r = mmdb_data_visit(&metadata, 0, &visitor, &why);
	if (r < 0)
		return explain(ret_why, -EPROTO, xprintf("the metadata is damaged: %s", why));
	*ret_marker = at;
	return 0;
}

static int check_metadata(const MMDB_s *db, size_t marker, struct mmdb_data *ret_data,
			  char **ret_why)
{
	const MMDB_metadata_s *m = &db->metadata;
	uint64_t tree = (uint64_t)m->node_count * db->full_record_byte_size;

	if (m->binary_format_major_version != 2)
		return explain(
			ret_why, -EPROTO,
			xprintf("format version %u is not 2", m->binary_format_major_version));
	if (m->ip_version != 4 && m->ip_version != 6)
		return explain(ret_why, -EPROTO, xprintf("IP version %u", m->ip_version));
	if (m->record_size != 24 && m->record_size != 28 && m->record_size != 32)
		return explain(ret_why, -EPROTO, xprintf("records of %u bits", m->record_size));
	if (!m->node_count)
		return explain(ret_why, -EPROTO, xstrdup("the tree has no node"));
	if (tree + SEPARATOR_BYTES > marker)
		return explain(ret_why, -EPROTO,
			       xprintf("%u nodes do not fit into the file", m->node_count));
	for (int i = 0; i < SEPARATOR_BYTES; i++)
		if (db->file_content[tree + (unsigned int)i])
			return explain(ret_why, -EUCLEAN,
				       xstrdup("the 16 bytes after the tree are not zero"));
	ret_data->p = db->file_content + tree + SEPARATOR_BYTES;
	ret_data->n = marker - tree - SEPARATOR_BYTES;
	return 0;
}

static void note_metadata(const MMDB_s *db, struct mmdb_report *report)
{
	const MMDB_metadata_s *m = &db->metadata;

	report->node_count = m->node_count;
	report->record_bits = m->record_size;
	report->ip_version = m->ip_version;
	report->built_at = m->build_epoch == MMDB_BUILT_UNKNOWN ? 0 : m->build_epoch;
	snprintf(report->type, sizeof(report->type), "%s", m->database_type ?: "");
	for (char *s = report->type; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
}

static int judge(const struct mmdb_report *report, char **ret_why)
{
	const struct mmdb_facts *f = &report->facts;

	if (!report->networks4 && !report->networks6)
		return explain(ret_why, -ENODATA, xstrdup("holds no network"));
	if (f->silent * 2ULL > f->records)
		return explain(ret_why, -ENOMSG,
			       xprintf("%u of %u records say neither country, ASN, city nor "
				       "location (the first has: %s)",
				       f->silent, f->records, f->keys[0] ? f->keys : "nothing"));
	if (f->bad * 100ULL > f->records)
		return explain(ret_why, -EDOM,
			       xprintf("%u of %u records have a value that cannot be (%s)", f->bad,
				       f->records, f->bad_example));
	return 0;
}

static int read_open(const MMDB_s *db, size_t marker, const struct geo_progress *progress,
		     struct geo_table **ret, struct mmdb_report *report, char **ret_why)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_table *table;
	struct mmdb_data data;
	int r;

	note_metadata(db, report);
	r = check_metadata(db, marker, &data, ret_why);
	if (r < 0)
		return r;
	r = mmdb_walk(db, &data, b, progress, report, ret_why);
	if (r < 0)
		return r;
	r = judge(report, ret_why);
	if (r < 0)
		return r;
	r = geo_builder_finish(b, &table);
	if (r < 0)
		return explain(ret_why, -EUCLEAN, xstrdup("networks of the tree overlap"));
	table->type = xstrdup(report->type);
	table->built_at = report->built_at;
	report->ranges = table->ranges.n;
	*ret = table;
	return 0;
}

static int open_database(int fd, uint64_t size, MMDB_s *db, size_t *ret_marker, char **ret_why)
{
	char path[sizeof("/proc/self/fd/") + 12];
	void *p;
	int r;

	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		r = -errno;
		return explain(ret_why, r, xprintf("cannot be mapped: %s", strerror(-r)));
	}
	r = find_metadata(p, size, ret_marker, ret_why);
	munmap(p, size);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = MMDB_open(path, MMDB_MODE_MMAP, db);
	if (r == MMDB_SUCCESS)
		return 0;
	if (r == MMDB_FILE_OPEN_ERROR || r == MMDB_IO_ERROR)
		return explain(ret_why, -EIO,
			       xprintf("%s cannot be opened: %s", path, strerror(errno)));
	return explain(ret_why, r == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EPROTO,
		       xstrdup(MMDB_strerror(r)));
}

int mmdb_load(const char *path, const struct geo_progress *progress, struct geo_table **ret,
	      struct mmdb_report *report, char **ret_why)
{
	_cleanup_close_ int fd = -1;
	size_t marker;
	MMDB_s db;
	int r;

	*report = (struct mmdb_report){ 0 };
	r = sealed_copy(path, &fd, &report->file_bytes, ret_why);
	if (r < 0)
		return r;
	r = open_database(fd, report->file_bytes, &db, &marker, ret_why);
	if (r < 0)
		return r;
	r = read_open(&db, marker, progress, ret, report, ret_why);
	MMDB_close(&db);
	return r;
}
