/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `ignore destination`: what must not be ignored, and which policies wait in
 * vain for packets that are.
 */
#include <string.h>

#include "core/policy/check.h"

/* What is ignored, taken apart at each "or", also that of sets. */
struct leaf {
	const struct expr *e;
	const struct ignore *of;
	struct pos pos; /* in the statement itself */
	char *text;
};
struct leaves {
	const struct checker *c;
	struct leaf *v;
	size_t n, cap;
	bool *seen; /* sets that are taken apart already */
	/* what covers a set, once asked: sets may name each other often */
	struct {
		bool asked;
		const struct ignore *by;
	} * sets;
};

static void collect(struct leaves *l, const struct expr *e, const struct ignore *of, struct pos pos)
{
	struct buf text = { 0 };

	if (e->op == EXPR_OR) {
		for (size_t i = 0; i < e->n; i++)
			collect(l, e->v[i], of, pos.line ? pos : e->v[i]->pos);
		return;
	}
	if (!pos.line)
		pos = e->pos;
	policy_print_expr(e, &text);
	*VEC_ADD(l) = (struct leaf){ e, of, pos, text.s };
	if (e->op != EXPR_ATOM || e->atom.kind != ATOM_SET || l->seen[e->atom.set])
		return;
	l->seen[e->atom.set] = true;
	collect(l, l->c->set->sets.v[e->atom.set].expr, of, pos);
}

static void leaves_of(const struct checker *c, struct leaves *ret)
{
	*ret = (struct leaves){ .c = c };
	ret->seen = xcalloc(c->set->sets.n, sizeof(*ret->seen));
	ret->sets = xcalloc(c->set->sets.n, sizeof(*ret->sets));
	for (size_t i = 0; i < c->set->ignores.n; i++)
		collect(ret, c->set->ignores.v[i].to, &c->set->ignores.v[i], (struct pos){ 0 });
}

static void leaves_done(struct leaves *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	free(l->seen);
	free(l->sets);
}

/* ---- everything, or nothing -------------------------------------------------- */

static bool is_family(const struct prefix *p)
{
	return !p->bits || (prefix_is4(p) && p->bits == 96);
}

static bool has_family(const struct expr *e)
{
	const struct prefix_list *l = &e->atom.prefixes;

	if (e->op != EXPR_ATOM)
		return false;
	if (e->atom.kind == ATOM_PREFIX)
		return is_family(&e->atom.prefix);
	for (size_t i = 0; e->atom.kind == ATOM_FILE && i < l->n; i++)
		if (is_family(&l->v[i]))
			return true;
	return false;
}

static void check_extents(struct checker *c, const struct leaves *l)
{
	static const char *const help =
		"name what need not be watched: ignore destination 198.51.100.0/24";

	for (size_t i = 0; i < c->set->ignores.n; i++) {
		const struct expr *e = c->set->ignores.v[i].to;
		enum extent x = check_extent(c, e);

		if (x == EXTENT_ALL)
			check_error(c, e->pos, help,
				    "this ignores every destination: nothing would be judged");
		else if (x == EXTENT_NONE)
			check_error(c, e->pos, help, "this is empty: nothing would be ignored");
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct expr *e = l->v[i].e;

		if (has_family(e))
			check_error(c, l->v[i].pos, help,
				    "this ignores every address of its family");
		else if (e->op == EXPR_EXCEPT && check_extent(c, e) != EXTENT_NONE &&
			 check_extent(c, e->v[0]) == EXTENT_ALL)
			check_warning(
				c, l->v[i].pos, help,
				"this ignores everything else: only what 'except' names is judged");
	}
}

/* ---- shadowed ---------------------------------------------------------------- */

static bool prefix_in(const struct prefix *what, const struct expr *e)
{
	const struct prefix_list *l = &e->atom.prefixes;

	if (e->op != EXPR_ATOM)
		return false;
	if (e->atom.kind == ATOM_PREFIX)
		return what->bits >= e->atom.prefix.bits &&
		       prefix_contains(&e->atom.prefix, &what->addr);
	for (size_t i = 0; e->atom.kind == ATOM_FILE && i < l->n; i++)
		if (what->bits >= l->v[i].bits && prefix_contains(&l->v[i], &what->addr))
			return true;
	return false;
}

static const struct ignore *leaf_covers(const struct leaves *l, const struct expr *e)
{
	const struct ignore *found = NULL;
	struct buf text = { 0 };

	policy_print_expr(e, &text);
	for (size_t i = 0; i < l->n && !found; i++)
		if (!strcmp(l->v[i].text, buf_text(&text)) ||
		    (e->op == EXPR_ATOM && e->atom.kind == ATOM_PREFIX &&
		     prefix_in(&e->atom.prefix, l->v[i].e)))
			found = l->v[i].of;
	buf_done(&text);
	return found;
}

static const struct ignore *covers(struct leaves *l, const struct expr *e);

static const struct ignore *covers_set(struct leaves *l, uint32_t set)
{
	if (!l->sets[set].asked) {
		l->sets[set].asked = true;
		l->sets[set].by = covers(l, l->c->set->sets.v[set].expr);
	}
	return l->sets[set].by;
}

/* The statement, or the first of several, that leaves nothing of e; NULL if something is left. */
static const struct ignore *covers(struct leaves *l, const struct expr *e)
{
	const struct ignore *by = e->op == EXPR_OR ? NULL : leaf_covers(l, e);

	if (by)
		return by;
	if (e->op == EXPR_ATOM)
		return e->atom.kind == ATOM_SET ? covers_set(l, e->atom.set) : NULL;
	if (e->op == EXPR_EXCEPT)
		return covers(l, e->v[0]);
	for (size_t i = 0; i < e->n; i++) {
		const struct ignore *one = covers(l, e->v[i]);

		if (e->op == EXPR_AND ? one != NULL : one == NULL)
			return one;
		by = by ? by : one;
	}
	return by;
}

static void warn_covered(struct checker *c, struct leaves *l, const struct policy *p,
			 const struct expr *e)
{
	const struct ignore *by = covers(l, e);

	if (by && e == p->to)
		check_warning(
			c, e->pos, "packets there are counted, never judged",
			"policy \"%s\" never applies: 'ignore destination' at %s:%u covers its 'to'",
			p->name, c->set->files.v[by->pos.file], by->pos.line);
	else if (by)
		check_warning(c, e->pos, "packets there are counted, never judged",
			      "this never matches: 'ignore destination' at %s:%u covers it",
			      c->set->files.v[by->pos.file], by->pos.line);
	else if (e->op == EXPR_EXCEPT)
		warn_covered(c, l, p, e->v[0]);
	for (size_t i = 0; !by && e->op == EXPR_OR && i < e->n; i++)
		warn_covered(c, l, p, e->v[i]);
}

void check_ignores(struct checker *c)
{
	const struct policy_set *set = c->set;
	struct leaves l;

	if (!set->ignores.n)
		return;
	leaves_of(c, &l);
	check_extents(c, &l);
	for (size_t i = 0; i < set->policies.n; i++)
		if (set->policies.v[i].to)
			warn_covered(c, &l, &set->policies.v[i], set->policies.v[i].to);
	leaves_done(&l);
}
