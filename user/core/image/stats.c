/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/image.h"

#define TABLE_BYTES(array) ((array).n * sizeof(*(array).v))

static size_t bytes(const struct image *img)
{
	return TABLE_BYTES(img->root4) + TABLE_BYTES(img->range4) + TABLE_BYTES(img->node6) +
	       TABLE_BYTES(img->root6) + TABLE_BYTES(img->leaf6) + TABLE_BYTES(img->deep6) +
	       TABLE_BYTES(img->low6) + TABLE_BYTES(img->labels) + TABLE_BYTES(img->dst_rows) +
	       TABLE_BYTES(img->sources) + TABLE_BYTES(img->src_rows) + TABLE_BYTES(img->macs) +
	       TABLE_BYTES(img->vlan_classes) + TABLE_BYTES(img->src_cells) +
	       TABLE_BYTES(img->services) + TABLE_BYTES(img->service_rows) +
	       TABLE_BYTES(img->service_protocols) + TABLE_BYTES(img->rules) +
	       TABLE_BYTES(img->quotas) + img->segments.n * sizeof(struct cf_segment) +
	       TABLE_BYTES(img->time_rows) + TABLE_BYTES(img->calendars) +
	       img->edges.n * sizeof(struct cf_edge);
}

void image_stats(const struct image *img, struct image_stats *ret)
{
	size_t policies = 0;

	for (size_t i = 0; i < img->rules.n; i++)
		policies += img->rules.v[i].kind == CF_RULE_POLICY;
	*ret = (struct image_stats){
		.labels = img->labels.n,
		.source_classes = img->source_classes,
		.sources = img->sources.n,
		.ranges4 = img->range4.n,
		.keys6 = img->keys6,
		.deep6 = img->deep6.n,
		.low6 = img->low6.n,
		.dst_rows = img->dst_rows.n,
		.time_rows = img->time_rows.n,
		.policies = policies,
		.rules = img->rules.n,
		.quotas = img->quotas.n,
		.segments = img->segments.n,
		.calendars = img->calendars.n,
		.edges = img->edges.n,
		.bytes = bytes(img),
	};
}
