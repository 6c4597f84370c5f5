/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of `status` that the kernel's maps tell. */
#include <string.h>

#include "app/show/json_util.h"
#include "app/status/neighbours.h"
#include "app/status/status.h"
#include "base/buf.h"

void status_problem(json_t *status, char *what, const char *advice)
{
	json_t *list = json_object_get(status, "problems");

	if (!list) {
		list = json_array();
		json_object_set_new(status, "problems", list);
	}
	json_array_append_new(list, json_pack("{s:o, s:s}", "what", json_text(what), "do", advice));
	free(what);
}

/* ---- hooks ------------------------------------------------------------- */

static json_t *hook_json(struct datapath *dp, const struct hook *h)
{
	struct cf_device_count count = { 0 };
	const char *why = h->covered ? h->note.text : h->why.text;

	if (h->ifindex)
		datapath_device(dp, h->ifindex, &count);
	return json_pack(
		"{s:o, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"interface", json_text(h->ifname), "role",
		h->role == CF_IF_INSIDE ? "inside" : "outside", "hook", hook_kind_name(h->kind),
		"covered", h->covered, "ifindex", (json_int_t)h->ifindex, "program",
		(json_int_t)h->prog_id, "link", (json_int_t)h->link_id, "generation",
		(json_int_t)h->generation, "position", (json_int_t)h->position, "packets",
		json_count(count.packets), "len_bytes", json_count(count.len_bytes), "wire_bytes",
		json_count(count.wire_bytes), "why", json_text(why), "seen_at",
		json_text(h->seen_at), "warning", json_text(h->warning.text));
}

/* What an outside hook knows of hosts that no inside hook has seen. */
static void add_conntrack(const struct hook *h, json_t *o)
{
	bool asks;

	if (h->role != CF_IF_OUTSIDE || h->kind == HOOK_NONE)
		return;
	asks = datapath_hook_conntrack(h);
	json_object_set_new(o, "conntrack", json_boolean(asks));
	json_object_set_new(
		o, "source",
		json_string(
			asks ? "behind NAT the internal host, by conntrack for TCP and UDP; of other "
			       "protocols the address that NAT gave it"
			     : "behind NAT the address that NAT gave it: no conntrack for programs "
			       "in this kernel; who began is known for TCP only"));
}

static void add_hooks(struct datapath *dp, json_t *status)
{
	uint32_t generation = datapath_generation(dp);
	struct hook_list hooks = { 0 };
	json_t *list = json_array();

	json_object_set_new(status, "hooks", list);
	if (datapath_hooks(dp, &hooks) < 0)
		return;
	for (size_t i = 0; i < hooks.n; i++) {
		const struct hook *h = &hooks.v[i];

		json_array_append_new(list, hook_json(dp, h));
		add_conntrack(h, json_array_get(list, i));
		if (*h->warning.text)
			status_problem(
				status, xprintf("%s: %s", h->ifname, h->warning.text),
				"change the configuration, or the device; then: curfew reload");
		if (!h->covered)
			status_problem(
				status,
				xprintf("%s is not covered%s%s", h->ifname,
					*h->why.text ? ": " : "", h->why.text),
				"traffic through it is neither counted nor stopped there; the daemon "
				"attaches as soon as it can");
		else if (h->kind != HOOK_NONE && h->generation != generation)
			status_problem(status,
				       xprintf("%s runs generation %u, not %u", h->ifname,
					       h->generation, generation),
				       "curfew reload");
	}
	if (!hooks.n)
		status_problem(status, xstrdup("no interface is covered"),
			       "name interfaces with 'inside' and 'outside', then: curfew reload");
	status_neighbours(&hooks, status);
	hook_list_done(&hooks);
}

/* ---- the control block ------------------------------------------------- */

static json_int_t seconds_left(uint64_t until, uint64_t now, uint32_t hz)
{
	return until > now && hz ? (json_int_t)((until - now + hz - 1) / hz) : 0;
}

/* 0 if the daemon has just beaten, after we looked. */
static json_int_t seconds_since(uint64_t then, uint64_t now, uint32_t hz)
{
	return now > then ? (json_int_t)((now - then) / hz) : 0;
}

static void add_control(struct datapath *dp, json_t *status)
{
	volatile struct cf_control *c = datapath_control(dp);
	uint64_t now = datapath_jiffies(dp), off = c->off_until, confirm = c->confirm_until;
	json_int_t off_left = off == ~0ULL ? -1 : seconds_left(off, now, c->hz);
	json_int_t confirm_left = confirm ? seconds_left(confirm, now, c->hz) : 0;

	json_object_set_new(status, "generation", json_integer(datapath_generation(dp)));
	json_object_set_new(status, "off",
			    json_pack("{s:b, s:o}", "off", off > now, "seconds_left",
				      off_left < 0 ? json_null() : json_integer(off_left)));
	json_object_set_new(status, "confirm",
			    json_pack("{s:b, s:I, s:b}", "waiting", confirm > now, "seconds_left",
				      confirm_left, "observing", confirm && confirm <= now));
	json_object_set_new(status, "heartbeat_seconds_ago",
			    c->heartbeat && c->hz
				    ? json_integer(seconds_since(c->heartbeat, now, c->hz))
				    : json_null());
	if (off > now)
		status_problem(status, xstrdup("enforcement is switched off: nothing is dropped"),
			       "curfew on");
	if (confirm && confirm <= now)
		status_problem(
			status,
			xstrdup("the last reload was not confirmed: the kernel only observes"),
			"curfew reload");
}

static void add_sizes(struct datapath *dp, json_t *status)
{
	uint64_t lost = datapath_events_lost(dp);
	struct datapath_sizes s;

	datapath_sizes(dp, &s);
	json_object_set_new(status, "sizes",
			    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "cpus",
				      (json_int_t)s.cpus, "cpus_online", (json_int_t)s.cpus_online,
				      "cpus_without", (json_int_t)s.cpus_without, "slots4",
				      (json_int_t)s.slots4, "slots6", (json_int_t)s.slots6,
				      "quota_keys", (json_int_t)s.quota_keys, "table_bytes",
				      (json_int_t)s.table_bytes));
	if (s.cpus_without)
		status_problem(
			status,
			xprintf("%u of %u CPUs that are online have no part of the pair table",
				s.cpus_without, s.cpus_online),
			"what they handle is judged, and counted by class, not by pair; the daemon makes it "
			"as soon as it can: see its log");
	json_object_set_new(status, "events_lost", json_integer((json_int_t)lost));
	if (lost)
		status_problem(status, xprintf("%llu events were lost", (unsigned long long)lost),
			       "alerts may be missing; verdicts and counters are not affected");
}

json_t *status_kernel(struct datapath *dp)
{
	struct reason_totals *totals = xcalloc(1, sizeof(*totals));
	json_t *status = json_pack("{s:[]}", "problems");

	add_control(dp, status);
	status_failing(dp, status);
	add_hooks(dp, status);
	status_books(dp, totals, status);
	status_reasons(totals, status);
	status_reconcile(dp, totals, status);
	status_blind(dp, totals, status);
	status_drops(dp, status);
	add_sizes(dp, status);
	free(totals);
	return status;
}
