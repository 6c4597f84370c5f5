/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keys without an entry have been charged, by a hash of the key: cf_quota_spill. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/ledger/quota_store.h"
#include "port/datapath/priv.h"

static uint32_t period_of(uint64_t word)
{
	return (uint32_t)(word >> CF_QUOTA_PERIOD_SHIFT);
}

int datapath_cells(struct datapath *dp, uint32_t quota, struct cf_quota_spill *ret)
{
	return bpf_map_lookup_elem(dp_map_fd(dp, "quotas_spilled"), &quota, ret) < 0 ? -errno : 0;
}

int datapath_cells_make(struct datapath *dp, uint32_t quota, uint64_t seed)
{
	struct cf_quota_spill s = { .seed = seed };

	if (bpf_map_update_elem(dp_map_fd(dp, "quotas_spilled"), &quota, &s, BPF_NOEXIST) < 0 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

int cells_make_fresh(struct datapath *dp, uint32_t quota)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	return datapath_cells_make(dp, quota, seed);
}

int cells_clear(struct datapath *dp, uint32_t quota)
{
	struct cf_quota_spill s;
	int r = datapath_cells(dp, quota, &s);

	if (r < 0)
		return r;
	memset(s.word, 0, sizeof(s.word));
	return bpf_map_update_elem(dp_map_fd(dp, "quotas_spilled"), &quota, &s, BPF_EXIST) < 0
		       ? -errno
		       : 0;
}

/* As the kernel does: what is noted for a later period counts for an earlier one. */
static bool counts_for(uint64_t word, uint32_t period)
{
	uint32_t ahead = (period_of(word) - period) & CF_QUOTA_PERIOD_MASK;

	return word & (CF_QUOTA_LATCH - 1) && ahead <= CF_QUOTA_PERIOD_MASK / 2;
}

bool cells_any(struct datapath *dp, uint32_t quota, uint32_t period)
{
	struct cf_quota_spill s;
	bool any = false;

	if (datapath_cells(dp, quota, &s) < 0)
		return false;
	for (size_t i = 0; i < CF_CELLS; i++)
		any |= counts_for(s.word[i / CF_SPILL_CELLS][i % CF_SPILL_CELLS], period);
	return any;
}

int cell_get(struct datapath *dp, const struct cf_quota_key *key, struct quota_state *ret)
{
	struct cf_quota_spill s;
	int r = datapath_cells(dp, key->quota, &s);
	uint64_t w;

	if (r < 0)
		return r;
	if (quota_cell_seed(key) != s.seed || key->asn >= CF_CELLS)
		return -ENOENT;
	w = s.word[key->asn / CF_SPILL_CELLS][key->asn % CF_SPILL_CELLS];
	*ret = (struct quota_state){ .used_bytes = w & (CF_QUOTA_LATCH - 1),
				     .period_minute = period_of(w) };
	return 0;
}

void cells_restamp(struct datapath *dp, const struct image *img, struct utc now)
{
	for (size_t i = 0; i < img->quotas.n; i++) {
		const struct cf_quota_spec *q = &img->quotas.v[i];
		struct cf_quota_spill s;
		uint32_t present;

		/* a rate has no periods */
		if (q->bits_per_second || datapath_cells(dp, q->id, &s) < 0)
			continue;
		present = image_period(img, q->calendar, now) & CF_QUOTA_PERIOD_MASK;
		if (!present)
			continue;
		for (uint32_t c = 0; c < CF_CELLS; c++) {
			uint32_t is = period_of(s.word[c / CF_SPILL_CELLS][c % CF_SPILL_CELLS]);
			struct cf_quota_key key = quota_cell_key(q->id, s.seed, c);

			if (is && is != present && quota_period_is_future(is, now))
				datapath_quota_restamp(dp, &key, is, present);
		}
	}
}
