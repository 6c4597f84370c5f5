/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a ledger keeps: over a restart, and when there are more pairs than it may hold. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "core/ledger/query.h"
#include "core/ledger/snapshot.h"

static const struct hash_seed seed = { { 11, 12 } };
static const struct snapshot_id id = { .tables_id = 77, .epoch = 5 };

static struct ledger_sample sample(uint32_t n, uint64_t wire)
{
	uint8_t src[4] = { 10, 0, 0, (uint8_t)(n % 7) };
	uint8_t dst[4] = { 203, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return (struct ledger_sample){
		.src = addr_from4(src),
		.dst = addr_from4(dst),
		.hook = n % 3 ? CF_HOOK_INSIDE : CF_HOOK_OUTSIDE,
		.slot = n,
		.life = 2,
		.wire_bytes = wire,
		.payload_bytes = wire / 2,
		.dropped_wire_bytes = wire / 4,
		.packets = (uint32_t)(wire / 10),
	};
}

static void poll(struct ledger *l, uint32_t from, uint32_t to, uint64_t wire)
{
	ledger_poll_begin(l, (struct utc){ 5000 + l->poll }, 1000 * (uint64_t)l->poll);
	for (uint32_t i = from; i < to; i++) {
		struct ledger_sample s = sample(i, wire);

		ledger_poll_add(l, &s);
	}
	ledger_poll_end(l);
}

/* Totals are what the pairs and the folded ones make together, at each hook. */
static void check_sums(const struct ledger *l)
{
	uint64_t wire[CF_HOOK_MAX] = { 0 }, packets[CF_HOOK_MAX] = { 0 };

	for (size_t i = 0; i < l->pairs.n; i++) {
		const struct ledger_pair *p = &l->pairs.v[i];

		wire[p->hook] += ledger_pair_sums(l, p).wire_bytes;
		packets[p->hook] += ledger_pair_sums(l, p).packets;
	}
	for (int h = 0; h < CF_HOOK_MAX; h++) {
		cr_assert_eq(wire[h] + l->folded[h].wire_bytes, l->hook_total[h].wire_bytes);
		cr_assert_eq(packets[h] + l->folded[h].packets, l->hook_total[h].packets);
	}
}

static int sink(void *arg, const void *data, size_t n)
{
	buf_add(arg, data, n);
	return 0;
}

static struct ledger *reborn(const struct ledger *l)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct ledger *next;

	ledger_snapshot_write(l, &id, sink, &b);
	cr_assert_eq(ledger_snapshot_read(b.s, b.n, 77, 4, seed, &next), 0);
	return next;
}

Test(ledger_keep, a_restart_neither_loses_nor_doubles)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, (struct utc){ 1 });
	_cleanup_ledger_ struct ledger *next = NULL;

	poll(l, 0, 1000, 100);
	poll(l, 0, 500, 300);
	next = reborn(l);
	cr_assert_eq(next->total.wire_bytes, 500 * 300 + 500 * 100);
	/* what came meanwhile: more of the old, and slots given to others */
	poll(next, 0, 1000, 450);
	cr_assert_eq(next->total.wire_bytes, 1000 * 450);
	cr_assert_eq(next->pairs.n, 1000);
	for (uint32_t i = 0; i < 10; i++) {
		struct ledger_sample s = sample(5000 + i, 60);

		s.slot = i;
		s.life = 4;
		ledger_poll_begin(next, (struct utc){ 9000 }, 90000 + i);
		ledger_poll_add(next, &s);
		ledger_poll_end(next);
	}
	cr_assert_eq(next->total.wire_bytes, 1000 * 450 + 10 * 60);
	cr_assert_eq(next->pairs.n, 1010);
	cr_assert_eq(next->since.s, 1);
	check_sums(next);
}

Test(ledger_keep, what_came_while_nobody_looked_is_no_rate)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, (struct utc){ 1 });
	_cleanup_ledger_ struct ledger *next = NULL;
	const struct ledger_pair *p;
	struct ledger_sample s = sample(1, 0);

	poll(l, 1, 2, 100);
	next = reborn(l);
	poll(next, 1, 2, 1000000);
	p = ledger_pair(next, &s.src, &s.dst, s.hook);
	cr_assert_eq(ledger_rate(next, p), 0);
	poll(next, 1, 2, 1000100);
	cr_assert_eq(ledger_rate(next, p), 100);
}

Test(ledger_keep, other_tables_other_commits_and_damage_are_refused)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, (struct utc){ 1 });
	_cleanup_buf_ struct buf b = { 0 };
	struct ledger *next = NULL;

	poll(l, 0, 300, 100);
	ledger_snapshot_write(l, &id, sink, &b);
	cr_assert_eq(ledger_snapshot_read(b.s, b.n, 78, 5, seed, &next), -ESTALE);
	cr_assert_eq(ledger_snapshot_read(b.s, b.n, 77, 6, seed, &next), -ESTALE);
	cr_assert_eq(ledger_snapshot_read(b.s, b.n, 77, 3, seed, &next), -ESTALE);
	for (size_t n = 0; n < b.n; n += 97)
		cr_assert_eq(ledger_snapshot_read(b.s, n, 77, 5, seed, &next), -EBADMSG, "%zu", n);
	for (size_t i = 0; i < b.n; i += 101) {
		b.s[i] ^= 0x20;
		cr_assert_eq(ledger_snapshot_read(b.s, b.n, 77, 5, seed, &next), -EBADMSG, "%zu",
			     i);
		b.s[i] ^= 0x20;
	}
	cr_assert_eq(ledger_snapshot_read(b.s, b.n, 77, 5, seed, &next), 0);
	ledger_free(next);
}

Test(ledger_keep, idle_pairs_are_summed_up)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, (struct utc){ 1 });
	struct ledger_sample old = sample(3, 0), young = sample(900, 0);
	const struct ledger_pair *back;

	ledger_limit(l, 1000);
	poll(l, 0, 600, 100);
	poll(l, 600, 1000, 100);
	cr_assert_eq(l->folded_pairs, 0);
	poll(l, 1000, 1100, 100);
	cr_assert_eq(l->pairs.n, 750);
	cr_assert_eq(l->folded_pairs, 350);
	cr_assert_eq(l->total.wire_bytes, 1100 * 100);
	check_sums(l);
	cr_assert_null(ledger_pair(l, &old.src, &old.dst, old.hook));
	cr_assert_not_null(ledger_pair(l, &young.src, &young.dst, young.hook));
	/* one that comes back begins anew, from what its slot had shown */
	poll(l, 3, 4, 130);
	back = ledger_pair(l, &old.src, &old.dst, old.hook);
	cr_assert_eq(ledger_pair_sums(l, back).wire_bytes, 30);
	cr_assert_eq(l->total.wire_bytes, 1100 * 100 + 30);
	check_sums(l);
}

Test(ledger_keep, peers_are_counted_right_after_folding)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, (struct utc){ 1 });
	uint32_t pairs = 0, of_sources = 0, of_destinations = 0;

	ledger_limit(l, 100);
	for (uint32_t i = 0; i < 20; i++)
		poll(l, i * 50, i * 50 + 60, 100 + i);
	for (size_t i = 0; i < l->pairs.n; i++) {
		struct addr a = ledger_host_addr(&l->sources, l->pairs.v[i].src);

		pairs += ledger_source(l, &a) != NULL;
	}
	for (size_t i = 0; i < l->sources.n; i++)
		of_sources += l->sources.v[i].peers;
	for (size_t i = 0; i < l->destinations.n; i++)
		of_destinations += l->destinations.v[i].peers;
	cr_assert_eq(pairs, l->pairs.n);
	cr_assert_eq(of_sources, l->pairs.n);
	cr_assert_eq(of_destinations, l->pairs.n);
	check_sums(l);
}

Test(ledger_keep, what_nobody_saw_being_given_away_stays_in_the_totals)
{
	_cleanup_ledger_ struct ledger *l = ledger_new(seed, (struct utc){ 1 });
	const struct ledger_sums gone = { .wire_bytes = 500, .packets = 5 };

	ledger_add_folded(l, CF_HOOK_OUTSIDE, &gone, 2);
	poll(l, 0, 3, 100);
	cr_assert_eq(l->total.wire_bytes, 800);
	cr_assert_eq(l->folded_pairs, 2);
	check_sums(l);
}
