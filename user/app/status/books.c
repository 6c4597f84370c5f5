/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The books in `status`: that they balance, by reason, and from hook to hook to device. */
#include <net/if.h>

#include "app/show/json_util.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "core/ledger/reconcile.h"

json_t *status_traffic(const struct cf_traffic *t)
{
	return json_pack("{s:o, s:o, s:o}", "packets", json_count(t->packets), "wire_bytes",
			 json_count(t->wire_bytes), "payload_bytes", json_count(t->payload_bytes));
}

/* ---- they balance -------------------------------------------------------- */

/* Wire bytes: what was offered to our hooks, and where they are booked. */
struct books {
	uint64_t devices_before, devices_after;
	uint64_t reasons_before, reasons_after;                         /* all hooks and reasons */
	uint64_t judged_before[CF_HOOK_MAX], judged_after[CF_HOOK_MAX]; /* PASS and DROP */
	struct cf_recycled recycled_before[CF_HOOK_MAX], recycled_after[CF_HOOK_MAX];
	uint64_t slots[CF_HOOK_MAX];
	uint64_t overflow[CF_HOOK_MAX];
	uint64_t slots_used;
};

static uint64_t devices_sum(struct datapath *dp)
{
	struct cf_device_count all = { 0 };

	datapath_devices(dp, &all);
	return all.wire_bytes;
}

static void reasons_sum(const struct reason_totals *t, uint64_t *ret_all,
			uint64_t ret_judged[CF_HOOK_MAX])
{
	struct reconcile r;

	reconcile_hooks(t->t, &r);
	*ret_all = 0;
	for (int h = 0; h < CF_HOOK_MAX; h++) {
		*ret_all += r.offered[h].wire_bytes;
		ret_judged[h] = r.group[h][REASON_GROUP_PASS].wire_bytes +
				r.group[h][REASON_GROUP_DROP].wire_bytes;
	}
}

static void add_pair(void *arg, const struct pair_sample *p)
{
	struct books *b = arg;

	b->slots[p->hook] += p->wire_bytes;
	b->slots_used++;
}

static void add_overflow(void *arg, const struct overflow_sample *o)
{
	struct books *b = arg;

	if (o->key.hook < CF_HOOK_MAX)
		b->overflow[o->key.hook] += o->traffic.wire_bytes;
}

/* How far [low, high] is from [before, after]: two sums that are one, read while they move. */
static int64_t apart(uint64_t low, uint64_t high, uint64_t before, uint64_t after)
{
	if (high < before)
		return (int64_t)(high - before);
	return low > after ? (int64_t)(low - after) : 0;
}

static int read_books(struct datapath *dp, struct reason_totals *totals, struct books *b)
{
	int r;

	b->devices_before = devices_sum(dp);
	r = datapath_reasons(dp, totals);
	if (r < 0)
		return r;
	reasons_sum(totals, &b->reasons_before, b->judged_before);
	datapath_recycled(dp, b->recycled_before);
	datapath_pairs(dp, add_pair, b);
	datapath_recycled(dp, b->recycled_after);
	datapath_overflow(dp, add_overflow, b);
	r = datapath_reasons(dp, totals);
	if (r < 0)
		return r;
	reasons_sum(totals, &b->reasons_after, b->judged_after);
	b->devices_after = devices_sum(dp);
	return 0;
}

static int64_t add_hook(const struct books *b, int h, json_t *out)
{
	uint64_t rest = b->slots[h] + b->overflow[h];
	int64_t off = apart(rest + b->recycled_before[h].wire_bytes,
			    rest + b->recycled_after[h].wire_bytes, b->judged_before[h],
			    b->judged_after[h]);

	json_object_set_new(out, hook_name((enum cf_hook)h),
			    json_pack("{s:o, s:o, s:o, s:o, s:I}", "judged_bytes",
				      json_count(b->judged_after[h]), "slots_bytes",
				      json_count(b->slots[h]), "recycled_bytes",
				      json_count(b->recycled_after[h].wire_bytes), "overflow_bytes",
				      json_count(b->overflow[h]), "difference_bytes",
				      (json_int_t)off));
	return off;
}

void status_books(struct datapath *dp, struct reason_totals *totals, json_t *status)
{
	struct books b = { 0 };
	json_t *out;
	int64_t off;

	if (read_books(dp, totals, &b) < 0)
		return;
	off = apart(b.reasons_after, b.reasons_after, b.devices_before, b.devices_after);
	out = json_pack("{s:o, s:o, s:I, s:o}", "offered_bytes", json_count(b.devices_after),
			"by_reason_bytes", json_count(b.reasons_after), "difference_bytes",
			(json_int_t)off, "slots_used", json_count(b.slots_used));
	for (int h = 0; h < CF_HOOK_MAX; h++) {
		int64_t d = add_hook(&b, h, out);

		off = off ? off : d;
	}
	json_object_set_new(status, "books", out);
	if (off)
		status_problem(status, xprintf("the books are off by %lld bytes", (long long)off),
			       "please report this, with 'curfew status --json'");
}

void status_reasons(const struct reason_totals *totals, json_t *status)
{
	json_t *list = json_array();

	for (int h = 0; h < CF_HOOK_MAX; h++)
		for (int r = 0; r < CF_REASON_MAX; r++) {
			const struct reason_info *info = &reason_infos[r];
			json_t *row;

			if (!totals->t[h][r].packets)
				continue;
			row = json_pack("{s:s, s:s, s:s, s:s}", "hook", hook_name((enum cf_hook)h),
					"reason", info->slug, "group",
					reason_group_name(info->group), "text", info->text);
			json_object_update_new(row, status_traffic(&totals->t[h][r]));
			json_array_append_new(list, row);
		}
	json_object_set_new(status, "reasons", list);
}

/* ---- from hook to hook ---------------------------------------------------- */

static json_t *side_json(const struct reconcile *r, int h)
{
	const struct cf_traffic *g = r->group[h];
	json_t *o = json_object();

	json_object_set_new(o, "offered", status_traffic(&r->offered[h]));
	json_object_set_new(o, "ignored", status_traffic(&g[REASON_GROUP_IGNORED]));
	json_object_set_new(o, "unparsed", status_traffic(&g[REASON_GROUP_UNPARSED]));
	json_object_set_new(o, "dropped", status_traffic(&g[REASON_GROUP_DROP]));
	json_object_set_new(o, "passed", status_traffic(&g[REASON_GROUP_PASS]));
	if (h == CF_HOOK_OUTSIDE)
		json_object_set_new(o, "seen_forwarded", status_traffic(&g[REASON_GROUP_SEEN]));
	return o;
}

/* ---- from hook to device ---------------------------------------------------- */

struct devices {
	struct datapath *dp;
	json_t *list;
};

static void add_device(void *arg, uint32_t ifindex, const struct cf_baseline *then)
{
	struct devices *d = arg;
	struct device_check c;
	struct cf_baseline now;
	uint64_t slack;

	if (datapath_device_now(d->dp, ifindex, &now, &slack) < 0)
		return;
	reconcile_device(then, &now, slack, &c);
	json_array_append_new(
		d->list,
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:b, s:s}",
			  "interface", then->ifname, "since",
			  json_when((struct utc){ (int64_t)then->at }, NULL), "handed_packets",
			  json_count(c.handed_packets), "handed_bytes", json_count(c.handed_bytes),
			  "handed_wire_bytes", json_count(c.handed_wire_bytes), "sent_packets",
			  json_count(c.sent_packets), "sent_bytes", json_count(c.sent_bytes),
			  "queued_bytes", (json_int_t)c.queued_bytes, "queue_drops",
			  json_count(c.queue_drops), "device_drops", json_count(c.device_drops),
			  "difference_bytes", (json_int_t)c.difference_bytes, "agrees",
			  c.cause == DEVICE_AGREES, "cause", device_cause_text(c.cause)));
}

void status_reconcile(struct datapath *dp, const struct reason_totals *totals, json_t *status)
{
	struct devices d = { .dp = dp, .list = json_array() };
	struct reconcile r;
	json_t *o = json_object(), *out;

	reconcile_hooks(totals->t, &r);
	json_object_set_new(o, "inside", side_json(&r, CF_HOOK_INSIDE));
	out = side_json(&r, CF_HOOK_OUTSIDE);
	json_object_set_new(out, "carriers",
			    status_traffic(&totals->t[CF_HOOK_OUTSIDE][CF_REASON_PASS_CARRIER]));
	json_object_set_new(out, "left", status_traffic(&r.left));
	json_object_set_new(o, "outside", out);
	json_object_set_new(o, "expected_outside", status_traffic(&r.expected));
	json_object_set_new(o, "not_seen_outside",
			    json_pack("{s:I, s:I}", "packets", (json_int_t)r.missing_packets,
				      "payload_bytes", (json_int_t)r.missing_payload_bytes));
	datapath_baselines(dp, add_device, &d);
	json_object_set_new(o, "devices", d.list);
	json_object_set_new(status, "reconciliation", o);
}
