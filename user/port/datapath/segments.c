/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair table's segments: making them, putting them where programs look for them,
 * and mapping them. A shard's segments have numbers in a row in `shards4` or `shards6`, so
 * each CPU has many set aside there, eight bytes each, of which another may have the half
 * that comes online later; what segments there are stands in
 * `segment_places`, by family in the order in which they were made, and that is what they
 * are known by outside.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port/datapath/priv.h"

#define SEGMENT_BYTES (CF_SEG_BUCKETS * sizeof(struct cf_bucket4))

/* More numbers than these are not set aside, eight bytes each: then a shard's room is less. */
#define NUMBERS_MAX (1U << 19)

_Static_assert(sizeof(struct cf_bucket4) == sizeof(struct cf_bucket6), "segments of one size");

/* ---- how many ------------------------------------------------------------- */

uint32_t segments_max(const struct datapath *dp)
{
	uint32_t n = dp->opt.segments;

	return n && n < CF_SEGMENTS ? n : CF_SEGMENTS;
}

/* Of those that have a shard from the beginning. */
static uint32_t cpus_at_first(const struct datapath *dp)
{
	struct cpus online;

	return cpus_online(dp, &online) < 0 ? 1 : online.n > CF_CPUS_MAX ? CF_CPUS_MAX : online.n;
}

uint32_t segments_of_shard(const struct datapath *dp)
{
	uint32_t n = 1, most = segments_max(dp) / 2, cpus = cpus_at_first(dp);

	while (2 * n <= most && 2 * n * cpus <= NUMBERS_MAX)
		n *= 2;
	return n;
}

/* Numbers for all segments, also where one CPU has the half: others may come online. */
uint32_t segment_numbers(const struct datapath *dp)
{
	uint32_t n = segments_of_shard(dp) * cpus_at_first(dp);

	return n > segments_max(dp) ? n : segments_max(dp);
}

/* ---- making --------------------------------------------------------------- */

/* Its number plus 1, of one family. */
static uint32_t *place_of(const struct datapath *dp, uint32_t n, bool six)
{
	return six ? &dp->places[n].at6 : &dp->places[n].at4;
}

/* Where it stands, or where it can: -1: nowhere. */
static int64_t place_find(const struct datapath *dp, bool six, uint32_t number)
{
	int64_t room = -1;

	for (uint32_t n = 0; n < dp->sizes.segments_max; n++) {
		uint32_t at = *place_of(dp, n, six);

		if (at == number + 1)
			return n;
		if (!at && room < 0)
			room = n;
	}
	return room;
}

uint32_t segments_left(const struct datapath *dp, bool six)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dp->sizes.segments_max; i++)
		n += !*place_of(dp, i, six);
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

int segments_make(struct datapath *dp, bool six, uint32_t first, uint32_t count)
{
	int r = 0, outer_fd = dp_map_fd(dp, six ? "shards6" : "shards4");

	if (segments_left(dp, six) < count)
		return -ENOSPC;
	for (uint32_t n; count && !r; first += n, count -= n) {
		n = count < SEGMENTS_AT_ONCE ? count : SEGMENTS_AT_ONCE;
		r = make_some(outer_fd, first, n);
		for (uint32_t i = 0; i < n && !r; i++)
			*place_of(dp, (uint32_t)place_find(dp, six, first + i), six) =
				first + i + 1;
	}
	return r;
}

/* ---- mapping -------------------------------------------------------------- */

int places_map(struct datapath *dp)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = dp_map_fd(dp, "segment_places");
	void *p;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	p = mmap(NULL, info.max_entries * sizeof(*dp->places),
		 PROT_READ | (dp->read_only ? 0 : PROT_WRITE), MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	dp->places = p;
	dp->sizes.segments_max = info.max_entries;
	return 0;
}

int segments_map(struct datapath *dp, uint32_t cpu, bool six, uint32_t first, uint32_t count)
{
	int outer = dp_map_fd(dp, six ? "shards6" : "shards4");

	for (uint32_t i = first; i < first + count; i++) {
		int64_t place = place_find(dp, six, i);
		uint32_t id;
		void *base;
		int fd;

		if (place < 0)
			return -ENOENT;
		if (bpf_map_lookup_elem(outer, &i, &id) < 0)
			return -errno;
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			return -errno;
		base = mmap(NULL, SEGMENT_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		if (base == MAP_FAILED)
			return -errno;
		*VEC_ADD(&dp->segments) = (struct segment_view){ base, (uint32_t)place, cpu, six };
		*(six ? &dp->sizes.slots6 : &dp->sizes.slots4) += SEGMENT_SLOTS;
	}
	return 0;
}

/* Takes back the last n segments that were mapped. */
void segments_unmap_last(struct datapath *dp, size_t n)
{
	while (n--) {
		const struct segment_view *v = &dp->segments.v[--dp->segments.n];

		munmap((void *)v->base, SEGMENT_BYTES);
		*(v->six ? &dp->sizes.slots6 : &dp->sizes.slots4) -= SEGMENT_SLOTS;
	}
}

void segments_unmap(struct datapath *dp)
{
	segments_unmap_last(dp, dp->segments.n);
	free(dp->segments.v);
	if (dp->places)
		munmap(dp->places, dp->sizes.segments_max * sizeof(*dp->places));
}
