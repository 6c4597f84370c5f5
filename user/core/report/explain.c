/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/explain.h"

#include "core/image/normalise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/image/row.h"

#define PERIOD_HALF ((int64_t)(CF_QUOTA_PERIOD_MASK / 2 + 1))

static int key_source(struct cf_quota_key *k, const struct image *img,
		      const struct explain_source *src)
{
	uint32_t flags;

	image_source_class(img, &src->addr, &flags);
	if (src->from == CF_FROM_INSIDE && flags & CF_SOURCE_ON_LINK) {
		if (!src->has_mac)
			return -ENOENT;
		memcpy(k->mac, src->mac, sizeof(k->mac));
		return 0;
	}
	/* where the MAC is not known, the account that all of them share */
	if (src->from == CF_FROM_INSIDE && flags & CF_SOURCE_FOREIGN) {
		if (src->has_mac)
			memcpy(k->mac, src->mac, sizeof(k->mac));
		return 0;
	}
	memcpy(k->src, src->addr.b, sizeof(k->src));
	if (!addr_is4(&src->addr))
		memset(k->src + 8, 0, 8);
	return 0;
}

static void key_prefix(struct cf_quota_key *k, const struct addr *dst, unsigned int bits4,
		       unsigned int bits6)
{
	struct addr a = addr_normalise(dst);
	struct prefix p = prefix_of(&a, addr_is4(&a) ? bits4 : bits6);

	memcpy(k->dst, p.addr.b, sizeof(k->dst));
}

int quota_key_make(const struct image *img, uint32_t quota, const struct explain_source *src,
		   const struct addr *dst, struct cf_quota_key *ret)
{
	const struct cf_quota_spec *q = &img->quotas.v[quota];
	const struct cf_label *label = &img->labels.v[image_label(img, dst)];
	struct cf_quota_key k = { .quota = q->id, .kind = q->key_kind };
	int r = 0;

	switch (q->key_kind) {
	case CF_KEY_PAIR:
		key_prefix(&k, dst, 32, 64);
		r = key_source(&k, img, src);
		break;
	case CF_KEY_SOURCE:
		r = key_source(&k, img, src);
		break;
	case CF_KEY_DESTINATION:
		key_prefix(&k, dst, 32, 64);
		break;
	case CF_KEY_PREFIX:
		key_prefix(&k, dst, q->prefix4, q->prefix6);
		break;
	case CF_KEY_MAC:
		if (src->from != CF_FROM_INSIDE) {
			r = key_source(&k, img, src);
			break;
		}
		if (!src->has_mac)
			return -ENOENT;
		memcpy(k.mac, src->mac, sizeof(k.mac));
		break;
	case CF_KEY_ASN:
		k.asn = label->asn;
		if (!k.asn)
			key_prefix(&k, dst, 24, 48);
		break;
	case CF_KEY_COUNTRY:
		memcpy(k.cc, label->cc, sizeof(k.cc));
		break;
	default:
		break;
	}
	if (r < 0)
		return r;
	*ret = k;
	return 0;
}

int hold_key_make(const struct image *img, uint32_t rule, uint32_t quota,
		  const struct explain_source *src, const struct addr *dst,
		  struct cf_quota_key *ret)
{
	struct cf_quota_key k = { .kind = CF_KEY_PAIR };
	int r;

	if (quota == ~0U) {
		key_prefix(&k, dst, 32, 64);
		r = key_source(&k, img, src);
	} else {
		r = quota_key_make(img, quota, src, dst, &k);
	}
	if (r < 0)
		return r;
	*ret = hold_key_of(img, rule, quota, &k);
	return 0;
}

struct cf_quota_key hold_key_of(const struct image *img, uint32_t rule, uint32_t quota,
				const struct cf_quota_key *key)
{
	struct cf_quota_key k = *key;

	if (key->kind == CF_KEY_PREFIX) {
		k.pad[0] = img->quotas.v[quota].prefix4;
		k.pad[1] = img->quotas.v[quota].prefix6;
	}
	k.quota = img->rules.v[rule].id;
	return k;
}

int quarantine_key_make(const struct image *img, const struct explain_source *src,
			struct cf_quota_key *ret)
{
	struct cf_quota_key k = { .kind = CF_KEY_SOURCE };
	int r = key_source(&k, img, src);

	if (r < 0)
		return r;
	*ret = k;
	return 0;
}

/* FNV-1a, 32 bit. */
uint32_t quota_key_id(const struct cf_quota_key *key)
{
	const uint8_t *b = (const uint8_t *)key;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ b[i]) * 16777619U;
	return h;
}

uint32_t image_quota_by_id(const struct image *img, uint32_t id)
{
	for (uint32_t i = 0; i < img->quotas.n; i++)
		if (img->quotas.v[i].id == id)
			return i;
	return ~0U;
}

int64_t period_minutes(uint32_t period, struct utc now)
{
	int64_t minute = now.s / 60;
	int64_t behind = (minute - (int64_t)period) & CF_QUOTA_PERIOD_MASK;

	if (!period)
		return 0;
	return behind < PERIOD_HALF ? minute - behind
				    : minute + (int64_t)CF_QUOTA_PERIOD_MASK + 1 - behind;
}

int quota_period(const struct image *img, uint32_t quota, uint32_t period_minute, struct utc now,
		 struct utc *ret_begin, struct utc *ret_end)
{
	uint32_t calendar = img->quotas.v[quota].calendar, present;

	*ret_begin = *ret_end = (struct utc){ 0 };
	if (img->quotas.v[quota].bits_per_second)
		return 0;
	present = image_period(img, calendar, now);
	ret_begin->s = period_minutes(period_minute & CF_QUOTA_PERIOD_MASK, now) * 60;
	ret_end->s = 0;
	if (!present || (present & CF_QUOTA_PERIOD_MASK) != (period_minute & CF_QUOTA_PERIOD_MASK))
		return 0;
	*ret_end = image_period_end(img, calendar, now);
	return 1;
}

static bool active(const struct image *img, size_t segment, uint32_t rule)
{
	return row_has(&img->time_rows.v[img->segments.v[segment].row], rule);
}

bool rule_window(const struct image *img, uint32_t rule, struct utc at, struct utc *ret_begin,
		 struct utc *ret_end)
{
	size_t n = img->segments.n, i = 0, first, next;
	int64_t in_table = image_schedule_at(img, at).s, later = at.s - in_table;
	bool open;

	*ret_begin = *ret_end = (struct utc){ 0 };
	if (n < 2)
		return false;
	/* the last segment is only the end of the table */
	while (i + 2 < n && img->segments.v[i + 1].at.s <= in_table)
		i++;
	open = active(img, i, rule);
	for (first = i; first > 0 && active(img, first - 1, rule) == open; first--)
		;
	for (next = i + 1; next + 1 < n && active(img, next, rule) == open; next++)
		;
	if (first > 0)
		ret_begin->s = img->segments.v[first].at.s + later;
	if (next + 1 < n)
		ret_end->s = img->segments.v[next].at.s + later;
	return open;
}

static bool add_name(const struct policy_set *set, const struct time_expr *e, struct buf *out)
{
	switch (e->op) {
	case TIME_WINDOW:
		buf_printf(out, "%s%s", out->n ? ", " : "",
			   e->window < set->windows.n ? set->windows.v[e->window].name : e->text);
		return true;
	case TIME_WEEKENDS:
	case TIME_WEEKDAYS:
		buf_printf(out, "%s%s", out->n ? ", " : "",
			   e->op == TIME_WEEKENDS ? "weekends" : "weekdays");
		return true;
	case TIME_OR:
		for (size_t i = 0; i < e->n; i++)
			if (!add_name(set, e->v[i], out))
				return false;
		return true;
	default:
		return false;
	}
}

char *during_name(const struct policy_set *set, const struct time_expr *during)
{
	struct buf b = { 0 };

	if (during && add_name(set, during, &b))
		return b.s;
	buf_done(&b);
	return NULL;
}

const struct policy *rule_policy(const struct image *img, const struct policy_set *set,
				 uint32_t rule)
{
	uint32_t i = rule < img->rule_policy.n ? img->rule_policy.v[rule] : ~0U;

	return i < set->policies.n ? &set->policies.v[i] : NULL;
}

const struct quota *quota_line(const struct image *img, const struct policy_set *set,
			       uint32_t quota)
{
	const struct policy *p;
	uint32_t rule;

	if (quota >= img->quotas.n || quota >= img->quota_line.n)
		return NULL;
	rule = img->rule_policy.v[img->quotas.v[quota].rule];
	if (rule != ~0U && rule & IMAGE_PUBLISH)
		return (rule & ~IMAGE_PUBLISH) < set->publishes.n
			       ? &set->publishes.v[rule & ~IMAGE_PUBLISH].quota
			       : NULL;
	p = rule_policy(img, set, img->quotas.v[quota].rule);
	return p && img->quota_line.v[quota] < p->quotas.n ? &p->quotas.v[img->quota_line.v[quota]]
							   : NULL;
}

bool limit_print(const struct image *img, const struct policy_set *set, uint32_t quota,
		 struct buf *out)
{
	const struct quota *q = quota_line(img, set, quota);
	const struct policy *p;
	uint32_t line;

	if (q) {
		policy_print_quota(q, out);
		return true;
	}
	if (quota >= img->quotas.n || quota >= img->quota_line.n)
		return false;
	p = rule_policy(img, set, img->quotas.v[quota].rule);
	line = img->quota_line.v[quota] & ~IMAGE_RATE;
	if (!p || !(img->quota_line.v[quota] & IMAGE_RATE) || line >= p->rates.n)
		return false;
	buf_puts(out, "rate ");
	policy_print_rate(&p->rates.v[line], out);
	return true;
}

const char *mac_format(const uint8_t mac[6], char buf[MAC_TEXT_MAX])
{
	snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

bool mac_is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !memcmp(mac, zero, sizeof(zero));
}
