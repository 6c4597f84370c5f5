/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of meaning: each statement is well formed, together they make no sense. */
#include "core/policy/check.h"

#include <string.h>

#include "core/geo/geo.h"
#include "core/policy/words.h"

static bool is_full(const struct checker *c)
{
	return diag_errors(c->diags) - c->errors_before >= POLICY_ERRORS_MAX;
}

static void add(struct checker *c, enum diag_level level, struct pos pos, const char *help,
		const char *fmt, va_list ap)
{
	struct buf text = { 0 };

	buf_vprintf(&text, fmt, ap);
	diag_add(c->diags, c->set, level, pos, help, "%s", buf_text(&text));
	buf_done(&text);
}

void check_error(struct checker *c, struct pos pos, const char *help, const char *fmt, ...)
{
	va_list ap;

	if (is_full(c))
		return;
	va_start(ap, fmt);
	add(c, DIAG_ERROR, pos, help, fmt, ap);
	va_end(ap);
}

void check_warning(struct checker *c, struct pos pos, const char *help, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, DIAG_WARNING, pos, help, fmt, ap);
	va_end(ap);
}

void check_note(struct checker *c, struct pos pos, const char *help, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, DIAG_NOTE, pos, help, fmt, ap);
	va_end(ap);
}

void check_each_atom(struct checker *c, const struct expr *e,
		     void (*fn)(struct checker *c, const struct expr *atom))
{
	if (!e || !fn)
		return;
	if (e->op == EXPR_ATOM)
		fn(c, e);
	for (size_t i = 0; i < e->n; i++)
		check_each_atom(c, e->v[i], fn);
}

void check_each_time(struct checker *c, const struct time_expr *t,
		     void (*fn)(struct checker *c, const struct time_expr *leaf))
{
	if (!t || !fn)
		return;
	if (!t->n)
		fn(c, t);
	for (size_t i = 0; i < t->n; i++)
		check_each_time(c, t->v[i], fn);
}

void check_everywhere(struct checker *c, void (*atom)(struct checker *c, const struct expr *atom),
		      void (*time)(struct checker *c, const struct time_expr *leaf))
{
	const struct policy_set *set = c->set;

	for (size_t i = 0; i < set->sets.n; i++)
		check_each_atom(c, set->sets.v[i].expr, atom);
	for (size_t i = 0; i < set->windows.n; i++)
		check_each_time(c, set->windows.v[i].when, time);
	for (size_t i = 0; i < set->ignores.n; i++)
		check_each_atom(c, set->ignores.v[i].to, atom);
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		check_each_atom(c, p->from, atom);
		check_each_atom(c, p->to, atom);
		check_each_time(c, p->during, time);
		for (size_t k = 0; k < p->excepts.n; k++) {
			check_each_atom(c, p->excepts.v[k].from, atom);
			check_each_atom(c, p->excepts.v[k].to, atom);
			check_each_time(c, p->excepts.v[k].during, time);
		}
	}
	for (size_t i = 0; i < set->protects.n; i++) {
		check_each_atom(c, set->protects.v[i].from, atom);
		check_each_atom(c, set->protects.v[i].to, atom);
	}
	for (size_t i = 0; i < set->exempts.n; i++) {
		check_each_atom(c, set->exempts.v[i].from, atom);
		check_each_atom(c, set->exempts.v[i].to, atom);
		check_each_time(c, set->exempts.v[i].during, time);
	}
}

/* ---- places ------------------------------------------------------------------- */

static void check_place(struct checker *c, const struct expr *e)
{
	const struct atom *a = &e->atom;

	if (a->kind == ATOM_BEYOND && !c->set->site.has_location)
		check_error(c, e->pos, "add: site { location 9.0302, 38.7612 }",
			    "'beyond' counts from the site's location, which is not given");
	if ((a->kind != ATOM_COUNTRY && a->kind != ATOM_CITY) || geo_is_country(a->cc))
		return;
	if (!strcmp(a->cc, "UK"))
		check_error(c, e->pos, "did you mean 'country GB'?", "there is no country 'UK'");
	else if (!strcmp(a->cc, "EU"))
		check_error(
			c, e->pos,
			"the continent is 'continent EU'; the union's members are countries: list them",
			"there is no country 'EU'");
	else
		check_error(c, e->pos, "country codes are those of ISO 3166-1: CN, DE, US",
			    "there is no country '%s'", a->cc);
}

/* ---- interfaces --------------------------------------------------------------- */

static const struct name_at *inside_named(const struct policy_set *set, const char *name, size_t n)
{
	for (size_t i = 0; i < set->inside.n; i++)
		if (strlen(set->inside.v[i].name) == n && !memcmp(set->inside.v[i].name, name, n))
			return &set->inside.v[i];
	return NULL;
}

/* A source's interface is one with a hook, or nothing ever comes in by it. */
static void check_source_interface(struct checker *c, const struct expr *e)
{
	const char *name = e->atom.text, *dot;

	if (e->atom.kind != ATOM_INTERFACE)
		return;
	dot = strrchr(name, '.');
	if (!inside_named(c->set, name, strlen(name)))
		check_error(c, e->pos, "name it in 'inside' too",
			    "'%s' is no inside interface: what comes in by it is not told apart",
			    name);
	else if (dot && inside_named(c->set, name, (size_t)(dot - name)))
		check_warning(
			c, e->pos, "write 'interface' of the other one, and 'vlan'",
			"if '%s' is a VLAN on '%.*s', its packets are seen there, and not here",
			name, (int)(dot - name), name);
}

static void check_interfaces(struct checker *c)
{
	const struct name_list *in = &c->set->inside, *out = &c->set->outside;

	for (size_t i = 0; i < out->n; i++)
		for (size_t k = 0; k < in->n; k++)
			if (!strcmp(out->v[i].name, in->v[k].name))
				check_error(
					c, out->v[i].pos,
					"an interface faces our hosts (inside) or the world (outside)",
					"interface %s is inside already, in line %u",
					out->v[i].name, in->v[k].pos.line);
}

/* ---- policies ------------------------------------------------------------------- */

static void check_limited(struct checker *c, const struct policy *p)
{
	bool limited = p->quotas.n || p->rates.n;

	if (limited && p->has_then)
		check_error(c, p->then_pos, "write: at 100% drop",
			    "'then' is for policies without quota or rate; this one has %s",
			    p->quotas.n ? "a quota" : "a rate");
	if (!limited && p->ats.n)
		check_error(c, p->ats.v[0].pos, "write 'then drop', or add a quota",
			    "'at %u%%' needs a quota or rate, and policy \"%s\" has none",
			    p->ats.v[0].percent, p->name);
	if (!limited && !p->has_then && !p->ats.n)
		check_error(c, p->pos,
			    "add 'then drop' or 'then alert', or a quota and 'at 100% drop'",
			    "policy \"%s\" does nothing", p->name);
	if (limited && !p->ats.n && !p->has_then)
		check_error(c, p->quotas.n ? p->quotas.v[0].pos : p->rates.v[0].pos,
			    "add: at 100% drop, alert",
			    "policy \"%s\" has a limit, but nothing happens at it", p->name);
}

static void check_quotas(struct checker *c, const struct policy *p)
{
	for (size_t i = 0; i < p->quotas.n; i++) {
		const struct quota *q = &p->quotas.v[i];
		struct buf mine = { 0 };

		if (q->period == PERIOD_WINDOW && !p->during)
			check_error(c, q->period_pos, "add 'during night', or write 'each day'",
				    "'each window' needs a 'during', and policy \"%s\" has none",
				    p->name);
		policy_print_quota(q, &mine);
		for (size_t k = 0; k < i; k++) {
			struct buf other = { 0 };

			policy_print_quota(&p->quotas.v[k], &other);
			if (!strcmp(buf_text(&mine), buf_text(&other)))
				check_error(c, q->pos, NULL, "this quota is in line %u already",
					    p->quotas.v[k].pos.line);
			buf_done(&other);
		}
		buf_done(&mine);
	}
	if (p->ats.n > CF_QUOTA_ATS)
		check_error(c, p->ats.v[CF_QUOTA_ATS].pos, NULL,
			    "a policy has at most %d 'at' lines, this one has %zu", CF_QUOTA_ATS,
			    p->ats.n);
}

/* ---- limits of the kernel's tables ---------------------------------------------- */

struct count {
	size_t n;
	struct pos over; /* the first that does not fit */
};

static void count_one(struct count *k, struct pos pos, size_t max)
{
	if (++k->n == max + 1)
		k->over = pos;
}

static void check_limits(struct checker *c)
{
	const struct policy_set *set = c->set;
	struct count rules = { 0 }, quotas = { 0 };

	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		count_one(&rules, p->pos, CF_RULES_MAX);
		for (size_t k = 0; k < p->excepts.n; k++)
			count_one(&rules, p->excepts.v[k].pos, CF_RULES_MAX);
		for (size_t k = 0; k < p->quotas.n; k++)
			count_one(&quotas, p->quotas.v[k].pos, CF_QUOTAS_MAX);
		for (size_t k = 0; k < p->rates.n; k++)
			count_one(&quotas, p->rates.v[k].pos, CF_QUOTAS_MAX);
	}
	for (size_t i = 0; i < set->protects.n; i++)
		count_one(&rules, set->protects.v[i].pos, CF_RULES_MAX);
	for (size_t i = 0; i < set->exempts.n; i++)
		count_one(&rules, set->exempts.v[i].pos, CF_RULES_MAX);
	if (rules.n > CF_RULES_MAX)
		check_error(
			c, rules.over, "use sets, so that one rule serves many addresses",
			"at most %d policies, except blocks, exempts and protects are possible; these are %zu",
			CF_RULES_MAX, rules.n);
	if (quotas.n > CF_QUOTAS_MAX)
		check_error(c, quotas.over, NULL, "at most %d quotas are possible; these are %zu",
			    CF_QUOTAS_MAX, quotas.n);
}

void policy_check(const struct policy_set *set, const struct policy_io *io _unused_,
		  struct diag_list *diags)
{
	struct checker c = { .set = set, .diags = diags, .errors_before = diag_errors(diags) };
	size_t first = diags->n;

	c.extents = xcalloc(set->sets.n, 1);
	check_interfaces(&c);
	check_everywhere(&c, check_place, NULL);
	check_everywhere(&c, check_source_interface, NULL);
	for (size_t i = 0; i < set->policies.n; i++) {
		check_limited(&c, &set->policies.v[i]);
		check_deeds(&c, &set->policies.v[i]);
		check_quotas(&c, &set->policies.v[i]);
	}
	check_ignores(&c);
	check_limits(&c);
	check_features(&c);
	check_warnings(&c);
	free(c.extents);
	diag_sort(diags, first);
}
