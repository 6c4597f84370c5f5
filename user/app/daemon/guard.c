/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody cuts the branch they sit on by accident: would this image drop our packets to the caller?
 */
#include <string.h>

#include "app/daemon/parts.h"
#include "base/buf.h"

/* A window that opens tonight would cut them tonight. */
#define GUARD_SECONDS (24 * 3600)

/* TCP, or they would not be here. They began; the kernel knows that by connection tracking only. */
#define PROTOCOL_TCP 6

static bool drops_at(const struct image *img, const struct caller *c, struct utc at,
		     bool knows_began, const char **ret_name)
{
	struct image_packet p = {
		.from = CF_FROM_GATEWAY,
		.src = c->server,
		.dst = c->client,
		.at = at,
		.has_service = true,
		.protocol = PROTOCOL_TCP,
		.has_port = c->server_port,
		.port = knows_began ? c->server_port : c->client_port,
		.other_port = knows_began ? c->client_port : c->server_port,
		.began = knows_began ? CF_BEGAN_OUTSIDE : CF_BEGAN_UNKNOWN,
	};
	struct image_verdict v = image_judge(img, &p);

	if (!(CF_DROP_REASONS >> v.reason & 1))
		return false;
	*ret_name = v.rule < img->rules.n ? img->rules.v[v.rule].name : "a rule";
	return true;
}

static int refuse(const struct caller *c, struct utc at, struct utc now, const struct zone *zone,
		  const char *name, char **ret_error)
{
	char client[ADDR_TEXT_MAX], when[64];

	*ret_error = xprintf(
		"this would cut your own connection from %s: '%s' drops our packets to it %s%s; "
		"add 'protect { from gateway  to %s }' to the configuration, or use --force",
		addr_format(&c->client, client), name, at.s > now.s ? "from " : "at once",
		at.s > now.s ? utc_format(at, zone, when, sizeof(when)) : "", client);
	return EXIT_DEGRADED;
}

int guard_caller(const struct image *img, const struct caller *caller, bool knows_began,
		 struct utc now, const struct zone *zone, char **ret_error)
{
	const char *name;

	if (!caller)
		return 0;
	if (drops_at(img, caller, now, knows_began, &name))
		return refuse(caller, now, now, zone, name, ret_error);
	for (size_t i = 0; i < img->segments.n; i++) {
		struct utc at = img->segments.v[i].at;

		if (at.s > now.s && at.s < now.s + GUARD_SECONDS &&
		    drops_at(img, caller, at, knows_began, &name))
			return refuse(caller, at, now, zone, name, ret_error);
	}
	return 0;
}

const struct caller *guard_caller_arg(const json_t *args, struct caller *buf)
{
	const json_t *c = json_object_get(args, "caller");
	const char *client = json_string_value(json_object_get(c, "client"));
	const char *server = json_string_value(json_object_get(c, "server"));

	if (json_is_true(json_object_get(args, "force")) || !client || !server)
		return NULL;
	if (addr_parse(client, &buf->client) < 0 || addr_parse(server, &buf->server) < 0)
		return NULL;
	buf->client_port = (uint16_t)json_integer_value(json_object_get(c, "client_port"));
	buf->server_port = (uint16_t)json_integer_value(json_object_get(c, "server_port"));
	return buf;
}
