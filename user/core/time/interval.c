/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/time/interval.h"

#include <stdlib.h>

void interval_list_done(struct interval_list *l)
{
	free(l->v);
	*l = (struct interval_list){ 0 };
}

bool interval_list_has(const struct interval_list *l, struct utc at)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->v[mid].end.s <= at.s)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->v[lo].begin.s <= at.s;
}

void interval_add(struct interval_list *l, int64_t begin, int64_t end)
{
	if (begin < end)
		*VEC_ADD(l) = (struct interval){ { begin }, { end } };
}

static int compare(const void *va, const void *vb)
{
	const struct interval *a = va, *b = vb;

	return (a->begin.s > b->begin.s) - (a->begin.s < b->begin.s);
}

void interval_normalise(struct interval_list *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t i = 1; i < l->n; i++) {
		if (l->v[i].begin.s > l->v[n].end.s)
			l->v[++n] = l->v[i];
		else if (l->v[i].end.s > l->v[n].end.s)
			l->v[n].end = l->v[i].end;
	}
	l->n = n + 1;
}

void interval_and(const struct interval_list *a, const struct interval_list *b,
		  struct interval_list *out)
{
	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		int64_t begin = a->v[i].begin.s, end = a->v[i].end.s;

		if (b->v[j].begin.s > begin)
			begin = b->v[j].begin.s;
		if (b->v[j].end.s < end)
			end = b->v[j].end.s;
		interval_add(out, begin, end);
		if (a->v[i].end.s < b->v[j].end.s)
			i++;
		else
			j++;
	}
}

void interval_except(const struct interval_list *a, const struct interval_list *b,
		     struct interval_list *out)
{
	size_t j = 0;

	for (size_t i = 0; i < a->n; i++) {
		int64_t begin = a->v[i].begin.s, end = a->v[i].end.s;

		while (j < b->n && b->v[j].end.s <= begin)
			j++;
		/* the last one looked at may reach into the next interval */
		for (size_t k = j; k < b->n && b->v[k].begin.s < end; k++) {
			interval_add(out, begin, b->v[k].begin.s);
			begin = b->v[k].end.s;
		}
		interval_add(out, begin, end);
	}
}
