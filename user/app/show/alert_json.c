/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/alert_json.h"

#include <stdio.h>

#include "app/show/json_util.h"

/* EVE's severity: 1 is the worst. */
static int severity(enum cf_level level)
{
	switch (level) {
	case CF_LEVEL_CRITICAL:
		return 1;
	case CF_LEVEL_WARNING:
		return 2;
	default:
		return 3;
	}
}

/* As EVE writes them: names of IANA's registry in capitals, else the number. */
static json_t *protocol(uint8_t n)
{
	char text[8];

	switch (n) {
	case 1:
		return json_string("ICMP");
	case 6:
		return json_string("TCP");
	case 17:
		return json_string("UDP");
	case 47:
		return json_string("GRE");
	case 58:
		return json_string("IPv6-ICMP");
	case 132:
		return json_string("SCTP");
	default:
		snprintf(text, sizeof(text), "%03u", n);
		return json_string(text);
	}
}

static json_t *mac(const struct alert *a)
{
	char text[MAC_TEXT_MAX];

	return a->has_mac ? json_string(mac_format(a->mac, text)) : json_null();
}

static void add_quota(json_t *o, const struct alert *a, const struct zone *zone)
{
	char id[12];

	if (!a->key.quota)
		return;
	snprintf(id, sizeof(id), "%08x", quota_key_id(&a->key));
	json_object_set_new(o, "quota", json_text(a->quota));
	json_object_set_new(o, "key", json_string(id));
	json_object_set_new(o, "key_text", json_text(a->key_text));
	json_object_set_new(o, "used_bytes", json_count(a->used_bytes));
	json_object_set_new(o, "limit_bytes", json_count(a->limit_bytes));
	json_object_set_new(o, "percent", json_integer(a->percent));
	json_object_set_new(o, "period_began", json_when(a->period_began, zone));
	json_object_set_new(o, "period_ends", json_when(a->period_ends, zone));
}

/* Of a hook or of us, not of a packet: there are no addresses. */
static bool has_packet(const struct alert *a)
{
	return a->kind != ALERT_COVERAGE && a->kind != ALERT_FAILING && a->kind != ALERT_RELOAD;
}

static json_t *ours(const struct alert *a, uint64_t id, const struct zone *zone)
{
	json_t *o = json_object();

	json_object_set_new(o, "version", json_integer(ALERT_JSON_VERSION));
	json_object_set_new(o, "id", json_count(id));
	json_object_set_new(o, "level", json_string(level_name(a->level)));
	json_object_set_new(o, "kind", json_string(alert_kind_name(a->kind)));
	json_object_set_new(o, "policy", json_text(a->policy));
	json_object_set_new(o, "verdict",
			    has_packet(a) ? json_string(alert_verdict_name(a->verdict))
					  : json_null());
	json_object_set_new(o, "story", json_text(a->story));
	json_object_set_new(o, "source", has_packet(a) ? json_addr(&a->src) : json_null());
	json_object_set_new(o, "source_mac", mac(a));
	json_object_set_new(o, "destination", has_packet(a) ? json_addr(&a->dst) : json_null());
	json_place(o, &a->place);
	json_object_set_new(o, "hook",
			    json_string(a->hook == CF_HOOK_INSIDE ? "inside" : "outside"));
	json_object_set_new(o, "window", json_text(a->window));
	json_object_set_new(o, "window_opened", json_when(a->window_opened, zone));
	json_object_set_new(o, "window_closes", json_when(a->window_closes, zone));
	add_quota(o, a, zone);
	return o;
}

json_t *alert_json(const struct alert *a, uint64_t id, const struct zone *zone)
{
	const char *action = a->verdict == ALERT_DROPPED ? "blocked" : "allowed";
	json_t *o = json_object();

	json_object_set_new(o, "timestamp", json_when(a->at, zone));
	json_object_set_new(o, "event_type", json_string("alert"));
	if (has_packet(a))
		json_object_set_new(o, "src_ip", json_addr(&a->src));
	if (a->source_port)
		json_object_set_new(o, "src_port", json_integer(a->source_port));
	if (has_packet(a))
		json_object_set_new(o, "dest_ip", json_addr(&a->dst));
	if (a->destination_port)
		json_object_set_new(o, "dest_port", json_integer(a->destination_port));
	if (has_packet(a))
		json_object_set_new(o, "proto", protocol(a->protocol));
	json_object_set_new(
		o, "alert",
		json_pack("{s:s, s:o, s:i, s:s}", "action", action, "signature",
			  a->policy ? json_text(a->policy) : json_string(alert_kind_name(a->kind)),
			  "severity", severity(a->level), "category", alert_kind_name(a->kind)));
	json_object_set_new(o, "curfew", ours(a, id, zone));
	return o;
}
