/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a daemon, kills it where nobody could by chance: at the
 * DIE_COUNT-th rename() to a path that ends with DIE_PATH, before it is done or
 * right after, as DIE_AT says.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool now_is_it(const char *to)
{
	static int left;
	const char *path = getenv("DIE_PATH"), *count = getenv("DIE_COUNT");
	size_t n = path ? strlen(path) : 0, m = strlen(to);

	if (!n || m < n || strcmp(to + m - n, path) != 0)
		return false;
	if (!left)
		left = count ? atoi(count) : 1;
	return --left == 0;
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = NULL;
	const char *at = getenv("DIE_AT");
	bool die = at && now_is_it(to);
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "rename");
	if (die && !strcmp(at, "before"))
		kill(getpid(), SIGKILL);
	r = real(from, to);
	if (die)
		kill(getpid(), SIGKILL);
	return r;
}
