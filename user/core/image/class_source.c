/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source classes: which rules' `from` an address meets, for each way a packet can
 * begin. Of rules that also ask for MAC, interface or VLAN, a class tells their
 * groups of literals apart; class_cells.c then asks them with each combination.
 */
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"

struct class_rows {
	struct cf_row from[CF_FROM_MAX];
};

static void find_facet_rules(struct source_classes *s)
{
	const struct build *b = s->b;

	s->words = (b->from.literals.groups + 63) / 64;
	s->groups = xcalloc(s->words, sizeof(*s->groups));
	for (uint32_t i = 0; i < b->rules.n; i++) {
		if (!conditions_ask_facets(&b->from, b->rules.v[i].from))
			continue;
		row_set(&s->facet_rules, i);
		conditions_groups(&b->from, b->rules.v[i].from, s->groups);
	}
}

/* Of rules that ask for nothing else: the others are left out. */
static void rows_of(const struct source_classes *s, uint32_t set, struct class_rows *ret)
{
	const struct build *b = s->b;
	const struct facts f = { .set = set };

	for (uint32_t from = 0; from < CF_FROM_MAX; from++)
		for (uint32_t i = 0; i < b->rules.n; i++)
			if (!row_has(&s->facet_rules, i) &&
			    conditions_hold(&b->from, b->rules.v[i].from, &f, from))
				row_set(&ret->from[from], i);
}

/* The class of a set of groups. */
static uint32_t class_of(struct source_classes *s, struct intern *classes, uint32_t set)
{
	const uint64_t *has = intern_key(&s->b->from.literals.sets, set);
	_cleanup_free_ uint64_t *key = xcalloc(1, classes->key_size);
	uint64_t *groups = key + sizeof(struct class_rows) / sizeof(*key);
	bool fresh;
	uint32_t n;

	rows_of(s, set, (struct class_rows *)key);
	for (size_t i = 0; i < s->words; i++)
		groups[i] = has[i] & s->groups[i];
	n = intern_add(classes, key, &fresh);
	if (fresh)
		*VEC_ADD(&s->set_of) = set;
	return n;
}

static void add_source(struct image *img, const struct cf_source_range *s)
{
	const struct cf_source_range *last =
		img->sources.n ? &img->sources.v[img->sources.n - 1] : NULL;

	if (last && last->source_class == s->source_class && last->flags == s->flags)
		return;
	*VEC_ADD(&img->sources) = *s;
}

/* Groups of literals that no rule asks for. */
struct source_groups {
	uint32_t on_link, inside;
};

static void add_text(struct literals *l, uint32_t group, const char *text)
{
	struct prefix p;

	if (prefix_parse(text, &p) == 0)
		literals_add(l, group, &p);
}

/*
 * What a packet from inside may truly come from. Of a family of which nothing is known,
 * or whose default route leads inside, as on a bridge, that is anything.
 */
static void add_inside(struct literals *l, uint32_t group, const struct machine *m)
{
	bool any[2] = { m->inside_default[0], m->inside_default[1] };
	bool known[2] = { false, false };

	for (size_t i = 0; i < m->inside.n; i++) {
		const struct prefix *p = &m->inside.v[i];

		literals_add(l, group, p);
		if (addr_is4(&p->addr))
			known[0] = true;
		else if (p->addr.b[0] != 0xfe || (p->addr.b[1] & 0xc0) != 0x80)
			known[1] = true;
	}
	for (size_t i = 0; i < m->inside_links.n; i++)
		literals_add(l, group, &m->inside_links.v[i]);
	if (any[0] || !known[0])
		add_text(l, group, "0.0.0.0/0");
	if (any[1] || !known[1])
		add_text(l, group, "::/0");
	/* who has no address yet, or speaks on the link alone */
	add_text(l, group, "0.0.0.0/32");
	add_text(l, group, "169.254.0.0/16");
	add_text(l, group, "::/128");
	add_text(l, group, "fe80::/10");
}

static uint32_t flags_of(const struct literals *l, uint32_t set, const struct source_groups *g)
{
	return (literals_has(l, set, g->on_link) ? CF_SOURCE_ON_LINK : 0) |
	       (literals_has(l, set, g->inside) ? 0 : CF_SOURCE_FOREIGN);
}

static void add_sources(struct source_classes *s, struct intern *classes,
			const struct source_groups *g)
{
	const struct literals *l = &s->b->from.literals;
	_cleanup_free_ uint32_t *of_set = xcalloc(l->sets.n, sizeof(*of_set));

	for (uint32_t set = 0; set < l->sets.n; set++) {
		const struct facts f = { .set = set };

		of_set[set] = class_of(s, classes, set);
		for (uint32_t from = 0; s->b->in->warn && from < CF_FROM_MAX; from++)
			conditions_meet(&s->b->from, false, &f, from);
	}
	for (size_t i = 0; i < l->points.n; i++) {
		const struct literal_point *p = &l->points.v[i];

		add_source(s->b->img, &(struct cf_source_range){
					      .hi = (uint64_t)(p->start >> 64),
					      .lo = (uint64_t)p->start,
					      .source_class = of_set[p->set],
					      .flags = flags_of(l, p->set, g),
				      });
	}
}

static void add_rows(struct source_classes *s, const struct intern *classes)
{
	struct image *img = s->b->img;

	img->source_classes = (uint32_t)classes->n;
	for (uint32_t from = 0; from < CF_FROM_MAX; from++)
		for (uint32_t i = 0; i < classes->n; i++) {
			const struct class_rows *rows = intern_key(classes, i);

			*VEC_ADD(&img->src_rows) = rows->from[from];
		}
}

void build_sources(struct build *b)
{
	struct source_classes s = { .b = b };
	const struct machine *m = b->in->machine;
	struct intern classes = { 0 };
	struct source_groups g;

	g.on_link = literals_group(&b->from.literals);
	g.inside = literals_group(&b->from.literals);
	for (size_t i = 0; m && i < m->inside_links.n; i++)
		literals_add(&b->from.literals, g.on_link, &m->inside_links.v[i]);
	add_inside(&b->from.literals, g.inside, m ? m : &(struct machine){ 0 });
	conditions_ready(&b->from);
	find_facet_rules(&s);
	b->img->facet_rules = s.facet_rules;
	classes.key_size = sizeof(struct class_rows) + s.words * sizeof(*s.groups);
	add_sources(&s, &classes, &g);
	add_rows(&s, &classes);
	if (classes.n > CF_CLASSES_MAX)
		build_error(b, NOWHERE, "name fewer different hosts and networks in 'from'",
			    "the policies tell %zu sets of sources apart, %d at most", classes.n,
			    CF_CLASSES_MAX);
	else
		build_cells(&s);
	if (b->img->sources.n > CF_SOURCE_RANGES_MAX)
		build_error(b, NOWHERE, "name networks instead of single hosts in 'from'",
			    "%zu ranges of sources, %d at most", b->img->sources.n,
			    CF_SOURCE_RANGES_MAX);
	free(s.groups);
	free(s.set_of.v);
	intern_done(&classes);
}
