/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates: between any two packets that pass, no more than the time between them and the burst,
 * whatever the order of steps, clocks that are read early included, and what is given back. Times
 * and costs are in the same small units here.
 */
#include "quota_turns.h"

static inline __u64 bpf_ktime_get_ns(void)
{
	return model.state.clock;
}

#include "rate.h"

#define ROOM 100

static uint64_t read_clock(const struct quotas *s)
{
	step(&s->clock);
	return s->clock;
}

static struct taking *take(struct quotas *s, int which, uint64_t now, uint64_t cost,
			   uint64_t *ret_word)
{
	struct taking *t;

	*ret_word = rate_take(&s->rate[which], now, ROOM, cost);
	if (!*ret_word)
		return NULL;
	/* no turn since the swap: these are in its order */
	t = &s->taken[which][s->n_taken[which]++];
	*t = (struct taking){ .now = now, .cost = cost };
	return t;
}

/* As rate_walk.h does it: take of each; if one refuses, give back to the others. */
static void packet(struct quotas *s, int n, uint64_t cost)
{
	struct taking *mine[2] = { 0 };
	uint64_t word[2] = { 0 }, now = read_clock(s);

	for (int i = 0; i < n; i++) {
		mine[i] = take(s, i, now, cost, &word[i]);
		if (mine[i])
			continue;
		for (int k = 0; k < i; k++) {
			rate_give_back(&s->rate[k], word[k], cost);
			mine[k]->cost = 0;
		}
		s->refused++;
		return;
	}
	s->offered += cost;
}

static void time_goes_by(struct quotas *s, int times, uint64_t by)
{
	for (int i = 0; i < times; i++) {
		step(&s->clock);
		s->clock += by;
	}
}

static void at_a_thousand(struct quotas *s)
{
	s->clock = 1000;
}

static void never_more_than_time_and_burst(const struct quotas *s)
{
	for (int r = 0; r < 2; r++)
		for (uint64_t from = 0; from < s->n_taken[r]; from++) {
			uint64_t sum = 0;

			for (uint64_t to = from; to < s->n_taken[r]; to++) {
				sum += s->taken[r][to].cost;
				if (!s->taken[r][from].cost || !s->taken[r][to].cost)
					continue;
				cr_assert_leq(
					sum + s->taken[r][from].now, ROOM + s->taken[r][to].now,
					"rate %d: %lu passed from %lu to %lu", r,
					(unsigned long)sum, (unsigned long)s->taken[r][from].now,
					(unsigned long)s->taken[r][to].now);
			}
		}
}

static void three_and_the_clock(struct quotas *s, int cpu)
{
	static const uint64_t cost[] = { 60, 50, 30 };

	if (cpu == 3)
		time_goes_by(s, 2, 25);
	else
		packet(s, 1, cost[cpu]);
}

Test(rate_model, three_cpus_while_time_goes_by)
{
	explore(4, three_and_the_clock, at_a_thousand, never_more_than_time_and_burst);
}

static void two_each_and_the_clock(struct quotas *s, int cpu)
{
	if (cpu == 2) {
		time_goes_by(s, 2, 40);
		return;
	}
	packet(s, 1, cpu ? 41 : 60); /* together one more than the burst */
	packet(s, 1, cpu ? 30 : 50);
}

Test(rate_model, two_packets_each)
{
	explore(3, two_each_and_the_clock, at_a_thousand, never_more_than_time_and_burst);
}

static void fits_all(struct quotas *s, int cpu)
{
	static const uint64_t cost[] = { 40, 30, 30 };

	packet(s, 1, cost[cpu]);
}

static void all_passed(const struct quotas *s)
{
	never_more_than_time_and_burst(s);
	cr_assert_eq(s->refused, 0, "what fits was refused");
	cr_assert_eq(s->rate[0].arrival, 1000 + ROOM, "what is taken is what has passed");
}

Test(rate_model, what_fits_passes_in_any_order)
{
	explore(3, fits_all, at_a_thousand, all_passed);
}

/* The second rate of a packet may refuse what the first has taken. */
static void second_is_nearly_used_up(struct quotas *s)
{
	at_a_thousand(s);
	s->rate[1].arrival = 1000 + 60;
	s->taken[1][s->n_taken[1]++] = (struct taking){ .now = 1000, .cost = 60 };
}

static void two_rates(struct quotas *s, int cpu)
{
	static const uint64_t cost[] = { 60, 40, 35 };

	packet(s, 2, cost[cpu]);
}

/* Of what was given back, none may have been lost where nobody took meanwhile. */
static void one_passed_at_least(const struct quotas *s)
{
	never_more_than_time_and_burst(s);
	cr_assert_gt(s->offered, 0, "none of three passed");
}

Test(rate_model, given_back_by_who_is_refused_elsewhere)
{
	explore(3, two_rates, second_is_nearly_used_up, one_passed_at_least);
}

static void two_rates_and_the_clock(struct quotas *s, int cpu)
{
	if (cpu == 2) {
		time_goes_by(s, 3, 30);
		return;
	}
	packet(s, cpu ? 1 : 2, cpu ? 90 : 60);
	packet(s, 1, cpu ? 60 : 20);
}

/* Time gone by may have given it back already: given back only where nobody has taken since. */
Test(rate_model, given_back_late)
{
	explore(3, two_rates_and_the_clock, second_is_nearly_used_up,
		never_more_than_time_and_burst);
}

/* Retired by the reader: nobody passes by it. */
static void retire(struct quotas *s, int cpu)
{
	if (cpu < 2) {
		packet(s, 1, 40);
		return;
	}
	step(&s->rate[0].arrival);
	if (s->rate[0].arrival <= s->clock)
		s->rate[0].arrival = CF_RATE_RETIRED;
}

static void none_after_it_was_retired(const struct quotas *s)
{
	never_more_than_time_and_burst(s);
	if (s->rate[0].arrival == CF_RATE_RETIRED)
		cr_assert_eq(s->n_taken[0], 0, "a packet passed by a retired entry");
}

Test(rate_model, a_retired_entry_lets_nobody_pass)
{
	explore(3, retire, at_a_thousand, none_after_it_was_retired);
}
