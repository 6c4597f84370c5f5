/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 networks crowded with ranges: each address has its label, wherever in the network they are.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/image/row.h"
#include "image_help.h"

#define FIRST 0x141e0000U /* 20.30.0.0: the first of the networks, which are neighbours */

/* Listed in a /16: `n` single addresses from `start` on, each `step` after the one before. */
struct crowd {
	uint32_t start, n, step;
};

static const struct crowd crowds[] = {
	{ 0, 32768, 2 }, /* as many ranges as there are addresses */
	{ 1, 32768, 2 }, /* the same, the first address not listed */
	{ 0, 8, 2 },     /* 16 ranges: searched as they are */
	{ 1, 8, 2 },     /* 17: divided */
	{ 4095, 33, 2 }, /* 64 in 64 addresses, and one that begins before them */
	{ 0, 8, 4 },        { 0xfff0, 8, 2 }, /* at either end */
	{ 0xff01, 128, 2 }, { 0, 32, 2 },       { 31, 32, 2 },       { 0x7fe1, 32, 2 },
	{ 1000, 64, 2 },    { 0x3ffd, 33, 3 },  { 0x8000, 1000, 2 }, { 12345, 5000, 3 },
	{ 128, 256, 256 },  { 0, 256, 256 },    { 255, 256, 256 },   { 7, 4000, 16 },
	{ 63, 1000, 64 },   { 0xfe00, 256, 2 }, { 65535, 1, 1 },     { 0, 1, 1 },
};

static bool *listed;

static void crowd_add(struct prefix_list *l, const struct crowd *c, uint32_t top)
{
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t low = c->start + i * c->step, at = FIRST + (top << 16) + low;
		struct addr a = addr_from_halves(0, 0xffff00000000ULL | at);

		cr_assert_leq(low, 0xffff);
		listed[top << 16 | low] = true;
		*VEC_ADD(l) = prefix_of(&a, 32);
	}
}

static struct image *crowded(bool random)
{
	struct policy_set *set = set_new();
	static struct machine none;
	struct image_input in = input_for(set);
	struct prefix_list l = { 0 };
	struct prng r = { 5 };

	listed = keep(xcalloc(ARRAY_SIZE(crowds) << 16, sizeof(*listed)));
	for (uint32_t top = 0; top < ARRAY_SIZE(crowds); top++) {
		struct crowd c = crowds[top];

		if (random) /* dense somewhere, sparse in the rest */
			for (int i = 0; i < 3; i++) {
				c.step = 1U << prng_below(&r, 9);
				c.n = 1 + prng_below(&r, 0x8000 / c.step);
				c.start = prng_below(&r, 0x10000 - c.n * c.step);
				crowd_add(&l, &c, top);
			}
		else
			crowd_add(&l, &c, top);
	}
	keep(l.v);
	quota_add(policy_add(set, "listed", any(), file_list(&l)), 1000, CF_KEY_SOURCE, PERIOD_DAY);
	in.machine = &none;
	return compile(&in);
}

static void check_addresses(const struct image *img)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(crowds) << 16; i++) {
		struct addr a = addr_from_halves(0, 0xffff00000000ULL | (FIRST + i));
		const struct cf_label *l = &img->labels.v[image_label(img, &a)];

		cr_assert_eq(row_has(&img->dst_rows.v[l->row], 0), listed[i], "network %u, %u",
			     i >> 16, i & 0xffff);
	}
}

/* What the kernel's loops are bounded by, and memory. */
static void check_bounds(const struct image *img)
{
	for (uint32_t top = 0; top < 1 << 16; top++) {
		for (uint32_t low = 0; low < 1 << 16; low++) {
			const struct cf_root4 *r = &img->root4.v[top];
			int divided = 0;

			for (; r->shift; divided++) {
				cr_assert_lt(r->first + (low >> r->shift), img->root4.n);
				r = &img->root4.v[r->first + (low >> r->shift)];
			}
			cr_assert_leq(divided, CF_DIVIDED4);
			cr_assert_leq(r->count, 1 << CF_STEPS4);
			if (!img->root4.v[top].shift)
				break;
		}
	}
	cr_assert_gt(img->root4.n, 1 << 16, "nothing is divided");
	cr_assert_leq(img->root4.n - (1 << 16), img->range4.n + img->range4.n / 8);
}

Test(crowded, each_address_has_its_label)
{
	struct image *img = crowded(false);

	check_addresses(img);
	check_bounds(img);
	image_free(img);
}

Test(crowded, in_several_places_at_once)
{
	struct image *img = crowded(true);

	check_addresses(img);
	check_bounds(img);
	image_free(img);
}
