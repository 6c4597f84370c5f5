/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules: policy, protect, exempt, publish. */
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"

/* from, to, service, initiated and during mean the same in every rule. */
struct match {
	struct expr **from, **to;
	struct service_list *services;
	enum initiated *initiated;
	struct pos *initiated_pos;
	struct time_expr **during;
	void *rule;
};

static int match_from(struct parser *p, struct pos pos _unused_, void *obj)
{
	return parse_expr(p, SIDE_FROM, ((struct match *)obj)->from);
}

static int match_to(struct parser *p, struct pos pos _unused_, void *obj)
{
	return parse_expr(p, SIDE_TO, ((struct match *)obj)->to);
}

static int match_service(struct parser *p, struct pos pos _unused_, void *obj)
{
	return parse_services(p, ((struct match *)obj)->services);
}

static int match_initiated(struct parser *p, struct pos pos, void *obj)
{
	static const char *const meant[][2] = {
		{ "outbound", "begun by our hosts is: initiated inside" },
		{ "out", "begun by our hosts is: initiated inside" },
		{ "local", "begun by our hosts is: initiated inside" },
		{ "inbound", "begun by the world is: initiated outside" },
		{ "in", "begun by the world is: initiated outside" },
		{ "remote", "begun by the world is: initiated outside" },
		{ "both", "both is: initiated any; or leave it out" },
		{ "by", "write: initiated inside" },
	};
	struct match *m = obj;
	unsigned int v;

	for (size_t i = 0; i < ARRAY_SIZE(meant); i++)
		if (token_is(&p->tok, meant[i][0]))
			return parse_error(p, p->tok.pos, meant[i][1],
					   "expected a side: inside, outside or any, found '%s'",
					   meant[i][0]);
	if (parse_choice(p, words_initiated, "a side", &v) < 0)
		return -EINVAL;
	*m->initiated = (enum initiated)v;
	*m->initiated_pos = pos;
	if (p->tok.kind == T_COMMA)
		return parse_expected(p, "one side", "both is: initiated any; or leave it out");
	return 0;
}

static int match_during(struct parser *p, struct pos pos _unused_, void *obj)
{
	return parse_time_expr(p, ((struct match *)obj)->during);
}

#define ROW_FROM                                                                                   \
	{                                                                                          \
		"from", match_from, "from inside, or an address, network or set", false            \
	}
#define ROW_TO                                                                                     \
	{                                                                                          \
		"to", match_to, "to any, or an address, network, set, country CN, AS64500 …",      \
			false                                                                      \
	}
#define ROW_SERVICE                                                                                \
	{                                                                                          \
		"service", match_service, "service tcp/443, udp/53, icmp", false                   \
	}
#define ROW_INITIATED                                                                              \
	{                                                                                          \
		"initiated", match_initiated, "initiated inside", false                            \
	}
#define ROW_DURING                                                                                 \
	{                                                                                          \
		"during", match_during, "during night", false                                      \
	}

/* A rule's name in quotes; said how if it is there without. */
static int rule_name(struct parser *p, const char *kind, bool required, char **ret)
{
	_cleanup_free_ char *what = xprintf("a name for the %s, in quotes", kind), *help = NULL;

	if (!required && p->tok.kind == T_LBRACE)
		return 0;
	if (p->tok.kind == T_WORD)
		help = xprintf("write: %s \"%.*s\" {", kind, (int)p->tok.n, p->tok.s);
	else if (p->tok.kind != T_PREFIX)
		help = xprintf("write: %s \"name\" {", kind);
	return parse_string(p, what, help, ret);
}

static void defined_twice(struct parser *p, const char *kind, const char *name, struct pos pos,
			  struct pos first)
{
	parse_error(p, pos, "give one of them another name",
		    "%s \"%s\" is defined twice: first at %s:%u", kind, name,
		    p->set->files.v[first.file], first.line);
}

/* ---- policy ---------------------------------------------------------------- */

static int policy_except(struct parser *p, struct pos pos, void *obj)
{
	static const struct statement rows[] = {
		ROW_FROM, ROW_TO, ROW_SERVICE, ROW_INITIATED, ROW_DURING,
	};
	struct policy *pol = ((struct match *)obj)->rule;
	struct except *e = VEC_ADD(&pol->excepts);
	struct match m = { &e->from,   &e->to, &e->services, &e->initiated, &e->initiated_pos,
			   &e->during, e };

	*e = (struct except){ .pos = pos };
	if (p->tok.kind == T_LBRACE && p->next.kind == T_RBRACE)
		return parse_error(p, p->next.pos, "write: except { from backup  to AS64500 }",
				   "an empty 'except' would take everything out of the policy");
	return parse_block(p, "an except block", rows, ARRAY_SIZE(rows), &m);
}

static int policy_quota(struct parser *p, struct pos pos, void *obj)
{
	return parse_quota(p, pos, ((struct match *)obj)->rule);
}

static int policy_rate(struct parser *p, struct pos pos, void *obj)
{
	return parse_rate(p, pos, ((struct match *)obj)->rule);
}

static int policy_then(struct parser *p, struct pos pos, void *obj)
{
	return parse_then(p, pos, ((struct match *)obj)->rule);
}

static int policy_at(struct parser *p, struct pos pos, void *obj)
{
	return parse_at(p, pos, ((struct match *)obj)->rule);
}

static int policy_mode(struct parser *p, struct pos pos _unused_, void *obj)
{
	unsigned int v;

	if (parse_choice(p, words_modes, "a mode", &v) < 0)
		return -EINVAL;
	((struct policy *)((struct match *)obj)->rule)->mode = (enum mode)v;
	return 0;
}

int parse_policy(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const struct statement rows[] = {
		ROW_FROM,
		ROW_TO,
		ROW_SERVICE,
		ROW_INITIATED,
		ROW_DURING,
		{ "quota", policy_quota, "quota 50 MB per destination each window", true },
		{ "rate", policy_rate, "rate 10 Mbit/s per source", true },
		{ "then", policy_then, "then drop, alert warning", false },
		{ "at", policy_at, "at 100% drop, alert critical", true },
		{ "except", policy_except, "except { from backup  to AS64500 }", true },
		{ "mode", policy_mode, "mode observe", false },
	};
	struct policy *pol = VEC_ADD(&p->set->policies);
	struct match m = {
		&pol->from,   &pol->to, &pol->services, &pol->initiated, &pol->initiated_pos,
		&pol->during, pol
	};
	const struct policy *first;
	size_t errors = diag_errors(p->diags);

	*pol = (struct policy){ .pos = pos };
	pos = p->tok.pos;
	if (rule_name(p, "policy", true, &pol->name) < 0) {
		p->incomplete = true;
		return -EINVAL;
	}
	first = policy_find_policy(p->set, pol->name);
	if (first != pol)
		defined_twice(p, "policy", pol->name, pos, first->pos);
	if (parse_block(p, "a policy", rows, ARRAY_SIZE(rows), &m) < 0)
		return -EINVAL;
	if (!pol->from && diag_errors(p->diags) == errors)
		parse_error(p, pol->pos, "add 'from inside', 'from gateway' or 'from any'",
			    "policy \"%s\" has no 'from'", pol->name);
	return 0;
}

/* ---- protect, exempt --------------------------------------------------------- */

int parse_protect(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const struct statement rows[] = { ROW_FROM, ROW_TO, ROW_SERVICE };
	struct protect *r = VEC_ADD(&p->set->protects);
	struct match m = { .from = &r->from, .to = &r->to, .services = &r->services };

	*r = (struct protect){ .pos = pos };
	pos = p->tok.pos;
	if (rule_name(p, "protect", false, &r->name) < 0)
		return -EINVAL;
	for (size_t i = 0; r->name && i + 1 < p->set->protects.n; i++)
		if (p->set->protects.v[i].name && !strcmp(p->set->protects.v[i].name, r->name))
			defined_twice(p, "protect", r->name, pos, p->set->protects.v[i].pos);
	if (p->tok.kind == T_LBRACE && p->next.kind == T_RBRACE)
		return parse_error(p, p->next.pos,
				   "write: protect { from gateway  to 198.51.100.7 }",
				   "an empty 'protect' would let everything pass");
	return parse_block(p, "a protect block", rows, ARRAY_SIZE(rows), &m);
}

static int exempt_policies(struct parser *p, struct pos pos _unused_, void *obj)
{
	struct exempt *e = ((struct match *)obj)->rule;

	do {
		struct pos at = p->tok.pos;
		char *name;

		if (token_is(&p->tok, "all") || token_is(&p->tok, "any"))
			return parse_error(p, at, "without 'policies' it is for all of them",
					   "expected the name of a policy, in quotes, found '%.*s'",
					   (int)p->tok.n, p->tok.s);
		if (parse_string(p, "the name of a policy, in quotes", NULL, &name) < 0)
			return -EINVAL;
		*VEC_ADD(&e->policies) = name;
		*VEC_ADD(&e->policies_at) = at;
	} while (parse_kind(p, T_COMMA));
	return 0;
}

static int exempt_until(struct parser *p, struct pos pos, void *obj)
{
	struct exempt *e = ((struct match *)obj)->rule;

	e->has_until = true;
	e->until_pos = pos;
	return parse_civil(p, &e->until);
}

int parse_exempt(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const struct statement rows[] = {
		ROW_FROM,
		ROW_TO,
		ROW_SERVICE,
		ROW_DURING,
		{ "policies", exempt_policies, "policies \"night bulk\", \"far and large\"",
		  false },
		{ "until", exempt_until, "until 2026-12-01 16:00", false },
	};
	struct exempt *e = VEC_ADD(&p->set->exempts);
	struct match m = { &e->from, &e->to, &e->services, NULL, NULL, &e->during, e };

	*e = (struct exempt){ .pos = pos };
	pos = p->tok.pos;
	if (rule_name(p, "exempt", false, &e->name) < 0)
		return -EINVAL;
	for (size_t i = 0; e->name && i + 1 < p->set->exempts.n; i++)
		if (p->set->exempts.v[i].name && !strcmp(p->set->exempts.v[i].name, e->name))
			defined_twice(p, "exempt", e->name, pos, p->set->exempts.v[i].pos);
	if (p->tok.kind == T_LBRACE && p->next.kind == T_RBRACE)
		return parse_error(p, p->next.pos,
				   "write: exempt \"visit\" { from 10.0.7.9  to 203.0.113.8 }",
				   "an empty 'exempt' would let everything pass");
	return parse_block(p, "an exempt block", rows, ARRAY_SIZE(rows), &m);
}

/* ---- publish ------------------------------------------------------------------- */

struct publishing {
	struct match match; /* first: rows of the table above take it */
	struct publish *rule;
	bool has_host;
};

static int publish_host(struct parser *p, struct pos pos _unused_, void *obj)
{
	struct publishing *b = obj;

	if (p->tok.kind != T_PREFIX)
		return parse_expected_address(p, "an address", "write: host 10.0.5.10");
	b->rule->host = p->tok.prefix;
	b->rule->host_pos = p->tok.pos;
	b->has_host = true;
	parse_advance(p);
	if (p->tok.kind == T_COMMA)
		return parse_error(p, p->tok.pos, "write one 'publish' for each host",
				   "a publish has one host");
	return 0;
}

static int publish_at_most(struct parser *p, struct pos pos, void *obj)
{
	struct publish *r = ((struct publishing *)obj)->rule;

	if (parse_need_word(p, "most", NULL) < 0)
		return -EINVAL;
	r->has_quota = true;
	r->quota.pos = pos;
	return parse_quota_body(p, &r->quota);
}

int parse_publish(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const struct statement rows[] = {
		{ "host", publish_host, "host 10.0.5.10", false },
		ROW_SERVICE,
		{ "at", publish_at_most, "at most 20 GB per destination each day", false },
	};
	struct publish *r = VEC_ADD(&p->set->publishes);
	struct publishing b = { .match.services = &r->services, .rule = r };
	size_t errors = diag_errors(p->diags);

	*r = (struct publish){ .pos = pos };
	pos = p->tok.pos;
	if (rule_name(p, "publish", true, &r->name) < 0)
		return -EINVAL;
	for (size_t i = 0; i + 1 < p->set->publishes.n; i++)
		if (p->set->publishes.v[i].name && !strcmp(p->set->publishes.v[i].name, r->name))
			defined_twice(p, "publish", r->name, pos, p->set->publishes.v[i].pos);
	if (parse_block(p, "a publish block", rows, ARRAY_SIZE(rows), &b) < 0)
		return -EINVAL;
	if (diag_errors(p->diags) != errors)
		return 0;
	if (!b.has_host)
		return parse_error(p, r->pos, "add: host 10.0.5.10", "publish \"%s\" has no 'host'",
				   r->name);
	if (!r->services.n)
		return parse_error(p, r->pos, "add: service tcp/443",
				   "publish \"%s\" has no 'service'", r->name);
	return 0;
}
