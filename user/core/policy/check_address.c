/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warnings about addresses that no packet has where they are written. */
#include "core/policy/check.h"
#include "core/policy/never_judged.h"

const struct never_judged never_judged[] = {
	{ "224.0.0.0/4", CF_REASON_IGNORED_MULTICAST },
	{ "255.255.255.255/32", CF_REASON_IGNORED_MULTICAST },
	{ "ff00::/8", CF_REASON_IGNORED_MULTICAST },
	{ "0.0.0.0/8", CF_REASON_IGNORED_LINK_LOCAL }, /* "this network", RFC 1122 3.2.1.3 */
	{ "127.0.0.0/8", CF_REASON_IGNORED_LINK_LOCAL },
	{ "169.254.0.0/16", CF_REASON_IGNORED_LINK_LOCAL },
	{ "fe80::/10", CF_REASON_IGNORED_LINK_LOCAL },
	{ "::/128", CF_REASON_IGNORED_LINK_LOCAL },
	{ "::1/128", CF_REASON_IGNORED_LINK_LOCAL },
};
const size_t never_judged_rows = ARRAY_SIZE(never_judged);

static bool lies_in(const struct prefix *inner, const struct prefix *outer)
{
	return inner->bits >= outer->bits && prefix_contains(outer, &inner->addr);
}

/* ---- destinations that are never judged ------------------------------------------ */

/* The row that holds all of the prefix, or NULL. */
static const struct never_judged *row_of(const struct prefix *p)
{
	for (size_t i = 0; i < never_judged_rows; i++) {
		struct prefix never;

		if (!prefix_parse(never_judged[i].prefix, &never) && lies_in(p, &never))
			return &never_judged[i];
	}
	return NULL;
}

static bool only_never(const struct checker *c, const struct expr *e, unsigned int *left);

static bool atom_never(const struct checker *c, const struct atom *a, unsigned int *left)
{
	if (a->kind == ATOM_SET)
		return only_never(c, c->set->sets.v[a->set].expr, left);
	if (a->kind == ATOM_PREFIX)
		return row_of(&a->prefix);
	if (a->kind != ATOM_FILE)
		return false;
	for (size_t i = 0; i < a->prefixes.n; i++)
		if (!row_of(&a->prefixes.v[i]))
			return false;
	return a->prefixes.n; /* an empty file is warned of already */
}

/* Is no destination in it ever judged? Sets may name each other often: `left` are looked at. */
static bool only_never(const struct checker *c, const struct expr *e, unsigned int *left)
{
	size_t never = 0;

	if (!*left)
		return false;
	--*left;
	if (e->op == EXPR_ATOM)
		return atom_never(c, &e->atom, left);
	if (e->op == EXPR_EXCEPT)
		return only_never(c, e->v[0], left);
	for (size_t i = 0; i < e->n; i++)
		never += only_never(c, e->v[i], left);
	return e->op == EXPR_AND ? never : never == e->n;
}

static void warn_never_judged(struct checker *c, const struct expr *e)
{
	static const char *const help = "packets there are counted, never judged";
	const struct never_judged *row =
		e->atom.kind == ATOM_PREFIX ? row_of(&e->atom.prefix) : NULL;
	unsigned int left = 10000;

	if (row)
		check_warning(c, e->pos, help, "this never matches: %s (%s) is never judged",
			      row->reason == CF_REASON_IGNORED_MULTICAST ? "multicast or broadcast"
									 : "link-local or loopback",
			      row->prefix);
	else if (e->atom.kind == ATOM_SET && atom_never(c, &e->atom, &left))
		check_warning(
			c, e->pos, help,
			"this never matches: all of '%s' is multicast, link-local or loopback, which is never judged",
			e->atom.text);
}

/* What 'except' takes out of it may well be such: that does no harm. */
static void check_to(struct checker *c, const struct expr *to)
{
	check_each_atom(c, to && to->op == EXPR_EXCEPT ? to->v[0] : to, warn_never_judged);
}

/* ---- published hosts ------------------------------------------------------------- */

static void warn_foreign_host(struct checker *c, const struct publish *b)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < c->set->networks.n; i++)
		if (lies_in(&b->host, &c->set->networks.v[i]))
			return;
	if (c->set->networks.n)
		check_warning(
			c, b->host_pos,
			"name the host's own address, as it is inside, or add it to 'networks'",
			"publish \"%s\": %s lies in none of 'networks'", b->name,
			prefix_format(&b->host, text));
}

void check_addresses(struct checker *c)
{
	const struct policy_set *set = c->set;

	for (size_t i = 0; i < set->policies.n; i++)
		check_to(c, set->policies.v[i].to);
	for (size_t i = 0; i < set->exempts.n; i++)
		check_to(c, set->exempts.v[i].to);
	for (size_t i = 0; i < set->protects.n; i++)
		check_to(c, set->protects.v[i].to);
	for (size_t i = 0; i < set->publishes.n; i++)
		warn_foreign_host(c, &set->publishes.v[i]);
}
