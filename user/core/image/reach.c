/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the world each rule's `to` holds: so that a new database shows what it changed. */
#include "core/image/build.h"
#include "core/image/row.h"

struct extent {
	uint64_t addresses4;
	uint128 addresses6;
	uint64_t digest;
};

/* After splitmix64 (Steele, Lea, Flood, 2014). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15U;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

/* Of a range its end's minus its begin's is added: then it does not matter how ranges are cut. */
static uint64_t mark(uint128 at)
{
	return mix((uint64_t)at ^ mix((uint64_t)(at >> 64)));
}

static void add4(struct extent *e, uint64_t first, uint64_t end)
{
	e->addresses4 += end - first;
	e->digest += mark(WIDE_V4_FIRST + end) - mark(WIDE_V4_FIRST + first);
}

/* [first, last] */
static void add6(struct extent *e, uint128 first, uint128 last)
{
	e->addresses6 += last - first + 1;
	/* IPv4 lies within, and is none of it */
	if (first < WIDE_V4_FIRST && last >= WIDE_V4_LAST)
		e->addresses6 -= WIDE_V4_LAST - WIDE_V4_FIRST + 1;
	e->digest += mark(last + 1) - mark(first);
}

static void measure(const struct build *b, struct extent *by_label)
{
	for (size_t i = 0; i < b->changes4.n; i++)
		add4(&by_label[b->changes4.v[i].label], b->changes4.v[i].start,
		     i + 1 < b->changes4.n ? b->changes4.v[i + 1].start : 1ULL << 32);
	for (size_t i = 0; i < b->changes6.n; i++)
		add6(&by_label[b->changes6.v[i].label], b->changes6.v[i].start,
		     i + 1 < b->changes6.n ? b->changes6.v[i + 1].start - 1 : WIDE_LAST);
}

static void merge(struct extent *to, const struct extent *e)
{
	to->addresses4 += e->addresses4;
	to->addresses6 += e->addresses6;
	to->digest += e->digest;
}

static void add_rule(struct image *img, const struct extent *by_row, uint32_t rule)
{
	struct extent sum = { 0 };

	for (size_t row = 0; row < img->dst_rows.n; row++)
		if (row_has(&img->dst_rows.v[row], rule))
			merge(&sum, &by_row[row]);
	*VEC_ADD(&img->reach) = (struct image_reach){
		.addresses4 = sum.addresses4,
		.nets6 = (uint64_t)(sum.addresses6 >> 64) + !!(uint64_t)sum.addresses6,
		.digest = sum.digest,
	};
}

void build_reach(struct build *b)
{
	struct image *img = b->img;
	_cleanup_free_ struct extent *by_label = xcalloc(img->labels.n, sizeof(*by_label));
	_cleanup_free_ struct extent *by_row = xcalloc(img->dst_rows.n, sizeof(*by_row));

	measure(b, by_label);
	for (size_t i = 0; i < img->labels.n; i++)
		if (!(img->labels.v[i].flags & CF_LABEL_IGNORED))
			merge(&by_row[img->labels.v[i].row], &by_label[i]);
	for (uint32_t i = 0; i < img->rules.n; i++)
		add_rule(img, by_row, i);
}
