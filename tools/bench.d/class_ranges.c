/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "class_ranges.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"

/* ---- merging --------------------------------------------------------------------- */

struct cursor {
	const struct geo_table *table;
	size_t i; /* the first range that ends at or after the sweep */
};

static void take(struct cursor *c, uint128 at, struct place *p, uint128 *end)
{
	const struct geo_record *found;
	const struct geo_range *r;
	uint128 first, last = 0;

	for (; c->table && c->i < c->table->ranges.n; c->i++) {
		last = wide_from(&c->table->ranges.v[c->i].last);
		if (last >= at)
			break;
	}
	if (!c->table || c->i == c->table->ranges.n)
		return;
	r = &c->table->ranges.v[c->i];
	first = wide_from(&r->first);
	if (first > at) {
		*end = first - 1 < *end ? first - 1 : *end;
		return;
	}
	*end = last < *end ? last : *end;
	found = &c->table->records.v[r->record];
	if (!p->cc[0])
		memcpy(p->cc, found->cc, 2);
	if (!p->asn)
		p->asn = found->asn;
}

static void emit(struct place_ranges *r, uint128 first, uint128 last, const struct place *p)
{
	struct place_range *before = r->n ? &r->v[r->n - 1] : NULL;

	if (!p->asn && !p->cc[0])
		return;
	if (before && before->last + 1 == first && first != WIDE_V4_FIRST &&
	    first != WIDE_V4_LAST + 1 && !memcmp(&before->place, p, sizeof(*p))) {
		before->last = last;
		return;
	}
	*VEC_ADD(r) = (struct place_range){ first, last, *p };
}

struct place_ranges place_ranges(const struct geo *geo)
{
	struct cursor cursors[] = { { geo->city, 0 }, { geo->country, 0 }, { geo->asn, 0 } };
	struct place_ranges r = { 0 };
	uint128 at = 0, end;

	for (;; at = end + 1) {
		struct place p = { 0 };

		end = at < WIDE_V4_FIRST   ? WIDE_V4_FIRST - 1
		      : at <= WIDE_V4_LAST ? WIDE_V4_LAST
					   : WIDE_LAST;
		if (at == WIDE_V4_FIRST)
			r.first4 = r.n;
		for (size_t i = 0; i < ARRAY_SIZE(cursors); i++)
			take(&cursors[i], at, &p, &end);
		emit(&r, at, end, &p);
		if (end == WIDE_V4_LAST)
			r.end4 = r.n;
		if (end == WIDE_LAST)
			return r;
	}
}

/* ---- tries ----------------------------------------------------------------------- */

#define BATCH 4096

/* Keys of either family, handed to the kernel many at a time. */
struct filler {
	const struct image *img;
	int fd, error;
	size_t key_size, n, all;
	struct lpm_key6 keys6[BATCH];
	struct lpm_key4 keys4[BATCH];
	struct found values[BATCH];
};

static void flush(struct filler *f)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	const char *keys = f->key_size == sizeof(struct lpm_key4) ? (const char *)f->keys4
								  : (const char *)f->keys6;
	uint32_t n = (uint32_t)f->n;

	/* (kernels that cannot do many at once for tries do one by one) */
	if (f->n && !f->error && bpf_map_update_batch(f->fd, keys, f->values, &n, &opts) < 0)
		for (size_t i = 0; i < f->n && !f->error; i++)
			if (bpf_map_update_elem(f->fd, keys + i * f->key_size, &f->values[i],
						BPF_ANY) < 0)
				f->error = -errno;
	f->all += f->n;
	f->n = 0;
}

static uint32_t label_at(const struct image *img, uint128 at)
{
	struct addr a = addr_from_halves((uint64_t)(at >> 64), (uint64_t)at);

	return image_label(img, &a);
}

static void add_prefix(struct filler *f, uint128 first, uint32_t bits, const struct place *p)
{
	if (f->key_size == sizeof(struct lpm_key4)) {
		f->keys4[f->n] = (struct lpm_key4){ bits - 96, htobe32((uint32_t)first) };
	} else {
		struct lpm_key6 *k = &f->keys6[f->n];

		k->prefixlen = bits;
		for (int i = 0; i < 4; i++)
			k->addr[i] = htobe32((uint32_t)(first >> (96 - 32 * i)));
	}
	f->values[f->n++] = (struct found){ p->asn, FOUND_CC(p->cc) | label_at(f->img, first) };
	if (f->n == BATCH)
		flush(f);
}

/* The fewest prefixes that are the range. */
static void add_range(struct filler *f, const struct place_range *r)
{
	uint128 at = r->first;

	for (;;) {
		uint32_t free = 0; /* bits behind the prefix */

		while (free < 128 && !(at >> free & 1)) {
			uint128 size = (uint128)1 << free;

			/* twice as many would be too many */
			if (free == 127 || r->last - at < 2 * size - 1)
				break;
			free++;
		}
		add_prefix(f, at, 128 - free, &r->place);
		if (r->last - at == ((uint128)1 << free) - 1)
			return;
		at += (uint128)1 << free;
	}
}

int fill_trie(const struct place_ranges *r, const struct image *img, bool six, int fd,
	      size_t *ret_prefixes)
{
	struct filler *f = xcalloc(1, sizeof(*f));
	int error;

	f->img = img;
	f->fd = fd;
	f->key_size = six ? sizeof(struct lpm_key6) : sizeof(struct lpm_key4);
	for (size_t i = 0; i < r->n; i++)
		if ((i < r->first4 || i >= r->end4) == six)
			add_range(f, &r->v[i]);
	flush(f);
	*ret_prefixes = f->all;
	error = f->error;
	free(f);
	return error;
}
