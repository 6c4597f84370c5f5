/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Databases of full size: as many ranges as the largest free ones have. What it
 * takes is printed; only what would be a mistake of ours fails.
 */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <time.h>

#include "image_help.h"

#define RANGES4  620000
#define RANGES6  343000
#define NETWORKS 80000

/* Of CPU: others may want it too. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add_ranges(struct prng *r, struct geo_table *t, uint64_t first, uint64_t step, size_t n,
		       bool v4)
{
	for (uint64_t i = 0, at = first; i < n; i++) {
		uint64_t next = at + 1 + (prng_next(r) % (2 * step));
		struct geo_range range = { .record = prng_below(r, (uint32_t)t->records.n) };

		range.first =
			v4 ? addr_from_halves(0, 0xffff00000000ULL | at) : addr_from_halves(at, 0);
		range.last = v4 ? addr_from_halves(0, 0xffff00000000ULL | (next - 1))
				: addr_from_halves(next - 1, UINT64_MAX);
		*VEC_ADD(&t->ranges) = range;
		at = next;
	}
}

static struct geo_table *full(struct prng *r, bool networks)
{
	struct geo_table *t = table_new();

	t->has_asn = networks;
	t->has_country = !networks;
	for (uint32_t i = 0; i < (networks ? NETWORKS : 250); i++) {
		struct geo_record rec = { .asn = networks ? i + 1 : 0 };

		if (!networks) {
			rec.cc[0] = (char)('A' + i / 26 % 26);
			rec.cc[1] = (char)('A' + i % 26);
		}
		*VEC_ADD(&t->records) = rec;
	}
	add_ranges(r, t, 0x01000000, 5600, RANGES4, true);
	add_ranges(r, t, 0x2400000000000000ULL, 1ULL << 38, RANGES6, false);
	return t;
}

static void night_bulk(struct policy_set *set, enum cf_key_kind key)
{
	struct policy *p = policy_add(set, "night bulk", inside(),
				      EXCEPT(any(), OR(country("ET"), country("KE"))));

	quota_add(p, 50000000, CF_KEY_DESTINATION, PERIOD_DAY);
	quota_add(p, 500000000, key, PERIOD_DAY);
	except_add(p, cidr("10.0.0.40"), asn(64500));
	p = policy_add(set, "far and large", any(), beyond(8000));
	quota_add(p, 1000000000, key, PERIOD_DAY);
	protect_add(set, gateway(), cidr("198.51.100.7"));
}

static void measure(const char *what, enum cf_key_kind key, size_t most_bytes)
{
	struct prng r = { 42 };
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image_stats s;
	struct image *img;
	double began;

	night_bulk(set, key);
	in.geo.country = full(&r, false);
	in.geo.asn = full(&r, true);
	began = seconds();
	img = compile(&in);
	image_stats(img, &s);
	cr_log_info("%s: %.0f ms of CPU, %zu labels, %zu IPv4 ranges, %zu IPv6 keys, %.1f MB", what,
		    (seconds() - began) * 1000, s.labels, s.ranges4, s.keys6,
		    (double)s.bytes / 1e6);
	cr_assert_leq(s.bytes, most_bytes);
	cr_assert_gt(s.ranges4, 100000);
	cr_assert_gt(s.keys6, 50000);
	image_free(img);
}

Test(size, quotas_per_source)
{
	measure("without a quota per asn", CF_KEY_SOURCE, 16000000);
}

/* The largest there is: every network of every country has its own label. */
Test(size, quotas_per_asn)
{
	measure("with a quota per asn", CF_KEY_ASN, 40000000);
}
