/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/image/row.h"
#include "core/ledger/priv.h"

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
	uint32_t *row_of;          /* by place of the destination: the row + 1; see choose() */
	uint64_t *rate, *rate_now; /* by place of the pair; NULL: nobody asks */
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
	struct addr src, dst;
	struct cf_row row;
	size_t n = 0;

	switch (g->q->by) {
	case LEDGER_BY_SOURCE:
		keys[0] = (struct group_key){ .a = p->src };
		return 1;
	case LEDGER_BY_DESTINATION:
		keys[0] = (struct group_key){ .a = p->dst };
		return 1;
	case LEDGER_BY_POLICY:
		src = ledger_host_addr(&l->sources, p->src);
		dst = ledger_host_addr(&l->destinations, p->dst);
		row = policies_about(g->q->image, ledger_from(p->hook, &src, g->q->local), &src,
				     &dst);
		row = policies_begun(g->q->image, &row, p->began);
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

static struct ledger_row fresh_row(const struct grouping *g, uint32_t number,
				   const struct ledger_pair *p)
{
	return (struct ledger_row){
		.src = ledger_host_addr(&g->l->sources, p->src),
		.dst = ledger_host_addr(&g->l->destinations, p->dst),
		.number = number,
		.hook = p->hook,
		.first_seen = { p->first_s },
	};
}

static uint32_t group_row(struct grouping *g, const struct group_key *k,
			  const struct ledger_pair *p)
{
	uint64_t hash = hash_bytes(&g->l->seed, k, sizeof(*k));
	uint32_t place = hash_find(&g->index, hash, same_key, g, k);
	struct ledger_row row;

	if (place != HASH_NONE)
		return place;
	row = fresh_row(g, k->a, p);
	if (g->q->by == LEDGER_BY_COUNTRY)
		memcpy(row.cc, &k->a, sizeof(row.cc));
	place = (uint32_t)g->rows->n;
	*VEC_ADD(g->rows) = row;
	*VEC_ADD(&g->keys) = *k;
	hash_add(&g->index, hash, place);
	return place;
}

static void count_hosts(struct grouping *g, struct ledger_row *row, const struct ledger_pair *p)
{
	uint32_t place;

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
		place = (uint32_t)(row - g->rows->v);
		row->sources += member_add(g, &g->sources, place, p->src);
		row->destinations += member_add(g, &g->destinations, place, p->dst);
	}
}

/* Of a host it is that of its last traffic, where a drop wins; of a larger group, whether any. */
static void add_verdict(struct ledger_row *row, enum ledger_by by, const struct ledger_pair *p)
{
	bool host = by == LEDGER_BY_SOURCE || by == LEDGER_BY_DESTINATION;

	if (host && p->moved_poll > row->moved_poll)
		row->dropped = p->dropped;
	else if (!host || p->moved_poll == row->moved_poll)
		row->dropped |= p->dropped;
	if (p->moved_poll > row->moved_poll)
		row->moved_poll = p->moved_poll;
}

static void row_add(struct grouping *g, struct ledger_row *row, const struct ledger_pair *p)
{
	struct ledger_sums sums = ledger_pair_sums(g->l, p);

	ledger_sums_add(&row->sums, &sums);
	if (g->rate) {
		row->rate += g->rate[p - g->l->pairs.v];
		row->rate_now += g->rate_now[p - g->l->pairs.v];
	}
	if (p->first_s < row->first_seen.s)
		row->first_seen.s = p->first_s;
	if (p->last_s > row->last_seen.s)
		row->last_seen.s = p->last_s;
	row->pairs++;
	row->began |= p->began;
	add_verdict(row, g->q->by, p);
	count_hosts(g, row, p);
}

static bool is_host(const struct ledger_hosts *h, uint32_t place, const struct addr *a)
{
	struct addr of = ledger_host_addr(h, place);

	return !addr_compare(a, &of);
}

static bool wanted(const struct grouping *g, const struct ledger_pair *p)
{
	const struct ledger_query *q = g->q;

	return (!q->src || is_host(&g->l->sources, p->src, q->src)) &&
	       (!q->dst || is_host(&g->l->destinations, p->dst, q->dst));
}

/* ---- three ways ------------------------------------------------------------ */

/* A pair is a row of its own: of a million, only those that are wanted are ever made. */
static void by_pair(struct grouping *g)
{
	for (size_t i = 0; i < g->l->pairs.n; i++) {
		const struct ledger_pair *p = &g->l->pairs.v[i];
		struct ledger_row row;

		if (!wanted(g, p))
			continue;
		row = fresh_row(g, p->src, p);
		row_add(g, &row, p);
		ledger_rank_offer(g->rows, g->q->top, g->q->sort, &row);
		g->rows->groups++;
	}
}

/*
 * The destinations with the most bytes: rows for those alone, since a sum for each is a
 * sixteenth of a row for each.
 */
static void choose(struct grouping *g)
{
	const struct ledger_hosts *h = &g->l->destinations;
	uint64_t *wire = xcalloc(h->n, sizeof(*wire));

	g->row_of = xcalloc(h->n, sizeof(*g->row_of));
	for (size_t i = 0; i < g->l->pairs.n; i++) {
		const struct ledger_pair *p = &g->l->pairs.v[i];

		if (!wanted(g, p))
			continue;
		g->rows->groups += !g->row_of[p->dst];
		g->row_of[p->dst] = 1;
		wire[p->dst] += ledger_pair_sums(g->l, p).wire_bytes;
	}
	for (uint32_t i = 0; i < h->n; i++) {
		struct ledger_row row = { .dst = ledger_host_addr(h, i),
					  .number = i,
					  .sums.wire_bytes = wire[i] };

		if (g->row_of[i])
			ledger_rank_offer(g->rows, g->q->top, LEDGER_WIRE, &row);
		g->row_of[i] = 0;
	}
	free(wire);
}

static void by_chosen_destination(struct grouping *g)
{
	choose(g);
	for (uint32_t i = 0; i < g->rows->n; i++) {
		struct ledger_row *row = &g->rows->v[i];

		g->row_of[row->number] = i + 1;
		*row = (struct ledger_row){ .dst = row->dst,
					    .number = row->number,
					    .first_seen = { INT64_MAX } };
	}
	for (size_t i = 0; i < g->l->pairs.n; i++) {
		const struct ledger_pair *p = &g->l->pairs.v[i];

		if (g->row_of[p->dst] && wanted(g, p))
			row_add(g, &g->rows->v[g->row_of[p->dst] - 1], p);
	}
}

static void by_group(struct grouping *g)
{
	const struct ledger *l = g->l;
	struct group_key keys[GROUPS_MAX];

	if (g->q->by == LEDGER_BY_COUNTRY || g->q->by == LEDGER_BY_ASN ||
	    g->q->by == LEDGER_BY_LABEL) {
		g->dst_key = xcalloc(l->destinations.n, sizeof(*g->dst_key));
		for (uint32_t i = 0; i < l->destinations.n; i++) {
			struct addr dst = ledger_host_addr(&l->destinations, i);

			g->dst_key[i] = destination_key(g->q, &dst);
		}
	}
	for (uint32_t i = 0; i < l->pairs.n; i++) {
		const struct ledger_pair *p = &l->pairs.v[i];
		size_t n = wanted(g, p) ? groups_of(g, i, keys) : 0;

		for (size_t k = 0; k < n; k++) {
			uint32_t at = group_row(g, &keys[k], p);

			row_add(g, &g->rows->v[at], p);
		}
	}
	g->rows->groups = g->rows->n;
}

void ledger_query(const struct ledger *l, const struct ledger_query *q, struct ledger_rows *rows)
{
	struct grouping g = { .l = l, .q = q, .rows = rows };

	if (q->rates || q->sort == LEDGER_RATE) {
		g.rate = xcalloc(l->pairs.n, sizeof(*g.rate));
		g.rate_now = xcalloc(l->pairs.n, sizeof(*g.rate_now));
		ledger_rates(l, g.rate, g.rate_now);
	}
	if (q->by == LEDGER_BY_PAIR)
		by_pair(&g);
	else if (q->by == LEDGER_BY_DESTINATION && q->sort == LEDGER_WIRE && q->top)
		by_chosen_destination(&g);
	else
		by_group(&g);
	ledger_rank_keep(rows, q->top, q->sort);
	free(g.rate);
	free(g.rate_now);
	free(g.row_of);
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
