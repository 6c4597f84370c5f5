/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/intern.h"

#include <string.h>

#include "base/buf.h"

static uint64_t hash(const void *key, size_t size)
{
	const uint8_t *b = key;
	uint64_t h = size;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t w;

		memcpy(&w, b + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return h;
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t slot_of(const struct intern *t, const void *key)
{
	size_t s = hash(key, t->key_size) & t->slot_mask;

	while (t->slots[s] &&
	       memcmp(t->keys + (size_t)(t->slots[s] - 1) * t->key_size, key, t->key_size))
		s = (s + 1) & t->slot_mask;
	return s;
}

static void grow(struct intern *t)
{
	size_t slots = t->slots ? (t->slot_mask + 1) * 4 : 64;

	free(t->slots);
	t->slots = xcalloc(slots, sizeof(*t->slots));
	t->slot_mask = slots - 1;
	/* All differ, so only an empty slot is looked for. */
	for (size_t i = 0; i < t->n; i++) {
		size_t s = hash(t->keys + i * t->key_size, t->key_size) & t->slot_mask;

		while (t->slots[s])
			s = (s + 1) & t->slot_mask;
		t->slots[s] = (uint32_t)i + 1;
	}
}

uint32_t intern_add(struct intern *t, const void *key, bool *ret_new)
{
	size_t s;

	if (!t->slots || t->n * 2 > t->slot_mask)
		grow(t);
	s = slot_of(t, key);
	if (ret_new)
		*ret_new = !t->slots[s];
	if (!t->slots[s]) {
		vec_grow((void **)&t->keys, t->n, &t->cap, t->key_size);
		memcpy(t->keys + t->n * t->key_size, key, t->key_size);
		t->slots[s] = (uint32_t)++t->n;
	}
	return t->slots[s] - 1;
}

bool intern_has(const struct intern *t, const void *key)
{
	return t->slots && t->slots[slot_of(t, key)];
}

const void *intern_key(const struct intern *t, uint32_t number)
{
	return t->keys + (size_t)number * t->key_size;
}

void intern_done(struct intern *t)
{
	free(t->keys);
	free(t->slots);
	*t = (struct intern){ .key_size = t->key_size };
}
