/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier against LPM tries, on the databases that a configuration names.
 * Called by tools/bench.d/bench_classes, which says in the environment which
 * (CURFEW_BENCH_CONF), and what they are (CURFEW_BENCH_DATA).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "class_known.h"
#include "class_traces.h"
#include "classes.skel.h"
#include "kernel_memory.h"
#include "port/datapath/priv.h"
#include "real_image.h"
#include "report.h"
#include "world.h"

static const char *const trace_names[CLASS_TRACES] = { [TRACE_UNIFORM] = "uniform",
						       [TRACE_WORST] = "worst",
						       [TRACE_ZIPF] = "Zipf",
						       [TRACE_DEEP] = "most steps" };

struct bench {
	struct bench_options opt;
	struct running run;
	struct image *img;
	struct place_ranges ranges;
	struct classes_bpf *skel;
	json_t *report, *memory, *build;
};

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return 1e3 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e-3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void one(json_t *table, const char *name, double value, const char *note)
{
	bench_sample(bench_row(table, name, NULL, note), value);
}

/* ---- loading --------------------------------------------------------------------- */

static int compile(struct bench *b, const char *conf)
{
	double began;

	if (real_read(conf, &b->run))
		return 1;
	began = cpu_ms();
	if (real_compile(&b->run, &b->img))
		return 1;
	one(b->build, "Curfew: databases and policies compiled", cpu_ms() - began,
	    "all tables of the policy set, in user space");
	began = cpu_ms();
	b->ranges = place_ranges(&b->run.geo);
	one(b->build, "tries: databases merged", cpu_ms() - began, "in user space");
	return 0;
}

/* The tables that look-ups of destinations read. */
static const char *const class_tables[] = { "root4", "range4", "root6", "node6",
					    "leaf6", "deep6",  "low6" };

static double class_tables_mib(const struct bench *b, bool labels)
{
	double sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(class_tables) + labels; i++)
		sum += map_memory(bpf_object__find_map_fd_by_name(
			b->skel->obj, i < ARRAY_SIZE(class_tables) ? class_tables[i] : "labels"));
	return sum;
}

static bool is_own(const char *map)
{
	return !strncmp(map, "traces", 6) || !strncmp(map, "lpm", 3) || strchr(map, '.');
}

static int load(struct bench *b)
{
	struct time_map clock = { .hz = 250 };
	double began = cpu_ms(), before = kernel_memory(), all = 0;
	struct bpf_map *map;
	int r;

	b->skel = classes_bpf__open();
	if (!b->skel)
		return bench_fail("classes.bpf.o: %s", strerror(errno));
	bpf_object__for_each_map(map, b->skel->obj) bpf_map__set_autocreate(
		map, is_own(bpf_map__name(map)) || dp_is_table(bpf_map__name(map)));
	tables_config((struct cf_config *)&b->skel->rodata->cfg, b->img, &clock);
	r = tables_size(b->skel->obj, b->img);
	if (!r)
		r = classes_bpf__load(b->skel);
	if (!r)
		r = tables_fill(b->skel->obj, b->img, &clock);
	if (r < 0)
		return bench_fail("loading: %s", strerror(-r));
	one(b->build, "Curfew: tables into the kernel", cpu_ms() - began,
	    "and this part's programs verified");
	one(b->memory, "Curfew: what look-ups of destinations read, both families",
	    class_tables_mib(b, false), "arrays: the map's own figure is what it takes");
	one(b->memory, "Curfew: with the labels' entries", class_tables_mib(b, true), NULL);
	bpf_object__for_each_map(map, b->skel->obj) if (bpf_map__autocreate(map) &&
							strncmp(bpf_map__name(map), "lpm", 3))
		all += map_memory(bpf_map__fd(map));
	bench_note(b->report,
		   "Loading Curfew's tables and the traces took %.1f MiB of kernel memory; by the "
		   "maps' own figures it is %.1f.",
		   kernel_memory() - before, all);
	return 0;
}

static int fill(struct bench *b, bool six)
{
	int fd = bpf_map__fd(six ? b->skel->maps.lpm6 : b->skel->maps.lpm4), r;
	double began = cpu_ms(), before = kernel_memory();
	const char *family = six ? "IPv6" : "IPv4";
	char name[96], note[96];
	size_t n;

	r = fill_trie(&b->ranges, b->img, six, fd, &n);
	if (r < 0)
		return bench_fail("LPM trie: %s", strerror(-r));
	snprintf(name, sizeof(name), "tries: %zu %s prefixes put in", n, family);
	one(b->build, name, cpu_ms() - began, NULL);
	snprintf(name, sizeof(name), "tries: %s", family);
	snprintf(note, sizeof(note), "growth of kernel memory; the map's own figure is %.0f",
		 map_memory(fd));
	one(b->memory, name, kernel_memory() - before, note);
	return 0;
}

/* ---- traces ---------------------------------------------------------------------- */

static void *map_of(const struct bpf_map *map, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static int draw(struct bench *b)
{
	struct trace4 *t4 = map_of(b->skel->maps.traces4, sizeof(*t4) * CLASS_TRACES);
	struct trace6 *t6 = map_of(b->skel->maps.traces6, sizeof(*t6) * CLASS_TRACES6);

	if (!t4 || !t6)
		return bench_fail("traces: %s", strerror(errno));
	for (int i = 0; i < CLASS_TRACES; i++) {
		draw4(b->img, (enum class_trace)i, &t4[i]);
		if (i < CLASS_TRACES6)
			draw6(b->img, &b->ranges, (enum class_trace)i, &t6[i]);
	}
	munmap(t4, sizeof(*t4) * CLASS_TRACES);
	munmap(t6, sizeof(*t6) * CLASS_TRACES6);
	return 0;
}

/* ns per run. */
static int test_run(struct bpf_program *prog, int repeat, double *ret_ns)
{
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = repeat);

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) < 0)
		return bench_fail("%s: %s", bpf_program__name(prog), strerror(errno));
	*ret_ns = opts.duration;
	return 0;
}

/* Every address of every trace, by both. */
static int compare(struct bench *b)
{
	struct class_counts *c = &b->skel->bss->counts;
	uint64_t known[2];
	double ns;

	for (uint32_t i = 0; i < CLASS_TRACES + CLASS_TRACES6; i++) {
		bool six = i >= CLASS_TRACES;

		b->skel->bss->which = i % CLASS_TRACES;
		if (test_run(six ? b->skel->progs.compare6 : b->skel->progs.compare4, CLASS_TRACE,
			     &ns))
			return 1;
		known[six] = c->known - (six ? known[0] : 0);
	}
	bench_must(b->report, "addresses whose country and AS both look-ups were asked for",
		   (int64_t)c->compared, "", (int64_t)(CLASS_TRACES + CLASS_TRACES6) * CLASS_TRACE);
	bench_fact(b->report, "of these, known to the databases", (int64_t)c->known, "");
	bench_must(b->report, "1: both families have some of these", known[0] && known[1], "", 1);
	bench_must(b->report, "of these, answered differently", (int64_t)c->differ, "", 0);
	return 0;
}

/* ---- measuring ------------------------------------------------------------------- */

enum lookup { OURS, ENTRY, TRIES, TRIES_ENTRY, LOOKUPS };
static const char *const lookup_names[LOOKUPS] = {
	[OURS] = "Curfew, label",
	[ENTRY] = "Curfew, label and its entry",
	[TRIES] = "LPM trie, country and AS",
	[TRIES_ENTRY] = "LPM trie, label and its entry",
};

struct family {
	const char *name;
	int traces;
	struct bpf_program *base, *prog[LOOKUPS];
	json_t *rows[CLASS_TRACES][LOOKUPS];
};

static void add_rows(json_t *report, struct family *f)
{
	char text[128], base[64];
	json_t *table;

	snprintf(text, sizeof(text), "%s: one look-up of a destination, beside the empty program",
		 f->name);
	table = bench_table(report, text, "ns", NULL);
	for (int t = 0; t < f->traces; t++)
		for (int l = 0; l < LOOKUPS; l++) {
			snprintf(base, sizeof(base), "%s: %s", trace_names[t], lookup_names[ENTRY]);
			snprintf(text, sizeof(text), "%s: %s", trace_names[t], lookup_names[l]);
			f->rows[t][l] = bench_row(table, text, l == ENTRY ? NULL : base, NULL);
		}
}

static int measure_trace(struct bench *b, struct family *f, int trace, bool keep)
{
	int many = b->opt.quick ? 100000 : 1 << 20, few = b->opt.quick ? 30000 : 1 << 16;
	double base, ns;

	b->skel->bss->which = (uint32_t)trace;
	if (test_run(f->base, many, &base))
		return 1;
	for (int l = 0; l < LOOKUPS; l++) {
		if (test_run(f->prog[l], l >= TRIES ? few : many, &ns))
			return 1;
		if (keep)
			bench_sample(f->rows[trace][l], ns - base);
	}
	return 0;
}

/* What a new pair pays for geography: each trace, and the worst of them counts. */
static void add_goals(struct bench *b, const struct family *f, double most)
{
	static const char *const what[TRIES] = {
		[OURS] = "the label", [ENTRY] = "the label and its entry"
	};
	const char *full = getenv("CURFEW_BENCH_FULL");
	char text[128];

	for (int l = 0; l < TRIES; l++) {
		json_t *ns, *times;

		snprintf(text, sizeof(text), "geography of a new pair, %s, %s", f->name, what[l]);
		ns = bench_goal(b->report, text, "ns", BENCH_AT_MOST, most);
		snprintf(text, sizeof(text), "times as fast as LPM tries, %s, %s", f->name,
			 what[l]);
		times = bench_goal(b->report, text, "", BENCH_AT_LEAST, 8);
		if (!full) {
			bench_unmeasured(ns, "not with full databases");
			bench_unmeasured(times, "not with full databases");
			continue;
		}
		for (int t = 0; t < f->traces; t++) {
			bench_found_row(ns, trace_names[t], f->rows[t][l]);
			bench_found_ratio(times, trace_names[t], f->rows[t][TRIES], f->rows[t][l]);
		}
	}
}

static int measure(struct bench *b)
{
	struct family families[] = {
		{ "IPv4",
		  CLASS_TRACES,
		  b->skel->progs.base4,
		  { b->skel->progs.ours4, b->skel->progs.entry4, b->skel->progs.tries4,
		    b->skel->progs.tries_entry4 } },
		{ "IPv6",
		  CLASS_TRACES6,
		  b->skel->progs.base6,
		  { b->skel->progs.ours6, b->skel->progs.entry6, b->skel->progs.tries6,
		    b->skel->progs.tries_entry6 } },
	};
	int rounds = b->opt.quick ? 2 : 9;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		add_rows(b->report, &families[i]);
	for (int round = 0; round <= rounds; round++) { /* the first one warms up */
		bench_progress(round, rounds);
		for (size_t i = 0; i < ARRAY_SIZE(families); i++)
			for (int t = 0; t < families[i].traces; t++)
				if (measure_trace(b, &families[i], t, round > 0))
					return 1;
	}
	add_goals(b, &families[0], 75);
	add_goals(b, &families[1], 200);
	return 0;
}

static void describe(struct bench *b)
{
	const char *data = getenv("CURFEW_BENCH_DATA");
	struct image_stats s;

	image_stats(b->img, &s);
	bench_note(b->report, "Databases: %s.", data ? data : "as configured");
	bench_note(
		b->report,
		"%zu policies, %zu rules; every destination is told apart by country and AS: %zu "
		"labels, %zu IPv4 ranges, %zu IPv6 keys in %u levels, %zu divided /64s.",
		s.policies, s.rules, s.labels, s.ranges4, s.keys6, b->img->tree6[0].levels,
		s.deep6);
	bench_note(
		b->report,
		"Uniform: IPv4 over all that can be a destination, IPv6 over 2000::/3. Worst: IPv4 "
		"in the /16 with the most ranges; IPv6 in any network of the databases, each as often. "
		"Most steps: in the %d /16s where Curfew's look-ups take the most. Zipf: of %u destinations the k-th is met as often "
		"as 1/k says; IPv6 destinations in networks of the databases.",
		CLASS_DEEP, 1U << 20);
	bench_note(b->report,
		   "A new pair needs the label and its entry, which says what rules are about it, "
		   "country and AS: ratios are to that. A trie may have country and AS in its "
		   "own values, and then reads less than a pair needs, or the label.");
	bench_note(b->report,
		   "Each look-up waits for the one before. Traces of %u addresses, read in order.",
		   CLASS_TRACE);
}

static int run(struct bench *b, const char *conf)
{
	b->report = bench_report_new(
		"classes", "The classifier against LPM tries",
		"From destination to country and AS: the product's look-ups (bpf/classify.h) in "
		"tables that the product's compiler made, against LPM tries with the same content. "
		"By test-run, beside the same program without a look-up, which is subtracted.");
	b->build = bench_table(b->report, "Building", "ms of CPU", NULL);
	b->memory = bench_table(b->report, "Memory", "MiB", NULL);
	if (compile(b, conf) || load(b) || fill(b, false) || fill(b, true) || draw(b))
		return 1;
	describe(b);
	if (compare(b) || known_pairs(b->report, b->img) || measure(b))
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *conf = getenv("CURFEW_BENCH_CONF");
	struct bench b = { 0 };
	int r = bench_options_parse(argc, argv, &b.opt);

	if (r)
		return r;
	if (!conf)
		return bench_fail("CURFEW_BENCH_CONF does not say what to compile");
	r = world_enter();
	if (!r)
		r = world_stay(); /* a pair is another CPU's anew */
	if (r)
		return r;
	r = run(&b, conf);
	classes_bpf__destroy(b.skel);
	free(b.ranges.v);
	image_free(b.img);
	running_done(&b.run);
	if (r)
		return r;
	return bench_report_write(b.report, &b.opt);
}
