/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 labels as the kernel searches them: abi.h, cf_node6. */
#include <string.h>

#include "core/image/build.h"

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

static uint64_t hi_of(const struct build *b, size_t i)
{
	return (uint64_t)(b->changes6.v[i].start >> 64);
}

static void add_keys(struct build *b, struct keys *keys)
{
	size_t n = b->changes6.n, i = 0, j;
	uint32_t before = 0;

	for (; i < n; i = j) {
		uint32_t label = b->changes6.v[i].label;
		bool whole = !(uint64_t)b->changes6.v[i].start;
		uint64_t hi = hi_of(b, i);

		for (j = i + 1; j < n; j++)
			if (hi_of(b, j) != hi)
				break;
		if (!whole || j > i + 1)
			label = add_deep(b, i, j, before);
		*VEC_ADD(keys) = (struct key6){ .hi = hi, .label = label };
		before = b->changes6.v[j - 1].label;
		/* what follows a /64 that is divided */
		if (label & CF_DEEP && hi != UINT64_MAX && (j == n || hi + 1 < hi_of(b, j)))
			*VEC_ADD(keys) = (struct key6){ .hi = hi + 1, .label = before };
	}
}

/* The keys of the other half leave `keys`, and have an address that is 0 there first. */
static void split(struct keys *keys, struct keys *ret_high)
{
	size_t n = 0;

	while (n < keys->n && keys->v[n].hi < CF_HALF6)
		n++;
	/* (a divided /64 is followed by a key, so this one is not) */
	if (n == keys->n || keys->v[n].hi != CF_HALF6)
		*VEC_ADD(ret_high) = (struct key6){ .label = keys->v[n - 1].label };
	for (size_t i = n; i < keys->n; i++)
		*VEC_ADD(ret_high) = (struct key6){ keys->v[i].hi & ~CF_HALF6, keys->v[i].label };
	keys->n = n;
}

static void add_leaves(struct image *img, const struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i += CF_FANOUT6) {
		struct cf_leaf6 *leaf = VEC_ADD(&img->leaf6);

		memset(leaf, 0, sizeof(*leaf));
		for (size_t k = 0; k < CF_FANOUT6 && i + k < keys->n; k++)
			leaf->label[k] = keys->v[i + k].label;
	}
}

/* A level whose child j of node i begins at keys[(i * 9 + j) * step]. */
static void add_level(struct image *img, const struct keys *keys, size_t step)
{
	for (size_t i = 0; i < keys->n; i += step * CF_FANOUT6) {
		struct cf_node6 *node = VEC_ADD(&img->node6);

		for (size_t k = 0; k < CF_KEYS6; k++) {
			size_t at = i + (k + 1) * step;

			node->key[k] = at < keys->n ? keys->v[at].hi : CF_KEY6_UNUSED;
		}
	}
}

static size_t keys_max(void)
{
	size_t n = 1;

	for (int i = 0; i < CF_LEVELS6; i++)
		n *= CF_FANOUT6;
	return n;
}

static void add_tree(struct build *b, const struct keys *keys, struct cf_tree6 *ret)
{
	struct image *img = b->img;
	size_t step = 1;

	img->keys6 += keys->n;
	if (keys->n > keys_max()) {
		build_error(b, NOWHERE, "use databases with fewer networks",
			    "%zu ranges of IPv6 destinations, %zu at most", keys->n, keys_max());
		return;
	}
	for (ret->levels = 1; step * CF_FANOUT6 < keys->n; step *= CF_FANOUT6)
		ret->levels++;
	for (uint32_t level = 0; level < ret->levels; level++, step /= CF_FANOUT6) {
		ret->first[level] = (uint32_t)img->node6.n;
		add_level(img, keys, step);
	}
	ret->first_leaf = (uint32_t)img->leaf6.n;
	add_leaves(img, keys);
}

/* A /16 in which no key begins, but maybe at its very start, is all of one label. */
static void add_roots(struct image *img, const struct keys *keys)
{
	size_t at = 0; /* the key in force where the /16 begins */

	for (uint64_t top = 0; top < 1 << 16; top++) {
		uint64_t first = top << 48, last = first | ((1ULL << 48) - 1);
		struct cf_root6 root = { .label = CF_SEARCH };

		while (at + 1 < keys->n && keys->v[at + 1].hi <= first)
			at++;
		if (at + 1 == keys->n || keys->v[at + 1].hi > last)
			root.label = keys->v[at].label;
		/* (a /64 that is divided is followed by a key) */
		*VEC_ADD(&img->root6) = root;
	}
}

void build_tree6(struct build *b)
{
	struct keys keys = { 0 }, high = { 0 };

	add_keys(b, &keys);
	add_roots(b->img, &keys);
	split(&keys, &high);
	add_tree(b, &keys, &b->img->tree6[0]);
	add_tree(b, &high, &b->img->tree6[1]);
	free(keys.v);
	free(high.v);
}
