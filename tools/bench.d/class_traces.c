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

uint32_t deepest4(const struct image *img, uint32_t *ret_networks)
{
	uint32_t most = 0, n = 0;

	for (size_t i = 0; i < img->root4.n; i++) {
		uint32_t steps = steps_of(img->root4.v[i].count);

		n = steps > most ? 1 : n + (steps == most);
		most = steps > most ? steps : most;
	}
	*ret_networks = n;
	return most;
}

static uint32_t unicast(uint64_t random)
{
	return (1U << 24) + (uint32_t)(random >> 16) % (223U << 24);
}

void draw4(const struct image *img, enum class_trace kind, struct trace4 *ret)
{
	uint64_t state = 4 + kind;
	uint32_t networks, most = deepest4(img, &networks), n = 0;
	uint32_t *deep = xcalloc(networks, sizeof(*deep));

	for (uint32_t top = 0, at = 0; top < img->root4.n; top++)
		if (steps_of(img->root4.v[top].count) == most)
			deep[at++] = top << 16;
	while (n < CLASS_TRACE) {
		uint64_t random = next_random(&state);
		struct addr a;

		if (kind == TRACE_WORST)
			ret->addr[n] = deep[random % networks] | (uint32_t)(random >> 48);
		else if (kind == TRACE_ZIPF)
			ret->addr[n] = unicast(mixed(next_rank(&state)));
		else
			ret->addr[n] = unicast(random);
		a = addr_from_halves(0, 0xffff00000000ULL | ret->addr[n]);
		n += is_judged(img, &a);
	}
	free(deep);
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
