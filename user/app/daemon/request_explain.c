/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `why` and `would`: a pair's verdict, its quotas, and what can be done about it. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/daemon/alerts.h"
#include "app/show/explain_json.h"

#define FRESH_MS 250

int request_would(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		  json_t **ret_reply, char **ret_error)
{
	struct question q;
	struct answer a;
	json_t *reply;
	int r = question_parse(d, args, &q, ret_error);

	if (r)
		return r;
	reply = answer_json(d, &q, &a, ret_error);
	if (!reply)
		return EXIT_DEGRADED;
	*ret_reply = reply;
	return 0;
}

/* ---- what to do next ------------------------------------------------------ */

static void add_command(json_t *list, const char *does, const char *fmt, ...) _printf_(3, 4);

static void add_command(json_t *list, const char *does, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(
		list, json_pack("{s:o, s:s}", "command", json_text(buf_text(&b)), "does", does));
	buf_done(&b);
}

/* What is never judged, or protected, no block by hand stops. */
static bool may_stop(enum cf_reason reason)
{
	switch (reason) {
	case CF_REASON_PASS_UNMATCHED:
	case CF_REASON_PASS_CLOSED:
	case CF_REASON_PASS_EXCEPTED:
	case CF_REASON_PASS_EXEMPT:
	case CF_REASON_PASS_QUOTA:
	case CF_REASON_PASS_ALERT:
		return true;
	default:
		return false;
	}
}

/* Above an allow stand blocks by hand, quarantines, and what a failure closes. */
static bool may_allow(enum cf_reason reason)
{
	switch (reason) {
	case CF_REASON_DROP_POLICY:
	case CF_REASON_DROP_QUOTA:
	case CF_REASON_DROP_RATE:
	case CF_REASON_DROP_HELD:
		return true;
	default:
		return false;
	}
}

static json_t *commands(const struct image *img, const struct question *q, const struct answer *a,
			const char *service, const json_t *reply)
{
	const json_t *quotas = json_object_get(reply, "quotas");
	const json_t *hold = json_object_get(reply, "hold");
	const json_t *by_hand = json_object_get(json_object_get(reply, "rule"), "by_hand");
	json_t *list = json_array();
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	const json_t *row;
	size_t i;

	addr_format(&q->src.addr, src);
	addr_format(&q->dst, dst);
	json_array_foreach(quotas, i, row) if (json_is_true(json_object_get(row, "used_up")))
		add_command(list, "gives this quota back", "curfew quotas reset %s",
			    json_get_text(row, "key"));
	if (json_is_object(hold))
		add_command(list, "lifts what is dropped for a time", "curfew unblock %s",
			    json_get_text(hold, "key"));
	if (json_is_object(by_hand))
		add_command(list,
			    a->drop ? "takes this block by hand back"
				    : "takes back what was made by hand",
			    "curfew unblock %" PRIu64, json_get_count(by_hand, "id"));
	if (a->drop && may_allow(a->reason))
		add_command(list, "lets it pass for two hours", "curfew allow %s %s --for 2h", src,
			    dst);
	else if (may_stop(a->reason))
		add_command(list, "stops it for two hours", "curfew block %s %s --for 2h", src,
			    dst);
	if (a->by_service)
		add_command(list, "what this service meets, or any other",
			    "curfew why %s %s --service tcp/443", src, dst);
	else if (a->rule < img->rules.n && img->rules.v[a->rule].kind == CF_RULE_POLICY)
		add_command(list,
			    a->drop ? "prints the policy text that would let it pass for good"
				    : "prints the policy text that takes it out of the policy",
			    "curfew why %s %s%s%s --suggest", src, dst,
			    service ? " --service " : "", service ?: "");
	add_command(list, "what went between them", "curfew flows --source %s --destination %s",
		    src, dst);
	return list;
}

/* ---- suggestions ------------------------------------------------------------ */

static void suggest(struct daemon *d, const struct question *q, const struct answer *a,
		    json_t *reply)
{
	/* nobody knows that this pair sends what only the one for some services is about */
	uint32_t rule = a->by_service ? a->other_rule : a->rule;
	const struct policy *p = rule_policy(d->now.image, d->now.set, rule);
	char src[ADDR_TEXT_MAX], dst[PREFIX_TEXT_MAX];
	const char *from =
		q->src.from == CF_FROM_GATEWAY ? "gateway" : addr_format(&q->src.addr, src);
	_cleanup_buf_ struct buf text = { 0 };

	if (!p)
		return;
	destination_format(&q->dst, dst);
	buf_printf(&text, "    except     { from %s  to %s }\n", from, dst);
	json_object_set_new(reply, "suggest",
			    json_pack("{s:o, s:o, s:s}", "policy", json_text(p->name), "except",
				      json_text(buf_text(&text)), "then",
				      "curfew check && curfew reload --confirm 60s"));
}

/* ---- why -------------------------------------------------------------------- */

static json_t *flow_json(struct daemon *d, const struct question *q)
{
	enum cf_hook hook = q->src.from == CF_FROM_INSIDE ? CF_HOOK_INSIDE : CF_HOOK_OUTSIDE;
	const struct ledger_pair *p;
	struct ledger_sums sums;

	books_refresh(d, FRESH_MS);
	p = ledger_pair(d->ledger, &q->src.addr, &q->dst, hook);
	if (!p)
		return json_null();
	sums = ledger_pair_sums(d->ledger, p);
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "wire_bytes",
		json_count(sums.wire_bytes), "payload_bytes", json_count(sums.payload_bytes),
		"dropped_wire_bytes", json_count(sums.dropped_wire_bytes), "packets",
		json_count(sums.packets), "rate_10s", json_count(ledger_rate(d->ledger, p)),
		"first_seen", json_time(d, (struct utc){ p->first_s }), "last_seen",
		json_time(d, (struct utc){ p->last_s }), "verdict", p->dropped ? "drop" : "pass");
}

/* The protocol and ports of the packet that an alert is about, where it names them. */
static void add_packet(const json_t *alert, json_t *args)
{
	const char *name = json_get_text(alert, "proto");
	struct service s;
	char lower[16] = "";

	for (size_t i = 0; name && name[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	if (!name || service_parse_text(lower, &s) < 0)
		return;
	json_object_set_new(args, "protocol", json_integer(s.protocol));
	json_object_set_new(args, "source_port", json_count(json_get_count(alert, "src_port")));
	json_object_set_new(args, "destination_port",
			    json_count(json_get_count(alert, "dest_port")));
}

/* The request with the alert's pair put in, and the alert. */
static int from_alert(struct daemon *d, const json_t *args, json_t **ret_args, json_t **ret_alert,
		      char **ret_error)
{
	uint64_t id = json_get_count(args, "id");
	json_t *alert = alert_log_find(d->alerts, id), *ours;
	const char *hook;

	if (!alert)
		return request_fail(ret_error, EXIT_DEGRADED,
				    "there is no alert %" PRIu64 " (the newest %d are kept)", id,
				    ALERTS_KEPT);
	ours = json_object_get(alert, "curfew");
	hook = json_get_text(ours, "hook");
	*ret_args = json_pack("{s:O, s:O}", "source", json_object_get(ours, "source"),
			      "destination", json_object_get(ours, "destination"));
	if (hook && !strcmp(hook, "inside"))
		json_object_set_new(*ret_args, "from", json_string("inside"));
	add_packet(alert, *ret_args);
	*ret_alert = alert;
	return 0;
}

/* What an alert that names no packet leads to. */
static json_t *about_hook(json_t *alert)
{
	json_t *list = json_array();

	add_command(list, "what is covered now, and for how long it was not", "curfew status");
	add_command(list, "who else handles packets here", "curfew doctor");
	return json_pack("{s:O, s:o}", "alert", alert, "commands", list);
}

int request_why(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		json_t **ret_reply, char **ret_error)
{
	json_t *pair = NULL, *alert = NULL, *last, *reply;
	struct question q;
	struct answer a;
	bool of_last;
	int r = 0;

	if (json_get_count(args, "id"))
		r = from_alert(d, args, &pair, &alert, ret_error);
	if (alert && !json_get_text(json_object_get(alert, "curfew"), "source")) {
		json_decref(pair);
		*ret_reply = about_hook(alert);
		return 0;
	}
	if (!r)
		r = question_parse(d, pair ? pair : args, &q, ret_error);
	json_decref(pair);
	if (r)
		return r;
	last = books_last_drop(d, &q.src.addr, &q.dst);
	of_last = !q.has_service && question_packet(last, &q);
	reply = answer_json(d, &q, &a, ret_error);
	if (!reply) {
		json_decref(last);
		return EXIT_DEGRADED;
	}
	json_object_set_new(reply, "service_of_last_drop", json_boolean(of_last));
	if (alert)
		json_object_set(reply, "alert", alert);
	json_object_set_new(reply, "flow", flow_json(d, &q));
	json_object_set_new(reply, "last_drop", last);
	json_object_set_new(reply, "commands",
			    commands(d->now.image, &q, &a, json_get_text(args, "service"), reply));
	if (json_is_true(json_object_get(args, "suggest")))
		suggest(d, &q, &a, reply);
	*ret_reply = reply;
	return 0;
}
