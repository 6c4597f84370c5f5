/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/explain_json.h"

#include <string.h>

#include "core/row.h"

static const char *const from_names[] = {
	[CF_FROM_INSIDE] = "inside",
	[CF_FROM_GATEWAY] = "gateway",
	[CF_FROM_OTHER] = "other",
};
_Static_assert(ARRAY_SIZE(from_names) == CF_FROM_MAX, "a beginning has no name");

static const struct {
	const char *slug, *group, *text;
} reasons[] = {
#define X(id, slug, group, text) { slug, #group, text },
	CF_REASONS(X)
#undef X
};

static int parse_from(struct daemon *d, const json_t *args, struct question *q, char **ret_error)
{
	const char *text = json_get_text(args, "from");

	q->src.from =
		ledger_from(CF_HOOK_OUTSIDE, &q->src.addr, &d->machine.local) == CF_FROM_GATEWAY
			? CF_FROM_GATEWAY
			: CF_FROM_INSIDE;
	if (!text)
		return 0;
	for (unsigned int i = 0; i < CF_FROM_MAX; i++) {
		if (strcmp(text, from_names[i]))
			continue;
		q->src.from = (enum cf_from)i;
		return 0;
	}
	return request_fail(ret_error, EXIT_USAGE, "--from is inside or gateway, not '%s'", text);
}

int question_parse(struct daemon *d, const json_t *args, struct question *ret, char **ret_error)
{
	const char *src = json_get_text(args, "source"), *dst = json_get_text(args, "destination");
	const char *at = json_get_text(args, "at");
	struct question q = { .at = daemon_now(d), .now = true };
	const struct neigh *n;
	int r;

	if (!src || addr_parse(src, &q.src.addr) < 0)
		return request_fail(ret_error, EXIT_USAGE, "'%s' is not a source address",
				    src ? src : "");
	if (!dst || addr_parse(dst, &q.dst) < 0)
		return request_fail(ret_error, EXIT_USAGE, "'%s' is not a destination address",
				    dst ? dst : "");
	r = parse_from(d, args, &q, ret_error);
	if (r)
		return r;
	if (at && utc_parse(at, d->zone, daemon_now(d), &q.at) < 0)
		return request_fail(ret_error, EXIT_USAGE,
				    "'%s' is not a time; \"Tue 00:30\", \"2026-11-24 22:00\" or "
				    "\"+2h\" is",
				    at);
	q.now = !at;
	n = neigh_by_addr(books_neighbours(d), &q.src.addr);
	if (n) {
		q.src.has_mac = true;
		memcpy(q.src.mac, n->mac, sizeof(q.src.mac));
	}
	*ret = q;
	return 0;
}

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
	uint32_t period = image_period(img, s->calendar, at);
	struct quota_entry e = {
		.key = *key,
		.quota = quota,
		.limit_bytes = s->limit_bytes,
		.drop_bytes = s->drop_bytes,
		.observes = img->observe || img->rules.v[s->rule].flags & CF_RULE_OBSERVE,
		.present = period,
		.period_began = { (int64_t)period * 60 },
	};

	memcpy(e.state.policy, s->policy, sizeof(e.state.policy));
	if (period)
		e.period_ends = image_period_end(img, s->calendar, at);
	return e;
}

static json_t *unknown_key(struct daemon *d, uint32_t quota)
{
	const struct quota *line = quota_line(d->now.image, d->now.set, quota);
	const struct cf_quota_spec *s = &d->now.image->quotas.v[quota];
	const struct policy *p = rule_policy(d->now.image, d->now.set, s->rule);
	_cleanup_buf_ struct buf text = { 0 };

	if (line)
		policy_print_quota(line, &text);
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
			a->reason = e.observes ? CF_REASON_PASS_OBSERVED : CF_REASON_DROP_QUOTA;
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

static json_t *rule_json(struct daemon *d, uint32_t rule)
{
	static const char *const kinds[] = {
		[CF_RULE_NONE] = "none",       [CF_RULE_POLICY] = "policy",
		[CF_RULE_EXCEPT] = "except",   [CF_RULE_EXEMPT] = "exempt",
		[CF_RULE_PROTECT] = "protect", [CF_RULE_BLOCK] = "block",
	};
	const struct policy *p = rule_policy(d->now.image, d->now.set, rule);
	const struct cf_rule *r;
	char name[CF_NAME_LEN + 1] = "";

	if (rule >= d->now.image->rules.n)
		return json_null();
	r = &d->now.image->rules.v[rule];
	memcpy(name, r->name, CF_NAME_LEN);
	return json_pack("{s:s, s:o}", "kind",
			 r->kind < ARRAY_SIZE(kinds) ? kinds[r->kind] : "unknown", "name",
			 json_text(p ? p->name : name));
}

json_t *answer_json(struct daemon *d, const struct question *q, struct answer *ret,
		    char **ret_error)
{
	struct image_packet p = {
		.from = q->src.from, .src = q->src.addr, .dst = q->dst, .at = q->at
	};
	struct image_verdict v = image_judge(d->now.image, &p);
	struct answer a = {
		.reason = v.reason, .rule = v.rule, .quota = ~0U, .charged = v.charged
	};
	struct place place = books_place(d, &q->dst);
	char mac[MAC_TEXT_MAX];
	json_t *o, *quotas;

	a.drop = CF_DROP_REASONS >> v.reason & 1;
	quotas = quotas_json(d, q, &a, ret_error);
	if (!quotas)
		return NULL;
	if (a.drop && q->now && switched_off(d)) {
		a.drop = false;
		a.reason = CF_REASON_PASS_OFF;
	}
	o = json_object();
	json_object_set_new(o, "source", json_addr(&q->src.addr));
	json_object_set_new(o, "source_mac",
			    q->src.has_mac ? json_string(mac_format(q->src.mac, mac))
					   : json_null());
	json_object_set_new(o, "from", json_string(from_names[q->src.from]));
	json_object_set_new(o, "destination", json_addr(&q->dst));
	json_place(o, &place);
	json_object_set_new(o, "at", json_time(d, q->at));
	json_object_set_new(o, "verdict", verdict_json(&a));
	json_object_set_new(o, "rule", rule_json(d, a.rule));
	json_object_set_new(o, "policies", policies_json(d, q));
	json_object_set_new(o, "quotas", quotas);
	*ret = a;
	return o;
}
