/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/condition_group.h"

#include <string.h>
#include <strings.h>

#include "core/image/build.h"
#include "core/image/normalise.h"

/* Addresses there are judged by what they carry: written out, such a prefix is a mistake. Lists may
 * have it. */
static void refuse_carriers(struct build *b, const struct conditions *c, const struct expr *e)
{
	struct addr a = prefix_first(&e->atom.prefix), z = prefix_last(&e->atom.prefix);
	struct addr a4 = addr_normalise(&a), z4 = addr_normalise(&z);

	if (c->side == SIDE_FROM || !addr_compare(&a, &a4) || !addr_compare(&z, &z4))
		return;
	build_error(
		b, e->pos, "name the IPv4 network",
		"nothing is ever in this network: 6to4, NAT64 and Teredo addresses are judged as the IPv4 address they carry");
}

static void no_vendor(struct build *b, const struct vendors *v, const struct expr *e)
{
	_cleanup_buf_ struct buf near = { 0 };

	vendors_near(v, e->atom.text, &near);
	build_error(b, e->pos, near.n ? buf_text(&near) : NULL,
		    "no vendor of the IEEE's list has '%s' in its name", e->atom.text);
}

static struct mac_range_list vendor_ranges(struct build *b, struct conditions *c,
					   const struct expr *e)
{
	const struct vendor_source *source = b->in->vendors;
	const struct vendors *v = source ? source->get(source->arg) : NULL;
	struct mac_range_list l = { 0 };

	for (size_t i = 0; i < c->vendors.n; i++)
		if (!strcasecmp(c->vendors.v[i].name, e->atom.text))
			return c->vendors.v[i].ranges;
	if (!v)
		build_error(b, e->pos, "install the package that has it: apt-get install ieee-data",
			    "'vendor' needs the IEEE's list of MAC addresses, and it is not there");
	else if (!vendors_find(v, e->atom.text, &l))
		no_vendor(b, v, e);
	*VEC_ADD(&c->vendors) = (struct vendor_ranges){ .name = e->atom.text, .ranges = l };
	return l;
}

static void add_vendor(struct build *b, struct conditions *c, uint32_t group, const struct expr *e)
{
	struct mac_range_list l = vendor_ranges(b, c, e);

	for (size_t i = 0; i < l.n; i++)
		literals_add_range(&c->macs, group, l.v[i].first, l.v[i].last);
}

void group_add(struct build *b, struct conditions *c, uint32_t group, const struct expr *e)
{
	const struct atom *a = &e->atom;
	uint64_t mac = mac_number(a->mac);

	switch (a->kind) {
	case ATOM_PREFIX:
		refuse_carriers(b, c, e);
		literals_add(&c->literals, group, &a->prefix);
		break;
	case ATOM_FILE:
		for (size_t i = 0; i < a->prefixes.n; i++)
			literals_add(&c->literals, group, &a->prefixes.v[i]);
		break;
	case ATOM_MAC:
		literals_add_range(&c->macs, group, mac, mac);
		break;
	case ATOM_VENDOR:
		add_vendor(b, c, group, e);
		break;
	case ATOM_VLAN:
		literals_add_range(&c->vlans, group, a->number, a->number);
		break;
	default:
		break;
	}
}

enum group_kind group_kind_of(const struct conditions *c, const struct expr *e)
{
	bool from = c->side == SIDE_FROM;

	if (e->op != EXPR_ATOM)
		return GROUP_KINDS;
	switch (e->atom.kind) {
	case ATOM_PREFIX:
	case ATOM_FILE:
		return GROUP_ADDRESSES;
	case ATOM_MAC:
	case ATOM_VENDOR:
		return from ? GROUP_MACS : GROUP_KINDS;
	case ATOM_VLAN:
		return from ? GROUP_VLANS : GROUP_KINDS;
	default:
		return GROUP_KINDS;
	}
}

uint32_t group_new(struct conditions *c, enum group_kind kind, uint32_t *ret_group)
{
	static const enum condition_op ops[] = { COND_GROUP, COND_MAC, COND_VLAN };
	struct literals *of[] = { &c->literals, &c->macs, &c->vlans };

	*ret_group = literals_group(of[kind]);
	*VEC_ADD(&c->all) = (struct condition){ .op = ops[kind], .id = *ret_group };
	return (uint32_t)c->all.n - 1;
}
