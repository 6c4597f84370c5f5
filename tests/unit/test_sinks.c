/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines reach the file that the path names now, whole, and nothing ever waits. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "port/sinks.h"

static char dir[64];
static char *path, *old;

static void setup(void)
{
	strcpy(dir, "/tmp/curfew-sinks-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	path = xprintf("%s/eve.json", dir);
	old = xprintf("%s/eve.json.1", dir);
}

static void teardown(void)
{
	unlink(path);
	unlink(old);
	rmdir(dir);
	free(path);
	free(old);
}

TestSuite(sinks, .init = setup, .fini = teardown, .timeout = 20);

static int put(struct sink *s, const char *line)
{
	return sink_write(s, line, strlen(line));
}

static void expect_content(const char *file, const char *want)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	cr_assert_eq(file_tail(file, 1 << 20, &text, &size), 0, "%s", file);
	cr_expect_str_eq(text, want);
}

Test(sinks, lines_are_appended_to_what_is_there)
{
	struct sink *s = sink_open(path);

	cr_expect_eq(put(s, "{\"a\":1}"), 0);
	sink_close(s);
	s = sink_open(path);
	cr_expect_eq(put(s, "{\"a\":2}"), 0);
	expect_content(path, "{\"a\":1}\n{\"a\":2}\n");
	sink_close(s);
}

Test(sinks, a_renamed_file_is_left_and_a_new_one_begun)
{
	struct sink *s = sink_open(path);

	put(s, "before");
	cr_assert_eq(rename(path, old), 0);
	cr_expect_eq(put(s, "after"), 0);
	expect_content(old, "before\n");
	expect_content(path, "after\n");
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(put(s, "again"), 0);
	expect_content(path, "again\n");
	sink_close(s);
}

Test(sinks, a_truncated_file_begins_at_its_start)
{
	struct sink *s = sink_open(path);

	put(s, "before");
	cr_assert_eq(truncate(path, 0), 0);
	cr_expect_eq(put(s, "after"), 0);
	expect_content(path, "after\n");
	sink_close(s);
}

Test(sinks, what_cannot_be_opened_is_reported_and_tried_again)
{
	_cleanup_free_ char *sub = xprintf("%s/sub", dir);
	_cleanup_free_ char *file = xprintf("%s/eve.json", sub);
	struct sink *s = sink_open(file);

	cr_expect_eq(sink_error(s), -ENOENT);
	cr_expect_eq(put(s, "lost"), -ENOENT);
	cr_expect_eq(sink_lost(s), 1);
	cr_assert_eq(mkdir(sub, 0700), 0);
	cr_expect_eq(put(s, "kept"), 0);
	cr_expect_eq(sink_error(s), 0);
	expect_content(file, "kept\n");
	sink_close(s);
	unlink(file);
	rmdir(sub);
}

Test(sinks, a_fifo_that_nobody_reads_does_not_hold_us)
{
	char line[4096];
	struct sink *s;
	int fd, r = 0;

	cr_assert_eq(mkfifo(path, 0600), 0);
	s = sink_open(path);
	cr_expect_eq(put(s, "nobody"), -ENXIO);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	cr_assert_geq(fd, 0);
	cr_expect_eq(put(s, "somebody"), 0);
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 1000 && r == 0; i++)
		r = sink_write(s, line, sizeof(line) - 1);
	cr_expect(r == -EAGAIN || r == -ENOSPC, "%d", r);
	cr_expect_gt(sink_lost(s), 1);
	close(fd);
	sink_close(s);
}

Test(sinks, after_a_torn_line_the_next_one_stands_alone)
{
	struct rlimit limit, was;
	struct sink *s = sink_open(path);

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
	put(s, "whole");
	limit = was;
	limit.rlim_cur = 10;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_lt(put(s, "torn in two"), 0);
	cr_expect_lt(put(s, "not at all"), 0);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
	cr_expect_eq(put(s, "next"), 0);
	expect_content(path, "whole\ntorn\nnext\n");
	cr_expect_eq(sink_lost(s), 2);
	sink_close(s);
}

Test(sinks, the_tail_is_cut_at_line_ends)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "w");

	fputs("first\nsecond\nthird\nunfinish", f);
	fclose(f);
	cr_assert_eq(file_tail(path, 20, &text, &size), 0);
	cr_expect_str_eq(text, "third\n");
	cr_expect_eq(size, 6);
	cr_expect_eq(file_tail(old, 20, &text, &size), -ENOENT);
	cr_expect_eq(file_tail(dir, 20, &text, &size), -EINVAL);
}
