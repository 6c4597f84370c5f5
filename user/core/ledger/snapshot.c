/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/snapshot.h"

#include <errno.h>
#include <string.h>

#include "core/ledger/priv.h"

#define MAGIC 0x31524744454c4643ULL /* "CFLEDGR1" */

struct header {
	uint64_t magic;
	uint32_t pair_size, host_size, slot_size, pad; /* of this build */
	struct snapshot_id id;
	uint32_t poll, pairs_max;
	struct utc since, now;
	struct ledger_sums total, hook_total[CF_HOOK_MAX], folded[CF_HOOK_MAX];
	uint64_t folded_pairs;
	uint64_t pairs, sources, destinations, slots[2];
};

struct slot_record {
	uint32_t number, pad;
	struct ledger_slot slot;
};

/* Not a secret: it guards against damage, not against those who may write in our directory. */
static const struct hash_seed check_seed = { { 0x637572666577, 0x6c6564676572 } };

static void put(struct buf *to, const void *data, size_t n)
{
	buf_add(to, data, n);
}

static size_t put_slots(const struct ledger_slots *t, struct buf *to)
{
	size_t n = 0;

	for (size_t c = 0; c < t->n; c++)
		for (size_t i = 0; t->chunks[c] && i < LEDGER_CHUNK; i++) {
			struct slot_record r = { .slot = t->chunks[c][i] };

			if (!r.slot.known)
				continue;
			r.number = (uint32_t)(c * LEDGER_CHUNK + i);
			put(to, &r, sizeof(r));
			n++;
		}
	return n;
}

void ledger_snapshot_write(const struct ledger *l, const struct snapshot_id *id, struct buf *to)
{
	size_t at = to->n;
	struct header h = {
		.magic = MAGIC,
		.pair_size = sizeof(struct ledger_pair),
		.host_size = sizeof(struct ledger_host),
		.slot_size = sizeof(struct slot_record),
		.id = *id,
		.poll = l->poll,
		.pairs_max = l->pairs_max,
		.since = l->since,
		.now = l->now,
		.total = l->total,
		.folded_pairs = l->folded_pairs,
		.pairs = l->pairs.n,
		.sources = l->sources.n,
		.destinations = l->destinations.n,
	};
	uint64_t check;

	memcpy(h.hook_total, l->hook_total, sizeof(h.hook_total));
	memcpy(h.folded, l->folded, sizeof(h.folded));
	put(to, &h, sizeof(h));
	put(to, l->sources.v, l->sources.n * sizeof(*l->sources.v));
	put(to, l->destinations.v, l->destinations.n * sizeof(*l->destinations.v));
	put(to, l->pairs.v, l->pairs.n * sizeof(*l->pairs.v));
	for (size_t f = 0; f < ARRAY_SIZE(h.slots); f++)
		h.slots[f] = put_slots(&l->slots[f], to);
	memcpy(to->s + at, &h, sizeof(h));
	check = hash_bytes(&check_seed, to->s + at, to->n - at);
	put(to, &check, sizeof(check));
}

/* ---- reading ------------------------------------------------------------- */

struct reader {
	const uint8_t *at;
	size_t left;
};

static bool take(struct reader *r, void *to, size_t n)
{
	if (n > r->left)
		return false;
	if (n)
		memcpy(to, r->at, n);
	r->at += n;
	r->left -= n;
	return true;
}

/* Counts that the rest of the file can hold. */
static bool fits(const struct header *h, size_t left)
{
	return h->pairs <= left / h->pair_size && h->sources <= left / h->host_size &&
	       h->destinations <= left / h->host_size && h->slots[0] <= left / h->slot_size &&
	       h->slots[1] <= left / h->slot_size;
}

static bool take_hosts(struct reader *r, struct ledger_hosts *h, size_t n)
{
	h->v = xcalloc(n ? n : 1, sizeof(*h->v));
	h->n = h->cap = n;
	return take(r, h->v, n * sizeof(*h->v));
}

static bool take_pairs(struct reader *r, struct ledger *l, size_t n)
{
	l->pairs.v = xcalloc(n ? n : 1, sizeof(*l->pairs.v));
	l->pairs.n = l->pairs.cap = n;
	if (!take(r, l->pairs.v, n * sizeof(*l->pairs.v)))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct ledger_pair *p = &l->pairs.v[i];

		if (p->src >= l->sources.n || p->dst >= l->destinations.n || p->hook >= CF_HOOK_MAX)
			return false;
		p->hot = 0; /* rates begin anew */
	}
	return true;
}

static bool take_slots(struct reader *r, struct ledger *l, int family, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slot_record s;

		if (!take(r, &s, sizeof(s)) || s.slot.pair > l->pairs.n ||
		    s.number >= LEDGER_SLOTS_MAX)
			return false;
		*ledger_slot(l, family, s.number) = s.slot;
	}
	return true;
}

int ledger_snapshot_read(const void *data, size_t n, uint64_t tables_id, uint32_t acked,
			 struct hash_seed seed, struct ledger **ret)
{
	struct reader r = { data, n };
	struct header h;
	struct ledger *l;
	uint64_t check;

	if (n < sizeof(h) + sizeof(check))
		return -EBADMSG;
	r.left -= sizeof(check);
	memcpy(&check, r.at + r.left, sizeof(check));
	if (check != hash_bytes(&check_seed, data, r.left) || !take(&r, &h, sizeof(h)) ||
	    h.magic != MAGIC || h.pair_size != sizeof(struct ledger_pair) ||
	    h.host_size != sizeof(struct ledger_host) ||
	    h.slot_size != sizeof(struct slot_record) || !fits(&h, r.left))
		return -EBADMSG;
	/* at most one epoch ahead: it was written, and not acknowledged */
	if (h.id.tables_id != tables_id || h.id.epoch - acked > 1)
		return -ESTALE;
	l = ledger_new(seed, h.since);
	l->poll = h.poll;
	l->now = h.now;
	l->pairs_max = h.pairs_max;
	l->total = h.total;
	memcpy(l->hook_total, h.hook_total, sizeof(h.hook_total));
	memcpy(l->folded, h.folded, sizeof(h.folded));
	l->folded_pairs = h.folded_pairs;
	if (!take_hosts(&r, &l->sources, h.sources) ||
	    !take_hosts(&r, &l->destinations, h.destinations) || !take_pairs(&r, l, h.pairs) ||
	    !take_slots(&r, l, 0, h.slots[0]) || !take_slots(&r, l, 1, h.slots[1]) || r.left) {
		ledger_free(l);
		return -EBADMSG;
	}
	ledger_index(l);
	l->resuming = true;
	*ret = l;
	return 0;
}
