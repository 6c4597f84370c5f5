/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger: every byte once, whatever slots, polls and restarts do. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/ledger/ledger.h"
#include "core/ledger/query.h"

static const struct hash_seed seed = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
static const struct utc made = { 1000 };

static struct addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	uint8_t n[4] = { a, b, c, d };

	return addr_from4(n);
}

static struct addr text(const char *s)
{
	struct addr a;

	cr_assert_eq(addr_parse(s, &a), 0, "%s", s);
	return a;
}

static struct ledger_sample sample(uint32_t slot, uint64_t wire, uint32_t packets)
{
	return (struct ledger_sample){
		.src = v4(10, 0, 0, 1),
		.dst = v4(203, 0, 113, 10),
		.hook = CF_HOOK_INSIDE,
		.slot = slot,
		.wire_bytes = wire,
		.payload_bytes = wire / 2,
		.packets = packets,
	};
}

/* Polls of one second each; samples in between. */
static void begin(struct ledger *l)
{
	ledger_poll_begin(l, (struct utc){ 2000 + l->poll }, 1000 * (uint64_t)l->poll);
}

static void poll_one(struct ledger *l, const struct ledger_sample *s)
{
	begin(l);
	ledger_poll_add(l, s);
	ledger_poll_end(l);
}

static void poll_none(struct ledger *l)
{
	begin(l);
	ledger_poll_end(l);
}

static const struct ledger_pair *the_pair(const struct ledger *l)
{
	struct addr src = v4(10, 0, 0, 1), dst = v4(203, 0, 113, 10);

	return ledger_pair(l, &src, &dst, CF_HOOK_INSIDE);
}

static struct ledger_sums sums(const struct ledger *l)
{
	return ledger_pair_sums(l, the_pair(l));
}

Test(ledger, a_poll_adds_only_what_is_new)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(7, 1000, 10);

	poll_one(l, &s);
	poll_one(l, &s);
	s.wire_bytes = 1500;
	s.payload_bytes = 600;
	s.packets = 13;
	poll_one(l, &s);
	cr_expect_eq(sums(l).wire_bytes, 1500);
	cr_expect_eq(sums(l).payload_bytes, 600);
	cr_expect_eq(sums(l).packets, 13);
	cr_expect_eq(l->total.wire_bytes, 1500);
	cr_expect_eq(l->hook_total[CF_HOOK_INSIDE].wire_bytes, 1500);
	cr_expect_eq(l->hook_total[CF_HOOK_OUTSIDE].wire_bytes, 0);
}

Test(ledger, packets_wrap_at_32_bits)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(0, 1000, UINT32_MAX - 1);

	poll_one(l, &s);
	s.packets = 3; /* five more */
	s.wire_bytes += 500;
	poll_one(l, &s);
	cr_expect_eq(sums(l).packets, (uint64_t)UINT32_MAX + 4);
	s.packets = 2; /* nearly a whole turn */
	s.wire_bytes += 500;
	poll_one(l, &s);
	cr_expect_eq(sums(l).packets, 2 * (1ULL << 32) + 2);
}

Test(ledger, slots_of_several_cpus_are_one_pair)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);

	for (uint64_t turn = 1; turn <= 3; turn++) {
		begin(l);
		for (uint32_t cpu = 0; cpu < 64; cpu++) {
			struct ledger_sample s = sample(cpu * 100003, turn * (cpu + 1), 1);

			ledger_poll_add(l, &s);
		}
		ledger_poll_end(l);
	}
	cr_expect_eq(l->pairs.n, 1);
	cr_expect_eq(sums(l).wire_bytes, 3 * 64 * 65 / 2);
	cr_expect_eq(sums(l).packets, 64);
}

Test(ledger, families_do_not_share_slot_numbers)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample a = sample(5, 100, 1), b = sample(5, 7, 1);

	b.src = text("2001:db8::1");
	b.dst = text("2001:db8:1:2::");
	for (int i = 0; i < 2; i++) {
		begin(l);
		ledger_poll_add(l, &a);
		ledger_poll_add(l, &b);
		ledger_poll_end(l);
	}
	cr_expect_eq(l->pairs.n, 2);
	cr_expect_eq(l->total.wire_bytes, 107);
}

Test(ledger, a_recycled_slot_begins_anew)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(1, 1000, 10);

	poll_one(l, &s);
	/* given to another pair, which has already sent more than the first one */
	s.dst = v4(198, 51, 100, 1);
	s.life = 2;
	s.wire_bytes = 5000;
	s.payload_bytes = 2500;
	s.packets = 50;
	poll_one(l, &s);
	cr_expect_eq(sums(l).wire_bytes, 1000);
	cr_expect_eq(l->total.wire_bytes, 6000);
	/* and back to the first */
	s = sample(1, 300, 3);
	s.life = 4;
	poll_one(l, &s);
	cr_expect_eq(sums(l).wire_bytes, 1300);
	/* and to the same pair once more */
	s = sample(1, 200, 2);
	s.life = 6;
	poll_one(l, &s);
	cr_expect_eq(sums(l).wire_bytes, 1500);
	cr_expect_eq(sums(l).packets, 15);
}

Test(ledger, hooks_are_kept_apart)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample in = sample(1, 100, 1), out = sample(2, 30, 1);

	out.hook = CF_HOOK_OUTSIDE;
	begin(l);
	ledger_poll_add(l, &in);
	ledger_poll_add(l, &out);
	ledger_poll_end(l);
	cr_expect_eq(l->pairs.n, 2);
	cr_expect_eq(sums(l).wire_bytes, 100);
	cr_expect_eq(l->hook_total[CF_HOOK_OUTSIDE].wire_bytes, 30);
	/* the same source at both hooks is one source */
	cr_expect_eq(ledger_destination(l, &in.dst)->peers, 1);
	cr_expect_eq(ledger_source(l, &in.src)->peers, 1);
}

Test(ledger, the_first_poll_adopts_without_claiming_to_have_seen_it)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(3, 1000000, 1000);

	poll_one(l, &s);
	cr_expect_eq(sums(l).wire_bytes, 1000000);
	cr_expect_eq((int64_t)the_pair(l)->first_s, made.s);
	cr_expect_eq((int64_t)the_pair(l)->last_s, 0);
	poll_none(l);
	cr_expect_eq(ledger_rate(l, the_pair(l)), 0);
	s.wire_bytes += 10;
	s.packets++;
	poll_one(l, &s);
	cr_expect_eq((int64_t)the_pair(l)->first_s, made.s);
	cr_expect_eq((int64_t)the_pair(l)->last_s, l->now.s);
}

Test(ledger, rates_look_back_ten_seconds)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(3, 0, 0);

	poll_none(l);
	/* 1,000 bytes in each of 80 seconds: more than there is room to look back */
	for (int i = 0; i < 80; i++) {
		s.wire_bytes += 1000;
		s.packets++;
		poll_one(l, &s);
	}
	cr_expect_eq(ledger_rate(l, the_pair(l)), 1000);
	cr_expect_eq(ledger_rate_now(l, the_pair(l)), 1000);
	for (int i = 0; i < 5; i++)
		poll_none(l);
	cr_expect_eq(ledger_rate(l, the_pair(l)), 500);
	cr_expect_eq(ledger_rate_now(l, the_pair(l)), 0);
	for (int i = 0; i < 5; i++)
		poll_none(l);
	cr_expect_eq(ledger_rate(l, the_pair(l)), 0);
	cr_expect_eq(l->recent_n, 0, "a quiet pair is not kept among the active ones");
	/* it can become active again */
	s.wire_bytes += 10000;
	s.packets++;
	poll_one(l, &s);
	cr_expect_eq(ledger_rate(l, the_pair(l)), 1000);
}

Test(ledger, a_late_poll_spreads_what_it_shows)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(3, 60000, 1);

	poll_none(l);
	ledger_poll_begin(l, (struct utc){ 3000 }, 60000);
	ledger_poll_add(l, &s);
	ledger_poll_end(l);
	cr_expect_eq(ledger_rate(l, the_pair(l)), 1000);
}

Test(ledger, the_last_verdict_is_that_of_the_last_traffic)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample a = sample(1, 100, 1), b = sample(2, 100, 1);
	_cleanup_ledger_rows_ struct ledger_rows rows = { 0 };
	struct ledger_query q = { .by = LEDGER_BY_DESTINATION };

	b.dropped = true;
	for (int order = 0; order < 2; order++) {
		a.wire_bytes++;
		b.wire_bytes++;
		begin(l);
		ledger_poll_add(l, order ? &a : &b);
		ledger_poll_add(l, order ? &b : &a);
		ledger_poll_end(l);
		cr_expect(the_pair(l)->dropped, "a drop wins, in any order");
	}
	/* only the slot that passes moves */
	a.wire_bytes++;
	begin(l);
	ledger_poll_add(l, &a);
	ledger_poll_add(l, &b);
	ledger_poll_end(l);
	cr_expect_not(the_pair(l)->dropped);
	ledger_query(l, &q, &rows);
	cr_assert_eq(rows.n, 1);
	cr_expect_not(rows.v[0].dropped, "nor is the destination's");
	poll_none(l);
	cr_expect_not(the_pair(l)->dropped);
}

Test(ledger, counters_beyond_32_bits)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(7, 1000, 1), other = sample(9, UINT32_MAX, 1);

	/* what a small one looks like must not be taken for a large one */
	other.dst = v4(203, 0, 113, 11);
	other.payload_bytes = other.dropped_wire_bytes = other.packets = UINT32_MAX;
	for (uint64_t wire = 1000; wire < 1ULL << 62; wire = wire * 3 + 7) {
		s.wire_bytes = wire;
		s.payload_bytes = wire / 2;
		s.packets++;
		begin(l);
		ledger_poll_add(l, &s);
		ledger_poll_add(l, &other);
		ledger_poll_end(l);
		cr_assert_eq(sums(l).wire_bytes, wire);
		cr_assert_eq(sums(l).payload_bytes, wire / 2);
		cr_assert_eq(sums(l).dropped_wire_bytes, 0);
		cr_assert_eq(l->total.wire_bytes, wire + UINT32_MAX);
	}
	/* the slot's next life begins small again, in the room of the first */
	s.life++;
	s.wire_bytes = 5;
	s.payload_bytes = 0;
	s.packets = 1;
	poll_one(l, &s);
	cr_assert_eq(l->wide.n, 4, "two pairs, two slots");
	cr_assert_eq(l->wide_free != 0, true);
}

Test(ledger, ipv6_destinations_are_found_by_any_address_of_their_64)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	struct ledger_sample s = sample(1, 100, 1);
	struct addr dst = text("2001:db8:1:2:3:4:5:6");

	s.src = text("2001:db8::1");
	s.dst = text("2001:db8:1:2::");
	poll_one(l, &s);
	cr_assert_not_null(ledger_pair(l, &s.src, &dst, CF_HOOK_INSIDE));
	cr_assert_not_null(ledger_destination(l, &dst));
}

/* ---- many ------------------------------------------------------------------ */

static struct ledger_sample nth(uint32_t i, uint64_t wire)
{
	struct ledger_sample s = sample(i, wire, 1);

	s.src = v4(10, 0, (uint8_t)(i % 7), (uint8_t)(i % 251));
	s.dst = v4((uint8_t)(20 + (i >> 24)), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
	return s;
}

/* However many are wanted: those that a table of all begins with. */
Test(ledger, the_first_of_many_destinations)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	_cleanup_ledger_rows_ struct ledger_rows all = { 0 };
	struct ledger_query q = { .by = LEDGER_BY_DESTINATION, .rates = true };

	for (int turn = 1; turn <= 3; turn++) {
		begin(l);
		for (uint32_t i = 0; i < 3000; i++) {
			struct ledger_sample s = nth(i, (uint64_t)turn * (i * 7919 % 601));

			s.dst = i % 5 ? nth(i % 1201, 0).dst : text("2001:db8::");
			s.dst.b[5] = i % 5 ? s.dst.b[5] : (uint8_t)(i % 37);
			s.hook = i % 2 ? CF_HOOK_INSIDE : CF_HOOK_OUTSIDE;
			s.dropped = i % 11 == (uint32_t)turn;
			ledger_poll_add(l, &s);
		}
		ledger_poll_end(l);
	}
	ledger_query(l, &q, &all);
	for (q.top = 1; q.top < all.n + 200; q.top = q.top * 2 + 1) {
		_cleanup_ledger_rows_ struct ledger_rows some = { 0 };

		ledger_query(l, &q, &some);
		cr_assert_eq(some.groups, all.n);
		cr_assert_eq(some.n, q.top < all.n ? q.top : all.n);
		for (size_t i = 0; i < some.n; i++) {
			some.v[i].src = all.v[i].src; /* means nothing here */
			some.v[i].hook = all.v[i].hook;
			cr_assert_arr_eq(&some.v[i], &all.v[i], sizeof(all.v[i]));
		}
	}
}

/* More pairs than there is room for: over less time, and the last poll whole. */
Test(ledger, rates_of_very_many)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	const uint32_t n = LEDGER_RECENT_MAX / 4 + 1;
	struct ledger_sample first = nth(0, 0);
	const struct ledger_pair *p;

	poll_none(l);
	for (uint64_t turn = 1; turn <= 6; turn++) {
		begin(l);
		for (uint32_t i = 0; i < n; i++) {
			struct ledger_sample s = nth(i, 100 * turn);

			ledger_poll_add(l, &s);
		}
		ledger_poll_end(l);
		cr_assert_leq(l->recent_n, LEDGER_RECENT_MAX);
	}
	p = ledger_pair(l, &first.src, &first.dst, first.hook);
	cr_assert_eq(ledger_rate(l, p), 100);
	cr_assert_eq(ledger_rate_now(l, p), 100);
}

Test(ledger, a_million_pairs)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, made);
	_cleanup_ledger_rows_ struct ledger_rows rows = { 0 };
	struct ledger_query q = { .by = LEDGER_BY_PAIR, .top = 10 };
	const uint32_t n = 1000000;

	for (int turn = 1; turn <= 2; turn++) {
		begin(l);
		for (uint32_t i = 0; i < n; i++) {
			struct ledger_sample s = nth(i, (uint64_t)turn * (i + 1));

			ledger_poll_add(l, &s);
		}
		ledger_poll_end(l);
	}
	cr_expect_eq(l->pairs.n, n);
	cr_expect_eq(l->total.wire_bytes, (uint64_t)n * (n + 1));
	ledger_query(l, &q, &rows);
	cr_expect_eq(rows.groups, n);
	cr_assert_eq(rows.n, 10);
	for (uint32_t i = 0; i < 10; i++)
		cr_expect_eq(rows.v[i].sums.wire_bytes, 2 * (uint64_t)(n - i));
}

static bool same_word(const void *arg, uint32_t place, const void *key)
{
	return ((const uint64_t *)arg)[place] == *(const uint64_t *)key;
}

/*
 * Keys an adversary would choose to collide under an unkeyed hash: regular
 * ones, and such as collide under another seed. The longest run of cells must
 * stay short.
 */
Test(ledger, chosen_keys_do_not_pile_up)
{
	enum { N = 1 << 16 };
	static uint64_t keys[N];
	struct hash_seed known = { { 1, 2 } };
	struct hash_index ix = { 0 };
	size_t run = 0, longest = 0, n = 0;

	/* all of these fall into one 64th of a table whose seed is known */
	for (uint64_t k = 0; n < N; k += 0x100000001ULL)
		if (hash_bytes(&known, &k, sizeof(k)) % 64 == 0)
			keys[n++] = k;
	for (uint32_t i = 0; i < N; i++) {
		uint64_t h = hash_bytes(&seed, &keys[i], sizeof(keys[i]));

		cr_assert_eq(hash_find(&ix, h, same_word, keys, &keys[i]), HASH_NONE);
		hash_add(&ix, h, i);
	}
	for (uint32_t i = 0; i < N; i++)
		cr_assert_eq(hash_find(&ix, hash_bytes(&seed, &keys[i], sizeof(keys[i])), same_word,
				       keys, &keys[i]),
			     i);
	for (size_t i = 0; i < ix.cap; i++) {
		run = ix.cells[i].place ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	cr_expect_lt(longest, 200, "a run of %zu cells", longest);
	hash_done(&ix);
}

/* The vectors of the SipHash paper, appendix A: key 00..0f, messages 00.. of growing length. */
Test(ledger, the_hash_is_siphash_2_4)
{
	struct hash_seed s = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	uint8_t m[15];

	for (size_t i = 0; i < sizeof(m); i++)
		m[i] = (uint8_t)i;
	cr_expect_eq(hash_bytes(&s, m, sizeof(m)), 0xa129ca6149be45e5ULL);
	cr_expect_eq(hash_bytes(&s, m, 0), 0x726fdb47dd0e0e31ULL);
	cr_expect_eq(hash_bytes(&s, m, 8), 0x93f5f5799a932462ULL);
}

/* ---- grouping ---------------------------------------------------------------- */

static struct geo_record places[] = {
	{ .cc = "CN", .asn = 4812, .as_name = (char *)"China Telecom" },
	{ .cc = "DE", .asn = 3320, .as_name = (char *)"Deutsche Telekom" },
};
static struct geo_range ranges[2];
static struct geo_table table = {
	.ranges = { ranges, 2, 2 },
	.records = { places, 2, 2 },
	.has_country = true,
	.has_asn = true,
};
static const struct geo geo = { .country = &table, .asn = &table };

static struct ledger *world(void)
{
	struct ledger *l = ledger_new(seed, made);
	static const struct {
		uint8_t src, net, dst;
		uint64_t wire;
		bool dropped;
	} flows[] = {
		{ 1, 113, 10, 100, false }, { 2, 113, 10, 50, true }, { 1, 113, 20, 7, false },
		{ 1, 100, 10, 900, false }, { 3, 2, 1, 5, false },
	};

	ranges[0] = (struct geo_range){ v4(203, 0, 100, 0), v4(203, 0, 100, 255), 1 };
	ranges[1] = (struct geo_range){ v4(203, 0, 113, 0), v4(203, 0, 113, 255), 0 };
	poll_none(l);
	begin(l);
	for (uint32_t i = 0; i < ARRAY_SIZE(flows); i++) {
		struct ledger_sample s = sample(i, flows[i].wire, 1);

		s.src = v4(10, 0, 0, flows[i].src);
		s.dst = v4(203, 0, flows[i].net, flows[i].dst);
		s.dropped = flows[i].dropped;
		s.dropped_wire_bytes = flows[i].dropped ? flows[i].wire : 0;
		ledger_poll_add(l, &s);
	}
	ledger_poll_end(l);
	return l;
}

static struct ledger_rows ask(const struct ledger *l, struct ledger_query q)
{
	struct ledger_rows rows = { 0 };

	q.geo = &geo;
	ledger_query(l, &q, &rows);
	return rows;
}

Test(ledger, by_country)
{
	_cleanup_ledger_ struct ledger *l = world();
	_cleanup_ledger_rows_ struct ledger_rows r =
		ask(l, (struct ledger_query){ .by = LEDGER_BY_COUNTRY });

	cr_assert_eq(r.n, 3);
	cr_expect_str_eq(r.v[0].cc, "DE");
	cr_expect_eq(r.v[0].sums.wire_bytes, 900);
	cr_expect_str_eq(r.v[1].cc, "CN");
	cr_expect_eq(r.v[1].sums.wire_bytes, 157);
	cr_expect_eq(r.v[1].sources, 2);
	cr_expect_eq(r.v[1].destinations, 2);
	cr_expect_eq(r.v[1].pairs, 3);
	cr_expect(r.v[1].dropped);
	cr_expect_str_eq(r.v[2].cc, "", "what is in no country stays visible");
}

Test(ledger, by_asn_source_and_destination)
{
	_cleanup_ledger_ struct ledger *l = world();
	_cleanup_ledger_rows_ struct ledger_rows asn =
		ask(l, (struct ledger_query){ .by = LEDGER_BY_ASN });
	_cleanup_ledger_rows_ struct ledger_rows src =
		ask(l, (struct ledger_query){ .by = LEDGER_BY_SOURCE, .sort = LEDGER_DROPPED });
	_cleanup_ledger_rows_ struct ledger_rows dst = ask(
		l, (struct ledger_query){ .by = LEDGER_BY_DESTINATION, .top = 2, .rates = true });
	struct addr busy = v4(203, 0, 113, 10), second = v4(10, 0, 0, 2);

	cr_assert_eq(asn.n, 3);
	cr_expect_eq(asn.v[1].number, 4812);
	cr_assert_eq(src.n, 3);
	cr_expect_eq(addr_compare(&src.v[0].src, &second), 0, "sorted by what was dropped");
	cr_expect_eq(src.v[1].destinations, 3);
	cr_assert_eq(dst.n, 2);
	cr_expect_eq(dst.groups, 4);
	cr_expect_eq(addr_compare(&dst.v[1].dst, &busy), 0);
	cr_expect_eq(dst.v[1].sources, 2);
	cr_expect_eq(dst.v[1].rate, 150);
}

Test(ledger, only_what_is_asked_for)
{
	_cleanup_ledger_ struct ledger *l = world();
	struct addr src = v4(10, 0, 0, 1), dst = v4(203, 0, 113, 10);
	_cleanup_ledger_rows_ struct ledger_rows one =
		ask(l, (struct ledger_query){ .src = &src, .dst = &dst });
	_cleanup_ledger_rows_ struct ledger_rows from =
		ask(l, (struct ledger_query){ .src = &src });

	cr_assert_eq(one.n, 1);
	cr_expect_eq(one.v[0].sums.wire_bytes, 100);
	cr_expect_eq(from.n, 3);
}

Test(ledger, names_of_groupings_and_columns_parse)
{
	enum ledger_column column;
	enum ledger_by by;

	for (int i = 0; i < LEDGER_BY_MAX; i++) {
		cr_assert_eq(ledger_by_parse(ledger_by_name((enum ledger_by)i), &by), 0);
		cr_expect_eq((int)by, i);
	}
	for (int i = 0; i < LEDGER_COLUMN_MAX; i++) {
		cr_assert_eq(
			ledger_column_parse(ledger_column_name((enum ledger_column)i), &column), 0);
		cr_expect_eq((int)column, i);
	}
	cr_expect_lt(ledger_by_parse("bytes", &by), 0);
}
