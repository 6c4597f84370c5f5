/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/snapshot.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "core/ledger/priv.h"

#define MAGIC 0x32524744454c4643ULL /* "CFLEDGR2" */

struct header {
	uint64_t magic;
	uint32_t pair_size, host_size, slot_size, pad; /* of this build */
	struct snapshot_id id;
	uint32_t poll, pairs_max, wide_free, pad2;
	struct utc since, now;
	struct ledger_sums total, hook_total[CF_HOOK_MAX], folded[CF_HOOK_MAX];
	uint64_t folded_pairs;
	uint64_t pairs, sources, destinations, sources6, destinations6, slots, wide, numbers[2];
};

struct number_record {
	uint32_t number, slot;
};

/* Not a secret: it guards against damage, not against those who may write in our directory. */
static const struct hash_seed check_seed = { { 0x637572666577, 0x6c6564676572 } };

/* ---- writing ------------------------------------------------------------- */

/* The parts go out one by one: a copy of all of them would be as large as the ledger. */
struct writer {
	snapshot_sink_fn sink;
	void *arg;
	struct hash_state check;
	int error;
};

static void put(struct writer *w, const void *data, size_t n)
{
	if (!n || w->error)
		return;
	hash_add_bytes(&w->check, data, n);
	w->error = w->sink(w->arg, data, n);
}

#define PUT_ALL(w, a) put(w, (a)->v, (a)->n * sizeof(*(a)->v))

static size_t numbers_known(const struct ledger_numbers *t)
{
	size_t n = 0;

	for (size_t c = 0; c < t->n; c++)
		for (size_t i = 0; t->chunks[c] && i < LEDGER_CHUNK; i++)
			n += t->chunks[c][i] != 0;
	return n;
}

static void put_numbers(struct writer *w, const struct ledger_numbers *t)
{
	struct number_record some[LEDGER_CHUNK];

	for (size_t c = 0; c < t->n; c++) {
		size_t n = 0;

		for (size_t i = 0; t->chunks[c] && i < LEDGER_CHUNK; i++)
			if (t->chunks[c][i])
				some[n++] =
					(struct number_record){ (uint32_t)(c * LEDGER_CHUNK + i),
								t->chunks[c][i] };
		put(w, some, n * sizeof(*some));
	}
}

static struct header header_of(const struct ledger *l, const struct snapshot_id *id)
{
	struct header h = {
		.magic = MAGIC,
		.pair_size = sizeof(struct ledger_pair),
		.host_size = sizeof(struct ledger_host),
		.slot_size = sizeof(struct ledger_slot),
		.id = *id,
		.poll = l->poll,
		.pairs_max = l->pairs_max,
		.wide_free = l->wide_free,
		.since = l->since,
		.now = l->now,
		.total = l->total,
		.folded_pairs = l->folded_pairs,
		.pairs = l->pairs.n,
		.sources = l->sources.n,
		.destinations = l->destinations.n,
		.sources6 = l->sources.six.n,
		.destinations6 = l->destinations.six.n,
		.slots = l->slots.n,
		.wide = l->wide.n,
	};

	memcpy(h.hook_total, l->hook_total, sizeof(h.hook_total));
	memcpy(h.folded, l->folded, sizeof(h.folded));
	for (size_t f = 0; f < ARRAY_SIZE(h.numbers); f++)
		h.numbers[f] = numbers_known(&l->numbers[f]);
	return h;
}

int ledger_snapshot_write(const struct ledger *l, const struct snapshot_id *id,
			  snapshot_sink_fn sink, void *arg)
{
	struct writer w = { .sink = sink, .arg = arg };
	struct header h = header_of(l, id);
	uint64_t check;

	hash_begin(&w.check, &check_seed);
	put(&w, &h, sizeof(h));
	PUT_ALL(&w, &l->sources);
	PUT_ALL(&w, &l->sources.six);
	PUT_ALL(&w, &l->destinations);
	PUT_ALL(&w, &l->destinations.six);
	PUT_ALL(&w, &l->pairs);
	PUT_ALL(&w, &l->slots);
	PUT_ALL(&w, &l->wide);
	for (size_t f = 0; f < ARRAY_SIZE(l->numbers); f++)
		put_numbers(&w, &l->numbers[f]);
	check = hash_end(&w.check);
	put(&w, &check, sizeof(check));
	return w.error;
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

/* An array of n elements, if the rest of the file can hold so many. */
static bool take_array(struct reader *r, void **v, size_t *ret_n, size_t *ret_cap, uint64_t n,
		       size_t size)
{
	if (n > r->left / size)
		return false;
	*v = xcalloc(n ? n : 1, size);
	*ret_n = *ret_cap = n;
	return take(r, *v, n * size);
}
#define TAKE_ALL(r, a, count)                                                                      \
	take_array(r, (void **)&(a)->v, &(a)->n, &(a)->cap, count, sizeof(*(a)->v))

static bool take_hosts(struct reader *r, struct ledger_hosts *h, uint64_t n, uint64_t six)
{
	uint32_t expected = 0;

	if (!TAKE_ALL(r, h, n) || !TAKE_ALL(r, &h->six, six))
		return false;
	for (size_t i = 0; i < n; i++)
		if (h->v[i].six && h->v[i].addr != expected++)
			return false;
	return expected == six;
}

static bool counts_fit(const struct ledger *l, const struct ledger_counts *c)
{
	return !ledger_counts_beside(c) || c->v[0] < l->wide.n;
}

static bool pairs_fit(struct ledger *l)
{
	for (size_t i = 0; i < l->pairs.n; i++) {
		struct ledger_pair *p = &l->pairs.v[i];

		if (p->src >= l->sources.n || p->dst >= l->destinations.n ||
		    p->hook >= CF_HOOK_MAX || !counts_fit(l, &p->counts))
			return false;
	}
	return true;
}

static bool slots_fit(const struct ledger *l)
{
	for (size_t i = 0; i < l->slots.n; i++)
		if (l->slots.v[i].pair > l->pairs.n || !counts_fit(l, &l->slots.v[i].counts))
			return false;
	return true;
}

static bool take_numbers(struct reader *r, struct ledger *l, int family, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct number_record s;

		if (!take(r, &s, sizeof(s)) || s.slot > l->slots.n || s.number >= LEDGER_SLOTS_MAX)
			return false;
		*ledger_number(l, family, s.number) = s.slot;
	}
	return true;
}

static bool take_ledger(struct reader *r, struct ledger *l, const struct header *h)
{
	return take_hosts(r, &l->sources, h->sources, h->sources6) &&
	       take_hosts(r, &l->destinations, h->destinations, h->destinations6) &&
	       TAKE_ALL(r, &l->pairs, h->pairs) && TAKE_ALL(r, &l->slots, h->slots) &&
	       TAKE_ALL(r, &l->wide, h->wide) && h->wide_free <= h->wide && pairs_fit(l) &&
	       slots_fit(l) && take_numbers(r, l, 0, h->numbers[0]) &&
	       take_numbers(r, l, 1, h->numbers[1]) && !r->left;
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
	    h.host_size != sizeof(struct ledger_host) || h.slot_size != sizeof(struct ledger_slot))
		return -EBADMSG;
	/* at most one epoch ahead: it was written, and not acknowledged */
	if (h.id.tables_id != tables_id || h.id.epoch - acked > 1)
		return -ESTALE;
	l = ledger_new(seed, h.since);
	l->poll = h.poll;
	l->now = h.now;
	l->pairs_max = h.pairs_max;
	l->wide_free = h.wide_free;
	l->recent_from = h.poll + 1;
	l->total = h.total;
	memcpy(l->hook_total, h.hook_total, sizeof(h.hook_total));
	memcpy(l->folded, h.folded, sizeof(h.folded));
	l->folded_pairs = h.folded_pairs;
	if (!take_ledger(&r, l, &h)) {
		ledger_free(l);
		return -EBADMSG;
	}
	ledger_index(l);
	l->resuming = true;
	*ret = l;
	return 0;
}
