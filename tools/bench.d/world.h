/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real datapath in a world of the part's own: mount and network namespaces,
 * a bpffs, the loader, the programs, by test-run. All of it is gone when the
 * process ends. Functions return 0, or an exit code after saying why.
 */
#ifndef CURFEW_BENCH_WORLD_H
#define CURFEW_BENCH_WORLD_H

#include "port/datapath/datapath.h"
#include "report.h"

struct bpf_object;

#define WORLD_HEAD "outside wan0\ninside lan0\nmode enforce\nsite { timezone \"Etc/UTC\" }\n"
#define WORLD_NOW  1795435200LL /* 2026-11-23 12:00 UTC */

/* Devices: lan0 with host0 at its far end, wan0 with isp0. */
int world_enter(void);
/* All that follows runs on the CPU that it runs on now. */
int world_stay(void);

/* A policy set, loaded; `name` is its directory on the bpffs. */
struct world_load {
	const char *name;
	const char *policy; /* NULL: tables only, no programs */
	uint32_t pairs;     /* slots per CPU and family that it begins with; 0: 4,096 */
	bool covers;        /* keeps its hooks: of the loads of a part one at most, the last */
	struct datapath *dp;
};
int world_load(struct world_load *l);
/* Lets this CPU's shard of a family grow to that many slots; a power of two. */
int world_grow(const struct world_load *l, uint64_t slots, bool six);
/* Detaches it and forgets its tables. */
void world_unload(struct world_load *l);
/* A pinned program of it, as "xdp_inside"; a descriptor, or -1. */
int world_program(const struct world_load *l, const char *program);
/* Before an object is loaded: maps of it that are the datapath's become those of this load. */
int world_share(const struct world_load *l, struct bpf_object *obj);

struct world_run {
	int fd;
	const void *frame;
	uint32_t size;
	bool tc;
	uint32_t ifindex, ingress_ifindex; /* tc: the device, and where it came in */
	uint32_t repeat;
	double ns;        /* of each */
	uint32_t verdict; /* of the last */
};
int world_run(struct world_run *run);

/* What is on the books of a load: its slots, those that were given away, and overflow. */
int world_books(const struct world_load *l, struct cf_traffic *ret);

#endif
