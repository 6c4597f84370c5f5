/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blind-spot ledger for people: one line when there is nothing to tell. */
#include <inttypes.h>
#include <string.h>

#include "app/show/show.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "base/units.h"

/* ---- what, and how much at each hook --------------------------------------------- */

static void add_hook(struct table *t, const json_t *o)
{
	if (json_get_count(o, "packets")) {
		show_count(t, json_get_count(o, "packets"));
		show_size(t, json_object_get(o, "wire_bytes"));
	} else {
		table_add(t, "-");
		table_add(t, "-");
	}
}

static bool any_packets(const json_t *o)
{
	return json_get_count(json_object_get(o, "inside"), "packets") ||
	       json_get_count(json_object_get(o, "outside"), "packets");
}

static void add(struct table *t, const char *what, const json_t *o, const char *means)
{
	if (!any_packets(o))
		return;
	table_add(t, "%s", what);
	add_hook(t, json_object_get(o, "inside"));
	add_hook(t, json_object_get(o, "outside"));
	table_add_styled(t, STYLE_DIM, "%s", means);
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	const char *x = json_get_text(a, key), *y = json_get_text(b, key);

	return x && y && !strcmp(x, y);
}

static bool at(const json_t *row, const char *hook)
{
	const char *h = json_get_text(row, "hook");

	return h && !strcmp(h, hook);
}

/* The other hook's row of the same name. */
static const json_t *twin(const json_t *rows, const json_t *of, const char *key)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i,
			   row) if (same(row, of, key) && !same(row, of, "hook")) return row;
	return NULL;
}

/* One line for each name that begins so, both hooks side by side; the prefix is left out. */
static void add_kinds(struct table *t, const json_t *rows, const char *key, const char *prefix)
{
	const json_t *row, *other;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *name = json_get_text(row, key);

		other = twin(rows, row, key);
		if (!name || strncmp(name, prefix, strlen(prefix)) != 0 ||
		    (other && at(row, "outside")))
			continue;
		table_add(t, "  %s", name + strlen(prefix));
		add_hook(t, at(row, "inside") ? row : other);
		add_hook(t, at(row, "outside") ? row : other);
		table_add_styled(t, STYLE_DIM, "%s", json_get_text(row, "text"));
	}
}

uint64_t status_uncovered_ms(const json_t *status)
{
	const json_t *row;
	uint64_t ms = 0;
	size_t i;

	json_array_foreach(json_object_get(status, "interfaces"), i, row) ms +=
		json_get_count(row, "uncovered_ms");
	return ms;
}

static void which_uncovered(const json_t *status, struct buf *out)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "interfaces"), i, row)
	{
		uint64_t ms = json_get_count(row, "uncovered_ms"),
			 gaps = json_get_count(row, "gaps");
		char time[UNITS_TEXT_MAX];

		if (!ms)
			continue;
		if (ms < 60000)
			snprintf(time, sizeof(time), "%.1f s", (double)ms / 1000);
		else
			duration_format(ms / 1000, time);
		buf_printf(out, "%s%s (%s) for %s in %" PRIu64 " gap%s", out->n ? ", " : "",
			   json_get_text(row, "interface"), json_get_text(row, "role"), time, gaps,
			   gaps == 1 ? "" : "s");
	}
}

#define SAMPLES 10

/* ---- samples -------------------------------------------------------------------- */

static void print_tunnels(const struct cli *cli, const json_t *o)
{
	static const struct table_column columns[] = { { "TUNNEL", false },  { "HOOK", false },
						       { "FROM", false },    { "TO", false },
						       { "CARRIES", false }, { "PACKETS", true },
						       { "WIRE", true } };
	uint64_t known = json_get_count(o, "tunnels_known");
	_cleanup_table_ struct table t;
	json_t *v;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(json_object_get(o, "tunnels"), i, v)
	{
		const char *kind = json_get_text(v, "kind"), *to;

		if (i == SAMPLES)
			break;
		table_add(&t, "%s", kind ? kind + strlen("tunnel-") : "-");
		show_text(&t, json_get_text(v, "hook"));
		show_text(&t, json_get_text(v, "source"));
		show_text(&t, json_get_text(v, "destination"));
		to = json_get_text(v, "inner_destination");
		if (to)
			table_add(&t, "%s > %s", json_get_text(v, "inner_source"), to);
		else
			table_add(&t, "not readable");
		show_count(&t, json_get_count(v, "packets"));
		show_size(&t, json_object_get(v, "wire_bytes"));
	}
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
	if (known > table_rows(&t))
		printf("and %" PRIu64 " more\n", known - table_rows(&t));
}

static void print_overflow(const struct cli *cli, const json_t *o)
{
	static const struct table_column columns[] = { { "OVERFLOW", false },
						       { "FROM", false },
						       { "TO THOSE OF", false },
						       { "PACKETS", true },
						       { "WIRE", true } };
	uint64_t known = json_get_count(o, "classes_known");
	_cleanup_table_ struct table t;
	json_t *v;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(json_object_get(o, "classes"), i, v)
	{
		if (i == SAMPLES)
			break;
		show_text(&t, json_get_text(v, "hook"));
		show_text(&t, json_get_text(v, "sources"));
		show_text(&t, json_get_text(v, "destinations"));
		show_count(&t, json_get_count(v, "packets"));
		show_size(&t, json_object_get(v, "wire_bytes"));
	}
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
	if (known > table_rows(&t))
		printf("and %" PRIu64 " more\n", known - table_rows(&t));
}

/* ---- all of it -------------------------------------------------------------------- */

static void add_all(struct table *t, const json_t *status, const json_t *b)
{
	const json_t *unparsed = json_object_get(b, "unparsed");
	const json_t *overflow = json_object_get(b, "overflow");

	add(t, "not understood", unparsed, "");
	add_kinds(t, json_object_get(unparsed, "reasons"), "reason", "unparsed-");
	add(t, "in tunnels", json_object_get(b, "encapsulated"),
	    "the outer packet is judged and charged");
	add_kinds(t, json_object_get(status, "notes"), "note", "tunnel-");
	add(t, "fragments", json_object_get(b, "fragments"), "");
	add(t, "  without ports", json_object_get(b, "later_fragments"),
	    "they match every service of their protocol");
	add(t, "headers not walked", json_object_get(b, "extensions_unwalked"),
	    "extension headers cut short, or more than we walk");
	add(t, "overflow", overflow, "judged, and booked by class, not by pair");
	add(t, "  over their share", json_object_get(overflow, "over_share"),
	    "of sources that begin too many pairs");
	add(t, "undetermined", json_object_get(b, "undetermined"),
	    "a rule asks for what could not be decided");
	add(t, "source not found", json_object_get(b, "source_not_found"),
	    "behind NAT, and connection tracking does not know it");
	add(t, "MAC mismatch", json_object_get(b, "mac_mismatch"),
	    "MAC and address disagree with the neighbour table");
	add(t, "foreign sources", json_object_get(b, "foreign_sources"),
	    "no network inside has them: made up, or unknown");
	add(t, "shared addresses", json_object_get(b, "address_shared"),
	    "taken for the MAC that used the address before");
	add(t, "holds not made", json_object_get(b, "hold_not_made"),
	    "there was no room, or their source had its share");
}

static void print_rest(const json_t *status, const json_t *b)
{
	_cleanup_buf_ struct buf uncovered = { 0 };
	const json_t *samples = json_object_get(status, "drop_samples");
	uint64_t lost = json_get_count(b, "events_lost");
	char n[COUNT_TEXT_MAX];

	which_uncovered(status, &uncovered);
	if (uncovered.n)
		printf("uncovered   %s, since the daemon started\n", buf_text(&uncovered));
	if (lost)
		printf("events      %s lost: alerts may be missing, no counter is\n",
		       count_format(lost, n));
	if (json_get_count(samples, "lost"))
		printf("drops       %s samples lost: 'curfew drops' may miss some, no counter does\n",
		       count_format(json_get_count(samples, "lost"), n));
}

void status_print_blind(const struct cli *cli, const json_t *status)
{
	static const struct table_column columns[] = {
		{ "NOT FULLY SEEN", false }, { "INSIDE", true }, { "WIRE", true },
		{ "OUTSIDE", true },         { "WIRE", true },   { "", false }
	};
	const json_t *b = json_object_get(status, "blind_spots");
	const json_t *ignored = json_object_get(b, "ignored");
	_cleanup_table_ struct table t;

	table_init(&t, columns, ARRAY_SIZE(columns));
	if (!b)
		return;
	add_all(&t, status, b);
	if (!table_rows(&t)) {
		printf("\nnot seen    nothing: all was understood, and booked by pair\n");
		print_rest(status, b);
		return;
	}
	add(&t, "ignored", ignored, "never judged, by definition");
	add_kinds(&t, json_object_get(ignored, "reasons"), "reason", "ignored-");
	putchar('\n');
	table_print(&t, stdout, cli->colour);
	print_tunnels(cli, json_object_get(b, "encapsulated"));
	print_overflow(cli, json_object_get(b, "overflow"));
	if (status_uncovered_ms(status) || json_get_count(b, "events_lost"))
		putchar('\n');
	print_rest(status, b);
}
