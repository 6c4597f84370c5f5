/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table of numbers: it maps keys to the places of elements that the
 * caller keeps in an array. Open addressing with linear probing; the hash is
 * keyed, so that whoever chooses the keys (destinations are chosen by others)
 * cannot choose the collisions. Nothing is ever removed.
 */
#ifndef CURFEW_BASE_HASH_INDEX_H
#define CURFEW_BASE_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_seed {
	uint64_t k[2];
};

/* SipHash-2-4 (Aumasson, Bernstein 2012) of n bytes. */
uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t n);

/* The same of bytes that come in pieces. */
struct hash_state {
	uint64_t v[4];
	uint8_t rest[8]; /* of them n % 8 */
	uint64_t n;
};
void hash_begin(struct hash_state *s, const struct hash_seed *seed);
void hash_add_bytes(struct hash_state *s, const void *data, size_t n);
uint64_t hash_end(struct hash_state *s);

struct hash_cell {
	uint32_t hash;
	uint32_t place; /* + 1; 0: empty */
};
struct hash_index {
	struct hash_cell *cells;
	size_t n;
	size_t cap; /* a power of two, or 0 */
};

/* Whether the element at `place` has the key that is looked for. */
typedef bool (*hash_same_fn)(const void *arg, uint32_t place, const void *key);

#define HASH_NONE UINT32_MAX
/* The element's place, HASH_NONE if there is none. */
uint32_t hash_find(const struct hash_index *ix, uint64_t hash, hash_same_fn same, const void *arg,
		   const void *key);
/* Adds a key that hash_find() did not find. */
void hash_add(struct hash_index *ix, uint64_t hash, uint32_t place);
void hash_done(struct hash_index *ix);

#endif
