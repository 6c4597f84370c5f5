/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules made by hand, against the configuration in force: reading them, and counting what they let
 * pass. */
#include <errno.h>
#include <string.h>

#include "app/daemon/manual.h"
#include "base/buf.h"
#include "core/image/row.h"

static int refuse(const struct manual_entry *e, const struct diag_list *diags, char **ret_error)
{
	const char *what = "this is no expression", *help = NULL;

	for (size_t i = diags->n; i-- > 0;)
		if (diags->v[i].level == DIAG_ERROR) {
			what = diags->v[i].message;
			help = diags->v[i].help;
		}
	*ret_error = xprintf("%s %u (from %s to %s): %s%s%s", e->allow ? "allow" : "block", e->id,
			     e->from, e->to, what, help ? "; " : "", help ? help : "");
	return -EINVAL;
}

/* Positions would point into a text that nobody sees. */
static void forget_positions(struct expr *e)
{
	e->pos = (struct pos){ 0 };
	for (size_t i = 0; i < e->n; i++)
		forget_positions(e->v[i]);
}

static int read_expr(const char *text, bool is_from, const struct policy_set *set,
		     struct expr **ret, struct diag_list *diags)
{
	int r;

	if (!strcmp(text, "any"))
		return 0;
	r = policy_parse_expr_text(text, is_from, set, ret, diags);
	if (r == 0)
		forget_positions(*ret);
	return r;
}

int manual_read(const struct manual_book *b, const struct policy_set *set, struct manual_rules *ret,
		char **ret_error)
{
	struct manual_rules rules = { 0 };

	for (size_t i = 0; i < b->n; i++) {
		_cleanup_diag_list_ struct diag_list diags = { 0 };
		const struct manual_entry *e = &b->v[i];
		struct manual_rule *rule = VEC_ADD(&rules.list);

		*rule = (struct manual_rule){ .allow = e->allow,
					      .until = e->until,
					      .up_to_bytes = e->up_to_bytes,
					      .id = e->id };
		if (read_expr(e->from, true, set, &rule->from, &diags) == 0 &&
		    read_expr(e->to, false, set, &rule->to, &diags) == 0)
			continue;
		refuse(e, &diags, ret_error);
		manual_rules_done(&rules);
		return -EINVAL;
	}
	*ret = rules;
	return 0;
}

void manual_rules_done(struct manual_rules *r)
{
	for (size_t i = 0; i < r->list.n; i++) {
		expr_free(r->list.v[i].from);
		expr_free(r->list.v[i].to);
	}
	free(r->list.v);
	*r = (struct manual_rules){ 0 };
}

/* ---- counting --------------------------------------------------------- */

struct counting {
	const struct image *img;
	const uint32_t *rules; /* the entry's rule, ~0: none */
	uint64_t *sums;
	size_t n;
};

static uint32_t rule_of(const struct image *img, const struct manual_entry *e)
{
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (img->rules.v[i].id == e->id && img->rules.v[i].kind == CF_RULE_EXEMPT &&
		    img->rule_policy.v[i] == ~0U)
			return i;
	return ~0U;
}

static void count_pair(void *arg, const struct pair_sample *p)
{
	struct counting *c = arg;
	uint32_t flags, class = image_source_class(c->img, &p->src, &flags);
	uint32_t label = image_label(c->img, &p->dst);
	const struct cf_row *to = &c->img->dst_rows.v[c->img->labels.v[label].row];
	struct cf_row from = { 0 };

	for (uint32_t f = 0; f < CF_FROM_MAX; f++)
		for (int w = 0; w < CF_ROW_WORDS; w++)
			from.word[w] |=
				c->img->src_rows.v[f * c->img->source_classes + class].word[w];
	for (size_t i = 0; i < c->n; i++)
		if (c->rules[i] != ~0U && row_has(to, c->rules[i]) && row_has(&from, c->rules[i]))
			c->sums[i] += p->payload_bytes;
}

bool manual_count(struct manual_book *b, const struct image *img, struct datapath *dp)
{
	_cleanup_free_ uint32_t *rules = xcalloc(b->n, sizeof(*rules));
	_cleanup_free_ uint64_t *sums = xcalloc(b->n, sizeof(*sums));
	struct counting c = { img, rules, sums, b->n };
	bool limited = false, used_up = false;

	for (size_t i = 0; i < b->n; i++) {
		rules[i] = b->v[i].up_to_bytes ? rule_of(img, &b->v[i]) : ~0U;
		limited |= rules[i] != ~0U;
	}
	if (!limited || datapath_pairs(dp, count_pair, &c) < 0)
		return false;
	for (size_t i = 0; i < b->n; i++) {
		struct manual_entry *e = &b->v[i];

		if (rules[i] == ~0U)
			continue;
		/* What was there before counting began, and before a restart, is not this entry's.
		 */
		if (!e->counting || sums[i] < e->base_bytes + e->used_bytes)
			e->base_bytes = sums[i] > e->used_bytes ? sums[i] - e->used_bytes : 0;
		e->counting = true;
		e->used_bytes = sums[i] - e->base_bytes;
		used_up |= e->used_bytes >= e->up_to_bytes;
	}
	return used_up;
}
