/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/image.h"

#include <errno.h>

#include "core/image/warn.h"
#include "core/policy/failing.h"

void build_error(struct build *b, struct pos pos, const char *help, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	diag_add(b->diags, pos.line ? b->in->set : NULL, DIAG_ERROR, pos, help, "%s",
		 buf_text(&text));
	b->errors++;
}

static bool table_has(const struct geo_table *t, enum geo_field field)
{
	if (!t)
		return false;
	switch (field) {
	case GEO_FIELD_COUNTRY:
		return t->has_country;
	case GEO_FIELD_ASN:
		return t->has_asn;
	case GEO_FIELD_CITY:
		return t->has_city;
	case GEO_FIELD_LOCATION:
		return t->has_location;
	case GEO_FIELD_MAX:
		break;
	}
	return false;
}

bool build_has(const struct build *b, enum geo_field field)
{
	const struct geo *geo = &b->in->geo;

	return table_has(geo->city, field) || table_has(geo->country, field) ||
	       table_has(geo->asn, field);
}

void build_need(struct build *b, struct pos pos, enum geo_field field, const char *who)
{
	static const char *const help[] = {
		[GEO_FIELD_COUNTRY] = "add: geo country \"FILE.mmdb\"",
		[GEO_FIELD_ASN] = "add: geo asn \"FILE.mmdb\"",
		[GEO_FIELD_CITY] = "add: geo city \"FILE.mmdb\"",
		[GEO_FIELD_LOCATION] = "add: geo city \"FILE.mmdb\"",
	};

	if (b->in->geo_missing || build_has(b, field) || b->missed[field] == pos.file + 1)
		return;
	b->missed[field] = pos.file + 1;
	build_error(b, pos, help[field],
		    "%s needs a database, and none that is loaded has what it asks for", who);
}

/* FNV-1a, 32 bit (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint32_t fnv1a(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 16777619U;
	return h;
}

uint32_t image_id(const char *policy_name, const char *quota_text)
{
	uint32_t h = fnv1a(2166136261U, policy_name);

	/* A byte that no name holds, so that "a" "bc" and "ab" "c" differ. */
	h = (h ^ 0) * 16777619U;
	return quota_text ? fnv1a(h, quota_text) : h;
}

static void build_done(struct build *b)
{
	conditions_done(&b->from);
	conditions_done(&b->to);
	published_done(b);
	free(b->rules.v);
	free(b->quotas.v);
	free(b->changes4.v);
	free(b->changes6.v);
	image_free(b->img);
}

static void build_failing(struct build *b)
{
	for (int i = 0; i < ON_MAX; i++)
		b->img->on[i] = failing_of(b->in->set, (enum on_event)i)->choice;
	b->img->geo_missing = b->in->geo_missing;
}

static void build_all(struct build *b)
{
	build_failing(b);
	build_rules(b);
	if (b->errors)
		return;
	build_schedule(b);
	build_services(b);
	build_sources(b);
	build_destinations(b);
	if (b->errors)
		return;
	build_label_order(b);
	build_dxr(b);
	build_tree6(b);
	build_reach(b);
	if (b->in->warn) {
		warn_dead(b);
		warn_covered(b);
	}
}

int image_compile(const struct image_input *in, struct image **ret, struct diag_list *diags)
{
	_cleanup_(build_done) struct build b = { .in = in, .diags = diags };
	size_t first = diags->n;

	b.img = xcalloc(1, sizeof(*b.img));
	conditions_init(&b.from, SIDE_FROM, in->set);
	conditions_init(&b.to, SIDE_TO, in->set);
	build_all(&b);
	diag_sort(diags, first);
	if (b.errors)
		return -EINVAL;
	*ret = TAKE(b.img);
	return 0;
}

void image_free(struct image *img)
{
	if (!img)
		return;
	free(img->root4.v);
	free(img->range4.v);
	free(img->root6.v);
	free(img->node6.v);
	free(img->leaf6.v);
	free(img->deep6.v);
	free(img->low6.v);
	free(img->labels.v);
	free(img->dst_rows.v);
	free(img->sources.v);
	free(img->src_rows.v);
	free(img->macs.v);
	free(img->interfaces.v);
	free(img->vlan_classes.v);
	free(img->src_cells.v);
	free(img->services.v);
	free(img->service_rows.v);
	free(img->service_protocols.v);
	free(img->rules.v);
	free(img->quotas.v);
	free(img->segments.v);
	free(img->time_rows.v);
	free(img->calendars.v);
	free(img->edges.v);
	free(img->rule_policy.v);
	free(img->quota_line.v);
	free(img->reach.v);
	free(img);
}
