/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 labels as the kernel searches them: abi.h, cf_root4. */
#include "core/image/build.h"

void build_dxr(struct build *b)
{
	struct image *img = b->img;
	size_t at = 0; /* the change in force where the /16 begins */

	for (uint32_t top = 0; top < 1 << 16; top++) {
		uint32_t first = top << 16, last = first | 0xffff;
		struct cf_root4 *root = VEC_ADD(&img->root4);

		while (at + 1 < b->changes4.n && b->changes4.v[at + 1].start <= first)
			at++;
		*root = (struct cf_root4){ .first = b->changes4.v[at].label };
		if (at + 1 == b->changes4.n || b->changes4.v[at + 1].start > last)
			continue;
		*root = (struct cf_root4){ .first = (uint32_t)img->range4.n, .count = 1 };
		*VEC_ADD(&img->range4) = (struct cf_range4){ .label = b->changes4.v[at].label };
		while (at + 1 < b->changes4.n && b->changes4.v[at + 1].start <= last) {
			const struct change4 *c = &b->changes4.v[++at];

			*VEC_ADD(&img->range4) = (struct cf_range4){ .start = (uint16_t)c->start,
								     .label = c->label };
			root->count++;
		}
	}
}
