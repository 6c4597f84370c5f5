/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blind-spot ledger in `status`: what Curfew has counted and not fully seen. */
#include <string.h>

#include "app/show/json_util.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "core/ledger/reconcile.h"
#include "port/datapath/names.h"

/* The largest of them; the printing shows fewer. */
#define TUNNELS_SHOWN  64
#define OVERFLOW_SHOWN 64

static void add(struct cf_traffic *to, const struct cf_traffic *t)
{
	to->packets += t->packets;
	to->wire_bytes += t->wire_bytes;
	to->payload_bytes += t->payload_bytes;
}

/* ---- by reason ------------------------------------------------------------- */

/* What crosses both hooks is counted at both: the two are never added up. */
static json_t *group_json(const struct reason_totals *totals, enum reason_group group)
{
	json_t *list = json_array(), *o = json_object();
	struct cf_traffic sum[CF_HOOK_MAX] = { 0 };

	for (int h = 0; h < CF_HOOK_MAX; h++) {
		for (int r = 0; r < CF_REASON_MAX; r++) {
			json_t *row;

			if (reason_infos[r].group != group || !totals->t[h][r].packets)
				continue;
			add(&sum[h], &totals->t[h][r]);
			row = json_pack("{s:s, s:s, s:s}", "hook", hook_name((enum cf_hook)h),
					"reason", reason_infos[r].slug, "text",
					reason_infos[r].text);
			json_object_update_new(row, status_traffic(&totals->t[h][r]));
			json_array_append_new(list, row);
		}
		json_object_set_new(o, hook_name((enum cf_hook)h), status_traffic(&sum[h]));
	}
	json_object_set_new(o, "reasons", list);
	return o;
}

/* ---- by note ----------------------------------------------------------------- */

json_t *status_notes(const struct note_totals *totals)
{
	json_t *list = json_array();

	for (int h = 0; h < CF_HOOK_MAX; h++)
		for (int n = 0; n < CF_NOTE_MAX; n++)
			if (totals->t[h][n].packets)
				json_array_append_new(
					list,
					json_pack("{s:s, s:s, s:s, s:o, s:o}", "hook",
						  hook_name((enum cf_hook)h), "note",
						  note_infos[n].slug, "text", note_infos[n].text,
						  "packets", json_count(totals->t[h][n].packets),
						  "wire_bytes",
						  json_count(totals->t[h][n].wire_bytes)));
	return list;
}

static json_t *note_json(const struct note_totals *totals, bool (*is)(enum cf_note note))
{
	json_t *o = json_object();

	for (int h = 0; h < CF_HOOK_MAX; h++) {
		uint64_t packets = 0, bytes = 0;

		for (int n = 0; n < CF_NOTE_MAX; n++)
			if (is((enum cf_note)n)) {
				packets += totals->t[h][n].packets;
				bytes += totals->t[h][n].wire_bytes;
			}
		json_object_set_new(o, hook_name((enum cf_hook)h),
				    json_pack("{s:o, s:o}", "packets", json_count(packets),
					      "wire_bytes", json_count(bytes)));
	}
	return o;
}

#define NOTE_IS(name, id)                                                                          \
	static bool name(enum cf_note note)                                                        \
	{                                                                                          \
		return note == CF_NOTE_##id;                                                       \
	}
NOTE_IS(is_fragment, FRAGMENT)
NOTE_IS(is_later, LATER_FRAGMENT)
NOTE_IS(is_unwalked, EXTENSIONS)
NOTE_IS(is_undetermined, UNDETERMINED)
NOTE_IS(is_mac_mismatch, MAC_MISMATCH)
NOTE_IS(is_source_unknown, NAT_UNKNOWN)
NOTE_IS(is_over_share, OVER_SHARE)
NOTE_IS(is_foreign, FOREIGN)
NOTE_IS(is_address_shared, ADDRESS_SHARED)
NOTE_IS(is_hold_not_made, HOLD_NOT_MADE)

/* ---- tunnels ------------------------------------------------------------------- */

struct tunnel_row {
	struct cf_tunnel_key key;
	struct cf_tunnel t;
};
struct tunnel_rows {
	struct tunnel_row *v;
	size_t n, cap;
};

static void add_tunnel(void *arg, const struct cf_tunnel_key *key, const struct cf_tunnel *t)
{
	struct tunnel_rows *l = arg;

	if (key->note < CF_NOTE_MAX && key->hook < CF_HOOK_MAX)
		*VEC_ADD(l) = (struct tunnel_row){ *key, *t };
}

/* One tunnel's rows at both hooks stand together, inside first. */
static int larger_tunnel(const void *a, const void *b)
{
	const struct tunnel_row *x = a, *y = b;

	if (x->t.wire_bytes != y->t.wire_bytes)
		return x->t.wire_bytes > y->t.wire_bytes ? -1 : 1;
	if (x->key.note != y->key.note)
		return x->key.note < y->key.note ? -1 : 1;
	if (x->key.hook != y->key.hook)
		return x->key.hook < y->key.hook ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static json_t *address(const uint8_t b[16])
{
	struct addr a;
	bool any = false;

	for (int i = 0; i < 16; i++) {
		a.b[i] = b[i];
		any |= b[i];
	}
	return any ? json_addr(&a) : json_null();
}

static json_t *tunnel_json(const struct tunnel_row *r)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:o, s:o}", "hook",
			 hook_name((enum cf_hook)r->key.hook), "kind", note_infos[r->key.note].slug,
			 "source", address(r->key.src), "destination", address(r->key.dst),
			 "inner_source", address(r->t.inner_src), "inner_destination",
			 address(r->t.inner_dst), "inner_protocol", r->t.inner_protocol, "packets",
			 json_count(r->t.packets), "wire_bytes", json_count(r->t.wire_bytes));
}

static json_t *encapsulated_json(struct datapath *dp, const struct note_totals *totals)
{
	json_t *o = note_json(totals, note_is_tunnel), *list = json_array();
	struct tunnel_rows rows = { 0 };

	datapath_tunnels(dp, add_tunnel, &rows);
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(*rows.v), larger_tunnel);
	for (size_t i = 0; i < rows.n && i < TUNNELS_SHOWN; i++)
		json_array_append_new(list, tunnel_json(&rows.v[i]));
	json_object_set_new(o, "tunnels", list);
	json_object_set_new(o, "tunnels_known", json_count(rows.n));
	free(rows.v);
	return o;
}

/* ---- overflow ------------------------------------------------------------------- */

struct overflow_rows {
	struct overflow_sample *v;
	size_t n, cap;
	struct cf_traffic sum[CF_HOOK_MAX], classless;
};

static void add_overflow(void *arg, const struct overflow_sample *o)
{
	struct overflow_rows *l = arg;

	if (o->key.hook >= CF_HOOK_MAX)
		return;
	add(&l->sum[o->key.hook], &o->traffic);
	/* `losses`: what found no room even in `overflow` */
	if (o->key.label == CF_LABELS_MAX)
		add(&l->classless, &o->traffic);
	else
		*VEC_ADD(l) = *o;
}

static int larger_overflow(const void *a, const void *b)
{
	uint64_t x = ((const struct overflow_sample *)a)->traffic.wire_bytes;
	uint64_t y = ((const struct overflow_sample *)b)->traffic.wire_bytes;

	return x > y ? -1 : x < y;
}

static json_t *overflow_row(const struct datapath_names *names, const struct overflow_sample *s)
{
	_cleanup_buf_ struct buf source = { 0 }, label = { 0 };
	json_t *o = json_pack("{s:s, s:I, s:I}", "hook", hook_name((enum cf_hook)s->key.hook),
			      "source_class", (json_int_t)s->key.source_class, "label",
			      (json_int_t)s->key.label);

	if (names) {
		datapath_names_source(names, s->key.source_class, &source);
		datapath_names_label(names, s->key.label, &label);
	}
	json_object_set_new(o, "sources", json_text(buf_text(&source)));
	json_object_set_new(o, "destinations", json_text(buf_text(&label)));
	json_object_update_new(o, status_traffic(&s->traffic));
	return o;
}

/* Who sprays is told from a table that is too small. */
static void overflow_problem(const struct cf_traffic *t, uint64_t over_share, uint64_t no_room,
			     const char *hook, json_t *status)
{
	/* or before shards had grown to what they are */
	if (!no_room)
		return;
	if (over_share >= t->packets)
		status_problem(
			status,
			xprintf("%llu packets at the %s hooks are of sources that begin more pairs than their share",
				(unsigned long long)t->packets, hook),
			"they are judged and counted by class, not by pair: see who it is, with curfew flows --by source");
	else
		status_problem(
			status,
			xprintf("%llu bytes at the %s hooks found no room in the pair table",
				(unsigned long long)no_room, hook),
			"they are judged and counted by class, not by pair: give 'curfew run' more --pairs");
}

static json_t *overflow_json(struct datapath *dp, const struct note_totals *totals, json_t *status)
{
	struct overflow_rows rows = { 0 };
	struct datapath_names *names = NULL;
	json_t *o, *list = json_array();
	uint64_t no_room[CF_HOOK_MAX];

	datapath_no_room(dp, no_room);
	datapath_overflow(dp, add_overflow, &rows);
	if (rows.n) {
		qsort(rows.v, rows.n, sizeof(*rows.v), larger_overflow);
		datapath_names_open(dp, &names);
	}
	for (size_t i = 0; i < rows.n && i < OVERFLOW_SHOWN; i++)
		json_array_append_new(list, overflow_row(names, &rows.v[i]));
	datapath_names_close(names);
	o = json_object();
	for (int h = 0; h < CF_HOOK_MAX; h++)
		json_object_set_new(o, hook_name((enum cf_hook)h), status_traffic(&rows.sum[h]));
	for (int h = 0; h < CF_HOOK_MAX; h++)
		overflow_problem(&rows.sum[h], totals->t[h][CF_NOTE_OVER_SHARE].packets, no_room[h],
				 hook_name((enum cf_hook)h), status);
	json_object_set_new(o, "classes", list);
	json_object_set_new(o, "classes_known", json_count(rows.n));
	json_object_set_new(o, "without_class", status_traffic(&rows.classless));
	json_object_set_new(o, "over_share", note_json(totals, is_over_share));
	free(rows.v);
	return o;
}

static json_t *recycled_json(struct datapath *dp)
{
	struct cf_recycled r[CF_HOOK_MAX] = { 0 };
	json_t *o = json_object();

	datapath_recycled(dp, r);
	for (int h = 0; h < CF_HOOK_MAX; h++)
		json_object_set_new(o, hook_name((enum cf_hook)h),
				    json_pack("{s:o, s:o, s:o, s:o, s:o}", "pairs",
					      json_count(r[h].pairs), "packets",
					      json_count(r[h].packets), "wire_bytes",
					      json_count(r[h].wire_bytes), "payload_bytes",
					      json_count(r[h].payload_bytes), "dropped_wire_bytes",
					      json_count(r[h].dropped_wire_bytes)));
	return o;
}

static void hold_problem(const struct note_totals *notes, json_t *status)
{
	uint64_t n = 0;

	for (int h = 0; h < CF_HOOK_MAX; h++)
		n += notes->t[h][CF_NOTE_HOLD_NOT_MADE].packets;
	if (n)
		status_problem(
			status,
			xprintf("%llu packets were to lead to a hold or a quarantine for which there was no room",
				(unsigned long long)n),
			"their policy drops them as long as it says so itself: see who it is, with curfew alerts and curfew blocks");
}

void status_blind(struct datapath *dp, const struct reason_totals *reasons, json_t *status)
{
	struct note_totals *notes = xcalloc(1, sizeof(*notes));
	json_t *o = json_object();

	datapath_notes(dp, notes);
	json_object_set_new(o, "unparsed", group_json(reasons, REASON_GROUP_UNPARSED));
	json_object_set_new(o, "encapsulated", encapsulated_json(dp, notes));
	json_object_set_new(o, "fragments", note_json(notes, is_fragment));
	json_object_set_new(o, "later_fragments", note_json(notes, is_later));
	json_object_set_new(o, "extensions_unwalked", note_json(notes, is_unwalked));
	json_object_set_new(o, "ignored", group_json(reasons, REASON_GROUP_IGNORED));
	json_object_set_new(o, "overflow", overflow_json(dp, notes, status));
	json_object_set_new(o, "undetermined", note_json(notes, is_undetermined));
	json_object_set_new(o, "source_not_found", note_json(notes, is_source_unknown));
	json_object_set_new(o, "mac_mismatch", note_json(notes, is_mac_mismatch));
	json_object_set_new(o, "foreign_sources", note_json(notes, is_foreign));
	json_object_set_new(o, "address_shared", note_json(notes, is_address_shared));
	json_object_set_new(o, "hold_not_made", note_json(notes, is_hold_not_made));
	hold_problem(notes, status);
	json_object_set_new(o, "events_lost", json_count(datapath_events_lost(dp)));
	json_object_set_new(o, "recycled", recycled_json(dp));
	json_object_set_new(status, "blind_spots", o);
	json_object_set_new(status, "notes", status_notes(notes));
	free(notes);
}
