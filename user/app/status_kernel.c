/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of `status` that the kernel's maps tell. */
#include <string.h>

#include "app/status.h"
#include "base/buf.h"

enum group { PASS, DROP, SEEN, IGNORED, UNPARSED };
static const struct {
	const char *slug, *text;
	enum group group;
} reasons[] = {
#define X(id, slug, group, text) [CF_REASON_##id] = { slug, text, group },
	CF_REASONS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(reasons) == CF_REASON_MAX, "a reason has no text");

static const char *const hook_names[] = {
	[CF_HOOK_INSIDE] = "inside", [CF_HOOK_OUTSIDE] = "outside"
};
_Static_assert(ARRAY_SIZE(hook_names) == CF_HOOK_MAX, "a hook has no name");

void status_problem(json_t *status, char *what, const char *advice)
{
	json_t *list = json_object_get(status, "problems");

	if (!list) {
		list = json_array();
		json_object_set_new(status, "problems", list);
	}
	json_array_append_new(list, json_pack("{s:s, s:s}", "what", what, "do", advice));
	free(what);
}

/* ---- hooks ------------------------------------------------------------- */

static json_t *hook_json(struct datapath *dp, const struct hook *h)
{
	struct cf_device_count count = { 0 };
	bool covered = h->kind != HOOK_NONE && h->alive;

	if (h->ifindex)
		datapath_device(dp, h->ifindex, &count);
	return json_pack(
		"{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?}", "interface",
		h->ifname, "role", h->role == CF_IF_INSIDE ? "inside" : "outside", "hook",
		hook_kind_name(h->kind), "covered", covered, "ifindex", (json_int_t)h->ifindex,
		"program", (json_int_t)h->prog_id, "link", (json_int_t)h->link_id, "generation",
		(json_int_t)h->generation, "position", (json_int_t)h->position, "packets",
		(json_int_t)count.packets, "len_bytes", (json_int_t)count.len_bytes, "wire_bytes",
		(json_int_t)count.wire_bytes, "why", *h->why.text ? h->why.text : NULL);
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
		if (h->kind == HOOK_NONE || !h->alive)
			status_problem(
				status,
				xprintf("%s is not covered%s%s", h->ifname,
					*h->why.text ? ": " : "", h->why.text),
				"traffic through it is neither counted nor stopped; the daemon attaches as "
				"soon as it can");
		else if (h->generation != generation)
			status_problem(status,
				       xprintf("%s runs generation %u, not %u", h->ifname,
					       h->generation, generation),
				       "curfew reload");
	}
	if (!hooks.n)
		status_problem(status, xstrdup("no interface is covered"),
			       "name interfaces with 'inside' and 'outside', then: curfew reload");
	hook_list_done(&hooks);
}

/* ---- the books --------------------------------------------------------- */

/* Wire bytes: what was offered to our hooks, and where they are booked. */
struct books {
	uint64_t devices_before, devices_after;
	uint64_t reasons_before, reasons_after;                         /* all hooks and reasons */
	uint64_t judged_before[CF_HOOK_MAX], judged_after[CF_HOOK_MAX]; /* PASS and DROP */
	uint64_t slots[CF_HOOK_MAX];
	uint64_t overflow[CF_HOOK_MAX];
	uint64_t slots_used;
};

static uint64_t devices_sum(struct datapath *dp)
{
	uint64_t sum = 0;

	/* All of them: devices that are gone have left their bytes. */
	for (uint32_t i = 0; i < CF_IF_MAX; i++) {
		struct cf_device_count c;

		if (datapath_device(dp, i, &c) == 0)
			sum += c.wire_bytes;
	}
	return sum;
}

static void reasons_sum(const struct reason_totals *t, uint64_t *ret_all,
			uint64_t ret_judged[CF_HOOK_MAX])
{
	*ret_all = 0;
	for (int h = 0; h < CF_HOOK_MAX; h++) {
		ret_judged[h] = 0;
		for (int r = 0; r < CF_REASON_MAX; r++) {
			*ret_all += t->t[h][r].wire_bytes;
			if (reasons[r].group == PASS || reasons[r].group == DROP)
				ret_judged[h] += t->t[h][r].wire_bytes;
		}
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

/* How far `sum` is outside of what was there before and after it was read. */
static int64_t outside(uint64_t sum, uint64_t before, uint64_t after)
{
	if (sum < before)
		return (int64_t)(sum - before);
	return sum > after ? (int64_t)(sum - after) : 0;
}

/*
 * Traffic goes on while we read. Each sum is therefore held against the one
 * that has to equal it as it was before and as it was after.
 */
static void add_books(struct datapath *dp, struct reason_totals *totals, json_t *status)
{
	struct books b = { 0 };
	json_t *out = json_object();
	int64_t off;

	b.devices_before = devices_sum(dp);
	if (datapath_reasons(dp, totals) < 0)
		return;
	reasons_sum(totals, &b.reasons_before, b.judged_before);
	datapath_pairs(dp, add_pair, &b);
	datapath_overflow(dp, add_overflow, &b);
	if (datapath_reasons(dp, totals) < 0)
		return;
	reasons_sum(totals, &b.reasons_after, b.judged_after);
	b.devices_after = devices_sum(dp);

	off = outside(b.reasons_after, b.devices_before, b.devices_after);
	json_object_set_new(out, "offered_bytes", json_integer((json_int_t)b.devices_after));
	json_object_set_new(out, "by_reason_bytes", json_integer((json_int_t)b.reasons_after));
	json_object_set_new(out, "difference_bytes", json_integer(off));
	json_object_set_new(out, "slots_used", json_integer((json_int_t)b.slots_used));
	for (int h = 0; h < CF_HOOK_MAX; h++) {
		int64_t d =
			outside(b.slots[h] + b.overflow[h], b.judged_before[h], b.judged_after[h]);

		json_object_set_new(out, hook_names[h],
				    json_pack("{s:I, s:I, s:I, s:I}", "judged_bytes",
					      (json_int_t)b.judged_after[h], "slots_bytes",
					      (json_int_t)b.slots[h], "overflow_bytes",
					      (json_int_t)b.overflow[h], "difference_bytes",
					      (json_int_t)d));
		off = off ? off : d;
		if (b.overflow[h])
			status_problem(
				status,
				xprintf("%llu bytes at the %s hooks found no room in the pair table",
					(unsigned long long)b.overflow[h], hook_names[h]),
				"they are judged and counted by class, not by pair: give 'curfew run' more "
				"--pairs");
	}
	json_object_set_new(status, "books", out);
	if (off)
		status_problem(status, xprintf("the books are off by %lld bytes", (long long)off),
			       "please report this, with 'curfew status --json'");
}

static void add_reasons(const struct reason_totals *totals, json_t *status)
{
	json_t *list = json_array();

	for (int h = 0; h < CF_HOOK_MAX; h++)
		for (int r = 0; r < CF_REASON_MAX; r++) {
			const struct cf_traffic *t = &totals->t[h][r];

			if (t->packets)
				json_array_append_new(
					list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "hook",
							hook_names[h], "reason", reasons[r].slug,
							"text", reasons[r].text, "packets",
							(json_int_t)t->packets, "wire_bytes",
							(json_int_t)t->wire_bytes, "payload_bytes",
							(json_int_t)t->payload_bytes));
		}
	json_object_set_new(status, "reasons", list);
}

/* ---- the control block ------------------------------------------------- */

static json_int_t seconds_left(uint64_t until, uint64_t now, uint32_t hz)
{
	return until > now && hz ? (json_int_t)((until - now + hz - 1) / hz) : 0;
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
				    ? json_integer((json_int_t)((now - c->heartbeat) / c->hz))
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
			    json_pack("{s:I, s:I, s:I, s:I, s:I}", "cpus", (json_int_t)s.cpus,
				      "slots4", (json_int_t)s.slots4, "slots6",
				      (json_int_t)s.slots6, "quota_keys", (json_int_t)s.quota_keys,
				      "table_bytes", (json_int_t)s.table_bytes));
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
	add_hooks(dp, status);
	add_books(dp, totals, status);
	add_reasons(totals, status);
	add_sizes(dp, status);
	free(totals);
	return status;
}
