/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status` for people. */
#include <string.h>

#include "app/show.h"
#include "app/status.h"
#include "app/status_neighbours.h"
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

static void print_head(const struct cli *cli, const json_t *s)
{
	const json_t *daemon = json_object_get(s, "daemon"), *policy = json_object_get(s, "policy");
	const json_t *off = json_object_get(s, "off"), *confirm = json_object_get(s, "confirm");
	char buf[UNITS_TEXT_MAX];

	if (yes(daemon, "running"))
		printf("daemon      running since %s, pid %lld\n", text(daemon, "since"),
		       number(daemon, "pid"));
	else
		printf("daemon      %snot running%s\n", style_on(STYLE_BAD, cli->colour),
		       style_off(STYLE_BAD, cli->colour));
	if (number(daemon, "clock_offset_seconds"))
		printf("clock       %s (shifted by %+lld s)\n", text(s, "time"),
		       number(daemon, "clock_offset_seconds"));
	if (*text(s, "mode"))
		printf("mode        %s\n", text(s, "mode"));
	if (*text(s, "internal_hosts"))
		printf("hosts       known by %s\n", text(s, "internal_hosts"));
	if (policy)
		printf("policy      %s, generation %lld of %s\n", text(policy, "file"),
		       number(s, "generation"), text(policy, "loaded_at"));
	else
		printf("policy      generation %lld\n", number(s, "generation"));
	if (number(policy, "by_hand"))
		printf("by hand     %lld rules: curfew blocks\n", number(policy, "by_hand"));
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
	if (json_object_get(s, "schedule"))
		printf("schedule    in the kernel until %s\n",
		       text(json_object_get(s, "schedule"), "end"));
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

static void print_hooks(const struct cli *cli, const json_t *s)
{
	static const struct table_column columns[] = { { "INTERFACE", false }, { "ROLE", false },
						       { "HOOK", false },      { "PLACE", true },
						       { "GENERATION", true }, { "PACKETS", true },
						       { "WIRE", true },       { "", false } };
	_cleanup_table_ struct table t;
	json_t *v;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(json_object_get(s, "hooks"), i, v)
	{
		bool covered = yes(v, "covered");

		table_add_styled(&t, covered ? STYLE_PLAIN : STYLE_BAD, "%s", text(v, "interface"));
		table_add(&t, "%s", text(v, "role"));
		table_add(&t, "%s", !covered || *text(v, "seen_at") ? "-" : text(v, "hook"));
		table_add(&t, "%lld", number(v, "position"));
		table_add(&t, "%lld", number(v, "generation"));
		show_count(&t, json_get_count(v, "packets"));
		show_size(&t, json_object_get(v, "wire_bytes"));
		table_add_styled(&t, covered ? STYLE_DIM : STYLE_BAD, "%s%s%s",
				 covered ? "" : "NOT COVERED",
				 !covered && *text(v, "why") ? ": " : "", text(v, "why"));
	}
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
	/* the line above says it, where all is as it should be and there is a daemon */
	json_array_foreach(json_object_get(s, "hooks"), i, v)
	{
		if (*text(v, "source") && !(yes(v, "conntrack") && *text(s, "internal_hosts")))
			printf("%s: source is %s\n", text(v, "interface"), text(v, "source"));
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

int status_print(const struct cli *cli, const json_t *status)
{
	json_t *v;
	size_t i;

	print_head(cli, status);
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
	json_array_foreach(json_object_get(status, "problems"), i, v)
		printf("  %s\n    -> %s\n", text(v, "what"), text(v, "do"));
	return EXIT_DEGRADED;
}
