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

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	for (size_t f = 0; f < ARRAY_SIZE(l->numbers); f++) {
		for (size_t i = 0; i < l->numbers[f].n; i++)
			free(l->numbers[f].chunks[i]);
		free(l->numbers[f].chunks);
	}
	ledger_hosts_done(&l->sources);
	ledger_hosts_done(&l->destinations);
	ledger_recent_done(l);
	free(l->pairs.v);
	hash_done(&l->pairs.index);
	free(l->slots.v);
	free(l->wide.v);
	free(l);
}

/* ---- finding and adding ------------------------------------------------ */

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
	ledger_hosts_index(&l->sources, &l->seed);
	ledger_hosts_index(&l->destinations, &l->seed);
	hash_done(&l->pairs.index);
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

/* Of 1970 and on, in 32 bits: until 2106. */
static uint32_t seconds(struct utc at)
{
	return at.s < 0 ? 0 : at.s > UINT32_MAX ? UINT32_MAX : (uint32_t)at.s;
}

static uint32_t pair_place(struct ledger *l, const struct ledger_sample *s)
{
	struct ledger_pair_key k = {
		.src = ledger_host_place(&l->sources, &l->seed, &s->src),
		.dst = ledger_host_place(&l->destinations, &l->seed, &s->dst),
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
		.src = k.src,
		.dst = k.dst,
		.hook = (uint8_t)k.hook,
		.first_s = seconds(l->poll == 1 ? l->since : l->now),
	};
	hash_add(&l->pairs.index, hash, place);
	return place;
}

uint32_t *ledger_number(struct ledger *l, int family, uint32_t number)
{
	struct ledger_numbers *t = &l->numbers[family];
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
	ledger_recent_begin(l, mono_ms);
}

static void book(struct ledger *l, uint32_t place, const struct ledger_sample *s,
		 const struct ledger_sums *d)
{
	struct ledger_pair *p = &l->pairs.v[place];
	struct ledger_sums sums = ledger_pair_sums(l, p);

	ledger_sums_add(&sums, d);
	ledger_counts_set(l, &p->counts, &sums);
	ledger_sums_add(&l->total, d);
	ledger_sums_add(&l->hook_total[s->hook], d);
	p->began |= s->began;
	/* several CPUs' slots can move in one poll, in an order nobody knows: a drop wins */
	p->dropped = p->moved_poll == l->poll ? p->dropped || s->dropped : s->dropped;
	p->moved_poll = l->poll;
	if (l->poll == 1)
		return;
	p->last_s = seconds(l->now);
	if (!l->resuming)
		ledger_recent_add(l, place, d->wire_bytes);
}

/* What it showed last; a new life's counters began at zero. */
static struct ledger_slot *slot_of(struct ledger *l, const struct ledger_sample *s)
{
	uint32_t *place = ledger_number(l, addr_is4(&s->dst) ? 0 : 1, s->slot);
	struct ledger_slot *slot;

	if (!*place) {
		*VEC_ADD(&l->slots) = (struct ledger_slot){ .life = s->life };
		*place = (uint32_t)l->slots.n;
	}
	slot = &l->slots.v[*place - 1];
	if (slot->life != s->life) {
		ledger_counts_clear(l, &slot->counts);
		slot->pair = 0;
		slot->life = s->life;
	}
	return slot;
}

void ledger_poll_add(struct ledger *l, const struct ledger_sample *s)
{
	struct ledger_sums was, d;
	struct ledger_slot *slot;

	if ((unsigned int)s->hook >= CF_HOOK_MAX)
		return;
	slot = slot_of(l, s);
	was = ledger_counts_get(l, &slot->counts);
	d = (struct ledger_sums){
		.wire_bytes = s->wire_bytes - was.wire_bytes,
		.payload_bytes = s->payload_bytes - was.payload_bytes,
		.dropped_wire_bytes = s->dropped_wire_bytes - was.dropped_wire_bytes,
		.packets = (uint32_t)(s->packets - (uint32_t)was.packets),
	};
	if (!d.wire_bytes && !d.packets && !d.payload_bytes && !d.dropped_wire_bytes)
		return;
	if (!slot->pair)
		slot->pair = pair_place(l, s) + 1;
	was = (struct ledger_sums){ s->wire_bytes, s->payload_bytes, s->dropped_wire_bytes,
				    s->packets };
	ledger_counts_set(l, &slot->counts, &was);
	book(l, slot->pair - 1, s, &d);
}

void ledger_poll_end(struct ledger *l)
{
	ledger_recent_end(l);
	l->resuming = false;
	if (l->pairs.n > l->pairs_max)
		ledger_fold(l);
}

void ledger_add_folded(struct ledger *l, enum cf_hook hook, const struct ledger_sums *sums,
		       uint64_t pairs)
{
	ledger_sums_add(&l->folded[hook], sums);
	ledger_sums_add(&l->total, sums);
	ledger_sums_add(&l->hook_total[hook], sums);
	l->folded_pairs += pairs;
}

/* ---- reading ------------------------------------------------------------- */

struct addr ledger_destination_key(const struct addr *dst)
{
	return addr_is4(dst) ? *dst : prefix_of(dst, 64).addr;
}

const struct ledger_host *ledger_source(const struct ledger *l, const struct addr *a)
{
	uint32_t place = ledger_host_find(&l->sources, &l->seed, a);

	return place == HASH_NONE ? NULL : &l->sources.v[place];
}

const struct ledger_host *ledger_destination(const struct ledger *l, const struct addr *a)
{
	struct addr key = ledger_destination_key(a);
	uint32_t place = ledger_host_find(&l->destinations, &l->seed, &key);

	return place == HASH_NONE ? NULL : &l->destinations.v[place];
}

const struct ledger_pair *ledger_pair(const struct ledger *l, const struct addr *src,
				      const struct addr *dst, enum cf_hook hook)
{
	struct addr to = ledger_destination_key(dst);
	struct ledger_pair_key k = {
		.src = ledger_host_find(&l->sources, &l->seed, src),
		.dst = ledger_host_find(&l->destinations, &l->seed, &to),
		.hook = (uint32_t)hook,
	};
	uint32_t place;

	if (k.src == HASH_NONE || k.dst == HASH_NONE)
		return NULL;
	place = pair_find(l, k);
	return place == HASH_NONE ? NULL : &l->pairs.v[place];
}
