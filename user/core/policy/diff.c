/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/diff.h"

#include <string.h>

#include "core/policy/print.h"
#include "core/policy/words.h"

/* A policy set as a flat list of named texts, which is all that a comparison needs. */
struct item {
	enum change_what what;
	const char *name;
	char *text;
	bool matched;
};
struct item_list {
	struct item *v;
	size_t n, cap;
};

static void put(struct item_list *l, enum change_what what, const char *name, struct buf *text)
{
	if (text->n)
		*VEC_ADD(l) = (struct item){ what, name, xstrdup(text->s), false };
	buf_done(text);
	*text = (struct buf){ 0 };
}

static void interfaces(struct item_list *l, enum change_what what, const char *word,
		       const struct name_list *names)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < names->n; i++) {
		buf_printf(&b, "%s ", word);
		print_interface(&b, names->v[i].name);
		buf_puts(&b, names->v[i].xdp_never ? " xdp never" : "");
		buf_puts(&b, "\n");
		put(l, what, names->v[i].name, &b);
	}
}

static void rules(struct item_list *l, const struct policy_set *set)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < set->policies.n; i++) {
		policy_print_policy(set, &set->policies.v[i], &b);
		put(l, CHANGE_POLICY, set->policies.v[i].name, &b);
	}
	for (size_t i = 0; i < set->publishes.n; i++) {
		print_publish(&b, &set->publishes.v[i]);
		put(l, CHANGE_PUBLISH, set->publishes.v[i].name, &b);
	}
	for (size_t i = 0; i < set->protects.n; i++) {
		print_protect(&b, &set->protects.v[i]);
		put(l, CHANGE_PROTECT, set->protects.v[i].name, &b);
	}
	for (size_t i = 0; i < set->exempts.n; i++) {
		print_exempt(&b, &set->exempts.v[i]);
		put(l, CHANGE_EXEMPT, set->exempts.v[i].name, &b);
	}
}

static struct item_list flatten(const struct policy_set *set)
{
	struct item_list l = { 0 };
	struct buf b = { 0 };

	print_site(&b, &set->site);
	put(&l, CHANGE_SITE, NULL, &b);
	interfaces(&l, CHANGE_INSIDE, "inside", &set->inside);
	interfaces(&l, CHANGE_OUTSIDE, "outside", &set->outside);
	print_networks(&b, &set->networks);
	put(&l, CHANGE_NETWORKS, NULL, &b);
	for (size_t i = 0; i < set->ignores.n; i++) {
		print_ignore(&b, &set->ignores.v[i]);
		put(&l, CHANGE_IGNORE, NULL, &b);
	}
	for (size_t i = 0; i < set->geo.n; i++) {
		print_geo(&b, &set->geo.v[i]);
		put(&l, CHANGE_GEO, word_of(words_geo, set->geo.v[i].kind), &b);
	}
	for (size_t i = 0; i < set->sets.n; i++) {
		print_set(&b, &set->sets.v[i]);
		put(&l, CHANGE_SET, set->sets.v[i].name, &b);
	}
	for (size_t i = 0; i < set->windows.n; i++) {
		print_window(&b, &set->windows.v[i]);
		put(&l, CHANGE_WINDOW, set->windows.v[i].name, &b);
	}
	rules(&l, set);
	for (size_t i = 0; i < set->detects.n; i++) {
		print_detect(&b, &set->detects.v[i]);
		put(&l, CHANGE_DETECT, word_of(words_detects, set->detects.v[i].kind), &b);
	}
	for (unsigned int i = 0; i < ON_MAX; i++) {
		print_on(&b, set, (enum on_event)i);
		put(&l, CHANGE_ON, words_on[i].event, &b);
	}
	print_alert_to(&b, set);
	put(&l, CHANGE_ALERT_TO, NULL, &b);
	print_mode(&b, set);
	put(&l, CHANGE_MODE, NULL, &b);
	return l;
}

static bool same_name(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* What has no name has only its text to be known by. */
static bool by_text(const struct item *i)
{
	return !i->name &&
	       (i->what == CHANGE_EXEMPT || i->what == CHANGE_PROTECT || i->what == CHANGE_IGNORE);
}

static struct item *counterpart(struct item_list *l, const struct item *of)
{
	for (size_t i = 0; i < l->n; i++) {
		struct item *x = &l->v[i];

		if (!x->matched && x->what == of->what && same_name(x->name, of->name) &&
		    (!by_text(of) || !strcmp(x->text, of->text)))
			return x;
	}
	return NULL;
}

static void change(struct policy_diff *d, enum change_how how, const struct item *before,
		   const struct item *after)
{
	const struct item *any = before ? before : after;

	*VEC_ADD(&d->changes) = (struct change){
		.what = any->what,
		.how = how,
		.name = any->name ? xstrdup(any->name) : NULL,
		.before = before ? xstrdup(before->text) : NULL,
		.after = after ? xstrdup(after->text) : NULL,
	};
}

static void items_done(struct item_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
}

/* What a set or date file says is not in the text that names it. */
static bool same_prefixes(const struct expr *a, const struct expr *b)
{
	const struct prefix_list *x = &a->atom.prefixes, *y = &b->atom.prefixes;

	if (a->n != b->n || x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].bits != y->v[i].bits || addr_compare(&x->v[i].addr, &y->v[i].addr))
			return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_prefixes(a->v[i], b->v[i]))
			return false;
	return true;
}

static bool same_dates(const struct time_expr *a, const struct time_expr *b)
{
	if (a->n != b->n || a->dates.n != b->dates.n ||
	    (a->dates.n && memcmp(a->dates.v, b->dates.v, a->dates.n * sizeof(*a->dates.v)) != 0))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_dates(a->v[i], b->v[i]))
			return false;
	return true;
}

/* Whether equal texts also mean the same. */
static bool same_content(const struct policy_set *before, const struct policy_set *after,
			 const struct item *i)
{
	if (i->what == CHANGE_SET)
		return same_prefixes(policy_find_set(before, i->name)->expr,
				     policy_find_set(after, i->name)->expr);
	if (i->what == CHANGE_WINDOW)
		return same_dates(policy_find_window(before, i->name)->when,
				  policy_find_window(after, i->name)->when);
	return true;
}

static void compare_kind(const struct policy_set *before, const struct policy_set *after,
			 struct item_list *a, struct item_list *b, enum change_what what,
			 struct policy_diff *d)
{
	for (size_t i = 0; i < a->n; i++) {
		struct item *other;

		if (a->v[i].what != what)
			continue;
		other = counterpart(b, &a->v[i]);
		if (!other) {
			change(d, CHANGE_REMOVED, &a->v[i], NULL);
			continue;
		}
		other->matched = true;
		if (strcmp(a->v[i].text, other->text) != 0 || !same_content(before, after, other))
			change(d, CHANGE_CHANGED, &a->v[i], other);
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].what == what && !b->v[i].matched)
			change(d, CHANGE_ADDED, NULL, &b->v[i]);
}

/* ---- counters ---------------------------------------------------------------------- */

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

void policy_diff(const struct policy_set *before, const struct policy_set *after,
		 struct policy_diff *ret)
{
	struct item_list a = flatten(before), b = flatten(after);

	*ret = (struct policy_diff){ 0 };
	for (unsigned int what = CHANGE_SITE; what <= CHANGE_MODE; what++)
		compare_kind(before, after, &a, &b, (enum change_what)what, ret);
	quotas(before, after, QUOTA_GONE, true, ret);
	quotas(after, before, QUOTA_NEW, false, ret);
	rates(before, after, QUOTA_GONE, true, ret);
	rates(after, before, QUOTA_NEW, false, ret);
	items_done(&a);
	items_done(&b);
}

void policy_diff_done(struct policy_diff *d)
{
	for (size_t i = 0; i < d->changes.n; i++) {
		free(d->changes.v[i].name);
		free(d->changes.v[i].before);
		free(d->changes.v[i].after);
	}
	for (size_t i = 0; i < d->quotas.n; i++) {
		free(d->quotas.v[i].policy);
		free(d->quotas.v[i].quota);
	}
	free(d->changes.v);
	free(d->quotas.v);
	*d = (struct policy_diff){ 0 };
}
