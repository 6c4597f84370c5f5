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

int manual_open(const struct manual_book *b, struct datapath *dp)
{
	for (size_t i = 0; i < b->n; i++) {
		int r = b->v[i].up_to_bytes
				? datapath_allow_open(dp, b->v[i].id, b->v[i].used_bytes)
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

bool manual_count(struct manual_book *b, struct datapath *dp)
{
	bool used_up = false;

	for (size_t i = 0; i < b->n; i++) {
		struct manual_entry *e = &b->v[i];
		bool all;

		if (!e->up_to_bytes || datapath_allow_read(dp, e->id, &e->used_bytes, &all) < 0)
			continue;
		e->used_up = all || e->used_bytes >= e->up_to_bytes;
		used_up |= e->used_up;
	}
	return used_up;
}

void manual_close(const struct manual_book *b, struct datapath *dp)
{
	_cleanup_free_ uint32_t *ids = xcalloc(b->n + 1, sizeof(*ids));

	for (size_t i = 0; i < b->n; i++)
		ids[i] = b->v[i].id;
	datapath_allow_prune(dp, ids, b->n);
}
