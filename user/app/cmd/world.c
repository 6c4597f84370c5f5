/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/cmd/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/cmd.h"
#include "app/running.h"
#include "app/show/json_util.h"
#include "app/show/table.h"
#include "core/policy/failing.h"

void world_done(struct world_diff *w)
{
	json_decref(w->databases);
	json_decref(w->policies);
	*w = (struct world_diff){ 0 };
}

static void compare_database(const json_t *before, const char *kind, const struct geo_table *t,
			     json_t *out)
{
	uint64_t built = json_get_count(before, kind), now = t ? t->built_at : 0;

	/* named only in one of them: the configuration says so itself */
	if (!t || !json_object_get(before, kind) || built == now)
		return;
	json_array_append_new(out, json_pack("{s:s, s:o, s:o}", "kind", kind, "built_before",
					     json_when((struct utc){ (int64_t)built }, NULL),
					     "built_after",
					     json_when((struct utc){ (int64_t)now }, NULL)));
}

static void compare_policy(const json_t *before, const char *name, const struct image_reach *now,
			   json_t *out)
{
	const char *digest = json_get_text(before, "digest");

	if (!digest || strtoull(digest, NULL, 16) == now->digest)
		return;
	json_array_append_new(
		out, json_pack("{s:s, s:o, s:o, s:o, s:o}", "policy", name, "ipv4_before",
			       json_count(json_get_count(before, "addresses4")), "ipv4_after",
			       json_count(now->addresses4), "ipv6_64s_before",
			       json_count(json_get_count(before, "nets6")), "ipv6_64s_after",
			       json_count(now->nets6)));
}

static void compare(const json_t *reply, const struct running *run, struct world_diff *ret)
{
	const json_t *built = json_object_get(reply, "databases");
	const json_t *policies = json_object_get(reply, "policies");

	ret->databases = json_array();
	ret->policies = json_array();
	compare_database(built, "country", run->geo.country, ret->databases);
	compare_database(built, "asn", run->geo.asn, ret->databases);
	compare_database(built, "city", run->geo.city, ret->databases);
	for (size_t i = 0; i < run->set->policies.n; i++) {
		const char *name = run->set->policies.v[i].name;

		compare_policy(json_object_get(policies, name), name, &run->image->reach.v[i],
			       ret->policies);
	}
}

/* As a reload would: without a database where `on geo-missing` goes on without. */
static int compile(const char *path, struct utc now, struct running *run, struct diag_list *diags)
{
	int r = running_read(path, run, diags);

	if (r < 0)
		return r;
	r = running_load_geo(run, diags);
	if (r < 0 && failing_of(run->set, ON_GEO_MISSING)->choice == CHOICE_KEEP)
		return r;
	run->geo_missing = r < 0;
	return running_compile_here(run, now, diags);
}

int world_compare(const json_t *reply, const char *path, struct utc now, struct world_diff *ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_running_ struct running run = { 0 };
	_cleanup_buf_ struct buf text = { 0 };

	if (compile(path, now, &run, &diags) == 0) {
		compare(reply, &run, ret);
		return EXIT_FINE;
	}
	diags_append(&diags, &text);
	fputs(buf_text(&text), stderr);
	return EXIT_USAGE;
}

bool world_differs(const struct world_diff *w)
{
	return json_array_size(w->databases) || json_array_size(w->policies);
}

static void print_holding(const json_t *o, const char *ipv4, const char *ipv6, const char *when)
{
	uint64_t nets = json_get_count(o, ipv6);

	printf("%" PRIu64 " IPv4 addresses and ", json_get_count(o, ipv4));
	/* JSON's integers end there */
	if (nets >= INT64_MAX)
		printf("more than half of all IPv6 %s", when);
	else
		printf("%" PRIu64 " IPv6 /64s %s", nets, when);
}

void world_print(const struct world_diff *w, bool colour)
{
	const json_t *o;
	size_t i;

	json_array_foreach(w->databases, i, o)
		printf("%schanged database \"%s\"%s\n    built %s in force, %s now\n",
		       style_on(STYLE_BOLD, colour), json_get_text(o, "kind"),
		       style_off(STYLE_BOLD, colour), json_get_text(o, "built_before") ?: "-",
		       json_get_text(o, "built_after") ?: "-");
	json_array_foreach(w->policies, i, o)
	{
		_cleanup_free_ char *name = text_safe(json_get_text(o, "policy"));

		printf("%schanged destinations of policy \"%s\"%s\n    ",
		       style_on(STYLE_BOLD, colour), name, style_off(STYLE_BOLD, colour));
		print_holding(o, "ipv4_before", "ipv6_64s_before", "in force, ");
		print_holding(o, "ipv4_after", "ipv6_64s_after", "now\n");
	}
}
