/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quota lines become specs: limits in bytes, thresholds, keys. Calendars come with the schedule. */
#include <string.h>

#include "core/image_build.h"
#include "core/row.h"

#define NO_DROP UINT64_MAX

static uint64_t percent_of(uint64_t bytes, unsigned int percent)
{
	uint128 part = (uint128)bytes * percent / 100;

	return part > CF_QUOTA_BYTES_MAX ? UINT64_MAX - 1 : (uint64_t)part;
}

static void refuse_size(struct build *b, struct pos pos, uint64_t bytes)
{
	if (bytes > CF_QUOTA_BYTES_MAX)
		build_error(b, pos, "the most a quota can hold is 1 TiB",
			    "the quota, or an 'at' of it, is too large");
}

static void add_ats(struct build *b, const struct policy *p, struct cf_quota_spec *spec)
{
	spec->drop_bytes = NO_DROP;
	for (size_t i = 0; i < p->ats.n; i++) {
		const struct at *at = &p->ats.v[i];
		uint64_t bytes = percent_of(spec->limit_bytes, at->percent);

		refuse_size(b, at->pos, bytes);
		if (at->actions.drop && bytes < spec->drop_bytes)
			spec->drop_bytes = bytes;
		if (!at->actions.alert)
			continue;
		if (spec->at_count == CF_QUOTA_ATS || at->percent > UINT8_MAX) {
			build_error(
				b, at->pos, NULL,
				"a policy has at most %d 'at' lines with alerts, of at most %d%%",
				CF_QUOTA_ATS, UINT8_MAX);
			return;
		}
		spec->at[spec->at_count++] = (struct cf_quota_at){
			.bytes = bytes,
			.level = (uint8_t)at->actions.alert,
			.percent = (uint8_t)at->percent,
		};
	}
}

static uint32_t quota_id(const struct policy *p, const struct quota *q)
{
	_cleanup_buf_ struct buf text = { 0 };

	policy_print_quota(q, &text);
	return image_id(p->name, buf_text(&text));
}

static void add_key(struct build *b, const struct quota *q, uint32_t rule)
{
	if (q->key == CF_KEY_ASN) {
		build_need(b, q->pos, GEO_FIELD_ASN, "a quota per asn");
		row_set(&b->asn_rules, rule);
	}
	if (q->key == CF_KEY_COUNTRY) {
		build_need(b, q->pos, GEO_FIELD_COUNTRY, "a quota per country");
		row_set(&b->country_rules, rule);
	}
}

void build_quotas(struct build *b, const struct policy *p, uint32_t rule)
{
	struct cf_rule *r = &b->img->rules.v[rule];

	r->quota_first = (uint32_t)b->img->quotas.n;
	for (size_t i = 0; i < p->quotas.n; i++) {
		const struct quota *q = &p->quotas.v[i];
		struct cf_quota_spec spec = {
			.limit_bytes = q->bytes,
			.id = quota_id(p, q),
			.rule = rule,
			.key_kind = (uint8_t)q->key,
			.wire = q->wire,
			.prefix4 = q->prefix4,
			.prefix6 = q->prefix6,
		};

		if (b->img->quotas.n == CF_QUOTAS_MAX || i == UINT8_MAX) {
			build_error(b, q->pos, NULL, "more than %d quotas in all policies",
				    (int)b->img->quotas.n);
			return;
		}
		if (q->period == PERIOD_WINDOW && !p->during)
			build_error(b, q->pos,
				    "add 'during WINDOW' to the policy, or say 'each day'",
				    "'each window' needs a window");
		refuse_size(b, q->pos, q->bytes);
		memcpy(spec.policy, r->name, sizeof(spec.policy));
		add_ats(b, p, &spec);
		add_key(b, q, rule);
		*VEC_ADD(&b->img->quotas) = spec;
		*VEC_ADD(&b->img->quota_line) = (uint32_t)i;
		*VEC_ADD(&b->quotas) = (struct quota_origin){ .quota = q, .policy = p };
		r->quota_count++;
	}
}
