/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a daemon: its wall clock is as many seconds ahead as the file says
 * that CLOCK_SLEW names. Nobody is told when it moves, as of a clock that is slewed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long ahead(void)
{
	const char *file = getenv("CLOCK_SLEW");
	FILE *f = file ? fopen(file, "re") : NULL;
	long long seconds = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%lld", &seconds) != 1)
		seconds = 0;
	fclose(f);
	return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, clock, t);

	if (!r && clock == CLOCK_REALTIME)
		t->tv_sec += ahead();
	return r;
}
