/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger as rows: `flows`. */
#include <inttypes.h>
#include <string.h>

#include "app/daemon/books.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "core/ledger/query.h"
#include "core/report/reason.h"

#define ROWS_DEFAULT 20
#define ROWS_MAX     65536
#define FRESH_MS     250

static json_t *sums_json(const struct ledger_sums *s)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "wire_bytes", json_count(s->wire_bytes),
			 "payload_bytes", json_count(s->payload_bytes), "dropped_wire_bytes",
			 json_count(s->dropped_wire_bytes), "packets", json_count(s->packets));
}

static void set_destination(struct daemon *d, json_t *o, const struct addr *dst)
{
	char text[DESTINATION_TEXT_MAX];
	struct place place = books_place(d, dst);

	json_object_set_new(o, "destination", json_string(destination_format(dst, text)));
	json_place(o, &place);
}

static void set_source(json_t *o, const struct addr *src)
{
	char text[ADDR_TEXT_MAX];

	json_object_set_new(o, "source", json_string(addr_format(src, text)));
}

/* The AS' name is a fact of any address in it. */
static void set_asn(const struct daemon *d, json_t *o, const struct ledger_row *row)
{
	struct place place = books_place(d, &row->dst);

	json_object_set_new(o, "asn", row->number ? json_integer(row->number) : json_null());
	json_object_set_new(o, "as_name", row->number ? json_text(place.rec.as_name) : json_null());
}

static const char *policy_name(const struct daemon *d, uint32_t rule)
{
	const struct running *now = &d->now;
	uint32_t i = rule < now->image->rule_policy.n ? now->image->rule_policy.v[rule] : ~0U;

	if (i < now->set->policies.n)
		return now->set->policies.v[i].name;
	/* the limit of a publish */
	return i != ~0U ? now->image->rules.v[rule].name : NULL;
}

/* What of the policy's conditions the row does not know. */
static json_t *asks_json(const struct daemon *d, uint32_t rule)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ POLICY_ASKS_SERVICE, "service" },
		{ POLICY_ASKS_SENDER, "sender" },
		{ POLICY_ASKS_INITIATED, "initiated" },
	};
	uint32_t asks = policy_asks(d->now.image, rule);
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (asks & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static void set_key(struct daemon *d, json_t *o, enum ledger_by by, const struct ledger_row *row)
{
	switch (by) {
	case LEDGER_BY_PAIR:
		set_source(o, &row->src);
		set_destination(d, o, &row->dst);
		json_object_set_new(o, "hook", json_string(hook_name((enum cf_hook)row->hook)));
		break;
	case LEDGER_BY_SOURCE:
		set_source(o, &row->src);
		break;
	case LEDGER_BY_DESTINATION:
		set_destination(d, o, &row->dst);
		break;
	case LEDGER_BY_COUNTRY:
		json_object_set_new(o, "country", json_text(row->cc));
		break;
	case LEDGER_BY_ASN:
		set_asn(d, o, row);
		break;
	case LEDGER_BY_POLICY:
		json_object_set_new(o, "policy", json_text(policy_name(d, row->number)));
		json_object_set_new(o, "not_told_apart", asks_json(d, row->number));
		break;
	default:
		json_object_set_new(o, "label", json_integer(row->number));
	}
}

/* Which side began flows of these pairs, as far as that was seen. */
static const char *began_name(uint8_t began)
{
	static const char *const names[] = { "unknown", "inside", "outside", "both" };

	return names[(began & CF_SLOT_BEGAN_INSIDE ? 1 : 0) |
		     (began & CF_SLOT_BEGAN_OUTSIDE ? 2 : 0)];
}

static json_t *row_json(struct daemon *d, enum ledger_by by, const struct ledger_row *row)
{
	json_t *o = json_object();

	set_key(d, o, by, row);
	json_object_update_new(o, sums_json(&row->sums));
	json_object_set_new(o, "rate_10s", json_count(row->rate));
	json_object_set_new(o, "rate_now", json_count(row->rate_now));
	json_object_set_new(o, "sources", json_integer(row->sources));
	json_object_set_new(o, "destinations", json_integer(row->destinations));
	json_object_set_new(o, "first_seen", json_time(d, row->first_seen));
	json_object_set_new(o, "last_seen", json_time(d, row->last_seen));
	json_object_set_new(o, "initiated", json_string(began_name(row->began)));
	json_object_set_new(o, "verdict", json_string(row->dropped ? "drop" : "pass"));
	return o;
}

/* ---- what is not in pairs --------------------------------------------------- */

static int reason_rows(struct daemon *d, json_t *rows)
{
	struct reason_totals t;
	int r = datapath_reasons(d->dp, &t);

	if (r < 0)
		return r;
	for (unsigned int hook = 0; hook < CF_HOOK_MAX; hook++) {
		for (unsigned int i = 0; i < CF_REASON_MAX; i++) {
			const struct cf_traffic *x = &t.t[hook][i];

			if (!x->packets)
				continue;
			json_array_append_new(rows,
					      json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}",
							"hook", hook_name((enum cf_hook)hook),
							"reason", reason_infos[i].slug, "group",
							reason_group_name(reason_infos[i].group),
							"text", reason_infos[i].text, "wire_bytes",
							json_count(x->wire_bytes), "payload_bytes",
							json_count(x->payload_bytes), "packets",
							json_count(x->packets)));
		}
	}
	return 0;
}

static int note_rows(struct daemon *d, json_t *rows)
{
	struct note_totals t;
	json_t *list;
	int r = datapath_notes(d->dp, &t);

	if (r < 0)
		return r;
	list = status_notes(&t);
	json_array_extend(rows, list);
	json_decref(list);
	return 0;
}

static void overflow_add(void *arg, const struct overflow_sample *o)
{
	struct ledger_sums *s = arg;

	s->wire_bytes += o->traffic.wire_bytes;
	s->payload_bytes += o->traffic.payload_bytes;
	s->packets += o->traffic.packets;
}

static json_t *overflow_json(struct daemon *d)
{
	struct ledger_sums s = { 0 };

	if (datapath_overflow(d->dp, overflow_add, &s) < 0)
		return json_null();
	return sums_json(&s);
}

/* ---- the request ------------------------------------------------------------- */

struct flows_args {
	const char *by, *sort;
	size_t top;
	int (*rows)(struct daemon *d,
		    json_t *rows); /* what is not in pairs; NULL: they are asked for */
	struct ledger_query q;
	struct addr src, dst;
};

/* Destinations in IPv6 are shown as their /64, so they are asked for like that, too. */
static bool is_key(const char *text, struct addr *ret)
{
	struct prefix p;

	if (prefix_parse(text, &p) < 0 || p.bits < (prefix_is4(&p) ? 128 : 64))
		return false;
	*ret = p.addr;
	return true;
}

static int parse_address(const json_t *args, const char *name, struct addr *addr,
			 const struct addr **ret, char **ret_error)
{
	const char *text = json_string_value(json_object_get(args, name));

	if (!text)
		return 0;
	if (addr_parse(text, addr) < 0 && !is_key(text, addr))
		return request_fail(ret_error, EXIT_USAGE,
				    "'%s' is not an address, nor a /64 as the table shows it; "
				    "larger networks cannot be asked for",
				    text);
	*ret = addr;
	return 0;
}

/* Totals only: what memory can answer is "all of it, until now". */
static int check_span(struct daemon *d, const json_t *args, char **ret_error)
{
	const char *since = json_get_text(args, "since"), *until = json_get_text(args, "until");
	struct utc now = daemon_now(d), at;
	char begin[64];

	if ((since && utc_parse(since, d->zone, now, &at) < 0) ||
	    (until && utc_parse(until, d->zone, now, &at) < 0))
		return request_fail(ret_error, EXIT_USAGE,
				    "--since and --until want times such as \"2026-11-24 22:00\", "
				    "\"22:00\" or \"-2h\"");
	utc_format(d->ledger->since, d->zone, begin, sizeof(begin));
	if (since && utc_parse(since, d->zone, now, &at) == 0 && at.s > d->ledger->since.s)
		return request_fail(ret_error, EXIT_USAGE,
				    "history is not stored yet: there are only totals since %s; "
				    "leave out --since, or give that time or an earlier one",
				    begin);
	if (until && utc_parse(until, d->zone, now, &at) == 0 && at.s < now.s)
		return request_fail(
			ret_error, EXIT_USAGE,
			"history is not stored yet: there are only totals from %s until "
			"now; leave out --until",
			begin);
	return 0;
}

static int parse_args(const json_t *args, struct flows_args *a, char **ret_error)
{
	const json_t *n = json_object_get(args, "n");
	int r;

	a->by = json_string_value(json_object_get(args, "by"));
	a->sort = json_string_value(json_object_get(args, "sort"));
	if (a->by && !strcmp(a->by, "reason"))
		a->rows = reason_rows;
	else if (a->by && !strcmp(a->by, "note"))
		a->rows = note_rows;
	else if (a->by && ledger_by_parse(a->by, &a->q.by) < 0)
		return request_fail(ret_error, EXIT_USAGE,
				    "'%s' is not a grouping; source, destination, pair, country, "
				    "asn, policy, label, reason or note is",
				    a->by);
	if (a->sort && ledger_column_parse(a->sort, &a->q.sort) < 0)
		return request_fail(ret_error, EXIT_USAGE,
				    "'%s' is not a column; wire, payload, dropped, packets, rate "
				    "or last is",
				    a->sort);
	a->q.top = ROWS_DEFAULT;
	if (json_is_integer(n) && json_integer_value(n) >= 0)
		a->q.top = (size_t)json_integer_value(n);
	if (!a->q.top || a->q.top > ROWS_MAX)
		a->q.top = ROWS_MAX;
	r = parse_address(args, "source", &a->src, &a->q.src, ret_error);
	if (r)
		return r;
	r = parse_address(args, "destination", &a->dst, &a->q.dst, ret_error);
	if (!r && a->q.dst)
		a->dst = ledger_destination_key(&a->dst);
	return r;
}

int request_flows(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		  json_t **ret_reply, char **ret_error)
{
	_cleanup_ledger_rows_ struct ledger_rows rows = { 0 };
	struct flows_args a = { 0 };
	json_t *list;
	int r = parse_args(args, &a, ret_error);

	if (!r)
		r = check_span(d, args, ret_error);
	if (r)
		return r;
	books_refresh(d, FRESH_MS);
	list = json_array();
	a.q.rates = true;
	a.q.geo = &d->now.geo;
	a.q.image = d->now.image;
	a.q.local = &d->machine.local;
	if (a.rows) {
		r = a.rows(d, list);
		if (r < 0) {
			json_decref(list);
			return request_fail(ret_error, EXIT_DEGRADED, "cannot read the %ss: %s",
					    a.by, strerror(-r));
		}
		rows.groups = json_array_size(list);
	} else {
		ledger_query(d->ledger, &a.q, &rows);
	}
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(list, row_json(d, a.q.by, &rows.v[i]));
	*ret_reply = json_pack("{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:s}", "by",
			       a.rows ? a.by : ledger_by_name(a.q.by), "since",
			       json_time(d, d->ledger->since), "now", json_time(d, daemon_now(d)),
			       "rows", list, "groups", (json_int_t)rows.groups, "total",
			       sums_json(&d->ledger->total), "overflow", overflow_json(d), "site",
			       d->now.set->site.name ? d->now.set->site.name : "");
	return 0;
}
