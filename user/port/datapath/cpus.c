/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs there are. Their ids may have holes: some are offline, or could be added. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cpu_list.h"
#include "port/datapath/priv.h"

#define CPUS_DIR "/sys/devices/system/cpu/"
/* A list of CF_CPUS_MAX single ones. */
#define LIST_BYTES 8192

static int read_list(const char *path, char text[LIST_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, LIST_BYTES - 1);
	r = n < 0 ? -errno : 0;
	close(fd);
	if (!r)
		text[n] = 0;
	return r;
}

int cpus_online(const struct datapath *dp, struct cpus *ret)
{
	char text[LIST_BYTES];
	const char *at = text;
	struct cpus cpus = { 0 };
	int r = read_list(dp->opt.cpus_online ? dp->opt.cpus_online : CPUS_DIR "online", text);

	if (r < 0)
		return r;
	for (uint32_t first, last; cpu_list_next(&at, &first, &last);) {
		cpus.n += last - first + 1;
		for (uint32_t cpu = first; cpu <= last && cpu < CF_CPUS_MAX; cpu++)
			cpus.is[cpu] = true;
	}
	if (!cpus.n)
		return -EPROTO;
	*ret = cpus;
	return 0;
}

uint32_t cpu_ids(void)
{
	char text[LIST_BYTES];
	const char *at = text;
	uint32_t first, last, ids = CF_CPUS_MAX;

	if (read_list(CPUS_DIR "possible", text) < 0)
		return ids;
	while (cpu_list_next(&at, &first, &last))
		ids = last + 1;
	return ids;
}
