/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status` for people. */
#include <string.h>

#include "app/show/show.h"
#include "app/status/neighbours.h"
#include "app/status/status.h"
#include "base/units.h"

static json_int_t number(const json_t *v, const char *name)
{
	return json_integer_value(json_object_get(v, name));
}

static const char *text(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));

	return s ? s : "";
}

static bool yes(const json_t *v, const char *name)
{
	return json_is_true(json_object_get(v, name));
}

static void print_daemon(const struct cli *cli, const json_t *s)
{
	const json_t *daemon = json_object_get(s, "daemon");
	_cleanup_free_ char *since = show_time(json_get_text(daemon, "since"));
	_cleanup_free_ char *now = show_time(json_get_text(s, "time"));
	bool heard = json_is_integer(json_object_get(s, "heartbeat_seconds_ago"));
	char ago[UNITS_TEXT_MAX];

	if (yes(daemon, "running"))
		printf("daemon      running since %s, pid %lld\n", since, number(daemon, "pid"));
	else
		printf("daemon      %snot running%s%s%s%s\n", style_on(STYLE_BAD, cli->colour),
		       style_off(STYLE_BAD, cli->colour), heard ? ", last heard of " : "",
		       heard ? duration_format(json_get_count(s, "heartbeat_seconds_ago"), ago)
			     : "",
		       heard ? " ago" : "");
	if (number(daemon, "clock_offset_seconds"))
		printf("clock       %s (shifted by %+lld s)\n", now,
		       number(daemon, "clock_offset_seconds"));
}

/* A generation is younger than its file, if something else has changed. */
static void print_policy(const json_t *s)
{
	const json_t *policy = json_object_get(s, "policy");
	_cleanup_free_ char *at = show_time(json_get_text(policy, "loaded_at"));
	_cleanup_free_ char *file = text_safe(text(policy, "file"));
	json_int_t by_hand = number(policy, "by_hand");

	if (policy)
		printf("policy      %s, loaded %s; generation %lld\n", file, at,
		       number(s, "generation"));
	else
		printf("policy      generation %lld\n", number(s, "generation"));
	if (by_hand)
		printf("by hand     %lld rule%s: curfew blocks\n", by_hand,
		       by_hand == 1 ? "" : "s");
}

/* As `curfew blocks` lists them. */
static void print_held(const json_t *s)
{
	const json_t *held = json_object_get(s, "held");
	json_int_t keys = number(held, "keys"), sources = number(held, "quarantines");

	if (keys || sources)
		printf("held        %lld key%s dropped for a time, %lld source%s in quarantine: "
		       "curfew blocks\n",
		       keys, keys == 1 ? "" : "s", sources, sources == 1 ? "" : "s");
}

static void print_head(const struct cli *cli, const json_t *s)
{
	const json_t *off = json_object_get(s, "off"), *confirm = json_object_get(s, "confirm");
	const char *end = json_get_text(json_object_get(s, "schedule"), "end");
	_cleanup_free_ char *until = show_time(end);
	char buf[UNITS_TEXT_MAX];

	print_daemon(cli, s);
	if (*text(s, "mode"))
		printf("mode        %s%s%s\n", text(s, "mode"),
		       *text(s, "mode_of_file") ? ", by hand until the next reload; the file says "
						: "",
		       text(s, "mode_of_file"));
	if (*text(s, "internal_hosts"))
		printf("sources     known by %s\n", text(s, "internal_hosts"));
	print_policy(s);
	print_held(s);
	if (yes(off, "off"))
		printf("switch      %sOFF%s%s%s\n", style_on(STYLE_BAD, cli->colour),
		       style_off(STYLE_BAD, cli->colour),
		       number(off, "seconds_left") ? " for " : " until 'curfew on'",
		       number(off, "seconds_left")
			       ? duration_format((uint64_t)number(off, "seconds_left"), buf)
			       : "");
	if (yes(confirm, "waiting"))
		printf("confirm     the old configuration returns in %s: curfew confirm\n",
		       duration_format((uint64_t)number(confirm, "seconds_left"), buf));
	if (end)
		printf("schedule    in the kernel until %s\n", until);
}

/* Choices that are not the default, and what is in effect. */
static void print_failing(const struct cli *cli, const json_t *s)
{
	const char *head = "on";
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(s, "failing"), i, v)
	{
		bool lasts = yes(v, "lasts");

		if (yes(v, "default") && !lasts)
			continue;
		printf("%-12s%s%s%s: %s%s%s%s\n", head, text(v, "event"),
		       *text(v, "choice") ? " " : "", text(v, "choice"), text(v, "means"),
		       lasts ? style_on(STYLE_BAD, cli->colour) : "",
		       lasts ? " (IN EFFECT NOW)" : "",
		       lasts ? style_off(STYLE_BAD, cli->colour) : "");
		head = "";
	}
}

static void print_databases(const json_t *s)
{
	char count[COUNT_TEXT_MAX];
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(s, "databases"), i, v)
	{
		printf("%-12s%s: %s, %s networks", i ? "" : "databases", text(v, "kind"),
		       text(v, "type"), count_format(json_get_count(v, "networks"), count));
		if (json_is_integer(json_object_get(v, "age_days")))
			printf(", %lld days old", number(v, "age_days"));
		putchar('\n');
	}
}

/* How many programs are before ours in the chain. */
static void add_place(struct table *t, const json_t *hook, bool attached)
{
	json_int_t before = number(hook, "position");

	if (!attached)
		table_add(t, "-");
	else if (before)
		table_add_styled(t, STYLE_BAD, "after %lld", before);
	else
		table_add(t, "first");
}

static void add_hook(struct table *t, const json_t *v)
{
	bool covered = yes(v, "covered"), attached = covered && !*text(v, "seen_at");

	table_add_styled(t, covered ? STYLE_PLAIN : STYLE_BAD, "%s", text(v, "interface"));
	table_add(t, "%s", text(v, "role"));
	table_add(t, "%s", attached ? text(v, "hook") : "-");
	add_place(t, v, attached);
	if (attached)
		table_add(t, "%lld", number(v, "generation"));
	else
		table_add(t, "-");
	if (number(v, "ifindex")) {
		show_count(t, json_get_count(v, "packets"));
		show_size(t, json_object_get(v, "wire_bytes"));
	} else {
		table_add(t, "-");
		table_add(t, "-");
	}
	table_add_styled(t, covered ? STYLE_DIM : STYLE_BAD, "%s%s%s", covered ? "" : "NOT COVERED",
			 !covered && *text(v, "why") ? ": " : "", text(v, "why"));
}

static void print_hooks(const struct cli *cli, const json_t *s)
{
	static const struct table_column columns[] = { { "INTERFACE", false }, { "ROLE", false },
						       { "HOOK", false },      { "PLACE", false },
						       { "GENERATION", true }, { "PACKETS", true },
						       { "WIRE", true },       { "", false } };
	_cleanup_table_ struct table t;
	json_t *v;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(json_object_get(s, "hooks"), i, v) add_hook(&t, v);
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
	/* the line above says it, where all is as it should be and there is a daemon */
	json_array_foreach(json_object_get(s, "hooks"), i, v)
	{
		if (*text(v, "source") && !(yes(v, "conntrack") && *text(s, "internal_hosts")))
			printf("sources     at %s: %s\n", text(v, "interface"), text(v, "source"));
	}
}

static void print_reasons(const struct cli *cli, const json_t *s)
{
	static const struct table_column columns[] = { { "HOOK", false },
						       { "REASON", false },
						       { "PACKETS", true },
						       { "WIRE", true },
						       { "", false } };
	_cleanup_table_ struct table t;
	json_t *v;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(json_object_get(s, "reasons"), i, v)
	{
		bool drop = !strncmp(text(v, "reason"), "drop-", 5);

		table_add(&t, "%s", text(v, "hook"));
		table_add_styled(&t, drop ? STYLE_WARN : STYLE_PLAIN, "%s", text(v, "reason"));
		show_count(&t, json_get_count(v, "packets"));
		show_size(&t, json_object_get(v, "wire_bytes"));
		table_add_styled(&t, STYLE_DIM, "%s", text(v, "text"));
	}
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
}

/* What is wrong may name what others have named. */
static void print_problem(const json_t *problem)
{
	_cleanup_free_ char *what = text_safe(text(problem, "what"));

	printf("  %s\n    -> %s\n", what, text(problem, "do"));
}

int status_print(const struct cli *cli, const json_t *status)
{
	json_t *v;
	size_t i;

	print_head(cli, status);
	print_failing(cli, status);
	print_databases(status);
	print_hooks(cli, status);
	print_reasons(cli, status);
	status_print_books(cli, status);
	status_print_blind(cli, status);
	status_print_neighbours(status);
	if (!status_is_degraded(status)) {
		printf("\n%sall is well%s\n", style_on(STYLE_GOOD, cli->colour),
		       style_off(STYLE_GOOD, cli->colour));
		return EXIT_FINE;
	}
	printf("\n%sdegraded:%s\n", style_on(STYLE_BAD, cli->colour),
	       style_off(STYLE_BAD, cli->colour));
	json_array_foreach(json_object_get(status, "problems"), i, v) print_problem(v);
	return EXIT_DEGRADED;
}
