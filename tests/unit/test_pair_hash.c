/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where pairs go in the table. Whoever sends chooses the pairs, but does not
 * know the key: what collides under a guessed key is spread like any other.
 * The kernel's own code, compiled for the host.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <curfew/config.h>

/* Constants to the verifier; here, whatever a test says. */
#define CURFEW_BPF_CFG_H
static struct cf_config cfg;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#undef __always_inline /* libc has one too */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../../bpf/account.h"
#pragma GCC diagnostic pop

#define BUCKETS 1024 /* of one segment */
#define MANY    (64 * BUCKETS)
#define KEYS    16

static uint64_t dice;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(void)
{
	uint64_t z = dice += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void draw_key(void)
{
	for (size_t i = 0; i < sizeof(cfg.key) / sizeof(*cfg.key); i++)
		cfg.key[i] = draw();
}

static struct pkt pair4(uint32_t src, uint32_t dst)
{
	struct pkt p = { .l3 = L3_IPV4 };

	p.src.word[0] = bpf_htonl(src);
	p.dst.word[0] = bpf_htonl(dst);
	return p;
}

/* A source's last 32 bits, and a destination's /64. */
static struct pkt pair6(uint32_t src, uint32_t dst)
{
	struct pkt p = { .l3 = L3_IPV6 };

	p.src.word[0] = p.dst.word[0] = bpf_htonl(0x20010db8);
	p.src.word[3] = bpf_htonl(src);
	p.dst.word[1] = bpf_htonl(dst);
	return p;
}

static uint32_t bucket_of(const struct pkt *p, int choice)
{
	struct pair_key k = { 0 };

	pair_key(p, &k);
	return bucket_hash(&k, choice) & (BUCKETS - 1);
}

/* Chi-square over buckets: BUCKETS - 1 on average, its deviation sqrt(2 * BUCKETS), here 45. */
static double chi_square(const struct pkt *pairs, size_t n, int choice)
{
	uint32_t count[BUCKETS] = { 0 };
	double expected = (double)n / BUCKETS, sum = 0;

	for (size_t i = 0; i < n; i++)
		count[bucket_of(&pairs[i], choice)]++;
	for (size_t i = 0; i < BUCKETS; i++)
		sum += (count[i] - expected) * (count[i] - expected) / expected;
	return sum;
}

static void spread_evenly(const struct pkt *pairs, size_t n, const char *what)
{
	for (int key = 0; key < KEYS; key++) {
		draw_key();
		for (int choice = 0; choice < 2; choice++) {
			double x = chi_square(pairs, n, choice);

			cr_expect(x < BUCKETS + 6 * 45, "%s: chi-square %.0f", what, x);
		}
	}
}

/* ---- pairs as they come ---------------------------------------------------- */

struct pattern {
	const char *what;
	uint32_t src_step, src_mod, dst_step;
};
static const struct pattern patterns[] = {
	{ "one host to ever new addresses", 0, 1, 1 },
	{ "one host to a network each", 0, 1, 256 },
	{ "one host, steps of a segment", 0, 1, BUCKETS },
	{ "one host, steps of 2^16", 0, 1, 1 << 16 },
	{ "many hosts to one address", 1, ~0U, 0 },
	{ "many hosts, each to its own", 1, ~0U, 1 },
	{ "sources and destinations in opposite steps", 1, ~0U, ~0U },
	{ "a network to a network", 1, 256, 1 },
};

Test(pair_hash, patterns_spread_evenly)
{
	struct pkt *v = calloc(MANY, sizeof(*v));

	cr_assert(v);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		const struct pattern *p = &patterns[i];

		for (uint32_t n = 0; n < MANY; n++)
			v[n] = pair4(0x0a000000 + n * p->src_step % p->src_mod,
				     0xc6120000 + n * p->dst_step);
		spread_evenly(v, MANY, p->what);
		for (uint32_t n = 0; n < MANY; n++)
			v[n] = pair6(n * p->src_step % p->src_mod, n * p->dst_step);
		spread_evenly(v, MANY, p->what);
	}
	free(v);
}

/* ---- pairs that an adversary picks ------------------------------------------- */

/* Pairs whose first bucket is `bucket` under the present key. */
static void pick(struct pkt *v, size_t n, bool six, uint32_t bucket)
{
	for (size_t got = 0; got < n;) {
		uint64_t r = draw();
		struct pkt p = six ? pair6((uint32_t)r, (uint32_t)(r >> 32))
				   : pair4((uint32_t)r, (uint32_t)(r >> 32));

		if (bucket_of(&p, 0) == bucket)
			v[got++] = p;
	}
}

static void guess_and_lose(bool six)
{
	size_t n = 16 * BUCKETS;
	struct pkt *v = calloc(n, sizeof(*v));

	cr_assert(v);
	draw_key();
	pick(v, n, six, 77);
	cr_assert_gt(chi_square(v, n, 0), 1e6, "the guesser's own view is not one bucket");
	spread_evenly(v, n, "what collides under a guessed key");
	free(v);
}

Test(pair_hash, what_collides_under_a_guessed_key_is_spread)
{
	guess_and_lose(false);
	guess_and_lose(true);
}

/* All but one bit of the key are known, or all but one word. */
static void nearly_guess_and_lose(bool six, bool all_words)
{
	struct pkt v[8 * BUCKETS];
	size_t words = sizeof(cfg.key) / sizeof(*cfg.key);

	draw_key();
	pick(v, sizeof(v) / sizeof(*v), six, 500);
	for (size_t word = 0; word < words; word++) {
		uint64_t was = cfg.key[word];
		double x;

		/* the middle words are for IPv6 only */
		if (!six && (word == 1 || word == 2))
			continue;
		cfg.key[word] = all_words ? draw() : was ^ 1ULL << 17;
		x = chi_square(v, sizeof(v) / sizeof(*v), 0);
		cr_expect(x < BUCKETS + 6 * 45, "key[%zu] unknown: chi-square %.0f", word, x);
		cfg.key[word] = was;
	}
}

Test(pair_hash, a_key_guessed_but_for_one_word_does_not_help)
{
	nearly_guess_and_lose(false, true);
	nearly_guess_and_lose(true, true);
}

Test(pair_hash, a_key_guessed_but_for_one_bit_does_not_help)
{
	nearly_guess_and_lose(false, false);
	nearly_guess_and_lose(true, false);
}

/* The second choice is another draw: who shares one bucket does not share both. */
Test(pair_hash, the_two_choices_are_independent)
{
	size_t n = 16 * BUCKETS;
	struct pkt *v = calloc(n, sizeof(*v));
	double x;

	cr_assert(v);
	draw_key();
	pick(v, n, false, 3);
	x = chi_square(v, n, 1);
	cr_expect(x < BUCKETS + 6 * 45, "chi-square %.0f", x);
	free(v);
}

/* Pairs are different as wholes: hash values of all pairs tried are, too, but for chance. */
Test(pair_hash, no_more_collisions_than_chance)
{
	size_t n = 1 << 18, same = 0;
	uint64_t *h = calloc(n, sizeof(*h));
	size_t size = 1 << 20;
	uint64_t *table = calloc(size, sizeof(*table));

	cr_assert(h && table);
	draw_key();
	for (size_t i = 0; i < n; i++) {
		struct pkt p =
			pair4(0x0a000000 + (uint32_t)(i >> 9), 0xc6120000 + (uint32_t)(i & 511));
		struct pair_key k = { 0 };
		uint64_t word;
		size_t at;

		pair_key(&p, &k);
		word = k.hash;
		for (at = word & (size - 1); table[at] && table[at] != word;
		     at = (at + 1) & (size - 1))
			;
		same += table[at] == word;
		table[at] = word;
	}
	/* 2^35 pairs of pairs, each with 2^-32 at most: 8; in practice none */
	cr_expect_lt(same, 30, "%zu of %zu hashes are the same", same, n);
	free(h);
	free(table);
}
