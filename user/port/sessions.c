/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define ESTABLISHED 1 /* include/net/tcp_states.h */

/* Words of four bytes, each as a number of this machine: "0100007F" is 127.0.0.1 on most. */
static bool address(const char *hex, struct addr *ret)
{
	size_t words = strlen(hex) / 8;
	uint8_t b[16];

	if (strlen(hex) % 8 || (words != 1 && words != 4))
		return false;
	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		if (sscanf(hex + 8 * i, "%8x", &word) != 1)
			return false;
		memcpy(b + 4 * i, &word, 4);
	}
	if (words == 4)
		memcpy(ret->b, b, 16);
	else
		*ret = addr_from4(b);
	return true;
}

static int read_list(const char *path, uint16_t local_port, struct session_list *ret)
{
	FILE *f = fopen(path, "re");
	char line[512], local[40], remote[40];
	unsigned int state;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		struct session s;

		if (sscanf(line, " %*d: %36[0-9A-Fa-f]:%4hx %36[0-9A-Fa-f]:%4hx %2x", local,
			   &s.local_port, remote, &s.remote_port, &state) != 5)
			continue; /* the heading */
		if (state == ESTABLISHED && s.local_port == local_port &&
		    address(local, &s.local) && address(remote, &s.remote))
			*VEC_ADD(ret) = s;
	}
	fclose(f);
	return 0;
}

int sessions_read(uint16_t local_port, struct session_list *ret)
{
	int r = read_list("/proc/net/tcp", local_port, ret);
	int r6 = read_list("/proc/net/tcp6", local_port, ret);

	/* a kernel without IPv6 has no such file */
	return r < 0 ? r : r6 == -ENOENT ? 0 : r6;
}
