/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every map of a datapath, and what it takes on machines with other numbers of CPUs. */
#ifndef CURFEW_BENCH_TABLES_MAPS_H
#define CURFEW_BENCH_TABLES_MAPS_H

#include <linux/bpf.h>

#include "port/datapath/datapath.h"
#include "report.h"

struct one_map {
	struct bpf_map_info info;
	uint64_t used;   /* elements, of those that are made when they are needed */
	double told_mib; /* by the kernel */
	bool segment;    /* of the pair table: there is one for each CPU, and more as pairs come */
	bool shares;     /* a CPU's part of `shares` */
	uint32_t of_cpu; /* of these two */
};
struct map_list {
	struct one_map *v;
	size_t n, cap;
};

/* The datapath pinned in that directory. 0 or an exit code. */
int maps_of(const char *dir, struct map_list *ret);
/* By the kernel's rules for its kind, if that many CPUs were possible. */
double map_mib(const struct one_map *m, uint32_t possible);
/* Does it grow with the number of possible CPUs? */
bool map_is_per_cpu(const struct one_map *m);
const char *map_kind(const struct one_map *m);

#endif
