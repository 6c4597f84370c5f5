/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pinned maps by system calls alone: what reads the books for a test shares no code with what keeps
 * them. */
#ifndef CURFEW_TESTS_TOOLS_BPF_READ_H
#define CURFEW_TESTS_TOOLS_BPF_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_map_file {
	int fd;
	uint32_t key_size, value_size, max_entries;
	uint32_t cpus; /* values of an entry: 1, or one per possible CPU */
	size_t room;   /* bytes that a lookup writes */
	size_t stride; /* from one CPU's value to the next */
};

/* Ends the process when there is no such map: a test cannot go on without. */
void bpf_map_open(const char *dir, const char *name, struct bpf_map_file *ret);
/* False: no such entry. `value` has room for all CPUs. */
bool bpf_map_get(const struct bpf_map_file *m, const void *key, void *value);
/* After `key` (NULL: the first). False: that was the last. */
bool bpf_map_next(const struct bpf_map_file *m, const void *key, void *next);
/* Sums 64-bit counters: `n` of them at `offset` in each CPU's value. */
void bpf_map_sum(const struct bpf_map_file *m, const void *value, size_t offset, size_t n,
		 uint64_t *sums);
/* The inner map at a place of an array of maps, as memory; NULL: none there. */
void *bpf_map_inner(const struct bpf_map_file *m, uint32_t at, size_t bytes);
/* Puts a new memory-mappable array there, of `entries` values of `value_size`. */
void bpf_map_make_inner(const struct bpf_map_file *m, uint32_t at, uint32_t value_size,
			uint32_t entries);
void *bpf_map_memory(const struct bpf_map_file *m, size_t bytes);

#endif
