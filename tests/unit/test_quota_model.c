/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P3: no interleaving overshoots, at an entry and on the way from the shared one to one of its own.
 */
#include "quota_turns.h"

/* As judge.h does it: charge each quota; if one refuses, latch it and give back the others. */
static void packet(struct quotas *s, int n, uint32_t period, uint32_t bytes)
{
	__u64 charged[2] = { 0 };

	for (int i = 0; i < n; i++) {
		if (quota_charge(&s->q[i], period, LIMIT, bytes, &charged[i]) == QUOTA_FITS)
			continue;
		quota_latch(&s->q[i], period);
		for (int k = 0; k < i; k++)
			quota_give_back(&s->q[k], word_open(period), bytes);
		s->refused++;
		return;
	}
	for (int i = 0; i < n; i++)
		s->passed[i][word_period(charged[i])] += bytes;
	s->offered += bytes;
}

static void first_period(struct quotas *s)
{
	s->q[0].word = s->q[1].word = word_open(1);
}

static void never_more_than_the_limit(const struct quotas *s)
{
	for (int i = 0; i < 2; i++)
		for (int period = 0; period < 4; period++)
			cr_assert_leq(s->passed[i][period], LIMIT,
				      "quota %d, period %d: %lu bytes passed", i, period,
				      (unsigned long)s->passed[i][period]);
}

/* What is charged when all is over is what has passed. */
static void charged_is_passed(const struct quotas *s)
{
	never_more_than_the_limit(s);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(word_used(s->q[i].word), s->passed[i][word_period(s->q[i].word)],
			     "quota %d: %lu bytes charged, %lu passed", i,
			     (unsigned long)word_used(s->q[i].word),
			     (unsigned long)s->passed[i][word_period(s->q[i].word)]);
}

static void three_sizes(struct quotas *s, int cpu)
{
	static const uint32_t bytes[] = { 60, 50, 30 };

	packet(s, 1, 1, bytes[cpu]);
}

Test(quota_model, three_cpus_at_one_quota)
{
	explore(3, three_sizes, first_period, charged_is_passed);
}

static void fits_all(struct quotas *s, int cpu)
{
	static const uint32_t bytes[] = { 40, 30, 30 };

	packet(s, 1, 1, bytes[cpu]);
}

static void all_passed(const struct quotas *s)
{
	charged_is_passed(s);
	cr_assert_eq(s->refused, 0, "what fits was refused");
}

Test(quota_model, what_fits_passes_in_any_order)
{
	explore(3, fits_all, first_period, all_passed);
}

static void two_each(struct quotas *s, int cpu)
{
	packet(s, 1, 1, cpu ? 40 : 60);
	packet(s, 1, 1, cpu ? 20 : 40);
}

Test(quota_model, two_packets_each)
{
	explore(2, two_each, first_period, charged_is_passed);
}

/* One CPU still sees the old period, two are in the new one. */
static void at_the_edge(struct quotas *s, int cpu)
{
	packet(s, 1, cpu ? 2 : 1, cpu == 2 ? 50 : 60);
}

Test(quota_model, the_period_ends_meanwhile)
{
	explore(3, at_the_edge, first_period, charged_is_passed);
}

static void full(struct quotas *s)
{
	first_period(s);
	s->q[0].word += LIMIT;
	s->q[0].word |= CF_QUOTA_LATCH;
	s->passed[0][1] = LIMIT;
}

static void used_up_and_new(struct quotas *s, int cpu)
{
	packet(s, 1, cpu + 1U, 60);
	packet(s, 1, 2, 50);
}

Test(quota_model, a_latch_ends_with_its_period)
{
	explore(2, used_up_and_new, full, charged_is_passed);
}

/* The second quota of a packet may refuse what the first has taken. */
static void second_is_smaller(struct quotas *s)
{
	first_period(s);
	s->q[1].word += 50;
	s->passed[1][1] = 50;
}

static void two_quotas(struct quotas *s, int cpu)
{
	packet(s, 2, 1, cpu ? 40 : 60);
}

Test(quota_model, two_quotas_of_a_packet)
{
	explore(2, two_quotas, second_is_smaller, charged_is_passed);
}

/* Retired by the reader: whoever has not finished with it may still charge, and nobody passes by
 * it. */
static void retire_or_charge(struct quotas *s, int cpu)
{
	if (cpu)
		packet(s, 1, 1, 60);
	else {
		uint64_t w = word_load(&s->q[0]);

		word_swap(&s->q[0], w, CF_QUOTA_RETIRED);
	}
}

static void passed_before_or_refused(const struct quotas *s)
{
	cr_assert_eq(s->passed[0][1] + 60 * s->refused, 60);
	cr_assert(word_retired(s->q[0].word) || s->passed[0][1]);
}

Test(quota_model, a_retired_entry)
{
	explore(2, retire_or_charge, first_period, passed_before_or_refused);
}

/* ---- from the shared entry to one of its own --------------------------------------- */

/*
 * The table is the model's: what a CPU puts there stays in its store buffer until a full barrier,
 * or until it drains by itself, which is a turn like any other. Atomics are as the host has
 * them, in one order for all: that those of bpf/cells.h which must be barriers are such in the
 * programs is for tests/vm/ordered to say.
 */
static struct cf_quota_state *find(struct quotas *s)
{
	step(&s->there);
	return s->there || s->buffered == (uint64_t)model.running + 1 ? &s->q[0] : NULL;
}

/* As quota_make() of bpf/spill.h. */
static bool make(struct quotas *s, const struct spill_cells *c, uint32_t period)
{
	step(&s->there);
	/* the bucket's lock */
	if (s->there || s->buffered)
		return false;
	s->q[0].word = CF_QUOTA_OPENING;
	s->buffered = (uint64_t)model.running + 1;
	return entry_open(&s->q[0], c, period);
}

static void charge_own(struct quotas *s, uint32_t period, uint32_t bytes)
{
	__u64 charged = 0;

	if (quota_charge(&s->q[0], period, LIMIT, bytes, &charged) == QUOTA_FITS)
		s->passed[0][word_period(charged)] += bytes;
	else
		s->refused++;
}

/* As quota_entry() and walk_quota() of bpf/judge.h. */
static void packet_of_new_key(struct quotas *s, bool may_make, uint32_t period, uint32_t bytes)
{
	struct spill_cells c = { { (__u64 *)&s->cell[0], (__u64 *)&s->cell[1] } };
	struct cf_quota_state *st = find(s);
	uint32_t noted = 0;
	__u64 charged = 0;
	uint64_t w;

	if (st && !word_retired(entry_word(st))) {
		charge_own(s, period, bytes);
		return;
	}
	if (st || !may_make || !make(s, &c, period))
		noted = shared_note(&s->q[1], &c, period, LIMIT, bytes);
	st = find(s);
	if (st) {
		w = entry_word(st);
		if (!word_retired(w)) {
			charge_own(s, period, bytes);
			return;
		}
		if (word_opening(w)) {
			s->refused++;
			return;
		}
	}
	cr_assert_neq(noted, 0, "charged without a note");
	if (shared_charge(&s->q[1], noted, period, LIMIT, bytes, &charged) == QUOTA_FITS)
		s->passed[1][word_period(charged)] += bytes;
	else
		s->refused++;
}

/* Both entries have let pass bytes of one and the same key. */
static void one_limit(const struct quotas *s)
{
	for (int period = 0; period < 4; period++)
		cr_assert_leq(s->passed[0][period] + s->passed[1][period], LIMIT,
			      "%lu bytes by its own entry and %lu by the shared one, in period %d",
			      (unsigned long)s->passed[0][period],
			      (unsigned long)s->passed[1][period], period);
}

static void its_buffer(struct quotas *s)
{
	step(&s->buffered);
	s->there |= !!s->buffered;
	s->buffered = 0;
}

static void shares_makes_charges(struct quotas *s, int cpu)
{
	if (cpu == 0)
		packet_of_new_key(s, false, 1, 60);
	else if (cpu == 1)
		packet_of_new_key(s, true, 1, 50);
	else
		its_buffer(s);
}

Test(quota_model, one_shares_while_another_makes_the_entry)
{
	explore(3, shares_makes_charges, first_period, one_limit);
}

/*
 * A third finds the entry as soon as it is open, and uses it up. The shared entry has room, and
 * what is charged there is left out; the buffer drains when it must.
 */
static void third_uses_it_up(struct quotas *s, int cpu)
{
	struct spill_cells c = { { (__u64 *)&s->cell[0], (__u64 *)&s->cell[1] } };
	struct cf_quota_state *st;

	if (cpu == 1) {
		make(s, &c, 1);
		return;
	}
	if (cpu == 0)
		cells_add(&c, 1, 60);
	st = find(s);
	if (st && !word_retired(entry_word(st)))
		charge_own(s, 1, cpu ? 90 : 60);
	else if (!st && !cpu)
		s->passed[1][1] += 60;
}

Test(quota_model, a_third_uses_it_up_as_soon_as_it_is_open)
{
	explore(3, third_uses_it_up, first_period, one_limit);
}

static void both_may_make(struct quotas *s, int cpu)
{
	if (cpu < 2)
		packet_of_new_key(s, true, 1, cpu ? 70 : 40);
	else
		its_buffer(s);
}

Test(quota_model, two_make_the_entry_at_once)
{
	explore(3, both_may_make, first_period, one_limit);
}

/* The clock of one is behind: what it shares may be charged to the next period. */
static void at_the_edge_shared(struct quotas *s, int cpu)
{
	packet_of_new_key(s, cpu == 1, cpu == 0 ? 1 : 2, cpu == 0 ? 60 : 50);
}

Test(quota_model, the_period_ends_while_the_entry_is_made)
{
	explore(2, at_the_edge_shared, first_period, one_limit);
}

static void edge_of_the_shared(struct quotas *s, int cpu)
{
	__u64 charged = 0;

	if (cpu == 0)
		packet_of_new_key(s, false, 1, 60);
	else if (cpu == 1)
		packet_of_new_key(s, true, 2, 50);
	else /* another key's */
		quota_charge(&s->q[1], 2, LIMIT, 1, &charged);
}

Test(quota_model, the_shared_entry_goes_on_to_the_next_period_meanwhile)
{
	explore(3, edge_of_the_shared, first_period, one_limit);
}

/* Noted for a later period, since when the clock was set back. */
static void noted_ahead(struct quotas *s)
{
	s->q[1].word = word_open(2) + 60;
	s->cell[0] = s->cell[1] = word_open(2) + 60;
	s->passed[1][2] = 60;
}

static void one_limit_for_both_periods(const struct quotas *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < 2; i++)
		for (int period = 0; period < 4; period++)
			sum += s->passed[i][period];
	cr_assert_leq(sum, LIMIT, "%lu bytes passed", (unsigned long)sum);
}

static void shares_makes_smaller(struct quotas *s, int cpu)
{
	if (cpu < 2)
		packet_of_new_key(s, cpu == 1, 1, cpu ? 30 : 20);
	else
		its_buffer(s);
}

Test(quota_model, what_is_noted_for_a_later_period_counts)
{
	explore(3, shares_makes_smaller, noted_ahead, one_limit_for_both_periods);
}
