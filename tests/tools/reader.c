/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader [--dir DIR] [--every MS] [--seconds S] [--by-dest] [--grow ROUNDS]
 *        [--fault FAULT]
 *
 * Plays the daemon's part of the epoch protocol (curfew/abi.h) as fast as one
 * likes, until SIGTERM: publish, wait, scan, acknowledge, and keeps books of
 * its own. To be run while no daemon does. Prints what it has booked, by hook:
 * that must be what slots hold and what was recycled together.
 *
 * --by-dest: each pair's packets carry as many bytes as its destination's
 * number mod 256 (spray --payload dest); a slot that says otherwise is `mixed`.
 * --grow: after so many rounds, and again, one more shard is doubled, until none
 * can be.
 * --fault early: acknowledges before it scans; no-grace: does not wait. To see
 * a test fail.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "bpf_read.h"
#include "curfew/abi.h"

#define SEGMENT_SLOTS (CF_SEG_BUCKETS * CF_BUCKET_SLOTS)
#define SEGMENT_BYTES (CF_SEG_BUCKETS * sizeof(struct cf_bucket4))
#define VIEWS_MAX     256

struct seen {
	uint64_t wire, payload;
	uint32_t packets;
	uint8_t life;
	bool any;
};

struct view {
	const struct cf_slot6 *slots; /* of either family: both are of one size */
	bool six;
	struct seen *seen;
};

struct reader {
	const char *dir;
	unsigned int every_ms, grow;
	double seconds;
	bool by_dest, early, no_grace;
	volatile struct cf_control *control;
	struct view views[VIEWS_MAX];
	size_t n_views;
	uint64_t booked[CF_HOOK_MAX][3];
	uint64_t rounds, retries, lives, mixed, grown;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static void usage(void)
{
	fprintf(stderr, "usage: reader [--dir DIR] [--every MS] [--seconds S] [--by-dest] "
			"[--grow ROUNDS] [--fault early|no-grace]\n");
	exit(2);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the table ------------------------------------------------------------- */

static bool add_view(struct reader *r, const struct bpf_map_file *m, uint32_t at, bool six)
{
	const void *p = bpf_map_inner(m, at, SEGMENT_BYTES);

	if (!p)
		return false;
	if (r->n_views == VIEWS_MAX) {
		fprintf(stderr, "reader: more than %d segments\n", VIEWS_MAX);
		exit(1);
	}
	r->views[r->n_views++] = (struct view){
		.slots = p,
		.six = six,
		.seen = calloc(SEGMENT_SLOTS, sizeof(struct seen)),
	};
	return true;
}

static void open_family(struct reader *r, bool six)
{
	struct bpf_map_file m;

	bpf_map_open(r->dir, six ? "shards6" : "shards4", &m);
	for (uint32_t at = 0; at < m.max_entries; at++)
		add_view(r, &m, at, six);
	close(m.fd);
}

/* Told to those who come later, as the loader does. */
static void add_place(struct reader *r, uint32_t at, bool six)
{
	struct cf_segment_place *places;
	struct bpf_map_file m;

	bpf_map_open(r->dir, "segment_places", &m);
	places = mmap(NULL, m.max_entries * sizeof(*places), PROT_READ | PROT_WRITE, MAP_SHARED,
		      m.fd, 0);
	if (places == MAP_FAILED) {
		perror("reader: segment_places");
		exit(1);
	}
	for (uint32_t i = 0; i < m.max_entries; i++) {
		uint32_t *place = six ? &places[i].at6 : &places[i].at4;

		if (*place)
			continue;
		*place = at + 1;
		break;
	}
	munmap(places, m.max_entries * sizeof(*places));
	close(m.fd);
}

/* One shard, CPU after CPU and family after family; where it is, since there is room behind it. */
static void grow_next(struct reader *r)
{
	struct bpf_map_file m, outer;
	struct cf_cpu_shard *shards;
	uint32_t cpu = (uint32_t)(r->grown / 2), cpus = 0, *run, first, count;
	bool six = r->grown % 2;

	bpf_map_open(r->dir, "cpu_shards", &m);
	shards = mmap(NULL, CF_CPUS_MAX * sizeof(*shards), PROT_READ | PROT_WRITE, MAP_SHARED, m.fd,
		      0);
	if (shards == MAP_FAILED) {
		perror("reader: cpu_shards");
		exit(1);
	}
	while (cpus < CF_CPUS_MAX && shards[cpus].count4)
		cpus++;
	run = six ? &shards[cpu % cpus].first6 : &shards[cpu % cpus].first4;
	first = run[0];
	count = run[1];
	bpf_map_open(r->dir, six ? "shards6" : "shards4", &outer);
	if (r->n_views + count <= VIEWS_MAX) {
		for (uint32_t at = first + count; at < first + 2 * count; at++) {
			bpf_map_make_inner(&outer, at, sizeof(struct cf_bucket4), CF_SEG_BUCKETS);
			add_place(r, at, six);
			add_view(r, &outer, at, six);
		}
		__atomic_store_n((uint64_t *)run, (uint64_t)(2 * count) << 32 | first,
				 __ATOMIC_RELEASE);
		r->grown++;
	}
	munmap(shards, CF_CPUS_MAX * sizeof(*shards));
	close(outer.fd);
	close(m.fd);
}

static void open_control(struct reader *r)
{
	struct bpf_map_file m;

	bpf_map_open(r->dir, "control", &m);
	r->control = mmap(NULL, sizeof(*r->control), PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	if (r->control == MAP_FAILED) {
		perror("reader: control");
		exit(1);
	}
	close(m.fd);
}

/* ---- a round ----------------------------------------------------------------- */

/* False: nobody's. The incarnation is the same before and after, or it is copied again. */
static bool copy(struct reader *r, const struct cf_slot6 *from, struct cf_slot6 *to)
{
	const uint64_t *f = (const uint64_t *)from;
	uint64_t word[sizeof(*to) / 8], again;
	struct cf_slot_meta before, after;

	for (;; r->retries++) {
		word[0] = __atomic_load_n(f, __ATOMIC_ACQUIRE);
		memcpy(&before, &word[0], sizeof(before));
		if (!(before.flags & CF_SLOT_USED))
			return false;
		for (size_t i = 1; i < sizeof(word) / sizeof(*word); i++)
			word[i] = __atomic_load_n(f + i, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		again = __atomic_load_n(f, __ATOMIC_RELAXED);
		memcpy(&after, &again, sizeof(after));
		if (before.incarnation != after.incarnation)
			continue;
		memcpy(to, word, sizeof(*to));
		return true;
	}
}

static bool fits_dest(const struct view *v, const struct cf_slot6 *s)
{
	uint8_t number = v->six ? s->dst[7] : ((const struct cf_slot4 *)s)->dst[3];
	const struct cf_slot *c = &s->common;
	uint64_t headers = v->six ? 62 : 42;

	return c->payload_bytes == (uint64_t)c->packets * number &&
	       c->wire_bytes == c->payload_bytes + c->packets * headers;
}

/* A packet may be under way just now; not each time that one looks. */
static void check_by_dest(struct reader *r, const struct view *v, size_t i)
{
	struct cf_slot6 s;

	for (int tries = 0; tries < 1000; tries++)
		if (!copy(r, &v->slots[i], &s) || fits_dest(v, &s))
			return;
	r->mixed++;
}

static void book(struct reader *r, struct seen *seen, const struct cf_slot *s)
{
	int hook = !!(s->meta.flags & CF_SLOT_OUTSIDE);

	if (seen->any && seen->life != s->meta.incarnation) {
		*seen = (struct seen){ 0 };
		r->lives++;
	}
	r->booked[hook][0] += s->packets - seen->packets;
	r->booked[hook][1] += s->wire_bytes - seen->wire;
	r->booked[hook][2] += s->payload_bytes - seen->payload;
	*seen = (struct seen){ s->wire_bytes, s->payload_bytes, s->packets, s->meta.incarnation,
			       true };
}

static void scan(struct reader *r)
{
	struct cf_slot6 s;

	for (size_t n = 0; n < r->n_views; n++) {
		const struct view *v = &r->views[n];

		for (size_t i = 0; i < SEGMENT_SLOTS; i++) {
			if (!copy(r, &v->slots[i], &s))
				continue;
			if (r->by_dest && !fits_dest(v, &s))
				check_by_dest(r, v, i);
			book(r, &v->seen[i], &s.common);
		}
	}
}

static void acknowledge(struct reader *r)
{
	__atomic_store_n(&r->control->acked, r->control->epoch - 1, __ATOMIC_RELEASE);
}

static void one_round(struct reader *r)
{
	if (r->control->epoch - r->control->acked < 2)
		__atomic_store_n(&r->control->epoch, r->control->epoch + 1, __ATOMIC_SEQ_CST);
	if (!r->no_grace && syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0) {
		perror("reader: membarrier");
		exit(77);
	}
	if (r->early)
		acknowledge(r);
	scan(r);
	acknowledge(r);
	r->rounds++;
}

static void print(const struct reader *r)
{
	printf("{\"rounds\": %llu, \"retries\": %llu, \"lives\": %llu, \"mixed\": %llu, \"grown\": %llu, \"booked\": {",
	       (unsigned long long)r->rounds, (unsigned long long)r->retries,
	       (unsigned long long)r->lives, (unsigned long long)r->mixed,
	       (unsigned long long)r->grown);
	for (int hook = 0; hook < CF_HOOK_MAX; hook++)
		printf("%s\"%s\": [%llu, %llu, %llu]", hook ? ", " : "",
		       hook ? "outside" : "inside", (unsigned long long)r->booked[hook][0],
		       (unsigned long long)r->booked[hook][1],
		       (unsigned long long)r->booked[hook][2]);
	printf("}}\n");
}

static void parse(struct reader *r, int argc, char **argv)
{
	r->dir = "/sys/fs/bpf/curfew";
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--by-dest")) {
			r->by_dest = true;
			continue;
		}
		if (!value)
			usage();
		i++;
		if (!strcmp(argv[i - 1], "--dir"))
			r->dir = value;
		else if (!strcmp(argv[i - 1], "--every"))
			r->every_ms = (unsigned int)atoi(value);
		else if (!strcmp(argv[i - 1], "--grow"))
			r->grow = (unsigned int)atoi(value);
		else if (!strcmp(argv[i - 1], "--seconds"))
			r->seconds = atof(value);
		else if (!strcmp(value, "early"))
			r->early = true;
		else if (!strcmp(value, "no-grace"))
			r->no_grace = true;
		else
			usage();
	}
}

int main(int argc, char **argv)
{
	static struct reader r;
	double began = now();

	parse(&r, argc, argv);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	open_control(&r);
	open_family(&r, false);
	open_family(&r, true);
	/* what was acknowledged before us may be given away before our first look */
	one_round(&r);
	fputs("ready\n", stderr);
	while (!stopped && (!r.seconds || now() - began < r.seconds)) {
		one_round(&r);
		if (r.grow && r.rounds % r.grow == 0)
			grow_next(&r);
		usleep(r.every_ms * 1000);
	}
	one_round(&r);
	print(&r);
	return 0;
}
