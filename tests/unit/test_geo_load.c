/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The databases that a policy set names. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mmdb_help.h"
#include "port/geo_load.h"

TestSuite(geo_load, .fini = mm_file_remove);

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert(!addr_parse(text, &a), "%s", text);
	return a;
}

static struct policy_set *set_with(const char *file, const struct geo_file *files, size_t n)
{
	struct policy_set *set = xcalloc(1, sizeof(*set));

	*VEC_ADD(&set->files) = xstrdup(file);
	for (size_t i = 0; i < n; i++) {
		struct geo_file g = files[i];

		g.path = xstrdup(g.path);
		*VEC_ADD(&set->geo) = g;
	}
	return set;
}

static void set_free(struct policy_set *set)
{
	free(set->files.v[0]);
	free(set->files.v);
	for (size_t i = 0; i < set->geo.n; i++)
		free(set->geo.v[i].path);
	free(set->geo.v);
	free(set);
}

static void write_country(struct buf *b)
{
	_cleanup_mm_ struct mm m = { 0 };

	mm_put(&m, "203.0.113.0/24", mm_country(&m, "CN"));
	mm_bytes(&m, b);
}

Test(geo_load, a_policy_sets_databases_are_found_beside_the_file_that_names_them)
{
	const struct geo_file files[] = { { { 0, 4, 1 }, GEO_COUNTRY, (char *)"test.mmdb" } };
	_cleanup_geo_tables_ struct geo_tables t = { 0 };
	struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	struct policy_set *set;
	char conf[256], *slash;
	struct geo_record r;
	struct addr a = ip("203.0.113.1");

	write_country(&b);
	snprintf(conf, sizeof(conf), "%s", mm_file(b.s, b.n));
	slash = strrchr(conf, '/');
	snprintf(slash, 16, "/curfew.conf");
	set = set_with(conf, files, 1);
	cr_assert_eq(geo_load(set, "/nowhere", NULL, &t, &diags), 0);
	cr_assert_eq(diags.n, 0);
	cr_assert(geo_find(&t.view, &a, &r));
	cr_assert_str_eq(r.cc, "CN");
	cr_assert_eq(t.files.v[0].report.networks4, 1);
	set_free(set);
}

Test(geo_load, a_policy_sets_bad_databases_are_errors_with_their_place)
{
	_cleanup_buf_ struct buf b = { 0 };
	const char *path;
	struct geo_tables t = { 0 };
	struct diag_list diags = { 0 };
	struct policy_set *set;

	write_country(&b);
	path = mm_file(b.s, b.n);
	{
		const struct geo_file files[] = {
			{ { 0, 4, 1 }, GEO_COUNTRY, (char *)"nothing.mmdb" },
			{ { 0, 5, 3 }, GEO_ASN, (char *)path },
			{ { 0, 6, 1 }, GEO_COUNTRY, (char *)path },
			{ { 0, 7, 1 }, GEO_COUNTRY, (char *)path },
		};
		set = set_with("/nowhere/curfew.conf", files, 4);
	}
	cr_assert_eq(geo_load(set, NULL, NULL, &t, &diags), -ENOENT);
	cr_assert_null(t.view.country);
	cr_assert_eq(diags.n, 3);
	cr_assert_eq(diags.v[0].pos.line, 4);
	cr_assert(strstr(diags.v[0].message, "/nowhere/nothing.mmdb"), "%s", diags.v[0].message);
	cr_assert_eq(diags.v[1].pos.line, 5);
	cr_assert_eq(diags.v[1].pos.col, 3);
	cr_assert_str_eq(diags.v[1].file, "/nowhere/curfew.conf");
	cr_assert(strstr(diags.v[1].message, "no AS numbers"), "%s", diags.v[1].message);
	cr_assert_eq(diags.v[2].pos.line, 7);
	diag_list_done(&diags);
	set_free(set);
}
