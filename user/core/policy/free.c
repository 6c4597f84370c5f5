/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes policy trees apart, also those that an error left half-built. */
#include "core/policy/policy.h"

void expr_free(struct expr *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++)
		expr_free(e->v[i]);
	free(e->v);
	free(e->atom.text);
	free(e->atom.prefixes.v);
	free(e);
}

void time_expr_free(struct time_expr *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		time_expr_free(t->v[i]);
	free(t->v);
	free(t->text);
	free(t->dates.v);
	free(t);
}

static void policy_done(struct policy *p)
{
	for (size_t i = 0; i < p->excepts.n; i++) {
		struct except *e = &p->excepts.v[i];

		expr_free(e->from);
		expr_free(e->to);
		time_expr_free(e->during);
		free(e->services.v);
	}
	free(p->excepts.v);
	free(p->name);
	expr_free(p->from);
	expr_free(p->to);
	time_expr_free(p->during);
	free(p->services.v);
	free(p->quotas.v);
	free(p->rates.v);
	free(p->ats.v);
}

static void exempt_done(struct exempt *e)
{
	for (size_t i = 0; i < e->policies.n; i++)
		free(e->policies.v[i]);
	free(e->policies.v);
	free(e->policies_at.v);
	free(e->name);
	expr_free(e->from);
	expr_free(e->to);
	time_expr_free(e->during);
	free(e->services.v);
}

static void names_done(struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
}

static void rules_done(struct policy_set *set)
{
	for (size_t i = 0; i < set->policies.n; i++)
		policy_done(&set->policies.v[i]);
	free(set->policies.v);
	for (size_t i = 0; i < set->protects.n; i++) {
		free(set->protects.v[i].name);
		expr_free(set->protects.v[i].from);
		expr_free(set->protects.v[i].to);
		free(set->protects.v[i].services.v);
	}
	free(set->protects.v);
	for (size_t i = 0; i < set->exempts.n; i++)
		exempt_done(&set->exempts.v[i]);
	free(set->exempts.v);
	for (size_t i = 0; i < set->publishes.n; i++) {
		free(set->publishes.v[i].name);
		free(set->publishes.v[i].services.v);
	}
	free(set->publishes.v);
	free(set->detects.v);
}

void policy_set_free(struct policy_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->files.n; i++)
		free(set->files.v[i]);
	free(set->files.v);
	for (size_t i = 0; i < set->texts.n; i++)
		free(set->texts.v[i].s);
	free(set->texts.v);
	free(set->site.name);
	free(set->site.timezone);
	names_done(&set->inside);
	names_done(&set->outside);
	names_done(&set->alert_to.files);
	free(set->networks.v);
	for (size_t i = 0; i < set->ignores.n; i++)
		expr_free(set->ignores.v[i].to);
	free(set->ignores.v);
	for (size_t i = 0; i < set->geo.n; i++)
		free(set->geo.v[i].path);
	free(set->geo.v);
	for (size_t i = 0; i < set->sets.n; i++) {
		free(set->sets.v[i].name);
		expr_free(set->sets.v[i].expr);
	}
	free(set->sets.v);
	for (size_t i = 0; i < set->windows.n; i++) {
		free(set->windows.v[i].name);
		free(set->windows.v[i].zone);
		time_expr_free(set->windows.v[i].when);
	}
	free(set->windows.v);
	rules_done(set);
	free(set);
}
