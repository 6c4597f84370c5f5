/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MaxMind DB files made by hand, byte by byte, for tests: any record, any tree,
 * also impossible ones. Written apart from the product's writer, to check it.
 */
#ifndef TESTS_UNIT_MMDB_HELP_H
#define TESTS_UNIT_MMDB_HELP_H

#include "base/buf.h"
#include "core/geo/geo.h"
#include "port/mmdb.h"

/* A node's record: another node (its index), or one of these. */
#define MM_NONE       (1ULL << 40)
#define MM_DATA(off)  (1ULL << 41 | (off))
#define MM_RAW(value) (1ULL << 42 | (value)) /* written as it is */

struct mm {
	struct buf data;
	struct {
		struct mm_node {
			uint64_t side[2];
		} * v;
		size_t n, cap;
	} nodes;
	/* What the metadata says; zero: the truth. */
	unsigned int major, record_size, ip_version, node_count;
	unsigned int bits;       /* what is written; 0: 24 */
	unsigned int separator;  /* a byte of it */
	const struct buf *extra; /* replaces the metadata's values */
};

void mm_done(struct mm *m);
#define _cleanup_mm_ _cleanup_(mm_done)

size_t mm_map(struct mm *m, unsigned int n); /* these return where in `data` it begins */
size_t mm_array(struct mm *m, unsigned int n);
size_t mm_text(struct mm *m, const char *s);
size_t mm_u32(struct mm *m, uint32_t v);
size_t mm_double(struct mm *m, double v);
size_t mm_float(struct mm *m, float v);
size_t mm_pointer(struct mm *m, uint32_t to);
size_t mm_raw(struct mm *m, const void *bytes, size_t n);
/* { "country_code": cc } */
size_t mm_country(struct mm *m, const char *cc);

/* Stands for the prefix (bits of the tree's own addresses); makes nodes on the way. The wider
 * of two nested networks comes first. */
void mm_insert(struct mm *m, const char *address, unsigned int bits, uint64_t value);
/* The same for text such as "203.0.113.0/24", IPv4 at ::/96. */
void mm_put(struct mm *m, const char *prefix, size_t data);
void mm_bytes(const struct mm *m, struct buf *out);

/* A file with these bytes in a directory of the test's own; removed by the next call and at the
 * end. */
const char *mm_file(const void *bytes, size_t n);
void mm_file_remove(void);

/* mmdb_load() of bytes; *ret_why is freed by the caller. */
int mm_load(const struct buf *b, struct geo_table **ret, struct mmdb_report *report,
	    char **ret_why);
/* The file a struct mm makes; fails the test if it is refused. */
struct geo_table *mm_table(const struct mm *m);

#endif
