/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of generations that are no longer in force: what the kernel reported under them may
 * be read only now, after a reload or by a daemon that has just started.
 */
#ifndef CURFEW_CORE_REPORT_PAST_RULES_H
#define CURFEW_CORE_REPORT_PAST_RULES_H

#include "core/image/image.h"

/* A burst of changes to the network makes a few generations before events are read. */
#define PAST_GENERATIONS 4

struct past_rules {
	struct past_generation {
		uint32_t number; /* 0: none */
		struct cf_rule *v;
		size_t n;
	} of[PAST_GENERATIONS];
	unsigned int next;
};
/* Copies them, and forgets the oldest; a generation that is kept already is replaced. */
void past_rules_keep(struct past_rules *p, uint32_t generation, const struct cf_rule *v, size_t n);
void past_rules_done(struct past_rules *p);

/*
 * The rule with number `rule` in `generation`: of `img` if that is `current`, else a past one
 * (p may be NULL). NULL: not known. *ret_now (may be NULL): its number in img, ~0 if that has no
 * rule of the same id.
 */
const struct cf_rule *past_rules_find(const struct past_rules *p, const struct image *img,
				      uint32_t current, uint32_t generation, uint32_t rule,
				      uint32_t *ret_now);

#endif
