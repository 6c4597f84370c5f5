/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parser makes of a policy: the values in the tree, names, files. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"
#include "policy_help.h"

Test(policy_tree, quotas_have_bytes_keys_and_periods)
{
	_cleanup_policy_set_ struct policy_set *set =
		must_parse("window n = daily 22:00-06:00\n"
			   "policy \"p\" { from any  during n\n"
			   " quota 50 MB per source each window\n"
			   " quota 1.5 GiB wire per prefix 24/48 each 6 h\n"
			   " quota 7 B per asn each month from 15\n"
			   " at 100% drop, alert critical  at 80% alert }");
	const struct policy *p = &set->policies.v[0];

	cr_assert_eq(p->quotas.n, 3);
	cr_expect_eq(p->quotas.v[0].bytes, 50000000);
	cr_expect_not(p->quotas.v[0].wire);
	cr_expect_eq(p->quotas.v[0].key, CF_KEY_SOURCE);
	cr_expect_eq(p->quotas.v[0].period, PERIOD_WINDOW);
	cr_expect_eq(p->quotas.v[1].bytes, 1610612736);
	cr_expect(p->quotas.v[1].wire);
	cr_expect_eq(p->quotas.v[1].prefix4, 24);
	cr_expect_eq(p->quotas.v[1].prefix6, 48);
	cr_expect_eq(p->quotas.v[1].hours, 6);
	cr_expect_eq(p->quotas.v[2].month_day, 15);
	cr_assert_eq(p->ats.n, 2);
	cr_expect_eq(p->ats.v[0].percent, 80, "in order of percent, not of the file");
	cr_expect_eq(p->ats.v[0].actions.alert, CF_LEVEL_WARNING);
	cr_expect(p->ats.v[1].actions.drop);
	cr_expect_eq(p->ats.v[1].actions.alert, CF_LEVEL_CRITICAL);
}

Test(policy_tree, the_largest_quota_is_the_kernels)
{
	_cleanup_policy_set_ struct policy_set *set = NULL, *none = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	set = must_parse(
		"policy \"p\" { from any  quota 1024 GiB per source each day  at 100% drop }");
	cr_expect_eq(set->policies.v[0].quotas.v[0].bytes, CF_QUOTA_BYTES_MAX);
	cr_expect_eq(
		parse_text(
			"policy \"p\" { from any  quota 1099511627777 B per source each day  at 100% drop }",
			&none, &diags),
		-EINVAL);
	cr_expect_null(none);
}

Test(policy_tree, names_resolve_in_any_order)
{
	_cleanup_policy_set_ struct policy_set *set =
		must_parse("policy \"p\" { from b  to far  during w  then drop }\n"
			   "set b = a, 10.0.0.2\nset a = 10.0.0.1\nset far = country CN\n"
			   "window w = v\nwindow v = daily 22:00-06:00\n");
	const struct policy *p = policy_find_policy(set, "p");

	cr_expect_eq(p->from->atom.kind, ATOM_SET);
	cr_expect_eq(p->from->atom.set, policy_find_set(set, "b") - set->sets.v);
	cr_expect_eq(set->sets.v[0].expr->v[0]->atom.set, 1);
	cr_expect_eq(p->to->atom.set, 2);
	cr_expect_eq(p->during->window, 0);
	cr_expect_eq(set->windows.v[0].when->window, 1);
	cr_expect_null(policy_find_set(set, "w"));
	cr_expect_null(policy_find_window(set, "a"));
	cr_expect_null(policy_find_policy(set, "q"));
}

Test(policy_tree, expressions_bind_as_written)
{
	_cleanup_policy_set_ struct policy_set *set =
		must_parse("set x = country CN, country RU and beyond 5 km except AS1, AS2\n"
			   "set y = (country CN, country RU) and beyond 5 km");
	const struct expr *x = set->sets.v[0].expr, *y = set->sets.v[1].expr;

	cr_assert_eq(x->op, EXPR_EXCEPT);
	cr_expect_eq(x->v[0]->op, EXPR_OR);
	cr_expect_eq(x->v[0]->v[1]->op, EXPR_AND);
	cr_expect_eq(x->v[1]->op, EXPR_OR);
	cr_assert_eq(y->op, EXPR_AND);
	cr_expect_eq(y->v[0]->op, EXPR_OR);
	cr_expect_eq(y->v[1]->atom.number, 5);
}

Test(policy_tree, spans_of_days)
{
	_cleanup_policy_set_ struct policy_set *set = must_parse(
		"window a = daily 22:00-06:00\nwindow b = fri-mon 00:00-00:00\nwindow c = sat\n");
	const struct time_expr *a = set->windows.v[0].when, *b = set->windows.v[1].when;

	cr_expect_eq(a->days, 0x7f);
	cr_expect_eq(a->from, 1320);
	cr_expect_eq(a->until, 360);
	cr_expect_eq(b->days, 1 << 4 | 1 << 5 | 1 << 6 | 1);
	cr_expect_eq(b->until, 1440);
	cr_expect_eq(set->windows.v[2].when->days, 1 << 5);
	cr_expect_eq(set->site.weekend, 1 << 5 | 1 << 6, "without a site too");
}

Test(policy_tree, every_word_that_begins_something_is_reserved)
{
	static const char *const more[] = { "any",     "inside", "gateway", "mac",     "country",
					    "unknown", "file",   "daily",   "always",  "weekends",
					    "dates",   "from",   "to",      "then",    "at",
					    "drop",    "alert",  "mon",     "sun",     "except",
					    "and",     "during", "quota",   "service", "policies",
					    "until",   "host",   "per" };

	for (size_t i = 0; i < parse_top_rows; i++)
		cr_expect(word_reserved(parse_top_statements[i].word,
					strlen(parse_top_statements[i].word)),
			  "%s", parse_top_statements[i].word);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		cr_expect(word_reserved(more[i], strlen(more[i])), "%s", more[i]);
}

Test(policy_tree, fragments_count_paths_from_the_first_file)
{
	static const struct memory_file files[] = {
		{ "/etc/curfew/curfew.conf", "include \"policies.d/*.conf\"\n" },
		{ "/etc/curfew/policies.d/a.conf",
		  "set bad = file \"lists/drop.txt\"\nwindow h = dates file \"/srv/days.txt\"\ngeo asn \"asn.mmdb\"\n" },
		{ "/etc/curfew/policies.d/lists/drop.txt", "192.0.2.0/24\n2001:db8::1 # one\n;\n" },
		{ "/srv/days.txt", "2026-12-25\n2026-12-31..2027-01-02\n" },
		{ 0 },
	};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *path = NULL;

	cr_assert_eq(parse_files(files, &set, &diags), 0);
	cr_expect_str_eq(set->sets.v[0].expr->atom.text, "policies.d/lists/drop.txt");
	cr_assert_eq(set->sets.v[0].expr->atom.prefixes.n, 2);
	cr_expect_eq(set->sets.v[0].expr->atom.prefixes.v[1].bits, 128);
	cr_assert_eq(set->windows.v[0].when->dates.n, 2);
	cr_expect_eq(set->windows.v[0].when->dates.v[1].last.year, 2027);
	path = policy_set_path(set, set->geo.v[0].path);
	cr_expect_str_eq(path, "/etc/curfew/policies.d/asn.mmdb");
	cr_assert_eq(set->files.n, 4);
	cr_expect_str_eq(set->files.v[2], "/etc/curfew/policies.d/lists/drop.txt");
}

static int refuse_read(void *arg _unused_, const char *path _unused_, char **ret_text _unused_,
		       size_t *ret_size _unused_)
{
	return -EACCES;
}

Test(policy_tree, an_unreadable_first_file_is_an_error)
{
	struct policy_io io = { .read_file = refuse_read };
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;

	cr_assert_eq(policy_parse(&io, "/etc/curfew/curfew.conf", &set, &diags), -EINVAL);
	cr_expect_null(set);
	said = diag_text(&diags);
	cr_expect_str_eq(said,
			 "/etc/curfew/curfew.conf: error: cannot read it: Permission denied\n");
}

Test(policy_tree, arguments_are_expressions_too)
{
	_cleanup_policy_set_ struct policy_set *names =
		must_parse("set cams = vendor \"Dahua\"\nset lan = 10.0.0.0/8\n");
	static const struct {
		const char *text;
		bool from, ok;
	} rows[] = {
		{ "10.0.0.5", true, true },
		{ "country CN, AS64500", false, true },
		{ "country CN", true, false },
		{ "cams", true, true },
		{ "cams", false, false },
		{ "lan", false, true },
		{ "nothing", true, false },
		{ "10.0.0.5 country CN", false, false },
		{ "", false, false },
		{ "any except lan", true, true },
		{ "10.0.0.5 }", false, false },
		{ "file \"/etc/shadow\"", true, false },
		{ "{ 10.0.0.5 }", true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_diag_list_ struct diag_list diags = { 0 };
		struct expr *e = NULL;
		int r = policy_parse_expr_text(rows[i].text, rows[i].from, names, &e, &diags);

		cr_expect_eq(r, rows[i].ok ? 0 : -EINVAL, "%s", rows[i].text);
		cr_expect_eq(diag_errors(&diags) == 0, rows[i].ok, "%s", rows[i].text);
		cr_expect_eq(e != NULL, rows[i].ok, "%s", rows[i].text);
		expr_free(e);
	}
}

Test(policy_tree, arguments_without_names)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;
	struct expr *e = NULL;

	cr_expect_eq(policy_parse_expr_text("KE", false, NULL, &e, &diags), -EINVAL);
	said = diag_text(&diags);
	cr_expect_str_eq(
		said,
		"argument:1:1: error: there is no set 'KE'\n  KE\n  ^\n"
		"  help: did you mean 'country KE'? Each item of a list needs its own word\n");
}

/* Half-built trees after each possible cut: nothing leaks (ASan), nothing crashes, all is refused
 * or whole. */
Test(policy_tree, a_policy_cut_anywhere)
{
	static const char whole[] =
		"site { name \"x\"  location 1, 2  timezone \"UTC\"  weekend fri, sat }\n"
		"inside eth1, \"10g\"  outside eth0  networks 10.0.0.0/8\ngeo asn \"a\"\n"
		"set s = (country CN and AS1) except 10.0.0.1, mac 00:11:22:33:44:55\n"
		"window w = daily 22:00-06:00, dates 2026-12-25 except (weekends and mon) in \"UTC\"\n"
		"policy \"p\" { from any  to any except country CN  service tcp/1, icmp  initiated inside\n"
		" during w, from 2026-01-01 until 2026-01-02  quota 1 MB per prefix 24/48 each 6 h\n"
		" rate 1 Mbit/s burst 1 MB per source  except { from 10.0.0.1  during w }\n"
		" at 80% alert  at 100% drop for 2 h, quarantine source for 1 h, mark 0x1  mode observe }\n"
		"protect \"q\" { to any }\nexempt { from any  policies \"p\"  until 2026-01-01 10:00 }\n"
		"publish \"h\" { host 10.0.0.1  service tcp/1  at most 1 GB per source each day }\n"
		"detect new-destination { per asn  at least 1 MB  new after 9 days }\n"
		"on stop keep\nalert to journal, file \"f\"\nmode enforce\n";

	for (size_t n = 0; n <= strlen(whole); n++) {
		_cleanup_free_ char *text = xstrndup(whole, n);
		_cleanup_policy_set_ struct policy_set *set = NULL;
		_cleanup_diag_list_ struct diag_list diags = { 0 };
		int r = parse_text(text, &set, &diags);

		cr_expect_eq(r == 0, set != NULL);
		cr_expect_eq(r == 0, diag_errors(&diags) == 0, "cut at %zu", n);
		cr_expect(diag_errors(&diags) <= POLICY_ERRORS_MAX);
	}
}

Test(policy_tree, calendars_give_whole_days)
{
	static const struct memory_file files[] = {
		{ "c", "window h = dates file \"ics\"\n" },
		{ "ics",
		  "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n"
		  "RRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
		  "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261231\r\nDTEND;VALUE=DATE:20270103\r\n"
		  "BEGIN:VALARM\r\nDURATION:PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
		  "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225\r\nEND:VEVENT\r\n"
		  "BEGIN:VEVENT\r\nSTATUS:CANCELLED\r\nDTSTART;VALUE=DATE:20260501\r\nEND:VEVENT\r\n"
		  "END:VCALENDAR\r\n" },
		{ 0 },
	};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;
	const struct date_list *dates;
	int r = parse_files(files, &set, &diags);

	said = diag_text(&diags);
	cr_assert_eq(r, 0, "%s", said);
	dates = &set->windows.v[0].when->dates;
	cr_assert_eq(dates->n, 2, "the cancelled one does not count");
	cr_expect_eq(dates->v[0].first.day, 25, "in order");
	cr_expect_eq(dates->v[0].last.day, 25);
	cr_expect_eq(dates->v[1].first.day, 31);
	cr_expect_eq(dates->v[1].last.day, 2, "DTEND is the day after the last one");
	cr_expect_eq(dates->v[1].last.year, 2027);
}

/* RFC 5545, 3.1: what a folded line seems to say is the rest of the one before. */
Test(policy_tree, calendars_are_unfolded)
{
	static const struct memory_file files[] = {
		{ "c", "window h = dates file \"ics\"\n" },
		{ "ics",
		  "\xef\xbb\xbf\r\nBEGIN:VCALENDAR\r\n"
		  "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE\r\n :2026122\r\n\t5\r\n"
		  "DESCRIPTION:last year it was\r\n DTSTART:20270101\r\n"
		  "SUMMARY:not\r\n STATUS:CANCELLED\r\nEND:VEVENT\r\n"
		  "BEGIN:VEVENT\r\nDTSTART;X=\"a:b\";VALUE=DATE:20260501\r\nDURATION:P2D\r\nEND:VEVENT\r\n"
		  "END:VCALENDAR" },
		{ 0 },
	};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;
	const struct date_list *dates;
	int r = parse_files(files, &set, &diags);

	said = diag_text(&diags);
	cr_assert_eq(r, 0, "%s", said);
	dates = &set->windows.v[0].when->dates;
	cr_assert_eq(dates->n, 2);
	cr_expect_eq(dates->v[0].first.day, 1);
	cr_expect_eq(dates->v[0].last.day, 2, "two days");
	cr_expect_eq(dates->v[1].first.year, 2026);
	cr_expect_eq(dates->v[1].first.month, 12);
	cr_expect_eq(dates->v[1].first.day, 25);
}

/* What tests/golden/check_calendars.py does not ask: single days taken out, and UNTIL in UTC. */
Test(policy_tree, calendars_repeat)
{
	static const struct memory_file files[] = {
		{ "c", "window h = dates file \"ics\"\n" },
		{ "ics",
		  "BEGIN:VCALENDAR\n"
		  "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;VALUE=DATE:20280501\nSTATUS:CANCELLED\n"
		  "END:VEVENT\n"
		  "BEGIN:VEVENT\nUID:a\nRRULE:FREQ=YEARLY;UNTIL=20300301T120000Z\n"
		  "DTSTART;VALUE=DATE:20260501\nEXDATE:20260501\nEND:VEVENT\n"
		  "BEGIN:VEVENT\nUID:b\nDTSTART;VALUE=DATE:20280502\nEND:VEVENT\n"
		  "BEGIN:VEVENT\nUID:c\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260701\n"
		  "RRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n" },
		{ 0 },
	};
	static const int days[][2] = { { 2027, 1 }, { 2028, 2 }, { 2029, 1 } };
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;
	const struct date_list *dates;
	int r = parse_files(files, &set, &diags);

	said = diag_text(&diags);
	cr_assert_eq(r, 0, "%s", said);
	dates = &set->windows.v[0].when->dates;
	cr_assert_eq(dates->n, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(dates->v[i].first.year, days[i][0]);
		cr_expect_eq(dates->v[i].first.day, days[i][1]);
	}
}

/* A mistake in a folded value is shown where it stands. */
Test(policy_tree, a_folded_mistake_has_its_line)
{
	static const struct memory_file files[] = {
		{ "c", "window h = dates file \"ics\"\n" },
		{ "ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:\n 20260230\n"
			 "END:VEVENT\nEND:VCALENDAR\n" },
		{ 0 },
	};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *said = NULL;

	cr_assert_eq(parse_files(files, &set, &diags), -EINVAL);
	said = diag_text(&diags);
	cr_expect(strstr(said, "ics:4:2: error: '20260230' is not a day"), "%s", said);
}
