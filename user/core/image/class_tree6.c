/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 labels as the kernel searches them: abi.h, cf_node6. */
#include "core/image/build.h"

#define UNUSED_KEY UINT64_MAX

/* A key of the tree with its label, or its place in deep6. */
struct key6 {
	uint64_t hi;
	uint32_t label;
};
struct keys {
	struct key6 *v;
	size_t n, cap;
};

/* Changes [i, j) lie within one /64; `before` holds where none of them has begun. */
static uint32_t add_deep(struct build *b, size_t i, size_t j, uint32_t before)
{
	struct image *img = b->img;
	struct cf_deep6 deep = { .first = (uint32_t)img->low6.n };

	if ((uint64_t)b->changes6.v[i].start)
		*VEC_ADD(&img->low6) = (struct cf_low6){ .label = before };
	for (; i < j; i++)
		*VEC_ADD(&img->low6) = (struct cf_low6){
			.start = (uint64_t)b->changes6.v[i].start,
			.label = b->changes6.v[i].label,
		};
	deep.count = (uint32_t)img->low6.n - deep.first;
	*VEC_ADD(&img->deep6) = deep;
	return CF_DEEP | (uint32_t)(img->deep6.n - 1);
}

/*
 * The last /64 can't be a key: that value says a key is unused. It is multicast
 * like all of ff00::/8, so the key before it tells its label.
 */
static void add_keys(struct build *b, struct keys *keys)
{
	uint32_t before = 0;
	size_t i = 0, j;

	for (; i < b->changes6.n; i = j) {
		uint64_t hi = (uint64_t)(b->changes6.v[i].start >> 64), next;
		bool whole = !(uint64_t)b->changes6.v[i].start;
		uint32_t label = b->changes6.v[i].label;

		if (hi == UNUSED_KEY)
			return;
		for (j = i + 1; j < b->changes6.n; j++)
			if ((uint64_t)(b->changes6.v[j].start >> 64) != hi)
				break;
		if (!whole || j > i + 1)
			label = add_deep(b, i, j, before);
		*VEC_ADD(keys) = (struct key6){ .hi = hi, .label = label };
		before = b->changes6.v[j - 1].label;
		next = j < b->changes6.n ? (uint64_t)(b->changes6.v[j].start >> 64) : UNUSED_KEY;
		if (label & CF_DEEP && hi + 1 < next)
			*VEC_ADD(keys) = (struct key6){ .hi = hi + 1, .label = before };
	}
}

static void add_leaves(struct image *img, const struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i += CF_FANOUT6) {
		struct cf_leaf6 *leaf = VEC_ADD(&img->leaf6);

		for (size_t k = 0; k < CF_FANOUT6; k++)
			leaf->label[k] = i + k < keys->n ? keys->v[i + k].label : 0;
	}
}

/* A level whose child j of node i begins at keys[(i * 8 + j) * step]. */
static void add_level(struct image *img, const struct keys *keys, size_t step)
{
	for (size_t i = 0; i < keys->n; i += step * CF_FANOUT6) {
		struct cf_node6 *node = VEC_ADD(&img->node6);

		for (size_t k = 0; k < CF_FANOUT6; k++)
			node->key[k] =
				i + k * step < keys->n ? keys->v[i + k * step].hi : UNUSED_KEY;
	}
}

void build_tree6(struct build *b)
{
	struct image *img = b->img;
	struct keys keys = { 0 };
	size_t step = 1;

	add_keys(b, &keys);
	img->levels6 = 1;
	for (; step * CF_FANOUT6 < keys.n; step *= CF_FANOUT6)
		img->levels6++;
	if (img->levels6 > CF_LEVELS6) {
		build_error(b, NOWHERE, "use databases with fewer networks",
			    "%zu ranges of IPv6 destinations, %d at most", keys.n,
			    1 << (3 * CF_LEVELS6));
	} else {
		for (uint32_t level = 0; level < img->levels6; level++, step /= CF_FANOUT6) {
			img->level_first6[level] = (uint32_t)img->node6.n;
			add_level(img, &keys, step);
		}
		add_leaves(img, &keys);
	}
	free(keys.v);
}
