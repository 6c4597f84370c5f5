/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/ledger/priv.h"

struct ledger *ledger_new(struct hash_seed seed, struct utc since)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->seed = seed;
	l->since = since;
	l->pairs_max = LEDGER_PAIRS_MAX;
	return l;
}

static void hosts_done(struct ledger_hosts *h)
{
	free(h->v);
	hash_done(&h->index);
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	for (size_t f = 0; f < ARRAY_SIZE(l->slots); f++) {
		for (size_t i = 0; i < l->slots[f].n; i++)
			free(l->slots[f].chunks[i]);
		free(l->slots[f].chunks);
	}
	hosts_done(&l->sources);
	hosts_done(&l->destinations);
	free(l->pairs.v);
	hash_done(&l->pairs.index);
	free(l->hot.v);
	free(l);
}

/* ---- finding and adding ------------------------------------------------ */

static bool same_host(const void *arg, uint32_t place, const void *key)
{
	const struct ledger_hosts *h = arg;

	return !addr_compare(&h->v[place].addr, key);
}

static uint32_t host_find(const struct ledger *l, const struct ledger_hosts *h,
			  const struct addr *a)
{
	return hash_find(&h->index, hash_bytes(&l->seed, a, sizeof(*a)), same_host, h, a);
}

static uint32_t host_place(const struct ledger *l, struct ledger_hosts *h, const struct addr *a,
			   struct utc first_seen)
{
	uint64_t hash = hash_bytes(&l->seed, a, sizeof(*a));
	uint32_t place = hash_find(&h->index, hash, same_host, h, a);

	if (place != HASH_NONE)
		return place;
	place = (uint32_t)h->n;
	*VEC_ADD(h) = (struct ledger_host){ .addr = *a, .first_seen = first_seen };
	hash_add(&h->index, hash, place);
	return place;
}

static bool same_pair(const void *arg, uint32_t place, const void *key)
{
	const struct ledger *l = arg;
	const struct ledger_pair *p = &l->pairs.v[place];
	const struct ledger_pair_key *k = key;

	return p->src == k->src && p->dst == k->dst && p->hook == k->hook;
}

static uint32_t pair_find(const struct ledger *l, struct ledger_pair_key k)
{
	return hash_find(&l->pairs.index, hash_bytes(&l->seed, &k, sizeof(k)), same_pair, l, &k);
}

uint32_t ledger_pair_place(const struct ledger *l, uint32_t src, uint32_t dst, uint32_t hook)
{
	return pair_find(l, (struct ledger_pair_key){ src, dst, hook });
}

void ledger_index(struct ledger *l)
{
	hash_done(&l->sources.index);
	hash_done(&l->destinations.index);
	hash_done(&l->pairs.index);
	for (uint32_t i = 0; i < l->sources.n; i++)
		hash_add(&l->sources.index,
			 hash_bytes(&l->seed, &l->sources.v[i].addr, sizeof(struct addr)), i);
	for (uint32_t i = 0; i < l->destinations.n; i++)
		hash_add(&l->destinations.index,
			 hash_bytes(&l->seed, &l->destinations.v[i].addr, sizeof(struct addr)), i);
	for (uint32_t i = 0; i < l->pairs.n; i++) {
		struct ledger_pair *p = &l->pairs.v[i];
		struct ledger_pair_key k = { p->src, p->dst, p->hook };

		hash_add(&l->pairs.index, hash_bytes(&l->seed, &k, sizeof(k)), i);
	}
}

static bool pair_at_other_hook(const struct ledger *l, struct ledger_pair_key k)
{
	for (uint32_t hook = 0; hook < CF_HOOK_MAX; hook++)
		if (hook != k.hook &&
		    pair_find(l, (struct ledger_pair_key){ k.src, k.dst, hook }) != HASH_NONE)
			return true;
	return false;
}

static uint32_t pair_place(struct ledger *l, const struct ledger_sample *s)
{
	struct utc first_seen = l->poll == 1 ? l->since : l->now;
	struct ledger_pair_key k = {
		.src = host_place(l, &l->sources, &s->src, first_seen),
		.dst = host_place(l, &l->destinations, &s->dst, first_seen),
		.hook = (uint32_t)s->hook,
	};
	uint64_t hash = hash_bytes(&l->seed, &k, sizeof(k));
	uint32_t place = hash_find(&l->pairs.index, hash, same_pair, l, &k);

	if (place != HASH_NONE)
		return place;
	if (!pair_at_other_hook(l, k)) {
		l->sources.v[k.src].peers++;
		l->destinations.v[k.dst].peers++;
	}
	place = (uint32_t)l->pairs.n;
	*VEC_ADD(&l->pairs) = (struct ledger_pair){
		.src = k.src, .dst = k.dst, .hook = (uint8_t)k.hook, .first_seen = first_seen
	};
	hash_add(&l->pairs.index, hash, place);
	return place;
}

struct ledger_slot *ledger_slot(struct ledger *l, int family, uint32_t number)
{
	struct ledger_slots *t = &l->slots[family];
	size_t chunk = number / LEDGER_CHUNK;

	if (chunk >= t->n) {
		t->chunks = xrealloc(t->chunks, chunk + 1, sizeof(*t->chunks));
		memset(t->chunks + t->n, 0, (chunk + 1 - t->n) * sizeof(*t->chunks));
		t->n = chunk + 1;
	}
	if (!t->chunks[chunk])
		t->chunks[chunk] = xcalloc(LEDGER_CHUNK, sizeof(**t->chunks));
	return &t->chunks[chunk][number % LEDGER_CHUNK];
}

/* ---- polling ------------------------------------------------------------- */

void ledger_poll_begin(struct ledger *l, struct utc now, uint64_t mono_ms)
{
	l->poll++;
	l->now = now;
	l->poll_ms[l->poll % LEDGER_POLLS] = mono_ms;
	for (size_t i = 0; l->resuming && i < LEDGER_POLLS; i++)
		l->poll_ms[i] = mono_ms;
	for (size_t i = 0; i < l->hot.n; i++)
		l->hot.v[i].wire[l->poll % LEDGER_POLLS] = 0;
}

static void sums_add(struct ledger_sums *to, const struct ledger_sums *d)
{
	to->wire_bytes += d->wire_bytes;
	to->payload_bytes += d->payload_bytes;
	to->dropped_wire_bytes += d->dropped_wire_bytes;
	to->packets += d->packets;
}

static void heat(struct ledger *l, uint32_t place, uint64_t wire)
{
	struct ledger_pair *p = &l->pairs.v[place];

	if (!p->hot) {
		*VEC_ADD(&l->hot) = (struct ledger_hot){ .pair = place };
		p->hot = (uint32_t)l->hot.n;
	}
	l->hot.v[p->hot - 1].wire[l->poll % LEDGER_POLLS] += wire;
}

static void host_move(struct ledger *l, struct ledger_host *h, const struct ledger_sums *d,
		      bool dropped)
{
	sums_add(&h->sums, d);
	h->dropped = h->moved_poll == l->poll ? h->dropped || dropped : dropped;
	h->moved_poll = l->poll;
	if (l->poll > 1)
		h->last_seen = l->now;
}

static void book(struct ledger *l, uint32_t place, const struct ledger_sample *s,
		 const struct ledger_sums *d)
{
	struct ledger_pair *p = &l->pairs.v[place];

	sums_add(&p->sums, d);
	sums_add(&l->total, d);
	sums_add(&l->hook_total[s->hook], d);
	p->label = s->label;
	p->source_class = s->source_class;
	p->began |= s->began;
	/* several CPUs' slots can move in one poll, in an order nobody knows: a drop wins */
	p->dropped = p->moved_poll == l->poll ? p->dropped || s->dropped : s->dropped;
	p->moved_poll = l->poll;
	host_move(l, &l->sources.v[p->src], d, s->dropped);
	host_move(l, &l->destinations.v[p->dst], d, s->dropped);
	if (l->poll == 1)
		return;
	p->last_seen = l->now;
	if (!l->resuming)
		heat(l, place, d->wire_bytes);
}

void ledger_poll_add(struct ledger *l, const struct ledger_sample *s)
{
	struct ledger_slot *slot;
	struct ledger_sums d;

	if ((unsigned int)s->hook >= CF_HOOK_MAX)
		return;
	slot = ledger_slot(l, addr_is4(&s->dst) ? 0 : 1, s->slot);
	/* a new life, whose counters began at zero */
	if (!slot->known || slot->life != s->life)
		*slot = (struct ledger_slot){ .life = s->life, .known = true };
	d = (struct ledger_sums){
		.wire_bytes = s->wire_bytes - slot->wire,
		.payload_bytes = s->payload_bytes - slot->payload,
		.dropped_wire_bytes = s->dropped_wire_bytes - slot->dropped,
		.packets = (uint32_t)(s->packets - slot->packets),
	};
	if (!d.wire_bytes && !d.packets && !d.payload_bytes && !d.dropped_wire_bytes)
		return;
	if (!slot->pair)
		slot->pair = pair_place(l, s) + 1;
	slot->wire = s->wire_bytes;
	slot->payload = s->payload_bytes;
	slot->dropped = s->dropped_wire_bytes;
	slot->packets = s->packets;
	book(l, slot->pair - 1, s, &d);
}

static bool cold(const struct ledger *l, const struct ledger_hot *h)
{
	for (uint32_t i = 0; i < LEDGER_POLLS; i++)
		if (h->wire[i] &&
		    l->poll_ms[l->poll % LEDGER_POLLS] - l->poll_ms[i] < LEDGER_RATE_MS)
			return false;
	return true;
}

static void cool(struct ledger *l)
{
	for (size_t i = 0; i < l->hot.n;) {
		if (!cold(l, &l->hot.v[i])) {
			i++;
			continue;
		}
		l->pairs.v[l->hot.v[i].pair].hot = 0;
		l->hot.v[i] = l->hot.v[--l->hot.n];
		if (i < l->hot.n)
			l->pairs.v[l->hot.v[i].pair].hot = (uint32_t)i + 1;
	}
}

void ledger_poll_end(struct ledger *l)
{
	cool(l);
	l->resuming = false;
	if (l->pairs.n > l->pairs_max)
		ledger_fold(l);
}

void ledger_add_folded(struct ledger *l, enum cf_hook hook, const struct ledger_sums *sums,
		       uint64_t pairs)
{
	sums_add(&l->folded[hook], sums);
	sums_add(&l->total, sums);
	sums_add(&l->hook_total[hook], sums);
	l->folded_pairs += pairs;
}

/* ---- reading ------------------------------------------------------------- */

struct addr ledger_destination_key(const struct addr *dst)
{
	return addr_is4(dst) ? *dst : prefix_of(dst, 64).addr;
}

const struct ledger_host *ledger_source(const struct ledger *l, const struct addr *a)
{
	uint32_t place = host_find(l, &l->sources, a);

	return place == HASH_NONE ? NULL : &l->sources.v[place];
}

const struct ledger_host *ledger_destination(const struct ledger *l, const struct addr *a)
{
	struct addr key = ledger_destination_key(a);
	uint32_t place = host_find(l, &l->destinations, &key);

	return place == HASH_NONE ? NULL : &l->destinations.v[place];
}

const struct ledger_pair *ledger_pair(const struct ledger *l, const struct addr *src,
				      const struct addr *dst, enum cf_hook hook)
{
	struct addr to = ledger_destination_key(dst);
	struct ledger_pair_key k = {
		.src = host_find(l, &l->sources, src),
		.dst = host_find(l, &l->destinations, &to),
		.hook = (uint32_t)hook,
	};
	uint32_t place;

	if (k.src == HASH_NONE || k.dst == HASH_NONE)
		return NULL;
	place = pair_find(l, k);
	return place == HASH_NONE ? NULL : &l->pairs.v[place];
}

/* Bytes of polls whose traffic lies within `ms` of the last one, per second of the time they cover.
 */
static uint64_t rate(const struct ledger *l, const struct ledger_pair *p, uint64_t ms,
		     uint32_t most)
{
	uint64_t last = l->poll_ms[l->poll % LEDGER_POLLS], span = 0, bytes = 0;

	/* what a poll shows came after the one before it: that one must still be in the ring */
	for (uint32_t i = 0; i < most && i + 1 < LEDGER_POLLS && i + 1 < l->poll; i++) {
		uint64_t before = l->poll_ms[(l->poll - i - 1) % LEDGER_POLLS];

		if (span && last - before > ms)
			break;
		span = last - before;
		if (p->hot)
			bytes += l->hot.v[p->hot - 1].wire[(l->poll - i) % LEDGER_POLLS];
	}
	return span ? bytes * 1000 / span : 0;
}

uint64_t ledger_rate(const struct ledger *l, const struct ledger_pair *p)
{
	return rate(l, p, LEDGER_RATE_MS, LEDGER_POLLS);
}

uint64_t ledger_rate_now(const struct ledger *l, const struct ledger_pair *p)
{
	return rate(l, p, UINT64_MAX, 1);
}
