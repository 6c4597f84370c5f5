/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `publish "web" { host H service S at most Q }` is a rule that lets H's answers
 * pass, and a policy of its own that holds them to Q:
 *
 *	policy "publish web" { from H service S initiated outside
 *		quota Q at 100% drop, alert warning }
 */
#include "core/image/build.h"

static struct expr *host_expr(const struct publish *p)
{
	struct expr *e = xcalloc(1, sizeof(*e));

	e->pos = p->pos;
	e->atom = (struct atom){ .kind = ATOM_PREFIX, .prefix = p->host };
	return e;
}

static struct policy limit_of(const struct publish *p, struct expr *host)
{
	struct policy limit = {
		.pos = p->pos,
		.name = xprintf("publish %s", p->name),
		.from = host,
		.services = p->services,
		.initiated = INITIATED_OUTSIDE,
	};

	*VEC_ADD(&limit.quotas) = p->quota;
	*VEC_ADD(&limit.ats) = (struct at){
		.pos = p->quota.pos,
		.percent = 100,
		.actions = { .drop = true, .alert = CF_LEVEL_WARNING },
	};
	return limit;
}

void build_published(struct build *b)
{
	const struct policy_set *set = b->in->set;

	for (size_t i = 0; i < set->publishes.n; i++) {
		const struct publish *p = &set->publishes.v[i];
		struct expr *host = host_expr(p);

		*VEC_ADD(&b->hosts) = host;
		*VEC_ADD(&b->published) = p->has_quota ? limit_of(p, host) : (struct policy){ 0 };
	}
}

void published_done(struct build *b)
{
	for (size_t i = 0; i < b->published.n; i++) {
		free(b->published.v[i].name);
		free(b->published.v[i].quotas.v);
		free(b->published.v[i].ats.v);
	}
	for (size_t i = 0; i < b->hosts.n; i++)
		expr_free(b->hosts.v[i]);
	free(b->published.v);
	free(b->hosts.v);
}
