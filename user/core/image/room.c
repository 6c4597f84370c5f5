/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the kernel's tables a policy set leaves to rules made by hand. */
#include "core/image/image.h"

/* A block that ends takes one rule and one time; of sets, as many as it divides. */
static const struct {
	const char *what, *help;
	size_t max, spare;
} tables[] = {
	{ "rules", "gather hosts and networks in sets, and rules that differ only in them in one",
	  CF_RULES_MAX, 8 },
	{ "times at which windows open and close", "use fewer different windows", CF_SEGMENTS_MAX,
	  8 },
	{ "sets of sources", "name fewer different hosts and networks in 'from'", CF_CLASSES_MAX,
	  32 },
	{ "ranges of sources", "name networks instead of single hosts in 'from'",
	  CF_SOURCE_RANGES_MAX, 32 },
	{ "sets of destinations", "name fewer different networks in 'to'", CF_LABELS_MAX, 32 },
};

void image_warn_room(const struct image *img, struct diag_list *diags)
{
	const size_t used[] = {
		img->rules.n,        img->segments.n - 2, /* its begin and end are none */
		img->source_classes, img->sources.n,      img->labels.n,
	};

	_Static_assert(ARRAY_SIZE(used) == ARRAY_SIZE(tables), "one each");
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		size_t left = tables[i].max - used[i];

		if (left >= tables[i].spare)
			continue;
		diag_add(diags, NULL, DIAG_WARNING, (struct pos){ 0 }, tables[i].help,
			 "%zu of %zu %s are used: 'curfew block' and 'curfew allow' %s", used[i],
			 tables[i].max, tables[i].what,
			 left ? "may soon find no room" : "find no room");
	}
}

const char *image_no_room(const struct image *img, bool ends)
{
	if (img->rules.n >= CF_RULES_MAX)
		return tables[0].what;
	if (ends && img->segments.n - 2 >= CF_SEGMENTS_MAX)
		return tables[1].what;
	return NULL;
}
