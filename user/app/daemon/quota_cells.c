/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On record with a quota's shared entry: the cells that say which keys have used it. They are
 * written when it is, before it, and with its reserve: no cell grows by more than it does.
 */
#include <errno.h>

#include "app/daemon/quota_keeper.h"
#include "base/log.h"

static bool is_cell(const struct quota_record *r)
{
	return r->key.kind == CF_KEY_CELL && !r->gone;
}

size_t keeper_keys(const struct quota_records *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += !l->v[i].gone && !l->v[i].own && !is_cell(&l->v[i]);
	return n;
}

static void put(struct quota_keeper *k, const struct quota_record *r)
{
	const struct quota_record *old = quota_records_find(&k->kept, &r->key);

	if (old && !old->gone && old->period_minute == r->period_minute &&
	    old->used_bytes == r->used_bytes)
		return;
	quota_store_record(&k->out, r);
	keeper_set_kept(k, r, r->used_bytes);
}

/* Those of a quota, but of that seed. */
static void forget(struct quota_keeper *k, struct quota_records *l, uint32_t quota,
		   const __u64 *but)
{
	for (size_t i = 0; i < l->n; i++) {
		struct quota_record *r = &l->v[i];

		if (!is_cell(r) || r->key.quota != quota ||
		    (but && quota_cell_seed(&r->key) == *but))
			continue;
		r->gone = true;
		quota_store_record(&k->out, r);
	}
}

void keeper_cells(struct daemon *d, uint32_t quota, uint32_t period, uint64_t ahead)
{
	struct quota_record r = { .period_minute = period };
	struct quota_keeper *k = d->keeper;
	struct cf_quota_key all;
	struct cf_quota_spill s;

	if (datapath_cells(d->dp, quota, &s) < 0)
		return;
	/* a policy that was gone for a while has others */
	all = quota_cell_key(quota, s.seed, CF_CELL_ALL);
	if (!quota_records_find(&k->kept, &all))
		forget(k, &k->kept, quota, &s.seed);
	for (uint32_t i = 0; i < CF_CELLS; i++) {
		uint64_t w = s.word[i / CF_SPILL_CELLS][i % CF_SPILL_CELLS];

		r.key = quota_cell_key(quota, s.seed, i);
		r.used_bytes = w & (CF_QUOTA_LATCH - 1);
		if (r.used_bytes && w >> CF_QUOTA_PERIOD_SHIFT == period)
			put(k, &r);
	}
	r.key = all;
	r.used_bytes = ahead;
	put(k, &r);
}

/* Those that the shared entry's record, which is still good, was written with. */
void keeper_cells_again(struct quota_keeper *k)
{
	for (size_t i = 0; i < k->kept.n; i++) {
		const struct quota_record *r = &k->kept.v[i], *with;
		struct cf_quota_key shared = { .quota = r->key.quota, .kind = CF_KEY_OVERFLOW };

		if (!is_cell(r))
			continue;
		with = quota_records_find(&k->kept, &shared);
		if (with && !with->gone && with->period_minute == r->period_minute)
			quota_store_record(&k->out, r);
	}
}

void keeper_cells_reset(struct quota_keeper *k, uint32_t quota)
{
	forget(k, &k->kept, quota, NULL);
	forget(k, &k->pending, quota, NULL);
}

void keeper_cells_aside(struct daemon *d, uint32_t quota, uint32_t period)
{
	struct quota_record r = { .period_minute = period, .own = true };
	struct quota_keeper *k = d->keeper;
	struct cf_quota_spill s;

	if (datapath_cells(d->dp, quota, &s) < 0)
		return;
	for (uint32_t i = 0; i < CF_CELLS; i++) {
		uint64_t w = s.word[i / CF_SPILL_CELLS][i % CF_SPILL_CELLS];
		const struct quota_record *there;

		r.key = quota_cell_key(quota, s.seed, i);
		r.used_bytes = w & (CF_QUOTA_LATCH - 1);
		if (!r.used_bytes || w >> CF_QUOTA_PERIOD_SHIFT != period)
			continue;
		there = quota_records_find(&k->pending, &r.key);
		if (!there || there->gone || there->own || keeper_is_over(d, there))
			quota_records_set(&k->pending, &r);
	}
}

void daemon_quotas_prepare(struct daemon *d, const struct image *img)
{
	const struct quota_records *l = &d->keeper->pending;

	for (size_t i = 0; i < l->n; i++) {
		const struct quota_record *r = &l->v[i];
		int e;

		if (!is_cell(r) || !keeper_spec(img, r->key.quota))
			continue;
		e = datapath_cells_make(d->dp, r->key.quota, quota_cell_seed(&r->key));
		if (e < 0)
			log_err(e, "cannot restore which keys have used a quota's shared entry");
	}
}
