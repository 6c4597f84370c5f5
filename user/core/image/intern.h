/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for values: equal bytes get the same number, the first value gets 0. */
#ifndef CURFEW_CORE_IMAGE_INTERN_H
#define CURFEW_CORE_IMAGE_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern {
	size_t key_size; /* a multiple of 8; set before the first use */
	uint8_t *keys;   /* n of them, by number */
	size_t n, cap;
	uint32_t *slots; /* number + 1; 0: empty */
	size_t slot_mask;
};

#define INTERN(type)                                                                               \
	{                                                                                          \
		.key_size = sizeof(type)                                                           \
	}

/* The key's number; *ret_new (may be NULL) says whether it was added. The key is copied. */
uint32_t intern_add(struct intern *t, const void *key, bool *ret_new);
/* False if it was never added. */
bool intern_has(const struct intern *t, const void *key);
/* Valid until the next intern_add(). */
const void *intern_key(const struct intern *t, uint32_t number);
void intern_done(struct intern *t);

#endif
