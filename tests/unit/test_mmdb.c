/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MMDB files written by us read the same by us and by libmaxminddb; others' field names are
 * understood. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>

#include "core/geo/build.h"
#include "core/geo/csv.h"
#include "core/geo/mmdb_encode.h"
#include "core/geo/mmdb_write.h"
#include "mmdb_help.h"

TestSuite(mmdb, .fini = mm_file_remove);

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert(!addr_parse(text, &a), "%s", text);
	return a;
}

static const struct geo_record *at(const struct geo_table *t, const char *address)
{
	static const struct geo_record nothing;
	struct addr a = ip(address);
	const struct geo_record *r = geo_table_find(t, &a);

	return r ? r : &nothing;
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33);
}

/* ---- round trips ------------------------------------------------------ */

static struct geo_record random_record(uint64_t *seed)
{
	static const char *const countries[] = { "CN", "US", "DE", "ET", "KE", "JP", "" };
	static const char *const cities[] = { "Shanghai", "Addis Ababa", "S\xc3\xa3o Paulo" };
	static const char *const nets[] = { "China Telecom",
					    "A name so long that its size needs a byte more", "X" };
	struct geo_record r = { 0 };
	uint32_t kind = next_random(seed);

	memcpy(r.cc, countries[kind % 7], strlen(countries[kind % 7]));
	if (kind & 1 << 8) {
		r.asn = 1 + next_random(seed) % 70000;
		r.as_name = (char *)nets[next_random(seed) % 3];
	}
	if (kind & 1 << 9)
		r.city = (char *)cities[next_random(seed) % 3];
	if (kind & 1 << 10) {
		r.has_location = true;
		r.latitude = (double)(next_random(seed) % 1800000) / 10000 - 90;
		r.longitude = (double)(next_random(seed) % 3600000) / 10000 - 180;
	}
	return r;
}

/* Ranges of every size and alignment, touching now and then. */
static void fill(struct geo_builder *b, uint64_t *seed, unsigned int count, bool v4)
{
	const unsigned __int128 one = 1, low4 = (unsigned __int128)0xffff << 32;
	unsigned __int128 at = v4 ? low4 + next_random(seed) : one << 120;
	const unsigned __int128 end = v4 ? low4 + UINT32_MAX : ~(unsigned __int128)0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int shift = next_random(seed) % (v4 ? 16 : 110);
		unsigned __int128 gap = next_random(seed) % 3 ? (one << shift) / 3 : 0;
		unsigned __int128 size =
			(one << (next_random(seed) % (v4 ? 18 : 112))) - next_random(seed) % 2;
		struct geo_record r = random_record(seed);
		struct addr first, last;

		if (end - at < gap || end - at - gap < size)
			return;
		at += gap;
		first = addr_from_halves((uint64_t)(at >> 64), (uint64_t)at);
		at += size ? size - 1 : 0;
		last = addr_from_halves((uint64_t)(at >> 64), (uint64_t)at);
		geo_builder_add(b, &first, &last, geo_builder_intern(b, &r));
		at++;
	}
}

static struct geo_table *random_table(uint64_t seed, unsigned int count)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	struct geo_table *t = NULL;

	fill(b, &seed, count, true);
	fill(b, &seed, count, false);
	cr_assert_eq(geo_builder_finish(b, &t), 0);
	t->built_at = 1700000000;
	return t;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_record(const struct geo_record *a, const struct geo_record *b)
{
	return !strcmp(a->cc, b->cc) && !strcmp(a->continent, b->continent) && a->asn == b->asn &&
	       same_text(a->as_name, b->as_name) && same_text(a->city, b->city) &&
	       a->has_location == b->has_location && a->latitude == b->latitude &&
	       a->longitude == b->longitude;
}

static void assert_same_table(const struct geo_table *a, const struct geo_table *b)
{
	cr_assert_eq(a->ranges.n, b->ranges.n);
	for (size_t i = 0; i < a->ranges.n; i++) {
		const struct geo_range *x = &a->ranges.v[i], *y = &b->ranges.v[i];

		cr_assert(!addr_compare(&x->first, &y->first) && !addr_compare(&x->last, &y->last),
			  "%zu", i);
		cr_assert(same_record(&a->records.v[x->record], &b->records.v[y->record]), "%zu",
			  i);
	}
	cr_assert_eq(a->has_country, b->has_country);
	cr_assert_eq(a->has_asn, b->has_asn);
	cr_assert_eq(a->has_city, b->has_city);
	cr_assert_eq(a->has_location, b->has_location);
}

static void text_value(MMDB_entry_s *e, const char *const *path, char *out, size_t size)
{
	MMDB_entry_data_s d;

	out[0] = 0;
	if (MMDB_aget_value(e, &d, path) == MMDB_SUCCESS && d.has_data)
		snprintf(out, size, "%.*s", (int)d.data_size, d.utf8_string);
}

static double real_value(MMDB_entry_s *e, const char *key)
{
	MMDB_entry_data_s d;

	if (MMDB_get_value(e, &d, "location", key, NULL) != MMDB_SUCCESS || !d.has_data)
		return 0;
	cr_assert_eq(d.type, MMDB_DATA_TYPE_DOUBLE);
	return d.double_value;
}

/* What libmaxminddb says of an address. */
static void foreign_lookup(const MMDB_s *db, const struct addr *a, struct geo_record *r,
			   char name[96], char city[96])
{
	static const char *const cc[] = { "country", "iso_code", NULL },
				 *const cont[] = { "continent", "code", NULL },
				 *const org[] = { "autonomous_system_organization", NULL },
				 *const town[] = { "city", "names", "en", NULL };
	struct sockaddr_in6 s6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in s4 = { .sin_family = AF_INET };
	MMDB_lookup_result_s found;
	MMDB_entry_data_s d;
	int error;

	*r = (struct geo_record){ .as_name = name, .city = city };
	name[0] = city[0] = 0;
	memcpy(&s6.sin6_addr, a->b, 16);
	memcpy(&s4.sin_addr, a->b + 12, 4);
	found = MMDB_lookup_sockaddr(
		db, addr_is4(a) ? (struct sockaddr *)&s4 : (struct sockaddr *)&s6, &error);
	cr_assert_eq(error, MMDB_SUCCESS);
	if (!found.found_entry)
		return;
	text_value(&found.entry, cc, r->cc, sizeof(r->cc));
	text_value(&found.entry, cont, r->continent, sizeof(r->continent));
	text_value(&found.entry, org, name, 96);
	text_value(&found.entry, town, city, 96);
	if (MMDB_get_value(&found.entry, &d, "autonomous_system_number", NULL) == MMDB_SUCCESS &&
	    d.has_data)
		r->asn = d.uint32;
	if (MMDB_get_value(&found.entry, &d, "location", NULL) == MMDB_SUCCESS && d.has_data) {
		r->has_location = true;
		r->latitude = real_value(&found.entry, "latitude");
		r->longitude = real_value(&found.entry, "longitude");
	}
}

static void assert_foreign_agrees(const MMDB_s *db, const struct geo_table *t, const struct addr *a)
{
	static const struct geo_record nothing;
	const struct geo_record *ours = geo_table_find(t, a);
	char name[96], city[96], text[ADDR_TEXT_MAX];
	struct geo_record theirs;

	/* ::/96 is IPv4's in the tree; as IPv6 addresses we know nothing there. */
	if (!addr_hi(a) && addr_lo(a) >> 32 == 0)
		return;
	foreign_lookup(db, a, &theirs, name, city);
	cr_assert(same_record(ours ? ours : &nothing, &theirs), "%s", addr_format(a, text));
}

static void assert_edges_agree(const MMDB_s *db, const struct geo_table *t)
{
	for (size_t i = 0; i < t->ranges.n; i++) {
		struct addr a = t->ranges.v[i].first, b = t->ranges.v[i].last;

		assert_foreign_agrees(db, t, &a);
		assert_foreign_agrees(db, t, &b);
		if (geo_addr_previous(&a))
			assert_foreign_agrees(db, t, &a);
		if (addr_next(&b))
			assert_foreign_agrees(db, t, &b);
	}
}

static void assert_random_agree(const MMDB_s *db, const struct geo_table *t, unsigned int count)
{
	uint64_t seed = 99;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t hi = (uint64_t)next_random(&seed) << 33 ^ next_random(&seed);
		uint64_t lo = (uint64_t)next_random(&seed) << 33 ^ next_random(&seed);
		struct addr a = i & 1 ? addr_from_halves(hi, lo)
				      : addr_from_halves(0, 0xffff00000000ULL | (lo & UINT32_MAX));

		assert_foreign_agrees(db, t, &a);
	}
}

Test(mmdb, what_is_written_reads_back_the_same_also_by_libmaxminddb)
{
	for (unsigned int round = 1; round <= 6; round++) {
		_cleanup_geo_table_ struct geo_table *t = random_table(round, round * 300),
						     *back = NULL;
		_cleanup_buf_ struct buf b = { 0 };
		struct mmdb_report report;
		char *why = NULL;
		MMDB_s db;

		cr_assert_gt(t->ranges.n, round * 50);
		cr_assert_eq(mmdb_write(t, NULL, &b), 0);
		cr_assert_eq(mm_load(&b, &back, &report, &why), 0, "%s", why);
		assert_same_table(t, back);
		cr_assert_eq(back->built_at, 1700000000);
		cr_assert_str_eq(back->type, "Curfew-City");
		cr_assert_eq(report.aliases, 1);
		cr_assert_eq(MMDB_open(mm_file(b.s, b.n), MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
		assert_edges_agree(&db, t);
		assert_random_agree(&db, t, round == 6 ? 100000 : 1000);
		MMDB_close(&db);
	}
}

Test(mmdb, every_record_size_is_written_and_read)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = NULL, *back = NULL;
	_cleanup_buf_ struct buf out = { 0 };
	struct mmdb_report report;
	char *why = NULL, *name = xcalloc(60001, 1);

	/* 400 names of 60 kB: a data section beyond 2^24. */
	memset(name, 'x', 60000);
	for (unsigned int i = 0; i < 400; i++) {
		struct geo_record r = { .asn = i + 1, .as_name = name };
		struct addr a = addr_from_halves(0, 0xffff00000000ULL + i * 7);

		snprintf(name, 12, "%09u", i);
		name[9] = 'x';
		geo_builder_add(b, &a, &a, geo_builder_intern(b, &r));
	}
	free(name);
	cr_assert_eq(geo_builder_finish(b, &t), 0);
	cr_assert_eq(mmdb_write(t, NULL, &out), 0);
	cr_assert_eq(mm_load(&out, &back, &report, &why), 0, "%s", why);
	cr_assert_eq(report.record_bits, 28);
	assert_same_table(t, back);
	for (unsigned int bits = 24; bits <= 32; bits += 4) {
		_cleanup_mm_ struct mm m = { .bits = bits };
		_cleanup_geo_table_ struct geo_table *u = NULL;

		mm_put(&m, "203.0.113.0/25", mm_country(&m, "CN"));
		mm_put(&m, "2001:db8::/32", mm_country(&m, "DE"));
		u = mm_table(&m);
		cr_assert_str_eq(at(u, "203.0.113.127")->cc, "CN", "%u", bits);
		cr_assert_str_eq(at(u, "2001:db8:1::")->cc, "DE", "%u", bits);
	}
}

Test(mmdb, the_whole_address_space_and_single_addresses)
{
	_cleanup_geo_builder_ struct geo_builder *b = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *t = NULL, *back = NULL;
	struct geo_record de = { .cc = "DE" }, cn = { .cc = "CN" };
	static const char *const points[] = { "0.0.0.0", "255.255.255.255",
					      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	_cleanup_buf_ struct buf out = { 0 };
	struct addr all[2] = { ip("::"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") };
	struct mmdb_report report;
	char *why = NULL;

	geo_builder_add(b, &all[0], &all[1], geo_builder_intern(b, &de));
	cr_assert_eq(geo_builder_finish(b, &t), 0);
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		struct geo_table *over = NULL, *both = NULL;
		struct addr a = ip(points[i]);

		geo_builder_add(b, &a, &a, geo_builder_intern(b, &cn));
		cr_assert_eq(geo_builder_finish(b, &over), 0);
		cr_assert_eq(geo_overlay(t, over, &both), 0);
		geo_table_free(over);
		geo_table_free(t);
		t = both;
	}
	cr_assert_eq(mmdb_write(t, NULL, &out), 0);
	cr_assert_eq(mm_load(&out, &back, &report, &why), 0, "%s", why);
	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		cr_assert_str_eq(at(back, points[i])->cc, "CN");
	cr_assert_str_eq(at(back, "0.0.0.1")->cc, "DE");
	cr_assert_str_eq(at(back, "255.255.255.254")->cc, "DE");
	cr_assert_str_eq(at(back, "::1:0:0")->cc, "DE");
	cr_assert_str_eq(at(back, "::fffe:ffff:ffff")->cc, "DE");
	cr_assert_str_eq(at(back, "::1:0:0:0")->cc, "DE");
	cr_assert_str_eq(at(back, "::1")->cc, "", "::/96 is IPv4's");
}

Test(mmdb, the_same_table_makes_the_same_bytes_and_an_empty_one_none)
{
	_cleanup_geo_table_ struct geo_table *a = random_table(5, 200), *b = random_table(5, 200);
	_cleanup_geo_builder_ struct geo_builder *builder = geo_builder_new();
	_cleanup_geo_table_ struct geo_table *empty = NULL;
	_cleanup_buf_ struct buf x = { 0 }, y = { 0 }, z = { 0 };

	cr_assert_eq(mmdb_write(a, NULL, &x), 0);
	cr_assert_eq(mmdb_write(b, NULL, &y), 0);
	cr_assert_eq(x.n, y.n);
	cr_assert(!memcmp(x.s, y.s, x.n));
	cr_assert_eq(geo_builder_finish(builder, &empty), 0);
	cr_assert_eq(mmdb_write(empty, NULL, &z), -ENODATA);
	cr_assert_eq(z.n, 0);
}

static int first_name(void *arg, const char *path, const struct mmdb_value *v)
{
	if (!strcmp(path, "autonomous_system_organization"))
		snprintf(arg, 64, "%.*s", (int)v->size, v->text);
	return 0;
}

/* Pointers have four sizes; the edges between them are where they go wrong. */
Test(mmdb, pointers_of_every_size_lead_to_their_text)
{
	static const size_t edges[] = { 2048, 526336, 134744064 };
	struct geo_record r = { .asn = 64500, .as_name = (char *)"A name, long enough to share" };
	struct mmdb_encoder e = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		for (size_t at = edges[i] - 90; at < edges[i] + 4; at++) {
			const struct mmdb_visitor visitor = { first_name, (char[64]){ 0 } };
			struct buf space = e.out;
			const char *why = "";
			struct mmdb_data d;
			size_t second;

			/* As if so much had been written already; the space is used again. */
			e = (struct mmdb_encoder){ 0 };
			if (space.cap < at) {
				free(space.s);
				space = (struct buf){ xcalloc(at, 1), at, at };
			}
			space.n = at;
			e.out = space;
			mmdb_encode_record(&e, &r);
			second = mmdb_encode_record(&e, &r);
			cr_assert_leq(e.out.n - second, 19, "not shared");
			d = (struct mmdb_data){ (const uint8_t *)e.out.s, e.out.n };
			cr_assert_eq(mmdb_data_visit(&d, second, &visitor, &why), 0, "%s", why);
			cr_assert_str_eq((char *)visitor.arg, r.as_name, "at %zu", at);
			space = e.out;
			e.out = (struct buf){ 0 };
			mmdb_encoder_done(&e);
			e.out = space;
		}
	}
	mmdb_encoder_done(&e);
}
