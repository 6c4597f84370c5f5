/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What quotas have used is given back: after a reboot, and when the clock comes back. */
#include <errno.h>

#include "app/daemon/quota_keeper.h"
#include "base/log.h"

/* In the period that a record is of, what has the kernel of its key? */
static bool has_it(struct daemon *d, const struct image *img, const struct quota_record *r)
{
	const struct cf_quota_spec *q = keeper_spec(img, r->key.quota);
	struct quota_state st;

	if (datapath_quota_get(d->dp, &r->key, &st) < 0)
		return false;
	/* less than was set aside: packets have begun the period anew before we came to this */
	if (st.period_minute == r->period_minute)
		return r->own && (st.latched || st.used_bytes >= r->used_bytes);
	/* charged by a clock that ran ahead */
	if (quota_period_is_future(st.period_minute, daemon_now(d)))
		datapath_quota_restamp(d->dp, &r->key, st.period_minute,
				       keeper_period(img, q, daemon_now(d)));
	return false;
}

static int give_back(struct daemon *d, const struct cf_quota_spec *q, const struct quota_record *r)
{
	struct quota_record shared = *r;
	int e = datapath_quota_restore(d->dp, q, r);

	if (e != -ENOSPC) {
		if (!e && !r->own)
			keeper_set_kept(d->keeper, r, r->used_bytes);
		return e;
	}
	/* no room: it counts against what such keys share */
	shared.key = (struct cf_quota_key){ .quota = q->id, .kind = CF_KEY_OVERFLOW };
	return datapath_quota_restore(d->dp, q, &shared);
}

void daemon_quotas_restore(struct daemon *d, const struct image *img)
{
	struct quota_keeper *k = d->keeper;
	struct utc now = daemon_now(d);
	size_t given = 0;
	int said = 0; /* once, and not for each of a thousand cells */

	for (size_t i = 0; i < k->pending.n; i++) {
		struct quota_record *r = &k->pending.v[i];
		const struct cf_quota_spec *q = r->gone ? NULL : keeper_spec(img, r->key.quota);
		int e;

		if (!q || keeper_period(img, q, now) != r->period_minute)
			continue;
		if (has_it(d, img, r)) {
			r->gone = true;
			continue;
		}
		e = give_back(d, q, r);
		/* cells of another seed, of before their quota was gone for a while */
		if (e == -ESTALE) {
			r->gone = true;
			continue;
		}
		if (e < 0 && e != -EAGAIN && e != said)
			log_err(e, "cannot restore what a key of a quota has used");
		said = e < 0 && e != -EAGAIN ? e : said;
		if (e == 0) {
			r->gone = true;
			given += r->key.kind != CF_KEY_CELL;
		}
	}
	k->restored += given;
	if (given)
		log_notice("%zu keys of quotas go on from what they had used", given);
}

/*
 * Of a period that is yet to come: the clock was set back. What was used counts for the
 * present one, and again for its own when the clock is set forth: nobody gets a quota
 * twice so. But what is about to be given back to the present period goes first.
 */
static bool gives_way(const struct quota_record *there, uint32_t present)
{
	return there && !there->gone && there->period_minute == present;
}

struct aside {
	struct daemon *d;
	const struct image *next;
	struct utc now;
};

static void set_aside(void *arg, const struct cf_quota_key *key, const struct quota_state *st)
{
	const struct aside *a = arg;
	struct quota_keeper *k = a->d->keeper;
	const struct cf_quota_spec *q = keeper_spec(a->next, key->quota);
	const struct quota_record *there = quota_records_find(&k->pending, key);
	const struct quota_record *kept = quota_records_find(&k->kept, key);
	struct quota_record r = {
		.key = *key,
		.used_bytes = st->used_bytes,
		.period_minute = st->period_minute,
		.reported = st->reported,
		.latched = st->latched,
		.own = true,
	};

	uint32_t present;

	if (!q || st->is_rate || !st->used_bytes || st->period_minute == CF_QUOTA_PERIOD_MASK)
		return;
	present = keeper_period(a->next, q, a->now);
	if (st->period_minute == present || gives_way(there, present))
		return;
	/* it is charged while we look: the record is ahead of that */
	if (kept && kept->period_minute == r.period_minute && kept->used_bytes > r.used_bytes)
		r.used_bytes = kept->used_bytes;
	if (key->kind == CF_KEY_OVERFLOW)
		keeper_cells_aside(a->d, key->quota, st->period_minute);
	/* what another boot has left of the same key goes first */
	if (!there || there->gone || there->own || keeper_is_over(a->d, there))
		quota_records_set(&k->pending, &r);
}

void daemon_quotas_set_aside(struct daemon *d, const struct image *next)
{
	struct aside a = { d, next, daemon_now(d) };

	datapath_quotas(d->dp, set_aside, &a);
	d->keeper->walked_ms = 0;
}
