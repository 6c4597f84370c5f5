/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curfew geo build -o OUT.mmdb IN.csv... */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/cmd/geo_tool.h"
#include "app/cmd/options.h"
#include "base/buf.h"
#include "base/units.h"
#include "core/geo/build.h"
#include "core/geo/columns.h"
#include "core/geo/csv.h"
#include "core/geo/mmdb_write.h"
#include "core/geo/place.h"
#include "core/geo/text.h"
#include "port/mmdb.h"

struct build_options {
	const char *output, *columns, *type;
	bool narrow;
};

static int failed(const char *what, const char *path)
{
	cmd_error("%s %s: %s", what, path, strerror(errno));
	return EXIT_USAGE;
}

static int read_whole(const char *path, struct buf *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[65536];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_add(ret, block, (size_t)n);
	}
	return 0;
}

static int read_csv(const char *path, const struct build_options *o, struct geo_table **ret)
{
	struct geo_progress progress = geo_tool_progress();
	struct geo_csv_options options = { .columns = o->columns,
					   .narrow = o->narrow,
					   .progress = &progress };
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_free_ char *why = NULL;
	size_t cuts = 0;
	int r;

	if (read_whole(path, &text) < 0)
		return failed("cannot read", path);
	r = geo_csv_parse(path, buf_text(&text), text.n, &options, ret, &cuts, &why);
	geo_tool_progress_end();
	if (r < 0) {
		fprintf(stderr, "%s\n", why);
		return EXIT_USAGE;
	}
	if (cuts)
		cmd_error("%s: %zu overlapping %s cut", path, cuts,
			  cuts == 1 ? "range was" : "ranges were");
	return OPTIONS_GO;
}

static int read_all(const struct build_options *o, char **paths, int n, struct geo_table **ret)
{
	_cleanup_geo_table_ struct geo_table *all = NULL;

	for (int i = 0; i < n; i++) {
		_cleanup_geo_table_ struct geo_table *one = NULL, *both = NULL;
		int r = read_csv(paths[i], o, &one);

		if (r != OPTIONS_GO)
			return r;
		if (all && geo_overlay(all, one, &both) < 0) {
			cmd_error("%s cannot be laid over the files before it", paths[i]);
			return EXIT_DEGRADED;
		}
		geo_table_free(all);
		all = both ? TAKE(both) : TAKE(one);
	}
	*ret = TAKE(all);
	return OPTIONS_GO;
}

/* So that the same input gives the same file (reproducible-builds.org). */
static uint64_t build_time(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL;
	uint64_t t;

	errno = 0;
	t = epoch && *epoch >= '0' && *epoch <= '9' ? strtoull(epoch, &end, 10) : 0;
	return end && !*end && !errno ? t : (uint64_t)time(NULL);
}

static int write_file(int fd, const struct buf *b)
{
	size_t done = 0;

	while (done < b->n) {
		ssize_t n = write(fd, b->s + done, b->n - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* What was written is read back before it takes the old file's place. */
static int check_written(const char *path, const struct geo_table *t, struct mmdb_report *ret)
{
	_cleanup_geo_table_ struct geo_table *back = NULL;
	_cleanup_free_ char *why = NULL;

	if (mmdb_load(path, NULL, &back, ret, &why) < 0) {
		cmd_error("what was built is refused: it %s", why);
		return EXIT_DEGRADED;
	}
	if (back->ranges.n > t->ranges.n) {
		cmd_error("what was built is not what was read");
		return EXIT_DEGRADED;
	}
	return OPTIONS_GO;
}

static int put_in_place(const char *output, const struct buf *b, const struct geo_table *t,
			struct mmdb_report *ret)
{
	_cleanup_free_ char *path = xprintf("%s.XXXXXX", output);
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	mode_t mask = umask(0);
	int r;

	umask(mask);
	if (fd < 0)
		return failed("cannot make", path);
	if (fchmod(fd, 0666 & ~mask) < 0 || write_file(fd, b) < 0) {
		r = failed("cannot write", path);
		unlink(path);
		return r;
	}
	r = check_written(path, t, ret);
	if (r == OPTIONS_GO && rename(path, output) < 0)
		r = failed("cannot replace", output);
	if (r != OPTIONS_GO)
		unlink(path);
	return r;
}

static void say_built(const char *output, const struct mmdb_report *r)
{
	char ranges[COUNT_TEXT_MAX], records[COUNT_TEXT_MAX], size[UNITS_TEXT_MAX];

	printf("%s: %s ranges, %s different records, %s\n", output, count_format(r->ranges, ranges),
	       count_format(r->facts.records, records), size_format(r->file_bytes, size));
}

static int build(const struct build_options *o, char **paths, int n)
{
	struct geo_progress progress = geo_tool_progress();
	_cleanup_geo_table_ struct geo_table *table = NULL;
	_cleanup_buf_ struct buf b = { 0 };
	struct mmdb_report report;
	int r;

	r = read_all(o, paths, n, &table);
	if (r != OPTIONS_GO)
		return r;
	table->built_at = build_time();
	table->type = o->type ? xstrdup(o->type) : NULL;
	r = mmdb_write(table, &progress, &b);
	geo_tool_progress_end();
	if (r < 0) {
		cmd_error("%s", r == -ENODATA ? "the input says nothing about any address"
					      : "too much for one database");
		return EXIT_USAGE;
	}
	r = put_in_place(o->output, &b, table, &report);
	if (r != OPTIONS_GO)
		return r;
	say_built(o->output, &report);
	return EXIT_FINE;
}

int geo_tool_build(struct cli *cli, int argc, char **argv)
{
	static const struct option_row rows[] = {
		OPTION(struct build_options, output, "output", 'o', OPTION_TEXT),
		OPTION(struct build_options, columns, "columns", 0, OPTION_TEXT),
		OPTION(struct build_options, type, "type", 0, OPTION_TEXT),
		OPTION(struct build_options, narrow, "narrow", 0, OPTION_FLAG),
		{ .kind = OPTION_END },
	};
	_cleanup_free_ char *why = NULL;
	struct build_options o = { 0 };
	struct geo_columns columns;
	int r;

	r = options_parse(cli, rows, &o, &argc, &argv);
	if (r != OPTIONS_GO)
		return r;
	if (!o.output)
		return cmd_usage(cli, "where to? -o OUT.mmdb");
	if (!argc)
		return cmd_usage(cli, "which CSV files?");
	if (o.columns && geo_columns_parse(o.columns, &columns, &why) < 0)
		return cmd_usage(cli, "--columns: %s", why);
	if (o.type && (!o.type[0] || !geo_text_clean(o.type, strlen(o.type))))
		return cmd_usage(cli, "--type wants a plain name");
	return build(&o, argv, argc);
}
