/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew diff`: what a reload would change. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "app/cmd/options.h"
#include "app/daemon/last_good.h"
#include "app/running.h"
#include "app/show/json_util.h"
#include "app/show/table.h"
#include "core/policy/diff.h"
#include "port/files.h"
#include "port/zones.h"

#define CUTS_MAX 10000 /* keys that are looked at */

static const char *const what_names[] = {
	[CHANGE_SITE] = "site",         [CHANGE_INSIDE] = "inside",
	[CHANGE_OUTSIDE] = "outside",   [CHANGE_NETWORKS] = "networks",
	[CHANGE_IGNORE] = "ignore",     [CHANGE_GEO] = "geo",
	[CHANGE_SET] = "set",           [CHANGE_WINDOW] = "window",
	[CHANGE_POLICY] = "policy",     [CHANGE_PUBLISH] = "publish",
	[CHANGE_PROTECT] = "protect",   [CHANGE_EXEMPT] = "exempt",
	[CHANGE_DETECT] = "detect",     [CHANGE_ON] = "on",
	[CHANGE_ALERT_TO] = "alert to", [CHANGE_MODE] = "mode",
};
static const char *const how_names[] = {
	[CHANGE_ADDED] = "added",
	[CHANGE_REMOVED] = "removed",
	[CHANGE_CHANGED] = "changed",
};
static const char *const fate_names[] = {
	[QUOTA_KEPT] = "kept",
	[QUOTA_NEW] = "new",
	[QUOTA_GONE] = "gone",
	[QUOTA_ANEW] = "anew",
};

/* The daemon's text stands where its file stands, so that relative paths lead to the same places.
 */
struct in_force {
	char *directory; /* with its slash; "" */
	char *path;
	const json_t *reply;
};

/* The element that speaks of the file at `path`, as the set names it. */
static const json_t *read_by_daemon(const struct in_force *f, const char *list, const char *path)
{
	size_t n = strlen(f->directory), i;
	const json_t *v;

	json_array_foreach(json_object_get(f->reply, list), i, v)
	{
		const char *file = json_get_text(v, "file") ?: "";
		const char *full = *file == '/' || strncmp(path, f->directory, n) ? path : path + n;

		if (!strcmp(full, file))
			return v;
	}
	return NULL;
}

/* Of lists the daemon tells what it has read, not what is there by now; of long ones in short. */
static int read_in_force(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	const struct in_force *f = arg;
	const json_t *dates = read_by_daemon(f, "date_files", path);
	const char *text = NULL;

	if (!strcmp(path, f->path))
		text = json_string_value(json_object_get(f->reply, "text"));
	else if (dates)
		text = json_string_value(json_object_get(dates, "dates"));
	else if (!read_by_daemon(f, "lists", path))
		return policy_io_files.read_file(policy_io_files.arg, path, ret_text, ret_size);
	*ret_text = xstrdup(text ? text : "");
	*ret_size = strlen(*ret_text);
	return 0;
}

static void read_facts(const json_t *reply, struct list_facts *ret)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(reply, "lists"), i, v)
	{
		const char *digest = json_get_text(v, "digest") ?: "";

		*VEC_ADD(ret) = (struct list_fact){
			.file = xstrdup(json_get_text(v, "file") ?: ""),
			.digest = { strtoull(digest, NULL, 16), json_get_count(v, "entries") },
		};
	}
}

static int parse(const struct policy_io *io, const char *path, struct policy_set **ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf text = { 0 };

	if (policy_parse(io, path, ret, &diags) == 0)
		return EXIT_FINE;
	diags_append(&diags, &text);
	fputs(buf_text(&text), stderr);
	return EXIT_USAGE;
}

/* The configuration to compare with. */
struct before {
	struct policy_set *set;
	struct list_facts facts;
	struct utc now;
};

static void before_done(struct before *b)
{
	policy_set_free(b->set);
	list_facts_done(&b->facts);
}
#define _cleanup_before_ _cleanup_(before_done)

static int parse_reply(const struct cli *cli, const json_t *reply, struct before *ret)
{
	const char *slash = strrchr(cli->config, '/');
	struct in_force f = {
		.directory = xstrndup(cli->config, slash ? (size_t)(slash - cli->config) + 1 : 0),
		.reply = reply,
	};
	struct policy_io io = { read_in_force, policy_io_files.glob, &f };
	int r;

	f.path = xprintf("%s(in force)", f.directory);
	r = parse(&io, f.path, &ret->set);
	read_facts(reply, &ret->facts);
	/* by the daemon's clock */
	if (json_get_count(reply, "now"))
		ret->now.s = (int64_t)json_get_count(reply, "now");
	free(f.path);
	free(f.directory);
	return r;
}

/* What is in force, or with the daemon dead what was. */
static int parse_before(const struct cli *cli, struct before *ret)
{
	_cleanup_free_ char *kept = NULL;
	json_t *reply;
	int r = client_try(cli, "config", NULL, &reply);

	if (r > 0)
		return r;
	if (r == 0) {
		r = parse_reply(cli, reply, ret);
		json_decref(reply);
		return r;
	}
	if (last_good_path(cli->state_dir, &kept) < 0) {
		cmd_error("the daemon is not running, and no earlier configuration is kept in %s",
			  cli->state_dir);
		return EXIT_NOT_RUNNING;
	}
	cmd_error("the daemon is not running: compared with the last configuration it had");
	return parse(&policy_io_files, kept, &ret->set);
}

static void print_lines(const char *text, const char *sign, enum table_style style, bool colour)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");
		_cleanup_free_ char *line = xstrndup(text, n);
		_cleanup_free_ char *safe = text_safe(line);

		printf("%s%s%s%s\n", style_on(style, colour), sign, safe, style_off(style, colour));
		text += n + (text[n] == '\n');
	}
}

static void print_change(const struct change *c, bool colour)
{
	_cleanup_free_ char *name = c->name ? text_safe(c->name) : NULL;

	printf("%s%s %s%s%s%s%s\n", style_on(STYLE_BOLD, colour), how_names[c->how],
	       what_names[c->what], name ? " \"" : "", name ? name : "", name ? "\"" : "",
	       style_off(STYLE_BOLD, colour));
	if (c->of_files) {
		print_lines(c->after, "    ", STYLE_PLAIN, colour);
		printf("    its files say something else: %zu entr%s in force, %zu now\n",
		       c->entries_before, c->entries_before == 1 ? "y" : "ies", c->entries_after);
		return;
	}
	print_lines(c->before, "-   ", STYLE_BAD, colour);
	print_lines(c->after, "+   ", STYLE_GOOD, colour);
}

static void print_quotas(const struct policy_diff *d)
{
	for (size_t i = 0; i < d->quotas.n; i++) {
		const struct quota_change *q = &d->quotas.v[i];
		_cleanup_free_ char *name = text_safe(q->policy);

		printf("counters %-5s \"%s\" %s\n", fate_names[q->fate], name, q->quota);
	}
}

/* ---- what enforcing it would cut at once -------------------------------- */

static bool enforced(const struct policy_set *set, const char *name)
{
	const struct policy *p = name ? policy_find_policy(set, name) : NULL;

	return set->mode == MODE_ENFORCE && p && p->mode != MODE_OBSERVE;
}

static bool is_kept(const struct policy_diff *d, const char *policy, const char *quota)
{
	for (size_t i = 0; i < d->quotas.n; i++)
		if (d->quotas.v[i].fate == QUOTA_KEPT && !strcmp(d->quotas.v[i].policy, policy) &&
		    !strcmp(d->quotas.v[i].quota, quota))
			return true;
	return false;
}

/* The daemon's keys that are used up and only observed, of quotas that the new file enforces. */
static json_t *find_cuts(const struct cli *cli, const struct policy_set *after,
			 const struct policy_diff *d)
{
	json_t *reply, *cuts = json_array(), *row;
	size_t i;

	if (client_try(cli, "quotas", json_pack("{s:b, s:i}", "all", 0, "n", CUTS_MAX), &reply))
		return cuts;
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		const char *policy = json_get_text(row, "policy");
		const char *quota = json_get_text(row, "quota");

		if (json_is_true(json_object_get(row, "used_up")) &&
		    json_is_true(json_object_get(row, "observes")) && quota &&
		    enforced(after, policy) && is_kept(d, policy, quota))
			json_array_append_new(cuts, json_pack("{s:s, s:s, s:O}", "policy", policy,
							      "quota", quota, "key_text",
							      json_object_get(row, "key_text")));
	}
	json_decref(reply);
	return cuts;
}

static void print_cuts(const json_t *cuts, bool colour)
{
	json_t *row;
	size_t i;

	json_array_foreach(cuts, i, row)
	{
		_cleanup_free_ char *policy = text_safe(json_get_text(row, "policy"));
		_cleanup_free_ char *key = text_safe(json_get_text(row, "key_text") ?: "?");

		printf("%scut at once%s     \"%s\" %s: %s, nothing is left\n",
		       style_on(STYLE_BAD, colour), style_off(STYLE_BAD, colour), policy, key,
		       json_get_text(row, "quota"));
	}
}

static int print_json(const struct policy_diff *d, json_t *cuts)
{
	json_t *changes = json_array(), *quotas = json_array();

	for (size_t i = 0; i < d->changes.n; i++) {
		const struct change *c = &d->changes.v[i];

		json_t *o = json_pack("{s:s, s:s, s:s?, s:s?, s:s?}", "what", what_names[c->what],
				      "how", how_names[c->how], "name", c->name, "before",
				      c->before, "after", c->after);

		if (c->of_files)
			json_object_set_new(o, "files",
					    json_pack("{s:o, s:o}", "entries_before",
						      json_count(c->entries_before),
						      "entries_after",
						      json_count(c->entries_after)));
		json_array_append_new(changes, o);
	}
	for (size_t i = 0; i < d->quotas.n; i++) {
		const struct quota_change *q = &d->quotas.v[i];

		json_array_append_new(quotas,
				      json_pack("{s:s, s:s, s:s}", "policy", q->policy, "quota",
						q->quota, "counters", fate_names[q->fate]));
	}
	return json_out("diff",
			json_pack("{s:b, s:o, s:o, s:O}", "differs", d->changes.n > 0, "changes",
				  changes, "quotas", quotas, "cut_at_once", cuts));
}

/* Each set by the zones of its own site. */
static void compare_periods(const struct policy_set *before, const struct policy_set *after,
			    struct utc now, struct policy_diff *d)
{
	struct zones *zones_before = zones_new(NULL), *zones_after = zones_new(NULL);
	struct zone_source source_before = zones_source(zones_before);
	struct zone_source source_after = zones_source(zones_after);

	policy_diff_periods(d, before, &source_before, after, &source_after, now);
	zones_free(zones_before);
	zones_free(zones_after);
}

static int run(struct cli *cli, int argc, char **argv)
{
	_cleanup_before_ struct before before = { .now = { time(NULL) } };
	_cleanup_policy_set_ struct policy_set *after = NULL;
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	struct policy_diff d;
	json_t *cuts;

	if (r != OPTIONS_GO)
		return r;
	if (argc > 1)
		return cmd_usage(cli, "one file at a time");
	r = parse(&policy_io_files, argc ? argv[0] : cli->config, &after);
	if (r == EXIT_FINE)
		r = parse_before(cli, &before);
	if (r)
		return r;
	policy_diff(before.set, &before.facts, after, &d);
	compare_periods(before.set, after, before.now, &d);
	r = d.changes.n ? EXIT_DEGRADED : EXIT_FINE;
	cuts = find_cuts(cli, after, &d);
	if (cli->json)
		print_json(&d, cuts);
	for (size_t i = 0; i < d.changes.n && !cli->json; i++)
		print_change(&d.changes.v[i], cli->colour);
	if (!cli->json && d.changes.n)
		print_quotas(&d);
	if (!cli->json)
		print_cuts(cuts, cli->colour);
	json_decref(cuts);
	policy_diff_done(&d);
	return r;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.usage = "[FILE]",
	.help = "what a reload would change, and which counters it keeps",
	.more = "Compares FILE, by default the daemon's own, with what is in force: set and date files as\n"
		"they were read with what they say now, databases by name. Counters are kept, gone, new, or\n"
		"begin anew: the line is the same, but its present period now begins later, so what was used\n"
		"counts no more. Keys that have used up a quota which is only observed so far, and which FILE\n"
		"enforces, are named: they are cut at once. Exit code 0: the same; 1: it differs; 2: FILE is\n"
		"not good.",
	.run = run,
};
