/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/build.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

struct geo_builder {
	struct geo_table *table;
	/* Open addressing: record index + 1, 0 is free. */
	uint32_t *slots;
	size_t slot_count; /* a power of two */
};

struct geo_builder *geo_builder_new(void)
{
	struct geo_builder *b = xcalloc(1, sizeof(*b));

	b->table = xcalloc(1, sizeof(*b->table));
	b->slot_count = 64;
	b->slots = xcalloc(b->slot_count, sizeof(*b->slots));
	return b;
}

void geo_builder_free(struct geo_builder *b)
{
	if (!b)
		return;
	geo_table_free(b->table);
	free(b->slots);
	free(b);
}

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3; /* FNV-1a */
	return h;
}

static uint64_t mix_text(uint64_t h, const char *s)
{
	return s ? mix(h, s, strlen(s) + 1) : mix(h, "\1", 1);
}

static uint64_t record_hash(const struct geo_record *r)
{
	uint64_t h = 0xcbf29ce484222325;

	h = mix(h, r->cc, sizeof(r->cc));
	h = mix(h, r->continent, sizeof(r->continent));
	h = mix(h, &r->asn, sizeof(r->asn));
	h = mix(h, &r->has_location, sizeof(r->has_location));
	h = mix(h, &r->latitude, sizeof(r->latitude));
	h = mix(h, &r->longitude, sizeof(r->longitude));
	h = mix_text(h, r->as_name);
	h = mix_text(h, r->city);
	return h ^ h >> 29;
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool record_equal(const struct geo_record *a, const struct geo_record *b)
{
	return !memcmp(a->cc, b->cc, sizeof(a->cc)) &&
	       !memcmp(a->continent, b->continent, sizeof(a->continent)) && a->asn == b->asn &&
	       a->has_location == b->has_location && a->latitude == b->latitude &&
	       a->longitude == b->longitude && text_equal(a->as_name, b->as_name) &&
	       text_equal(a->city, b->city);
}

/* Equal records become equal bytes: what follows a NUL or a missing field is cleared. */
static struct geo_record normal(const struct geo_record *r)
{
	struct geo_record n = { .asn = r->asn };
	const char *continent;

	memcpy(n.cc, r->cc, strnlen(r->cc, sizeof(r->cc) - 1));
	continent = r->continent[0] ? r->continent : geo_continent(n.cc);
	if (continent)
		memcpy(n.continent, continent, strnlen(continent, sizeof(n.continent) - 1));
	if (r->has_location) {
		n.has_location = true;
		n.latitude = r->latitude + 0.0; /* no negative zero */
		n.longitude = r->longitude + 0.0;
	}
	n.as_name = r->as_name && r->as_name[0] ? r->as_name : NULL;
	n.city = r->city && r->city[0] ? r->city : NULL;
	return n;
}

static uint32_t *find_slot(const struct geo_builder *b, const struct geo_record *r)
{
	size_t i = record_hash(r) & (b->slot_count - 1);

	while (b->slots[i] && !record_equal(&b->table->records.v[b->slots[i] - 1], r))
		i = (i + 1) & (b->slot_count - 1);
	return &b->slots[i];
}

static void grow(struct geo_builder *b)
{
	if (b->table->records.n * 2 < b->slot_count)
		return;
	free(b->slots);
	b->slot_count *= 2;
	b->slots = xcalloc(b->slot_count, sizeof(*b->slots));
	for (size_t i = 0; i < b->table->records.n; i++)
		*find_slot(b, &b->table->records.v[i]) = (uint32_t)i + 1;
}

uint32_t geo_builder_intern(struct geo_builder *b, const struct geo_record *r)
{
	struct geo_record n = normal(r);
	uint32_t *slot;

	if (record_equal(&n, &(struct geo_record){ 0 }))
		return GEO_NOTHING;
	slot = find_slot(b, &n);
	if (*slot)
		return *slot - 1;
	*slot = (uint32_t)b->table->records.n + 1;
	n.as_name = n.as_name ? xstrdup(n.as_name) : NULL;
	n.city = n.city ? xstrdup(n.city) : NULL;
	*VEC_ADD(&b->table->records) = n;
	grow(b);
	return (uint32_t)b->table->records.n - 1;
}

const struct geo_record *geo_builder_record(const struct geo_builder *b, uint32_t record)
{
	static const struct geo_record nothing;

	return record == GEO_NOTHING ? &nothing : &b->table->records.v[record];
}

static bool follows(const struct geo_range *before, const struct addr *first)
{
	struct addr next = before->last;

	return addr_next(&next) && !addr_compare(&next, first);
}

void geo_builder_add(struct geo_builder *b, const struct addr *first, const struct addr *last,
		     uint32_t record)
{
	struct geo_table *t = b->table;
	struct geo_range *before = t->ranges.n ? &t->ranges.v[t->ranges.n - 1] : NULL;

	if (record == GEO_NOTHING)
		return;
	if (before && before->record == record && follows(before, first))
		before->last = *last;
	else
		*VEC_ADD(&t->ranges) =
			(struct geo_range){ .first = *first, .last = *last, .record = record };
}

static int range_order(const void *a, const void *b)
{
	return addr_compare(&((const struct geo_range *)a)->first,
			    &((const struct geo_range *)b)->first);
}

static bool sorted(const struct geo_table *t)
{
	for (size_t i = 1; i < t->ranges.n; i++)
		if (addr_compare(&t->ranges.v[i - 1].first, &t->ranges.v[i].first) > 0)
			return false;
	return true;
}

static int merge(struct geo_table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->ranges.n; i++) {
		struct geo_range *r = &t->ranges.v[i],
				 *before = kept ? &t->ranges.v[kept - 1] : NULL;

		if (addr_compare(&r->first, &r->last) > 0)
			return -EINVAL;
		if (before && addr_compare(&r->first, &before->last) <= 0)
			return -EEXIST;
		if (before && before->record == r->record && follows(before, &r->first))
			before->last = r->last;
		else
			t->ranges.v[kept++] = *r;
	}
	t->ranges.n = kept;
	return 0;
}

static void describe(struct geo_table *t)
{
	for (size_t i = 0; i < t->records.n; i++) {
		const struct geo_record *r = &t->records.v[i];

		t->has_country |= r->cc[0] != 0;
		t->has_asn |= r->asn != 0;
		t->has_city |= r->city != NULL;
		t->has_location |= r->has_location;
	}
}

int geo_builder_finish(struct geo_builder *b, struct geo_table **ret)
{
	struct geo_table *t = b->table;
	int r;

	if (!sorted(t))
		qsort(t->ranges.v, t->ranges.n, sizeof(*t->ranges.v), range_order);
	r = merge(t);
	if (r < 0)
		return r;
	describe(t);
	*ret = t;
	b->table = xcalloc(1, sizeof(*b->table));
	memset(b->slots, 0, b->slot_count * sizeof(*b->slots));
	return 0;
}
