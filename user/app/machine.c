/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/machine.h"

#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct prefix *p = a, *q = b;
	int r = addr_compare(&p->addr, &q->addr);

	return r ? r : (int)p->bits - (int)q->bits;
}

static void tidy(struct prefix_list *l)
{
	size_t kept = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t i = 1; i < l->n; i++)
		if (compare(&l->v[kept], &l->v[i]))
			l->v[++kept] = l->v[i];
	l->n = kept + 1;
}

static bool named_inside(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->inside.n; i++)
		if (!strcmp(set->inside.v[i].name, name))
			return true;
	return false;
}

/*
 * What a hook on the named device sees also belongs to the VLANs it carries,
 * and to the bridge or bond it is a port of.
 */
static bool is_inside(const struct net_state *net, const struct policy_set *set, uint32_t ifindex)
{
	const struct net_link *link = NULL;

	for (size_t i = 0; i < net->links.n; i++)
		if (net->links.v[i].ifindex == ifindex)
			link = &net->links.v[i];
	if (!link)
		return false;
	if (named_inside(set, link->name))
		return true;
	for (size_t i = 0; i < net->links.n; i++) {
		const struct net_link *other = &net->links.v[i];

		if ((other->master == ifindex || other->ifindex == link->lower) &&
		    named_inside(set, other->name))
			return true;
	}
	return false;
}

static unsigned int host_bits(const struct addr *a)
{
	return addr_is4(a) ? 32 : 128;
}

void machine_build(const struct net_state *net, const struct policy_set *set, struct machine *ret)
{
	struct machine m = { 0 };

	for (size_t i = 0; i < net->addresses.n; i++) {
		const struct net_address *a = &net->addresses.v[i];

		*VEC_ADD(&m.local) = prefix_of(&a->addr, host_bits(&a->addr));
		if (is_inside(net, set, a->ifindex)) {
			*VEC_ADD(&m.inside) = a->on_link;
			*VEC_ADD(&m.inside_links) = a->on_link;
		}
	}
	for (size_t i = 0; i < net->routes.n; i++) {
		const struct net_route *r = &net->routes.v[i];

		if (r->local && r->dst.bits == 128)
			*VEC_ADD(&m.local) = r->dst;
		/* ff00::/8 is routed through every interface; it is multicast, not a network of
		 * ours. */
		if (!r->local && r->is_default && is_inside(net, set, r->ifindex))
			m.inside_default[!addr_is4(&r->dst.addr)] = true;
		if (r->local || r->is_default || r->dst.addr.b[0] == 0xff ||
		    !is_inside(net, set, r->ifindex))
			continue;
		*VEC_ADD(&m.inside) = r->dst;
		if (!r->gateway)
			*VEC_ADD(&m.inside_links) = r->dst;
	}
	tidy(&m.local);
	tidy(&m.inside);
	tidy(&m.inside_links);
	*ret = m;
}

static bool list_equal(const struct prefix_list *a, const struct prefix_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (compare(&a->v[i], &b->v[i]))
			return false;
	return true;
}

bool machine_equal(const struct machine *a, const struct machine *b)
{
	return list_equal(&a->local, &b->local) && list_equal(&a->inside, &b->inside) &&
	       list_equal(&a->inside_links, &b->inside_links) &&
	       !memcmp(a->inside_default, b->inside_default, sizeof(a->inside_default));
}

static bool list_within(const struct prefix_list *a, const struct prefix_list *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!b->n || !bsearch(&a->v[i], b->v, b->n, sizeof(*b->v), compare))
			return false;
	return true;
}

bool machine_within(const struct machine *a, const struct machine *b)
{
	return list_within(&a->local, &b->local) && list_within(&a->inside, &b->inside) &&
	       list_within(&a->inside_links, &b->inside_links) &&
	       a->inside_default[0] <= b->inside_default[0] &&
	       a->inside_default[1] <= b->inside_default[1];
}

void machine_done(struct machine *m)
{
	free(m->local.v);
	free(m->inside.v);
	free(m->inside_links.v);
	*m = (struct machine){ 0 };
}

static bool marks(const struct policy_set *set)
{
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		if (p->then.has_mark)
			return true;
		for (size_t k = 0; k < p->ats.n; k++)
			if (p->ats.v[k].actions.has_mark)
				return true;
	}
	return false;
}

static void want(struct want_list *l, const struct name_list *names, enum cf_if_role role,
		 enum xdp_choice xdp)
{
	for (size_t i = 0; i < names->n; i++) {
		struct hook_want w = { .role = role,
				       .xdp = names->v[i].xdp_never ? XDP_NEVER : xdp };

		strncpy(w.ifname, names->v[i].name, IFNAMSIZ - 1);
		*VEC_ADD(l) = w;
	}
}

void wants_build(const struct policy_set *set, struct want_list *ret)
{
	*ret = (struct want_list){ 0 };
	want(ret, &set->inside, CF_IF_INSIDE, marks(set) ? XDP_MARKS : XDP_AUTO);
	want(ret, &set->outside, CF_IF_OUTSIDE, XDP_AUTO);
}

void wants_done(struct want_list *l)
{
	free(l->v);
	*l = (struct want_list){ 0 };
}
