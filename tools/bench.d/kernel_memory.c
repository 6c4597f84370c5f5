/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_memory.h"

#include <stdio.h>
#include <string.h>

/* The sum of the lines that begin with one of these names. */
static double lines_of(const char *path, const char *const *names)
{
	FILE *f = fopen(path, "re");
	char line[256], name[32];
	double sum = 0, value;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31[^:]: %lf", name, &value) != 2)
			continue;
		for (const char *const *n = names; *n; n++)
			if (!strcmp(*n, name))
				sum += value;
	}
	if (f)
		fclose(f);
	return sum;
}

double kernel_memory(void)
{
	static const char *const names[] = { "Slab", "VmallocUsed", "Percpu", NULL };

	return lines_of("/proc/meminfo", names) / 1024;
}

double available_memory(void)
{
	static const char *const names[] = { "MemAvailable", NULL };

	return lines_of("/proc/meminfo", names) / 1024;
}

double map_memory(int fd)
{
	static const char *const names[] = { "memlock", NULL };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return lines_of(path, names) / (1 << 20);
}
