/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Staying on every interface, and first in its chain: covers what is not
 * covered, measures for how long it was not, and says so.
 */
#include <errno.h>
#include <string.h>

#include "app/daemon/alerts.h"
#include "app/daemon/parts.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/coverage/retake.h"
#include "core/coverage/uncovered.h"

/* Looks between changes: nobody announces what happens to a TCX chain. */
#define WATCH_MS 500
/* What could not be covered is tried again after so long, unless something changes before. */
#define RETRY_MS 5000
/* Shorter gaps are logged when they are over, and counted: a device that flaps raises no alerts. */
#define ALERT_GAP_MS 400

/* What is known of one interface from look to look. */
struct post {
	char ifname[IFNAMSIZ];
	enum cf_if_role role;
	uint32_t ifindex; /* the last one that was seen covered */
	bool displaced;   /* said already */
	bool said;        /* that it is not covered */
	uint32_t retaken; /* how often */
	struct retake retake;
};

struct cover_watch {
	struct uncovered gaps;
	struct {
		struct post *v;
		size_t n, cap;
	} posts;
	uint64_t watched_ms;
	uint64_t tried_ms; /* to cover what is missing */
	char *trouble;     /* what was last said about interfaces that cannot be covered */
};

static struct cover_watch *watch_of(struct daemon *d)
{
	if (!d->cover)
		d->cover = xcalloc(1, sizeof(*d->cover));
	return d->cover;
}

void daemon_cover_done(struct daemon *d)
{
	if (!d->cover)
		return;
	uncovered_done(&d->cover->gaps);
	free(d->cover->posts.v);
	free(d->cover->trouble);
	free(d->cover);
	d->cover = NULL;
}

static struct post *post_of(struct cover_watch *w, const char *ifname, enum cf_if_role role)
{
	struct post fresh = { .role = role };

	for (size_t i = 0; i < w->posts.n; i++)
		if (w->posts.v[i].role == role && !strcmp(w->posts.v[i].ifname, ifname))
			return &w->posts.v[i];
	strncpy(fresh.ifname, ifname, sizeof(fresh.ifname) - 1);
	*VEC_ADD(&w->posts) = fresh;
	return &w->posts.v[w->posts.n - 1];
}

static const struct hook *hook_of(const struct hook_list *hooks, const struct hook_want *want)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (hooks->v[i].role == want->role && !strcmp(hooks->v[i].ifname, want->ifname))
			return &hooks->v[i];
	return NULL;
}

static const char *role_name(enum cf_if_role role)
{
	return role == CF_IF_INSIDE ? "inside" : "outside";
}

/* ---- telling ------------------------------------------------------------- */

static void raise_alert(struct daemon *d, enum cf_level level, enum cf_if_role role, char *story)
{
	struct alert a = {
		.kind = ALERT_COVERAGE,
		.level = level,
		.verdict = ALERT_PASSED,
		.at = daemon_now(d),
		.hook = role == CF_IF_INSIDE ? CF_HOOK_INSIDE : CF_HOOK_OUTSIDE,
		.story = story,
	};

	if (d->alerts)
		alert_log_add(d->alerts, &a, d->zone);
	alert_done(&a);
}

static void say_gap(struct daemon *d, const struct hook_want *want, enum uncovered_news news,
		    uint64_t ms, struct post *p)
{
	const char *role = role_name(want->role);
	bool said = p->said;

	if (news == UNCOVERED_ENDED) {
		log_notice("%s (%s) is covered again, or gone; for %llu ms it was not covered",
			   want->ifname, role, (unsigned long long)ms);
		p->said = false;
		if (!said)
			return;
		raise_alert(d, CF_LEVEL_WARNING, want->role,
			    xprintf("%s (%s) was not covered for %llu ms: what passed there was "
				    "neither counted nor stopped",
				    want->ifname, role, (unsigned long long)ms));
	} else if (ms >= ALERT_GAP_MS && !said) {
		p->said = true;
		log_error("%s (%s) is NOT COVERED", want->ifname, role);
		raise_alert(d, CF_LEVEL_CRITICAL, want->role,
			    xprintf("%s (%s) is not covered: what passes there is neither counted "
				    "nor stopped",
				    want->ifname, role));
	}
}

/* One line that differs when coverage does. */
static char *coverage(const struct hook_list *hooks)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < hooks->n; i++) {
		const struct hook *h = &hooks->v[i];

		buf_printf(&b, "%s%s: %s", i ? ", " : "", h->ifname,
			   *h->seen_at ? h->note.text : hook_kind_name(h->kind));
		if (*h->renamed)
			buf_printf(&b, " (now called %s)", h->renamed);
		if (!h->covered)
			buf_printf(&b, " (NOT COVERED%s%s)", *h->why.text ? ": " : "", h->why.text);
	}
	return b.s;
}

static void say_coverage(struct daemon *d, const struct hook_list *hooks)
{
	char *now = coverage(hooks);

	if (now && (!d->coverage || strcmp(now, d->coverage))) {
		free(d->coverage);
		d->coverage = TAKE(now);
		log_info("%s", d->coverage);
	}
	free(now);
}

/* Once, not at each look. */
static void say_trouble(struct cover_watch *w, int r, const struct why *why)
{
	const char *text = *why->text ? why->text : r < 0 ? strerror(-r) : "";

	if (*text && (!w->trouble || strcmp(w->trouble, text)))
		log_warning("cannot cover all interfaces: %s", text);
	free(w->trouble);
	w->trouble = xstrdup(text);
}

/* ---- looking --------------------------------------------------------------- */

/* Notes what is covered now. True: something that exists is not. */
static bool look(struct daemon *d, const struct want_list *wants, const struct hook_list *hooks)
{
	struct cover_watch *w = watch_of(d);
	uint64_t now = daemon_monotonic_ms();
	bool missing = false;

	uncovered_begin(&w->gaps);
	for (size_t i = 0; i < wants->n; i++) {
		const struct hook_want *want = &wants->v[i];
		const struct hook *h = hook_of(hooks, want);
		struct post *p = post_of(w, want->ifname, want->role);
		uint32_t ifindex = if_nametoindex(want->ifname);
		struct uncovered_look l = {
			.ifname = want->ifname,
			.role = want->role,
			.exists = ifindex != 0,
			.covered = h && h->covered,
			.anew = ifindex != p->ifindex,
			.appeared_ms = d->net_since_ms,
			.now_ms = now,
		};
		uint64_t ms;
		enum uncovered_news news = uncovered_look(&w->gaps, &l, &ms);

		say_gap(d, want, news, ms, p);
		if (l.covered)
			p->ifindex = h->ifindex;
		missing |= l.exists && !l.covered;
	}
	uncovered_end(&w->gaps, now);
	return missing;
}

void daemon_cover(struct daemon *d)
{
	_cleanup_wants_ struct want_list wants = { 0 };
	struct hook_list hooks = { 0 };
	struct why why = { "" };
	int r;

	wants_build(d->now.set, &wants);
	if (datapath_hooks(d->dp, &hooks) == 0)
		look(d, &wants, &hooks);
	hook_list_done(&hooks);
	r = datapath_cover(d->dp, wants.v, wants.n, &why);
	say_trouble(watch_of(d), r, &why);
	if (datapath_hooks(d->dp, &hooks) < 0)
		return;
	look(d, &wants, &hooks);
	say_coverage(d, &hooks);
	hook_list_done(&hooks);
}

/* ---- the place in the chain -------------------------------------------------- */

static void say_displaced(struct daemon *d, const struct hook *h)
{
	log_warning(
		"%s: program '%s' (id %u) has gone before ours: what it lets pass or takes away, "
		"we do not see",
		h->ifname, h->first, h->first_id);
	raise_alert(d, CF_LEVEL_WARNING, h->role,
		    xprintf("program '%s' (id %u) has gone before ours on %s: what it lets pass or "
			    "takes away, we do not see",
			    h->first, h->first_id, h->ifname));
}

static void retake(struct daemon *d, const struct hook *h, struct post *p)
{
	struct hook_want want = { .role = h->role };
	struct why why = { "" };
	int r;

	memcpy(want.ifname, h->ifname, sizeof(want.ifname));
	r = datapath_retake(d->dp, &want, &why);
	if (r < 0) {
		log_err(r, "%s: cannot go back to the head of the chain: %s", h->ifname, why.text);
		return;
	}
	p->retaken++;
	log_notice("%s: first in the chain again, before '%s'", h->ifname, h->first);
}

static void keep_place(struct daemon *d, const struct hook *h)
{
	bool may = d->now.set->on[ON_DISPLACED].choice != CHOICE_REPORT;
	struct post *p = post_of(watch_of(d), h->ifname, h->role);
	bool displaced = h->alive && h->position > 0;

	if (displaced && !p->displaced)
		say_displaced(d, h);
	p->displaced = displaced;
	switch (retake_look(&p->retake, displaced && may, daemon_monotonic_ms())) {
	case RETAKE_WAIT:
		return;
	case RETAKE_NOW:
		retake(d, h, p);
		return;
	case RETAKE_GIVE_UP:
		log_error("%s: '%s' insists on being first; after %d tries it is left there",
			  h->ifname, h->first, RETAKE_TRIES);
		raise_alert(
			d, CF_LEVEL_CRITICAL, h->role,
			xprintf("'%s' insists on being before us on %s: left there after %d tries",
				h->first, h->ifname, RETAKE_TRIES));
		return;
	}
}

void daemon_cover_watch(struct daemon *d)
{
	_cleanup_wants_ struct want_list wants = { 0 };
	struct cover_watch *w = watch_of(d);
	struct hook_list hooks = { 0 };
	uint64_t now = daemon_monotonic_ms();
	bool missing;

	if (now - w->watched_ms < WATCH_MS || datapath_hooks(d->dp, &hooks) < 0)
		return;
	w->watched_ms = now;
	wants_build(d->now.set, &wants);
	missing = look(d, &wants, &hooks);
	if (!missing)
		say_coverage(d, &hooks);
	for (size_t i = 0; i < hooks.n; i++)
		keep_place(d, &hooks.v[i]);
	hook_list_done(&hooks);
	if (missing && now - w->tried_ms >= RETRY_MS) {
		w->tried_ms = now;
		daemon_cover(d);
	}
}

/* ---- telling in `status` ------------------------------------------------------- */

static json_t *since_json(const struct daemon *d, const struct uncovered_entry *e, uint64_t now)
{
	struct utc at = daemon_now(d);
	char text[64];

	if (!uncovered_open(e))
		return json_null();
	at.s -= (int64_t)((now - e->since_ms) / 1000);
	return json_string(utc_format_iso(at, d->zone, text, sizeof(text)));
}

void daemon_cover_status(struct daemon *d, json_t *status)
{
	struct cover_watch *w = watch_of(d);
	uint64_t now = daemon_monotonic_ms();
	json_t *list = json_array();

	for (size_t i = 0; i < w->gaps.n; i++) {
		const struct uncovered_entry *e = &w->gaps.v[i];
		const struct post *p = post_of(w, e->ifname, e->role);

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:I, s:b}", "interface",
				  e->ifname, "role", role_name(e->role), "exists", e->exists,
				  "covered", e->covered, "uncovered_ms",
				  (json_int_t)uncovered_total(e, now), "gaps", (json_int_t)e->gaps,
				  "uncovered_since", since_json(d, e, now), "retaken",
				  (json_int_t)p->retaken, "gave_up", p->retake.gave_up));
		if (p->retake.gave_up && p->displaced)
			status_problem(
				status,
				xprintf("%s: %d times another program went before ours; it is left there",
					e->ifname, RETAKE_TRIES),
				"find who attaches it; to be first again: curfew reload");
	}
	json_object_set_new(status, "interfaces", list);
	json_object_set_new(status, "netlink",
			    json_pack("{s:I}", "resyncs", (json_int_t)d->net_resyncs));
}

void daemon_cover_reloaded(struct daemon *d)
{
	struct cover_watch *w = watch_of(d);

	for (size_t i = 0; i < w->posts.n; i++)
		w->posts.v[i].retake = (struct retake){ 0 };
}
