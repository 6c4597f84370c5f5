/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

static long bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static void die(const char *what)
{
	fprintf(stderr, "books: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* "0-3": values of per-CPU maps are for possible CPUs, not for those that are there. */
static uint32_t possible_cpus(void)
{
	static uint32_t known;
	unsigned int first, last;
	FILE *f;
	int n;

	if (known)
		return known;
	f = fopen("/sys/devices/system/cpu/possible", "re");
	if (!f)
		die("/sys/devices/system/cpu/possible");
	n = fscanf(f, "%u-%u", &first, &last);
	fclose(f);
	known = n == 2 ? last + 1 : 1;
	return known;
}

void bpf_map_open(const char *dir, const char *name, struct bpf_map_file *ret)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { 0 };
	char path[256];
	bool percpu;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	attr.pathname = pointer(path);
	ret->fd = (int)bpf(BPF_OBJ_GET, &attr);
	if (ret->fd < 0)
		die(path);
	attr = (union bpf_attr){ 0 };
	attr.info.bpf_fd = (uint32_t)ret->fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = pointer(&info);
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		die(path);
	percpu = info.type == BPF_MAP_TYPE_PERCPU_ARRAY || info.type == BPF_MAP_TYPE_PERCPU_HASH;
	ret->key_size = info.key_size;
	ret->value_size = info.value_size;
	ret->max_entries = info.max_entries;
	ret->cpus = percpu ? possible_cpus() : 1;
	ret->stride = ((size_t)info.value_size + 7) / 8 * 8;
	ret->room = ret->stride * ret->cpus;
}

bool bpf_map_get(const struct bpf_map_file *m, const void *key, void *value)
{
	union bpf_attr attr = { 0 };

	attr.map_fd = (uint32_t)m->fd;
	attr.key = pointer(key);
	attr.value = pointer(value);
	if (!bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		return true;
	if (errno != ENOENT)
		die("lookup");
	return false;
}

bool bpf_map_next(const struct bpf_map_file *m, const void *key, void *next)
{
	union bpf_attr attr = { 0 };

	attr.map_fd = (uint32_t)m->fd;
	attr.key = pointer(key);
	attr.next_key = pointer(next);
	if (!bpf(BPF_MAP_GET_NEXT_KEY, &attr))
		return true;
	if (errno != ENOENT)
		die("next key");
	return false;
}

void bpf_map_sum(const struct bpf_map_file *m, const void *value, size_t offset, size_t n,
		 uint64_t *sums)
{
	for (uint32_t cpu = 0; cpu < m->cpus; cpu++) {
		const char *v = (const char *)value + cpu * m->stride + offset;

		for (size_t i = 0; i < n; i++) {
			uint64_t one;

			memcpy(&one, v + 8 * i, sizeof(one));
			sums[i] += one;
		}
	}
}

static void *map_memory(int fd, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

void *bpf_map_memory(const struct bpf_map_file *m, size_t bytes)
{
	return map_memory(m->fd, bytes);
}

void *bpf_map_inner(const struct bpf_map_file *m, uint32_t at, size_t bytes)
{
	union bpf_attr attr = { 0 };
	uint32_t id;
	void *p;
	int fd;

	if (!bpf_map_get(m, &at, &id))
		return NULL;
	attr.map_id = id;
	fd = (int)bpf(BPF_MAP_GET_FD_BY_ID, &attr);
	if (fd < 0)
		die("inner map");
	p = map_memory(fd, bytes);
	close(fd);
	return p;
}

void bpf_map_make_inner(const struct bpf_map_file *m, uint32_t at, uint32_t value_size,
			uint32_t entries)
{
	union bpf_attr attr = { 0 };
	uint32_t fd;

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = value_size;
	attr.max_entries = entries;
	attr.map_flags = BPF_F_MMAPABLE;
	fd = (uint32_t)bpf(BPF_MAP_CREATE, &attr);
	if ((int)fd < 0)
		die("inner map");
	attr = (union bpf_attr){ 0 };
	attr.map_fd = (uint32_t)m->fd;
	attr.key = pointer(&at);
	attr.value = pointer(&fd);
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0)
		die("array of maps");
	close((int)fd);
}
