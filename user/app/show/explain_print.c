/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/explain_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/show/show.h"
#include "base/buf.h"
#include "base/units.h"

static bool is_true(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

#define RECENT_S 300

/* o: of verdict and rule; services: "", or which of them it is about. */
static void print_verdict(const struct cli *cli, const json_t *o, const char *services)
{
	const json_t *v = json_object_get(o, "verdict");
	const json_t *rule = json_object_get(o, "rule");
	bool drop = is_true(v, "drop");
	const char *slug = json_get_text(v, "reason") ?: "";
	enum table_style style = drop                            ? STYLE_BAD
				 : strcmp(slug, "pass-observed") ? STYLE_GOOD
								 : STYLE_WARN;
	_cleanup_free_ char *name = text_safe(json_get_text(rule, "name") ?: "");

	printf("%s%s%s%s  %s (%s)", style_on(style, cli->colour), drop ? "DROP" : "PASS",
	       style_off(style, cli->colour), services, json_get_text(v, "text") ?: "", slug);
	/* what was made by hand has no other name than the reason's text */
	if (*name && strcmp(name, json_get_text(v, "text") ?: ""))
		printf(": %s \"%s\"", json_get_text(rule, "kind") ?: "rule", name);
	putchar('\n');
}

static void print_verdicts(const struct cli *cli, const json_t *reply)
{
	const json_t *others = json_object_get(reply, "other_services");

	print_verdict(cli, reply, others ? " for some services:" : "");
	if (others)
		print_verdict(cli, others, " for the other services:");
}

/* What it meets now is not what it met a moment ago. */
static void print_contradiction(const json_t *reply)
{
	const json_t *drop = json_object_get(reply, "last_drop");
	const char *now = json_get_text(json_object_get(reply, "flow"), "verdict") ?: "";
	uint64_t ago = json_get_count(drop, "seconds_ago");
	_cleanup_free_ char *policy = NULL;

	if (!json_is_object(drop) || ago > RECENT_S ||
	    is_true(json_object_get(reply, "verdict"), "drop"))
		return;
	printf("but %s was dropped %" PRIu64 " s ago: %s (%s)",
	       strcmp(now, "drop") ? "a packet of it" : "its last packet", ago,
	       json_get_text(drop, "text") ?: "?", json_get_text(drop, "reason") ?: "?");
	if (json_get_text(drop, "policy")) {
		policy = text_safe(json_get_text(drop, "policy"));
		printf(", \"%s\"", policy);
	}
	putchar('\n');
}

/* Its number, for `unblock`, and why somebody made it. */
static void print_by_hand(const json_t *rule)
{
	const json_t *e = json_object_get(rule, "by_hand");
	_cleanup_free_ char *until = NULL, *reason = NULL;

	if (!json_is_object(e))
		return;
	until = show_time(json_get_text(e, "until"));
	reason = text_safe(json_get_text(e, "reason") ?: "");
	printf("  by hand      %s %" PRIu64 "%s%s%s%s\n",
	       json_get_text(rule, "kind") && !strcmp(json_get_text(rule, "kind"), "block")
		       ? "block"
		       : "allow",
	       json_get_count(e, "id"), json_get_text(e, "until") ? ", until " : "",
	       json_get_text(e, "until") ? until : "", *reason ? ": " : "", reason);
}

static void print_pair(const json_t *reply)
{
	_cleanup_free_ char *at = show_time(json_get_text(reply, "at"));
	_cleanup_free_ char *place = show_place_text(reply);
	const char *mac = json_get_text(reply, "source_mac");

	printf("  from         %s%s%s%s, %s\n", json_get_text(reply, "source") ?: "?",
	       mac ? " (" : "", mac ? mac : "", mac ? ")" : "",
	       json_get_text(reply, "from") ?: "?");
	printf("  to           %s (%s)\n", json_get_text(reply, "destination") ?: "?", place);
	if (json_get_text(reply, "service") || json_get_text(reply, "initiated"))
		printf("  service      %s%s%s%s\n", json_get_text(reply, "service") ?: "any",
		       is_true(reply, "service_of_last_drop") ? ", of its last dropped packet" : "",
		       json_get_text(reply, "initiated") ? ", initiated " : "",
		       json_get_text(reply, "initiated") ?: "");
	printf("  at           %s\n", at);
}

/* The kernel knows some weeks; what is said of another time rests on that. */
static void print_schedule(const json_t *o)
{
	_cleanup_free_ char *begins = NULL, *ends = NULL, *as = NULL;

	if (!json_is_object(o) || is_true(o, "known"))
		return;
	begins = show_time(json_get_text(o, "begins"));
	ends = show_time(json_get_text(o, "ends"));
	as = show_time(json_get_text(o, "taken_as"));
	if (!json_get_text(o, "means"))
		printf("  schedule     begins %s: what was before is not known, and taken as then\n",
		       begins);
	else
		printf("  schedule     ends %s. A running daemon writes a new one each day; with it\n"
		       "               dead, %s%s%s\n",
		       ends, json_get_text(o, "means"),
		       json_get_text(o, "taken_as") ? ": this answer is that of " : "",
		       json_get_text(o, "taken_as") ? as : "");
}

/* A rule asks for what the question does not say. */
static void print_undetermined(const json_t *reply)
{
	const json_t *list = json_object_get(reply, "undetermined"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *what = json_string_value(v);
		bool link = !strcmp(what, "mac") || !strcmp(what, "interface");

		printf("  not known    its %s: rules that ask %s; see --%s\n",
		       !strcmp(what, "initiated") ? "beginning" : what,
		       link ? "do not hold" : "hold, exceptions that ask do not", what);
	}
}

static void print_flow(const json_t *flow)
{
	_cleanup_free_ char *last = NULL;
	char offered[UNITS_TEXT_MAX], dropped[UNITS_TEXT_MAX];

	if (!json_is_object(flow))
		return;
	last = show_time(json_get_text(flow, "last_seen"));
	printf("  so far       %s offered, %s of it dropped; last seen %s\n",
	       size_format(json_get_count(flow, "wire_bytes"), offered),
	       size_format(json_get_count(flow, "dropped_wire_bytes"), dropped), last);
}

static void print_drop(const json_t *o)
{
	_cleanup_free_ char *at = NULL;
	uint64_t packets = json_get_count(o, "packets");
	char size[UNITS_TEXT_MAX];

	if (!json_is_object(o))
		return;
	at = show_time(json_get_text(o, "at"));
	printf("  last drop    %s: %s from port %" PRIu64 ", %" PRIu64 " bytes, %s", at,
	       json_get_text(o, "service") ?: "?", json_get_count(o, "source_port"),
	       json_get_count(o, "packet_bytes"), json_get_text(o, "reason") ?: "?");
	if (packets > 1)
		printf("; %" PRIu64 " packets, %s, since the sample before", packets,
		       size_format(json_get_count(o, "wire_bytes"), size));
	putchar('\n');
}

static void print_policy(const json_t *p)
{
	const json_t *w = json_object_get(p, "window");
	_cleanup_free_ char *name = text_safe(json_get_text(p, "policy") ?: "?");
	_cleanup_free_ char *window = NULL, *edge = NULL;
	const char *next;
	bool open = is_true(w, "open");

	printf("  policy       \"%s\"", name);
	if (json_is_object(w)) {
		window = text_safe(json_get_text(w, "name") ?: "");
		next = json_get_text(w, open ? "closes" : "opens");
		edge = show_time(next);
		printf(": %s%s is %s", *window ? "window " : "its window", window,
		       open ? "open" : "closed");
		if (next)
			printf(" until %s", edge);
	}
	puts(is_true(p, "observes") ? " (observe: drops nothing)" : "");
}

static const char *state(const json_t *q)
{
	if (!is_true(q, "present"))
		return "not counting now";
	if (!is_true(q, "used_up"))
		return "open";
	return is_true(q, "observes") ? "used up, would block" : "used up, blocks";
}

static void print_quota(const json_t *q)
{
	_cleanup_free_ char *until = show_time(json_get_text(q, "period_ends"));
	_cleanup_free_ char *of = text_safe(json_get_text(q, "key_text") ?: "?");
	char used[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], refused[UNITS_TEXT_MAX];
	uint64_t attempted = json_get_count(q, "attempted_bytes");

	printf("  quota        %s\n", json_get_text(q, "quota") ?: "?");
	if (json_get_text(q, "unknown")) {
		printf("               state unknown: %s\n", json_get_text(q, "unknown"));
		return;
	}
	printf("               %s: %s of %s (%" PRIu64 " %%), %s", of,
	       size_format(json_get_count(q, "used_bytes"), used),
	       size_format_exact(json_get_count(q, "limit_bytes"), limit),
	       json_get_count(q, "percent"), state(q));
	if (attempted)
		printf(", %s refused", size_format(attempted, refused));
	printf("; key %s\n", json_get_text(q, "key") ?: "?");
	if (json_get_text(q, "period_ends"))
		printf("               resets %s\n", until);
}

static void print_hold(const json_t *h)
{
	_cleanup_free_ char *until = NULL, *name = NULL, *of = NULL;
	bool quarantine = is_true(h, "quarantine");

	if (!json_is_object(h))
		return;
	until = show_time(json_get_text(h, "until"));
	name = text_safe(json_get_text(h, "policy") ?: "?");
	of = text_safe(json_get_text(h, "of") ?: "?");
	printf("  %s %s until %s, by policy \"%s\"; key %s\n",
	       quarantine ? "quarantine  " : "held        ", of, until, name,
	       json_get_text(h, "key") ?: "?");
}

void explain_print(const struct cli *cli, const json_t *reply)
{
	const json_t *v;
	size_t i;

	print_verdicts(cli, reply);
	print_contradiction(reply);
	print_pair(reply);
	print_schedule(json_object_get(reply, "schedule"));
	print_undetermined(reply);
	print_flow(json_object_get(reply, "flow"));
	print_drop(json_object_get(reply, "last_drop"));
	print_hold(json_object_get(reply, "hold"));
	print_by_hand(json_object_get(reply, "rule"));
	json_array_foreach(json_object_get(reply, "policies"), i, v) print_policy(v);
	json_array_foreach(json_object_get(reply, "quotas"), i, v) print_quota(v);
}
