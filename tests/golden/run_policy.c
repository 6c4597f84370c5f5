/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run_policy [--update] bad|warn|good DIR: every NAME.conf in DIR against its
 * neighbours.
 *
 * bad   is refused; what it is told is NAME.err, to the byte
 * warn  passes with warnings, which are NAME.err; it is compiled, too, and where it names a
 *       database, that is the lab's
 * good  parses; printed it is NAME.out; that parses and prints to itself; what
 *       the checker says is NAME.check (no such file: nothing)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/geo/csv.h"
#include "core/image/image.h"
#include "port/files.h"
#include "port/zones.h"

#define BAD_MIN  500 /* fewer cases than promised mean that some were lost */
#define GOOD_MIN 15
#define WARN_MIN 10

static bool update;
static unsigned int failures;

/* Reads NAME.conf from `text` and everything else from the file system. */
struct substitute {
	const char *path;
	const struct buf *text;
};

static int substitute_read(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	const struct substitute *s = arg;

	if (strcmp(path, s->path) != 0)
		return policy_io_files.read_file(NULL, path, ret_text, ret_size);
	*ret_text = xstrdup(buf_text(s->text));
	*ret_size = s->text->n;
	return 0;
}

static int substitute_glob(void *arg _unused_, const char *pattern, char ***ret_paths)
{
	return policy_io_files.glob(NULL, pattern, ret_paths);
}

static char *replace_suffix(const char *path, const char *suffix)
{
	return xprintf("%.*s%s", (int)(strlen(path) - strlen(".conf")), path, suffix);
}

static void fail(const char *path, const char *what)
{
	printf("FAIL %s: %s\n", path, what);
	failures++;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
}

/* A file that is not there stands for an empty one, and is not made for nothing. */
static void expect_file(const char *conf, const char *suffix, const char *got)
{
	_cleanup_free_ char *path = replace_suffix(conf, suffix), *want = NULL;
	size_t n;

	if (files_read(path, FILES_SIZE_MAX, &want, &n) < 0)
		want = xstrdup("");
	if (!strcmp(want, got))
		return;
	if (update) {
		write_file(path, got);
		printf("updated %s\n", path);
		return;
	}
	fail(path, "differs");
	printf("--- wanted\n%s--- got\n%s---\n", want, got);
}

static void expect_diags(const char *conf, const char *suffix, const struct diag_list *diags)
{
	_cleanup_buf_ struct buf text = { 0 };

	diag_print(diags, &text);
	expect_file(conf, suffix, buf_text(&text));
}

/* Every error names file, line and column, and the line is the one in the file. */
static void expect_places(const char *conf, const struct diag_list *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *d = &diags->v[i];

		if (!d->file || !d->pos.line || !d->pos.col)
			fail(conf, "an error without a place");
		if (d->line && d->pos.col > strlen(d->line) + 1)
			fail(conf, "a column beyond its line");
	}
	if (diag_errors(diags) > POLICY_ERRORS_MAX)
		fail(conf, "more errors than are to be shown");
}

static void run_bad(const char *conf)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_policy_set_ struct policy_set *set = NULL;
	int r = policy_parse(&policy_io_files, conf, &set, &diags);

	if (r == 0)
		policy_check(set, &policy_io_files, &diags);
	else if (r != -EINVAL || set)
		fail(conf, "policy_parse() breaks its promise");
	if (!diag_errors(&diags))
		fail(conf, "no error");
	expect_places(conf, &diags);
	expect_diags(conf, ".err", &diags);
}

#define GEO "../../fixtures/lab-geo.csv"
#define NOW ((struct utc){ 1795392000 }) /* 2026-11-23 */

static struct geo_table *read_geo(void)
{
	_cleanup_free_ char *text = NULL, *why = NULL;
	struct geo_csv_options options = { 0 };
	struct geo_table *t = NULL;
	size_t n = 0;

	if (files_read(GEO, FILES_SIZE_MAX, &text, &n) < 0 ||
	    geo_csv_parse(GEO, text, n, &options, &t, NULL, &why) < 0)
		fail(GEO, why ? why : "cannot be read");
	return t;
}

/* What only the tables show. */
static void compile(const struct policy_set *set, const char *conf, struct diag_list *diags)
{
	_cleanup_geo_table_ struct geo_table *geo = set->geo.n ? read_geo() : NULL;
	_cleanup_zones_ struct zones *zones = zones_new(NULL);
	struct zone_source source = zones_source(zones);
	_cleanup_image_ struct image *img = NULL;
	struct image_input in = {
		.set = set,
		.geo = { .city = geo },
		.zones = &source,
		.geo_missing = !geo,
		.now = NOW,
		.days = 36,
		.warn = true,
	};

	zones_set_site(zones, set->site.timezone ? set->site.timezone : "UTC");
	if (image_compile(&in, &img, diags) < 0)
		fail(conf, "does not compile");
}

static void run_warn(const char *conf)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_policy_set_ struct policy_set *set = NULL;

	if (policy_parse(&policy_io_files, conf, &set, &diags) == 0)
		policy_check(set, &policy_io_files, &diags);
	if (diag_errors(&diags))
		fail(conf, "an error");
	else
		compile(set, conf, &diags);
	if (!diags.n)
		fail(conf, "no warning");
	expect_places(conf, &diags);
	expect_diags(conf, ".err", &diags);
}

static void run_good(const char *conf)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 }, again_diags = { 0 }, check = { 0 };
	_cleanup_policy_set_ struct policy_set *set = NULL, *again = NULL;
	_cleanup_buf_ struct buf first = { 0 }, second = { 0 };
	struct substitute printed = { .path = conf, .text = &first };
	struct policy_io io = { substitute_read, substitute_glob, &printed };

	if (policy_parse(&policy_io_files, conf, &set, &diags) < 0) {
		fail(conf, "does not parse");
		expect_diags(conf, ".check", &diags);
		return;
	}
	policy_print(set, &first);
	expect_file(conf, ".out", buf_text(&first));
	policy_check(set, &policy_io_files, &check);
	if (!diag_errors(&check))
		compile(set, conf, &check);
	expect_diags(conf, ".check", &check);
	if (policy_parse(&io, conf, &again, &again_diags) < 0) {
		fail(conf, "what was printed does not parse");
		return;
	}
	policy_print(again, &second);
	if (strcmp(buf_text(&first), buf_text(&second)) != 0)
		fail(conf, "what was printed prints differently");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *kind;
		void (*run)(const char *conf);
		size_t min;
	} kinds[] = { { "bad", run_bad, BAD_MIN },
		      { "warn", run_warn, WARN_MIN },
		      { "good", run_good, GOOD_MIN } };
	char **paths = NULL;
	size_t n = 0, k = 0;

	update = argc > 1 && !strcmp(argv[1], "--update");
	argv += update;
	argc -= update;
	while (argc == 3 && k < ARRAY_SIZE(kinds) && strcmp(kinds[k].kind, argv[1]) != 0)
		k++;
	if (argc != 3 || k == ARRAY_SIZE(kinds) || chdir(argv[2]) < 0) {
		fprintf(stderr, "usage: run_policy [--update] bad|warn|good DIR\n");
		return 2;
	}
	if (policy_io_files.glob(NULL, "*.conf", &paths) < 0)
		return 2;
	for (n = 0; paths[n]; n++) {
		kinds[k].run(paths[n]);
		free(paths[n]);
	}
	free(paths);
	if (n < kinds[k].min)
		fail(argv[2], "too few cases");
	printf("%zu cases, %u failures\n", n, failures);
	return failures ? 1 : 0;
}
