/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What maps take of the machine's memory. In MiB. */
#ifndef CURFEW_BENCH_KERNEL_MEMORY_H
#define CURFEW_BENCH_KERNEL_MEMORY_H

/*
 * What the kernel has of slab, vmalloc and per-CPU memory: where maps are. Its
 * growth is theirs, and of whatever else grows meanwhile, which is less than of free
 * memory as a whole.
 */
double kernel_memory(void);
double available_memory(void);
/* A map's own account. Before 6.4 it is an estimate, and of an LPM trie it is one still. */
double map_memory(int fd);

#endif
