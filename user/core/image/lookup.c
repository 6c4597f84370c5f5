/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel answers with these tables: bpf/classify.h and bpf/judge.h, in plain C. */
#include "core/image/image.h"
#include "core/image/normalise.h"
#include "core/image/row.h"
#include "core/image/service.h"

#define WEEK_SECONDS ((int64_t)CF_WEEK_MINUTES * 60)

static uint32_t label4(const struct image *img, uint32_t addr)
{
	const struct cf_root4 *root = &img->root4.v[addr >> 16];
	const struct cf_range4 *r;
	uint32_t n;

	while (root->shift)
		root = &img->root4.v[root->first + ((addr & 0xffff) >> root->shift)];
	n = root->count;
	if (!n)
		return root->first;
	for (r = &img->range4.v[root->first]; n > 1;) {
		uint32_t half = n / 2;

		if (r[half].start <= (addr & 0xffff)) {
			r += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return r->label;
}

static uint32_t label_low6(const struct image *img, uint32_t deep, uint64_t low)
{
	const struct cf_deep6 *d = &img->deep6.v[deep];
	const struct cf_low6 *r = &img->low6.v[d->first];

	for (uint32_t n = d->count; n > 1;) {
		uint32_t half = n / 2;

		if (r[half].start <= low) {
			r += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return r->label;
}

static uint32_t label6(const struct image *img, uint64_t hi, uint64_t low)
{
	const struct cf_tree6 *t = &img->tree6[hi >> 63];
	uint32_t node = 0, child = 0, label = img->root6.v[hi >> 48].label;

	if (!(label & CF_SEARCH))
		return label;
	hi &= ~CF_HALF6;
	for (uint32_t level = 0; level < t->levels; level++) {
		const struct cf_node6 *n = &img->node6.v[t->first[level] + node];

		child = 0;
		for (uint32_t k = 0; k < CF_KEYS6; k++)
			child += n->key[k] <= hi;
		if (level + 1 < t->levels)
			node = node * CF_FANOUT6 + child;
	}
	label = img->leaf6.v[t->first_leaf + node].label[child];
	return label & CF_DEEP ? label_low6(img, label & ~CF_DEEP, low) : label;
}

uint32_t image_label(const struct image *img, const struct addr *dst)
{
	struct addr a = addr_normalise(dst);
	uint32_t label;

	if (addr_is4(&a)) {
		label = label4(img, addr_get4(&a));
		/* our own networks in an IPv6 coat are not ours: the packet leaves */
		if (addr_is4(dst) || !(img->labels.v[label].flags & CF_LABEL_IGNORED) ||
		    img->labels.v[label].reason == CF_REASON_IGNORED_DESTINATION)
			return label;
	}
	return label6(img, addr_hi(dst), addr_lo(dst));
}

uint32_t image_source_class(const struct image *img, const struct addr *src, uint32_t *ret_flags)
{
	const struct cf_source_range *s = img->sources.v;
	uint64_t hi = addr_hi(src), lo = addr_lo(src);

	for (size_t n = img->sources.n; n > 1;) {
		size_t half = n / 2;

		if (s[half].hi < hi || (s[half].hi == hi && s[half].lo <= lo)) {
			s += half;
			n -= half;
		} else {
			n = half;
		}
	}
	if (ret_flags)
		*ret_flags = s->flags;
	return s->source_class;
}

/* The instant of the table that stands for `at`, and by how many weeks it is earlier. */
static int64_t fold(const struct image *img, struct utc at, int64_t *ret_weeks)
{
	*ret_weeks = at.s < img->end.s ? 0 : (at.s - img->end.s) / WEEK_SECONDS + 1;
	return at.s - *ret_weeks * WEEK_SECONDS;
}

struct utc image_schedule_at(const struct image *img, struct utc at)
{
	int64_t weeks;

	return (struct utc){ fold(img, at, &weeks) };
}

static const struct cf_row *time_row(const struct image *img, struct utc at)
{
	const struct image_segment *s = img->segments.v;
	int64_t weeks, t = fold(img, at, &weeks);

	/* The last one is only the end. */
	for (size_t n = img->segments.n - 1; n > 1;) {
		size_t half = n / 2;

		if (s[half].at.s <= t) {
			s += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return &img->time_rows.v[s->row];
}

static const struct image_edge *edge_at(const struct image *img, uint32_t calendar, int64_t at)
{
	const struct cf_calendar *c = &img->calendars.v[calendar];
	const struct image_edge *e = &img->edges.v[c->first];

	for (uint32_t n = c->count - 1; n > 1;) {
		uint32_t half = n / 2;

		if (e[half].at.s <= at) {
			e += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return e;
}

uint32_t image_period(const struct image *img, uint32_t calendar, struct utc at)
{
	int64_t weeks, t = fold(img, at, &weeks);
	uint32_t period = edge_at(img, calendar, t)->period;

	return period ? period + (uint32_t)weeks * CF_WEEK_MINUTES : 0;
}

struct utc image_period_end(const struct image *img, uint32_t calendar, struct utc at)
{
	int64_t weeks, t = fold(img, at, &weeks);

	return (struct utc){ edge_at(img, calendar, t)[1].at.s + weeks * WEEK_SECONDS };
}

uint32_t image_mac_class(const struct image *img, uint64_t mac)
{
	const struct cf_mac_range *r = img->macs.v;

	for (size_t n = img->macs.n; n > 1;) {
		size_t half = n / 2;

		if (r[half].first <= mac) {
			r += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return r->mac_class;
}

uint32_t image_interface_class(const struct image *img, const char *name)
{
	for (uint32_t i = 0; name && i < img->interfaces.n; i++)
		if (!strcmp(img->interfaces.v[i].name, name))
			return i + 1;
	return 0;
}

/* As bpf/facets.h. */
static const struct cf_row *source_row(const struct image *img, const struct image_packet *p)
{
	const struct cf_facets *n = &img->facets;
	uint32_t class = image_source_class(img, &p->src, NULL), cell = class;

	if (!n->used || p->from != CF_FROM_INSIDE)
		return &img->src_rows.v[(uint32_t)p->from * img->source_classes + class];
	cell *= n->mac_classes;
	if (p->has_mac)
		cell += image_mac_class(img, mac_number(p->mac));
	cell = cell * n->interface_classes + image_interface_class(img, p->interface);
	cell *= n->vlan_classes;
	if (p->vlan < img->vlan_classes.n)
		cell += (uint32_t)img->vlan_classes.v[p->vlan];
	return &img->src_rows.v[img->src_cells.v[cell]];
}

struct cf_row image_without_others(const struct image *img, const struct image_packet *p,
				   const struct cf_row *rules)
{
	struct cf_row others = row_without(&img->facet_rules, source_row(img, p));

	return row_without(rules, &others);
}

static const struct cf_row *destination_row(const struct image *img, const struct addr *dst)
{
	return &img->dst_rows.v[img->labels.v[image_label(img, dst)].row];
}

struct cf_row image_candidates(const struct image *img, const struct image_packet *p)
{
	struct cf_row both = row_and(destination_row(img, &p->dst), source_row(img, p));
	struct cf_row m;
	uint32_t open = 0;

	image_narrow_service(img, p, &both, &open);
	m = row_and(&both, time_row(img, p->at));
	image_narrow_began(img, p, &both, &m, &open);
	return m;
}

/* Takes out of *m what clearing rules in it clear; returns the first that did, ~0: none. */
static uint32_t clear(const struct image *img, struct cf_row *m)
{
	const struct cf_row all = *m;
	uint32_t by = ~0U;

	for (uint32_t i = 0; i < img->rules.n; i++) {
		const struct cf_rule *r = &img->rules.v[i];

		if (!row_has(&all, i) || !row_has(&img->clearing_rules, i) ||
		    !row_meets(&all, &r->clears))
			continue;
		*m = row_without(m, &r->clears);
		by = by == ~0U ? i : by;
	}
	return by;
}

static struct image_verdict verdict(enum cf_reason reason, uint32_t rule)
{
	return (struct image_verdict){ .reason = reason, .rule = rule };
}

/* No policy is left: why not? */
static struct image_verdict judge_none(const struct image *img, uint32_t cleared_by,
				       const struct cf_row *any_time)
{
	static const enum cf_reason cleared[] = {
		[CF_RULE_EXCEPT] = CF_REASON_PASS_EXCEPTED,
		[CF_RULE_EXEMPT] = CF_REASON_PASS_EXEMPT,
		[CF_RULE_PUBLISH] = CF_REASON_PASS_PUBLISHED,
	};

	if (cleared_by != ~0U)
		return verdict(cleared[img->rules.v[cleared_by].kind], cleared_by);
	if (row_meets(any_time, &img->policy_rules))
		return verdict(CF_REASON_PASS_CLOSED, ~0U);
	return verdict(CF_REASON_PASS_UNMATCHED, ~0U);
}

/* Policies m hold the packet, and nothing takes it out of them. */
static struct image_verdict judge_policies(const struct image *img, const struct cf_row *m)
{
	uint32_t observed = ~0U, quota = ~0U, alert = ~0U;
	struct image_verdict v = { 0 };
	bool alerts = false;

	for (uint32_t i = 0; i < img->rules.n; i++) {
		const struct cf_rule *r = &img->rules.v[i];

		if (!row_has(m, i))
			continue;
		if (r->flags & CF_RULE_DROP && !(r->flags & CF_RULE_OBSERVE))
			return verdict(CF_REASON_DROP_POLICY, i);
		if (r->quota_count)
			row_set(&v.charged, i);
		alerts |= r->flags & CF_RULE_ALERT;
		if (r->flags & CF_RULE_DROP)
			observed = observed == ~0U ? i : observed;
		else if (r->quota_count)
			quota = quota == ~0U ? i : quota;
		else
			alert = alert == ~0U ? i : alert;
	}
	v.rule = observed != ~0U ? observed : quota != ~0U ? quota : alert;
	v.reason = observed != ~0U ? CF_REASON_PASS_OBSERVED
		   : quota != ~0U  ? CF_REASON_PASS_QUOTA
		   : alerts        ? CF_REASON_PASS_ALERT
				   : CF_REASON_PASS_MARKED;
	return v;
}

/* Whether any rule in *m could change anything. */
static bool matters(const struct image *img, const struct cf_row *m)
{
	return row_meets(m, &img->policy_rules) || row_meets(m, &img->protect_rules) ||
	       row_meets(m, &img->block_rules);
}

/* The rules in `m` hold now, those in `any_time` at some time. */
static struct image_verdict judge_match(const struct image *img, struct cf_row m,
					const struct cf_row *any_time)
{
	struct cf_row some = row_and(&m, &img->protect_rules);
	uint32_t cleared_by, block;

	if (!row_empty(&some))
		return verdict(CF_REASON_PASS_PROTECTED, row_first(&some));
	some = row_and(&m, &img->block_rules);
	block = row_first(&some);
	if (block != ~0U)
		return verdict(img->rules.v[block].flags & CF_RULE_OBSERVE ? CF_REASON_PASS_OBSERVED
									   : CF_REASON_DROP_BLOCKED,
			       block);
	cleared_by = clear(img, &m);
	m = row_and(&m, &img->policy_rules);
	if (row_empty(&m))
		return judge_none(img, cleared_by, any_time);
	return judge_policies(img, &m);
}

static struct image_verdict judge_rules(const struct image *img, const struct image_packet *p)
{
	const struct cf_label *label = &img->labels.v[image_label(img, &p->dst)];
	struct cf_row any_time, m;
	struct image_verdict v;
	uint32_t open = 0;

	if (label->flags & CF_LABEL_IGNORED)
		return verdict(label->reason, ~0U);
	any_time = row_and(destination_row(img, &p->dst), source_row(img, p));
	image_narrow_service(img, p, &any_time, &open);
	m = row_and(&any_time, time_row(img, p->at));
	if (!matters(img, &m))
		return judge_none(img, ~0U, &any_time);
	image_narrow_began(img, p, &any_time, &m, &open);
	v = judge_match(img, m, &any_time);
	v.open = open;
	return v;
}

struct cf_row image_holding(const struct image *img, const struct image_packet *p)
{
	struct cf_row any_time = row_and(destination_row(img, &p->dst), source_row(img, p));
	struct cf_row m, held = { 0 };
	uint32_t open = 0;

	image_narrow_service(img, p, &any_time, &open);
	m = row_and(&any_time, time_row(img, p->at));
	image_narrow_began(img, p, &any_time, &m, &open);
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (row_has(&any_time, i) && img->rules.v[i].flags & CF_RULE_HOLDS &&
		    !(img->rules.v[i].flags & CF_RULE_OBSERVE))
			row_set(&held, i);
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (row_has(&m, i) && row_has(&img->clearing_rules, i))
			held = row_without(&held, &img->rules.v[i].clears);
	return held;
}

struct image_verdict image_judge(const struct image *img, const struct image_packet *p)
{
	return image_judge_failing(img, p, judge_rules(img, p));
}
