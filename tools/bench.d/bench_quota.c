/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One quota key charged by one CPU and by all: the charge alone, in several
 * ways, and the product's whole packet. Overshoot is what passed beyond the
 * limit.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cpus_run.h"
#include "packets.h"
#include "quota_ways.h"
#include "quota_ways.skel.h"

#define PAYLOAD  1000
#define EXACT_MB 400
#define PLENTY   (1ULL << 40)
#define NEAR_END (100ULL * 1000 * 1000)
#define QUOTA(of)                                                                                  \
	WORLD_HEAD "policy \"p\" { from any to any\n  quota " of " each day at 100% drop }\n"

static int cpus[CPUS_RUN_MAX];
static unsigned int n_cpus;
static struct bench_options opt;

/* ---- the charge alone -------------------------------------------------------- */

enum way { WAY_NONE, WAY_CURFEW, WAY_ADD, WAY_LEASE, WAYS };
static const char *const way_names[WAYS] = {
	[WAY_NONE] = "nothing charged",
	[WAY_CURFEW] = "Curfew's word",
	[WAY_ADD] = "shared fetch-and-add",
	[WAY_LEASE] = "64 KiB leases",
};

static struct quota_ways_bpf *load_ways(uint64_t limit, bool own)
{
	struct quota_ways_bpf *skel = quota_ways_bpf__open();
	struct bpf_map *map;

	if (!skel)
		return NULL;
	/* (quota.h comes with every map of the product) */
	bpf_object__for_each_map(map, skel->obj) bpf_map__set_autocreate(
		map, strchr(bpf_map__name(map), '.') || map == skel->maps.states ||
			     map == skel->maps.cpus);
	skel->rodata->limit = limit;
	skel->rodata->own = own;
	if (!quota_ways_bpf__load(skel))
		return skel;
	bench_fail("quota_ways.bpf.o: %s", strerror(errno));
	quota_ways_bpf__destroy(skel);
	return NULL;
}

static int program_of(const struct quota_ways_bpf *skel, enum way way)
{
	const struct bpf_program *const programs[WAYS] = {
		[WAY_NONE] = skel->progs.way_none,
		[WAY_CURFEW] = skel->progs.way_curfew,
		[WAY_ADD] = skel->progs.way_add,
		[WAY_LEASE] = skel->progs.way_lease,
	};

	return bpf_program__fd(programs[way]);
}

/* Nothing is charged, leased, or passed yet. */
static int forget(const struct quota_ways_bpf *skel)
{
	int possible = libbpf_num_possible_cpus(), r = 0;
	struct way_cpu *none = calloc((size_t)possible, sizeof(*none));
	const struct way_state fresh = { 0 };
	uint32_t zero = 0;

	r = !none || bpf_map_update_elem(bpf_map__fd(skel->maps.cpus), &zero, none, BPF_ANY) < 0;
	for (uint32_t i = 0; i < CF_CPUS_MAX && !r; i++)
		r = bpf_map_update_elem(bpf_map__fd(skel->maps.states), &i, &fresh, BPF_ANY) < 0;
	free(none);
	return r ? bench_fail("maps: %s", strerror(errno)) : 0;
}

static int passed(const struct quota_ways_bpf *skel, int64_t *ret)
{
	int possible = libbpf_num_possible_cpus(), r;
	struct way_cpu *c = xcalloc((size_t)possible, sizeof(*c));
	uint32_t zero = 0;

	r = bpf_map_lookup_elem(bpf_map__fd(skel->maps.cpus), &zero, c);
	*ret = 0;
	for (int i = 0; i < possible && !r; i++)
		*ret += (int64_t)c[i].passed_bytes;
	free(c);
	return r ? bench_fail("what has passed cannot be read") : 0;
}

static int run_way(const struct quota_ways_bpf *skel, enum way way, unsigned int n, uint32_t repeat,
		   double *ret_ns)
{
	static const char frame[64];
	struct world_run runs[CPUS_RUN_MAX];

	for (unsigned int i = 0; i < n; i++)
		runs[i] = (struct world_run){ .fd = program_of(skel, way),
					      .frame = frame,
					      .size = sizeof(frame),
					      .repeat = repeat };
	return cpus_run(runs, cpus, n, ret_ns);
}

/* Beyond the limit; and short of it, in whole packets: nothing passed is no success either. */
static json_t *goal;

static void facts_at_the_end(json_t *report, const char *of, int64_t passed_bytes, int64_t limit,
			     bool must)
{
	int64_t over = passed_bytes - limit, most = over > 0 ? over : 0,
		least = over < 0 ? -over / WAY_PACKET_BYTES : 0;
	char text[160];

	snprintf(text, sizeof(text), "%s: beyond the limit", of);
	if (must)
		bench_sample(bench_found(goal, of), (double)most);
	if (must)
		bench_must(report, text, most, "bytes", 0);
	else
		bench_fact(report, text, most, "bytes");
	snprintf(text, sizeof(text), "%s: short of it, in whole packets", of);
	if (must)
		bench_must(report, text, least, "", 0);
	else
		bench_fact(report, text, least, "");
}

/* All CPUs against a limit that is reached half way: what passed, to the byte. */
static int ways_at_the_end(json_t *report)
{
	struct quota_ways_bpf *skel = load_ways(NEAR_END, false);
	uint32_t repeat = 2 * NEAR_END / WAY_PACKET_BYTES / n_cpus + 1000;
	double ns;

	if (!skel)
		return 1;
	for (int way = WAY_CURFEW; way < WAYS; way++) {
		char of[96];
		int64_t n;

		if (forget(skel) || run_way(skel, (enum way)way, n_cpus, repeat, &ns) ||
		    passed(skel, &n))
			return 1;
		snprintf(of, sizeof(of), "charge alone, all CPUs, %s", way_names[way]);
		facts_at_the_end(report, of, n, (int64_t)NEAR_END, way == WAY_CURFEW);
	}
	quota_ways_bpf__destroy(skel);
	return 0;
}

/* On one CPU, on all with one key, on all with a key each. */
enum crowd { ALONE, SHARED, OWN, CROWDS };
static const char *const crowd_names[CROWDS] = {
	[ALONE] = "one CPU", [SHARED] = "all CPUs, one key", [OWN] = "all CPUs, a key each"
};

struct ways {
	struct quota_ways_bpf *skel[CROWDS];
	json_t *rows[WAYS][CROWDS];
};

static int ways_open(json_t *report, struct ways *w)
{
	json_t *table = bench_table(report, "The charge alone, a packet of each CPU", "ns", NULL);
	char name[96], base[96];

	for (int crowd = 0; crowd < CROWDS; crowd++) {
		w->skel[crowd] = load_ways(PLENTY, crowd == OWN);
		if (!w->skel[crowd])
			return 1;
		for (int way = 0; way < WAYS; way++) {
			snprintf(base, sizeof(base), "%s, %s", way_names[WAY_NONE],
				 crowd_names[crowd]);
			snprintf(name, sizeof(name), "%s, %s", way_names[way], crowd_names[crowd]);
			w->rows[way][crowd] =
				bench_row(table, name, way == WAY_NONE ? NULL : base, NULL);
		}
	}
	return 0;
}

static int ways_round(struct ways *w, bool keep)
{
	uint32_t repeat = opt.quick ? 200000 : 2000000;
	double ns;

	for (int crowd = 0; crowd < CROWDS; crowd++)
		for (int way = 0; way < WAYS; way++) {
			if (forget(w->skel[crowd]) ||
			    run_way(w->skel[crowd], (enum way)way, crowd == ALONE ? 1 : n_cpus,
				    repeat, &ns))
				return 1;
			if (keep)
				bench_sample(w->rows[way][crowd], ns);
		}
	return 0;
}

/* ---- the whole packet ---------------------------------------------------------- */

enum keys { NO_QUOTA, ONE_KEY, KEY_EACH, EXACT, SETS };
static struct world_load loads[SETS] = {
	[NO_QUOTA] = { .name = "none", .policy = WORLD_HEAD },
	[ONE_KEY] = { .name = "one", .policy = QUOTA("1 TB per destination") },
	[KEY_EACH] = { .name = "each", .policy = QUOTA("1 TB per source") },
	[EXACT] = { .name = "exact", .policy = QUOTA("400 MB per destination") },
};
static int programs[SETS];
static struct frame_bytes frames[CPUS_RUN_MAX]; /* another source on each CPU */

static int run_packets(enum keys keys, unsigned int n, uint32_t repeat, double *ret_ns)
{
	struct world_run runs[CPUS_RUN_MAX];

	for (unsigned int i = 0; i < n; i++)
		runs[i] = (struct world_run){ .fd = programs[keys],
					      .frame = frames[i].data,
					      .size = frames[i].len,
					      .repeat = repeat };
	return cpus_run(runs, cpus, n, ret_ns);
}

static int packets_open(void)
{
	for (unsigned int i = 0; i < n_cpus; i++) {
		char src[32];
		struct frame_spec spec = { src, "203.0.113.1", 6, 40000, 443, PAYLOAD, (uint8_t)i };

		snprintf(src, sizeof(src), "10.0.%u.%u", i / 250, i % 250 + 1);
		frame_build(&spec, &frames[i]);
	}
	for (int i = 0; i < SETS; i++) {
		if (world_load(&loads[i]))
			return 1;
		programs[i] = world_program(&loads[i], "xdp_inside");
		if (programs[i] < 0)
			return 1;
	}
	return 0;
}

static int packets_passed(struct datapath *dp, int64_t *ret)
{
	struct reason_totals t;

	if (datapath_reasons(dp, &t) < 0)
		return bench_fail("what has passed cannot be read");
	*ret = 0;
	for (int i = 0; i < CF_REASON_MAX; i++)
		if (!(CF_DROP_REASONS >> i & 1))
			*ret += (int64_t)t.t[CF_HOOK_INSIDE][i].payload_bytes;
	return 0;
}

static int packets_at_the_end(json_t *report)
{
	const int64_t limit = EXACT_MB * 1000000LL;
	uint32_t repeat = (uint32_t)(limit * 3 / 2 / PAYLOAD / n_cpus) + 1000;
	int64_t n;
	double ns;

	if (run_packets(EXACT, n_cpus, repeat, &ns) || packets_passed(loads[EXACT].dp, &n))
		return 1;
	facts_at_the_end(report, "whole packets, all CPUs", n, limit, true);
	return 0;
}
_Static_assert(PAYLOAD == WAY_PACKET_BYTES, "facts_at_the_end()");

struct packets {
	json_t *alone[SETS], *all[SETS];
};

static void packets_rows(json_t *report, struct packets *p)
{
	static const char *const names[SETS] = { [NO_QUOTA] = "no quota",
						 [ONE_KEY] = "one quota key",
						 [KEY_EACH] = "a quota key of its own" };
	json_t *table = bench_table(report, "The whole packet (native XDP's program), known pair",
				    "ns", NULL);
	char name[96];

	for (int i = 0; i < EXACT; i++) {
		snprintf(name, sizeof(name), "%s, one CPU", names[i]);
		p->alone[i] = bench_row(table, name, i ? "no quota, one CPU" : NULL, NULL);
	}
	for (int i = 0; i < EXACT; i++) {
		snprintf(name, sizeof(name), "%s, all CPUs", names[i]);
		p->all[i] = bench_row(table, name, i ? "no quota, all CPUs" : NULL, NULL);
	}
}

static int packets_round(struct packets *p, bool keep)
{
	uint32_t repeat = opt.quick ? 100000 : 1000000;
	double alone, all;

	for (int i = 0; i < EXACT; i++) {
		if (run_packets((enum keys)i, 1, repeat, &alone) ||
		    run_packets((enum keys)i, n_cpus, repeat, &all))
			return 1;
		if (!keep)
			continue;
		bench_sample(p->alone[i], alone);
		bench_sample(p->all[i], all);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int r = bench_options_parse(argc, argv, &opt), rounds = opt.quick ? 3 : 15;
	struct packets packets;
	struct ways ways;
	json_t *report;

	if (r)
		return r;
	r = world_enter();
	if (r)
		return r;
	n_cpus = cpus_allowed(cpus);
	if (!n_cpus)
		return bench_fail("no CPUs");
	report = bench_report_new(
		"quota", "One quota charged by all CPUs",
		"The product's word (bpf/quota.h: period, latch and bytes, by fetch-and-add) against "
		"a bare shared fetch-and-add and leases of 64 KiB per CPU, without a packet around "
		"them; then the whole packet by the product's program. By test-run, a thread on each "
		"CPU; a packet's time is the mean over the CPUs.");
	goal = bench_goal(report, "overshoot of a quota", "bytes", BENCH_AT_MOST, 0);
	bench_fact(report, "CPUs", n_cpus, "");
	if (packets_open() || ways_at_the_end(report) || packets_at_the_end(report) ||
	    ways_open(report, &ways))
		return 1;
	packets_rows(report, &packets);
	for (int round = 0; round <= rounds; round++) { /* the first one warms up */
		bench_progress(round, rounds);
		if (ways_round(&ways, round > 0) || packets_round(&packets, round > 0))
			return 1;
	}
	return bench_report_write(report, &opt);
}
