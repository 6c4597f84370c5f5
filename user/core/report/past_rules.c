/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/past_rules.h"

#include <string.h>

static struct past_generation *place_of(struct past_rules *p, uint32_t generation)
{
	for (size_t i = 0; i < PAST_GENERATIONS; i++)
		if (p->of[i].number == generation)
			return &p->of[i];
	return &p->of[p->next++ % PAST_GENERATIONS];
}

void past_rules_keep(struct past_rules *p, uint32_t generation, const struct cf_rule *v, size_t n)
{
	struct past_generation *g;

	if (!generation)
		return;
	g = place_of(p, generation);
	free(g->v);
	*g = (struct past_generation){ .number = generation, .n = n };
	g->v = xcalloc(n, sizeof(*v));
	if (n)
		memcpy(g->v, v, n * sizeof(*v));
}

void past_rules_done(struct past_rules *p)
{
	for (size_t i = 0; i < PAST_GENERATIONS; i++)
		free(p->of[i].v);
	*p = (struct past_rules){ 0 };
}

static const struct cf_rule *past(const struct past_rules *p, uint32_t generation, uint32_t rule)
{
	for (size_t i = 0; p && generation && i < PAST_GENERATIONS; i++)
		if (p->of[i].number == generation)
			return rule < p->of[i].n ? &p->of[i].v[rule] : NULL;
	return NULL;
}

static uint32_t with_id(const struct image *img, const struct cf_rule *r)
{
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (img->rules.v[i].id == r->id && img->rules.v[i].kind == r->kind)
			return i;
	return ~0U;
}

const struct cf_rule *past_rules_find(const struct past_rules *p, const struct image *img,
				      uint32_t current, uint32_t generation, uint32_t rule,
				      uint32_t *ret_now)
{
	const struct cf_rule *r;
	uint32_t now = rule;

	if (generation == current) {
		r = rule < img->rules.n ? &img->rules.v[rule] : NULL;
	} else {
		r = past(p, generation, rule);
		now = r ? with_id(img, r) : ~0U;
	}
	if (ret_now)
		*ret_now = r ? now : ~0U;
	return r;
}
