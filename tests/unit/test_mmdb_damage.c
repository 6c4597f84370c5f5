/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damaged databases are refused, each for its own reason, and none of them
 * breaks the reader. Many of them open in libmaxminddb without complaint.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/geo/mmdb_write.h"
#include "mmdb_damage_kinds.h"

TestSuite(mmdb_damage, .fini = mm_file_remove);

Test(mmdb_damage, each_kind_is_refused_for_its_own_reason)
{
	unsigned int opened = 0;

	for (size_t i = 0; i < mmdb_damage_count; i++) {
		_cleanup_mm_ struct mm m = { 0 };
		_cleanup_buf_ struct buf b = { 0 };
		struct mmdb_report report;
		struct geo_table *t = NULL;
		char *why = NULL;
		MMDB_s db;
		int r;

		mmdb_damages[i].make(&m);
		mm_bytes(&m, &b);
		r = mm_load(&b, &t, &report, &why);
		cr_assert_lt(r, 0, "%s is accepted", mmdb_damages[i].name);
		cr_assert_null(t);
		if (mmdb_damages[i].error)
			cr_assert_eq(r, mmdb_damages[i].error, "%s: %s (%s)", mmdb_damages[i].name,
				     strerror(-r), why);
		cr_assert(strstr(why, mmdb_damages[i].part), "%s: %s", mmdb_damages[i].name, why);
		free(why);
		if (strcmp(mmdb_damages[i].name, "metadata_bomb") &&
		    MMDB_open(mm_file(b.s, b.n), MMDB_MODE_MMAP, &db) == MMDB_SUCCESS) {
			opened++;
			MMDB_close(&db);
		}
	}
	cr_log_info("%u of %zu open in libmaxminddb", opened, mmdb_damage_count);
	cr_assert_gt(opened, mmdb_damage_count / 2, "the walk is what refuses them");
}

Test(mmdb_damage, the_good_one_is_accepted)
{
	_cleanup_mm_ struct mm m = { 0 };
	_cleanup_geo_table_ struct geo_table *t = NULL;

	mmdb_damage_good(&m);
	t = mm_table(&m);
	cr_assert_eq(t->ranges.n, 3);
}

static int load_error(const char *path, char **ret_why)
{
	struct mmdb_report report;
	struct geo_table *t = NULL;
	int r = mmdb_load(path, NULL, &t, &report, ret_why);

	geo_table_free(t);
	return r;
}

Test(mmdb_damage, files_that_are_no_database)
{
	char path[256], *why;

	snprintf(path, sizeof(path), "%s", mm_file("", 0));
	cr_assert_eq(load_error(path, &why), -EFBIG);
	free(why);
	mm_file("hello", 5);
	cr_assert_eq(load_error(path, &why), -EMEDIUMTYPE);
	free(why);
	cr_assert_eq(load_error("/tmp", &why), -EMEDIUMTYPE);
	free(why);
	cr_assert_eq(load_error("/nonexistent/x.mmdb", &why), -ENOENT);
	free(why);
	/* Must not wait for a writer. */
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(load_error(path, &why), -EMEDIUMTYPE);
	free(why);
}

/* A sparse one: nothing is read of it. */
Test(mmdb_damage, a_file_beyond_the_limit_is_not_read)
{
	const char *path = mm_file("x", 1);
	char *why;

	cr_assert_eq(truncate(path, (3LL << 30)), 0);
	cr_assert_eq(load_error(path, &why), -EFBIG);
	free(why);
}

static void larger(struct buf *b)
{
	_cleanup_mm_ struct mm m = { 0 };

	for (unsigned int i = 0; i < 60; i++) {
		char prefix[64];
		size_t at = mm_map(&m, 3);

		mm_text(&m, "country_code");
		mm_text(&m, i & 1 ? "CN" : "DE");
		mm_text(&m, "asn");
		mm_u32(&m, 64500 + i);
		mm_text(&m, "as_name");
		mm_text(&m, "A name");
		snprintf(prefix, sizeof(prefix), "10.%u.0.0/%u", i, 16 + i % 9);
		mm_put(&m, prefix, at);
		snprintf(prefix, sizeof(prefix), "2001:db8:%x::/%u", i * 257, 48 + i % 17);
		mm_put(&m, prefix, at);
	}
	mm_bytes(&m, b);
}

Test(mmdb_damage, cut_anywhere_it_is_refused)
{
	_cleanup_buf_ struct buf b = { 0 };

	larger(&b);
	for (size_t n = 1; n < b.n; n += n < b.n - 400 ? 37 : 1) {
		struct buf cut = { .s = b.s, .n = n };
		struct mmdb_report report;
		struct geo_table *t = NULL;
		char *why = NULL;

		cr_assert_lt(mm_load(&cut, &t, &report, &why), 0, "cut to %zu of %zu", n, b.n);
		free(why);
	}
}

static void assert_sane(const struct geo_table *t)
{
	for (size_t i = 0; i < t->ranges.n; i++) {
		const struct geo_range *r = &t->ranges.v[i];

		cr_assert_leq(addr_compare(&r->first, &r->last), 0);
		cr_assert_lt(r->record, t->records.n);
		cr_assert(!i || addr_compare(&t->ranges.v[i - 1].last, &r->first) < 0);
	}
}

/* Bits flipped at random: most are found; what is accepted is a table in order. */
Test(mmdb_damage, flipped_bits_never_break_it_and_are_mostly_found)
{
	_cleanup_buf_ struct buf b = { 0 };
	unsigned int accepted = 0, rounds = 3000;
	uint64_t seed = 7;

	larger(&b);
	for (unsigned int i = 0; i < rounds; i++) {
		struct buf c = { 0 };
		struct mmdb_report report;
		struct geo_table *t = NULL;
		char *why = NULL;

		buf_add(&c, b.s, b.n);
		for (unsigned int k = 0; k <= i % 4; k++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			c.s[(seed >> 20) % c.n] ^= (char)(1 << (seed >> 50 & 7));
		}
		if (!mm_load(&c, &t, &report, &why)) {
			assert_sane(t);
			accepted++;
		}
		geo_table_free(t);
		free(why);
		buf_done(&c);
	}
	cr_log_info("%u of %u accepted", accepted, rounds);
	/* Text and numbers of records carry no check; the tree and the structure do. */
	cr_assert_lt(accepted, rounds / 3);
}

/* Whole blocks of rubbish, as a bad disk or transfer leaves them. */
Test(mmdb_damage, blocks_of_rubbish_are_refused_if_they_touch_the_tree)
{
	_cleanup_buf_ struct buf b = { 0 };
	uint64_t seed = 11;

	larger(&b);
	for (unsigned int i = 0; i < 500; i++) {
		struct buf c = { 0 };
		struct mmdb_report report;
		struct geo_table *t = NULL;
		char *why = NULL;
		size_t at;

		buf_add(&c, b.s, b.n);
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		/* The first half of the file is tree. */
		at = (seed >> 33) % (c.n / 2);
		for (size_t k = at; k < at + 64; k++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			c.s[k] = i & 1 ? (char)(seed >> 40) : 0;
		}
		cr_assert_lt(mm_load(&c, &t, &report, &why), 0, "round %u at %zu", i, at);
		free(why);
		buf_done(&c);
	}
}

/* A file that is cut and rewritten in place while it is read: an error or the whole, never a
 * signal. */
Test(mmdb_damage, a_file_that_changes_while_it_is_read)
{
	_cleanup_buf_ struct buf b = { 0 };
	char path[256];
	unsigned int good_loads = 0;
	pid_t child;

	larger(&b);
	snprintf(path, sizeof(path), "%s", mm_file(b.s, b.n));
	child = fork();
	if (!child) {
		for (;;) {
			int fd = open(path, O_WRONLY);

			if (ftruncate(fd, (off_t)b.n / 3) < 0 || write(fd, b.s, b.n) < 0)
				_exit(1);
			close(fd);
			usleep(50);
		}
	}
	for (unsigned int i = 0; i < 400; i++) {
		struct mmdb_report report;
		struct geo_table *t = NULL;
		char *why = NULL;

		if (!mmdb_load(path, NULL, &t, &report, &why)) {
			cr_assert_eq(report.networks4, 60);
			good_loads++;
		}
		geo_table_free(t);
		free(why);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_log_info("%u of 400 loads succeeded", good_loads);
}
