/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Before observing ends: the keys that have used up what they may, and are cut with it. */
#include "app/daemon/parts.h"
#include "app/show/quota_view.h"
#include "base/buf.h"
#include "core/report/alert_story.h"

#define CUTS_SHOWN 10

static bool observed(const struct image *img, uint32_t quota_id)
{
	uint32_t quota = image_quota_by_id(img, quota_id);

	if (quota == ~0U)
		return true;
	return img->observe || img->rules.v[img->quotas.v[quota].rule].flags & CF_RULE_OBSERVE;
}

static void say(const struct quota_entry *e, const struct image *img, const struct policy_set *set,
		struct buf *out)
{
	_cleanup_buf_ struct buf key = { 0 }, quota = { 0 };
	const struct policy *p = rule_policy(img, set, img->quotas.v[e->quota].rule);

	quota_key_print(&e->key, img, NULL, NULL, &key);
	limit_print(img, set, e->quota, &quota);
	buf_printf(out, "warning: policy \"%s\" cuts %s at once: of %s, nothing is left\n",
		   p ? p->name : "?", buf_text(&key), buf_text(&quota));
}

void daemon_cuts(struct daemon *d, const struct image *next, const struct policy_set *set,
		 struct buf *out)
{
	_cleanup_quota_entries_ struct quota_entries l = { 0 };
	size_t n = 0;

	if (next->observe || !d->now.image ||
	    quota_entries_read(d->dp, next, daemon_now(d), &l) < 0)
		return;
	quota_entries_sort(&l);
	for (size_t i = 0; i < l.n; i++) {
		const struct quota_entry *e = &l.v[i];

		if (e->quota == ~0U || !e->used_up || e->observes || e->state.is_rate ||
		    !observed(d->now.image, e->key.quota))
			continue;
		if (n++ < CUTS_SHOWN)
			say(e, next, set, out);
	}
	if (n > CUTS_SHOWN)
		buf_printf(out, "warning: and %zu more; 'curfew quotas' lists them\n",
			   n - CUTS_SHOWN);
}
