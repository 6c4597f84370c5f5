/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/diff.h"

#include <string.h>

#include "core/policy/print.h"
#include "core/policy/words.h"

/* A policy set as a flat list of named texts, which is all that a comparison needs. */
struct item {
	enum change_what what;
	const char *name;
	const void *of; /* a set, window, policy or exempt: the struct */
	char *text;
	bool matched;
};
struct item_list {
	struct item *v;
	size_t n, cap;
};

static void put_of(struct item_list *l, enum change_what what, const char *name, const void *of,
		   struct buf *text)
{
	if (text->n)
		*VEC_ADD(l) = (struct item){ what, name, of, xstrdup(text->s), false };
	buf_done(text);
	*text = (struct buf){ 0 };
}

static void put(struct item_list *l, enum change_what what, const char *name, struct buf *text)
{
	put_of(l, what, name, NULL, text);
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
		put_of(l, CHANGE_POLICY, set->policies.v[i].name, &set->policies.v[i], &b);
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
		put_of(l, CHANGE_EXEMPT, set->exempts.v[i].name, &set->exempts.v[i], &b);
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
		put_of(&l, CHANGE_SET, set->sets.v[i].name, &set->sets.v[i], &b);
	}
	for (size_t i = 0; i < set->windows.n; i++) {
		print_window(&b, &set->windows.v[i]);
		put_of(&l, CHANGE_WINDOW, set->windows.v[i].name, &set->windows.v[i], &b);
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

/* ---- what files say, which no text that names them shows ------------------------------ */

struct content {
	struct list_digest of;
	const struct list_facts *facts;
};

static void add_list(struct content *c, const struct expr *e)
{
	const struct list_digest *known;

	for (size_t i = 0; i < e->n; i++)
		add_list(c, e->v[i]);
	if (e->op != EXPR_ATOM || e->atom.kind != ATOM_FILE)
		return;
	known = list_facts_find(c->facts, e->atom.text);
	if (!known) {
		list_digest_prefixes(&c->of, &e->atom.prefixes);
		return;
	}
	c->of.sum += known->sum;
	c->of.n += known->n;
}

static void add_dates(struct content *c, const struct time_expr *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		add_dates(c, t->v[i]);
	if (t->op == TIME_FILE)
		list_digest_dates(&c->of, &t->dates);
}

static struct list_digest content_of(const struct item *i, const struct list_facts *facts)
{
	struct content c = { .facts = facts };
	const struct policy *p = i->of;

	switch (i->what) {
	case CHANGE_SET:
		add_list(&c, ((const struct set *)i->of)->expr);
		break;
	case CHANGE_WINDOW:
		add_dates(&c, ((const struct window *)i->of)->when);
		break;
	case CHANGE_EXEMPT:
		add_dates(&c, ((const struct exempt *)i->of)->during);
		break;
	case CHANGE_POLICY:
		add_dates(&c, p->during);
		for (size_t k = 0; k < p->excepts.n; k++)
			add_dates(&c, p->excepts.v[k].during);
		break;
	default:
		break;
	}
	return c.of;
}

static void compare_items(const struct item *before, const struct item *after,
			  const struct list_facts *facts, struct policy_diff *d)
{
	struct list_digest a, b;
	struct change *c;

	if (strcmp(before->text, after->text) != 0) {
		change(d, CHANGE_CHANGED, before, after);
		return;
	}
	a = content_of(before, facts);
	b = content_of(after, NULL);
	if (a.sum == b.sum && a.n == b.n)
		return;
	change(d, CHANGE_CHANGED, before, after);
	c = &d->changes.v[d->changes.n - 1];
	c->of_files = true;
	c->entries_before = a.n;
	c->entries_after = b.n;
}

static void compare_kind(struct item_list *a, struct item_list *b, enum change_what what,
			 const struct list_facts *facts, struct policy_diff *d)
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
		compare_items(&a->v[i], other, facts, d);
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].what == what && !b->v[i].matched)
			change(d, CHANGE_ADDED, NULL, &b->v[i]);
}

void policy_diff(const struct policy_set *before, const struct list_facts *facts,
		 const struct policy_set *after, struct policy_diff *ret)
{
	struct item_list a = flatten(before), b = flatten(after);

	*ret = (struct policy_diff){ 0 };
	for (unsigned int what = CHANGE_SITE; what <= CHANGE_MODE; what++)
		compare_kind(&a, &b, (enum change_what)what, facts, ret);
	policy_diff_quotas(before, after, ret);
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
