/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/hash_index.h"

#include <stdlib.h>

#include "base/buf.h"

#define CELLS_MIN 64

static uint64_t rotl(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(struct hash_state *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static void sip_word(struct hash_state *s, uint64_t m)
{
	s->v[3] ^= m;
	sip_round(s);
	sip_round(s);
	s->v[0] ^= m;
}

/* Little-endian, as the paper says. */
static uint64_t load(const uint8_t *b, size_t n)
{
	uint64_t m = 0;

	for (size_t i = 0; i < n; i++)
		m |= (uint64_t)b[i] << (8 * i);
	return m;
}

void hash_begin(struct hash_state *s, const struct hash_seed *seed)
{
	*s = (struct hash_state){ {
		seed->k[0] ^ 0x736f6d6570736575ULL,
		seed->k[1] ^ 0x646f72616e646f6dULL,
		seed->k[0] ^ 0x6c7967656e657261ULL,
		seed->k[1] ^ 0x7465646279746573ULL,
	} };
}

void hash_add_bytes(struct hash_state *s, const void *data, size_t n)
{
	const uint8_t *b = data;

	for (; n && s->n % 8; n--) {
		s->rest[s->n++ % 8] = *b++;
		if (!(s->n % 8))
			sip_word(s, load(s->rest, 8));
	}
	for (; n >= 8; b += 8, n -= 8, s->n += 8)
		sip_word(s, load(b, 8));
	for (; n; n--)
		s->rest[s->n++ % 8] = *b++;
}

uint64_t hash_end(struct hash_state *s)
{
	sip_word(s, load(s->rest, s->n % 8) | (s->n & 0xff) << 56);
	s->v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(s);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t n)
{
	struct hash_state s;

	hash_begin(&s, seed);
	hash_add_bytes(&s, data, n);
	return hash_end(&s);
}

uint32_t hash_find(const struct hash_index *ix, uint64_t hash, hash_same_fn same, const void *arg,
		   const void *key)
{
	uint32_t h = (uint32_t)hash;

	if (!ix->cap)
		return HASH_NONE;
	for (size_t i = h & (ix->cap - 1); ix->cells[i].place; i = (i + 1) & (ix->cap - 1))
		if (ix->cells[i].hash == h && same(arg, ix->cells[i].place - 1, key))
			return ix->cells[i].place - 1;
	return HASH_NONE;
}

static void put(struct hash_cell *cells, size_t cap, struct hash_cell c)
{
	size_t i = c.hash & (cap - 1);

	while (cells[i].place)
		i = (i + 1) & (cap - 1);
	cells[i] = c;
}

static void grow(struct hash_index *ix)
{
	size_t cap = ix->cap ? ix->cap * 2 : CELLS_MIN;
	struct hash_cell *cells = xcalloc(cap, sizeof(*cells));

	for (size_t i = 0; i < ix->cap; i++)
		if (ix->cells[i].place)
			put(cells, cap, ix->cells[i]);
	free(ix->cells);
	ix->cells = cells;
	ix->cap = cap;
}

void hash_add(struct hash_index *ix, uint64_t hash, uint32_t place)
{
	/* at most two thirds full: runs of linear probing stay short */
	if ((ix->n + 1) * 3 > ix->cap * 2)
		grow(ix);
	put(ix->cells, ix->cap, (struct hash_cell){ .hash = (uint32_t)hash, .place = place + 1 });
	ix->n++;
}

void hash_done(struct hash_index *ix)
{
	free(ix->cells);
	*ix = (struct hash_index){ 0 };
}
