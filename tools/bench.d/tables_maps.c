/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tables_maps.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_memory.h"

#define MIB (1024.0 * 1024.0)

/* ---- which there are --------------------------------------------------------- */

static bool is_known(const struct map_list *l, uint32_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].info.id == id)
			return true;
	return false;
}

static uint64_t count_keys(int fd, const struct bpf_map_info *info)
{
	char *key = calloc(2, info->key_size), *next = key ? key + info->key_size : NULL;
	uint64_t n = 0;

	for (void *at = NULL; key && !bpf_map_get_next_key(fd, at, next); at = key, n++)
		memcpy(key, next, info->key_size);
	free(key);
	return n;
}

/* Programs and links are pinned, too, and have numbers of their own. */
static bool is_map(int fd)
{
	char path[64], what[32] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, what, sizeof(what) - 1) > 0 && !strcmp(what, "anon_inode:bpf-map");
}

/* Takes the descriptor. NULL: it was there already. */
static struct one_map *add_map(struct map_list *l, int fd)
{
	struct one_map m = { 0 }, *ret = NULL;
	uint32_t len = sizeof(m.info);

	if (fd < 0)
		return NULL;
	if (is_map(fd) && !bpf_obj_get_info_by_fd(fd, &m.info, &len) && !is_known(l, m.info.id)) {
		m.told_mib = map_memory(fd);
		if (m.info.map_flags & BPF_F_NO_PREALLOC)
			m.used = count_keys(fd, &m.info);
		ret = VEC_ADD(l);
		*ret = m;
	}
	close(fd);
	return ret;
}

static void add_maps_of_program(struct map_list *l, int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info), ids[128];

	info.map_ids = (uintptr_t)ids;
	info.nr_map_ids = ARRAY_SIZE(ids);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return;
	for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids); i++)
		add_map(l, bpf_map_get_fd_by_id(ids[i]));
}

/* Pinned maps; or those of pinned programs. */
static int add_pins(struct map_list *l, const char *dir, bool programs)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[512];

	if (!d)
		return bench_fail("%s: %s", dir, strerror(errno));
	while ((e = readdir(d))) {
		int fd;

		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		fd = bpf_obj_get(path);
		if (programs) {
			add_maps_of_program(l, fd);
			if (fd >= 0)
				close(fd);
		} else {
			add_map(l, fd);
		}
	}
	closedir(d);
	return 0;
}

static void add_segments(struct map_list *l, const char *dir, const char *outer, bool six)
{
	struct cf_cpu_shard shard;
	char path[512];
	int fd, shards;

	snprintf(path, sizeof(path), "%s/%s", dir, outer);
	fd = bpf_obj_get(path);
	snprintf(path, sizeof(path), "%s/cpu_shards", dir);
	shards = bpf_obj_get(path);
	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX && fd >= 0 && shards >= 0; cpu++) {
		uint32_t first, count, id;

		if (bpf_map_lookup_elem(shards, &cpu, &shard) < 0)
			continue;
		first = six ? shard.first6 : shard.first4;
		count = six ? shard.count6 : shard.count4;
		for (uint32_t i = first; i < first + count; i++) {
			struct one_map *m;

			if (bpf_map_lookup_elem(fd, &i, &id) < 0)
				continue;
			m = add_map(l, bpf_map_get_fd_by_id(id));
			if (m) {
				m->segment = true;
				m->of_cpu = cpu;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	if (shards >= 0)
		close(shards);
}

static void add_shares(struct map_list *l, const char *dir)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/shares", dir);
	fd = bpf_obj_get(path);
	for (uint32_t cpu = 0, id; cpu < CF_CPUS_MAX && fd >= 0; cpu++) {
		struct one_map *m = NULL;

		if (!bpf_map_lookup_elem(fd, &cpu, &id))
			m = add_map(l, bpf_map_get_fd_by_id(id));
		if (m) {
			m->shares = true;
			m->of_cpu = cpu;
		}
	}
	if (fd >= 0)
		close(fd);
}

int maps_of(const char *dir, struct map_list *ret)
{
	char programs[256];

	snprintf(programs, sizeof(programs), "%s/progs", dir);
	if (add_pins(ret, dir, false) || add_pins(ret, programs, true))
		return 1;
	add_segments(ret, dir, "shards4", false);
	add_segments(ret, dir, "shards6", true);
	add_shares(ret, dir);
	return 0;
}

/* ---- what they take ------------------------------------------------------------ */

/* As kernel/bpf/hashtab.c has them, Linux 6.1 to 7.x on 64 bits; a percent does not matter here. */
#define HASH_BUCKET  16
#define HASH_ELEMENT 48 /* beside key and value */

static uint64_t round8(uint64_t n)
{
	return (n + 7) & ~7ULL;
}

static uint64_t power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static uint64_t hash_bytes(const struct one_map *m, uint32_t possible)
{
	const struct bpf_map_info *i = &m->info;
	bool per_cpu = map_is_per_cpu(m), made = !(i->map_flags & BPF_F_NO_PREALLOC);
	uint64_t element = HASH_ELEMENT + round8(i->key_size) +
			   (per_cpu ? 8 + round8(i->value_size) * possible : round8(i->value_size));
	/* of those that are shared, each CPU has one spare */
	uint64_t n = made ? i->max_entries + (per_cpu ? 0 : possible) : m->used;

	return power_of_two(i->max_entries) * HASH_BUCKET + n * element;
}

bool map_is_per_cpu(const struct one_map *m)
{
	return m->info.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       m->info.type == BPF_MAP_TYPE_PERCPU_HASH ||
	       m->info.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

double map_mib(const struct one_map *m, uint32_t possible)
{
	const struct bpf_map_info *i = &m->info;
	uint64_t n = i->max_entries;

	switch (i->type) {
	case BPF_MAP_TYPE_ARRAY:
		return (double)(n * round8(i->value_size)) / MIB;
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return (double)(n * (round8(i->value_size) * possible + 8)) / MIB;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
		return (double)hash_bytes(m, possible) / MIB;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
		return (double)(n * 8) / MIB;
	default: /* rings, and what is to come */
		return m->told_mib;
	}
}

const char *map_kind(const struct one_map *m)
{
	static const char *const kinds[] = {
		[BPF_MAP_TYPE_ARRAY] = "array",
		[BPF_MAP_TYPE_PERCPU_ARRAY] = "array per CPU",
		[BPF_MAP_TYPE_HASH] = "hash",
		[BPF_MAP_TYPE_PERCPU_HASH] = "hash per CPU",
		[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array of maps",
		[BPF_MAP_TYPE_RINGBUF] = "ring",
	};

	if (m->info.type < ARRAY_SIZE(kinds) && kinds[m->info.type])
		return kinds[m->info.type];
	return "another";
}
