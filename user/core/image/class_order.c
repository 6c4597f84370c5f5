/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of labels: those that many addresses have come first, so that the entries that
 * look-ups end in are near each other, and most are in lines that caches still have.
 */
#include <stdlib.h>
#include <string.h>

#include "core/image/build.h"

struct weighed {
	uint64_t weight;
	uint32_t label;
};

static int heavier(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->label < y->label ? -1 : 1;
}

/* IPv4 by addresses; IPv6 by ranges, which all together weigh as much: most addresses are nobody's.
 */
static struct weighed *weigh(const struct build *b)
{
	struct weighed *w = xcalloc(b->img->labels.n, sizeof(*w));

	for (uint32_t i = 0; i < b->img->labels.n; i++)
		w[i].label = i;
	for (size_t i = 0; i < b->changes4.n; i++) {
		const struct change4 *c = &b->changes4.v[i];
		uint64_t end = i + 1 < b->changes4.n ? c[1].start : 1ULL << 32;

		w[c->label].weight += end - c->start;
	}
	for (size_t i = 0; i < b->changes6.n; i++)
		w[b->changes6.v[i].label].weight += (1ULL << 32) / b->changes6.n;
	return w;
}

void build_label_order(struct build *b)
{
	size_t n = b->img->labels.n;
	struct weighed *w = weigh(b);
	uint32_t *to = xcalloc(n, sizeof(*to));
	struct cf_label *labels = xcalloc(n, sizeof(*labels));

	/* 0 stays: no rule is about it */
	qsort(w + 1, n - 1, sizeof(*w), heavier);
	for (uint32_t i = 0; i < n; i++) {
		labels[i] = b->img->labels.v[w[i].label];
		to[w[i].label] = i;
	}
	memcpy(b->img->labels.v, labels, n * sizeof(*labels));
	for (size_t i = 0; i < b->changes4.n; i++)
		b->changes4.v[i].label = to[b->changes4.v[i].label];
	for (size_t i = 0; i < b->changes6.n; i++)
		b->changes6.v[i].label = to[b->changes6.v[i].label];
	free(labels);
	free(to);
	free(w);
}
