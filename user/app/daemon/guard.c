/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody cuts the branch they sit on by accident: would this image drop our packets to the caller?
 */
#include <stdlib.h>
#include <string.h>

#include "app/daemon/parts.h"
#include "app/show/quota_view.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "core/policy/failing.h"
#include "core/report/explain.h"
#include "port/sessions.h"

/* A window that opens tonight would cut them tonight. */
#define GUARD_SECONDS (24 * 3600)

/* TCP, or they would not be here. They began; the kernel knows that by connection tracking only. */
#define PROTOCOL_TCP 6

#define SSH_PORT 22

/* With less than that nobody gets to the command that would mend it. */
#define LEAST_QUOTA_BYTES 100000
#define LEAST_BURST_BYTES 2000
#define LEAST_RATE_BITS   10000

struct guard {
	struct daemon *d;
	const struct image *img;
	const struct caller *caller;
	struct utc now;
	const struct quota_entries *used; /* NULL: could not be read */
	/* what is found: who drops, and how */
	const char *name, *how;
};

static bool limit_cuts(struct guard *g, uint32_t quota, struct utc at)
{
	const struct cf_quota_spec *q = &g->img->quotas.v[quota];
	const struct explain_source source = { .from = CF_FROM_GATEWAY, .addr = g->caller->server };
	const struct quota_entry *e;
	struct cf_quota_key key;

	if (q->drop_bytes == ~0ULL)
		return false;
	g->how = "drops nearly all of our packets to it";
	if (q->bits_per_second)
		return q->limit_bytes < LEAST_BURST_BYTES || q->bits_per_second < LEAST_RATE_BITS;
	if (q->drop_bytes < LEAST_QUOTA_BYTES)
		return true;
	g->how = "has no quota left for our packets to it, and drops them";
	if (!g->used || quota_key_make(g->img, quota, &source, &g->caller->client, &key) < 0)
		return false;
	e = quota_entries_find(g->used, &key);
	return e && e->used_up && !e->observes && (!e->period_ends.s || at.s < e->period_ends.s);
}

/* Of the policies that the packets are charged to. */
static bool limits_cut(struct guard *g, const struct cf_row *charged, struct utc at)
{
	for (uint32_t i = 0; i < g->img->rules.n; i++) {
		const struct cf_rule *r = &g->img->rules.v[i];

		if (!(charged->word[i / 64] >> i % 64 & 1) || g->img->observe ||
		    r->flags & CF_RULE_OBSERVE)
			continue;
		g->name = r->name;
		for (uint32_t k = 0; k < r->quota_count; k++)
			if (limit_cuts(g, r->quota_first + k, at))
				return true;
	}
	return false;
}

/* What fails at present, fails this image too. */
static enum cf_fail present_failing(const struct guard *g)
{
	const struct failing_row *row;

	if (!failing_lasts(g->d->dp, ON_TIME_UNKNOWN))
		return (enum cf_fail)0;
	row = failing_find(ON_TIME_UNKNOWN, g->img->on[ON_TIME_UNKNOWN]);
	return row ? row->fail : (enum cf_fail)0;
}

static bool cuts_at(struct guard *g, struct utc at)
{
	const struct caller *c = g->caller;
	bool knows_began = datapath_conntrack(g->d->dp);
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
		.failing = at.s == g->now.s ? present_failing(g) : (enum cf_fail)0,
	};
	struct image_verdict v = image_judge(g->img, &p);

	if (v.reason == CF_REASON_DROP_FAILED_CLOSED) {
		g->name = "on … closed";
		g->how = "drops our packets to it";
		return true;
	}
	if (CF_DROP_REASONS >> v.reason & 1) {
		g->name = v.rule < g->img->rules.n ? g->img->rules.v[v.rule].name : "a rule";
		g->how = "drops our packets to it";
		return true;
	}
	return limits_cut(g, &v.charged, at);
}

/* "your own connection from 192.0.2.7" */
static char *whose(const struct caller *c)
{
	char client[ADDR_TEXT_MAX];

	addr_format(&c->client, client);
	switch (c->kind) {
	case CALLER_OWN:
		return xprintf("your own connection from %s", client);
	case CALLER_PAST:
		return xprintf("the connection from %s that you came in by, which is not open now",
			       client);
	case CALLER_OPEN:
		break;
	}
	if (c->server_port == SSH_PORT)
		return xprintf("the SSH connection from %s", client);
	return xprintf("the connection from %s to port %u", client, c->server_port);
}

static int refuse(const struct guard *g, struct utc at, const struct zone *zone, char **ret_error)
{
	_cleanup_free_ char *connection = whose(g->caller);
	char client[ADDR_TEXT_MAX], when[64];

	*ret_error = xprintf(
		"this would cut %s: '%s' %s %s%s; "
		"add 'protect { from gateway  to %s }' to the configuration, or use --force",
		connection, g->name, g->how, at.s > g->now.s ? "from " : "at once",
		at.s > g->now.s ? utc_format(at, zone, when, sizeof(when)) : "",
		addr_format(&g->caller->client, client));
	return EXIT_DEGRADED;
}

static int guard_one(struct guard *g, const struct zone *zone, char **ret_error)
{
	if (cuts_at(g, g->now))
		return refuse(g, g->now, zone, ret_error);
	for (size_t i = 0; i < g->img->segments.n; i++) {
		struct utc at = g->img->segments.v[i].at;

		if (at.s > g->now.s && at.s < g->now.s + GUARD_SECONDS && cuts_at(g, at))
			return refuse(g, at, zone, ret_error);
	}
	return 0;
}

int guard_callers(struct daemon *d, const struct image *img, const struct callers *callers,
		  const struct zone *zone, char **ret_error)
{
	_cleanup_quota_entries_ struct quota_entries used = { 0 };
	struct guard g = { .d = d, .img = img, .now = daemon_now(d) };

	if (!callers || img->observe)
		return 0;
	if (quota_entries_read(d->dp, img, g.now, &used) >= 0)
		g.used = &used;
	for (size_t i = 0; i < callers->n; i++) {
		int r;

		g.caller = &callers->v[i];
		r = guard_one(&g, zone, ret_error);
		if (r)
			return r;
	}
	return 0;
}

/* ---- who that is ------------------------------------------------------------- */

static bool is_of(const struct session *s, const struct caller *c)
{
	return s->remote_port == c->client_port &&
	       !memcmp(&s->remote, &c->client, sizeof(c->client));
}

/* Whoever is connected to the port now. */
static void add_sessions(const struct session_list *l, struct callers *ret)
{
	for (size_t i = 0; i < l->n && ret->n < CALLERS_MAX; i++)
		ret->v[ret->n++] = (struct caller){ .kind = CALLER_OPEN,
						    .client = l->v[i].remote,
						    .server = l->v[i].local,
						    .client_port = l->v[i].remote_port,
						    .server_port = l->v[i].local_port };
}

const struct callers *guard_logged_in(struct callers *buf)
{
	struct session_list l = { 0 };

	buf->n = 0;
	sessions_read(SSH_PORT, &l);
	add_sessions(&l, buf);
	free(l.v);
	return buf->n ? buf : NULL;
}

/* The caller's alone if it is open, or nobody is connected as far as we see; else all, theirs last.
 */
static void look_up(struct caller own, struct callers *ret)
{
	struct session_list l = { 0 };
	bool open = false;

	sessions_read(own.server_port, &l);
	for (size_t i = 0; i < l.n; i++)
		open |= is_of(&l.v[i], &own);
	ret->n = 0;
	if (!open && l.n) {
		own.kind = CALLER_PAST;
		add_sessions(&l, ret);
	}
	if (ret->n < CALLERS_MAX)
		ret->v[ret->n++] = own;
	free(l.v);
}

const struct callers *guard_callers_arg(const json_t *args, struct callers *buf)
{
	const json_t *c = json_object_get(args, "caller");
	const char *client = json_string_value(json_object_get(c, "client"));
	const char *server = json_string_value(json_object_get(c, "server"));
	struct caller own = { .kind = CALLER_OWN };

	if (json_is_true(json_object_get(args, "force")))
		return NULL;
	if (!client || !server)
		return json_is_true(json_object_get(args, "logged_in")) ? guard_logged_in(buf)
									: NULL;
	if (addr_parse(client, &own.client) < 0 || addr_parse(server, &own.server) < 0)
		return NULL;
	own.client_port = (uint16_t)json_integer_value(json_object_get(c, "client_port"));
	own.server_port = (uint16_t)json_integer_value(json_object_get(c, "server_port"));
	look_up(own, buf);
	return buf;
}

int request_guard(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		  json_t **ret_reply, char **ret_error)
{
	struct callers callers;
	int r = guard_callers(d, d->now.image, guard_callers_arg(args, &callers), d->zone,
			      ret_error);

	if (r == 0)
		*ret_reply = json_object();
	return r;
}
