/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/lists.h"

#include <string.h>

#include "base/hash_index.h"

/* Not a secret: whoever writes the lists writes the policy too. */
static const struct hash_seed seed = { { 0x6375726665772d6cULL, 0x697374732d763100ULL } };

void list_digest_prefixes(struct list_digest *to, const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		uint8_t b[17];

		memcpy(b, l->v[i].addr.b, 16);
		b[16] = l->v[i].bits;
		to->sum += hash_bytes(&seed, b, sizeof(b));
	}
	to->n += l->n;
}

void list_digest_dates(struct list_digest *to, const struct date_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct civil_date *a = &l->v[i].first, *z = &l->v[i].last;
		int32_t b[6] = { a->year, a->month, a->day, z->year, z->month, z->day };

		to->sum += hash_bytes(&seed, b, sizeof(b));
	}
	to->n += l->n;
}

static void each_list(const struct expr *e, void (*fn)(void *arg, const struct atom *file),
		      void *arg)
{
	if (!e)
		return;
	if (e->op == EXPR_ATOM && e->atom.kind == ATOM_FILE)
		fn(arg, &e->atom);
	for (size_t i = 0; i < e->n; i++)
		each_list(e->v[i], fn, arg);
}

void policy_each_list(const struct policy_set *set, void (*fn)(void *arg, const struct atom *file),
		      void *arg)
{
	for (size_t i = 0; i < set->sets.n; i++)
		each_list(set->sets.v[i].expr, fn, arg);
}

static void each_dates(const struct time_expr *t,
		       void (*fn)(void *arg, const struct time_expr *file), void *arg)
{
	if (!t)
		return;
	if (t->op == TIME_FILE)
		fn(arg, t);
	for (size_t i = 0; i < t->n; i++)
		each_dates(t->v[i], fn, arg);
}

void policy_each_dates(const struct policy_set *set,
		       void (*fn)(void *arg, const struct time_expr *file), void *arg)
{
	for (size_t i = 0; i < set->windows.n; i++)
		each_dates(set->windows.v[i].when, fn, arg);
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		each_dates(p->during, fn, arg);
		for (size_t k = 0; k < p->excepts.n; k++)
			each_dates(p->excepts.v[k].during, fn, arg);
	}
	for (size_t i = 0; i < set->exempts.n; i++)
		each_dates(set->exempts.v[i].during, fn, arg);
}

void print_dates(const struct date_list *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct civil_date *a = &l->v[i].first, *z = &l->v[i].last;

		buf_printf(out, "%04d-%02d-%02d", a->year, a->month, a->day);
		if (memcmp(a, z, sizeof(*a)))
			buf_printf(out, "..%04d-%02d-%02d", z->year, z->month, z->day);
		buf_puts(out, "\n");
	}
}

void list_facts_done(struct list_facts *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].file);
	free(l->v);
	*l = (struct list_facts){ 0 };
}

const struct list_digest *list_facts_find(const struct list_facts *l, const char *file)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (!strcmp(l->v[i].file, file))
			return &l->v[i].digest;
	return NULL;
}
