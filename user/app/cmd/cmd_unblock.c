/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unblock: takes back a rule made by hand, or what a policy drops for a time. By
 * number or key, or by what was blocked, if only one thing is about that.
 */
#include <string.h>

#include "app/cmd/blocks.h"
#include "app/cmd/connection.h"
#include "app/cmd/options.h"
#include "app/show/json_util.h"
#include "base/addr.h"
#include "base/buf.h"

struct unblock_options {
	bool force;
};
static const struct option_row unblock_rows[] = {
	OPTION(struct unblock_options, force, "force", 0, OPTION_FLAG),
	{ 0 },
};

/* As keys are called; no rule's number gets that long. */
#define KEY_DIGITS 8

static const char *text_of(const json_t *v, const char *name)
{
	const char *s = json_get_text(v, name);

	return s ? s : "";
}

static int lift(struct cli *cli, const char *key)
{
	json_t *reply;
	const json_t *hold;
	int r = client_call(cli, "unblock", json_pack("{s:s}", "key", key), &reply);

	if (r)
		return r;
	if (cli->json)
		return json_out("unblock", reply);
	hold = json_object_get(reply, "hold");
	printf("lifted: %s of %s\n",
	       json_is_true(json_object_get(hold, "quarantine")) ? "the quarantine" : "the drop",
	       text_of(hold, "of"));
	if (json_is_false(json_object_get(hold, "quarantine")))
		puts("what its policy drops now is still dropped; 'curfew quotas reset' gives a "
		     "quota back that is used up");
	json_decref(reply);
	return EXIT_FINE;
}

static int take_back(struct cli *cli, json_int_t id, bool force)
{
	json_t *args = json_pack("{s:I}", "id", id), *reply;
	const json_t *rule;
	int r;

	connection_add(args, force);
	r = client_call(cli, "unblock", args, &reply);
	if (r)
		return r;
	if (cli->json)
		return json_out("unblock", reply);
	rule = json_object_get(reply, "rule");
	printf("removed %s %lld: from %s to %s\n",
	       json_is_true(json_object_get(rule, "allow")) ? "allow" : "block", (long long)id,
	       text_of(rule, "from"), text_of(rule, "to"));
	json_decref(reply);
	return EXIT_FINE;
}

/* ---- by what it is about ------------------------------------------------------------- */

/* An address is the same however it is written; else letters are, and one blank is many. */
static bool is_same(const char *a, const char *b)
{
	static const char blanks[] = " \t";
	struct prefix x, y;

	if (prefix_parse(a, &x) == 0 && prefix_parse(b, &y) == 0)
		return x.bits == y.bits && !memcmp(&x.addr, &y.addr, sizeof(x.addr));
	for (a += strspn(a, blanks), b += strspn(b, blanks); *a && *b;) {
		size_t m = strcspn(a, blanks), n = strcspn(b, blanks);

		if (m != n || strncasecmp(a, b, n) != 0)
			return false;
		a += m + strspn(a + m, blanks);
		b += n + strspn(b + n, blanks);
	}
	return !*a && !*b;
}

/* FROM TO, as they were given to `block`; or one of the two. */
static bool is_about(const json_t *rule, int argc, char **argv)
{
	const char *from = text_of(rule, "from"), *to = text_of(rule, "to");

	if (argc == 2)
		return is_same(from, argv[0]) && is_same(to, argv[1]);
	return is_same(from, argv[0]) || is_same(to, argv[0]);
}

/* "10.0.0.12 (02:…)", "10.0.0.11 -> 198.51.100.70": whose it is, in words. */
static bool names(const char *of, const char *what)
{
	_cleanup_free_ char *words = xstrdup(of);
	char *at = words, *word;

	while ((word = strsep(&at, " ,()")))
		if (*word && is_same(word, what))
			return true;
	return is_same(of, what);
}

static bool is_held(const json_t *hold, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!names(text_of(hold, "of"), argv[i]))
			return false;
	return true;
}

struct found {
	const json_t *rule, *hold; /* the last of each */
	size_t n;
	struct table table;
};

static void find(const json_t *blocks, int argc, char **argv, struct found *f)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(blocks, "rules"), i, v)
	{
		if (!is_about(v, argc, argv))
			continue;
		f->rule = v;
		f->n++;
		blocks_add_rule(&f->table, v);
	}
	json_array_foreach(json_object_get(blocks, "holds"), i, v)
	{
		if (!is_held(v, argc, argv))
			continue;
		f->hold = v;
		f->n++;
		blocks_add_hold(&f->table, v);
	}
}

static int by_name(struct cli *cli, int argc, char **argv, bool force)
{
	_cleanup_free_ char *asked =
		argc == 2 ? xprintf("%s to %s", argv[0], argv[1]) : xstrdup(argv[0]);
	struct found f = { 0 };
	json_t *blocks;
	int r = client_call(cli, "blocks", NULL, &blocks);

	if (r)
		return r;
	blocks_table(&f.table);
	find(blocks, argc, argv, &f);
	if (f.n > 1) {
		cmd_error("%zu entries are about %s: nothing was changed; say which by its ID", f.n,
			  asked);
		table_print(&f.table, stderr, false);
		r = EXIT_USAGE;
	} else if (!f.n) {
		cmd_error(
			"nothing that is blocked, allowed or held is about %s; see 'curfew blocks'",
			asked);
		r = EXIT_USAGE;
	} else if (f.rule) {
		r = take_back(cli, json_integer_value(json_object_get(f.rule, "id")), force);
	} else {
		r = lift(cli, text_of(f.hold, "key"));
	}
	table_done(&f.table);
	json_decref(blocks);
	return r;
}

/* A rule's number; 0: it is none. */
static json_int_t number(const char *text)
{
	size_t n = strlen(text);

	return n && n < 19 && strspn(text, "0123456789") == n ? strtoll(text, NULL, 10) : 0;
}

static int run_unblock(struct cli *cli, int argc, char **argv)
{
	struct unblock_options o = { 0 };
	int r = options_parse(cli, unblock_rows, &o, &argc, &argv);

	if (r != OPTIONS_GO)
		return r;
	if (argc < 1 || argc > 2 || !*argv[0])
		return cmd_usage(cli,
				 "wants a rule's number, or what is blocked; see 'curfew blocks'");
	if (argc == 1 && strlen(argv[0]) == KEY_DIGITS &&
	    strspn(argv[0], "0123456789abcdefABCDEF") == KEY_DIGITS)
		return lift(cli, argv[0]);
	if (argc == 1 && number(argv[0]))
		return take_back(cli, number(argv[0]), o.force);
	return by_name(cli, argc, argv, o.force);
}

const struct cmd cmd_unblock = {
	.name = "unblock",
	.usage = "ID | KEY | [FROM] TO | FROM [--force]",
	.help = "take a block or an allow back, or what a policy drops for a time",
	.more = "ID is the number of a rule made by hand, KEY the eight digits of a 'drop for' or a\n"
		"quarantine, as 'curfew blocks' shows them. FROM and TO are as they were given to 'curfew\n"
		"block' or 'allow', or are the host that is held: 'curfew unblock 10.0.0.40'. If more than\n"
		"one entry is about that, they are listed and nothing is changed. Taking an allow back is\n"
		"refused if that would cut the connection you work over, unless --force.",
	.run = run_unblock,
};
