/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names to indices. Definitions may come in any order, so this runs when all are read. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/policy/parse.h"

#define BOTH (1U << SIDE_FROM | 1U << SIDE_TO)

enum visit { NEW, BUSY, DONE };

struct resolver {
	struct parser *p;
	enum visit *seen;    /* per set, or per window */
	unsigned int *sides; /* per set: where its content may stand */
	unsigned int depth;
};

const struct set *policy_find_set(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->sets.n; i++)
		if (set->sets.v[i].name && !strcmp(set->sets.v[i].name, name))
			return &set->sets.v[i];
	return NULL;
}

const struct window *policy_find_window(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->windows.n; i++)
		if (set->windows.v[i].name && !strcmp(set->windows.v[i].name, name))
			return &set->windows.v[i];
	return NULL;
}

const struct policy *policy_find_policy(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->policies.n; i++)
		if (set->policies.v[i].name && !strcmp(set->policies.v[i].name, name))
			return &set->policies.v[i];
	return NULL;
}

static bool two_letters(const char *s)
{
	return s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' && !s[2];
}

static bool is_interface(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->inside.n; i++)
		if (!strcmp(set->inside.v[i].name, name))
			return true;
	return false;
}

/* Names that are likely something else; NULL: this is not. */
static char *known_otherwise(const struct resolver *r, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (r->p->names && is_interface(r->p->names, name))
		return xprintf("did you mean 'interface %s'?", name);
	if (!strncmp(name, "vlan", 4) && name[4] && !name[4 + strspn(name + 4, "0123456789")])
		return xprintf("did you mean 'vlan %s'?", name + 4);
	if (!strncasecmp(name, "as", 2) && name[2 + (name[2] == '-')] >= '0' &&
	    name[2 + (name[2] == '-')] <= '9')
		return xstrdup("AS numbers are written one by one: AS64500, AS64501");
	if (two_letters(name) && strstr("AF AN AS EU NA OC SA", name))
		return xprintf(
			"did you mean 'continent %s'? Each item of a list needs its own word",
			name);
	if (dot && strlen(dot) > 2 && !dot[1 + strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz")])
		return xstrdup("names of hosts are not looked up: write their addresses");
	return NULL;
}

static void unknown_set(struct resolver *r, const struct expr *e)
{
	const char *name = e->atom.text;
	struct nearest near = { .s = name, .n = strlen(name) };
	_cleanup_free_ char *help = NULL;

	if (r->p->incomplete)
		return;
	for (size_t i = 0; r->p->names && i < r->p->names->sets.n; i++)
		if (r->p->names->sets.v[i].name)
			nearest_offer(&near, r->p->names->sets.v[i].name);
	nearest_offer(&near, "inside");
	nearest_offer(&near, "gateway");
	nearest_offer(&near, "unknown");
	nearest_offer(&near, "any");
	help = known_otherwise(r, name);
	if (help)
		;
	else if (word_foreign_help(name, near.n))
		help = xstrdup(word_foreign_help(name, near.n));
	else if (near.best)
		help = xprintf("did you mean '%s'?", near.best);
	else if (two_letters(name))
		help = xprintf("did you mean 'country %s'? Each item of a list needs its own word",
			       name);
	else if (r->p->names && policy_find_window(r->p->names, name))
		help = xprintf("'%s' is a window: it belongs behind 'during'", name);
	else
		help = xprintf("define it: set %s = …", name);
	parse_error(r->p, e->pos, help, "there is no set '%s'", name);
}

static unsigned int visit_set(struct resolver *r, size_t i, const struct expr *from);

/* Where all of the expression's atoms may stand. */
static unsigned int visit_expr(struct resolver *r, struct expr *e)
{
	unsigned int sides = BOTH, before;
	const struct set *s;

	if (!e)
		return BOTH;
	if (e->op != EXPR_ATOM) {
		for (size_t i = 0; i < e->n; i++) {
			before = sides;
			sides &= visit_expr(r, e->v[i]);
			if (!sides && before)
				parse_error(r->p, e->v[i]->pos,
					    "make two sets: one for 'from', one for 'to'",
					    "what stands before is for '%s', this is for '%s'",
					    before & 1U << SIDE_FROM ? "from" : "to",
					    before & 1U << SIDE_FROM ? "to" : "from");
		}
		return sides ? sides : BOTH;
	}
	if (e->atom.kind != ATOM_SET || !e->atom.text)
		return parse_atom_sides(e->atom.kind);
	s = r->p->names ? policy_find_set(r->p->names, e->atom.text) : NULL;
	if (!s) {
		unknown_set(r, e);
		return BOTH;
	}
	e->atom.set = (uint32_t)(s - r->p->names->sets.v);
	return visit_set(r, e->atom.set, e);
}

static unsigned int visit_set(struct resolver *r, size_t i, const struct expr *from)
{
	const struct set *s = &r->p->names->sets.v[i];

	if (r->seen[i] == DONE)
		return r->sides[i];
	if (r->seen[i] == BUSY) {
		parse_error(r->p, from ? from->pos : s->pos, NULL, "set '%s' is defined by itself",
			    s->name);
		return BOTH;
	}
	if (r->depth >= PARSE_CHAIN_MAX) {
		parse_error(r->p, s->pos, NULL,
			    "sets refer to each other through more than %d names", PARSE_CHAIN_MAX);
		return BOTH;
	}
	r->seen[i] = BUSY;
	r->depth++;
	r->sides[i] = visit_expr(r, s->expr);
	r->depth--;
	r->seen[i] = DONE;
	return r->sides[i];
}

static void check_side(struct resolver *r, struct expr *e, enum side side)
{
	if (!e)
		return;
	if (e->op != EXPR_ATOM) {
		for (size_t i = 0; i < e->n; i++)
			check_side(r, e->v[i], side);
		return;
	}
	/* other atoms were checked where they were read */
	if (e->atom.kind != ATOM_SET || visit_expr(r, e) & 1U << side)
		return;
	parse_error(r->p, e->pos,
		    side == SIDE_FROM
			    ? "sources are our own hosts: addresses, mac, vendor, interface, vlan"
			    : "destinations have no MAC, interface or VLAN that we could see",
		    "set '%s' is for '%s' and cannot stand in '%s'", e->atom.text,
		    side == SIDE_FROM ? "to" : "from", side == SIDE_FROM ? "from" : "to");
}

static void unknown_window(struct resolver *r, const struct time_expr *t)
{
	struct nearest near = { .s = t->text, .n = strlen(t->text) };
	_cleanup_free_ char *help = NULL;

	if (r->p->incomplete)
		return;
	for (size_t i = 0; i < r->p->set->windows.n; i++)
		if (r->p->set->windows.v[i].name)
			nearest_offer(&near, r->p->set->windows.v[i].name);
	for (const struct word *w = words_days; w->word; w++)
		nearest_offer(&near, w->word);
	nearest_offer(&near, "weekends");
	nearest_offer(&near, "weekdays");
	nearest_offer(&near, "daily");
	if (near.best)
		help = xprintf("did you mean '%s'?", near.best);
	else if (policy_find_set(r->p->set, t->text))
		help = xprintf("'%s' is a set: it belongs behind 'from' or 'to'", t->text);
	else
		help = xprintf("define it: window %s = daily 22:00-06:00", t->text);
	parse_error(r->p, t->pos, help, "there is no window '%s'", t->text);
}

static void visit_time(struct resolver *r, struct time_expr *t)
{
	const struct window *w;
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->n; i++)
		visit_time(r, t->v[i]);
	if (t->op != TIME_WINDOW || !t->text)
		return;
	w = policy_find_window(r->p->set, t->text);
	if (!w) {
		unknown_window(r, t);
		return;
	}
	i = t->window = (uint32_t)(w - r->p->set->windows.v);
	if (r->seen[i] == BUSY) {
		parse_error(r->p, t->pos, NULL, "window '%s' is defined by itself", w->name);
		return;
	}
	if (r->seen[i] == DONE)
		return;
	if (r->depth >= PARSE_CHAIN_MAX) {
		parse_error(r->p, w->pos, NULL,
			    "windows refer to each other through more than %d names",
			    PARSE_CHAIN_MAX);
		return;
	}
	r->seen[i] = BUSY;
	r->depth++;
	visit_time(r, w->when);
	r->depth--;
	r->seen[i] = DONE;
}

static void resolve_policy_names(struct resolver *r, const struct exempt *e)
{
	const struct policy_set *set = r->p->set;

	for (size_t i = 0; i < e->policies.n; i++) {
		const char *name = e->policies.v[i];
		struct nearest near = { .s = name, .n = strlen(name) };
		_cleanup_free_ char *help = NULL;

		for (size_t k = 0; k < i; k++)
			if (!strcmp(e->policies.v[k], name))
				parse_error(r->p, e->policies_at.v[i], NULL,
					    "policy \"%s\" is named twice", name);
		if (r->p->incomplete || policy_find_policy(set, name))
			continue;
		for (size_t k = 0; k < set->policies.n; k++)
			if (set->policies.v[k].name)
				nearest_offer(&near, set->policies.v[k].name);
		help = near.best ? xprintf("did you mean \"%s\"?", near.best) : NULL;
		parse_error(r->p, e->policies_at.v[i], help, "there is no policy \"%s\"", name);
	}
}

static void resolve_windows(struct resolver *r)
{
	struct policy_set *set = r->p->set;

	for (size_t i = 0; i < set->windows.n; i++) {
		if (r->seen[i] == DONE)
			continue;
		r->seen[i] = BUSY;
		visit_time(r, set->windows.v[i].when);
		r->seen[i] = DONE;
	}
	for (size_t i = 0; i < set->policies.n; i++) {
		visit_time(r, set->policies.v[i].during);
		for (size_t k = 0; k < set->policies.v[i].excepts.n; k++)
			visit_time(r, set->policies.v[i].excepts.v[k].during);
	}
	for (size_t i = 0; i < set->exempts.n; i++) {
		visit_time(r, set->exempts.v[i].during);
		resolve_policy_names(r, &set->exempts.v[i]);
	}
}

static void resolve_match(struct resolver *r, struct expr *from, struct expr *to)
{
	visit_expr(r, from);
	visit_expr(r, to);
	check_side(r, from, SIDE_FROM);
	check_side(r, to, SIDE_TO);
}

static void resolve_sets(struct resolver *r)
{
	struct policy_set *set = r->p->set;

	for (size_t i = 0; i < set->sets.n; i++)
		visit_set(r, i, NULL);
	for (size_t i = 0; i < set->ignores.n; i++)
		resolve_match(r, NULL, set->ignores.v[i].to);
	for (size_t i = 0; i < set->policies.n; i++) {
		struct policy *pol = &set->policies.v[i];

		resolve_match(r, pol->from, pol->to);
		for (size_t k = 0; k < pol->excepts.n; k++)
			resolve_match(r, pol->excepts.v[k].from, pol->excepts.v[k].to);
	}
	for (size_t i = 0; i < set->protects.n; i++)
		resolve_match(r, set->protects.v[i].from, set->protects.v[i].to);
	for (size_t i = 0; i < set->exempts.n; i++)
		resolve_match(r, set->exempts.v[i].from, set->exempts.v[i].to);
}

static void with_sets(struct parser *p, size_t n, void (*run)(struct resolver *r, void *arg),
		      void *arg)
{
	struct resolver r = { .p = p };

	r.seen = xcalloc(n, sizeof(*r.seen));
	r.sides = xcalloc(n, sizeof(*r.sides));
	run(&r, arg);
	free(r.seen);
	free(r.sides);
}

static void run_all(struct resolver *r, void *arg _unused_)
{
	resolve_sets(r);
}

static void run_from(struct resolver *r, void *e)
{
	resolve_match(r, e, NULL);
}

static void run_to(struct resolver *r, void *e)
{
	resolve_match(r, NULL, e);
}

void policy_resolve_expr(struct parser *p, struct expr *e, bool is_from)
{
	with_sets(p, p->names ? p->names->sets.n : 0, is_from ? run_from : run_to, e);
}

void policy_resolve(struct parser *p)
{
	struct resolver r = { .p = p };

	p->names = p->set;
	with_sets(p, p->set->sets.n, run_all, NULL);
	r.seen = xcalloc(p->set->windows.n, sizeof(*r.seen));
	resolve_windows(&r);
	free(r.seen);
}
