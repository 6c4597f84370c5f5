/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/literals.h"

#include "base/buf.h"

uint32_t literals_group(struct literals *l)
{
	return l->groups++;
}

void literals_add_range(struct literals *l, uint32_t group, uint128 first, uint128 last)
{
	*VEC_ADD(&l->edges) = (struct literal_edge){ .at = first, .group = group, .step = 1 };
	if (last != WIDE_LAST)
		*VEC_ADD(&l->edges) =
			(struct literal_edge){ .at = last + 1, .group = group, .step = -1 };
}

void literals_add(struct literals *l, uint32_t group, const struct prefix *p)
{
	struct addr a = prefix_first(p), z = prefix_last(p);
	uint128 first = wide_from(&a), last = wide_from(&z);

	if (first < WIDE_V4_FIRST && last >= WIDE_V4_FIRST) {
		literals_add_range(l, group, first, WIDE_V4_FIRST - 1);
		if (last > WIDE_V4_LAST)
			literals_add_range(l, group, WIDE_V4_LAST + 1, last);
		return;
	}
	literals_add_range(l, group, first, last);
}

static int compare_edges(const void *a, const void *b)
{
	const struct literal_edge *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

void literals_sweep(struct literals *l)
{
	size_t words = (l->groups + 63) / 64 + !l->groups;
	_cleanup_free_ uint32_t *depth = xcalloc(l->groups, sizeof(*depth));
	_cleanup_free_ uint64_t *bits = xcalloc(words, sizeof(*bits));
	size_t i = 0;

	l->sets.key_size = words * sizeof(*bits);
	if (l->edges.n)
		qsort(l->edges.v, l->edges.n, sizeof(*l->edges.v), compare_edges);
	*VEC_ADD(&l->points) = (struct literal_point){ .set = intern_add(&l->sets, bits, NULL) };
	while (i < l->edges.n) {
		struct literal_point *last = &l->points.v[l->points.n - 1];
		uint128 at = l->edges.v[i].at;
		uint32_t set;

		for (; i < l->edges.n && l->edges.v[i].at == at; i++) {
			const struct literal_edge *e = &l->edges.v[i];

			depth[e->group] += (uint32_t)e->step;
			if (depth[e->group])
				bits[e->group / 64] |= 1ULL << (e->group % 64);
			else
				bits[e->group / 64] &= ~(1ULL << (e->group % 64));
		}
		set = intern_add(&l->sets, bits, NULL);
		if (at == last->start)
			last->set = set;
		else if (set != last->set)
			*VEC_ADD(&l->points) = (struct literal_point){ .start = at, .set = set };
	}
}

bool literals_has(const struct literals *l, uint32_t set, uint32_t group)
{
	const uint64_t *bits = intern_key(&l->sets, set);

	return bits[group / 64] >> (group % 64) & 1;
}

void literals_done(struct literals *l)
{
	free(l->edges.v);
	free(l->points.v);
	intern_done(&l->sets);
	*l = (struct literals){ 0 };
}
