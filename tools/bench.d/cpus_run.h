/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same on several CPUs at once: one thread on each, all begin together. */
#ifndef CURFEW_BENCH_CPUS_RUN_H
#define CURFEW_BENCH_CPUS_RUN_H

#include "world.h"

#define CPUS_RUN_MAX 256

/* The CPUs that this process may run on; how many. */
unsigned int cpus_allowed(int cpus[CPUS_RUN_MAX]);
/* runs[i] on cpus[i]; in *ret_ns the mean of what a packet took. 0 or an exit code. */
int cpus_run(struct world_run *runs, const int *cpus, unsigned int n, double *ret_ns);

#endif
