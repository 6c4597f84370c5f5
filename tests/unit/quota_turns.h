/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf/quota.h, cells.h and rate.h themselves, compiled for the host, run by a few CPUs that take
 * turns at each access to a shared word: every order of turns is tried, to the end or to where
 * another order has been before. What a CPU will do is decided by what it has seen, so a
 * situation is the words, what has passed, and a hash of what each CPU saw. What the CPUs
 * do and what must hold then is not here.
 */
#ifndef CURFEW_TESTS_QUOTA_TURNS_H
#define CURFEW_TESTS_QUOTA_TURNS_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static void step(const void *word);
static void step_ordered(const void *word);
#define WORD_STEP(word)    step(word)
#define WORD_ORDERED(word) step_ordered(word)
#define OPENING_LOOKS      2 /* waiting in vain is one of the orders */
#define CURFEW_BPF_MAPS_H    /* its maps are the kernel's */
#include "pkt.h"
#undef __noinline
#define __noinline static __attribute__((noinline, unused))
#include "cells.h"

#define LIMIT      100
#define CPUS_MAX   4
#define STEPS_MAX  64
#define TAKEN_MAX  6
#define STACK_SIZE 65536
#define BEEN_MAX   (1U << 24)

struct quotas {
	struct cf_quota_state q[2];
	uint64_t passed[2][4]; /* bytes that passed, by quota and period */
	uint64_t offered;
	uint64_t refused;
	/* for hand-overs: q[0] is a key's own entry, q[1] the shared one */
	uint64_t cell[CF_SPILL_ROWS];
	uint64_t there;    /* in the table, for all to see */
	uint64_t buffered; /* put there by CPU n - 1, for itself to see */
	/* for rates */
	uint64_t clock;
	struct cf_rate_state rate[2];
	struct taking {
		uint64_t now, cost; /* cost 0: given back */
	} taken[2][TAKEN_MAX];      /* in the order of the swaps */
	uint64_t n_taken[2];
};

struct cpu {
	ucontext_t at;
	uint64_t seen; /* hash of what it saw, and when */
	uint64_t steps;
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

static void step(const void *word)
{
	struct cpu *c = &model.cpus[model.running];

	c->steps++; /* it got here */
	swapcontext(&c->at, &model.scheduler);
	/* what it is about to see, there */
	c->seen = hash(c->seen, &(uint64_t){ (uint64_t)((const char *)word - (char *)&model) }, 8);
	c->seen = hash(c->seen, word, 8);
}

/* What this CPU has written is there for all, before it goes on. */
static void drain(void)
{
	if (model.state.buffered == (uint64_t)model.running + 1) {
		model.state.there = 1;
		model.state.buffered = 0;
	}
}

static void step_ordered(const void *word)
{
	step(word);
	drain();
}

/* True if another order of turns has led here before. */
static bool been_here(void)
{
	uint64_t h = hash(0xcbf29ce484222325ULL, &model.state.passed, sizeof(model.state.passed));
	size_t i;

	h = hash(h, &model.state.refused, sizeof(model.state.refused));
	h = hash(h, &model.state.cell, 2 * 8 + sizeof(model.state.cell));
	for (int q = 0; q < 2; q++)
		h = hash(h, &model.state.q[q].word, 8);
	h = hash(h, &model.state.clock, 8);
	h = hash(h, &model.state.taken, sizeof(model.state.taken));
	for (int q = 0; q < 2; q++)
		h = hash(h, &model.state.rate[q].arrival, 8);
	for (int c = 0; c < model.n; c++)
		h = hash(h, (uint64_t[]){ model.cpus[c].seen, model.cpus[c].steps }, 16);
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
	c->steps = 0;
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

#endif
