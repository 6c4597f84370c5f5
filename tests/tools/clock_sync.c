/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a daemon: the kernel's clock is synchronised if there is a file
 * called as CLOCK_SYNC says, and not else. There is one such clock per machine, and
 * it is not a test's to set.
 */
#include <stdlib.h>
#include <sys/timex.h>
#include <unistd.h>

int adjtimex(struct timex *t)
{
	const char *file = getenv("CLOCK_SYNC");
	int known = file && access(file, F_OK) == 0;

	t->status = known ? 0 : STA_UNSYNC;
	return known ? TIME_OK : TIME_ERROR;
}
