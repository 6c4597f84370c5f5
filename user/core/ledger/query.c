/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/image/row.h"

/* A pair's groups: as many as there are policies about it, one for all other groupings. */
#define GROUPS_MAX CF_RULES_MAX

/* What decides the group; only the part that the grouping is by is filled. */
struct group_key {
	uint32_t a, b, c;
};

struct grouping {
	const struct ledger *l;
	const struct ledger_query *q;
	struct ledger_rows *rows;
	struct {
		struct group_key *v;
		size_t n, cap;
	} keys; /* of the rows, in their order */
	struct hash_index index;
	struct {
		uint64_t *v;
		size_t n, cap;
	} members; /* row << 32 | place of the host */
	struct hash_index sources, destinations;
	struct group_key *dst_key; /* by place of the destination, for what depends on it alone */
};

static const char *const by_names[] = {
	[LEDGER_BY_PAIR] = "pair",
	[LEDGER_BY_SOURCE] = "source",
	[LEDGER_BY_DESTINATION] = "destination",
	[LEDGER_BY_COUNTRY] = "country",
	[LEDGER_BY_ASN] = "asn",
	[LEDGER_BY_POLICY] = "policy",
	[LEDGER_BY_LABEL] = "label",
};
_Static_assert(ARRAY_SIZE(by_names) == LEDGER_BY_MAX, "a grouping has no name");

static const char *const column_names[] = {
	[LEDGER_WIRE] = "wire",       [LEDGER_PAYLOAD] = "payload", [LEDGER_DROPPED] = "dropped",
	[LEDGER_PACKETS] = "packets", [LEDGER_RATE] = "rate",       [LEDGER_LAST_SEEN] = "last",
};
_Static_assert(ARRAY_SIZE(column_names) == LEDGER_COLUMN_MAX, "a column has no name");

static int name_find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -EINVAL;
}

const char *ledger_by_name(enum ledger_by by)
{
	return (unsigned int)by < LEDGER_BY_MAX ? by_names[by] : NULL;
}

const char *ledger_column_name(enum ledger_column column)
{
	return (unsigned int)column < LEDGER_COLUMN_MAX ? column_names[column] : NULL;
}

int ledger_by_parse(const char *name, enum ledger_by *ret)
{
	int i = name_find(by_names, ARRAY_SIZE(by_names), name);

	if (i < 0)
		return i;
	*ret = (enum ledger_by)i;
	return 0;
}

int ledger_column_parse(const char *name, enum ledger_column *ret)
{
	int i = name_find(column_names, ARRAY_SIZE(column_names), name);

	if (i < 0)
		return i;
	*ret = (enum ledger_column)i;
	return 0;
}

/* ---- grouping ------------------------------------------------------------ */

static bool same_key(const void *arg, uint32_t place, const void *key)
{
	const struct grouping *g = arg;

	return !memcmp(&g->keys.v[place], key, sizeof(struct group_key));
}

static bool same_member(const void *arg, uint32_t place, const void *key)
{
	const struct grouping *g = arg;

	return g->members.v[place] == *(const uint64_t *)key;
}

/* True the first time. */
static bool member_add(struct grouping *g, struct hash_index *ix, uint32_t row, uint32_t host)
{
	uint64_t m = (uint64_t)row << 32 | host;
	uint64_t hash = hash_bytes(&g->l->seed, &m, sizeof(m));

	if (hash_find(ix, hash, same_member, g, &m) != HASH_NONE)
		return false;
	hash_add(ix, hash, (uint32_t)g->members.n);
	*VEC_ADD(&g->members) = m;
	return true;
}

static struct group_key destination_key(const struct ledger_query *q, const struct addr *dst)
{
	struct group_key k = { 0 };
	struct geo_record rec;

	if (q->by == LEDGER_BY_LABEL) {
		k.a = image_label(q->image, dst);
		return k;
	}
	if (!geo_find(q->geo, dst, &rec))
		return k;
	if (q->by == LEDGER_BY_ASN)
		k.a = rec.asn;
	else
		memcpy(&k.a, rec.cc, sizeof(k.a));
	return k;
}

static size_t groups_of(const struct grouping *g, uint32_t place, struct group_key *keys)
{
	const struct ledger *l = g->l;
	const struct ledger_pair *p = &l->pairs.v[place];
	const struct addr *src = &l->sources.v[p->src].addr;
	struct cf_row row;
	size_t n = 0;

	switch (g->q->by) {
	case LEDGER_BY_PAIR:
		keys[0] = (struct group_key){ p->src, p->dst, p->hook };
		return 1;
	case LEDGER_BY_SOURCE:
		keys[0] = (struct group_key){ .a = p->src };
		return 1;
	case LEDGER_BY_DESTINATION:
		keys[0] = (struct group_key){ .a = p->dst };
		return 1;
	case LEDGER_BY_POLICY:
		row = policies_about(g->q->image, ledger_from(p->hook, src, g->q->local), src,
				     &l->destinations.v[p->dst].addr);
		for (uint32_t i = 0; i < CF_RULES_MAX; i++)
			if (row_has(&row, i))
				keys[n++] = (struct group_key){ .a = i };
		if (!n)
			keys[n++] = (struct group_key){ .a = HASH_NONE };
		return n;
	default:
		/* country, ASN, label: decided by the destination alone, once for all its pairs */
		if (!g->dst_key)
			return 0;
		keys[0] = g->dst_key[p->dst];
		return 1;
	}
}

static uint32_t group_row(struct grouping *g, const struct group_key *k,
			  const struct ledger_pair *p)
{
	uint64_t hash = hash_bytes(&g->l->seed, k, sizeof(*k));
	uint32_t place = hash_find(&g->index, hash, same_key, g, k);
	struct ledger_row row = { .number = k->a, .hook = p->hook, .first_seen = p->first_seen };

	if (place != HASH_NONE)
		return place;
	row.src = g->l->sources.v[p->src].addr;
	row.dst = g->l->destinations.v[p->dst].addr;
	if (g->q->by == LEDGER_BY_COUNTRY)
		memcpy(row.cc, &k->a, sizeof(row.cc));
	if (g->q->by == LEDGER_BY_SOURCE)
		row.dropped = g->l->sources.v[p->src].dropped;
	if (g->q->by == LEDGER_BY_DESTINATION)
		row.dropped = g->l->destinations.v[p->dst].dropped;
	place = (uint32_t)g->rows->n;
	*VEC_ADD(g->rows) = row;
	*VEC_ADD(&g->keys) = *k;
	hash_add(&g->index, hash, place);
	return place;
}

static void count_hosts(struct grouping *g, uint32_t place, const struct ledger_pair *p)
{
	struct ledger_row *row = &g->rows->v[place];

	switch (g->q->by) {
	case LEDGER_BY_PAIR:
		row->sources = row->destinations = 1;
		return;
	case LEDGER_BY_SOURCE:
		row->sources = 1;
		row->destinations = g->q->dst ? 1 : g->l->sources.v[p->src].peers;
		return;
	case LEDGER_BY_DESTINATION:
		row->sources = g->q->src ? 1 : g->l->destinations.v[p->dst].peers;
		row->destinations = 1;
		return;
	default:
		row->sources += member_add(g, &g->sources, place, p->src);
		row->destinations += member_add(g, &g->destinations, place, p->dst);
	}
}

static void row_add(struct grouping *g, uint32_t place, const struct ledger_pair *p)
{
	struct ledger_row *row = &g->rows->v[place];
	enum ledger_by by = g->q->by;

	row->sums.wire_bytes += p->sums.wire_bytes;
	row->sums.payload_bytes += p->sums.payload_bytes;
	row->sums.dropped_wire_bytes += p->sums.dropped_wire_bytes;
	row->sums.packets += p->sums.packets;
	if (p->hot) {
		row->rate += ledger_rate(g->l, p);
		row->rate_now += ledger_rate_now(g->l, p);
	}
	if (p->first_seen.s < row->first_seen.s)
		row->first_seen = p->first_seen;
	if (p->last_seen.s > row->last_seen.s)
		row->last_seen = p->last_seen;
	row->pairs++;
	row->began |= p->began;
	if (by != LEDGER_BY_SOURCE && by != LEDGER_BY_DESTINATION)
		row->dropped |= p->dropped;
	count_hosts(g, place, p);
}

static bool wanted(const struct grouping *g, const struct ledger_pair *p)
{
	const struct ledger_query *q = g->q;

	return (!q->src || !addr_compare(q->src, &g->l->sources.v[p->src].addr)) &&
	       (!q->dst || !addr_compare(q->dst, &g->l->destinations.v[p->dst].addr));
}

/* ---- ranking ------------------------------------------------------------- */

static uint64_t rank(const struct ledger_row *r, enum ledger_column column)
{
	switch (column) {
	case LEDGER_PAYLOAD:
		return r->sums.payload_bytes;
	case LEDGER_DROPPED:
		return r->sums.dropped_wire_bytes;
	case LEDGER_PACKETS:
		return r->sums.packets;
	case LEDGER_RATE:
		return r->rate;
	case LEDGER_LAST_SEEN:
		return (uint64_t)r->last_seen.s;
	default:
		return r->sums.wire_bytes;
	}
}

/* Larger first; then by what names the row, so that equal ones keep their order from poll to poll.
 */
static int row_compare(const void *a, const void *b, void *arg)
{
	const struct ledger_row *x = a, *y = b;
	enum ledger_column column = *(const enum ledger_column *)arg;
	uint64_t rx = rank(x, column), ry = rank(y, column);
	int r;

	if (rx != ry)
		return rx < ry ? 1 : -1;
	if (x->sums.wire_bytes != y->sums.wire_bytes)
		return x->sums.wire_bytes < y->sums.wire_bytes ? 1 : -1;
	r = addr_compare(&x->dst, &y->dst);
	if (!r)
		r = addr_compare(&x->src, &y->src);
	return r ? r : (x->number > y->number) - (x->number < y->number);
}

/* The heap's root is the least of the rows that are kept. */
static void sift(struct ledger_row *v, size_t n, size_t i, enum ledger_column column)
{
	for (;;) {
		size_t worst = i, child = 2 * i + 1;
		struct ledger_row tmp;

		for (size_t k = child; k < n && k < child + 2; k++)
			if (row_compare(&v[k], &v[worst], &column) > 0)
				worst = k;
		if (worst == i)
			return;
		tmp = v[i];
		v[i] = v[worst];
		v[worst] = tmp;
		i = worst;
	}
}

static void keep_top(struct ledger_rows *rows, size_t top, enum ledger_column column)
{
	if (top && top < rows->n) {
		for (size_t i = top / 2; i-- > 0;)
			sift(rows->v, top, i, column);
		for (size_t i = top; i < rows->n; i++) {
			if (row_compare(&rows->v[i], &rows->v[0], &column) >= 0)
				continue;
			rows->v[0] = rows->v[i];
			sift(rows->v, top, 0, column);
		}
		rows->n = top;
	}
	if (rows->n)
		qsort_r(rows->v, rows->n, sizeof(*rows->v), row_compare, &column);
}

void ledger_query(const struct ledger *l, const struct ledger_query *q, struct ledger_rows *rows)
{
	struct grouping g = { .l = l, .q = q, .rows = rows };
	struct group_key keys[GROUPS_MAX];

	if (q->by == LEDGER_BY_COUNTRY || q->by == LEDGER_BY_ASN || q->by == LEDGER_BY_LABEL) {
		g.dst_key = xcalloc(l->destinations.n, sizeof(*g.dst_key));
		for (size_t i = 0; i < l->destinations.n; i++)
			g.dst_key[i] = destination_key(q, &l->destinations.v[i].addr);
	}
	for (uint32_t i = 0; i < l->pairs.n; i++) {
		const struct ledger_pair *p = &l->pairs.v[i];
		size_t n = wanted(&g, p) ? groups_of(&g, i, keys) : 0;

		for (size_t k = 0; k < n; k++)
			row_add(&g, group_row(&g, &keys[k], p), p);
	}
	rows->groups = rows->n;
	keep_top(rows, q->top, q->sort);
	free(g.dst_key);
	free(g.keys.v);
	free(g.members.v);
	hash_done(&g.index);
	hash_done(&g.sources);
	hash_done(&g.destinations);
}

void ledger_rows_done(struct ledger_rows *rows)
{
	free(rows->v);
	*rows = (struct ledger_rows){ 0 };
}
