/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data section of a MaxMind DB (file format specification 2.0), read
 * with bounds on depth and number of items, so that no file can make the
 * reader recurse or loop without end. Works on bytes alone.
 */
#ifndef CURFEW_CORE_GEO_MMDB_DATA_H
#define CURFEW_CORE_GEO_MMDB_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMDB_DATA_DEPTH 16    /* maps within maps */
#define MMDB_DATA_ITEMS 16384 /* values in one record, pointers followed */
#define MMDB_DATA_PATH  128   /* longest path told whole */

enum mmdb_type {
	MMDB_TYPE_POINTER = 1,
	MMDB_TYPE_TEXT = 2,
	MMDB_TYPE_DOUBLE = 3,
	MMDB_TYPE_BYTES = 4,
	MMDB_TYPE_UINT16 = 5,
	MMDB_TYPE_UINT32 = 6,
	MMDB_TYPE_MAP = 7,
	MMDB_TYPE_INT32 = 8,
	MMDB_TYPE_UINT64 = 9,
	MMDB_TYPE_UINT128 = 10,
	MMDB_TYPE_ARRAY = 11,
	MMDB_TYPE_BOOLEAN = 14,
	MMDB_TYPE_FLOAT = 15,
};

struct mmdb_value {
	enum mmdb_type type;
	const char *text; /* TEXT, BYTES: `size` bytes, no NUL after them */
	uint32_t size;    /* of text, map or array */
	uint64_t
		number; /* UINT16 … UINT64, BOOLEAN; the low half of UINT128; INT32 sign-extended */
	double real;    /* DOUBLE, FLOAT */
};

struct mmdb_data {
	const uint8_t *p;
	size_t n;
};

/*
 * Called for every value that is no map and no array. `path` is the keys that
 * lead to it, joined by '/'; an array's elements have the key "#". Paths of
 * MMDB_DATA_PATH bytes or more come as "". Returning an error ends the visit.
 */
struct mmdb_visitor {
	int (*value)(void *arg, const char *path, const struct mmdb_value *v);
	void *arg;
};

/* Type of the value at offset, pointers followed. -EBADMSG, with a reason that is not freed. */
int mmdb_data_type(const struct mmdb_data *d, size_t offset, enum mmdb_type *ret,
		   const char **ret_why);
/* Visits all in the value at offset. -EBADMSG with a reason; else what the visitor returned. */
int mmdb_data_visit(const struct mmdb_data *d, size_t offset, const struct mmdb_visitor *visitor,
		    const char **ret_why);

#endif
