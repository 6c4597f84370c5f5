/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core/report/alert.h"

#define HOUR 3600
#define DAY  (24 * HOUR)

/* Compared and hashed as bytes: no padding, unused parts zero. */
struct seen_key {
	struct cf_quota_key key;
	uint8_t src[16], dst[16];
	int64_t period;
	uint32_t kind, detail;
	uint32_t rule;
	uint32_t pad;
};
_Static_assert(sizeof(struct seen_key) == 56 + 32 + 8 + 16, "hashed as bytes");

struct seen_entry {
	struct seen_key key;
	uint64_t count;
};

/* Two of these: when the young one is full it becomes the old one. */
struct seen_half {
	struct {
		struct seen_entry *v;
		size_t n, cap;
	} e;
	struct hash_index index;
};

struct alert_seen {
	struct hash_seed seed;
	struct seen_half young, old;
	uint64_t suppressed;
};

struct alert_seen *alert_seen_new(struct hash_seed seed)
{
	struct alert_seen *s = xcalloc(1, sizeof(*s));

	s->seed = seed;
	return s;
}

static void half_done(struct seen_half *h)
{
	free(h->e.v);
	hash_done(&h->index);
	*h = (struct seen_half){ 0 };
}

void alert_seen_free(struct alert_seen *s)
{
	if (!s)
		return;
	half_done(&s->young);
	half_done(&s->old);
	free(s);
}

static bool same(const void *arg, uint32_t place, const void *key)
{
	const struct seen_half *h = arg;

	return !memcmp(&h->e.v[place].key, key, sizeof(struct seen_key));
}

/* How often this key was counted, this time included. */
static uint64_t count(struct alert_seen *s, const struct seen_key *key)
{
	uint64_t hash = hash_bytes(&s->seed, key, sizeof(*key)), before = 0;
	uint32_t place = hash_find(&s->young.index, hash, same, &s->young, key);

	if (place != HASH_NONE)
		return ++s->young.e.v[place].count;
	place = hash_find(&s->old.index, hash, same, &s->old, key);
	if (place != HASH_NONE)
		before = s->old.e.v[place].count;
	if (s->young.e.n >= ALERT_SEEN_KEYS / 2) {
		half_done(&s->old);
		s->old = s->young;
		s->young = (struct seen_half){ 0 };
	}
	hash_add(&s->young.index, hash, (uint32_t)s->young.e.n);
	*VEC_ADD(&s->young.e) = (struct seen_entry){ .key = *key, .count = before + 1 };
	return before + 1;
}

static uint32_t rule_id(const struct alert_context *cx, const struct cf_event *ev)
{
	const struct cf_rule *r = past_rules_find(cx->past, cx->image, cx->generation,
						  ev->generation, ev->rule, NULL);

	return r ? r->id : ~ev->rule;
}

/* A policy without quota has no period of its own: its window is one, or the day. */
static int64_t policy_period(const struct alert_context *cx, const struct cf_event *ev,
			     struct utc at)
{
	struct utc begin = { 0 }, end;
	uint32_t now;

	past_rules_find(cx->past, cx->image, cx->generation, ev->generation, ev->rule, &now);
	if (now != ~0U)
		rule_window(cx->image, now, at, &begin, &end);
	return begin.s ? begin.s : at.s / DAY;
}

enum alert_news alert_seen_check(struct alert_seen *s, const struct alert_context *cx,
				 const struct cf_event *ev, struct utc at)
{
	struct seen_key k = { .kind = ev->kind };
	uint64_t n;

	if (ev->key.quota) {
		k.key = ev->key;
		k.detail = ev->kind == CF_EVENT_AT ? ev->detail : 0;
		k.period = ev->period_minute;
		/* the kernel says so each time that one begins */
		if (ev->kind == CF_EVENT_HOLD || ev->kind == CF_EVENT_QUARANTINE)
			k.period = at.s;
	} else {
		k.rule = rule_id(cx, ev);
		k.period = policy_period(cx, ev, at);
		memcpy(k.src, ev->src, sizeof(k.src));
		memcpy(k.dst, ev->dst, sizeof(k.dst));
	}
	if (count(s, &k) > 1) {
		s->suppressed++;
		return ALERT_KNOWN;
	}
	if (ev->key.quota)
		return ALERT_NEW;
	memset(k.dst, 0, sizeof(k.dst));
	k.period = at.s / HOUR;
	n = count(s, &k);
	if (n > ALERT_POLICY_PER_HOUR)
		s->suppressed++;
	return n < ALERT_POLICY_PER_HOUR    ? ALERT_NEW
	       : n == ALERT_POLICY_PER_HOUR ? ALERT_NEW_LAST
					    : ALERT_KNOWN;
}

static void half_forget(struct seen_half *h, const struct cf_quota_key *key)
{
	for (size_t i = 0; i < h->e.n; i++)
		if (!memcmp(&h->e.v[i].key.key, key, sizeof(*key)))
			h->e.v[i].count = 0;
}

void alert_seen_forget(struct alert_seen *s, const struct cf_quota_key *key)
{
	half_forget(&s->young, key);
	half_forget(&s->old, key);
}

uint64_t alert_seen_suppressed(const struct alert_seen *s)
{
	return s->suppressed;
}
