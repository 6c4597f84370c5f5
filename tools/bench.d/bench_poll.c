/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part "poll": reading what all pairs have counted. Ours: the daemon's way, the
 * shards as memory; against a per-CPU hash of as many pairs, by batches and key by key.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "curfew/config.h"

#include "bench.skel.h"
#include "core/ledger/ledger.h"
#include "packets.h"
#include "world.h"

#define BATCH   65536
#define BATCHES 3 /* of ways */
#define MILLION 1000000
#define OURS    "shards as memory, all slots read"

/* What a per-CPU hash would count of a pair. */
struct counted {
	uint64_t packets, wire_bytes, payload_bytes, dropped_wire_bytes;
};

static const struct frame_spec tcp4 = { "10.0.0.5", "203.0.113.1", 6, 40000, 443, 1000, 5 };

static struct bench_bpf *sprayer;

struct table {
	uint32_t pairs;
	struct world_load load;
	int prog;
	int hash; /* the per-CPU hash */
	int cpus;
	struct counted *values;
	uint64_t *keys;
	struct ledger *ledger;
	uint64_t offered, polls;
};

/* Of this thread's CPU: others' work does not count. */
static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- ours ---------------------------------------------------------------------- */

/* One packet of every pair, the same pairs each time, through the real program. */
static int touch_all(struct table *t)
{
	struct frame_bytes f;
	struct world_run run = {
		.fd = bpf_program__fd(sprayer->progs.xdp_spray4),
		.frame = f.data,
		.repeat = t->pairs,
	};
	uint32_t zero = 0;

	frame_build(&tcp4, &f);
	run.size = f.len;
	sprayer->bss->spray_turn = 0;
	if (bpf_map_update_elem(bpf_map__fd(sprayer->maps.spray_to), &zero, &t->prog, BPF_ANY) < 0)
		return bench_fail("spray: %s", strerror(errno));
	t->offered += (uint64_t)t->pairs * f.len;
	return world_run(&run);
}

static void sum_pair(void *arg, const struct pair_sample *p)
{
	struct counted *c = arg;

	c->packets += p->packets;
	c->wire_bytes += p->wire_bytes;
	c->payload_bytes += p->payload_bytes;
	c->dropped_wire_bytes += p->dropped_wire_bytes;
}

/* As the daemon does: user/app/daemon/ledger.c. */
static void book_pair(void *arg, const struct pair_sample *p)
{
	struct ledger_sample s = {
		.src = p->src,
		.dst = p->dst,
		.hook = PAIR_SAMPLE(p, hook),
		.slot = PAIR_SAMPLE(p, slot),
		.wire_bytes = PAIR_SAMPLE(p, wire_bytes),
		.payload_bytes = PAIR_SAMPLE(p, payload_bytes),
		.dropped_wire_bytes = PAIR_SAMPLE(p, dropped_wire_bytes),
		.packets = PAIR_SAMPLE(p, packets),
		.life = PAIR_SAMPLE(p, life),
		.dropped = p->flags & CF_SLOT_DROPPED,
		.began = p->flags & (CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE),
	};

	ledger_poll_add(arg, &s);
}

static int poll_sum(struct table *t, struct counted *ret)
{
	return datapath_pairs(t->load.dp, sum_pair, ret) < 0 ? bench_fail("no pairs") : 0;
}

static int poll_ledger(struct table *t, struct counted *ret)
{
	t->polls++;
	ledger_poll_begin(t->ledger, (struct utc){ WORLD_NOW + (int64_t)t->polls },
			  t->polls * 1000);
	if (datapath_pairs_held(t->load.dp, book_pair, t->ledger) < 0)
		return bench_fail("no pairs");
	ledger_poll_end(t->ledger);
	ret->packets = t->ledger->total.packets;
	ret->wire_bytes = t->ledger->total.wire_bytes;
	return 0;
}

/* As the daemon does every ten seconds: what the ledger has seen need not be read again. */
static int acknowledge(struct table *t)
{
	struct counted c;

	for (int i = 0; i < 2; i++) {
		if (datapath_commit_begin(t->load.dp) < 0 || poll_ledger(t, &c))
			return bench_fail("the epoch does not advance");
		datapath_commit_end(t->load.dp);
	}
	return 0;
}

static void sum_overflow(void *arg, const struct overflow_sample *o)
{
	struct counted *c = arg;

	c->wire_bytes += o->traffic.wire_bytes;
}

/* ---- a per-CPU hash ------------------------------------------------------------- */

static void sum_values(const struct table *t, const struct counted *v, struct counted *ret)
{
	for (int cpu = 0; cpu < t->cpus; cpu++) {
		ret->packets += v[cpu].packets;
		ret->wire_bytes += v[cpu].wire_bytes;
		ret->payload_bytes += v[cpu].payload_bytes;
		ret->dropped_wire_bytes += v[cpu].dropped_wire_bytes;
	}
}

static int make_hash(struct table *t)
{
	t->hash = bpf_map_create(BPF_MAP_TYPE_PERCPU_HASH, "usual", sizeof(uint64_t),
				 sizeof(struct counted), t->pairs, NULL);
	if (t->hash < 0)
		return bench_fail("per-CPU hash: %s", strerror(errno));
	for (uint64_t i = 1; i <= t->pairs; i++) {
		uint64_t key = i * 0x9e3779b97f4a7c15ULL;

		t->values[0] = (struct counted){ 1, 1054, 1000, 0 };
		if (bpf_map_update_elem(t->hash, &key, t->values, BPF_ANY) < 0)
			return bench_fail("per-CPU hash: %s", strerror(errno));
	}
	return 0;
}

static int poll_batch(struct table *t, struct counted *ret)
{
	uint32_t next, n;
	void *at = NULL;
	int r;

	do {
		n = BATCH;
		r = bpf_map_lookup_batch(t->hash, at, &next, t->keys, t->values, &n, NULL);
		if (r < 0 && errno != ENOENT)
			return bench_fail("batch: %s", strerror(errno));
		for (uint32_t i = 0; i < n; i++)
			sum_values(t, &t->values[(size_t)i * (size_t)t->cpus], ret);
		at = &next;
	} while (!r);
	return 0;
}

static int poll_keys(struct table *t, struct counted *ret)
{
	uint64_t key, *last = NULL;

	while (!bpf_map_get_next_key(t->hash, last, &key)) {
		last = &key;
		if (!bpf_map_lookup_elem(t->hash, &key, t->values))
			sum_values(t, t->values, ret);
	}
	return 0;
}

/* ---- goals --------------------------------------------------------------------- */

static json_t *goal_ms, *goal_batch;

static void add_goals(json_t *report)
{
	goal_ms = bench_goal(report, "a million pairs polled", "ms", BENCH_AT_MOST, 10);
	goal_batch = bench_goal(report, "the same, times as fast as batches from a per-CPU hash",
				"", BENCH_AT_LEAST, 30);
}

static void found(json_t *const *rows)
{
	static const char *const of[] = { "all slots", "the daemon's poll, nothing has moved" };

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		bench_found_row(goal_ms, of[i], rows[i]);
		bench_found_ratio(goal_batch, of[i], rows[BATCHES], rows[i]);
	}
}

/* ---- running -------------------------------------------------------------------- */

static const struct way {
	const char *name;
	int (*poll)(struct table *t, struct counted *ret);
	bool ours;
	bool moved; /* all pairs since the last time */
} ways[] = {
	{ OURS, poll_sum, true },
	{ "the daemon's poll, ledger and all, no pair has moved", poll_ledger, true },
	{ "the daemon's poll, every pair has moved", poll_ledger, true, true },
	[BATCHES] = { "per-CPU hash, batches of 65,536", poll_batch },
	{ "per-CPU hash, next key and look-up", poll_keys },
};

static int make_table(struct table *t)
{
	uint64_t slots = 4096;

	t->load = (struct world_load){ .name = "poll", .policy = WORLD_HEAD };
	t->cpus = libbpf_num_possible_cpus();
	t->values = xcalloc((size_t)BATCH * (size_t)t->cpus, sizeof(*t->values));
	t->keys = xcalloc(BATCH, sizeof(*t->keys));
	t->ledger = ledger_new((struct hash_seed){ { 1, 2 } }, (struct utc){ WORLD_NOW });
	while (slots < 2ULL * t->pairs)
		slots *= 2;
	if (world_load(&t->load) || world_grow(&t->load, slots, false))
		return 1;
	t->prog = world_program(&t->load, "xdp_inside");
	return t->prog < 0 || touch_all(t) || make_hash(t);
}

static void drop_table(struct table *t)
{
	world_unload(&t->load);
	close(t->prog);
	close(t->hash);
	ledger_free(t->ledger);
	free(t->values);
	free(t->keys);
}

/* Each way must find what there is: a fast one that finds less is none. */
static int64_t missing(const struct table *t, const struct way *w, const struct counted *c)
{
	struct counted full = { 0 };

	if (!w->ours)
		return (int64_t)(t->pairs * 1054ULL - c->wire_bytes);
	/* a few find their buckets full */
	datapath_overflow(t->load.dp, sum_overflow, &full);
	return (int64_t)(t->offered - full.wire_bytes - c->wire_bytes);
}

static int measure(json_t *report, uint32_t pairs, int rounds)
{
	struct table t = { .pairs = pairs };
	json_t *rows[ARRAY_SIZE(ways)], *table;
	int64_t lost = 0;
	char title[64];

	snprintf(title, sizeof(title), "%u pairs", pairs);
	table = bench_table(report, title, "ms of CPU", ways[BATCHES].name);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		rows[i] = bench_row(table, ways[i].name, NULL, NULL);
	if (make_table(&t))
		return 1;
	for (int r = -1; r < rounds; r++) {
		bench_progress(r + 1, rounds);
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			struct counted c = { 0 };
			double ms;

			if (ways[i].moved ? touch_all(&t) : acknowledge(&t))
				return 1;
			ms = cpu_ms();
			if (ways[i].poll(&t, &c))
				return 1;
			ms = cpu_ms() - ms;
			lost += llabs(missing(&t, &ways[i], &c));
			if (r >= 0)
				bench_sample(rows[i], ms);
		}
	}
	bench_must(report, title, lost, "bytes were not found", 0);
	if (pairs == MILLION)
		found(rows);
	drop_table(&t);
	return 0;
}

int main(int argc, char **argv)
{
	static const uint32_t all[] = { 10000, 100000, MILLION };
	struct bench_options opt;
	json_t *report = bench_report_new(
		"poll", "Reading all pairs",
		"What the daemon does at each poll: the shards of the pair table as memory, on one "
		"CPU; against a per-CPU hash map with as many pairs.");
	int r = bench_options_parse(argc, argv, &opt);

	if (!r)
		r = world_enter();
	if (!r)
		r = world_stay();
	if (r)
		return r;
	sprayer = bench_bpf__open_and_load();
	if (!sprayer)
		return bench_fail("bench.bpf.o: %s", strerror(errno));
	add_goals(report);
	for (size_t i = 0; i < ARRAY_SIZE(all) - opt.quick && !r; i++)
		r = measure(report, all[i], opt.quick ? 2 : 9);
	return r ? r : bench_report_write(report, &opt);
}
