/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quotas in `status`, one row for each quota line: for `curfew metrics`. */
#include <stdio.h>

#include "app/show/json_util.h"
#include "app/status/status.h"
#include "base/buf.h"

struct quota_sum {
	uint32_t quota;
	char policy[CF_NAME_LEN];
	enum cf_key_kind kind;
	uint32_t period; /* the newest */
	uint64_t keys, latched, used_bytes, attempted_bytes, attempted_packets;
};
struct quota_sums {
	struct quota_sum *v;
	size_t n, cap;
};

static struct quota_sum *sum_of(struct quota_sums *l, const struct cf_quota_key *key,
				const struct quota_state *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].quota == key->quota && l->v[i].kind == (enum cf_key_kind)key->kind)
			return &l->v[i];
	*VEC_ADD(l) = (struct quota_sum){ .quota = key->quota,
					  .kind = (enum cf_key_kind)key->kind,
					  .period = s->period_minute };
	snprintf(l->v[l->n - 1].policy, CF_NAME_LEN, "%s", s->policy);
	return &l->v[l->n - 1];
}

/* Keys of past periods stay in the ledger for a while: only the newest counts. */
static void add_quota(void *arg, const struct cf_quota_key *key, const struct quota_state *s)
{
	struct quota_sum *q = sum_of(arg, key, s);
	uint32_t newer = (s->period_minute - q->period) & CF_QUOTA_PERIOD_MASK;

	if (newer > CF_QUOTA_PERIOD_MASK / 2)
		return;
	if (newer) {
		q->period = s->period_minute;
		q->keys = q->latched = q->used_bytes = 0;
		q->attempted_bytes = q->attempted_packets = 0;
	}
	q->keys++;
	q->latched += s->latched;
	q->used_bytes += s->used_bytes;
	q->attempted_bytes += s->attempted_bytes;
	q->attempted_packets += s->attempted_packets;
}

void status_quotas(struct datapath *dp, json_t *status)
{
	static const char *const kinds[] = {
		[CF_KEY_SOURCE] = "source",     [CF_KEY_DESTINATION] = "destination",
		[CF_KEY_PAIR] = "pair",         [CF_KEY_PREFIX] = "prefix",
		[CF_KEY_MAC] = "mac",           [CF_KEY_ASN] = "asn",
		[CF_KEY_COUNTRY] = "country",   [CF_KEY_POLICY] = "policy",
		[CF_KEY_OVERFLOW] = "overflow",
	};
	struct quota_sums sums = { 0 };
	json_t *list = json_array();

	datapath_limits(dp, add_quota, &sums);
	for (size_t i = 0; i < sums.n; i++) {
		const struct quota_sum *q = &sums.v[i];
		char id[16];

		snprintf(id, sizeof(id), "%08x", q->quota);
		json_array_append_new(
			list,
			json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "policy",
				  json_text(q->policy), "quota", id, "per",
				  q->kind < ARRAY_SIZE(kinds) ? kinds[q->kind] : "unknown", "keys",
				  json_count(q->keys), "used_up", json_count(q->latched),
				  "used_bytes", json_count(q->used_bytes), "attempted_bytes",
				  json_count(q->attempted_bytes), "attempted_packets",
				  json_count(q->attempted_packets)));
	}
	json_object_set_new(status, "quotas", list);
	free(sums.v);
}
