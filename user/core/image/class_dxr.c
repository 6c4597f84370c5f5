/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 labels as the kernel searches them: abi.h, cf_root4. */
#include "core/image/build.h"

/* So many ranges are searched as they are: an entry more is a cache line more. */
#define FEW 16

/* 2^bits addresses of a /16, the first of them `start`. */
struct part {
	uint32_t start, bits;
	uint32_t first, count; /* the ranges that hold there, in range4 */
};

static struct cf_root4 entry_of(struct build *b, const struct part *p, uint32_t divided);

/* The next part's ranges: those from p->first on, before `end`, that its addresses are in. */
static void find_ranges(const struct image *img, struct part *p, uint32_t end)
{
	const struct cf_range4 *r = img->range4.v;
	uint32_t last = p->start + (1U << p->bits) - 1;

	while (p->first + 1 < end && r[p->first + 1].start <= p->start)
		p->first++;
	for (p->count = 1; p->first + p->count < end; p->count++)
		if (r[p->first + p->count].start > last)
			break;
}

/*
 * With an entry for two to four ranges each, so that all entries take less than the
 * ranges. What is crowded after that is divided once more, and after that no part has more
 * than 64 ranges, wherever they are: with 64 or more in a part it was divided by 32 at
 * least, twice, and that leaves 64 addresses.
 */
static struct cf_root4 divide(struct build *b, const struct part *p, uint32_t divided)
{
	struct image *img = b->img;
	uint32_t by = 31 - (uint32_t)__builtin_clz(p->count) - 1, at = (uint32_t)img->root4.n;
	struct part sub = { .start = p->start, .bits = p->bits - by, .first = p->first };

	for (uint32_t i = 0; i < 1U << by; i++)
		*VEC_ADD(&img->root4) = (struct cf_root4){ 0 };
	for (uint32_t i = 0; i < 1U << by; i++, sub.start += 1U << sub.bits) {
		struct cf_root4 entry;

		find_ranges(img, &sub, p->first + p->count);
		entry = entry_of(b, &sub, divided + 1); /* moves root4 */
		img->root4.v[at + i] = entry;
	}
	return (struct cf_root4){ .first = at - (p->start >> sub.bits),
				  .shift = (uint16_t)sub.bits };
}

static struct cf_root4 entry_of(struct build *b, const struct part *p, uint32_t divided)
{
	if (p->count == 1)
		return (struct cf_root4){ .first = b->img->range4.v[p->first].label };
	if (p->count > FEW && divided < CF_DIVIDED4)
		return divide(b, p, divided);
	return (struct cf_root4){ .first = p->first, .count = (uint16_t)p->count };
}

/* The ranges of the /16 that begins with `first`; *at is the change in force there. */
static struct part ranges_of(struct build *b, uint32_t first, size_t *at)
{
	struct image *img = b->img;
	struct part p = { .bits = 16, .first = (uint32_t)img->range4.n, .count = 1 };
	size_t next = *at + 1;

	*VEC_ADD(&img->range4) = (struct cf_range4){ .label = b->changes4.v[*at].label };
	for (; next < b->changes4.n && b->changes4.v[next].start <= (first | 0xffff); next++) {
		const struct change4 *c = &b->changes4.v[next];

		*VEC_ADD(&img->range4) =
			(struct cf_range4){ .start = (uint16_t)c->start, .label = c->label };
		p.count++;
	}
	*at = next - 1;
	return p;
}

void build_dxr(struct build *b)
{
	struct image *img = b->img;
	size_t at = 0; /* the change in force where the /16 begins */

	for (uint32_t top = 0; top < 1 << 16; top++)
		*VEC_ADD(&img->root4) = (struct cf_root4){ 0 };
	for (uint32_t top = 0; top < 1 << 16; top++) {
		struct cf_root4 entry;
		uint32_t first = top << 16;
		struct part p;

		while (at + 1 < b->changes4.n && b->changes4.v[at + 1].start <= first)
			at++;
		if (at + 1 == b->changes4.n || b->changes4.v[at + 1].start > (first | 0xffff)) {
			img->root4.v[top].first = b->changes4.v[at].label;
			continue;
		}
		p = ranges_of(b, first, &at);
		entry = entry_of(b, &p, 0); /* moves root4 */
		img->root4.v[top] = entry;
	}
}
