/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destination labels: walks the address space once, over the ranges of all
 * databases and literals together, and asks of each distinct combination of
 * facts, once, which rules are about it.
 */
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"
#include "core/policy/never_judged.h"

/* Why an address is never judged: a group of literals each, the first that holds it counts. */
static const enum cf_reason ignored_reasons[] = {
	CF_REASON_IGNORED_LOCAL,
	CF_REASON_IGNORED_MULTICAST,
	CF_REASON_IGNORED_LINK_LOCAL,
	CF_REASON_IGNORED_NETWORKS,
};
#define IGNORED_KINDS ARRAY_SIZE(ignored_reasons)
enum { LOCAL, MULTICAST, LINK_LOCAL, NETWORKS };

/* One database under the sweep. */
struct cursor {
	const struct geo_table *table;
	struct facts *facts; /* by record */
	size_t i;            /* the first range that ends at or after the sweep */
};

/* What the country alone tells, by FACTS_CC: distances to centroids, filled when asked for. */
struct centroid {
	bool known;
	uint16_t distance;
};

struct sweep {
	struct build *b;
	uint32_t ignored[IGNORED_KINDS]; /* groups */
	IMAGE_ARRAY(uint32_t) listed;    /* conditions of `ignore destination` */
	struct cursor cursors[3];        /* in the order of geo_find() */
	size_t point;
	struct centroid *centroids;
	struct intern matches; /* struct facts, the ASN only if a rule names it: few */
	IMAGE_ARRAY(struct cf_label) match_labels; /* yet without ASN and country */
	struct intern rows, labels;
};

static void sweep_done(struct sweep *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->cursors); i++)
		free(s->cursors[i].facts);
	free(s->centroids);
	free(s->match_labels.v);
	free(s->listed.v);
	intern_done(&s->matches);
	intern_done(&s->rows);
	intern_done(&s->labels);
}

static void add_list(struct literals *l, uint32_t group, const struct prefix_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		literals_add(l, group, &list->v[i]);
}

/* A /31 has no broadcast address (RFC 3021), a /32 none but itself. */
static void add_broadcasts(struct literals *l, uint32_t group, const struct prefix_list *links)
{
	for (size_t i = 0; i < links->n; i++) {
		struct prefix p = { .bits = 128 };

		if (!prefix_is4(&links->v[i]) || links->v[i].bits > 126)
			continue;
		p.addr = prefix_last(&links->v[i]);
		literals_add(l, group, &p);
	}
}

static void add_ignored(struct sweep *s)
{
	struct literals *l = &s->b->to.literals;
	const struct machine *m = s->b->in->machine;

	for (size_t i = 0; i < IGNORED_KINDS; i++)
		s->ignored[i] = literals_group(l);
	for (size_t i = 0; i < never_judged_rows; i++) {
		bool cast = never_judged[i].reason == CF_REASON_IGNORED_MULTICAST;
		struct prefix p;

		if (!prefix_parse(never_judged[i].prefix, &p))
			literals_add(l, s->ignored[cast ? MULTICAST : LINK_LOCAL], &p);
	}
	add_list(l, s->ignored[NETWORKS], &s->b->in->set->networks);
	for (size_t i = 0; i < s->b->in->set->ignores.n; i++)
		*VEC_ADD(&s->listed) =
			conditions_add(s->b, &s->b->to, s->b->in->set->ignores.v[i].to);
	if (!m)
		return;
	add_list(l, s->ignored[LOCAL], &m->local);
	add_list(l, s->ignored[NETWORKS], &m->inside);
	add_list(l, s->ignored[NETWORKS], &m->inside_links);
	add_broadcasts(l, s->ignored[MULTICAST], &m->inside_links);
}

static uint16_t distance_of(const struct sweep *s, double latitude, double longitude)
{
	const struct site *site = &s->b->in->set->site;

	return conditions_distance(
		&s->b->to, geo_distance_km(site->latitude, site->longitude, latitude, longitude));
}

static struct facts record_facts(const struct sweep *s, const struct geo_record *r)
{
	const struct conditions *to = &s->b->to;
	struct facts f = { .asn = r->asn };

	if (r->cc[0])
		f.cc = FACTS_CC(r->cc);
	if (r->continent[0])
		f.continent = FACTS_CC(r->continent);
	if (r->has_location && to->thresholds.n)
		f.distance = distance_of(s, r->latitude, r->longitude);
	if (r->city && to->cities.n)
		f.city = conditions_city(to, r->city);
	return f;
}

static void open_cursor(struct sweep *s, struct cursor *c, const struct geo_table *t)
{
	c->table = t;
	if (!t)
		return;
	c->facts = xcalloc(t->records.n, sizeof(*c->facts));
	for (size_t i = 0; i < t->records.n; i++)
		c->facts[i] = record_facts(s, &t->records.v[i]);
}

/* Adds what this database knows at `at`; *end comes down to where that changes. */
static void cursor_take(struct cursor *c, uint128 at, struct facts *f, uint128 *end)
{
	const struct geo_range *r;
	const struct facts *found;
	uint128 first, last = 0;

	if (!c->table)
		return;
	for (; c->i < c->table->ranges.n; c->i++) {
		last = wide_from(&c->table->ranges.v[c->i].last);
		if (last >= at)
			break;
	}
	if (c->i == c->table->ranges.n)
		return;
	r = &c->table->ranges.v[c->i];
	first = wide_from(&r->first);
	if (first > at) {
		if (first - 1 < *end)
			*end = first - 1;
		return;
	}
	if (last < *end)
		*end = last;
	found = &c->facts[r->record];
	if (!f->cc && found->cc) {
		f->cc = found->cc;
		f->continent = found->continent;
	} else if (!f->continent) {
		f->continent = found->continent;
	}
	f->asn = f->asn ? f->asn : found->asn;
	f->distance = f->distance ? f->distance : found->distance;
	f->city = f->city ? f->city : found->city;
}

static uint16_t centroid_distance(struct sweep *s, uint16_t cc)
{
	const char text[3] = { (char)(cc >> 8), (char)cc };
	struct centroid *c = &s->centroids[cc];
	double latitude, longitude;

	if (c->known)
		return c->distance;
	c->known = true;
	if (geo_country_location(text, &latitude, &longitude))
		c->distance = distance_of(s, latitude, longitude);
	return c->distance;
}

static uint32_t row_of(struct sweep *s, const struct facts *f)
{
	struct build *b = s->b;
	struct cf_row row = { 0 };
	bool fresh;
	uint32_t n;

	for (uint32_t i = 0; i < b->rules.n; i++)
		if (conditions_hold(&b->to, b->rules.v[i].to, f, CF_FROM_MAX))
			row_set(&row, i);
	n = intern_add(&s->rows, &row, &fresh);
	if (fresh)
		*VEC_ADD(&b->img->dst_rows) = row;
	return n;
}

static struct cf_label match(struct sweep *s, const struct facts *f)
{
	for (size_t i = 0; i < IGNORED_KINDS; i++)
		if (literals_has(&s->b->to.literals, f->set, s->ignored[i]))
			return (struct cf_label){ .flags = CF_LABEL_IGNORED,
						  .reason = (uint16_t)ignored_reasons[i] };
	for (size_t i = 0; i < s->listed.n; i++)
		if (conditions_hold(&s->b->to, s->listed.v[i], f, CF_FROM_MAX))
			return (struct cf_label){ .flags = CF_LABEL_IGNORED,
						  .reason = CF_REASON_IGNORED_DESTINATION };
	return (struct cf_label){ .row = row_of(s, f) };
}

static uint32_t add_label(struct sweep *s, struct cf_label label)
{
	bool fresh;
	uint32_t n = intern_add(&s->labels, &label, &fresh);

	if (fresh)
		*VEC_ADD(&s->b->img->labels) = label;
	return n;
}

/* A label names AS and country only where a quota that can meet it is kept by them. */
static uint32_t label_of(struct sweep *s, const struct facts *f)
{
	struct build *b = s->b;
	struct facts key = *f;
	struct cf_label label;
	const struct cf_row *row;
	bool fresh;
	uint32_t n;

	if (!conditions_name_asn(&b->to, key.asn))
		key.asn = 0;
	n = intern_add(&s->matches, &key, &fresh);
	if (fresh) {
		*VEC_ADD(&s->match_labels) = match(s, &key);
		if (b->in->warn)
			conditions_meet(&b->to, false, &key, CF_FROM_MAX);
	}
	label = s->match_labels.v[n];
	row = &b->img->dst_rows.v[label.row];
	if (row_meets(row, &b->asn_rules))
		label.asn = f->asn;
	if (row_meets(row, &b->country_rules) && f->cc) {
		label.cc[0] = (char)(f->cc >> 8);
		label.cc[1] = (char)f->cc;
	}
	return add_label(s, label);
}

static void emit(struct build *b, uint128 at, uint32_t label)
{
	if (at >= WIDE_V4_FIRST && at <= WIDE_V4_LAST) {
		if (!b->changes4.n || b->changes4.v[b->changes4.n - 1].label != label)
			*VEC_ADD(&b->changes4) =
				(struct change4){ .start = (uint32_t)at, .label = label };
		return;
	}
	if (!b->changes6.n || b->changes6.v[b->changes6.n - 1].label != label)
		*VEC_ADD(&b->changes6) = (struct change6){ .start = at, .label = label };
}

/* The facts of `at`, and in *ret_end the last address that shares them all. */
static struct facts facts_at(struct sweep *s, uint128 at, uint128 *ret_end)
{
	const struct literals *l = &s->b->to.literals;
	uint128 end = at < WIDE_V4_FIRST   ? WIDE_V4_FIRST - 1
		      : at <= WIDE_V4_LAST ? WIDE_V4_LAST
					   : WIDE_LAST;
	struct facts f = { 0 };

	while (s->point + 1 < l->points.n && l->points.v[s->point + 1].start <= at)
		s->point++;
	f.set = l->points.v[s->point].set;
	if (s->point + 1 < l->points.n && l->points.v[s->point + 1].start - 1 < end)
		end = l->points.v[s->point + 1].start - 1;
	for (size_t i = 0; i < ARRAY_SIZE(s->cursors); i++)
		cursor_take(&s->cursors[i], at, &f, &end);
	if (!f.distance && f.cc && s->b->to.thresholds.n)
		f.distance = centroid_distance(s, f.cc);
	/* What nobody asks about is left out, so that fewer combinations differ. */
	if (row_empty(&s->b->asn_rules) && !conditions_name_asn(&s->b->to, f.asn))
		f.asn = 0;
	*ret_end = end;
	return f;
}

static bool facts_same(const struct facts *a, const struct facts *b)
{
	return a->set == b->set && a->asn == b->asn && a->cc == b->cc &&
	       a->continent == b->continent && a->distance == b->distance && a->city == b->city;
}

static void walk(struct sweep *s)
{
	struct facts last = { 0 };
	uint32_t label = 0;
	uint128 at = 0, end;

	for (bool first = true;; first = false, at = end + 1) {
		struct facts f = facts_at(s, at, &end);

		if (first || !facts_same(&f, &last))
			label = label_of(s, &f);
		last = f;
		emit(s->b, at, label);
		if (end == WIDE_LAST)
			return;
	}
}

void build_destinations(struct build *b)
{
	_cleanup_(sweep_done) struct sweep s = {
		.b = b,
		.matches = INTERN(struct facts),
		.rows = INTERN(struct cf_row),
		.labels = INTERN(struct cf_label),
	};
	const struct cf_row none = { 0 };

	add_ignored(&s);
	conditions_ready(&b->to);
	s.centroids = xcalloc(1 << 16, sizeof(*s.centroids));
	open_cursor(&s, &s.cursors[0], b->in->geo.city);
	open_cursor(&s, &s.cursors[1], b->in->geo.country);
	open_cursor(&s, &s.cursors[2], b->in->geo.asn);
	intern_add(&s.rows, &none, NULL);
	*VEC_ADD(&b->img->dst_rows) = none;
	add_label(&s, (struct cf_label){ 0 });
	walk(&s);
	if (b->img->labels.n > CF_LABELS_MAX)
		build_error(b, NOWHERE,
			    "use fewer sets, or quotas per destination instead of per asn",
			    "the policies tell %zu sets of destinations apart, %d at most",
			    b->img->labels.n, CF_LABELS_MAX);
}
