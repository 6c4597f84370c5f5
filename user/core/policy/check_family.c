/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts that are named by their IPv4 addresses alone, where they have IPv6 too. */
#include "core/policy/check.h"

/* Sets may name each other often, and files be long: so much is looked at, behind it nothing said.
 */
#define LOOKED_AT_MAX 10000

struct family {
	const struct policy_set *names; /* whose sets */
	unsigned int left;
	bool ours; /* one of the addresses lies in `networks` */
};

static void look_at(struct family *f, const struct prefix *p)
{
	for (size_t i = 0; i < f->names->networks.n; i++) {
		const struct prefix *net = &f->names->networks.v[i];

		f->ours |= p->bits >= net->bits && prefix_contains(net, &p->addr);
	}
}

static bool is_ipv4(struct family *f, const struct expr *e);

static bool atom_is_ipv4(struct family *f, const struct atom *a)
{
	if (a->kind == ATOM_SET)
		return is_ipv4(f, f->names->sets.v[a->set].expr);
	if (a->kind == ATOM_PREFIX && prefix_is4(&a->prefix)) {
		look_at(f, &a->prefix);
		return true;
	}
	if (a->kind != ATOM_FILE || a->prefixes.n >= f->left)
		return false;
	f->left -= (unsigned int)a->prefixes.n;
	for (size_t i = 0; i < a->prefixes.n; i++) {
		if (!prefix_is4(&a->prefixes.v[i]))
			return false;
		look_at(f, &a->prefixes.v[i]);
	}
	return a->prefixes.n;
}

/* Does it name IPv4 addresses, and nothing else? */
static bool is_ipv4(struct family *f, const struct expr *e)
{
	size_t yes = 0;

	if (!e || !f->left)
		return false;
	f->left--;
	if (e->op == EXPR_ATOM)
		return atom_is_ipv4(f, &e->atom);
	if (e->op == EXPR_EXCEPT)
		return is_ipv4(f, e->v[0]);
	for (size_t i = 0; i < e->n; i++)
		yes += is_ipv4(f, e->v[i]);
	return e->op == EXPR_AND ? yes : yes == e->n;
}

bool policy_is_ipv4_alone(const struct policy_set *set, const struct expr *from,
			  const struct expr *to, struct prefix *ret_network)
{
	struct family sources = { .names = set, .left = LOOKED_AT_MAX };
	struct family destinations = sources;

	for (size_t i = 0; i < set->networks.n; i++) {
		if (prefix_is4(&set->networks.v[i]))
			continue;
		/* no IPv6 reaches an IPv4 address */
		if (!is_ipv4(&sources, from) || !sources.ours || is_ipv4(&destinations, to))
			return false;
		*ret_network = set->networks.v[i];
		return true;
	}
	return false;
}

static bool drops(const struct actions *a)
{
	return a->drop || a->drop_seconds || a->quarantine_seconds;
}

void check_families(struct checker *c)
{
	for (size_t i = 0; i < c->set->policies.n; i++) {
		const struct policy *p = &c->set->policies.v[i];
		bool dropping = drops(&p->then);
		char text[PREFIX_TEXT_MAX];
		struct prefix net;

		for (size_t k = 0; k < p->ats.n; k++)
			dropping |= drops(&p->ats.v[k].actions);
		if (dropping && policy_is_ipv4_alone(c->set, p->from, p->to, &net))
			check_warning(
				c, p->from->pos, "name them by mac, or add their IPv6 networks",
				"policy \"%s\" knows its sources by IPv4 addresses alone, and 'networks' has "
				"IPv6 (%s): what they send by IPv6 goes past it",
				p->name, prefix_format(&net, text));
	}
}
