/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules get their bits. Policies come first. Exempts come before except blocks,
 * because the first clearing rule that applies names the reason.
 */
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"

/* Cut where a character ends, so that a map never shows half of one. */
static void copy_name(char to[CF_NAME_LEN], const char *name)
{
	size_t n = strlen(name);

	if (n >= CF_NAME_LEN)
		for (n = CF_NAME_LEN - 1; n && ((uint8_t)name[n] & 0xc0) == 0x80; n--)
			;
	memcpy(to, name, n);
}

static struct cf_row *row_of_kind(struct image *img, enum cf_rule_kind kind)
{
	switch (kind) {
	case CF_RULE_POLICY:
		return &img->policy_rules;
	case CF_RULE_PROTECT:
		return &img->protect_rules;
	case CF_RULE_BLOCK:
		return &img->block_rules;
	default:
		return &img->clearing_rules;
	}
}

/* The new rule's number; ~0 if there are too many already, which is said once. */
static uint32_t add_rule(struct build *b, enum cf_rule_kind kind, const char *name, uint32_t id,
			 uint32_t policy, struct rule_origin origin)
{
	uint32_t n = (uint32_t)b->img->rules.n;
	struct cf_rule rule = { .kind = (uint8_t)kind, .id = id };

	if (n == CF_RULES_MAX) {
		build_error(
			b, origin.pos,
			"gather hosts and networks in sets, and rules that differ only in them in one",
			"more than %d rules: policies, except blocks, exempts, protects and blocks together",
			CF_RULES_MAX);
		*VEC_ADD(&b->rules) = origin;
		*VEC_ADD(&b->img->rules) = rule;
	}
	if (n >= CF_RULES_MAX)
		return ~0U;
	copy_name(rule.name, name);
	*VEC_ADD(&b->img->rules) = rule;
	*VEC_ADD(&b->img->rule_policy) = policy;
	*VEC_ADD(&b->rules) = origin;
	row_set(row_of_kind(b->img, kind), n);
	return n;
}

static struct rule_origin origin_of(struct build *b, struct pos pos, const struct expr *from,
				    const struct expr *to, const struct time_expr *during)
{
	return (struct rule_origin){
		.from = conditions_add(b, &b->from, from),
		.to = conditions_add(b, &b->to, to),
		.during = during,
		.pos = pos,
	};
}

/* What would change whom a rule hits must not be left out silently. */

static void refuse_unenforced(struct build *b, const struct policy *p)
{
	if (!p->quotas.n && !p->rates.n && !p->then.drop && !p->then.alert && !p->then.has_mark)
		build_error(b, p->pos, "add a 'quota', or 'then' with what to do",
			    "policy '%s' does nothing", p->name);
}

static uint8_t policy_flags(const struct build *b, const struct policy *p)
{
	uint8_t flags = 0;

	if (b->img->observe || p->mode == MODE_OBSERVE)
		flags |= CF_RULE_OBSERVE;
	if (p->then.drop)
		flags |= CF_RULE_DROP;
	if (p->then.alert)
		flags |= CF_RULE_ALERT;
	if (p->then.has_mark)
		flags |= CF_RULE_MARK;
	if (p->then.drop_seconds)
		flags |= CF_RULE_HOLDS;
	for (size_t i = 0; i < p->ats.n; i++)
		if (p->ats.v[i].actions.drop_seconds)
			flags |= CF_RULE_HOLDS;
	return flags;
}

/* `index`: as in image.rule_policy. */
static void add_policy(struct build *b, const struct policy *p, uint32_t index)
{
	struct rule_origin origin = origin_of(b, p->pos, p->from, p->to, p->during);
	uint32_t n;

	refuse_unenforced(b, p);
	origin.services = &p->services;
	origin.initiated = p->initiated;
	n = add_rule(b, CF_RULE_POLICY, p->name, image_id(p->name, NULL), index, origin);
	if (n == ~0U)
		return;
	b->img->rules.v[n].flags = policy_flags(b, p);
	b->img->rules.v[n].level = (uint8_t)p->then.alert;
	b->img->rules.v[n].mark = p->then.mark;
	b->img->rules.v[n].hold_seconds = (uint32_t)p->then.drop_seconds;
	build_quotas(b, p, n);
}

static void add_excepts(struct build *b, uint32_t index)
{
	const struct policy *p = &b->in->set->policies.v[index];

	for (size_t i = 0; i < p->excepts.n; i++) {
		const struct except *e = &p->excepts.v[i];
		_cleanup_free_ char *which = xprintf("except %zu", i + 1);
		struct rule_origin origin = origin_of(b, e->pos, e->from, e->to, e->during);
		uint32_t n;

		origin.services = &e->services;
		origin.initiated = e->initiated;
		n = add_rule(b, CF_RULE_EXCEPT, p->name, image_id(p->name, which), index, origin);
		if (n != ~0U)
			row_set(&b->img->rules.v[n].clears, index);
	}
}

static void clear_policy(struct build *b, struct cf_row *clears, struct pos pos, const char *name)
{
	const struct policy_set *set = b->in->set;

	for (uint32_t i = 0; i < set->policies.n; i++) {
		if (strcmp(set->policies.v[i].name, name))
			continue;
		if (i < CF_RULES_MAX)
			row_set(clears, i);
		return;
	}
	build_error(b, pos, NULL, "there is no policy '%s'", name);
}

static void add_exempt(struct build *b, size_t index)
{
	const struct exempt *e = &b->in->set->exempts.v[index];
	_cleanup_free_ char *which = xprintf("exempt %zu", index + 1);
	const char *name = e->name ? e->name : which;
	struct rule_origin origin = origin_of(b, e->pos, e->from, e->to, e->during);
	struct cf_row clears = { 0 };
	uint32_t n;

	origin.services = &e->services;
	for (size_t i = 0; i < e->policies.n; i++)
		clear_policy(b, &clears, e->pos, e->policies.v[i]);
	if (e->has_until) {
		const struct zone *z = b->in->zones->get(b->in->zones->arg, NULL);

		origin.has_until = true;
		if (z)
			origin.until = zone_to_utc(z, e->until.date, e->until.minute);
		else
			build_error(b, e->pos, NULL, "the site's time zone is not known");
	}
	n = add_rule(b, CF_RULE_EXEMPT, name, image_id(name, "exempt"), ~0U, origin);
	if (n != ~0U)
		b->img->rules.v[n].clears = e->policies.n ? clears : b->img->policy_rules;
}

static void add_protect(struct build *b, size_t index)
{
	const struct protect *p = &b->in->set->protects.v[index];
	_cleanup_free_ char *which = xprintf("protect %zu", index + 1);
	const char *name = p->name ? p->name : which;
	struct rule_origin origin = origin_of(b, p->pos, p->from, p->to, NULL);

	origin.services = &p->services;
	add_rule(b, CF_RULE_PROTECT, name, image_id(name, "protect"), ~0U, origin);
}

/*
 * Answers are cleared of all policies of the file. Not of those that other
 * publishes stand for: they limit the same host.
 */
static void add_publish(struct build *b, size_t index)
{
	const struct publish *p = &b->in->set->publishes.v[index];
	struct rule_origin origin = {
		.from = conditions_add(b, &b->from, b->hosts.v[index]),
		.to = conditions_add(b, &b->to, NULL),
		.services = &p->services,
		.initiated = INITIATED_OUTSIDE,
		.pos = p->pos,
	};
	uint32_t n =
		add_rule(b, CF_RULE_PUBLISH, p->name, image_id(p->name, "publish"), ~0U, origin);

	for (uint32_t i = 0; n != ~0U && i < b->in->set->policies.n && i < CF_RULES_MAX; i++)
		row_set(&b->img->rules.v[n].clears, i);
}

static void add_manual(struct build *b, const struct manual_rule *m)
{
	struct rule_origin origin = origin_of(b, NOWHERE, m->from, m->to, NULL);
	uint32_t n;

	origin.has_until = true;
	origin.until = m->until;
	n = add_rule(b, m->allow ? CF_RULE_EXEMPT : CF_RULE_BLOCK,
		     m->allow ? "allowed by hand" : "blocked by hand", m->id, ~0U, origin);
	if (n == ~0U)
		return;
	b->img->rules.v[n].up_to_bytes = m->up_to_bytes;
	if (m->allow)
		b->img->rules.v[n].clears = b->img->policy_rules;
	else if (b->img->observe)
		b->img->rules.v[n].flags = CF_RULE_OBSERVE;
}

static struct pos quota_pos(const struct quota_origin *o)
{
	return o->rate ? o->rate->pos : o->quota->pos;
}

/* Ids of rules made by hand are the daemon's; the others are hashes, which may collide. */
static void refuse_collisions(struct build *b)
{
	const struct image *img = b->img;

	for (size_t i = 0; i < img->rules.n; i++)
		for (size_t j = 0; j < i; j++)
			if (img->rules.v[i].id == img->rules.v[j].id && b->rules.v[i].pos.line &&
			    b->rules.v[j].pos.line)
				build_error(b, b->rules.v[i].pos, "rename one of them",
					    "'%s' and '%s' have the same id", img->rules.v[j].name,
					    img->rules.v[i].name);
	for (size_t i = 0; i < img->quotas.n; i++)
		for (size_t j = 0; j < i; j++)
			if (img->quotas.v[i].id == img->quotas.v[j].id)
				build_error(b, quota_pos(&b->quotas.v[i]),
					    "remove one; if they differ, rename the policy",
					    "a quota of policy '%s' has the id of another one",
					    b->quotas.v[i].policy->name);
}

void build_rules(struct build *b)
{
	const struct policy_set *set = b->in->set;

	b->img->observe = set->mode != MODE_ENFORCE;
	for (size_t i = 0; i < set->policies.n; i++)
		add_policy(b, &set->policies.v[i], (uint32_t)i);
	build_published(b);
	for (size_t i = 0; i < b->published.n; i++)
		if (b->published.v[i].quotas.n)
			add_policy(b, &b->published.v[i], IMAGE_PUBLISH | (uint32_t)i);
	for (size_t i = 0; i < set->exempts.n; i++)
		add_exempt(b, i);
	for (size_t i = 0; b->in->manual && i < b->in->manual->n; i++)
		add_manual(b, &b->in->manual->v[i]);
	for (size_t i = 0; i < set->publishes.n; i++)
		add_publish(b, i);
	for (size_t i = 0; i < set->policies.n; i++)
		add_excepts(b, (uint32_t)i);
	for (size_t i = 0; i < set->protects.n; i++)
		add_protect(b, i);
	refuse_collisions(b);
}
