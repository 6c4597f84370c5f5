/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What quotas have used, on disk: what is read is what was written, whatever a crash leaves. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ledger/quota_store.h"

static struct quota_record record(uint32_t n, uint64_t used)
{
	return (struct quota_record){
		.key = { .quota = n, .asn = n * 7, .kind = CF_KEY_DESTINATION },
		.used_bytes = used,
		.period_minute = 29000000 & CF_QUOTA_PERIOD_MASK,
		.reported = n & 3,
		.latched = n & 1,
	};
}

static void file_of(struct buf *out, uint32_t n)
{
	quota_store_head(out, 42);
	for (uint32_t i = 0; i < n; i++) {
		struct quota_record r = record(i, i * 1000);

		quota_store_record(out, &r);
	}
}

static int read_file(const struct buf *b, size_t n, struct quota_records *l, size_t *bad)
{
	uint64_t id = 0;
	int r = quota_store_read(b->s, n, &id, l, bad);

	if (!r)
		cr_assert_eq(id, 42);
	return r;
}

Test(quota_store, what_is_written_is_read)
{
	struct quota_records l = { 0 };
	struct buf b = { 0 };
	size_t bad = 9;

	file_of(&b, 1000);
	cr_assert_eq(read_file(&b, b.n, &l, &bad), 0);
	cr_assert_eq(bad, 0);
	cr_assert_eq(l.n, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		struct quota_record want = record(i, i * 1000);
		struct quota_record *got = quota_records_find(&l, &want.key);

		cr_assert_not_null(got);
		cr_assert_eq(got->used_bytes, want.used_bytes);
		cr_assert_eq(got->period_minute, want.period_minute);
		cr_assert_eq(got->reported, want.reported);
		cr_assert_eq(got->latched, want.latched);
		cr_assert_not(got->gone);
	}
	quota_records_done(&l);
	buf_done(&b);
}

Test(quota_store, the_last_record_of_a_key_counts)
{
	struct quota_record a = record(5, 100), c = record(5, 300), gone = record(6, 0);
	struct quota_records l = { 0 };
	struct buf b = { 0 };

	file_of(&b, 10);
	quota_store_record(&b, &c);
	quota_store_record(&b, &a);
	gone.gone = true;
	quota_store_record(&b, &gone);
	cr_assert_eq(read_file(&b, b.n, &l, NULL), 0);
	cr_assert_eq(l.n, 10);
	cr_assert_eq(quota_records_find(&l, &a.key)->used_bytes, 100);
	cr_assert(quota_records_find(&l, &gone.key)->gone);
	quota_records_done(&l);
	buf_done(&b);
}

/* ---- cells ------------------------------------------------------------------- */

static struct quota_record cell(uint32_t quota, uint64_t seed, uint32_t n, uint64_t used)
{
	return (struct quota_record){ .key = quota_cell_key(quota, seed, n),
				      .used_bytes = used,
				      .period_minute = 29000000 & CF_QUOTA_PERIOD_MASK };
}

static void file_of_cells(struct buf *out)
{
	struct quota_record all = cell(7, 0xfeedfacecafebeefULL, CF_CELL_ALL, 65536);

	quota_store_head(out, 42);
	for (uint32_t i = 0; i < CF_CELLS; i += 31) {
		struct quota_record c = cell(7, 0xfeedfacecafebeefULL, i, i * 10 + 1),
				    same = cell(8, 3, i, 5);

		quota_store_record(out, &c);
		quota_store_record(out, &same);
	}
	quota_store_record(out, &all);
}

Test(quota_store, cells_are_keys_of_their_own)
{
	struct quota_records l = { 0 };
	struct buf b = { 0 };
	size_t n = (CF_CELLS + 30) / 31;

	file_of_cells(&b);
	cr_assert_eq(read_file(&b, b.n, &l, NULL), 0);
	cr_assert_eq(l.n, 2 * n + 1);
	for (uint32_t i = 0; i < CF_CELLS; i++) {
		struct quota_record want = cell(7, 0xfeedfacecafebeefULL, i, 0), *got;
		struct cf_quota_key stranger = quota_cell_key(7, 1, i);

		got = quota_records_find(&l, &want.key);
		cr_assert_eq(!!got, i % 31 == 0, "only those in use");
		if (!got)
			continue;
		cr_assert_eq(got->used_bytes, i * 10 + 1);
		cr_assert_eq(got->period_minute, want.period_minute);
		cr_assert_eq(got->key.asn, i);
		cr_assert_eq(quota_cell_seed(&got->key), 0xfeedfacecafebeefULL);
		cr_assert_null(quota_records_find(&l, &stranger), "another seed, another cell");
	}
	cr_assert_eq(quota_records_find(&l, &(struct cf_quota_key){ .quota = 7 }), NULL);
	quota_records_done(&l);
	buf_done(&b);
}

/* Files of before there were cells: another number in the head, and nothing else. */
Test(quota_store, a_file_of_the_first_version)
{
	/* { "CFQUOTA", 1, 88, tables 42 } and one record, as they were written then */
	static const unsigned char first[] = {
		0x43, 0x46, 0x51, 0x55, 0x4f, 0x54, 0x41, 0x00, 0x01, 0x00, 0x00, 0x00, 0x58, 0x00,
		0x00, 0x00, 0x2a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf0, 0xa4, 0x74, 0xe1,
		0x53, 0xc6, 0x3f, 0x4a, 0x03, 0x00, 0x00, 0x00, 0x15, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0xb8, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x81,
		0x3a, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0xcc, 0x70, 0xcf, 0x61, 0xcd, 0x06, 0xb2, 0xf5,
	};
	struct quota_records l = { 0 };
	struct buf b = { 0 };

	buf_add(&b, first, sizeof(first));
	cr_assert_eq(read_file(&b, b.n, &l, NULL), 0);
	cr_assert_eq(l.n, 1);
	cr_assert_eq(l.v[0].key.quota, 3);
	cr_assert_eq(l.v[0].key.asn, 21);
	cr_assert_eq(l.v[0].used_bytes, 3000);
	cr_assert(l.v[0].latched);
	quota_records_done(&l);
	/* none of the next */
	b.s[8] = 3;
	cr_assert_eq(read_file(&b, b.n, &l, NULL), -EINVAL);
	buf_done(&b);
}

/*
 * The arithmetic of cells: none grows by more than their quota's shared entry does, so
 * that at any later moment a cell on record and the reserve together are at least what it is.
 */
Test(quota_store, the_reserve_of_the_shared_entry_covers_its_cells)
{
	const uint64_t limit = 10000000;
	uint64_t used = 0, cells[4] = { 0 }, on_record[4] = { 0 }, reserve = 0, record = 0;
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		uint64_t bytes = (uint64_t)(rand_r(&seed) % 1500);

		if (used + bytes > limit)
			break;
		/* told at half of it, on disk before the rest is used */
		if (used + bytes >= record) {
			reserve = quota_reserve(used, UINT64_MAX, 0, limit, limit, 1250000);
			record = used + reserve;
			memcpy(on_record, cells, sizeof(cells));
			cr_assert_geq(record, used + bytes);
		}
		cells[rand_r(&seed) % 4] += bytes;
		used += bytes;
		for (int c = 0; c < 4; c++)
			cr_assert_geq(on_record[c] + reserve, cells[c]);
	}
	cr_assert_gt(used, limit - 1500);
}

/* ---- damage ------------------------------------------------------------------- */

/* Cut anywhere: all whole records before the cut, and nothing else. */
Test(quota_store, a_file_that_is_cut_off)
{
	struct buf b = { 0 }, one = { 0 };
	size_t head, line;

	quota_store_head(&one, 42);
	head = one.n;
	file_of(&b, 20);
	line = (b.n - head) / 20;
	for (size_t n = 0; n <= b.n; n++) {
		struct quota_records l = { 0 };
		size_t bad = 0;

		if (n < head) {
			cr_assert_eq(read_file(&b, n, &l, &bad), -EINVAL);
			continue;
		}
		cr_assert_eq(read_file(&b, n, &l, &bad), 0);
		cr_assert_eq(l.n, (n - head) / line);
		cr_assert_eq(bad, (n - head) % line);
		quota_records_done(&l);
	}
	buf_done(&b);
	buf_done(&one);
}

/* Any byte of any record changed: that record and what follows does not count. */
Test(quota_store, a_file_that_is_scrambled)
{
	struct buf b = { 0 }, one = { 0 };
	size_t head, line;

	quota_store_head(&one, 42);
	head = one.n;
	file_of(&b, 8);
	line = (b.n - head) / 8;
	for (size_t at = 0; at < b.n; at++) {
		struct quota_records l = { 0 };

		b.s[at] ^= 0x20;
		if (at < head) {
			cr_assert_eq(read_file(&b, b.n, &l, NULL), -EINVAL);
		} else {
			cr_assert_eq(read_file(&b, b.n, &l, NULL), 0);
			cr_assert_eq(l.n, (at - head) / line);
		}
		quota_records_done(&l);
		b.s[at] ^= 0x20;
	}
	buf_done(&b);
	buf_done(&one);
}

Test(quota_store, cells_that_are_cut_off_or_scrambled)
{
	struct buf b = { 0 };
	size_t head = 32, line = 88, all;

	file_of_cells(&b);
	all = (b.n - head) / line;
	for (size_t at = head; at < b.n; at += 7) {
		struct quota_records l = { 0 };
		size_t bad = 0;

		b.s[at] ^= 0x20;
		cr_assert_eq(read_file(&b, b.n, &l, &bad), 0);
		cr_assert_eq(l.n, (at - head) / line);
		cr_assert_eq(bad, (all - l.n) * line);
		quota_records_done(&l);
		b.s[at] ^= 0x20;
		cr_assert_eq(read_file(&b, at, &l, &bad), 0);
		cr_assert_eq(l.n, (at - head) / line);
		quota_records_done(&l);
	}
	buf_done(&b);
}

#define MB 1000000ULL

Test(quota_store, the_reserve)
{
	const uint64_t none = UINT64_MAX, never = UINT64_MAX, fast = 1250000;

	/* a sixteenth, of a small quota what a packet or two take */
	cr_assert_eq(quota_reserve(0, none, 0, 160 * MB, 160 * MB, fast), 10 * MB);
	cr_assert_eq(quota_reserve(0, none, 0, 100000, 100000, fast), 65536);
	/* never beyond what can pass at all */
	cr_assert_eq(quota_reserve(155 * MB, none, 0, 160 * MB, 160 * MB, fast), 5 * MB);
	cr_assert_eq(quota_reserve(160 * MB, none, 0, 160 * MB, 160 * MB, fast), 0);
	cr_assert_eq(quota_reserve(170 * MB, none, 0, 160 * MB, 160 * MB, fast), 0);
	cr_assert_eq(quota_reserve(155 * MB, none, 0, 160 * MB, never, fast), 10 * MB);
	/* what a key takes in 100 ms, if that is more */
	cr_assert_eq(quota_reserve(20 * MB, 6 * MB, 19, 160 * MB, 160 * MB, fast), 30 * MB);
	cr_assert_eq(quota_reserve(20 * MB, 6 * MB, 5000, 160 * MB, 160 * MB, fast), 10 * MB);
	cr_assert_leq(quota_reserve(CF_QUOTA_BYTES_MAX - 10, 500 * MB, 1, CF_QUOTA_BYTES_MAX, never,
				    fast),
		      9);
	cr_assert_eq(quota_reserve(CF_QUOTA_BYTES_MAX + 10, none, 0, MB, never, fast), 0);
	/* no more than the network carries meanwhile: 10 Gbit/s, 1 Gbit/s */
	cr_assert_eq(quota_reserve(0, none, 0, 640000 * MB, 640000 * MB, fast), 12500 * MB);
	cr_assert_eq(quota_reserve(0, none, 0, 640000 * MB, 640000 * MB, fast / 10), 1250 * MB);
	cr_assert_eq(quota_reserve(0, none, 0, 1600 * MB, 1600 * MB, fast), 100 * MB);
}
