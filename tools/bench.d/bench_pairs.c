/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part "pairs": a counter for each pair, in our store and in the kernel's maps, by
 * test-run of small programs that differ in nothing else; then the real program, whole.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "curfew/config.h"

#include "bench.skel.h"
#include "packets.h"
#include "pairs_store.h"
#include "pairs_store.skel.h"
#include "world.h"

#define MILLION (1U << 20)
#define SPRAYED (1U << 16) /* slots and entries that a spray finds */
#define OURS    "own shard"
#define EMPTY   "empty: the trace alone"

static const struct frame_spec tcp4 = { "10.0.0.5", "203.0.113.1", 6, 40000, 443, 1000, 5 };

/* Programs and maps are called NAME4 and NAME6. */
enum { OWN = 1, PERCPU };
static const struct store {
	const char *name, *title;
	bool percpu;
} stores[] = {
	{ "empty", EMPTY },
	[OWN] = { "ours", OURS },
	[PERCPU] = { "percpu", "per-CPU hash", true },
	{ "hash", "hash, atomic adds" },
	{ "lru", "LRU hash, atomic adds" },
	{ "lru_percpu", "LRU per-CPU hash", true },
};

static uint32_t trace_length = 1U << 20;
static int rounds = 9;

static json_t *goal_store, *goal_whole, *goal_books;

static void add_goals(json_t *report)
{
	goal_whole = bench_goal(report, "outside windows, with a million pairs, beyond parsing",
				"ns", BENCH_AT_MOST, 100);
	goal_store = bench_goal(report,
				"the pair store, times as fast as a per-CPU hash, a million pairs",
				"", BENCH_AT_LEAST, 3);
	goal_books = bench_goal(report, "bytes unaccounted under a spray, table full, by test-run",
				"bytes", BENCH_AT_MOST, 0);
}

/* Room as the daemon would make it: a power of two, at most five eighths of it used. */
static uint32_t room_for(uint32_t pairs)
{
	uint32_t n = SPRAYED;

	while ((uint64_t)n * 5 < (uint64_t)pairs * 8)
		n *= 2;
	return n;
}

/* ---- the trace -------------------------------------------------------------------- */

/* Pair n: 24 bits of each address, all over the place; none comes twice. 10.… to 203.…. */
static uint64_t pair_of(uint64_t n)
{
	uint64_t x = (n + 1) * 0x9e3779b97f4a7c15ULL;

	return 10 | (x >> 16 & 0xffffff) << 8 | 203ULL << 32 | (x >> 40) << 40;
}

static uint64_t draw(uint64_t *state)
{
	/* xorshift64* (Vigna 2016): the same trace each time */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/*
 * Every pair equally often, in no order; another one in each round: maps give out their entries
 * one after the other, so that the order in which they were filled finds them in a row.
 */
static int fill_trace(const struct pairs_store_bpf *skel, uint32_t pairs)
{
	static uint64_t state = 88172645463325252ULL;
	uint64_t *x = xcalloc(trace_length, sizeof(*x));
	uint32_t *at = xcalloc(trace_length, sizeof(*at)), n = trace_length;
	int r = 0;

	for (uint32_t i = 0; i < trace_length; i++) {
		x[i] = pair_of(i % pairs);
		at[i] = i;
	}
	for (uint32_t i = trace_length - 1; i; i--) {
		uint32_t j = (uint32_t)(draw(&state) % (i + 1));
		uint64_t t = x[i];

		x[i] = x[j];
		x[j] = t;
	}
	if (bpf_map_update_batch(bpf_map__fd(skel->maps.trace), at, x, &n, NULL) < 0)
		r = bench_fail("trace: %s", strerror(errno));
	free(x);
	free(at);
	return r;
}

/* ---- tables ----------------------------------------------------------------------- */

static bool is_of(const char *map, bool six)
{
	return !strncmp(map, "map_", 4) && map[strlen(map) - 1] == (six ? '6' : '4');
}

/* The programs over the tables of `l`, and maps of `entries` for one family; 0: for none. */
static struct pairs_store_bpf *open_stores(const struct world_load *l, bool six, uint32_t entries,
					   bool endless)
{
	struct pairs_store_bpf *skel = pairs_store_bpf__open();
	struct bpf_map *map;

	if (!skel)
		return NULL;
	for (int i = 0; i < 4; i++)
		skel->rodata->cfg.key[i] = pair_of((uint64_t)i) * 0xd6e8feb86659fd93ULL;
	skel->rodata->trace_mask = trace_length - 1;
	skel->rodata->endless = endless;
	bpf_map__set_max_entries(skel->maps.trace, trace_length);
	bpf_object__for_each_map(map, skel->obj)
	{
		if (entries && is_of(bpf_map__name(map), six))
			bpf_map__set_max_entries(map, entries);
	}
	if (!world_share(l, skel->obj) && !pairs_store_bpf__load(skel))
		return skel;
	bench_fail("pairs_store.bpf.o: %s", strerror(errno));
	pairs_store_bpf__destroy(skel);
	return NULL;
}

static int store_fd(const struct pairs_store_bpf *skel, const struct store *s, bool six)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%c", s->name, six ? '6' : '4');
	return bpf_program__fd(bpf_object__find_program_by_name(skel->obj, name));
}

/* One run through the trace. */
static int run_through(int fd, double *ret_ns)
{
	struct frame_bytes f;
	struct world_run run = { .fd = fd, .frame = f.data, .repeat = trace_length };

	frame_build(&tcp4, &f);
	run.size = f.len;
	if (world_run(&run))
		return 1;
	*ret_ns = run.ns;
	return run.verdict == 2 ? 0 : bench_fail("a program did not come to its end");
}

/* Bytes that a map of the kernel's has on its books. */
static uint64_t bytes_of_map(const struct pairs_store_bpf *skel, const struct store *s)
{
	int cpus = s->percpu ? libbpf_num_possible_cpus() : 1;
	struct pair_count *v = xcalloc((size_t)cpus, sizeof(*v));
	struct pair_key4 key;
	const void *last = NULL;
	uint64_t sum = 0;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "map_%s4", s->name);
	fd = bpf_object__find_map_fd_by_name(skel->obj, name);
	while (!bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (bpf_map_lookup_elem(fd, &key, v) < 0)
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += v[cpu].wire_bytes;
	}
	free(v);
	return sum;
}

/* What was offered and is not on the books. */
static int check_loss(json_t *report, const struct world_load *l,
		      const struct pairs_store_bpf *skel)
{
	int64_t offered = (int64_t)trace_length * (rounds + 1) * PAIRS_WIRE;

	for (size_t i = 1; i < ARRAY_SIZE(stores); i++) {
		struct cf_traffic ours = { 0 };
		char what[96];

		snprintf(what, sizeof(what), "spray, table full, unaccounted: %s", stores[i].title);
		if (i > 1) {
			bench_fact(report, what, offered - (int64_t)bytes_of_map(skel, &stores[i]),
				   "bytes");
			continue;
		}
		if (world_books(l, &ours))
			return 1;
		bench_must(report, what, offered - (int64_t)ours.wire_bytes, "bytes", 0);
		bench_sample(bench_found(goal_books, ""),
			     (double)llabs(offered - (int64_t)ours.wire_bytes));
	}
	bench_fact(report, "spray: bytes offered to each", offered, "bytes");
	return 0;
}

/* ---- the stores, side by side ------------------------------------------------------- */

static const struct setting {
	const char *title;
	uint32_t pairs;
	bool six, spray, quick;
} settings[] = {
	{ "IPv4, 1 pair", 1, false, false, true },
	{ "IPv4, 10,000 pairs", 10000, false, false, true },
	{ "IPv4, 131,072 pairs", 1U << 17, false, false, true },
	{ "IPv4, 1,048,576 pairs", MILLION },
	{ "IPv6, 1 pair", 1, true, false, true },
	{ "IPv6, 131,072 pairs", 1U << 17, true },
	{ "IPv4, spray: each packet a new pair, table full", MILLION, false, true, true },
};

static int measure(json_t *report, const struct setting *s)
{
	uint32_t room = s->spray ? SPRAYED : room_for(s->pairs);
	struct world_load l = { .name = "pairs" };
	json_t *table = bench_table(report, s->title, "ns per packet", OURS);
	json_t *rows[ARRAY_SIZE(stores)];
	struct pairs_store_bpf *skel;
	int r = 0;

	if (world_load(&l) || world_grow(&l, room, s->six))
		return 1;
	skel = open_stores(&l, s->six, room, s->spray);
	if (!skel)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++)
		rows[i] = bench_row(table, stores[i].title, NULL, NULL);
	for (int round = -1; round < rounds && !r; round++) { /* the first one fills */
		bench_progress(round + 1, rounds);
		r = fill_trace(skel, s->pairs < trace_length ? s->pairs : trace_length);
		for (size_t i = 0; i < ARRAY_SIZE(stores) && !r; i++) {
			double ns;

			r = run_through(store_fd(skel, &stores[i], s->six), &ns);
			if (!r && round >= 0)
				bench_sample(rows[i], ns);
		}
	}
	if (!r && s->pairs == MILLION && !s->spray)
		bench_found_ratio(goal_store, s->six ? "IPv6" : "", rows[PERCPU], rows[OWN]);
	if (!r && s->spray)
		r = check_loss(report, &l, skel);
	pairs_store_bpf__destroy(skel);
	world_unload(&l);
	return r;
}

/* ---- the real program, whole -------------------------------------------------------- */

#define WINDOW                                                                                     \
	WORLD_HEAD "window night = daily 00:00-00:01\n"                                            \
		   "policy \"p\" { from any to any during night\n"                                 \
		   "  quota 1 GB per destination each window at 100% drop }\n"

static struct whole {
	const char *parse, *full;
	uint32_t pairs;
	struct world_load load;
	struct pairs_store_bpf *skel;
	int fd;
	json_t *row[2];
} wholes[] = {
	{ "parse, 1 pair", "the whole path, 1 pair", 1, { "whole1", WINDOW } },
	{ "parse, 10,000", "the whole path, 10,000 pairs", 10000, { "whole10k", WINDOW } },
	{ "parse, 131,072", "the whole path, 131,072", 1U << 17, { "whole131k", WINDOW } },
	{ "parse, 1,048,576", "the whole path, 1,048,576", MILLION, { "whole1m", WINDOW } },
};

static int open_whole(struct whole *w, json_t *table)
{
	if (world_load(&w->load) || world_grow(&w->load, room_for(w->pairs), false))
		return 1;
	w->skel = open_stores(&w->load, false, 0, false);
	if (!w->skel)
		return 1;
	w->fd = world_program(&w->load, "xdp_inside");
	w->row[0] = bench_row(table, w->parse, NULL, NULL);
	w->row[1] = bench_row(table, w->full, w->parse, NULL);
	return w->fd < 0;
}

static int run_whole(struct whole *w, bool full, int fd, double *ret_ns)
{
	uint32_t zero = 0;

	if (!full && fill_trace(w->skel, w->pairs))
		return 1;
	if (bpf_map_update_elem(bpf_map__fd(w->skel->maps.then), &zero, &fd, BPF_ANY) < 0)
		return bench_fail("tail call: %s", strerror(errno));
	return run_through(bpf_program__fd(w->skel->progs.drive4), ret_ns);
}

/*
 * A pair's second packet, its fourth, and so on are asked more than others (bpf/verdict.h): with
 * as many pairs as the trace has packets, whole rounds would be nothing else. After sixteen, the
 * next is its 32nd.
 */
static int make_known(struct whole *w)
{
	double ns;
	int r = 0;

	for (uint64_t packets = 0; packets < 16ULL * w->pairs && !r; packets += trace_length)
		r = fill_trace(w->skel, w->pairs) || run_whole(w, true, w->fd, &ns);
	return r;
}

static int measure_whole(json_t *report, size_t n)
{
	json_t *table = bench_table(
		report, "The real program at an inside interface, no window of the policy open",
		"ns per packet", wholes[0].parse);
	struct bench_bpf *parse = bench_bpf__open_and_load();
	int r = parse ? 0 : bench_fail("bench.bpf.o: %s", strerror(errno));

	for (size_t i = 0; i < n && !r; i++)
		r = open_whole(&wholes[i], table) || make_known(&wholes[i]);
	for (int round = -1; round < rounds && !r; round++) {
		bench_progress(round + 1, rounds);
		for (size_t i = 0; i < 2 * n && !r; i++) {
			struct whole *w = &wholes[i / 2];
			double ns;

			r = run_whole(w, i % 2,
				      i % 2 ? w->fd : bpf_program__fd(parse->progs.xdp_parse), &ns);
			if (!r && round >= 0)
				bench_sample(w->row[i % 2], ns);
		}
	}
	for (size_t i = 0; i < n && !r; i++) {
		char what[96];

		if (wholes[i].pairs == MILLION)
			bench_found_beyond(goal_whole, "", wholes[i].row[1], wholes[i].row[0]);
		snprintf(what, sizeof(what), "%s: beyond parsing (medians)", wholes[i].full);
		bench_fact(report, what,
			   (int64_t)(bench_median(wholes[i].row[1]) -
				     bench_median(wholes[i].row[0]) + 0.5),
			   "ns");
	}
	return r;
}

int main(int argc, char **argv)
{
	struct bench_options opt;
	json_t *report = bench_report_new(
		"pairs", "The pair store against the kernel's maps",
		"Three counters for each pair, all pairs equally often and in no order, on one CPU. "
		"All stores have the same room, of which at most five eighths are used.");
	int r = bench_options_parse(argc, argv, &opt);

	if (!r)
		r = world_enter();
	if (!r)
		r = world_stay();
	if (!r && opt.quick) {
		trace_length = 1U << 17;
		rounds = 2;
	}
	add_goals(report);
	for (size_t i = 0; i < ARRAY_SIZE(settings) && !r; i++)
		if (!opt.quick || settings[i].quick)
			r = measure(report, &settings[i]);
	if (!r)
		r = measure_whole(report, ARRAY_SIZE(wholes) - opt.quick);
	return r ? r : bench_report_write(report, &opt);
}
