/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/show.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/units.h"

char *show_time(const char *iso)
{
	char *text;
	size_t n;

	if (!iso)
		return xstrdup("-");
	n = strlen(iso);
	if (n < 19 || iso[10] != 'T')
		return xstrdup(iso);
	/* as wide as the others: what was reported before a policy named the zone stands among them
	 */
	text = xprintf("%.10s %.8s %s", iso, iso + 11, strcmp(iso + 19, "Z") ? iso + 19 : "+00:00");
	return text;
}

void show_size(struct table *t, const json_t *bytes)
{
	char text[UNITS_TEXT_MAX];

	if (!json_is_integer(bytes))
		table_add(t, "-");
	else
		table_add(t, "%s", size_format((uint64_t)json_integer_value(bytes), text));
}

void show_rate(struct table *t, const json_t *bytes)
{
	char text[UNITS_TEXT_MAX];

	if (json_integer_value(bytes) <= 0)
		table_add(t, "-");
	else
		table_add(t, "%s/s", size_format((uint64_t)json_integer_value(bytes), text));
}

void show_count(struct table *t, uint64_t n)
{
	char text[COUNT_TEXT_MAX];

	table_add(t, "%s", count_format(n, text));
}

void show_text(struct table *t, const char *text)
{
	_cleanup_free_ char *safe = text && *text ? text_safe(text) : NULL;

	table_add(t, "%s", safe ? safe : "-");
}

void show_as(struct table *t, const json_t *o)
{
	_cleanup_free_ char *name = NULL;
	uint64_t asn = json_get_count(o, "asn");

	if (!asn) {
		table_add(t, "-");
		return;
	}
	name = text_safe(json_get_text(o, "as_name") ? json_get_text(o, "as_name") : "");
	/* the table is for a screen; --json has the whole name */
	table_add(t, "AS%" PRIu64 "%s%.28s", asn, *name ? " " : "", name);
}

void show_place(struct table *t, const json_t *o)
{
	uint64_t km = json_get_count(o, "distance_km");
	char text[COUNT_TEXT_MAX];

	show_text(t, json_get_text(o, "country"));
	show_as(t, o);
	show_text(t, json_get_text(o, "city"));
	if (json_is_integer(json_object_get(o, "distance_km")))
		table_add(t, "%s%s", json_is_true(json_object_get(o, "distance_rough")) ? "~" : "",
			  count_format(km, text));
	else
		table_add(t, "-");
}

char *show_place_text(const json_t *o)
{
	struct place p = { 0 };
	struct buf b = { 0 };
	const char *cc = json_get_text(o, "country");
	_cleanup_free_ char *city = NULL, *name = NULL;

	if (cc)
		snprintf(p.rec.cc, sizeof(p.rec.cc), "%.3s", cc);
	if (json_get_text(o, "city"))
		city = text_safe(json_get_text(o, "city"));
	if (json_get_text(o, "as_name"))
		name = text_safe(json_get_text(o, "as_name"));
	p.rec.city = city;
	p.rec.as_name = name;
	p.rec.asn = (uint32_t)json_get_count(o, "asn");
	p.has_distance = json_is_integer(json_object_get(o, "distance_km"));
	p.rough = json_is_true(json_object_get(o, "distance_rough"));
	p.km = (uint32_t)json_get_count(o, "distance_km");
	place_print(&p, &b);
	return b.s;
}

void show_verdict(struct table *t, const char *verdict)
{
	enum table_style style = STYLE_GOOD;

	if (verdict && (!strcmp(verdict, "drop") || !strcmp(verdict, "dropped")))
		style = STYLE_BAD;
	else if (verdict && !strcmp(verdict, "would drop"))
		style = STYLE_WARN;
	table_add_styled(t, style, "%s", verdict ? verdict : "-");
}

/* ---- following --------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int sig _unused_)
{
	interrupted = 1;
}

static void wait_for(uint64_t seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	while (!interrupted && nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

int follow(struct cli *cli, uint64_t seconds, bool redraw, int (*fn)(struct cli *cli, void *arg),
	   void *arg)
{
	struct sigaction sa = { .sa_handler = on_signal };
	bool screen = redraw && !cli->json && isatty(STDOUT_FILENO);
	int r = EXIT_FINE;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	while (!interrupted) {
		if (screen)
			fputs("\033[H\033[2J", stdout);
		r = fn(cli, arg);
		/* a reader that has gone away ends it too */
		if (r != EXIT_FINE || fflush(stdout) || ferror(stdout))
			break;
		wait_for(seconds ? seconds : 1);
	}
	return interrupted ? EXIT_FINE : r;
}

/* More than any request keeps. */
#define ROWS_ALL 65536

static int more_rows(struct cli *cli, void *arg)
{
	struct follow_rows *f = arg;
	json_t *reply, *list;
	int r = client_call(cli, f->verb,
			    json_pack("{s:I, s:I}", "n",
				      f->begun ? (json_int_t)ROWS_ALL : (json_int_t)f->n, "after",
				      f->after),
			    &reply);

	if (r)
		return r;
	/* the reply is newest first; a log reads downwards */
	list = json_object_get(reply, "rows");
	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *row = json_array_get(list, i);

		if (cli->json) {
			json_dumpf(row, stdout, JSON_COMPACT);
			putchar('\n');
		} else {
			f->print(cli, row);
		}
	}
	f->after = (json_int_t)json_get_count(reply, "newest");
	f->begun = true;
	json_decref(reply);
	return EXIT_FINE;
}

int follow_rows(struct cli *cli, struct follow_rows *f)
{
	return follow(cli, 1, false, more_rows, f);
}

int json_line(const char *name, json_t *v)
{
	json_t *o = json_pack("{s:i, s:o}", "version", 1, name, v);
	int r = json_dumpf(o, stdout, JSON_COMPACT);

	json_decref(o);
	putchar('\n');
	return r < 0 || fflush(stdout) ? EXIT_DEGRADED : EXIT_FINE;
}
