/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/explain_json.h"
#include "app/show/explain_hold.h"
#include "app/show/explain_link.h"
#include "app/status/status.h"
#include "core/policy/failing.h"

#include <string.h>

#include "core/image/row.h"
#include "core/image/service.h"
#include "core/policy/print.h"

static const struct {
	const char *slug, *group, *text;
} reasons[] = {
#define X(id, slug, group, text) { slug, #group, text },
	CF_REASONS(X)
#undef X
};

/* ---- quotas --------------------------------------------------------------- */

/* The entry the kernel would charge: the key's own, or the shared one when the ledger was full. */
static const struct quota_entry *entry_of(const struct quota_entries *l,
					  const struct cf_quota_key *key)
{
	struct cf_quota_key shared = { .quota = key->quota, .kind = CF_KEY_OVERFLOW };
	const struct quota_entry *e = quota_entries_find(l, key);

	return e ? e : quota_entries_find(l, &shared);
}

/* A key that nothing was booked on yet. */
static struct quota_entry fresh(const struct image *img, uint32_t quota,
				const struct cf_quota_key *key, struct utc at)
{
	const struct cf_quota_spec *s = &img->quotas.v[quota];
	uint32_t period = s->bits_per_second ? 0 : image_period(img, s->calendar, at);
	struct quota_entry e = {
		.key = *key,
		.quota = quota,
		.limit_bytes = s->limit_bytes,
		.drop_bytes = s->drop_bytes,
		.observes = img->observe || img->rules.v[s->rule].flags & CF_RULE_OBSERVE,
		.present = period || s->bits_per_second,
		.period_began = { (int64_t)period * 60 },
	};

	memcpy(e.state.policy, s->policy, sizeof(e.state.policy));
	if (period)
		e.period_ends = image_period_end(img, s->calendar, at);
	return e;
}

static json_t *unknown_key(struct daemon *d, uint32_t quota)
{
	const struct cf_quota_spec *s = &d->now.image->quotas.v[quota];
	const struct policy *p = rule_policy(d->now.image, d->now.set, s->rule);
	_cleanup_buf_ struct buf text = { 0 };

	limit_print(d->now.image, d->now.set, quota, &text);
	return json_pack("{s:o, s:o, s:o, s:s}", "policy", p ? json_text(p->name) : json_null(),
			 "quota", json_text(buf_text(&text)), "limit_bytes",
			 json_count(s->limit_bytes), "unknown",
			 "the source is known by its MAC, and nobody answers for its address now");
}

static json_t *quota_json(struct daemon *d, const struct question *q, uint32_t quota,
			  const struct quota_entries *l, struct answer *a)
{
	const struct image *img = d->now.image;
	struct quota_entry e;
	const struct quota_entry *booked;
	struct cf_quota_key key;

	if (quota_key_make(img, quota, &q->src, &q->dst, &key) < 0)
		return unknown_key(d, quota);
	e = fresh(img, quota, &key, q->at);
	booked = entry_of(l, &key);
	/* entries were read as of `at`: one that is not present then speaks of another period */
	if (booked && booked->present)
		e = *booked;
	if (e.used_up && (a->quota == ~0U || !e.observes)) {
		a->quota = quota;
		a->rule = img->quotas.v[quota].rule;
		if (!a->drop)
			a->reason = e.observes                             ? CF_REASON_PASS_OBSERVED
				    : img->quotas.v[quota].bits_per_second ? CF_REASON_DROP_RATE
									   : CF_REASON_DROP_QUOTA;
		a->drop |= !e.observes;
	}
	return books_quota_json(d, &e);
}

static json_t *quotas_json(struct daemon *d, const struct question *q, struct answer *a,
			   char **ret_error)
{
	_cleanup_quota_entries_ struct quota_entries l = { 0 };
	const struct image *img = d->now.image;
	json_t *list;
	int r = quota_entries_read(d->dp, img, q->at, &l);

	if (r < 0) {
		request_fail(ret_error, 0, "cannot read the quotas: %s", strerror(-r));
		return NULL;
	}
	list = json_array();
	for (uint32_t i = 0; i < img->quotas.n; i++)
		if (row_has(&a->charged, img->quotas.v[i].rule))
			json_array_append_new(list, quota_json(d, q, i, &l, a));
	return list;
}

/* ---- the whole ------------------------------------------------------------- */

static bool switched_off(const struct daemon *d)
{
	uint64_t until = datapath_control(d->dp)->off_until;

	return until && until > datapath_jiffies(d->dp);
}

static json_t *verdict_json(const struct answer *a)
{
	return json_pack("{s:s, s:s, s:s, s:b}", "verdict", a->drop ? "drop" : "pass", "reason",
			 reasons[a->reason].slug, "text", reasons[a->reason].text, "drop",
			 (int)a->drop);
}

static json_t *window_json(struct daemon *d, const struct policy *p, uint32_t rule, struct utc at)
{
	_cleanup_free_ char *name = NULL;
	struct utc begin, end;
	bool open;

	if (!p->during)
		return json_null();
	name = during_name(d->now.set, p->during);
	open = rule_window(d->now.image, rule, at, &begin, &end);
	return json_pack("{s:o, s:b, s:o, s:o}", "name", json_text(name), "open", (int)open,
			 open ? "opened" : "closed", json_time(d, begin), open ? "closes" : "opens",
			 json_time(d, end));
}

/* The policies about this pair, also those whose window is closed. */
static json_t *policies_json(struct daemon *d, const struct question *q)
{
	const struct image *img = d->now.image;
	struct cf_row about = policies_about(img, q->src.from, &q->src.addr, &q->dst);
	json_t *list = json_array();

	link_narrow(img, q, &about);
	for (uint32_t i = 0; i < img->rules.n; i++) {
		const struct policy *p = rule_policy(img, d->now.set, i);

		if (!row_has(&about, i) || !p)
			continue;
		json_array_append_new(list,
				      json_pack("{s:o, s:o, s:b}", "policy", json_text(p->name),
						"window", window_json(d, p, i, q->at), "observes",
						!!(img->rules.v[i].flags & CF_RULE_OBSERVE)));
	}
	return list;
}

/* The entry of the book that a rule was made from; NULL: it is the configuration's. */
static const struct manual_entry *by_hand(const struct daemon *d, uint32_t rule)
{
	const struct cf_rule *r = &d->now.image->rules.v[rule];
	bool allow = r->kind == CF_RULE_EXEMPT;

	if (d->now.image->rule_policy.v[rule] != ~0U ||
	    strncmp(r->name, allow ? "allowed by hand" : "blocked by hand", CF_NAME_LEN))
		return NULL;
	for (size_t i = 0; i < d->book.n; i++)
		if (d->book.v[i].id == r->id && d->book.v[i].allow == allow)
			return &d->book.v[i];
	return NULL;
}

static json_t *rule_json(struct daemon *d, uint32_t rule)
{
	static const char *const kinds[] = {
		[CF_RULE_NONE] = "none",       [CF_RULE_POLICY] = "policy",
		[CF_RULE_EXCEPT] = "except",   [CF_RULE_EXEMPT] = "exempt",
		[CF_RULE_PROTECT] = "protect", [CF_RULE_BLOCK] = "block",
		[CF_RULE_PUBLISH] = "publish",
	};
	const struct policy *p = rule_policy(d->now.image, d->now.set, rule);
	const struct manual_entry *e;
	const struct cf_rule *r;
	char name[CF_NAME_LEN + 1] = "";
	json_t *o;

	if (rule >= d->now.image->rules.n)
		return json_null();
	r = &d->now.image->rules.v[rule];
	memcpy(name, r->name, CF_NAME_LEN);
	o = json_pack("{s:s, s:o}", "kind",
		      r->kind < ARRAY_SIZE(kinds) ? kinds[r->kind] : "unknown", "name",
		      json_text(p ? p->name : name));
	e = by_hand(d, rule);
	if (e)
		json_object_set_new(o, "by_hand", manual_json(e, d->zone));
	return o;
}

static json_t *service_json(const struct service *s)
{
	struct service_list l = { .v = (struct service *)s, .n = 1 };
	_cleanup_buf_ struct buf text = { 0 };

	print_services(&text, &l);
	return json_text(buf_text(&text));
}

/*
 * Whether the kernel's schedule knows that instant, and what it takes it for. A running daemon
 * writes a new schedule each day, so that the answer is about one that is dead by then.
 */
static json_t *schedule_json(struct daemon *d, struct utc at)
{
	const struct image *img = d->now.image;
	bool early = at.s < img->begin.s, late = at.s >= img->end.s;
	const struct failing_row *r = failing_find(ON_SCHEDULE_END, img->on[ON_SCHEDULE_END]);

	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "known", !early && !late, "begins",
			 json_time(d, img->begin), "ends", json_time(d, img->end), "taken_as",
			 late && r->fail == CF_FAIL_KEEP ? json_time(d, image_schedule_at(img, at))
							 : json_null(),
			 "means", late ? json_string(r->means) : json_null());
}

/* What the answer had to do without, and some rule asks for. */
static json_t *undetermined_json(const struct image *img, const struct question *q, uint32_t open)
{
	json_t *list = json_array();

	link_undetermined(img, q, list);
	if (open & IMAGE_OPEN_SERVICE)
		json_array_append_new(list, json_string("service"));
	if (open & IMAGE_OPEN_BEGAN)
		json_array_append_new(list, json_string("initiated"));
	return list;
}

/* What fails just now, beside what the image knows; we ourselves have not stalled. */
static enum cf_fail failing_now(struct daemon *d, const struct question *q)
{
	if (!q->now || !failing_lasts(d->dp, ON_TIME_UNKNOWN))
		return CF_FAIL_KEEP;
	return failing_find(ON_TIME_UNKNOWN, d->now.image->on[ON_TIME_UNKNOWN])->fail;
}

static json_t *judge_json(struct daemon *d, const struct question *q, struct answer *ret,
			  char **ret_error)
{
	struct image_packet p = {
		.from = q->src.from,
		.src = q->src.addr,
		.dst = q->dst,
		.at = q->at,
		.has_service = q->has_service,
		.protocol = q->service.protocol,
		.has_port = q->service.has_port,
		.port = q->service.port_first,
		.other_port = q->other_port,
		.began = q->began,
		.failing = failing_now(d, q),
	};
	struct image_verdict v;
	struct answer a;
	struct place place = books_place(d, &q->dst);
	char mac[MAC_TEXT_MAX];
	json_t *o, *quotas, *hold;

	link_of(q, &p);
	v = image_judge(d->now.image, &p);
	a = (struct answer){
		.reason = v.reason,
		.rule = v.rule,
		.quota = ~0U,
		.charged = v.charged,
		.open = v.open,
		.other_rule = ~0U,
	};
	a.drop = CF_DROP_REASONS >> v.reason & 1;
	hold = explain_hold(d, q, &p, &a);
	quotas = quotas_json(d, q, &a, ret_error);
	if (!quotas) {
		json_decref(hold);
		return NULL;
	}
	/* above quotas and holds, as in the kernel */
	v = image_judge_failing(
		d->now.image, &p,
		(struct image_verdict){ .reason = a.reason, .rule = a.rule, .open = v.open });
	a.reason = v.reason;
	a.rule = v.rule;
	a.drop = CF_DROP_REASONS >> v.reason & 1;
	if (a.drop && q->now && switched_off(d)) {
		a.drop = false;
		a.reason = CF_REASON_PASS_OFF;
	}
	o = json_object();
	json_object_set_new(o, "source", json_addr(&q->src.addr));
	json_object_set_new(o, "source_mac",
			    q->src.has_mac ? json_string(mac_format(q->src.mac, mac))
					   : json_null());
	json_object_set_new(o, "from", json_string(from_name(q->src.from)));
	json_object_set_new(o, "destination", json_addr(&q->dst));
	json_place(o, &place);
	json_object_set_new(o, "at", json_time(d, q->at));
	json_object_set_new(o, "schedule", schedule_json(d, q->at));
	if (q->has_service)
		json_object_set_new(o, "service", service_json(&q->service));
	if (q->began != CF_BEGAN_UNKNOWN)
		json_object_set_new(
			o, "initiated",
			json_string(q->began == CF_BEGAN_INSIDE ? "inside" : "outside"));
	json_object_set_new(o, "undetermined", undetermined_json(d->now.image, q, v.open));
	json_object_set_new(o, "verdict", verdict_json(&a));
	json_object_set_new(o, "rule", rule_json(d, a.rule));
	json_object_set_new(o, "policies", policies_json(d, q));
	json_object_set_new(o, "quotas", quotas);
	json_object_set_new(o, "hold", hold);
	*ret = a;
	return o;
}

json_t *answer_json(struct daemon *d, const struct question *q, struct answer *ret,
		    char **ret_error)
{
	json_t *o = judge_json(d, q, ret, ret_error), *others;
	struct question rest = *q;
	struct answer a;

	if (!o || q->has_service || !(ret->open & IMAGE_OPEN_SERVICE))
		return o;
	rest.has_service = true;
	rest.service = (struct service){ .protocol = image_other_protocol(d->now.image) };
	others = judge_json(d, &rest, &a, ret_error);
	if (!others) {
		json_decref(o);
		return NULL;
	}
	ret->by_service = a.reason != ret->reason || a.rule != ret->rule;
	ret->other_rule = a.rule;
	if (ret->by_service)
		json_object_set_new(o, "other_services",
				    json_pack("{s:O, s:O}", "verdict",
					      json_object_get(others, "verdict"), "rule",
					      json_object_get(others, "rule")));
	json_decref(others);
	return o;
}
