/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `why` and `would` are asked: read out of a request, or out of a packet. */
#include "app/show/explain_json.h"
#include "app/show/explain_link.h"

#include <string.h>

static const char *const from_names[] = {
	[CF_FROM_INSIDE] = "inside",
	[CF_FROM_GATEWAY] = "gateway",
	[CF_FROM_OTHER] = "other",
};
_Static_assert(ARRAY_SIZE(from_names) == CF_FROM_MAX, "a beginning has no name");

const char *from_name(enum cf_from from)
{
	return from_names[from];
}

static int parse_from(struct daemon *d, const json_t *args, struct question *q, char **ret_error)
{
	const char *text = json_get_text(args, "from");

	q->src.from =
		ledger_from(CF_HOOK_OUTSIDE, &q->src.addr, &d->machine.local) == CF_FROM_GATEWAY
			? CF_FROM_GATEWAY
			: CF_FROM_INSIDE;
	if (!text)
		return 0;
	for (unsigned int i = 0; i < CF_FROM_MAX; i++) {
		if (strcmp(text, from_names[i]))
			continue;
		q->src.from = (enum cf_from)i;
		return 0;
	}
	return request_fail(ret_error, EXIT_USAGE, "--from is inside or gateway, not '%s'", text);
}

static int parse_service(const json_t *args, struct question *q, char **ret_error)
{
	const char *text = json_get_text(args, "service"), *who = json_get_text(args, "initiated");

	if (text) {
		if (service_parse_text(text, &q->service) < 0)
			return request_fail(ret_error, EXIT_USAGE,
					    "'%s' is not a service; tcp/443, icmp or 50 is", text);
		q->has_service = true;
		q->began = CF_BEGAN_INSIDE;
	}
	if (!who)
		return 0;
	if (strcmp(who, "inside") != 0 && strcmp(who, "outside") != 0)
		return request_fail(ret_error, EXIT_USAGE,
				    "--initiated is inside or outside, not '%s'", who);
	q->began = strcmp(who, "inside") ? CF_BEGAN_OUTSIDE : CF_BEGAN_INSIDE;
	return 0;
}

bool question_packet(const json_t *packet, struct question *q)
{
	const json_t *protocol = json_object_get(packet, "protocol");
	uint16_t port = (uint16_t)json_get_count(packet, "destination_port");

	/* 255: could not be read */
	if (!json_is_integer(protocol) || json_integer_value(protocol) >= CF_PROTOCOLS - 1)
		return false;
	q->has_service = true;
	q->service = (struct service){ .protocol = (uint8_t)json_integer_value(protocol),
				       .has_port = port,
				       .port_first = port,
				       .port_last = port };
	q->other_port = (uint16_t)json_get_count(packet, "source_port");
	return true;
}

int question_parse(struct daemon *d, const json_t *args, struct question *ret, char **ret_error)
{
	const char *src = json_get_text(args, "source"), *dst = json_get_text(args, "destination");
	const char *at = json_get_text(args, "at");
	struct question q = { .at = daemon_now(d), .now = true };
	int r;

	if (!src || addr_parse(src, &q.src.addr) < 0)
		return request_fail(ret_error, EXIT_USAGE, "'%s' is not a source address",
				    src ? src : "");
	if (!dst || addr_parse(dst, &q.dst) < 0)
		return request_fail(ret_error, EXIT_USAGE, "'%s' is not a destination address",
				    dst ? dst : "");
	r = parse_from(d, args, &q, ret_error);
	if (r)
		return r;
	question_packet(args, &q);
	r = parse_service(args, &q, ret_error);
	if (r)
		return r;
	if (at && utc_parse(at, d->zone, daemon_now(d), &q.at) < 0)
		return request_fail(ret_error, EXIT_USAGE,
				    "'%s' is not a time; \"Tue 00:30\", \"2026-11-24 22:00\" or "
				    "\"+2h\" is",
				    at);
	q.now = !at;
	r = link_parse(d, args, &q, ret_error);
	if (r)
		return r;
	*ret = q;
	return 0;
}
