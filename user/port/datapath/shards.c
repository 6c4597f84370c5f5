/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair table from outside: making shards, letting them grow, reading them
 * as memory. How slots change hands meanwhile: curfew/abi.h, bpf/account.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "port/datapath/priv.h"

#define SEGMENT_BYTES (CF_SEG_BUCKETS * sizeof(struct cf_bucket4))
#define SEGMENT_SLOTS (CF_SEG_BUCKETS * CF_BUCKET_SLOTS)
#define SHARDS_BYTES  (CF_CPUS_MAX * sizeof(struct cf_cpu_shard))

/* A new shard's slots: 4 MiB and 2 MiB. The rest comes when it is needed. */
#define FIRST_SLOTS4 65536
#define FIRST_SLOTS6 32768

_Static_assert(sizeof(struct cf_bucket4) == sizeof(struct cf_bucket6), "segments of one size");

/* ---- making and growing -------------------------------------------------- */

static uint32_t cpus_configured(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n < 1 ? 1 : n > CF_CPUS_MAX ? CF_CPUS_MAX : (uint32_t)n;
}

/* The run of segment numbers set aside for each CPU, so that its shard can grow where it is. */
static uint32_t stride(void)
{
	uint32_t n = CF_SEGMENTS;

	while (n * cpus_configured() > CF_SEGMENTS)
		n /= 2;
	return n;
}

static uint32_t segments_for(uint32_t slots)
{
	uint32_t n = 1;

	while (n * SEGMENT_SLOTS < slots && n < stride())
		n *= 2;
	return n;
}

/* Each change of an array of maps waits for a grace period; a batch, since 6.8, for one in all. */
static int put_segments(int outer_fd, const uint32_t *at, const int *fds, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t done = n;

	if (!bpf_map_update_batch(outer_fd, at, fds, &done, &opts))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (bpf_map_update_elem(outer_fd, &at[i], &fds[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

/* Few enough for any limit of open files. */
#define SEGMENTS_AT_ONCE 64

static int make_some(int outer_fd, uint32_t first, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	uint32_t at[SEGMENTS_AT_ONCE], made = 0;
	int fds[SEGMENTS_AT_ONCE], r = 0;

	for (; made < n && !r; made++) {
		at[made] = first + made;
		fds[made] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "segment", sizeof(uint32_t),
					   sizeof(struct cf_bucket4), CF_SEG_BUCKETS, &opts);
		if (fds[made] < 0)
			r = -errno;
	}
	if (!r)
		r = put_segments(outer_fd, at, fds, n);
	while (made--)
		if (fds[made] >= 0)
			close(fds[made]);
	return r;
}

static int make_segments(struct datapath *dp, bool six, uint32_t first, uint32_t count)
{
	int r = 0, outer_fd = dp_map_fd(dp, six ? "shards6" : "shards4");

	for (uint32_t n; count && !r; first += n, count -= n) {
		n = count < SEGMENTS_AT_ONCE ? count : SEGMENTS_AT_ONCE;
		r = make_some(outer_fd, first, n);
	}
	return r;
}

/* Both halves as one store: the CPU reads them as one (see struct cf_cpu_shard). */
static void publish_run(uint32_t *at, uint32_t first, uint32_t count)
{
	uint64_t run;
	uint32_t halves[2] = { first, count };

	memcpy(&run, halves, sizeof(run));
	__atomic_store_n((uint64_t *)at, run, __ATOMIC_RELEASE);
}

/* Shards for the CPUs that are there; another one's traffic goes to overflow until it has one. */
int shards_make(struct datapath *dp, struct why *why)
{
	uint32_t asked = dp->opt.pairs_per_cpu;
	uint32_t n4 = segments_for(asked ? asked : FIRST_SLOTS4);
	uint32_t n6 = segments_for(asked ? asked : FIRST_SLOTS6), made = 0;
	int fd = dp_map_fd(dp, "cpu_shards");

	for (uint32_t cpu = 0; cpu < cpus_configured(); cpu++) {
		struct cf_cpu_shard s = { cpu * stride(), n4, cpu * stride(), n6 };
		char path[64];
		int r;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
		if (access(path, F_OK) < 0)
			continue;
		r = make_segments(dp, false, s.first4, n4);
		if (!r)
			r = make_segments(dp, true, s.first6, n6);
		if (!r && bpf_map_update_elem(fd, &cpu, &s, BPF_ANY) < 0)
			r = -errno;
		if (r < 0)
			return why_set(why, r, "pair table of CPU %u: %s", cpu, strerror(-r));
		made++;
	}
	return made ? 0 : why_set(why, -ENODEV, "no CPU got a pair table");
}

static int map_segments(struct datapath *dp, uint32_t cpu, bool six, uint32_t first, uint32_t count)
{
	int outer = dp_map_fd(dp, six ? "shards6" : "shards4");

	for (uint32_t i = first; i < first + count; i++) {
		uint32_t id;
		void *base;
		int fd;

		if (bpf_map_lookup_elem(outer, &i, &id) < 0)
			return -errno;
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			return -errno;
		base = mmap(NULL, SEGMENT_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		if (base == MAP_FAILED)
			return -errno;
		*VEC_ADD(&dp->segments) = (struct segment_view){ base, i, cpu, six };
		*(six ? &dp->sizes.slots6 : &dp->sizes.slots4) += SEGMENT_SLOTS;
	}
	return 0;
}

int shards_map(struct datapath *dp, struct why *why)
{
	int fd = dp_map_fd(dp, "cpu_shards"), r = 0;
	void *p = mmap(NULL, SHARDS_BYTES, PROT_READ | (dp->read_only ? 0 : PROT_WRITE), MAP_SHARED,
		       fd, 0);

	if (p == MAP_FAILED)
		return why_set(why, -errno, "cpu_shards: %s", strerror(errno));
	dp->cpu_shards = p;
	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX && !r; cpu++) {
		struct cf_cpu_shard s = dp->cpu_shards[cpu];

		if (!s.count4)
			continue;
		r = map_segments(dp, cpu, false, s.first4, s.count4);
		if (!r)
			r = map_segments(dp, cpu, true, s.first6, s.count6);
		dp->sizes.cpus++;
	}
	return r < 0 ? why_set(why, r, "pair table: %s", strerror(-r)) : 0;
}

void shards_unmap(struct datapath *dp)
{
	for (size_t i = 0; i < dp->segments.n; i++)
		munmap((void *)dp->segments.v[i].base, SEGMENT_BYTES);
	free(dp->segments.v);
	shard_uses_done(&dp->uses);
	if (dp->cpu_shards)
		munmap(dp->cpu_shards, SHARDS_BYTES);
}

/* Takes back the last n segments that were mapped. */
static void unmap_last(struct datapath *dp, size_t n)
{
	while (n--) {
		const struct segment_view *v = &dp->segments.v[--dp->segments.n];

		munmap((void *)v->base, SEGMENT_BYTES);
		*(v->six ? &dp->sizes.slots6 : &dp->sizes.slots4) -= SEGMENT_SLOTS;
	}
}

int datapath_shard_grow(struct datapath *dp, uint32_t cpu, bool six)
{
	struct cf_cpu_shard *s = &dp->cpu_shards[cpu];
	uint32_t *run = six ? &s->first6 : &s->first4, first = run[0], count = run[1];
	size_t mapped = dp->segments.n;
	int r;

	if (!count || 2 * count > stride())
		return -ENOSPC;
	r = make_segments(dp, six, first + count, count);
	if (!r)
		r = map_segments(dp, cpu, six, first + count, count);
	if (r < 0) {
		unmap_last(dp, dp->segments.n - mapped);
		return r;
	}
	publish_run(run, first, 2 * count);
	return 0;
}

/* ---- epochs -------------------------------------------------------------- */

/* Changing an array of maps waits for the programs that may hold what was in it. */
static int grace_by_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t zero = 0;
	int r = 0, outer = -1;
	int inner =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace", sizeof(zero), sizeof(zero), 1, NULL);

	if (inner < 0)
		return -errno;
	opts.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace_outer", sizeof(zero),
			       sizeof(zero), 1, &opts);
	if (outer < 0 || bpf_map_update_elem(outer, &zero, &inner, BPF_ANY) < 0)
		r = -errno;
	if (outer >= 0)
		close(outer);
	close(inner);
	return r;
}

/* membarrier(2) GLOBAL is synchronize_rcu(), and refused where nohz_full is used. */
int dp_grace_period(struct datapath *dp _unused_)
{
	if (!syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return 0;
	return grace_by_map();
}

int datapath_commit_begin(struct datapath *dp)
{
	volatile struct cf_control *c = dp->control;

	/* else one was begun and not ended: its epoch is published already */
	if (c->epoch - c->acked < 2)
		__atomic_store_n(&c->epoch, c->epoch + 1, __ATOMIC_SEQ_CST);
	return dp_grace_period(dp);
}

void datapath_commit_end(struct datapath *dp)
{
	__atomic_store_n(&dp->control->acked, datapath_commit_epoch(dp), __ATOMIC_RELEASE);
}

int datapath_freeze(struct datapath *dp)
{
	__atomic_store_n(&dp->control->frozen, 1, __ATOMIC_SEQ_CST);
	return dp_grace_period(dp);
}

void datapath_thaw(struct datapath *dp)
{
	__atomic_store_n(&dp->control->frozen, 0, __ATOMIC_RELEASE);
}

uint32_t datapath_commit_epoch(const struct datapath *dp)
{
	return dp->control->epoch - 1;
}

uint64_t datapath_tables_id(const struct datapath *dp)
{
	return dp->control->tables_id;
}
