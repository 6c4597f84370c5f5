/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources told apart by MAC, interface and VLAN: a row for each combination with a source class. */
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"

#define LEAST 1 /* class 0 is always there */

static void add_macs(struct build *b)
{
	const struct literals *l = &b->from.macs;

	for (size_t i = 0; i < l->points.n && l->points.v[i].start <= MAC_LAST; i++)
		*VEC_ADD(&b->img->macs) = (struct cf_mac_range){
			.first = (uint64_t)l->points.v[i].start,
			.mac_class = l->points.v[i].set,
		};
	if (b->img->macs.n > CF_MAC_RANGES_MAX)
		build_error(b, NOWHERE, "name fewer vendors, or hosts by their networks",
			    "%zu ranges of MAC addresses in 'from', %d at most", b->img->macs.n,
			    CF_MAC_RANGES_MAX);
}

static void add_interfaces(struct build *b)
{
	for (size_t i = 0; i < b->from.interfaces.n; i++) {
		struct image_interface *f = VEC_ADD(&b->img->interfaces);

		*f = (struct image_interface){ "" };
		/* a longer name no device has */
		strncpy(f->name, b->from.interfaces.v[i], sizeof(f->name) - 1);
	}
	if (b->from.interfaces.n >= CF_IF_MAX)
		build_error(b, NOWHERE, NULL, "%zu interfaces in 'from', %d at most",
			    b->from.interfaces.n, CF_IF_MAX - 1);
}

static void add_vlans(struct build *b)
{
	const struct literals *l = &b->from.vlans;

	if (l->sets.n < 2)
		return;
	for (uint32_t vlan = 0, i = 0; vlan < CF_VLANS; vlan++) {
		while (i + 1 < l->points.n && l->points.v[i + 1].start <= vlan)
			i++;
		*VEC_ADD(&b->img->vlan_classes) = l->points.v[i].set;
	}
}

static void count(const struct build *b, struct cf_facets *f)
{
	*f = (struct cf_facets){
		.mac_ranges = (uint32_t)b->img->macs.n,
		.mac_classes = (uint32_t)b->from.macs.sets.n,
		.interface_classes = (uint32_t)b->from.interfaces.n + LEAST,
		.vlan_classes = (uint32_t)b->from.vlans.sets.n,
	};
	f->used = f->mac_classes > 1 || f->interface_classes > 1 || f->vlan_classes > 1;
}

static bool too_many(struct build *b, const struct cf_facets *f)
{
	uint64_t cells = (uint64_t)b->img->source_classes * f->mac_classes;

	/* each factor is below 2^20 or an error already */
	if (cells <= CF_CELLS_MAX)
		cells *= f->interface_classes;
	if (cells <= CF_CELLS_MAX)
		cells *= f->vlan_classes;
	if (cells <= CF_CELLS_MAX)
		return false;
	build_error(
		b, NOWHERE, "name fewer of them, or put what is always meant together into one set",
		"%u sets of sources, %u of MAC addresses, %u interfaces and %u sets of VLANs are more "
		"than %d combinations",
		b->img->source_classes, f->mac_classes, f->interface_classes - LEAST,
		f->vlan_classes, CF_CELLS_MAX);
	return true;
}

struct cells {
	struct source_classes *s;
	struct intern rows; /* of those that are new in src_rows: the number behind `first` */
	uint32_t first;
	IMAGE_ARRAY(uint32_t) rules; /* that ask for facets */
};

/* What the rules that ask say of these facts, beside those that do not. */
static struct cf_row row_of(const struct cells *c, const struct facts *f, uint32_t from,
			    struct cf_row row)
{
	struct build *b = c->s->b;

	if (b->in->warn)
		conditions_meet(&b->from, true, f, from);
	for (size_t i = 0; i < c->rules.n; i++)
		if (conditions_hold(&b->from, b->rules.v[c->rules.v[i]].from, f, from))
			row_set(&row, c->rules.v[i]);
	return row;
}

static void add_cell(struct cells *c, const struct cf_row *row)
{
	struct image *img = c->s->b->img;
	bool fresh;
	uint32_t n = c->first + intern_add(&c->rows, row, &fresh);

	if (fresh)
		*VEC_ADD(&img->src_rows) = *row;
	*VEC_ADD(&img->src_cells) = n;
}

/* All combinations with one class, in the order of the index; returns what any of them meets. */
static struct cf_row add_class(struct cells *c, uint32_t class, struct cf_row base)
{
	const struct cf_facets *n = &c->s->b->img->facets;
	struct facts f = { .set = c->s->set_of.v[class] };
	struct cf_row any = base;

	for (f.macs = 0; f.macs < n->mac_classes; f.macs++)
		for (f.interface = 0; f.interface < n->interface_classes; f.interface++)
			for (f.vlan = 0; f.vlan < n->vlan_classes; f.vlan++) {
				struct cf_row row = row_of(c, &f, CF_FROM_INSIDE, base);

				add_cell(c, &row);
				any = row_or(&any, &row);
			}
	return any;
}

static void add_classes(struct cells *c)
{
	struct image *img = c->s->b->img;

	for (uint32_t class = 0; class < img->source_classes; class ++) {
		const struct facts none = { .set = c->s->set_of.v[class] };

		for (uint32_t from = 0; from < CF_FROM_MAX; from++) {
			size_t at = (size_t)from * img->source_classes + class;
			struct cf_row row = img->src_rows.v[at];

			/* no other hook sees any of it */
			row = from == CF_FROM_INSIDE ? add_class(c, class, row)
						     : row_of(c, &none, from, row);
			img->src_rows.v[at] = row;
		}
	}
}

void build_cells(struct source_classes *s)
{
	struct cells c = { .s = s, .rows = INTERN(struct cf_row) };
	struct build *b = s->b;
	size_t errors = b->errors;

	add_macs(b);
	add_interfaces(b);
	add_vlans(b);
	count(b, &b->img->facets);
	if (!b->img->facets.used || b->errors > errors || too_many(b, &b->img->facets))
		return;
	for (uint32_t i = 0; i < b->rules.n; i++)
		if (row_has(&s->facet_rules, i))
			*VEC_ADD(&c.rules) = i;
	c.first = (uint32_t)b->img->src_rows.n;
	add_classes(&c);
	intern_done(&c.rows);
	free(c.rules.v);
}
