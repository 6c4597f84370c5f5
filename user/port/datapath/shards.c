/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair table from outside: making shards, letting them grow, reading them
 * as memory. How slots change hands meanwhile: curfew/abi.h, bpf/account.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "port/datapath/priv.h"

#define SHARDS_BYTES (CF_CPUS_MAX * sizeof(struct cf_cpu_shard))

/* ---- making and growing -------------------------------------------------- */

static uint32_t segments_for(uint32_t slots, uint32_t most)
{
	uint32_t n = 1;

	while (n * SEGMENT_SLOTS < slots && 2 * n <= most)
		n *= 2;
	return n;
}

/* Both halves as one store: the CPU reads them as one (see struct cf_cpu_shard). */
static void publish_run(uint32_t *at, uint32_t first, uint32_t count)
{
	uint64_t run;
	uint32_t halves[2] = { first, count };

	memcpy(&run, halves, sizeof(run));
	__atomic_store_n((uint64_t *)at, run, __ATOMIC_RELEASE);
}

static int make_shares(struct datapath *dp, uint32_t cpu)
{
	int r = 0, fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "shares_of_cpu", sizeof(uint32_t),
				       sizeof(uint64_t), CF_SHARES, NULL);

	if (fd < 0)
		return -errno;
	if (bpf_map_update_elem(dp_map_fd(dp, "shares"), &cpu, &fd, BPF_ANY) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* Begins at number `first` and has room for so many segments. Published last. */
static int make_shard(struct datapath *dp, uint32_t cpu, uint32_t first, uint32_t room)
{
	struct cf_cpu_shard *s = &dp->cpu_shards[cpu];
	size_t mapped = dp->segments.n;
	uint32_t n = segments_for(dp->opt.pairs_per_cpu, room);
	int r;

	/* tried again at each poll: what the one family gets is not to be left behind */
	if (segments_left(dp, false) < n || segments_left(dp, true) < n)
		return -ENOSPC;
	r = segments_make(dp, false, first, n);
	if (!r)
		r = segments_make(dp, true, first, n);
	if (!r)
		r = make_shares(dp, cpu);
	if (!r)
		r = segments_map(dp, cpu, false, first, n);
	if (!r)
		r = segments_map(dp, cpu, true, first, n);
	if (r < 0) {
		segments_unmap_last(dp, dp->segments.n - mapped);
		return r;
	}
	publish_run(&s->first4, first, n);
	publish_run(&s->first6, first, n);
	return 0;
}

int shards_make(struct datapath *dp, struct why *why)
{
	uint32_t room = segments_of_shard(dp), made = 0;
	struct cpus online;
	int r = cpus_online(dp, &online);

	if (r < 0)
		return why_set(why, r, "which CPUs are online: %s", strerror(-r));
	/* of a start that did not get to its end: it had other CPUs, perhaps */
	memset(dp->cpu_shards, 0, SHARDS_BYTES);
	memset(dp->places, 0, dp->sizes.segments_max * sizeof(*dp->places));
	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX; cpu++) {
		if (!online.is[cpu])
			continue;
		/* online since the tables were given their size: datapath_shard_missing() */
		if ((made + 1) * room > dp->numbers)
			break;
		r = make_shard(dp, cpu, made * room, room);
		if (r < 0)
			return why_set(why, r, "pair table of CPU %u: %s", cpu, strerror(-r));
		made++;
	}
	return made ? 0 : why_set(why, -ENODEV, "no CPU got a pair table");
}

/* ---- CPUs that come later -------------------------------------------------- */

/* Where the numbers end that a shard has for itself: those of both families begin at one place. */
static uint32_t run_end(const struct datapath *dp, uint32_t first)
{
	uint32_t end = dp->numbers;

	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX; cpu++) {
		const struct cf_cpu_shard *s = &dp->cpu_shards[cpu];

		if (s->count4 && s->first4 > first && s->first4 < end)
			end = s->first4;
	}
	return end;
}

/* A shard may have half of all segments, if it has numbers for them. */
static uint32_t run_room(const struct datapath *dp, uint32_t first)
{
	uint32_t room = run_end(dp, first) - first, most = dp->sizes.segments_max / 2;

	return room < most ? room : most;
}

/* The upper half of what another one has, or what it has not used of that: of whom most is left. */
static uint32_t half_of_another(const struct datapath *dp, uint32_t *ret_first)
{
	uint32_t most = 0;

	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX; cpu++) {
		const struct cf_cpu_shard *s = &dp->cpu_shards[cpu];
		uint32_t used = s->count4 > s->count6 ? s->count4 : s->count6;
		uint32_t all = used ? run_end(dp, s->first4) - s->first4 : 0;
		uint32_t keeps = used > all / 2 ? used : all / 2;

		if (all <= keeps || all - keeps <= most)
			continue;
		most = all - keeps;
		*ret_first = s->first4 + keeps;
	}
	return most;
}

int datapath_shard_missing(struct datapath *dp, uint32_t *ret_cpu)
{
	uint32_t cpu = 0, first, room;
	struct cpus online;
	int r = cpus_online(dp, &online);

	if (r < 0)
		return r;
	while (cpu < CF_CPUS_MAX && (!online.is[cpu] || dp->cpu_shards[cpu].count4))
		cpu++;
	if (cpu == CF_CPUS_MAX)
		return 0;
	*ret_cpu = cpu;
	room = half_of_another(dp, &first);
	r = room ? make_shard(dp, cpu, first, room) : -ENOSPC;
	return r < 0 ? r : 1;
}

/* ---- mapping --------------------------------------------------------------- */

int cpu_shards_map(struct datapath *dp)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	void *p = mmap(NULL, SHARDS_BYTES, PROT_READ | (dp->read_only ? 0 : PROT_WRITE), MAP_SHARED,
		       dp_map_fd(dp, "cpu_shards"), 0);

	if (p == MAP_FAILED)
		return -errno;
	dp->cpu_shards = p;
	if (bpf_obj_get_info_by_fd(dp_map_fd(dp, "shards4"), &info, &len) < 0)
		return -errno;
	dp->numbers = info.max_entries;
	return 0;
}

int shards_map(struct datapath *dp, struct why *why)
{
	int r = 0;

	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX && !r; cpu++) {
		struct cf_cpu_shard s = dp->cpu_shards[cpu];

		if (!s.count4)
			continue;
		r = segments_map(dp, cpu, false, s.first4, s.count4);
		if (!r)
			r = segments_map(dp, cpu, true, s.first6, s.count6);
	}
	return r < 0 ? why_set(why, r, "pair table: %s", strerror(-r)) : 0;
}

void shards_count(const struct datapath *dp, struct datapath_sizes *ret)
{
	struct cpus online = { 0 };

	cpus_online(dp, &online);
	ret->cpus_online = ret->cpus_without = online.n;
	ret->cpus = 0;
	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX; cpu++) {
		bool has = dp->cpu_shards[cpu].count4;

		ret->cpus += has;
		ret->cpus_without -= has && online.is[cpu];
	}
}

void shards_unmap(struct datapath *dp)
{
	segments_unmap(dp);
	shard_uses_done(&dp->uses);
	if (dp->cpu_shards)
		munmap(dp->cpu_shards, SHARDS_BYTES);
}

int datapath_shard_grow(struct datapath *dp, uint32_t cpu, bool six, uint64_t slots)
{
	struct cf_cpu_shard *s = &dp->cpu_shards[cpu];
	uint32_t *run = six ? &s->first6 : &s->first4, first = run[0], count = run[1], next = count;
	size_t mapped = dp->segments.n;
	int r;

	if (!count)
		return -ENOSPC;
	while ((uint64_t)next * SEGMENT_SLOTS < slots)
		next *= 2;
	if (next == count)
		return 0;
	if (next > run_room(dp, first))
		return -ENOSPC;
	r = segments_make(dp, six, first + count, next - count);
	if (!r)
		r = segments_map(dp, cpu, six, first + count, next - count);
	if (r < 0) {
		segments_unmap_last(dp, dp->segments.n - mapped);
		return r;
	}
	publish_run(run, first, next);
	return 0;
}

typedef uint64_t lane_bytes[CF_HOOK_MAX][CF_OVERFLOW_LANES];

static int overflow_of_lanes(struct datapath *dp, lane_bytes ret)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "notes"), r = 0;
	struct cf_note_count *v;

	if (cpus < 0)
		return cpus;
	memset(ret, 0, sizeof(lane_bytes));
	v = xcalloc((size_t)cpus, sizeof(*v));
	for (uint32_t hook = 0; hook < CF_HOOK_MAX && !r; hook++) {
		uint32_t i = hook * CF_NOTE_MAX + CF_NOTE_OVERFLOW;

		if (bpf_map_lookup_elem(fd, &i, v) < 0)
			r = -errno;
		for (int c = 0; c < cpus && !r; c++)
			ret[hook][c % CF_OVERFLOW_LANES] += v[c].wire_bytes;
	}
	free(v);
	return r;
}

void datapath_outgrown(struct datapath *dp, uint32_t lanes)
{
	lane_bytes bytes;

	/* who looked for room before there was */
	dp_grace_period(dp);
	if (overflow_of_lanes(dp, bytes) < 0)
		return;
	for (int hook = 0; hook < CF_HOOK_MAX; hook++)
		for (uint32_t l = 0; l < CF_OVERFLOW_LANES; l++)
			if (lanes & OVERFLOW_LANE(l))
				__atomic_store_n(&dp->control->outgrown[hook][l], bytes[hook][l],
						 __ATOMIC_RELAXED);
}

int datapath_no_room(struct datapath *dp, uint64_t ret[CF_HOOK_MAX])
{
	lane_bytes bytes;
	int r = overflow_of_lanes(dp, bytes);

	memset(ret, 0, CF_HOOK_MAX * sizeof(*ret));
	for (int hook = 0; hook < CF_HOOK_MAX && !r; hook++)
		for (int l = 0; l < CF_OVERFLOW_LANES; l++)
			ret[hook] += bytes[hook][l] - dp->control->outgrown[hook][l];
	return r;
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
