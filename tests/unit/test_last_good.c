/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last good configuration can be read again when everything it was made from is gone. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/daemon/last_good.h"
#include "base/buf.h"
#include "port/files.h"

static char directory[] = "/tmp/curfew-last-good-XXXXXX";

static void up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	mkdir("state", 0700);
	mkdir("etc", 0700);
}

static void down(void)
{
	_cleanup_free_ char *command = xprintf("rm -rf '%s'", directory);

	cr_assert_eq(system(command), 0);
}
TestSuite(last_good, .init = up, .fini = down);

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static struct policy_set *parse(const char *path)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf text = { 0 };
	struct policy_set *set = NULL;

	policy_parse(&policy_io_files, path, &set, &diags);
	diag_print(&diags, &text);
	cr_assert_eq(diag_errors(&diags), 0, "%s", buf_text(&text));
	return set;
}

static const char conf[] = "outside eth0\n"
			   "geo country \"country.mmdb\"\n"
			   "set bad = file \"bad.txt\"\n"
			   "window off = dates file \"off.txt\"\n"
			   "policy \"p\" { from any  to bad  during off  then drop }\n"
			   "alert to file \"eve.json\"\n";

Test(last_good, is_complete_without_the_files_it_came_from)
{
	_cleanup_policy_set_ struct policy_set *set = NULL, *again = NULL;
	_cleanup_free_ char *path = NULL, *state = xprintf("%s/state", directory);
	_cleanup_buf_ struct buf before = { 0 }, after = { 0 };

	put("etc/c.conf", conf);
	put("etc/bad.txt", "192.0.2.0/24\n2001:db8::/32\n");
	put("etc/off.txt", "2026-12-25\n2026-12-31..2027-01-02\n");
	set = parse("etc/c.conf");
	policy_print(set, &before);
	cr_assert_eq(last_good_save(state, set), 0);
	policy_print(set, &after);
	cr_assert_str_eq(buf_text(&before), buf_text(&after), "saving leaves the set as it was");

	cr_assert_eq(system("rm -rf etc"), 0);
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(last_good_path(state, &path), 0);
	again = parse(path);
	cr_assert_eq(again->sets.v[0].expr->atom.prefixes.n, 2);
	cr_assert_eq(again->windows.v[0].when->dates.n, 2);
	cr_assert_eq(again->windows.v[0].when->dates.v[1].last.year, 2027);
	cr_assert_eq(again->geo.v[0].path[0], '/');
	cr_assert_eq(again->alert_to.files.v[0].name[0], '/');
	cr_assert_str_eq(again->policies.v[0].name, "p");
}

Test(last_good, the_newest_replaces_the_one_before)
{
	_cleanup_free_ char *state = xprintf("%s/state", directory), *path = NULL;
	_cleanup_policy_set_ struct policy_set *a = NULL, *b = NULL, *again = NULL;

	put("etc/a.conf", "outside eth0\nset x = file \"l.txt\"\n");
	put("etc/l.txt", "192.0.2.0/24\n");
	put("etc/b.conf", "outside eth1\n");
	a = parse("etc/a.conf");
	b = parse("etc/b.conf");
	cr_assert_eq(last_good_save(state, a), 0);
	cr_assert_eq(last_good_save(state, b), 0);
	cr_assert_eq(last_good_path(state, &path), 0);
	again = parse(path);
	cr_assert_str_eq(again->outside.v[0].name, "eth1");
	cr_assert_neq(access("state/last-good/list-1", F_OK), 0,
		      "lists of the one before stay behind");
	cr_assert_neq(access("state/last-good.new", F_OK), 0);
}

Test(last_good, none_is_an_error_of_its_own)
{
	char *path = NULL;

	cr_assert_eq(last_good_path(directory, &path), -ENOENT);
	cr_assert_null(path);
}

Test(last_good, knows_what_was_never_confirmed)
{
	_cleanup_free_ char *state = xprintf("%s/state", directory);
	_cleanup_policy_set_ struct policy_set *a = NULL, *b = NULL;

	put("etc/a.conf", "outside eth0\n");
	put("etc/b.conf", "outside eth0\nmode enforce\n");
	a = parse("etc/a.conf");
	b = parse("etc/b.conf");
	cr_assert_not(unconfirmed_is(state, b));
	cr_assert_eq(unconfirmed_save(state, b), 0);
	cr_assert(unconfirmed_is(state, b));
	cr_assert_not(unconfirmed_is(state, a));
	unconfirmed_forget(state);
	cr_assert_not(unconfirmed_is(state, b));
}
