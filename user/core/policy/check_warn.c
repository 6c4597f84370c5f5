/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warnings: what is correct and likely not what was meant. */
#include <string.h>

#include "core/policy/check.h"
#include "core/policy/failing.h"
#include "core/policy/words.h"

/* ---- does an expression hold for everything, or for nothing? ---------------------- */

static enum extent set_extent(const struct checker *c, uint32_t set)
{
	if (c->extents[set] == EXTENT_UNKNOWN)
		c->extents[set] = (signed char)check_extent(c, c->set->sets.v[set].expr);
	return (enum extent)c->extents[set];
}

enum extent check_extent(const struct checker *c, const struct expr *e)
{
	size_t all = 0, none = 0;

	if (!e)
		return EXTENT_ALL;
	if (e->op == EXPR_ATOM) {
		if (e->atom.kind == ATOM_SET)
			return set_extent(c, e->atom.set);
		if (e->atom.kind == ATOM_FILE && !e->atom.prefixes.n)
			return EXTENT_NONE;
		return e->atom.kind == ATOM_ANY ? EXTENT_ALL : EXTENT_SOME;
	}
	for (size_t i = 0; i < e->n; i++) {
		enum extent x = check_extent(c, e->v[i]);

		all += x == EXTENT_ALL;
		none += x == EXTENT_NONE;
		if (e->op == EXPR_EXCEPT &&
		    ((i == 0 && x == EXTENT_NONE) || (i == 1 && x == EXTENT_ALL)))
			return EXTENT_NONE;
	}
	if (e->op == EXPR_EXCEPT)
		return all == 1 && none == 1 ? EXTENT_ALL : EXTENT_SOME;
	if (e->op == EXPR_OR ? all : all == e->n)
		return EXTENT_ALL;
	return (e->op == EXPR_AND ? none : none == e->n) ? EXTENT_NONE : EXTENT_SOME;
}

/* True only if a certainly holds wherever b does. */
static bool covers(const struct checker *c, const struct expr *a, const struct expr *b)
{
	struct buf x = { 0 }, y = { 0 };
	bool same;

	if (check_extent(c, a) == EXTENT_ALL)
		return true;
	if (!a || !b)
		return false;
	policy_print_expr(a, &x);
	policy_print_expr(b, &y);
	same = !strcmp(buf_text(&x), buf_text(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

/* ---- policies ---------------------------------------------------------------------- */

static void warn_never(struct checker *c, const struct policy *p)
{
	if (p->from && check_extent(c, p->from) == EXTENT_NONE)
		check_warning(c, p->from->pos, NULL,
			      "policy \"%s\" never applies: its 'from' is empty", p->name);
	if (p->to && check_extent(c, p->to) == EXTENT_NONE)
		check_warning(c, p->to->pos, NULL, "policy \"%s\" never applies: its 'to' is empty",
			      p->name);
	for (size_t i = 0; i < p->excepts.n; i++) {
		const struct except *e = &p->excepts.v[i];

		if (!e->services.n && e->initiated == INITIATED_ANY && !e->during &&
		    covers(c, e->from, p->from) && covers(c, e->to, p->to))
			check_warning(
				c, e->pos, NULL,
				"policy \"%s\" never applies: this 'except' takes out all of it",
				p->name);
	}
}

static void warn_ats(struct checker *c, const struct policy *p)
{
	for (size_t i = 0; i + 1 < p->ats.n; i++)
		if (p->ats.v[i].actions.drop && !p->ats.v[i].actions.drop_seconds) {
			check_warning(c, p->ats.v[i + 1].pos, NULL,
				      "'at %u%%' is never reached: at %u%% everything is dropped",
				      p->ats.v[i + 1].percent, p->ats.v[i].percent);
			return;
		}
}

/* A smaller quota of the same kind trips first, so the larger one never does. */
static void warn_quotas(struct checker *c, const struct policy *p)
{
	for (size_t i = 0; i < p->quotas.n; i++)
		for (size_t k = 0; k < p->quotas.n; k++) {
			const struct quota *a = &p->quotas.v[i], *b = &p->quotas.v[k];

			if (a->key == b->key && a->wire == b->wire && a->period == b->period &&
			    a->hours == b->hours && a->month_day == b->month_day &&
			    a->prefix4 == b->prefix4 && a->prefix6 == b->prefix6 &&
			    a->bytes > b->bytes)
				check_warning(
					c, a->pos, NULL,
					"this quota is never reached: the smaller one in line %u trips first",
					b->pos.line);
		}
}

static void warn_mode(struct checker *c, const struct policy *p)
{
	if (p->mode == MODE_ENFORCE && c->set->mode != MODE_ENFORCE)
		check_warning(
			c, p->pos,
			"write 'mode enforce' at the top level; other policies can say 'mode observe'",
			"policy \"%s\" says 'mode enforce', but the global mode is observe",
			p->name);
}

static bool names_policy(const struct exempt *e, const char *name)
{
	for (size_t i = 0; i < e->policies.n; i++)
		if (!strcmp(e->policies.v[i], name))
			return true;
	return !e->policies.n;
}

/* A policy all of which an exempt or a protect covers. */
static void warn_shadowed(struct checker *c, const struct policy *p)
{
	for (size_t i = 0; i < c->set->exempts.n; i++) {
		const struct exempt *e = &c->set->exempts.v[i];

		if (e->services.n || e->during || e->has_until || !names_policy(e, p->name) ||
		    !covers(c, e->from, p->from) || !covers(c, e->to, p->to))
			continue;
		check_warning(c, e->pos, "narrow it by 'from', 'to', 'during' or 'until'",
			      "policy \"%s\" never applies: this 'exempt' covers all of it",
			      p->name);
	}
	for (size_t i = 0; i < c->set->protects.n; i++) {
		const struct protect *r = &c->set->protects.v[i];

		if (!r->services.n && covers(c, r->from, p->from) && covers(c, r->to, p->to))
			check_warning(c, r->pos, "narrow it by 'from' and 'to'",
				      "policy \"%s\" never drops: this 'protect' covers all of it",
				      p->name);
	}
}

static void warn_sources(struct checker *c, const struct expr *e)
{
	if (e->atom.kind == ATOM_INSIDE && !c->set->inside.n)
		check_warning(c, e->pos, "add: inside eth1",
			      "'inside' never matches: no interface is inside");
}

/* ---- destinations -------------------------------------------------------------------- */

static void warn_own_network(struct checker *c, const struct expr *e)
{
	char text[PREFIX_TEXT_MAX];

	if (e->atom.kind != ATOM_PREFIX)
		return;
	for (size_t i = 0; i < c->set->networks.n; i++) {
		const struct prefix *net = &c->set->networks.v[i];

		if (e->atom.prefix.bits < net->bits || !prefix_contains(net, &e->atom.prefix.addr))
			continue;
		check_warning(
			c, e->pos, NULL,
			"this never matches: it lies in 'networks' (%s), which are never a destination",
			prefix_format(net, text));
		return;
	}
}

/* Networks in which anyone can rent an address; the exception is then an open door. */
static void warn_cloud(struct checker *c, const struct expr *e, const struct expr *by_set)
{
	static const struct {
		uint32_t asn;
		const char *name;
	} clouds[] = {
		{ 16509, "Amazon" },       { 14618, "Amazon" },        { 8075, "Microsoft" },
		{ 15169, "Google" },       { 396982, "Google Cloud" }, { 13335, "Cloudflare" },
		{ 31898, "Oracle" },       { 36351, "IBM Cloud" },     { 45102, "Alibaba" },
		{ 37963, "Alibaba" },      { 132203, "Tencent" },      { 136907, "Huawei" },
		{ 14061, "DigitalOcean" }, { 24940, "Hetzner" },       { 16276, "OVH" },
		{ 20473, "Vultr" },        { 63949, "Akamai Linode" }, { 20940, "Akamai" },
	};

	/* the place is where it is let out, not where a set names it; what 'except' takes out is
	 * not let out */
	for (size_t i = 0; e && i < (e->op == EXPR_EXCEPT ? 1 : e->n); i++)
		warn_cloud(c, e->v[i], by_set);
	if (!e || e->op != EXPR_ATOM)
		return;
	if (e->atom.kind == ATOM_SET)
		warn_cloud(c, c->set->sets.v[e->atom.set].expr, by_set ? by_set : e);
	for (size_t i = 0; i < ARRAY_SIZE(clouds); i++)
		if (e->atom.kind == ATOM_ASN && clouds[i].asn == e->atom.number)
			check_warning(
				c, by_set ? by_set->pos : e->pos,
				"name the networks you use, or give it a quota of its own",
				"anyone can rent an address in AS%u (%s): this lets uploads to all of them pass",
				clouds[i].asn, clouds[i].name);
}

static void warn_destinations(struct checker *c)
{
	const struct policy_set *set = c->set;

	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		/* what is taken out may well lie in our networks */
		check_each_atom(c, p->to && p->to->op == EXPR_EXCEPT ? p->to->v[0] : p->to,
				warn_own_network);
		for (size_t k = 0; k < p->excepts.n; k++)
			warn_cloud(c, p->excepts.v[k].to, NULL);
	}
	for (size_t i = 0; i < set->exempts.n; i++) {
		check_each_atom(c, set->exempts.v[i].to, warn_own_network);
		warn_cloud(c, set->exempts.v[i].to, NULL);
	}
	for (size_t i = 0; i < set->protects.n; i++)
		check_each_atom(c, set->protects.v[i].to, warn_own_network);
}

/* ---- definitions --------------------------------------------------------------------- */

struct usage {
	struct checker c; /* first: the walker hands it back */
	bool *sets, *windows;
};

static void use_set(struct checker *c, const struct expr *e)
{
	if (e->atom.kind == ATOM_SET)
		((struct usage *)c)->sets[e->atom.set] = true;
}

static void use_window(struct checker *c, const struct time_expr *t)
{
	if (t->op == TIME_WINDOW)
		((struct usage *)c)->windows[t->window] = true;
}

static void warn_unused(struct checker *c)
{
	struct usage u = { .c = *c };

	u.sets = xcalloc(c->set->sets.n, sizeof(bool));
	u.windows = xcalloc(c->set->windows.n, sizeof(bool));
	check_everywhere(&u.c, use_set, use_window);
	for (size_t i = 0; i < c->set->sets.n; i++)
		if (!u.sets[i])
			check_warning(c, c->set->sets.v[i].pos, NULL, "set '%s' is not used",
				      c->set->sets.v[i].name);
	for (size_t i = 0; i < c->set->windows.n; i++)
		if (!u.windows[i])
			check_warning(c, c->set->windows.v[i].pos, NULL, "window '%s' is not used",
				      c->set->windows.v[i].name);
	free(u.sets);
	free(u.windows);
}

static void warn_empty_file(struct checker *c, const struct expr *e)
{
	if (e->atom.kind == ATOM_FILE && !e->atom.prefixes.n)
		check_warning(c, e->pos, NULL, "\"%s\" has no addresses", e->atom.text);
}

static void warn_empty_dates(struct checker *c, const struct time_expr *t)
{
	if (t->op == TIME_FILE && !t->dates.n)
		check_warning(c, t->pos, NULL, "\"%s\" has no dates", t->text);
}

/* What is closed is closed to the gateway too, and to whoever administers it. */
static void warn_closed(struct checker *c)
{
	static const enum on_event lasting[] = { ON_DAEMON_STALL, ON_SCHEDULE_END, ON_TIME_UNKNOWN,
						 ON_GEO_MISSING };

	for (size_t i = 0; i < ARRAY_SIZE(lasting) && !c->set->protects.n; i++)
		if (failing_of(c->set, lasting[i])->fail == CF_FAIL_CLOSED)
			check_warning(
				c, c->set->on[lasting[i]].pos,
				lasting[i] == ON_TIME_UNKNOWN
					? "so that the clock can be set: protect { from gateway  to any  service udp/123 }"
					: "for your own way in: protect { from gateway  to YOUR-ADDRESS  service tcp/22 }",
				"'on %s closed' drops all that is judged, the gateway's own packets too, "
				"but what a 'protect' is about, and there is none",
				words_on[lasting[i]].event);
}

void check_warnings(struct checker *c)
{
	const struct policy_set *set = c->set;

	if (!set->inside.n && !set->outside.n)
		check_warning(c, (struct pos){ 0, 1, 1 }, "add: inside eth1  outside eth0",
			      "no interface is named: nothing will be watched");
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *p = &set->policies.v[i];

		warn_never(c, p);
		warn_ats(c, p);
		warn_quotas(c, p);
		warn_mode(c, p);
		warn_shadowed(c, p);
	}
	check_times(c);
	check_everywhere(c, warn_sources, NULL);
	check_everywhere(c, warn_empty_file, warn_empty_dates);
	warn_destinations(c);
	warn_unused(c);
	warn_closed(c);
	check_published(c);
	check_addresses(c);
	check_families(c);
}
