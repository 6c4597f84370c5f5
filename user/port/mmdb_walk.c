/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/mmdb_walk.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

#define PROGRESS_NODES 65536
#define NO_NODE        UINT64_MAX

/* One record of a node: where it stands in the address space and what it says. */
struct place {
	struct addr at;
	unsigned int depth; /* bits of `at` that count, in the tree's own addresses */
	uint8_t type;       /* MMDB_RECORD_TYPE_* */
	uint32_t node;      /* SEARCH_NODE */
	uint32_t offset;    /* DATA: in the data section */
};

/* From the offset of a record to its interned index; open addressing. */
struct offset_map {
	struct {
		uint32_t offset;
		uint32_t record;
		bool used;
	} * v;
	size_t n, size;
};

struct walk {
	const MMDB_s *db;
	const struct mmdb_data *data;
	struct geo_builder *b;
	const struct geo_progress *progress;
	struct mmdb_report *report;
	char *why;
	unsigned int bits; /* 32 or 128 */
	uint8_t *seen;     /* one bit per node */
	uint32_t visited;
	struct offset_map offsets;
	struct place root4; /* what stands at ::/96 */
	bool have_root4;
	/* Each node taken from the stack puts two places back: one more per level. */
	struct place stack[130];
	unsigned int stacked;
};

static const struct prefix mapped = { { { [10] = 0xff, [11] = 0xff } }, 96 };

static const struct prefix aliases[] = {
	{ { { [10] = 0xff, [11] = 0xff } }, 96 }, /* RFC 4291 2.5.5.2 */
	{ { { 0x20, 0x01 } }, 32 },               /* Teredo, RFC 4380 */
	{ { { 0x20, 0x02 } }, 16 },               /* 6to4, RFC 3056 */
	{ { { 0x00, 0x64, 0xff, 0x9b } }, 96 },   /* NAT64, RFC 6052 */
};

static bool is_zero(const struct addr *a, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		if (a->b[i])
			return false;
	return true;
}

static char *place_text(const struct walk *w, const struct place *p)
{
	struct prefix prefix = { p->at, (uint8_t)p->depth };
	char text[PREFIX_TEXT_MAX];

	if (w->bits == 32) {
		prefix.addr = addr_from4(p->at.b);
		prefix.bits = (uint8_t)(p->depth + 96);
	} else if (p->depth > 96 && is_zero(&p->at, 12)) {
		prefix.addr = addr_from4(p->at.b + 12);
	}
	return xstrdup(prefix_format(&prefix, text));
}

static int fail(struct walk *w, int error, const struct place *p, const char *what)
{
	_cleanup_free_ char *where = place_text(w, p);

	w->why = xprintf("at %s %s", where, what);
	return error;
}

/* On the way from the root to ::/96. */
static bool on_zero_path(const struct place *p)
{
	return p->depth <= 96 && is_zero(&p->at, 16);
}

static bool is_alias(const struct place *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (p->depth == aliases[i].bits && !addr_compare(&p->at, &aliases[i].addr))
			return true;
	return false;
}

static size_t offset_slot(const struct offset_map *m, uint32_t offset)
{
	size_t i = (offset * 0x9e3779b97f4a7c15ULL >> 32) & (m->size - 1);

	while (m->v[i].used && m->v[i].offset != offset)
		i = (i + 1) & (m->size - 1);
	return i;
}

static void offset_grow(struct offset_map *m)
{
	struct offset_map next = { .n = m->n, .size = m->size ? m->size * 2 : 1024 };

	if (m->n * 2 < m->size)
		return;
	next.v = xcalloc(next.size, sizeof(*next.v));
	for (size_t i = 0; i < m->size; i++)
		if (m->v[i].used)
			next.v[offset_slot(&next, m->v[i].offset)] = m->v[i];
	free(m->v);
	*m = next;
}

static int record_of(struct walk *w, const struct place *p, uint32_t *ret)
{
	const char *why = "";
	size_t i;
	int r;

	offset_grow(&w->offsets);
	i = offset_slot(&w->offsets, p->offset);
	if (!w->offsets.v[i].used) {
		uint32_t record = GEO_NOTHING;

		r = mmdb_record_read(w->data, p->offset, w->b, &w->report->facts, &record, &why);
		if (r < 0) {
			_cleanup_free_ char *what = xprintf("the record is damaged: %s", why);

			return fail(w, r, p, what);
		}
		w->offsets.v[i].used = true;
		w->offsets.v[i].offset = p->offset;
		w->offsets.v[i].record = record;
		w->offsets.n++;
	}
	*ret = w->offsets.v[i].record;
	return 0;
}

static void emit_prefix(struct walk *w, struct addr at, unsigned int bits, uint32_t record)
{
	struct prefix p = { at, (uint8_t)bits };
	struct addr last = prefix_last(&p);

	geo_builder_add(w->b, &at, &last, record);
}

/* IPv6, but for what lies among the mapped addresses when ::/96 speaks for IPv4. */
static void emit6(struct walk *w, const struct place *p, uint32_t record)
{
	struct prefix own = { p->at, (uint8_t)p->depth };
	struct addr first = p->at, last = prefix_last(&own), edge;

	if (w->have_root4 && prefix_contains(&mapped, &first) && p->depth >= mapped.bits)
		return;
	if (!w->have_root4 || !prefix_contains(&own, &mapped.addr)) {
		geo_builder_add(w->b, &first, &last, record);
		return;
	}
	edge = mapped.addr;
	geo_addr_previous(&edge);
	geo_builder_add(w->b, &first, &edge, record);
	edge = prefix_last(&mapped);
	if (addr_next(&edge) && addr_compare(&edge, &last) <= 0)
		geo_builder_add(w->b, &edge, &last, record);
}

static int emit(struct walk *w, const struct place *p)
{
	uint32_t record;
	int r;

	/* The same record once more where the IPv4 tree would be repeated. */
	if (w->have_root4 && w->root4.type == MMDB_RECORD_TYPE_DATA && w->root4.depth == 96 &&
	    is_alias(p) && p->offset == w->root4.offset) {
		w->report->aliases++;
		return 0;
	}
	r = record_of(w, p, &record);
	if (r < 0)
		return r;
	if (w->bits == 32) {
		w->report->networks4++;
		emit_prefix(w, addr_from4(p->at.b), p->depth + 96, record);
		return 0;
	}
	if (p->depth >= 96 && is_zero(&p->at, 12)) {
		struct addr at = addr_from4(p->at.b + 12);

		w->report->networks4++;
		emit_prefix(w, at, p->depth, record);
		return 0;
	}
	w->report->networks6++;
	/* A record above ::/96 is IPv4's, too. */
	if (on_zero_path(p))
		emit_prefix(w, mapped.addr, mapped.bits, record);
	emit6(w, p, record);
	return 0;
}

static void push(struct walk *w, const struct place *parent, bool right, uint64_t value,
		 uint8_t type, uint32_t offset)
{
	struct place p = *parent;

	if (right)
		p.at.b[p.depth / 8] |= (uint8_t)(0x80 >> p.depth % 8);
	p.depth++;
	p.type = type;
	p.node = (uint32_t)value;
	p.offset = offset;
	w->stack[w->stacked++] = p;
}

static int visit_node(struct walk *w, const struct place *p)
{
	MMDB_search_node_s node;
	int r;

	if (p->depth >= w->bits)
		return fail(w, -ELOOP, p, "the tree goes on below the last bit of an address");
	if (w->seen[p->node / 8] & 1 << p->node % 8) {
		bool same = w->have_root4 && w->root4.type == MMDB_RECORD_TYPE_SEARCH_NODE &&
			    w->root4.node == p->node;

		if (!same || !is_alias(p))
			return fail(w, -ELOOP, p, "the tree comes back to a node it has passed");
		w->report->aliases++;
		return 0;
	}
	w->seen[p->node / 8] |= (uint8_t)(1 << p->node % 8);
	if (w->visited++ % PROGRESS_NODES == 0)
		geo_progress_tell(w->progress, "reading", w->visited, w->db->metadata.node_count);
	r = MMDB_read_node(w->db, p->node, &node);
	if (r != MMDB_SUCCESS)
		return fail(w, -ERANGE, p, MMDB_strerror(r));
	push(w, p, true, node.right_record, node.right_record_type, node.right_record_entry.offset);
	push(w, p, false, node.left_record, node.left_record_type, node.left_record_entry.offset);
	return 0;
}

static int visit(struct walk *w, const struct place *p)
{
	/* The left side comes first, so ::/96 is passed before any repeat of it. */
	if (w->bits == 128 && on_zero_path(p) && p->type != MMDB_RECORD_TYPE_EMPTY &&
	    (p->depth == 96 || p->type == MMDB_RECORD_TYPE_DATA)) {
		w->root4 = *p;
		w->have_root4 = true;
	}
	switch (p->type) {
	case MMDB_RECORD_TYPE_EMPTY:
		return 0;
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		return visit_node(w, p);
	case MMDB_RECORD_TYPE_DATA:
		/* Unsigned: what points into the zeros before the data wraps around. */
		if (p->offset >= w->data->n)
			return fail(w, -ERANGE, p, "the tree points outside the data section");
		return emit(w, p);
	default:
		/* The library calls a way back to the root invalid, too. */
		if (!p->node)
			return fail(w, -ELOOP, p, "the tree comes back to its root");
		return fail(w, -ERANGE, p, "the tree points outside the file");
	}
}

int mmdb_walk(const MMDB_s *db, const struct mmdb_data *data, struct geo_builder *b,
	      const struct geo_progress *progress, struct mmdb_report *report, char **ret_why)
{
	struct walk w = { .db = db, .data = data, .b = b, .progress = progress, .report = report };
	int r = 0;

	w.bits = db->metadata.ip_version == 4 ? 32 : 128;
	w.seen = xcalloc(db->metadata.node_count / 8 + 1, 1);
	w.stack[w.stacked++] = (struct place){ .type = MMDB_RECORD_TYPE_SEARCH_NODE };
	while (!r && w.stacked) {
		struct place p = w.stack[--w.stacked];

		r = visit(&w, &p);
	}
	if (!r && w.visited != db->metadata.node_count) {
		w.why = xprintf("%u of the tree's %u nodes are never reached",
				db->metadata.node_count - w.visited, db->metadata.node_count);
		r = -EUCLEAN;
	}
	free(w.seen);
	free(w.offsets.v);
	if (r < 0)
		*ret_why = w.why;
	return r;
}
