/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which policies a pair belongs to, whatever the time. */
#include <string.h>

#include "core/image/row.h"
#include "core/ledger/query.h"

enum cf_from ledger_from(enum cf_hook hook, const struct addr *src, const struct prefix_list *local)
{
	if (hook == CF_HOOK_INSIDE)
		return CF_FROM_INSIDE;
	for (size_t i = 0; local && i < local->n; i++)
		if (prefix_contains(&local->v[i], src))
			return CF_FROM_GATEWAY;
	return CF_FROM_OTHER;
}

/* Rules that hold at every time the schedule knows, for any service, whoever began. */
static struct cf_row always(const struct image *img)
{
	struct cf_row all;

	memset(&all, 0xff, sizeof(all));
	for (size_t i = 0; i < img->time_rows.n; i++)
		all = row_and(&all, &img->time_rows.v[i]);
	all = row_without(&all, &img->service_rules);
	all = row_without(&all, &img->inside_rules);
	all = row_without(&all, &img->outside_rules);
	return all;
}

struct cf_row policies_about(const struct image *img, enum cf_from from, const struct addr *src,
			     const struct addr *dst)
{
	uint32_t flags, label = image_label(img, dst);
	uint32_t class = image_source_class(img, src, &flags);
	size_t src_row = (size_t)from * img->source_classes + class;
	struct cf_row both = { 0 }, clearing, policies;

	if (label >= img->labels.n || img->labels.v[label].flags & CF_LABEL_IGNORED ||
	    src_row >= img->src_rows.n)
		return both;
	both = row_and(&img->src_rows.v[src_row], &img->dst_rows.v[img->labels.v[label].row]);
	policies = row_and(&both, &img->policy_rules);
	clearing = always(img);
	clearing = row_and(&clearing, &both);
	clearing = row_and(&clearing, &img->clearing_rules);
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (row_has(&clearing, i))
			policies = row_without(&policies, &img->rules.v[i].clears);
	return policies;
}

struct cf_row policies_begun(const struct image *img, const struct cf_row *policies, uint8_t began)
{
	struct cf_row row = *policies;

	if ((began & (CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE)) == CF_SLOT_BEGAN_INSIDE)
		row = row_without(&row, &img->outside_rules);
	if ((began & (CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE)) == CF_SLOT_BEGAN_OUTSIDE)
		row = row_without(&row, &img->inside_rules);
	return row;
}

uint32_t policy_asks(const struct image *img, uint32_t rule)
{
	uint32_t asks = 0;

	if (rule >= img->rules.n)
		return 0;
	if (row_has(&img->service_rules, rule))
		asks |= POLICY_ASKS_SERVICE;
	if (row_has(&img->facet_rules, rule))
		asks |= POLICY_ASKS_SENDER;
	if (row_has(&img->inside_rules, rule) || row_has(&img->outside_rules, rule))
		asks |= POLICY_ASKS_INITIATED;
	return asks;
}
