/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "class_traces.h"

#include <math.h>

#include "base/buf.h"
#include "core/image/normalise.h"

#define DESTINATIONS (1U << 20) /* of the trace by Zipf's law */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mixed(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t next_random(uint64_t *state)
{
	return mixed(*state += 0x9e3779b97f4a7c15ULL);
}

/* The rank of the next destination: the k-th is met as often as 1/k says. */
static uint64_t next_rank(uint64_t *state)
{
	double u = (double)(next_random(state) >> 11) / (double)(1ULL << 53);

	return (uint64_t)exp(u * log((double)DESTINATIONS));
}

static bool is_judged(const struct image *img, const struct addr *a)
{
	return !(img->labels.v[image_label(img, a)].flags & CF_LABEL_IGNORED);
}

/* ---- IPv4 ------------------------------------------------------------------------ */

static uint32_t steps_of(uint32_t count)
{
	uint32_t steps = 0;

	for (; count > 1; count -= count / 2)
		steps++;
	return steps;
}

/* What a part of 2^bits addresses asks of look-ups. */
struct effort {
	uint64_t ranges;
	uint64_t steps; /* all its addresses': entries before the last, and comparisons */
};

static struct effort effort_of(const struct image *img, const struct cf_root4 *part, uint32_t start,
			       uint32_t bits)
{
	struct effort sum = { 0, 1ULL << bits };

	if (!part->shift)
		return (struct effort){ part->count ? part->count : 1,
					(uint64_t)steps_of(part->count) << bits };
	for (uint32_t at = start; at < start + (1U << bits); at += 1U << part->shift) {
		const struct cf_root4 *sub = &img->root4.v[part->first + (at >> part->shift)];
		struct effort e = effort_of(img, sub, at, part->shift);

		sum.ranges += e.ranges;
		sum.steps += e.steps;
	}
	return sum;
}

/* The n /16s that have the most ranges, or whose look-ups take the most steps. */
static void hardest(const struct image *img, bool by_steps, uint32_t n, uint32_t ret[CLASS_DEEP])
{
	uint64_t most[CLASS_DEEP] = { 0 };

	for (uint32_t top = 0; top < 1 << 16; top++) {
		struct effort e = effort_of(img, &img->root4.v[top], 0, 16);
		uint64_t much = by_steps ? e.steps : e.ranges;
		uint32_t at = n;

		for (; at && most[at - 1] < much; at--)
			if (at < n) {
				most[at] = most[at - 1];
				ret[at] = ret[at - 1];
			}
		if (at < n) {
			most[at] = much;
			ret[at] = top << 16;
		}
	}
}

static uint32_t unicast(uint64_t random)
{
	return (1U << 24) + (uint32_t)(random >> 16) % (223U << 24);
}

void draw4(const struct image *img, enum class_trace kind, struct trace4 *ret)
{
	uint64_t state = 4 + kind;
	uint32_t hard[CLASS_DEEP] = { 0 }, hards = kind == TRACE_DEEP ? CLASS_DEEP : 1, n = 0;

	hardest(img, kind == TRACE_DEEP, hards, hard);
	while (n < CLASS_TRACE) {
		uint64_t random = next_random(&state);
		struct addr a;

		if (kind == TRACE_WORST || kind == TRACE_DEEP)
			ret->addr[n] = hard[random % hards] | (uint32_t)(random >> 48);
		else if (kind == TRACE_ZIPF)
			ret->addr[n] = unicast(mixed(next_rank(&state)));
		else
			ret->addr[n] = unicast(random);
		a = addr_from_halves(0, 0xffff00000000ULL | ret->addr[n]);
		n += is_judged(img, &a);
	}
}

/* ---- IPv6 ------------------------------------------------------------------------ */

/* An address in a network that databases know. */
static struct trace_addr6 in_range(const struct place_ranges *r, uint64_t random)
{
	size_t i = random % (r->n - (r->end4 - r->first4));
	const struct place_range *range = &r->v[i < r->first4 ? i : i + r->end4 - r->first4];
	uint64_t hi = (uint64_t)(range->first >> 64), last = (uint64_t)(range->last >> 64);
	uint64_t more = mixed(random);

	return (struct trace_addr6){ hi + (last > hi ? more % (last - hi) : 0), mixed(more) };
}

void draw6(const struct image *img, const struct place_ranges *r, enum class_trace kind,
	   struct trace6 *ret)
{
	uint64_t state = 6 + kind;
	uint32_t n = 0;

	while (n < CLASS_TRACE) {
		uint64_t random = next_random(&state);
		struct trace_addr6 t = { random >> 3 | 1ULL << 61, mixed(random) };
		struct addr a, same;

		if (kind == TRACE_WORST)
			t = in_range(r, random);
		else if (kind == TRACE_ZIPF)
			t = in_range(r, mixed(next_rank(&state)));
		ret->addr[n] = t;
		a = addr_from_halves(t.hi, t.low);
		same = addr_normalise(&a);
		n += !addr_compare(&a, &same) && is_judged(img, &a);
	}
}
