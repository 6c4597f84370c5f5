/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/explain_hold.h"

#include "app/daemon/holds.h"
#include "core/image/row.h"

/* What is stronger than a quarantine, or never judged. */
static bool stands(const struct answer *a)
{
	switch (a->reason) {
	case CF_REASON_PASS_PROTECTED:
	case CF_REASON_DROP_BLOCKED:
	case CF_REASON_PASS_FAILED_OPEN:
	case CF_REASON_DROP_FAILED_CLOSED:
		return true;
	default:
		return false;
	}
}

static bool is_ignored(enum cf_reason reason)
{
	static const char *const groups[] = {
#define X(id, slug, group, text) #group,
		CF_REASONS(X)
#undef X
	};

	return groups[reason][0] == 'I';
}

static json_t *drops(struct daemon *d, const struct held *h, enum cf_reason reason, uint32_t rule,
		     struct answer *a)
{
	a->drop = true;
	a->reason = reason;
	a->rule = rule;
	a->quota = ~0U;
	a->charged = (struct cf_row){ 0 };
	return daemon_hold_json(d, h);
}

static uint32_t rule_by_id(const struct image *img, uint32_t id)
{
	for (uint32_t i = 0; i < img->rules.n; i++)
		if (img->rules.v[i].id == id)
			return i;
	return ~0U;
}

static const struct held *held_by(struct daemon *d, const struct question *q, uint32_t rule)
{
	const struct image *img = d->now.image;
	const struct cf_rule *r = &img->rules.v[rule];
	const struct held *h = NULL;
	struct cf_quota_key key;

	if (r->hold_seconds && !hold_key_make(img, rule, ~0U, &q->src, &q->dst, &key))
		h = daemon_hold_find(d, &key);
	for (uint32_t i = r->quota_first; !h && i < r->quota_first + r->quota_count; i++)
		if (img->quotas.v[i].hold_seconds &&
		    !hold_key_make(img, rule, i, &q->src, &q->dst, &key))
			h = daemon_hold_find(d, &key);
	return h;
}

json_t *explain_hold(struct daemon *d, const struct question *q, const struct image_packet *p,
		     struct answer *a)
{
	const struct image *img = d->now.image;
	struct cf_quota_key key;
	struct cf_row holding;
	const struct held *h;

	if (!q->now || img->observe || stands(a) || is_ignored(a->reason))
		return json_null();
	daemon_holds_look(d);
	if (q->src.from != CF_FROM_GATEWAY && !quarantine_key_make(img, &q->src, &key)) {
		h = daemon_hold_find(d, &key);
		if (h)
			return drops(d, h, CF_REASON_DROP_QUARANTINED,
				     rule_by_id(img, h->hold.rule_id), a);
	}
	holding = image_holding(img, p);
	for (uint32_t i = 0; i < img->rules.n; i++) {
		h = row_has(&holding, i) ? held_by(d, q, i) : NULL;
		if (h)
			return drops(d, h, CF_REASON_DROP_HELD, i, a);
	}
	return json_null();
}
