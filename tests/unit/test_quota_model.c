/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P3: no interleaving overshoots. bpf/quota.h itself, compiled for the host, run
 * by a few CPUs that take turns at each access to a quota's word: every order of
 * turns is tried, to the end or to where another order has been before. What a CPU
 * will do is decided by what it has seen, so a situation is the words, what has
 * passed, and a hash of what each CPU saw.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static void step(void);
#define QUOTA_STEP()      step()
#define CURFEW_BPF_MAPS_H /* its maps are the kernel's */
#include "pkt.h"
#undef __noinline
#define __noinline static __attribute__((noinline, unused))
#include "quota.h"

#define LIMIT      100
#define CPUS_MAX   3
#define STEPS_MAX  64
#define STACK_SIZE 65536
#define BEEN_MAX   (1U << 24)

struct quotas {
	struct cf_quota_state q[2];
	uint64_t passed[2][4]; /* bytes that passed, by quota and period */
	uint64_t offered;
	uint64_t refused;
};

struct cpu {
	ucontext_t at;
	uint64_t seen; /* hash of what it saw, and when */
	bool done;
	void (*run)(struct quotas *s, int cpu);
	char stack[STACK_SIZE];
};

static struct {
	struct cpu cpus[CPUS_MAX];
	int n, running;
	ucontext_t scheduler;
	struct quotas state;
	/* the order of turns: of those who could have gone on, which did */
	unsigned char choice[STEPS_MAX], choices[STEPS_MAX];
	int depth;
	uint64_t situations;
	uint64_t been[BEEN_MAX]; /* open addressing; 0: free */
} model;

/* FNV-1a, by words. */
static uint64_t hash(uint64_t h, const void *data, size_t size)
{
	const uint64_t *word = data;

	for (size_t i = 0; i < size / 8; i++)
		h = (h ^ word[i]) * 0x100000001b3ULL ^ h >> 29;
	return h;
}

static void step(void)
{
	struct cpu *c = &model.cpus[model.running];

	c->seen = hash(c->seen, &(uint64_t){ 1 }, 8); /* it got here */
	swapcontext(&c->at, &model.scheduler);
	/* what it is about to see */
	for (int i = 0; i < 2; i++)
		c->seen = hash(c->seen, &model.state.q[i].word, 8);
}

/* True if another order of turns has led here before. */
static bool been_here(void)
{
	uint64_t h = hash(0xcbf29ce484222325ULL, &model.state.passed, sizeof(model.state.passed));
	size_t i;

	h = hash(h, &model.state.refused, sizeof(model.state.refused));
	for (int q = 0; q < 2; q++)
		h = hash(h, &model.state.q[q].word, 8);
	for (int c = 0; c < model.n; c++)
		h = hash(h, &model.cpus[c].seen, 8);
	h |= !h;
	for (i = h % BEEN_MAX; model.been[i]; i = (i + 1) % BEEN_MAX)
		if (model.been[i] == h)
			return true;
	cr_assert_lt(++model.situations, BEEN_MAX / 2, "more situations than there is room for");
	model.been[i] = h;
	return false;
}

static void enter(void)
{
	struct cpu *c = &model.cpus[model.running];

	c->run(&model.state, model.running);
	c->seen = ~0ULL - (uint64_t)model.running;
	c->done = true;
}

static void start(int i)
{
	struct cpu *c = &model.cpus[i];

	getcontext(&c->at);
	c->at.uc_stack.ss_sp = c->stack;
	c->at.uc_stack.ss_size = sizeof(c->stack);
	c->at.uc_link = &model.scheduler;
	c->done = false;
	c->seen = (uint64_t)i + 1;
	makecontext(&c->at, enter, 0);
}

/* One order of turns: as chosen so far, then always the first who can. True if it came to an end.
 */
static bool run_order(void)
{
	int at = 0;

	for (int i = 0; i < model.n; i++)
		start(i);
	for (;;) {
		int ready[CPUS_MAX], n = 0;

		for (int i = 0; i < model.n; i++)
			if (!model.cpus[i].done)
				ready[n++] = i;
		if (!n)
			break;
		if (at >= model.depth && been_here()) {
			model.depth = at;
			return false;
		}
		cr_assert_lt(at, STEPS_MAX, "more steps than the model has room for");
		if (at >= model.depth)
			model.choice[at] = 0;
		model.choices[at] = (unsigned char)n;
		model.running = ready[model.choice[at++]];
		swapcontext(&model.scheduler, &model.cpus[model.running].at);
	}
	model.depth = at;
	return true;
}

/* The next order: the last choice that can be another one is; false after the last. */
static bool next_order(void)
{
	while (model.depth && model.choice[model.depth - 1] + 1 == model.choices[model.depth - 1])
		model.depth--;
	if (!model.depth)
		return false;
	model.choice[model.depth - 1]++;
	return true;
}

static void explore(int n, void (*run)(struct quotas *s, int cpu),
		    void (*prepare)(struct quotas *s), void (*check)(const struct quotas *s))
{
	model.n = n;
	model.depth = 0;
	model.situations = 0;
	memset(model.been, 0, sizeof(model.been));
	for (int i = 0; i < n; i++)
		model.cpus[i].run = run;
	do {
		memset(&model.state, 0, sizeof(model.state));
		prepare(&model.state);
		if (run_order())
			check(&model.state);
	} while (next_order());
	cr_assert_gt(model.situations, 10, "nothing was tried");
	printf("%lu situations\n", (unsigned long)model.situations);
}

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
