/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which counters a change keeps. */
#include <string.h>

#include "core/policy/diff.h"

static char *quota_text(const struct quota *q)
{
	struct buf b = { 0 };

	policy_print_quota(q, &b);
	return b.s;
}

static bool has_quota(const struct policy_set *set, const char *policy, const char *text)
{
	const struct policy *p = policy_find_policy(set, policy);

	for (size_t i = 0; p && i < p->quotas.n; i++) {
		_cleanup_free_ char *other = quota_text(&p->quotas.v[i]);

		if (!strcmp(other, text))
			return true;
	}
	return false;
}

static const struct quota *find_quota(const struct policy_set *set, const char *policy,
				      const char *text, const struct time_expr **ret_during)
{
	const struct policy *p = policy_find_policy(set, policy);

	for (size_t i = 0; p && i < p->quotas.n; i++) {
		_cleanup_free_ char *other = quota_text(&p->quotas.v[i]);

		*ret_during = p->during;
		if (!strcmp(other, text))
			return &p->quotas.v[i];
	}
	return NULL;
}

/* When the present period began; false: none is open, or it cannot be told. */
static bool period_begin(const struct policy_set *set, const struct quota *q,
			 const struct time_expr *during, const struct zone_source *zones,
			 struct utc now, struct utc *ret)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };

	if (quota_periods(set, q, during, zones, now, (struct utc){ now.s + 60 }, &l) < 0)
		return false;
	for (size_t i = 0; i < l.n; i++) {
		if (l.v[i].begin.s > now.s || l.v[i].end.s <= now.s)
			continue;
		*ret = l.v[i].begin;
		return true;
	}
	return false;
}

void policy_diff_periods(struct policy_diff *d, const struct policy_set *before,
			 const struct zone_source *zones_before, const struct policy_set *after,
			 const struct zone_source *zones_after, struct utc now)
{
	for (size_t i = 0; i < d->quotas.n; i++) {
		struct quota_change *c = &d->quotas.v[i];
		const struct time_expr *during = NULL, *during_after = NULL;
		const struct quota *q = find_quota(before, c->policy, c->quota, &during);
		const struct quota *next = find_quota(after, c->policy, c->quota, &during_after);
		struct utc was, is;

		if (c->fate != QUOTA_KEPT || !q || !next ||
		    !period_begin(before, q, during, zones_before, now, &was))
			continue;
		if (!period_begin(after, next, during_after, zones_after, now, &is) || is.s > was.s)
			c->fate = QUOTA_ANEW;
	}
}

static char *rate_text(const struct rate *r)
{
	struct buf b = { 0 };

	buf_puts(&b, "rate ");
	policy_print_rate(r, &b);
	return b.s;
}

static bool has_rate(const struct policy_set *set, const char *policy, const char *text)
{
	const struct policy *p = policy_find_policy(set, policy);

	for (size_t i = 0; p && i < p->rates.n; i++) {
		_cleanup_free_ char *other = rate_text(&p->rates.v[i]);

		if (!strcmp(other, text))
			return true;
	}
	return false;
}

static void rates(const struct policy_set *of, const struct policy_set *other,
		  enum quota_fate alone, bool shared, struct policy_diff *d)
{
	for (size_t i = 0; i < of->policies.n; i++) {
		const struct policy *p = &of->policies.v[i];

		for (size_t k = 0; k < p->rates.n; k++) {
			char *text = rate_text(&p->rates.v[k]);
			bool both = has_rate(other, p->name, text);

			if (both && !shared) {
				free(text);
				continue;
			}
			*VEC_ADD(&d->quotas) = (struct quota_change){ both ? QUOTA_KEPT : alone,
								      xstrdup(p->name), text };
		}
	}
}

static bool has_limit(const struct policy_set *set, const char *publish, const char *text)
{
	for (size_t i = 0; i < set->publishes.n; i++) {
		const struct publish *p = &set->publishes.v[i];
		_cleanup_free_ char *other = p->has_quota ? quota_text(&p->quota) : NULL;

		if (other && !strcmp(p->name, publish) && !strcmp(other, text))
			return true;
	}
	return false;
}

/* What publishes let pass `at most`: by the name of the policy that each stands for. */
static void limits(const struct policy_set *of, const struct policy_set *other,
		   enum quota_fate alone, bool shared, struct policy_diff *d)
{
	for (size_t i = 0; i < of->publishes.n; i++) {
		const struct publish *p = &of->publishes.v[i];
		char *text = p->has_quota ? quota_text(&p->quota) : NULL;
		bool both = text && has_limit(other, p->name, text);

		if (!text || (both && !shared)) {
			free(text);
			continue;
		}
		*VEC_ADD(&d->quotas) =
			(struct quota_change){ both ? QUOTA_KEPT : alone,
					       xprintf("publish %s", p->name), text };
	}
}

static void quotas(const struct policy_set *of, const struct policy_set *other,
		   enum quota_fate alone, bool shared, struct policy_diff *d)
{
	for (size_t i = 0; i < of->policies.n; i++) {
		const struct policy *p = &of->policies.v[i];

		for (size_t k = 0; k < p->quotas.n; k++) {
			char *text = quota_text(&p->quotas.v[k]);
			bool both = has_quota(other, p->name, text);

			if (both && !shared) {
				free(text);
				continue;
			}
			*VEC_ADD(&d->quotas) = (struct quota_change){ both ? QUOTA_KEPT : alone,
								      xstrdup(p->name), text };
		}
	}
	limits(of, other, alone, shared, d);
}

void policy_diff_quotas(const struct policy_set *before, const struct policy_set *after,
			struct policy_diff *d)
{
	quotas(before, after, QUOTA_GONE, true, d);
	quotas(after, before, QUOTA_NEW, false, d);
	rates(before, after, QUOTA_GONE, true, d);
	rates(after, before, QUOTA_NEW, false, d);
}
