/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source classes: which rules' `from` an address meets, for each way a packet can begin. */
#include "core/image_build.h"
#include "core/row.h"

struct class_rows {
	struct cf_row from[CF_FROM_MAX];
};

static struct class_rows rows_of(const struct build *b, uint32_t set)
{
	const struct facts f = { .set = set };
	struct class_rows rows = { 0 };

	for (uint32_t from = 0; from < CF_FROM_MAX; from++)
		for (uint32_t i = 0; i < b->rules.n; i++)
			if (conditions_hold(&b->from, b->rules.v[i].from, &f, from))
				row_set(&rows.from[from], i);
	return rows;
}

static void add_source(struct image *img, const struct cf_source_range *s)
{
	const struct cf_source_range *last =
		img->sources.n ? &img->sources.v[img->sources.n - 1] : NULL;

	if (last && last->source_class == s->source_class && last->flags == s->flags)
		return;
	*VEC_ADD(&img->sources) = *s;
}

static void add_rows(struct image *img, const struct intern *classes)
{
	img->source_classes = (uint32_t)classes->n;
	for (uint32_t from = 0; from < CF_FROM_MAX; from++)
		for (uint32_t i = 0; i < classes->n; i++) {
			const struct class_rows *rows = intern_key(classes, i);

			*VEC_ADD(&img->src_rows) = rows->from[from];
		}
}

void build_sources(struct build *b)
{
	struct conditions *from = &b->from;
	const struct machine *m = b->in->machine;
	struct image *img = b->img;
	struct intern classes = INTERN(struct class_rows);
	uint32_t on_link = literals_group(&from->literals), *of_set;

	for (size_t i = 0; m && i < m->inside_links.n; i++)
		literals_add(&from->literals, on_link, &m->inside_links.v[i]);
	conditions_ready(from);
	of_set = xcalloc(from->literals.sets.n, sizeof(*of_set));
	for (uint32_t set = 0; set < from->literals.sets.n; set++) {
		struct class_rows rows = rows_of(b, set);

		of_set[set] = intern_add(&classes, &rows, NULL);
	}
	for (size_t i = 0; i < from->literals.points.n; i++) {
		const struct literal_point *p = &from->literals.points.v[i];

		add_source(img, &(struct cf_source_range){
					.hi = (uint64_t)(p->start >> 64),
					.lo = (uint64_t)p->start,
					.source_class = of_set[p->set],
					.flags = literals_has(&from->literals, p->set, on_link)
							 ? CF_SOURCE_ON_LINK
							 : 0,
				});
	}
	add_rows(img, &classes);
	if (classes.n > CF_CLASSES_MAX)
		build_error(b, NOWHERE, "name fewer different hosts and networks in 'from'",
			    "the policies tell %zu sets of sources apart, %d at most", classes.n,
			    CF_CLASSES_MAX);
	if (img->sources.n > CF_SOURCE_RANGES_MAX)
		build_error(b, NOWHERE, "name networks instead of single hosts in 'from'",
			    "%zu ranges of sources, %d at most", img->sources.n,
			    CF_SOURCE_RANGES_MAX);
	free(of_set);
	intern_done(&classes);
}
