/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/mmdb_write.h"

#include <errno.h>
#include <string.h>

#include "core/geo/build.h"
#include "core/geo/mmdb_encode.h"

#define PROGRESS_RANGES 65536
#define SEPARATOR_BYTES 16

/* A node's record while the tree grows: nothing, another node, or a record of the table. */
#define EMPTY 0 /* the root is nobody's child */
#define DATA  (1U << 31)

typedef unsigned __int128 wide;

struct tree {
	struct {
		struct node {
			uint32_t side[2];
		} * v;
		size_t n, cap;
	} nodes;
	bool full;
};

struct writer {
	const struct geo_table *table;
	const struct geo_progress *progress;
	struct tree tree;
	struct mmdb_encoder data;
	uint32_t *offsets; /* of each record in the data section */
};

static wide wide_of(const struct addr *a)
{
	return (wide)addr_hi(a) << 64 | addr_lo(a);
}

static uint32_t new_node(struct tree *t)
{
	if (t->nodes.n >= DATA - 1) {
		t->full = true;
		return 0;
	}
	*VEC_ADD(&t->nodes) = (struct node){ { EMPTY, EMPTY } };
	return (uint32_t)t->nodes.n - 1;
}

/* The slot that stands for the first `bits` of the address, nodes made on the way. */
static uint32_t *reach(struct tree *t, wide at, unsigned int bits)
{
	uint32_t node = 0;

	for (unsigned int i = 0; i + 1 < bits; i++) {
		unsigned int side = (unsigned int)(at >> (127 - i)) & 1;
		uint32_t next = t->nodes.v[node].side[side];

		if (next == EMPTY) {
			next = new_node(t);
			t->nodes.v[node].side[side] = next;
		}
		node = next;
	}
	return &t->nodes.v[node].side[(unsigned int)(at >> (128 - bits)) & 1];
}

/* The largest aligned blocks that make up [first, last]. */
static void add_range(struct tree *t, wide first, wide last, uint32_t record)
{
	for (;;) {
		unsigned int host = 0;
		wide end;

		while (host < 127 && !(first >> host & 1) &&
		       (first | (((wide)1 << (host + 1)) - 1)) <= last)
			host++;
		*reach(t, first, 128 - host) = DATA | record;
		end = first | (((wide)1 << host) - 1);
		if (end >= last || t->full)
			return;
		first = end + 1;
	}
}

/* The part of a range within [low, high], moved so that low comes to `to`. */
static void add_part(struct tree *t, const struct geo_range *r, wide low, wide high, wide to)
{
	wide first = wide_of(&r->first), last = wide_of(&r->last);

	if (first < low)
		first = low;
	if (last > high)
		last = high;
	if (first <= last)
		add_range(t, first - low + to, last - low + to, r->record);
}

static int grow_tree(struct writer *w)
{
	const wide v4 = (wide)0xffff << 32, v4_last = v4 | 0xffffffff, low = (wide)1 << 32;
	const struct geo_table *t = w->table;

	new_node(&w->tree);
	for (size_t i = 0; i < t->ranges.n && !w->tree.full; i++) {
		const struct geo_range *r = &t->ranges.v[i];

		if (i % PROGRESS_RANGES == 0)
			geo_progress_tell(w->progress, "building", i, t->ranges.n);
		add_part(&w->tree, r, v4, v4_last, 0);
		add_part(&w->tree, r, low, v4 - 1, low);
		add_part(&w->tree, r, v4_last + 1, ~(wide)0, v4_last + 1);
	}
	if (w->tree.full)
		return -EFBIG;
	if (w->tree.nodes.v[0].side[0] == EMPTY && w->tree.nodes.v[0].side[1] == EMPTY)
		return -ENODATA;
	return 0;
}

static void alias4(struct tree *t)
{
	uint32_t root4 = *reach(t, 0, 96);

	if (root4 != EMPTY)
		*reach(t, (wide)0xffff << 32, 96) = root4;
}

static int write_data(struct writer *w)
{
	const struct geo_table *t = w->table;

	w->offsets = xcalloc(t->records.n, sizeof(*w->offsets));
	for (size_t i = 0; i < t->records.n; i++) {
		size_t at = mmdb_encode_record(&w->data, &t->records.v[i]);

		if (w->data.out.n >= UINT32_MAX)
			return -EFBIG;
		w->offsets[i] = (uint32_t)at;
	}
	return 0;
}

static uint32_t final_value(const struct writer *w, uint32_t side)
{
	uint32_t count = (uint32_t)w->tree.nodes.n;

	if (side == EMPTY)
		return count;
	if (side & DATA)
		return count + SEPARATOR_BYTES + w->offsets[side & ~DATA];
	return side;
}

static void put_node(uint8_t *p, unsigned int record_bits, uint32_t left, uint32_t right)
{
	unsigned int bytes = record_bits == 32 ? 4 : 3;

	for (unsigned int i = 0; i < bytes; i++) {
		p[i] = (uint8_t)(left >> 8 * (bytes - 1 - i));
		p[record_bits / 4 - bytes + i] = (uint8_t)(right >> 8 * (bytes - 1 - i));
	}
	/* 28 bits: the highest four of both share the middle byte. */
	if (record_bits == 28)
		p[3] = (uint8_t)(left >> 24 << 4 | right >> 24);
}

static unsigned int record_bits(const struct writer *w)
{
	uint64_t max = w->tree.nodes.n + SEPARATOR_BYTES + w->data.out.n;

	return max < 1U << 24 ? 24 : max < 1U << 28 ? 28 : max <= UINT32_MAX ? 32 : 0;
}

static void put_tree(const struct writer *w, unsigned int bits, struct buf *out)
{
	size_t n = w->tree.nodes.n, bytes = bits / 4;
	_cleanup_free_ uint8_t *tree = xcalloc(n + SEPARATOR_BYTES, bytes);

	for (size_t i = 0; i < n; i++)
		put_node(tree + i * bytes, bits, final_value(w, w->tree.nodes.v[i].side[0]),
			 final_value(w, w->tree.nodes.v[i].side[1]));
	buf_add(out, tree, n * bytes + SEPARATOR_BYTES);
}

static const char *default_type(const struct geo_table *t)
{
	if (t->has_city || t->has_location)
		return "Curfew-City";
	if (t->has_country)
		return t->has_asn ? "Curfew-Country-ASN" : "Curfew-Country";
	return "Curfew-ASN";
}

static int write_all(struct writer *w, struct buf *out)
{
	struct mmdb_metadata m = { .description = "compiled by curfew geo build" };
	unsigned int bits;
	int r;

	r = grow_tree(w);
	if (r < 0)
		return r;
	alias4(&w->tree);
	r = write_data(w);
	if (r < 0)
		return r;
	bits = record_bits(w);
	if (!bits)
		return -EFBIG;
	put_tree(w, bits, out);
	buf_add(out, w->data.out.s, w->data.out.n);
	m.type = w->table->type ? w->table->type : default_type(w->table);
	m.built_at = w->table->built_at;
	m.node_count = (uint32_t)w->tree.nodes.n;
	m.record_bits = (uint16_t)bits;
	mmdb_encode_metadata(out, &m);
	return 0;
}

int mmdb_write(const struct geo_table *t, const struct geo_progress *progress, struct buf *out)
{
	struct writer w = { .table = t, .progress = progress };
	int r;

	r = write_all(&w, out);
	mmdb_encoder_done(&w.data);
	free(w.tree.nodes.v);
	free(w.offsets);
	return r;
}
