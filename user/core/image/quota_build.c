/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quota and rate lines become specs: limits in bytes, thresholds, keys. Calendars come
 * with the schedule.
 */
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"

#define NO_DROP UINT64_MAX
/* Aggregated frames come as packets of 64 KiB, and 'at 50%' is half of it. */
#define RATE_BURST_LEAST (256 * 1024)

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

static void add_at(struct build *b, const struct at *at, uint64_t bytes, struct cf_quota_spec *spec)
{
	const struct actions *a = &at->actions;

	if (!a->alert && !a->has_mark && !a->quarantine_seconds)
		return;
	if (spec->at_count == CF_QUOTA_ATS || at->percent > UINT8_MAX) {
		build_error(b, at->pos, NULL,
			    "a policy has at most %d 'at' lines with alerts, of at most %d%%",
			    CF_QUOTA_ATS, UINT8_MAX);
		return;
	}
	spec->at[spec->at_count++] = (struct cf_quota_at){
		.bytes = bytes,
		.level = (uint8_t)a->alert,
		.percent = (uint8_t)at->percent,
		.has_mark = a->has_mark,
		.mark = a->mark,
		.quarantine_seconds = (uint32_t)a->quarantine_seconds,
	};
}

static void add_ats(struct build *b, const struct policy *p, struct cf_quota_spec *spec)
{
	spec->drop_bytes = NO_DROP;
	for (size_t i = 0; i < p->ats.n; i++) {
		const struct at *at = &p->ats.v[i];
		uint64_t bytes = percent_of(spec->limit_bytes, at->percent);

		refuse_size(b, at->pos, bytes);
		if (at->actions.drop && bytes < spec->drop_bytes) {
			spec->drop_bytes = bytes;
			spec->hold_seconds = (uint32_t)at->actions.drop_seconds;
		}
		add_at(b, at, bytes, spec);
	}
}

static uint32_t quota_id(const struct policy *p, const struct quota *q)
{
	_cleanup_buf_ struct buf text = { 0 };

	policy_print_quota(q, &text);
	return image_id(p->name, buf_text(&text));
}

static uint32_t rate_id(const struct policy *p, const struct rate *r)
{
	_cleanup_buf_ struct buf text = { 0 };

	buf_puts(&text, "rate ");
	policy_print_rate(r, &text);
	return image_id(p->name, buf_text(&text));
}

static void add_key(struct build *b, struct pos pos, enum cf_key_kind key, uint32_t rule)
{
	if (key == CF_KEY_ASN) {
		build_need(b, pos, GEO_FIELD_ASN, "a quota per asn");
		row_set(&b->asn_rules, rule);
	}
	if (key == CF_KEY_COUNTRY) {
		build_need(b, pos, GEO_FIELD_COUNTRY, "a quota per country");
		row_set(&b->country_rules, rule);
	}
}

/* Unless it is given: as much as 100 ms of the rate, and room for the largest packets. */
static uint64_t burst_of(const struct rate *r)
{
	uint64_t least = r->bits_per_second / 80;

	if (r->burst_bytes)
		return r->burst_bytes;
	return least > RATE_BURST_LEAST ? least : RATE_BURST_LEAST;
}

static void refuse_rate(struct build *b, const struct rate *r)
{
	if (r->bits_per_second < CF_RATE_BITS_MIN || r->bits_per_second > CF_RATE_BITS_MAX)
		build_error(b, r->pos, NULL, "a rate is at least 1 kbit/s and at most 1000 Gbit/s");
	if (burst_of(r) > CF_RATE_BURST_MAX)
		build_error(b, r->pos, NULL, "a burst is at most 4 GiB");
}

static uint64_t room_of(const struct cf_quota_spec *spec)
{
	uint64_t bytes = spec->drop_bytes == NO_DROP ? spec->limit_bytes : spec->drop_bytes;

	return (uint64_t)((uint128)bytes * 8000000000 * CF_RATE_TICKS / spec->bits_per_second);
}

/* False: there are too many, which is said. */
static bool add_spec(struct build *b, struct pos pos, struct cf_quota_spec *spec,
		     const struct quota_origin *o, uint32_t line)
{
	struct cf_rule *r = &b->img->rules.v[spec->rule];

	if (b->img->quotas.n == CF_QUOTAS_MAX || r->quota_count == UINT8_MAX) {
		build_error(b, pos, NULL, "more than %d quotas and rates in all policies",
			    (int)b->img->quotas.n);
		return false;
	}
	memcpy(spec->policy, r->name, sizeof(spec->policy));
	add_ats(b, o->policy, spec);
	if (spec->bits_per_second)
		spec->room = room_of(spec);
	add_key(b, pos, (enum cf_key_kind)spec->key_kind, spec->rule);
	*VEC_ADD(&b->img->quotas) = *spec;
	*VEC_ADD(&b->img->quota_line) = line;
	*VEC_ADD(&b->quotas) = *o;
	r->quota_count++;
	return true;
}

static void build_rates(struct build *b, const struct policy *p, uint32_t rule)
{
	for (uint32_t i = 0; i < p->rates.n; i++) {
		const struct rate *r = &p->rates.v[i];
		struct quota_origin origin = { .rate = r, .policy = p };
		struct cf_quota_spec spec = {
			.limit_bytes = burst_of(r),
			.bits_per_second = r->bits_per_second,
			.id = rate_id(p, r),
			.rule = rule,
			.key_kind = (uint8_t)r->key,
			.wire = true,
			.prefix4 = r->prefix4,
			.prefix6 = r->prefix6,
		};
		size_t before = b->errors;

		refuse_rate(b, r);
		if (b->errors != before || !add_spec(b, r->pos, &spec, &origin, IMAGE_RATE | i))
			return;
	}
}

void build_quotas(struct build *b, const struct policy *p, uint32_t rule)
{
	b->img->rules.v[rule].quota_first = (uint32_t)b->img->quotas.n;
	for (uint32_t i = 0; i < p->quotas.n; i++) {
		const struct quota *q = &p->quotas.v[i];
		struct quota_origin origin = { .quota = q, .policy = p };
		struct cf_quota_spec spec = {
			.limit_bytes = q->bytes,
			.id = quota_id(p, q),
			.rule = rule,
			.key_kind = (uint8_t)q->key,
			.wire = q->wire,
			.prefix4 = q->prefix4,
			.prefix6 = q->prefix6,
		};

		if (q->period == PERIOD_WINDOW && !p->during)
			build_error(b, q->pos,
				    "add 'during WINDOW' to the policy, or say 'each day'",
				    "'each window' needs a window");
		refuse_size(b, q->pos, q->bytes);
		if (!add_spec(b, q->pos, &spec, &origin, i))
			return;
	}
	build_rates(b, p, rule);
}
