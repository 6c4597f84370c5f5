/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/quota_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/def.h"

/* Since version 2 there may be cells. The lines are the same, and so is their sum. */
#define VERSION       2
#define VERSION_FIRST 1

/* A part of the limit that is kept ahead, and the least. */
#define RESERVE_PART  16
#define RESERVE_LEAST 65536
/* At the rate of late, so long: half of it until we are told, half until the next is on disk. */
#define AHEAD_MS 100
/* The longest that a record may come late: half of it for a poll, a compile, a slow disk. */
#define LINK_MS 10000

static const char magic[8] = "CFQUOTA";

/* Of the file: native byte order, since it never leaves the machine. */
struct head {
	char magic[8];
	uint32_t version;
	uint32_t record_size;
	uint64_t tables_id;
	uint64_t sum;
};
enum line_flags { LINE_LATCHED = 1, LINE_GONE = 2 };
struct line {
	struct cf_quota_key key;
	uint64_t used_bytes;
	uint32_t period_minute;
	uint32_t reported;
	uint32_t flags;
	uint32_t pad;
	uint64_t sum;
};
_Static_assert(sizeof(struct head) == 32 && sizeof(struct line) == 88, "file format");

/* Not against forgery, whoever writes there is root: against what a crash leaves. */
static uint64_t sum_of(const void *data, size_t n)
{
	static const struct hash_seed seed = { { 0x63757266657771ULL, VERSION_FIRST } };

	return hash_bytes(&seed, data, n);
}

void quota_store_head(struct buf *out, uint64_t tables_id)
{
	struct head h = { .version = VERSION,
			  .record_size = sizeof(struct line),
			  .tables_id = tables_id };

	memcpy(h.magic, magic, sizeof(h.magic));
	h.sum = sum_of(&h, offsetof(struct head, sum));
	buf_add(out, &h, sizeof(h));
}

void quota_store_record(struct buf *out, const struct quota_record *r)
{
	struct line l = {
		.key = r->key,
		.used_bytes = r->used_bytes,
		.period_minute = r->period_minute,
		.reported = r->reported,
		.flags = (r->latched ? LINE_LATCHED : 0) | (r->gone ? LINE_GONE : 0),
	};

	l.sum = sum_of(&l, offsetof(struct line, sum));
	buf_add(out, &l, sizeof(l));
}

int quota_store_read(const void *data, size_t size, uint64_t *ret_tables_id,
		     struct quota_records *l, size_t *ret_bad)
{
	const char *at = data, *end = at + size;
	struct head h;

	if (size < sizeof(h))
		return -EINVAL;
	memcpy(&h, at, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) || h.version < VERSION_FIRST ||
	    h.version > VERSION || h.record_size != sizeof(struct line) ||
	    h.sum != sum_of(&h, offsetof(struct head, sum)))
		return -EINVAL;
	for (at += sizeof(h); (size_t)(end - at) >= sizeof(struct line);
	     at += sizeof(struct line)) {
		struct quota_record r;
		struct line line;

		memcpy(&line, at, sizeof(line));
		if (line.sum != sum_of(&line, offsetof(struct line, sum)))
			break;
		r = (struct quota_record){
			.key = line.key,
			.used_bytes = line.used_bytes,
			.period_minute = line.period_minute,
			.reported = line.reported,
			.latched = line.flags & LINE_LATCHED,
			.gone = line.flags & LINE_GONE,
		};
		quota_records_set(l, &r);
	}
	*ret_tables_id = h.tables_id;
	if (ret_bad)
		*ret_bad = (size_t)(end - at);
	return 0;
}

/* ---- cells ----------------------------------------------------------------- */

struct cf_quota_key quota_cell_key(uint32_t quota, uint64_t seed, uint32_t n)
{
	struct cf_quota_key key = { .quota = quota, .asn = n, .kind = CF_KEY_CELL };

	memcpy(key.src, &seed, sizeof(seed));
	return key;
}

uint64_t quota_cell_seed(const struct cf_quota_key *key)
{
	uint64_t seed;

	memcpy(&seed, key->src, sizeof(seed));
	return seed;
}

/* ---- keys ------------------------------------------------------------------ */

static bool same_key(const void *arg, uint32_t place, const void *key)
{
	const struct quota_records *l = arg;

	return !memcmp(&l->v[place].key, key, sizeof(struct cf_quota_key));
}

struct quota_record *quota_records_find(const struct quota_records *l,
					const struct cf_quota_key *key)
{
	uint32_t at =
		hash_find(&l->index, hash_bytes(&l->seed, key, sizeof(*key)), same_key, l, key);

	return at == HASH_NONE ? NULL : &l->v[at];
}

void quota_records_set(struct quota_records *l, const struct quota_record *r)
{
	struct quota_record *old = quota_records_find(l, &r->key);

	if (old) {
		*old = *r;
		return;
	}
	*VEC_ADD(l) = *r;
	hash_add(&l->index, hash_bytes(&l->seed, &r->key, sizeof(r->key)), (uint32_t)(l->n - 1));
}

void quota_records_done(struct quota_records *l)
{
	struct hash_seed seed = l->seed;

	free(l->v);
	hash_done(&l->index);
	*l = (struct quota_records){ .seed = seed };
}

uint64_t quota_reserve(uint64_t used, uint64_t since, uint64_t ms, uint64_t limit, uint64_t drop,
		       uint64_t link)
{
	uint64_t ahead = limit / RESERVE_PART;

	if (used >= CF_QUOTA_BYTES_MAX)
		return 0;
	/* no key is faster than that */
	if (ahead > link * LINK_MS)
		ahead = link * LINK_MS;
	if (ahead < RESERVE_LEAST)
		ahead = RESERVE_LEAST;
	if (since < CF_QUOTA_BYTES_MAX && ahead < since * AHEAD_MS / (ms + 1))
		ahead = since * AHEAD_MS / (ms + 1);
	/* more than that never passes */
	if (drop != UINT64_MAX && ahead > (drop > used ? drop - used : 0))
		ahead = drop > used ? drop - used : 0;
	if (ahead > CF_QUOTA_BYTES_MAX - 1 - used)
		ahead = CF_QUOTA_BYTES_MAX - 1 - used;
	return ahead;
}
