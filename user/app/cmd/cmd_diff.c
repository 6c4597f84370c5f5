/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew diff`: what a reload would change. */
#include <string.h>
#include <time.h>

#include "app/cmd/in_force.h"
#include "app/cmd/options.h"
#include "app/cmd/world.h"
#include "app/show/json_util.h"
#include "app/show/table.h"
#include "port/files.h"

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

static int print_json(const struct policy_diff *d, const struct world_diff *w, json_t *cuts)
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
	return json_out("diff", json_pack("{s:b, s:o, s:O, s:O, s:o, s:O}", "differs",
					  d->changes.n > 0 || world_differs(w), "changes", changes,
					  "databases", w->databases, "destinations", w->policies,
					  "quotas", quotas, "cut_at_once", cuts));
}

static void print(const struct cli *cli, const struct policy_diff *d, const struct world_diff *w,
		  const json_t *cuts)
{
	for (size_t i = 0; i < d->changes.n; i++)
		print_change(&d->changes.v[i], cli->colour);
	world_print(w, cli->colour);
	if (d->changes.n)
		print_quotas(d);
	print_cuts(cuts, cli->colour);
}

static int run(struct cli *cli, int argc, char **argv)
{
	_cleanup_in_force_ struct in_force before = { .now = { time(NULL) } };
	_cleanup_policy_set_ struct policy_set *after = NULL;
	_cleanup_world_ struct world_diff world = { 0 };
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	struct policy_diff d;
	json_t *cuts;

	if (r != OPTIONS_GO)
		return r;
	if (argc > 1)
		return cmd_usage(cli, "one file at a time");
	r = in_force_parse(&policy_io_files, argc ? argv[0] : cli->config, &after);
	if (r == EXIT_FINE)
		r = in_force_read(cli, &before);
	if (r == EXIT_FINE && before.reply)
		r = world_compare(before.reply, argc ? argv[0] : cli->config, before.now, &world);
	if (r)
		return r;
	in_force_diff(&before, after, &d);
	r = d.changes.n || world_differs(&world) ? EXIT_DEGRADED : EXIT_FINE;
	cuts = in_force_cuts(cli, IN_FORCE_MS, after, &d);
	if (cli->json)
		print_json(&d, &world, cuts);
	else
		print(cli, &d, &world, cuts);
	json_decref(cuts);
	policy_diff_done(&d);
	return r;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.usage = "[FILE]",
	.help = "what a reload would change, and which counters it keeps",
	.more = "Compares FILE, by default the daemon's own, with what is in force: set and date files as\n"
		"they were read with what they say now, databases by what is in them: each by the date it was\n"
		"built, and each policy by the addresses that its 'to' holds (FILE is compiled for this; as many\n"
		"IPv6 addresses as are in so many /64s). Counters are kept, gone, new, or\n"
		"begin anew: the line is the same, but its present period now begins later, so what was used\n"
		"counts no more. Keys that have used up a quota which is only observed so far, and which FILE\n"
		"enforces, are named: they are cut at once. Exit code 0: the same; 1: it differs; 2: FILE is\n"
		"not good.",
	.run = run,
};
