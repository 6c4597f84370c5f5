/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules made by hand: they survive a restart, end when they should, and are expressions, nothing
 * more. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/daemon/manual.h"
#include "base/buf.h"
#include "port/files.h"

static struct manual_entry *add(struct manual_book *b, bool allow, const char *from, const char *to)
{
	struct manual_entry *e = manual_add(b);

	e->allow = allow;
	e->from = xstrdup(from);
	e->to = xstrdup(to);
	return e;
}

static struct policy_set *names(void)
{
	char path[] = "/tmp/curfew-manual-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "outside eth0\nset bad = 192.0.2.0/24\nset cams = 10.0.0.0/24\n";
	struct diag_list diags = { 0 };
	struct policy_set *set = NULL;

	cr_assert_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	cr_assert_eq(policy_parse(&policy_io_files, path, &set, &diags), 0);
	unlink(path);
	diag_list_done(&diags);
	return set;
}

Test(manual, survive_a_restart)
{
	char path[] = "/tmp/curfew-manual-XXXXXX";
	struct manual_book b = { 0 }, again;
	struct manual_entry *e;

	close(mkstemp(path));
	e = add(&b, false, "10.0.0.1", "country CN");
	e->reason = xstrdup("a \"reason\"\n上海");
	e->until.s = 5000;
	e->by = 7;
	e = add(&b, true, "any", "bad");
	e->up_to_bytes = 5000000000;
	e->used_bytes = 12;
	b.last_id = 9;
	cr_assert_eq(manual_save(&b, path), 0);
	cr_assert_eq(manual_load(path, &again), 0);
	cr_assert_eq(again.n, 2);
	cr_assert_eq(again.last_id, 9, "a number is never used twice");
	cr_assert_str_eq(again.v[0].from, "10.0.0.1");
	cr_assert_str_eq(again.v[0].reason, b.v[0].reason);
	cr_assert_eq(again.v[0].until.s, 5000);
	cr_assert_eq(again.v[0].by, 7);
	cr_assert_not(again.v[0].allow);
	cr_assert(again.v[1].allow);
	cr_assert_eq(again.v[1].up_to_bytes, 5000000000);
	cr_assert_eq(again.v[1].used_bytes, 12);
	cr_assert_eq(again.v[1].until.s, MANUAL_FOREVER);
	cr_assert_null(again.v[1].reason);
	manual_book_done(&b);
	manual_book_done(&again);
	unlink(path);
}

Test(manual, a_damaged_file_is_an_error_and_none_is_not)
{
	static const char *const damaged[] = {
		"", "{", "[]", "{\"rules\":[{\"id\":1}]}",
		"{\"rules\":[{\"id\":-1,\"allow\":false,\"from\":\"any\",\"to\":\"any\","
		"\"made_at\":1,\"until\":2,\"up_to_bytes\":0,\"used_bytes\":0,\"by\":0,"
		"\"reason\":null}]}"
	};
	char path[] = "/tmp/curfew-manual-XXXXXX";
	struct manual_book b;

	close(mkstemp(path));
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		FILE *f = fopen(path, "we");

		fputs(damaged[i], f);
		fclose(f);
		cr_assert_eq(manual_load(path, &b), -EINVAL, "case %zu", i);
	}
	unlink(path);
	cr_assert_eq(manual_load(path, &b), 0);
	cr_assert_eq(b.n, 0);
}

Test(manual, end_by_time_and_by_amount)
{
	struct manual_book b = { 0 };

	add(&b, false, "any", "192.0.2.1")->until.s = 100;
	add(&b, false, "any", "192.0.2.2");
	add(&b, true, "any", "192.0.2.3")->up_to_bytes = 10;
	cr_assert_eq(manual_expire(&b, (struct utc){ 99 }), 0);
	cr_assert_eq(manual_expire(&b, (struct utc){ 100 }), 1);
	cr_assert_eq(b.n, 2);
	b.v[1].used_bytes = 10;
	cr_assert_eq(manual_expire(&b, (struct utc){ 101 }), 1);
	cr_assert_eq(b.n, 1);
	cr_assert_str_eq(b.v[0].to, "192.0.2.2");
	cr_assert(manual_remove(&b, 2));
	cr_assert_not(manual_remove(&b, 2));
	manual_book_done(&b);
}

Test(manual, read_as_in_a_policy)
{
	_cleanup_policy_set_ struct policy_set *set = names();
	struct manual_book b = { 0 };
	struct manual_rules rules;
	char *error = NULL;

	add(&b, false, "cams", "bad, 203.0.113.0/24");
	add(&b, true, "any", "any");
	cr_assert_eq(manual_read(&b, set, &rules, &error), 0, "%s", error);
	cr_assert_eq(rules.list.n, 2);
	cr_assert_eq(rules.list.v[0].from->atom.kind, ATOM_SET);
	cr_assert_eq(rules.list.v[0].from->atom.set, 1);
	cr_assert_eq(rules.list.v[0].to->op, EXPR_OR);
	cr_assert_eq(rules.list.v[0].to->pos.line, 0);
	cr_assert_eq(rules.list.v[0].id, 1);
	cr_assert_null(rules.list.v[1].to, "any is no condition");
	cr_assert(rules.list.v[1].allow);
	manual_rules_done(&rules);
	manual_book_done(&b);
}

Test(manual, what_is_no_expression_is_refused)
{
	static const char *const wrong[] = {
		"nosuchset",
		"10.0.0.0/33",
		"",
		"192.0.2.1 }",
		"192.0.2.1 } mode enforce",
		"any service tcp/22",
		"any except",
		"any to any",
		"\"",
		"vendor \"x\"",
	};
	_cleanup_policy_set_ struct policy_set *set = names();

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct manual_rules rules = { 0 };
		struct manual_book b = { 0 };
		char *error = NULL;

		add(&b, false, "any", wrong[i]);
		cr_assert_eq(manual_read(&b, set, &rules, &error), -EINVAL, "'%s'", wrong[i]);
		cr_assert_not_null(error);
		cr_assert_not_null(strstr(error, "block 1"), "%s", error);
		free(error);
		manual_book_done(&b);
	}
}
