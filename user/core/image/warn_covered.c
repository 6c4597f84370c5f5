/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies of which others leave nothing. What a rule is about is a product: of sources,
 * destinations, services and times. In each of them the tables say which other rules
 * hold where this one does; it is covered if no choice of one of each is without any.
 */
#include <string.h>

#include "core/image/row.h"
#include "core/image/warn.h"

enum { DESTINATIONS, SOURCES, SERVICES, TIMES, DIMENSIONS };
/* More combinations than this are not tried: then it is not covered as far as we know. */
#define CHOICES_MAX 512
#define TRIES_MAX   1000000

struct cover {
	const struct build *b;
	uint32_t policy; /* rule */
	struct cf_row others;
	struct intern choices[DIMENSIONS]; /* struct cf_row: of the others, which hold too */
	unsigned int tries;
};

static void take(struct cover *c, unsigned int dimension, const struct cf_row *row)
{
	struct cf_row others;

	if (!row_has(row, c->policy) || c->choices[dimension].n > CHOICES_MAX)
		return;
	others = row_and(row, &c->others);
	intern_add(&c->choices[dimension], &others, NULL);
}

/* From inside, with facets: by each combination. */
static void take_sources(struct cover *c)
{
	const struct image *img = c->b->img;

	for (uint32_t from = 0; from < CF_FROM_MAX; from++)
		for (uint32_t i = 0; i < img->source_classes; i++)
			if (!img->facets.used || from != CF_FROM_INSIDE)
				take(c, SOURCES, &img->src_rows.v[from * img->source_classes + i]);
	for (size_t i = 0; img->facets.used && i < img->src_cells.n; i++)
		take(c, SOURCES, &img->src_rows.v[img->src_cells.v[i]]);
}

static void take_all(struct cover *c)
{
	const struct image *img = c->b->img;

	for (size_t i = 0; i < img->dst_rows.n; i++)
		take(c, DESTINATIONS, &img->dst_rows.v[i]);
	take_sources(c);
	for (size_t i = 0; i < img->services.n; i++)
		take(c, SERVICES, &img->service_rows.v[img->services.v[i].row]);
	if (!img->services.n)
		intern_add(&c->choices[SERVICES], &c->others, NULL);
	for (size_t i = 0; i + 1 < img->segments.n; i++)
		take(c, TIMES, &img->time_rows.v[img->segments.v[i].row]);
}

static bool always_met(struct cover *c, unsigned int dimension, const struct cf_row *so_far)
{
	const struct intern *choices = &c->choices[dimension];

	for (uint32_t i = 0; i < choices->n; i++) {
		struct cf_row row = row_and(so_far, intern_key(choices, i));

		if (row_empty(&row) || c->tries++ > TRIES_MAX)
			return false;
		if (dimension + 1 < DIMENSIONS && !always_met(c, dimension + 1, &row))
			return false;
	}
	return true;
}

/*
 * Whether `others` together cover the policy; *ret_alone: those of them that do so alone. The
 * schedule is no proof for what depends on dates: who calls leaves such rules out.
 */
static bool covered(const struct build *b, uint32_t policy, struct cf_row others,
		    struct cf_row *ret_alone)
{
	struct cover c = { .b = b, .policy = policy, .others = others };
	bool all = true;

	*ret_alone = others;
	if (row_empty(&others))
		return false;
	for (unsigned int d = 0; d < DIMENSIONS; d++)
		c.choices[d].key_size = sizeof(struct cf_row);
	take_all(&c);
	for (unsigned int d = 0; d < DIMENSIONS; d++) {
		/* it never matches at all, or not in the days that the schedule has */
		all &= c.choices[d].n && c.choices[d].n <= CHOICES_MAX;
		for (uint32_t i = 0; i < c.choices[d].n; i++)
			*ret_alone = row_and(ret_alone, intern_key(&c.choices[d], i));
	}
	all = all && always_met(&c, DESTINATIONS, &others);
	for (unsigned int d = 0; d < DIMENSIONS; d++)
		intern_done(&c.choices[d]);
	if (!all)
		*ret_alone = (struct cf_row){ 0 };
	return all;
}

/* ---- which rules are looked at ----------------------------------------------------- */

static bool is_dated(const struct policy_set *set, const struct time_expr *t)
{
	if (!t)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (is_dated(set, t->v[i]))
			return true;
	/* and one of a zone of its own: two zones need not change their clocks in the same week */
	if (t->op == TIME_WINDOW)
		return set->windows.v[t->window].zone ||
		       is_dated(set, set->windows.v[t->window].when);
	return t->op == TIME_DATES || t->op == TIME_FILE || t->op == TIME_BETWEEN;
}

/* The rule's time is always, or both are the same every week; and it is as much about who began. */
static bool comparable(const struct build *b, uint32_t rule, uint32_t policy)
{
	const struct policy_set *set = b->in->set;
	const struct rule_origin *r = &b->rules.v[rule], *p = &b->rules.v[policy];

	if (r->has_until || (r->initiated != INITIATED_ANY && r->initiated != p->initiated))
		return false;
	return !r->during || (!is_dated(set, r->during) && !is_dated(set, p->during));
}

static bool is_policy(const struct build *b, uint32_t rule)
{
	return b->img->rules.v[rule].kind == CF_RULE_POLICY &&
	       !(b->img->rule_policy.v[rule] & IMAGE_PUBLISH);
}

static const struct policy *policy_of(const struct build *b, uint32_t rule)
{
	return &b->in->set->policies.v[b->img->rule_policy.v[rule]];
}

static struct pos pos_of(const struct build *b, uint32_t rule)
{
	return b->rules.v[rule].pos;
}

/* ---- what takes everything out ------------------------------------------------------- */

static void say_alone(struct build *b, uint32_t policy, const struct cf_row *alone)
{
	const char *name = policy_of(b, policy)->name;

	for (uint32_t i = 0; i < b->img->rules.n; i++) {
		if (!row_has(alone, i))
			continue;
		if (b->img->rules.v[i].kind == CF_RULE_EXCEPT)
			warn_once(b, pos_of(b, i), NULL,
				  "policy \"%s\" never applies: this 'except' takes out all of it",
				  name);
		else if (b->img->rules.v[i].kind == CF_RULE_EXEMPT)
			warn_once(b, pos_of(b, i), "narrow it by 'from', 'to', 'during' or 'until'",
				  "policy \"%s\" never applies: this 'exempt' covers all of it",
				  name);
		else
			warn_once(b, pos_of(b, i), "narrow it by 'from' and 'to'",
				  "policy \"%s\" never drops: this 'protect' covers all of it",
				  name);
	}
}

static void warn_cleared(struct build *b, uint32_t policy)
{
	const struct image *img = b->img;
	struct cf_row clearing = { 0 }, protects = { 0 }, alone;

	for (uint32_t i = 0; i < img->rules.n; i++) {
		const struct cf_rule *r = &img->rules.v[i];

		if (!comparable(b, i, policy))
			continue;
		if ((r->kind == CF_RULE_EXCEPT || r->kind == CF_RULE_EXEMPT) &&
		    row_has(&r->clears, policy))
			row_set(&clearing, i);
		if (r->kind == CF_RULE_PROTECT)
			row_set(&protects, i);
	}
	if (covered(b, policy, clearing, &alone)) {
		say_alone(b, policy, &alone);
		if (row_empty(&alone))
			warn_once(
				b, pos_of(b, policy), "narrow one of them",
				"policy \"%s\" never applies: what is taken out of it by 'except' and "
				"'exempt' is together all of it",
				policy_of(b, policy)->name);
	}
	if (covered(b, policy, protects, &alone)) {
		say_alone(b, policy, &alone);
		if (row_empty(&alone))
			warn_once(
				b, pos_of(b, policy), "narrow one of them",
				"policy \"%s\" never drops: the 'protect' lines cover together all of it",
				policy_of(b, policy)->name);
	}
}

/* ---- what is dropped already ------------------------------------------------------------ */

/* Drops whatever it is about; nothing lets pass of it what it does not let pass of `policy`. */
static bool drops_all(const struct build *b, uint32_t rule, uint32_t policy)
{
	const struct image *img = b->img;

	if (!is_policy(b, rule) || rule == policy || !(img->rules.v[rule].flags & CF_RULE_DROP) ||
	    policy_of(b, rule)->mode == MODE_OBSERVE || !comparable(b, rule, policy))
		return false;
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (row_has(&img->rules.v[i].clears, rule) &&
		    !row_has(&img->rules.v[i].clears, policy))
			return false;
	return true;
}

/* Of two that drop the same, the later one is too many. */
static bool is_first_of_two(const struct build *b, uint32_t policy, uint32_t by)
{
	struct cf_row me = { 0 }, alone;

	row_set(&me, policy);
	return policy < by && drops_all(b, policy, by) && covered(b, by, me, &alone);
}

/* As printed but for the name, which is in the first line; NULL: no policy. The caller frees all.
 */
static char **print_bodies(const struct build *b)
{
	char **body = xcalloc(b->img->rules.n, sizeof(*body));

	for (uint32_t i = 0; i < b->img->rules.n; i++) {
		_cleanup_buf_ struct buf text = { 0 };
		const char *second;

		if (!is_policy(b, i))
			continue;
		policy_print_policy(b->in->set, policy_of(b, i), &text);
		second = strchr(buf_text(&text), '\n');
		if (second)
			body[i] = xstrdup(second);
	}
	return body;
}

static bool warn_twin(struct build *b, uint32_t policy, char *const *body)
{
	for (uint32_t i = 0; i < policy; i++) {
		if (!body[i] || !body[policy] || strcmp(body[i], body[policy]))
			continue;
		warn_once(b, pos_of(b, policy), "remove one of them",
			  "policy \"%s\" says the same as policy \"%s\"",
			  policy_of(b, policy)->name, policy_of(b, i)->name);
		return true;
	}
	return false;
}

static void warn_dropped(struct build *b, uint32_t policy)
{
	const struct image *img = b->img;
	struct cf_row droppers = { 0 }, alone;

	/* it alerts all the same, or drops for longer */
	if (img->rules.v[policy].flags & (CF_RULE_ALERT | CF_RULE_HOLDS))
		return;
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (drops_all(b, i, policy))
			row_set(&droppers, i);
	covered(b, policy, droppers, &alone);
	for (uint32_t i = 0; i < img->rules.n; i++) {
		if (!row_has(&alone, i) || is_first_of_two(b, policy, i))
			continue;
		warn_once(b, pos_of(b, policy), "remove one of them, or narrow the other",
			  "policy \"%s\" never decides anything: policy \"%s\" drops all of it",
			  policy_of(b, policy)->name, policy_of(b, i)->name);
		return;
	}
}

void warn_covered(struct build *b)
{
	char **body = print_bodies(b);

	for (uint32_t i = 0; i < b->img->rules.n; i++) {
		if (!is_policy(b, i))
			continue;
		warn_cleared(b, i);
		if (!warn_twin(b, i, body))
			warn_dropped(b, i);
	}
	for (uint32_t i = 0; i < b->img->rules.n; i++)
		free(body[i]);
	free(body);
}
