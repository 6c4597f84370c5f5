/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/quota_view.h"

#include <stdio.h>
#include <string.h>

#include "app/show/json_util.h"
#include "core/report/alert_story.h"

struct reading {
	const struct image *img;
	struct utc now;
	struct quota_entries *out;
};

/* In percent, rounded down. */
static uint32_t share(uint64_t bytes, uint64_t of)
{
	return of ? (uint32_t)((unsigned __int128)bytes * 100 / of) : 0;
}

/* A bucket is full when the next packet of usual size would not fit. */
#define RATE_PACKET 1514

static void explain_rate(struct quota_entry *e, const struct cf_quota_spec *q)
{
	e->rate = q->bits_per_second;
	e->limit_bytes = q->limit_bytes;
	e->drop_bytes = q->drop_bytes;
	e->present = true;
	e->state.used_bytes =
		(uint64_t)((unsigned __int128)e->state.ahead_ns * q->bits_per_second / 8000000000);
	if (e->state.used_bytes > q->limit_bytes)
		e->state.used_bytes = q->limit_bytes;
	e->percent = share(e->state.used_bytes, q->limit_bytes);
	e->used_up =
		q->drop_bytes != UINT64_MAX && e->state.used_bytes + RATE_PACKET > q->drop_bytes;
}

static void explain(struct quota_entry *e, const struct image *img, struct utc now)
{
	const struct cf_quota_spec *q;

	e->quota = image_quota_by_id(img, e->key.quota);
	if (e->quota == ~0U)
		return;
	q = &img->quotas.v[e->quota];
	if (e->state.is_rate) {
		explain_rate(e, q);
		e->observes = img->observe || img->rules.v[q->rule].flags & CF_RULE_OBSERVE;
		return;
	}
	e->limit_bytes = q->limit_bytes;
	e->drop_bytes = q->drop_bytes;
	e->observes = img->observe || img->rules.v[q->rule].flags & CF_RULE_OBSERVE;
	e->present = quota_period(img, e->quota, e->state.period_minute, now, &e->period_began,
				  &e->period_ends) > 0;
	e->percent = share(e->state.used_bytes, q->limit_bytes);
	e->used_up = e->present && q->drop_bytes != UINT64_MAX &&
		     (e->state.latched || e->state.used_bytes >= q->drop_bytes);
	/* what is left is too little for a packet: it is used up all the same */
	if (e->used_up && e->percent < share(q->drop_bytes, q->limit_bytes))
		e->percent = share(q->drop_bytes, q->limit_bytes);
}

/* On its way out, or made ahead for when the ledger is full and never needed. */
static bool idle(const struct quota_state *s)
{
	if (s->is_rate)
		return !s->ahead_ns && !s->attempted_packets;
	return (s->period_minute == CF_QUOTA_PERIOD_MASK && s->latched && !s->used_bytes) ||
	       (!s->period_minute && !s->used_bytes && !s->attempted_packets);
}

static void add(void *arg, const struct cf_quota_key *key, const struct quota_state *state)
{
	struct reading *r = arg;
	struct quota_entry e = { .key = *key, .state = *state, .quota = ~0U };

	if (idle(state))
		return;
	e.period_began.s = period_minutes(state->period_minute, r->now) * 60;
	if (r->img)
		explain(&e, r->img, r->now);
	*VEC_ADD(r->out) = e;
}

int quota_entries_read(struct datapath *dp, const struct image *img, struct utc now,
		       struct quota_entries *ret)
{
	struct quota_entries l = { 0 };
	struct reading reading = { .img = img, .now = now, .out = &l };
	int r = datapath_limits(dp, add, &reading);

	if (r < 0) {
		quota_entries_done(&l);
		return r;
	}
	*ret = l;
	return 0;
}

void quota_entries_done(struct quota_entries *l)
{
	free(l->v);
	*l = (struct quota_entries){ 0 };
}

const struct quota_entry *quota_entries_find(const struct quota_entries *l,
					     const struct cf_quota_key *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (!memcmp(&l->v[i].key, key, sizeof(*key)))
			return &l->v[i];
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct quota_entry *x = a, *y = b;

	if (x->present != y->present)
		return x->present ? -1 : 1;
	if (x->used_up != y->used_up)
		return x->used_up ? -1 : 1;
	if (x->percent != y->percent)
		return x->percent < y->percent ? 1 : -1;
	if (x->state.used_bytes != y->state.used_bytes)
		return x->state.used_bytes < y->state.used_bytes ? 1 : -1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

void quota_entries_sort(struct quota_entries *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

static json_t *limit(uint64_t bytes)
{
	return bytes && bytes != UINT64_MAX ? json_count(bytes) : json_null();
}

json_t *quota_entry_json(const struct quota_entry *e, const struct image *img,
			 const struct addr *host, const char *as_name, const struct zone *zone)
{
	_cleanup_buf_ struct buf words = { 0 };
	json_t *o = json_object();
	char id[12], policy[CF_NAME_LEN + 1] = "";

	snprintf(id, sizeof(id), "%08x", quota_key_id(&e->key));
	memcpy(policy, e->state.policy, CF_NAME_LEN);
	quota_key_print(&e->key, img, host, as_name, &words);
	json_object_set_new(o, "key", json_string(id));
	json_object_set_new(o, "key_text", json_text(buf_text(&words)));
	json_object_set_new(o, "policy", json_text(policy));
	json_object_set_new(o, "used_bytes", json_count(e->state.used_bytes));
	json_object_set_new(o, "limit_bytes", limit(e->limit_bytes));
	json_object_set_new(o, "drop_bytes", limit(e->drop_bytes));
	json_object_set_new(o, "percent", e->limit_bytes ? json_integer(e->percent) : json_null());
	json_object_set_new(o, "rate_bits_per_second", e->rate ? json_count(e->rate) : json_null());
	json_object_set_new(o, "latched", json_boolean(e->state.latched));
	json_object_set_new(o, "used_up", json_boolean(e->used_up));
	json_object_set_new(o, "observes", json_boolean(e->observes));
	json_object_set_new(o, "attempted_bytes", json_count(e->state.attempted_bytes));
	json_object_set_new(o, "attempted_packets", json_count(e->state.attempted_packets));
	json_object_set_new(o, "present", json_boolean(e->present));
	json_object_set_new(o, "period_began", json_when(e->period_began, zone));
	json_object_set_new(o, "period_ends", json_when(e->period_ends, zone));
	return o;
}
