/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the maps of the loaded product take: with the smallest policy, and with the
 * one that CURFEW_BENCH_CONF names, if it does. Called by tools/bench.d/bench_memory,
 * on this machine or in a guest with more possible CPUs than there are.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel_memory.h"
#include "load_image.h"
#include "port/datapath/priv.h"
#include "real_image.h"
#include "tables_maps.h"
#include "world.h"

#define HOT_SLOTS (1 << 18)

static const uint32_t machines[] = { 2, 16, 64, 128 }; /* possible CPUs */

static uint32_t possible, online;

static double sum(const struct map_list *l, uint32_t cpus)
{
	double mib = 0;

	for (size_t i = 0; i < l->n; i++)
		mib += map_mib(&l->v[i], cpus);
	return mib;
}

static double sum_told(const struct map_list *l)
{
	double mib = 0;

	for (size_t i = 0; i < l->n; i++)
		mib += l->v[i].told_mib;
	return mib;
}

static double sum_segments(const struct map_list *l, bool of_first_cpu_only)
{
	double mib = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].segment && (!of_first_cpu_only || !l->v[i].of_cpu))
			mib += l->v[i].told_mib;
	return mib;
}

/* Numbers for segments are set aside for each CPU. */
static bool is_numbers(const struct one_map *m)
{
	return !strcmp(m->info.name, "shards4") || !strcmp(m->info.name, "shards6");
}

/* What each CPU that is there has of its own, and sees no packet. */
static double per_online(const struct map_list *l)
{
	double mib = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].segment || l->v[i].shares || is_numbers(&l->v[i]))
			mib += l->v[i].told_mib;
	return mib / online;
}

static int by_size(const void *a, const void *b)
{
	const struct one_map *x = a, *y = b;
	double dx = map_mib(x, 128), dy = map_mib(y, 128);

	return dx < dy ? 1 : dx > dy ? -1 : strcmp(x->info.name, y->info.name);
}

/* Segments are one line; what is small is another. */
static void list_tables(json_t *report, const char *title, struct map_list *l)
{
	_cleanup_buf_ struct buf text = { 0 };
	double rest[1 + ARRAY_SIZE(machines)] = { 0 };
	struct one_map all_segments = { 0 };
	unsigned int few = 0, segments = 0;

	qsort(l->v, l->n, sizeof(*l->v), by_size);
	buf_printf(&text, "%-18s%-15s%9s%7s%10s", "KiB", "kind", "entries", "bytes", "told");
	for (size_t k = 0; k < ARRAY_SIZE(machines); k++)
		buf_printf(&text, "%7u CPU", machines[k]);
	buf_printf(&text, "\n");
	for (size_t i = 0; i < l->n; i++) {
		const struct one_map *m = &l->v[i];

		if (m->segment || m->shares) {
			segments += m->segment;
			all_segments.told_mib += m->told_mib;
			continue;
		}
		if (map_mib(m, 128) < 0.25 && m->told_mib < 0.25) {
			few++;
			rest[0] += m->told_mib;
			for (size_t k = 0; k < ARRAY_SIZE(machines); k++)
				rest[k + 1] += map_mib(m, machines[k]);
			continue;
		}
		buf_printf(&text, "%-18s%-15s%9u%7u%10.0f", m->info.name, map_kind(m),
			   m->info.max_entries, m->info.value_size, m->told_mib * 1024);
		for (size_t k = 0; k < ARRAY_SIZE(machines); k++)
			buf_printf(&text, "%11.0f", map_mib(m, machines[k]) * 1024);
		buf_printf(&text, "\n");
	}
	buf_printf(&text, "%-18s%-15s%9u%7s%10.0f", "others", "", few, "", rest[0] * 1024);
	for (size_t k = 0; k < ARRAY_SIZE(machines); k++)
		buf_printf(&text, "%11.0f", rest[k + 1] * 1024);
	buf_printf(&text, "\n%-18s%-15s%9u%7s%10.0f   for the %u CPUs that are there\n",
		   "segments, shares", "of the pairs", segments, "", all_segments.told_mib * 1024,
		   online);
	bench_verbatim(report, title, buf_text(&text));
}

/* ---- what follows what ----------------------------------------------------------- */

/* The computed figures are worth something if they are the kernel's own here. */
static void compare(json_t *report, const char *of, const struct map_list *l)
{
	double computed = sum(l, possible), told = sum_told(l);
	char what[128];

	snprintf(what, sizeof(what), "%s: computed for this machine, of what the kernel tells", of);
	bench_fact(report, what, (int64_t)(100 * computed / told + 0.5), "%");
}

static void add_sums(json_t *report, const char *of, const struct map_list *l, double grown,
		     double less)
{
	double segments = sum_segments(l, false), own = per_online(l) * online;
	char name[128];
	json_t *t;

	snprintf(name, sizeof(name), "Memory of all maps: %s", of);
	t = bench_table(report, name, "MiB", NULL);
	snprintf(name, sizeof(name), "by the kernel's account, %u CPUs, %u possible", online,
		 possible);
	bench_sample(bench_row(t, name, NULL, NULL), sum_told(l));
	bench_sample(bench_row(t, "growth of the kernel's memory", NULL, "programs are in it"),
		     grown);
	bench_sample(bench_row(t, "loss of available memory", NULL, "with this process's"), less);
	bench_sample(bench_row(t, "the pair table, of this", NULL, "as it begins"), segments);
	for (size_t k = 0; k < ARRAY_SIZE(machines); k++) {
		snprintf(name, sizeof(name), "computed: 2 CPUs, %u possible", machines[k]);
		bench_sample(bench_row(t, name, NULL, NULL),
			     sum(l, machines[k]) - own + own / online * 2);
	}
	for (size_t k = 1; k < ARRAY_SIZE(machines); k++) {
		snprintf(name, sizeof(name), "computed: %u CPUs", machines[k]);
		bench_sample(bench_row(t, name, NULL, NULL),
			     sum(l, machines[k]) - own + own / online * machines[k]);
	}
}

#define POSSIBLE_KIB 32
#define ONLINE_KIB   640
#define QUEUE_PAIRS  8388608

static void goal(json_t *report, const char *what, double kib, double most)
{
	json_t *g = bench_goal(report, what, "KiB", BENCH_AT_MOST, most);

	bench_sample(bench_found(g, ""), kib);
}

/* A CPU that could be plugged in and is not; one that is there, and sees no packet. */
static void per_cpu(json_t *report, const struct map_list *l)
{
	bench_at_most(report, "a possible CPU that is not there costs",
		      (int64_t)((sum(l, 101) - sum(l, 100)) * 1024 + 0.5), "KiB", POSSIBLE_KIB);
	bench_at_most(report, "a CPU that is there and sees no packet costs, beside that",
		      (int64_t)(per_online(l) * 1024 + 0.5), "KiB", ONLINE_KIB);
	goal(report, "memory for a possible CPU that is not there",
	     (sum(l, 101) - sum(l, 100)) * 1024, POSSIBLE_KIB);
	goal(report, "memory for a CPU that is there and sees no packet", per_online(l) * 1024,
	     ONLINE_KIB);
	bench_fact(report, "of it the pair table", (int64_t)(sum_segments(l, true) * 1024 + 0.5),
		   "KiB");
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].info.name, "shards4"))
			bench_must(report, "one queue's shard has room for, at most",
				   (int64_t)(l->v[i].info.max_entries / online) * SEGMENT_SLOTS,
				   "IPv4 pairs", QUEUE_PAIRS);
}

/* By the kernel's own account, where many more are possible than there are. */
static void per_absent(json_t *report, const struct map_list *l)
{
	double mib = 0;

	if (possible < 2 * online)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (map_is_per_cpu(&l->v[i]))
			mib += l->v[i].told_mib;
	bench_at_most(report, "maps that are kept per CPU take, by the kernel's account, for each",
		      (int64_t)(mib * 1024 / possible + 0.5), "KiB", POSSIBLE_KIB);
}

static uint32_t cpus_with_segments(const struct map_list *l)
{
	bool has[CF_CPUS_MAX] = { false };
	uint32_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].segment && !has[l->v[i].of_cpu]) {
			has[l->v[i].of_cpu] = true;
			n++;
		}
	return n;
}

/* One CPU gets all packets, and its shard grows: the others' do not. */
static int one_hot_queue(json_t *report, struct datapath *dp, const char *dir,
			 const struct map_list *before)
{
	struct map_list after = { 0 };
	double others = sum_segments(before, false) - sum_segments(before, true), others_after;

	if (datapath_shard_grow(dp, 0, false, HOT_SLOTS) < 0)
		return bench_fail("the pair table does not grow");
	if (maps_of(dir, &after))
		return 1;
	others_after = sum_segments(&after, false) - sum_segments(&after, true);
	bench_fact(report,
		   "one queue takes all packets, its shard of IPv4 has 262,144 slots: it has",
		   (int64_t)(sum_segments(&after, true) * 1024 + 0.5), "KiB");
	bench_fact(report, "the shards of all other CPUs, which see no packet, have",
		   (int64_t)(others_after * 1024 + 0.5), "KiB");
	goal(report, "one queue has all traffic: the other CPUs' tables grow by",
	     (others_after - others) * 1024, 0);
	bench_must(report, "they have grown by", (int64_t)((others_after - others) * 1024 + 0.5),
		   "KiB", 0);
	free(after.v);
	return 0;
}

/* ---- loading --------------------------------------------------------------------- */

static int measure(json_t *report, const char *name, const char *of, const struct image *img,
		   bool small)
{
	double kernel = kernel_memory(), available = available_memory();
	struct datapath *dp = load_image(name, img);
	struct map_list maps = { 0 };
	char dir[64];
	int r = 1;

	snprintf(dir, sizeof(dir), "/sys/fs/bpf/%s", name);
	if (!dp)
		return 1;
	kernel = kernel_memory() - kernel;
	available -= available_memory();
	if (maps_of(dir, &maps))
		goto done;
	add_sums(report, of, &maps, kernel, available);
	list_tables(report, of, &maps);
	compare(report, of, &maps);
	r = 0;
	if (small) {
		bench_must(report, "CPUs that have a part of the pair table",
			   cpus_with_segments(&maps), "", online);
		per_cpu(report, &maps);
		per_absent(report, &maps);
		r = one_hot_queue(report, dp, dir, &maps);
	}
done:
	free(maps.v);
	datapath_close(dp);
	if (datapath_detach(dir, NULL) < 0)
		r = bench_fail("the datapath does not detach");
	return r;
}

/* What a first run has: no database, no policy. */
static int smallest(struct running *run, struct image **ret)
{
	char path[64];
	int fd = memfd_create("bench.conf", MFD_CLOEXEC), r;

	if (fd < 0 || write(fd, WORLD_HEAD, strlen(WORLD_HEAD)) < 0)
		return bench_fail("no memory for a file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = real_read(path, run) || real_compile(run, ret);
	close(fd);
	return r;
}

static int measure_real(json_t *report, const char *conf)
{
	const char *data = getenv("CURFEW_BENCH_DATA");
	struct running run = { 0 };
	struct image *img = NULL;
	struct image_stats s;
	int r = real_read(conf, &run) || real_compile(&run, &img);

	if (!r) {
		image_stats(img, &s);
		bench_note(report, "The large set: %zu policies, %zu rules, %zu labels; %s.",
			   s.policies, s.rules, s.labels, data ? data : "");
		r = measure(report, "large", "a large policy set and databases", img, false);
	}
	image_free(img);
	running_done(&run);
	return r;
}

static int run(json_t *report)
{
	const char *conf = getenv("CURFEW_BENCH_CONF");
	struct running run = { 0 };
	struct image *img = NULL;
	int r = smallest(&run, &img);

	if (!r)
		r = measure(report, "small", "the smallest policy", img, true);
	image_free(img);
	running_done(&run);
	return r || !conf ? r : measure_real(report, conf);
}

int main(int argc, char **argv)
{
	struct bench_options opt;
	json_t *report;
	int r = bench_options_parse(argc, argv, &opt);

	if (!r)
		r = world_enter();
	if (r)
		return r;
	possible = (uint32_t)libbpf_num_possible_cpus();
	online = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	report = bench_report_new(
		"memory", "Memory by table and number of CPUs",
		"Every map of the loaded product, by the kernel's own account; and computed, by the "
		"kernel's rules for each kind of map, for machines where other numbers of CPUs are "
		"possible. Maps that are kept per CPU are made for possible CPUs.");
	bench_fact(report, "CPUs that are there", online, "");
	bench_fact(report, "CPUs that are possible", possible, "");
	if (run(report))
		return 1;
	return bench_report_write(report, &opt);
}
