/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/alert.h"

#include <errno.h>
#include <string.h>

#include "core/report/alert_story.h"

static const char *const kind_names[] = {
	[ALERT_THRESHOLD] = "threshold", [ALERT_QUOTA] = "quota", [ALERT_POLICY] = "policy",
	[ALERT_BLOCK] = "block",         [ALERT_TABLE] = "table", [ALERT_COVERAGE] = "coverage",
	[ALERT_FAILING] = "failing",     [ALERT_HOLD] = "hold",   [ALERT_QUARANTINE] = "quarantine",
	[ALERT_RELOAD] = "reload",
};
_Static_assert(ARRAY_SIZE(kind_names) == ALERT_KIND_MAX, "a kind has no name");

static const char *const verdict_names[] = {
	[ALERT_PASSED] = "passed",
	[ALERT_DROPPED] = "dropped",
	[ALERT_WOULD_DROP] = "would drop",
};
_Static_assert(ARRAY_SIZE(verdict_names) == ALERT_VERDICT_MAX, "a verdict has no name");

static const char *const level_names[] = {
	[CF_LEVEL_NONE] = "none",
	[CF_LEVEL_INFO] = "info",
	[CF_LEVEL_WARNING] = "warning",
	[CF_LEVEL_CRITICAL] = "critical",
};

const char *alert_kind_name(enum alert_kind kind)
{
	return (unsigned int)kind < ALERT_KIND_MAX ? kind_names[kind] : "unknown";
}

const char *alert_verdict_name(enum alert_verdict verdict)
{
	return (unsigned int)verdict < ALERT_VERDICT_MAX ? verdict_names[verdict] : "unknown";
}

const char *level_name(enum cf_level level)
{
	return (unsigned int)level < ARRAY_SIZE(level_names) ? level_names[level] : "unknown";
}

void alert_done(struct alert *a)
{
	free(a->policy);
	free(a->quota);
	free(a->key_text);
	free(a->window);
	free(a->story);
	*a = (struct alert){ 0 };
}

static int kind_of(const struct cf_event *ev, struct alert *a)
{
	switch (ev->kind) {
	case CF_EVENT_AT:
		a->kind = ALERT_THRESHOLD;
		a->verdict = ALERT_PASSED;
		return 0;
	case CF_EVENT_DROP:
		a->kind = ALERT_QUOTA;
		break;
	case CF_EVENT_POLICY:
		a->kind = ALERT_POLICY;
		break;
	case CF_EVENT_BLOCK:
		a->kind = ALERT_BLOCK;
		break;
	case CF_EVENT_HOLD:
		a->kind = ALERT_HOLD;
		a->level = CF_LEVEL_INFO;
		break;
	case CF_EVENT_QUARANTINE:
		a->kind = ALERT_QUARANTINE;
		break;
	case CF_EVENT_OVERFLOW:
		a->kind = ALERT_TABLE;
		a->table = (enum cf_full_table)ev->detail;
		a->verdict = ALERT_PASSED;
		return 0;
	default:
		return -EINVAL;
	}
	a->verdict = ev->dropped ? ALERT_DROPPED : ALERT_WOULD_DROP;
	return 0;
}

/* The rule as it was when it was reported, and its number now; NULL: not known any more. */
static const struct cf_rule *rule_of(const struct alert_context *cx, const struct cf_event *ev,
				     uint32_t quota, uint32_t *ret_now)
{
	if (quota == ~0U)
		return past_rules_find(cx->past, cx->image, cx->generation, ev->generation,
				       ev->rule, ret_now);
	*ret_now = cx->image->quotas.v[quota].rule;
	return &cx->image->rules.v[*ret_now];
}

static uint32_t quota_of(const struct alert_context *cx, const struct cf_event *ev)
{
	return ev->key.quota ? image_quota_by_id(cx->image, ev->key.quota) : ~0U;
}

static enum cf_level drop_level(const struct cf_quota_spec *q)
{
	for (unsigned int i = 0; i < q->at_count && i < CF_QUOTA_ATS; i++)
		if (q->at[i].bytes == q->drop_bytes)
			return (enum cf_level)q->at[i].level;
	/* nobody asked for an alert, but a drop is worth a line */
	return CF_LEVEL_INFO;
}

/* In percent of the quota, rounded down. */
static uint32_t share(uint64_t bytes, const struct cf_quota_spec *q)
{
	if (!q->limit_bytes)
		return 0;
	return (uint32_t)((unsigned __int128)bytes * 100 / q->limit_bytes);
}

static void add_key_text(const struct alert_context *cx, const struct cf_event *ev, struct alert *a)
{
	bool sender = a->has_mac && !memcmp(ev->key.mac, ev->mac, sizeof(ev->mac));
	struct buf text = { 0 };

	quota_key_print(&ev->key, cx->image, sender ? &a->src : NULL, a->place.rec.as_name, &text);
	a->key_text = text.s;
}

static void add_quota(const struct alert_context *cx, const struct cf_event *ev, uint32_t quota,
		      struct alert *a)
{
	const struct cf_quota_spec *q = &cx->image->quotas.v[quota];
	struct buf text = { 0 };

	if (limit_print(cx->image, cx->set, quota, &text))
		a->quota = text.s;
	a->rate = q->bits_per_second;
	add_key_text(cx, ev, a);
	a->limit_bytes = q->limit_bytes;
	a->percent = share(ev->used_bytes, q);
	if (ev->kind == CF_EVENT_AT && ev->detail < q->at_count && ev->detail < CF_QUOTA_ATS) {
		a->level = (enum cf_level)q->at[ev->detail].level;
		/* the line is a whole number of bytes, so its share may round down to less */
		if (a->percent < q->at[ev->detail].percent)
			a->percent = q->at[ev->detail].percent;
	}
	if (ev->kind == CF_EVENT_DROP) {
		a->level = drop_level(q);
		/* what is left is too little for the packet: the quota is used up all the same */
		if (q->drop_bytes != UINT64_MAX && a->percent < share(q->drop_bytes, q))
			a->percent = share(q->drop_bytes, q);
	}
	quota_period(cx->image, quota, ev->period_minute, a->at, &a->period_began, &a->period_ends);
}

static void add_rule(const struct alert_context *cx, const struct cf_event *ev,
		     const struct cf_rule *r, uint32_t rule, struct alert *a)
{
	const struct policy *p = rule_policy(cx->image, cx->set, rule);

	/* the tree has the whole name, the kernel a cut one */
	a->policy = p ? xstrdup(p->name) : xstrndup(r->name, sizeof(r->name));
	if (ev->kind == CF_EVENT_POLICY) {
		a->level = (enum cf_level)r->level;
		if (!(r->flags & CF_RULE_DROP))
			a->verdict = ALERT_PASSED;
	}
	if (!p || !p->during)
		return;
	a->window = during_name(cx->set, p->during);
	if (!rule_window(cx->image, rule, a->at, &a->window_opened, &a->window_closes))
		a->window_opened = a->window_closes = (struct utc){ 0 };
}

int alert_make(const struct alert_context *cx, const struct cf_event *ev, struct utc at,
	       struct alert *ret)
{
	struct alert a = {
		.level = CF_LEVEL_WARNING,
		.at = at,
		.protocol = ev->protocol,
		.source_port = ev->source_port,
		.destination_port = ev->destination_port,
		.hook = (enum cf_hook)ev->hook,
		.used_bytes = ev->used_bytes,
		.key = ev->key,
	};
	uint32_t quota = quota_of(cx, ev), number;
	const struct cf_rule *rule = rule_of(cx, ev, quota, &number);
	int r = kind_of(ev, &a);

	if (r < 0)
		return r;
	if (a.kind == ALERT_HOLD || a.kind == ALERT_QUARANTINE)
		a.seconds = ev->detail;
	memcpy(a.src.b, ev->src, sizeof(a.src.b));
	memcpy(a.dst.b, ev->dst, sizeof(a.dst.b));
	memcpy(a.mac, ev->mac, sizeof(a.mac));
	a.has_mac = !mac_is_zero(ev->mac);
	a.place = place_find(cx->geo, &cx->set->site, &a.dst);
	if (quota != ~0U)
		add_quota(cx, ev, quota, &a);
	if (rule)
		add_rule(cx, ev, rule, number, &a);
	if (a.level == CF_LEVEL_NONE)
		a.level = CF_LEVEL_INFO;
	a.story = alert_story(cx, &a);
	*ret = a;
	return 0;
}
