/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/condition.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/image/build.h"
#include "core/image/condition_group.h"

static uint32_t add(struct conditions *c, struct condition cond)
{
	*VEC_ADD(&c->all) = cond;
	return (uint32_t)c->all.n - 1;
}

void conditions_init(struct conditions *c, enum condition_side side, const struct policy_set *set)
{
	*c = (struct conditions){ .side = side, .asns = INTERN(uint64_t) };
	c->set_condition = xcalloc(set->sets.n, sizeof(*c->set_condition));
	add(c, (struct condition){ .op = COND_ANY });
}

static void need_location(struct build *b, const struct expr *e)
{
	if (!b->in->set->site.has_location)
		build_error(b, e->pos, "add to 'site': location LATITUDE, LONGITUDE",
			    "'beyond' needs the site's location");
	build_need(b, e->pos,
		   build_has(b, GEO_FIELD_LOCATION) ? GEO_FIELD_LOCATION : GEO_FIELD_COUNTRY,
		   "'beyond'");
}

static uint32_t named_city(struct conditions *c, const char *name)
{
	for (size_t i = 0; i < c->cities.n; i++)
		if (!strcasecmp(c->cities.v[i], name))
			return (uint32_t)i + 1;
	*VEC_ADD(&c->cities) = name;
	return (uint32_t)c->cities.n;
}

static uint32_t add_set(struct build *b, struct conditions *c, const struct expr *e)
{
	uint32_t set = e->atom.set, cond;

	if (c->set_condition[set] == ~0U) {
		build_error(b, e->pos, NULL, "set '%s' contains itself", e->atom.text);
		return CONDITION_ANY;
	}
	if (c->set_condition[set])
		return c->set_condition[set] - 1;
	c->set_condition[set] = ~0U;
	cond = conditions_add(b, c, b->in->set->sets.v[set].expr);
	c->set_condition[set] = cond + 1;
	return cond;
}

static uint32_t add_interface(struct conditions *c, const char *name)
{
	size_t i = 0;

	while (i < c->interfaces.n && strcmp(c->interfaces.v[i], name))
		i++;
	if (i == c->interfaces.n)
		*VEC_ADD(&c->interfaces) = name;
	return add(c, (struct condition){ .op = COND_INTERFACE, .id = (uint32_t)i + 1 });
}

static uint32_t add_from_atom(struct build *b, struct conditions *c, const struct expr *e)
{
	switch (e->atom.kind) {
	case ATOM_INSIDE:
		return add(c, (struct condition){ .op = COND_FROM, .id = CF_FROM_INSIDE });
	case ATOM_GATEWAY:
		return add(c, (struct condition){ .op = COND_FROM, .id = CF_FROM_GATEWAY });
	case ATOM_INTERFACE:
		return add_interface(c, e->atom.text);
	default:
		build_error(b, e->pos, NULL, "a source has no country, network, city or distance");
		return CONDITION_ANY;
	}
}

static uint32_t add_to_atom(struct build *b, struct conditions *c, const struct expr *e)
{
	const struct atom *a = &e->atom;
	uint64_t asn = a->number;
	char who[24];

	switch (a->kind) {
	case ATOM_COUNTRY:
		build_need(b, e->pos, GEO_FIELD_COUNTRY, "'country'");
		return add(c, (struct condition){ .op = COND_COUNTRY, .cc = FACTS_CC(a->text) });
	case ATOM_CONTINENT:
		build_need(b, e->pos, GEO_FIELD_COUNTRY, "'continent'");
		return add(c, (struct condition){ .op = COND_CONTINENT, .cc = FACTS_CC(a->text) });
	case ATOM_UNKNOWN:
		build_need(b, e->pos, GEO_FIELD_COUNTRY, "'unknown'");
		return add(c, (struct condition){ .op = COND_UNKNOWN });
	case ATOM_ASN:
		snprintf(who, sizeof(who), "'AS%u'", (unsigned int)asn);
		build_need(b, e->pos, GEO_FIELD_ASN, who);
		intern_add(&c->asns, &asn, NULL);
		return add(c, (struct condition){ .op = COND_ASN, .id = a->number });
	case ATOM_CITY:
		build_need(b, e->pos, GEO_FIELD_CITY, "'city'");
		return add(c, (struct condition){ .op = COND_CITY,
						  .id = named_city(c, a->text),
						  .cc = FACTS_CC(a->cc) });
	case ATOM_BEYOND:
		need_location(b, e);
		*VEC_ADD(&c->thresholds) = a->number;
		return add(c, (struct condition){ .op = COND_BEYOND, .id = a->number });
	default:
		build_error(b, e->pos, NULL, "this names a source, not a destination");
		return CONDITION_ANY;
	}
}

static uint32_t add_atom(struct build *b, struct conditions *c, const struct expr *e)
{
	enum group_kind kind = group_kind_of(c, e);
	uint32_t group, cond;

	if (kind != GROUP_KINDS) {
		cond = group_new(c, kind, &group);
		group_add(b, c, group, e);
		return cond;
	}
	switch (e->atom.kind) {
	case ATOM_ANY:
		return CONDITION_ANY;
	case ATOM_SET:
		return add_set(b, c, e);
	default:
		return c->side == SIDE_FROM ? add_from_atom(b, c, e) : add_to_atom(b, c, e);
	}
}

/* What is of one kind is one group: a drop list of 10,000 costs one bit, not 10,000. */
static uint32_t add_or(struct build *b, struct conditions *c, const struct expr *e)
{
	struct condition cond = { .op = COND_OR };
	uint32_t group[GROUP_KINDS] = { ~0U, ~0U, ~0U };

	for (size_t i = 0; i < e->n; i++) {
		enum group_kind kind = group_kind_of(c, e->v[i]);

		if (kind == GROUP_KINDS) {
			*VEC_ADD(&cond) = conditions_add(b, c, e->v[i]);
			continue;
		}
		if (group[kind] == ~0U)
			*VEC_ADD(&cond) = group_new(c, kind, &group[kind]);
		group_add(b, c, group[kind], e->v[i]);
	}
	return add(c, cond);
}

static uint32_t add_expr(struct build *b, struct conditions *c, const struct expr *e)
{
	struct condition cond = { 0 };

	if (e->op == EXPR_ATOM)
		return add_atom(b, c, e);
	if (e->op == EXPR_OR)
		return add_or(b, c, e);
	cond.op = e->op == EXPR_AND ? COND_AND : COND_EXCEPT;
	for (size_t i = 0; i < e->n; i++)
		*VEC_ADD(&cond) = conditions_add(b, c, e->v[i]);
	return add(c, cond);
}

uint32_t conditions_add(struct build *b, struct conditions *c, const struct expr *e)
{
	uint32_t n = e ? add_expr(b, c, e) : CONDITION_ANY;

	/* a set's name is not what its condition was made from */
	if (n != CONDITION_ANY && !c->all.v[n].expr)
		c->all.v[n].expr = e;
	return n;
}

static int compare_km(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void conditions_ready(struct conditions *c)
{
	size_t n = 0;

	if (c->thresholds.n)
		qsort(c->thresholds.v, c->thresholds.n, sizeof(*c->thresholds.v), compare_km);
	for (size_t i = 0; i < c->thresholds.n; i++)
		if (!n || c->thresholds.v[n - 1] != c->thresholds.v[i])
			c->thresholds.v[n++] = c->thresholds.v[i];
	c->thresholds.n = n;
	literals_sweep(&c->literals);
	literals_sweep(&c->macs);
	literals_sweep(&c->vlans);
}

static bool beyond(const struct conditions *c, const struct facts *f, uint32_t km)
{
	return f->distance >= FACTS_BEYOND && c->thresholds.v[f->distance - FACTS_BEYOND] >= km;
}

static bool all_hold(const struct conditions *c, const struct condition *cond,
		     const struct facts *f, uint32_t from)
{
	for (size_t i = 0; i < cond->n; i++)
		if (!conditions_hold(c, cond->v[i], f, from))
			return false;
	return true;
}

static bool one_holds(const struct conditions *c, const struct condition *cond,
		      const struct facts *f, uint32_t from)
{
	for (size_t i = 0; i < cond->n; i++)
		if (conditions_hold(c, cond->v[i], f, from))
			return true;
	return false;
}

bool conditions_hold(const struct conditions *c, uint32_t condition, const struct facts *f,
		     uint32_t from)
{
	const struct condition *cond = &c->all.v[condition];

	switch (cond->op) {
	case COND_ANY:
		return true;
	case COND_FROM:
		return from == cond->id;
	case COND_GROUP:
		return literals_has(&c->literals, f->set, cond->id);
	case COND_COUNTRY:
		return f->cc == cond->cc;
	case COND_CONTINENT:
		return f->continent == cond->cc;
	case COND_ASN:
		return f->asn == cond->id;
	case COND_CITY:
		return f->city == cond->id && f->cc == cond->cc;
	case COND_BEYOND:
		return beyond(c, f, cond->id);
	case COND_UNKNOWN:
		return !f->cc;
	case COND_MAC:
		return literals_has(&c->macs, f->macs, cond->id);
	case COND_INTERFACE:
		return f->interface == cond->id;
	case COND_VLAN:
		return literals_has(&c->vlans, f->vlan, cond->id);
	case COND_AND:
		return all_hold(c, cond, f, from);
	case COND_OR:
		return one_holds(c, cond, f, from);
	case COND_EXCEPT:
		return conditions_hold(c, cond->v[0], f, from) &&
		       !conditions_hold(c, cond->v[1], f, from);
	}
	return false;
}

void conditions_meet(struct conditions *c, bool facets, const struct facts *f, uint32_t from)
{
	for (uint32_t i = 0; i < c->all.n; i++)
		if (!c->all.v[i].met && conditions_ask_facets(c, i) == facets)
			c->all.v[i].met = conditions_hold(c, i, f, from);
}

bool conditions_ask_facets(const struct conditions *c, uint32_t condition)
{
	const struct condition *cond = &c->all.v[condition];

	for (size_t i = 0; i < cond->n; i++)
		if (conditions_ask_facets(c, cond->v[i]))
			return true;
	return cond->op == COND_MAC || cond->op == COND_INTERFACE || cond->op == COND_VLAN;
}

void conditions_groups(const struct conditions *c, uint32_t condition, uint64_t *bits)
{
	const struct condition *cond = &c->all.v[condition];

	for (size_t i = 0; i < cond->n; i++)
		conditions_groups(c, cond->v[i], bits);
	if (cond->op == COND_GROUP)
		bits[cond->id / 64] |= 1ULL << (cond->id % 64);
}

uint16_t conditions_distance(const struct conditions *c, double km)
{
	uint16_t d = FACTS_NEAR;

	while (d - FACTS_NEAR < (int)c->thresholds.n && km > c->thresholds.v[d - FACTS_NEAR])
		d++;
	return d;
}

uint16_t conditions_city(const struct conditions *c, const char *name)
{
	for (size_t i = 0; i < c->cities.n; i++)
		if (!strcasecmp(c->cities.v[i], name))
			return (uint16_t)(i + 1);
	return FACTS_OTHER_CITY;
}

bool conditions_name_asn(const struct conditions *c, uint32_t asn)
{
	uint64_t key = asn;

	return intern_has(&c->asns, &key);
}

void conditions_done(struct conditions *c)
{
	for (size_t i = 0; i < c->all.n; i++)
		free(c->all.v[i].v);
	free(c->all.v);
	free(c->set_condition);
	free(c->cities.v);
	free(c->thresholds.v);
	intern_done(&c->asns);
	literals_done(&c->literals);
	literals_done(&c->macs);
	literals_done(&c->vlans);
	for (size_t i = 0; i < c->vendors.n; i++)
		free(c->vendors.v[i].ranges.v);
	free(c->vendors.v);
	free(c->interfaces.v);
}
