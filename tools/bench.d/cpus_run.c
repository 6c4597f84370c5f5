/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus_run.h"

#include <pthread.h>
#include <sched.h>

unsigned int cpus_allowed(int cpus[CPUS_RUN_MAX])
{
	unsigned int n = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int i = 0; i < CPU_SETSIZE && n < CPUS_RUN_MAX; i++)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
	return n;
}

struct thread {
	pthread_t id;
	pthread_barrier_t *ready;
	struct world_run *run;
	int cpu, error;
};

static void *on_cpu(void *arg)
{
	struct thread *t = arg;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(t->cpu, &one);
	t->error = pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	pthread_barrier_wait(t->ready);
	if (!t->error)
		t->error = world_run(t->run);
	return NULL;
}

int cpus_run(struct world_run *runs, const int *cpus, unsigned int n, double *ret_ns)
{
	struct thread threads[CPUS_RUN_MAX];
	pthread_barrier_t ready;
	double sum = 0;
	int error = 0;

	pthread_barrier_init(&ready, NULL, n);
	for (unsigned int i = 0; i < n; i++) {
		threads[i] = (struct thread){ .ready = &ready, .run = &runs[i], .cpu = cpus[i] };
		/* those that wait already would wait for ever */
		if (pthread_create(&threads[i].id, NULL, on_cpu, &threads[i]))
			exit(bench_fail("no more threads"));
	}
	for (unsigned int i = 0; i < n; i++) {
		pthread_join(threads[i].id, NULL);
		error |= threads[i].error;
		sum += runs[i].ns;
	}
	pthread_barrier_destroy(&ready);
	*ret_ns = sum / n;
	return error ? bench_fail("a thread could not run on its CPU") : 0;
}
