/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Warnings about published services: what closes them all the same, and what
 * they take from a policy that was meant for them.
 */
#include <string.h>

#include "core/policy/check.h"
#include "core/policy/words.h"

#define PROTO_TCP 6
#define PROTO_UDP 17

/* Does an expression hold for a host, as far as its text tells? */
enum holds { HOLDS_NOT, HOLDS_MAYBE, HOLDS };

static enum holds in_prefix(const struct prefix *outer, const struct prefix *host)
{
	if (host->bits < outer->bits)
		return prefix_contains(host, &outer->addr) ? HOLDS_MAYBE : HOLDS_NOT;
	return prefix_contains(outer, &host->addr) ? HOLDS : HOLDS_NOT;
}

static enum holds in_file(const struct prefix_list *l, const struct prefix *host)
{
	enum holds best = HOLDS_NOT;

	for (size_t i = 0; i < l->n && best != HOLDS; i++) {
		enum holds h = in_prefix(&l->v[i], host);

		best = h > best ? h : best;
	}
	return best;
}

static enum holds from_host(const struct checker *c, const struct expr *e,
			    const struct prefix *host, unsigned int *left);

static enum holds atom_holds(const struct checker *c, const struct atom *a,
			     const struct prefix *host, unsigned int *left)
{
	switch (a->kind) {
	case ATOM_ANY:
	case ATOM_INSIDE: /* what is published stands inside */
		return HOLDS;
	case ATOM_PREFIX:
		return in_prefix(&a->prefix, host);
	case ATOM_FILE:
		return in_file(&a->prefixes, host);
	case ATOM_SET:
		return from_host(c, c->set->sets.v[a->set].expr, host, left);
	case ATOM_GATEWAY:
		return HOLDS_NOT;
	default:
		return HOLDS_MAYBE;
	}
}

/* e may be NULL: everything. Sets may name each other often: `left` are looked at. */
static enum holds from_host(const struct checker *c, const struct expr *e,
			    const struct prefix *host, unsigned int *left)
{
	enum holds all = HOLDS, any = HOLDS_NOT, h;

	if (!e)
		return HOLDS;
	if (!*left)
		return HOLDS_MAYBE;
	--*left;
	if (e->op == EXPR_ATOM)
		return atom_holds(c, &e->atom, host, left);
	if (e->op == EXPR_EXCEPT) {
		h = from_host(c, e->v[0], host, left);
		any = HOLDS - from_host(c, e->v[1], host, left);
		return any < h ? any : h;
	}
	for (size_t i = 0; i < e->n; i++) {
		h = from_host(c, e->v[i], host, left);
		all = h < all ? h : all;
		any = h > any ? h : any;
	}
	return e->op == EXPR_AND ? all : any;
}

static enum holds holds_for(const struct checker *c, const struct expr *e,
			    const struct prefix *host)
{
	unsigned int left = 10000;

	return from_host(c, e, host, &left);
}

static bool names_policy(const struct exempt *e, const char *name)
{
	for (size_t i = 0; i < e->policies.n; i++)
		if (!strcmp(e->policies.v[i], name))
			return true;
	return !e->policies.n;
}

/* Some of what the host sends is certainly left to the policy. */
static bool is_held(const struct checker *c, const struct policy *p, const struct prefix *host)
{
	if (!p->from || holds_for(c, p->from, host) != HOLDS)
		return false;
	for (size_t i = 0; i < p->excepts.n; i++)
		if (!p->excepts.v[i].services.n &&
		    check_extent(c, p->excepts.v[i].to) == EXTENT_ALL &&
		    holds_for(c, p->excepts.v[i].from, host) != HOLDS_NOT)
			return false;
	for (size_t i = 0; i < c->set->exempts.n; i++) {
		const struct exempt *e = &c->set->exempts.v[i];

		if (!e->services.n && check_extent(c, e->to) == EXTENT_ALL &&
		    names_policy(e, p->name) && holds_for(c, e->from, host) != HOLDS_NOT)
			return false;
	}
	return true;
}

/* ---- a quarantine closes it ---------------------------------------------------- */

static struct pos quarantine_of(const struct policy *p)
{
	if (p->then.quarantine_seconds)
		return p->then.quarantine_pos;
	for (size_t i = 0; i < p->ats.n; i++)
		if (p->ats.v[i].actions.quarantine_seconds)
			return p->ats.v[i].actions.quarantine_pos;
	return (struct pos){ 0 };
}

static void warn_quarantine(struct checker *c, const struct publish *b)
{
	char text[PREFIX_TEXT_MAX];
	_cleanup_free_ char *help = NULL;

	prefix_format(&b->host, text);
	help = xprintf("take it out: from inside except %s", text);
	for (size_t i = 0; i < c->set->policies.n; i++) {
		const struct policy *p = &c->set->policies.v[i];
		struct pos pos = quarantine_of(p);

		if (pos.line && p->mode != MODE_OBSERVE && is_held(c, p, &b->host))
			check_warning(
				c, pos, help,
				"this can quarantine %s, and a quarantine also cuts the answers of publish \"%s\"",
				text, b->name);
	}
}

/* ---- it never holds --------------------------------------------------------------- */

static bool policy_drops(const struct policy *p)
{
	bool any = p->then.drop;

	for (size_t i = 0; i < p->ats.n; i++)
		any |= p->ats.v[i].actions.drop;
	return any;
}

static bool asks_for(const struct service_list *l, uint8_t protocol)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].protocol == protocol)
			return true;
	return !l->n;
}

/* Connection tracking is asked about TCP and UDP; of the rest it is not known who began. */
static void warn_protocol(struct checker *c, const struct publish *b, const struct service *s)
{
	const struct protocol *proto = protocol_by_number(s->protocol);
	const struct policy *cuts = NULL;
	char text[PREFIX_TEXT_MAX];
	_cleanup_free_ char *name = proto ? xstrdup(proto->name) : xprintf("proto %u", s->protocol);
	_cleanup_free_ char *help = xprintf("write: exempt { from %s  service %s }",
					    prefix_format(&b->host, text), name);

	if (s->protocol == PROTO_TCP || s->protocol == PROTO_UDP)
		return;
	for (size_t i = 0; i < c->set->policies.n && !cuts; i++) {
		const struct policy *p = &c->set->policies.v[i];

		if (policy_drops(p) && asks_for(&p->services, s->protocol) &&
		    is_held(c, p, &b->host))
			cuts = p;
	}
	if (cuts)
		check_warning(
			c, s->pos, help,
			"policy \"%s\" can drop these answers: who began a flow is known of tcp and udp only",
			cuts->name);
	else
		check_warning(
			c, s->pos, help,
			"this lets nothing pass: who began a flow is known of tcp and udp only");
}

/* ---- it leaves nothing of a policy --------------------------------------------------- */

static bool service_within(const struct service *s, const struct service_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct service *o = &l->v[i];

		if (o->protocol == s->protocol &&
		    (!o->has_port || (s->has_port && s->port_first >= o->port_first &&
				      s->port_last <= o->port_last)))
			return true;
	}
	return false;
}

static bool only_host(const struct expr *e, const struct prefix *host)
{
	return e && e->op == EXPR_ATOM && e->atom.kind == ATOM_PREFIX &&
	       in_prefix(host, &e->atom.prefix) == HOLDS;
}

static void warn_cleared(struct checker *c, const struct publish *b)
{
	for (size_t i = 0; i < c->set->policies.n; i++) {
		const struct policy *p = &c->set->policies.v[i];
		size_t within = 0;

		for (size_t k = 0; k < p->services.n; k++)
			within += service_within(&p->services.v[k], &b->services);
		if (p->initiated != INITIATED_OUTSIDE || !p->services.n || within < p->services.n ||
		    !only_host(p->from, &b->host))
			continue;
		check_warning(c, p->pos,
			      "for a limit write it there: at most 20 GB per destination each day",
			      "policy \"%s\" never applies: publish \"%s\" lets all of it pass",
			      p->name, b->name);
	}
}

void check_published(struct checker *c)
{
	for (size_t i = 0; i < c->set->publishes.n; i++) {
		const struct publish *b = &c->set->publishes.v[i];

		warn_quarantine(c, b);
		warn_cleared(c, b);
		for (size_t k = 0; k < b->services.n; k++)
			warn_protocol(c, b, &b->services.v[k]);
	}
}
