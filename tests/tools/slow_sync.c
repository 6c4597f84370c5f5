/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into a daemon: a disk that takes SLOW_SYNC milliseconds for each fdatasync(2). */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int fd)
{
	const char *text = getenv("SLOW_SYNC");
	long ms = text ? strtol(text, NULL, 10) : 0;
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
	return fsync(fd);
}
