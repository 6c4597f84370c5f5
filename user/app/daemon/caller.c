/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/daemon/caller.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define ENVIRON_MAX (256 << 10)

bool caller_parse(const char *text, struct caller *ret)
{
	char client[64], server[64];
	struct caller c = { 0 };
	char *zone;

	if (sscanf(text, "%63s %hu %63s %hu", client, &c.client_port, server, &c.server_port) != 4)
		return false;
	/* fe80::1%eth0: the zone is no part of the address. */
	zone = strchr(client, '%');
	if (zone)
		*zone = '\0';
	zone = strchr(server, '%');
	if (zone)
		*zone = '\0';
	if (addr_parse(client, &c.client) < 0 || addr_parse(server, &c.server) < 0)
		return false;
	*ret = c;
	return true;
}

static bool find_in_environ(pid_t pid, struct caller *ret)
{
	static const char name[] = "SSH_CONNECTION=";
	_cleanup_free_ char *path = xprintf("/proc/%d/environ", (int)pid);
	_cleanup_free_ char *text = xcalloc(1, ENVIRON_MAX + 1);
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, ENVIRON_MAX, f);
	fclose(f);
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		if (!strncmp(p, name, sizeof(name) - 1))
			return caller_parse(p + sizeof(name) - 1, ret);
	return false;
}

/* 0: unknown. The name in stat may hold anything, so the last ')' ends it (proc(5)). */
static pid_t parent_of(pid_t pid)
{
	_cleanup_free_ char *path = xprintf("/proc/%d/stat", (int)pid);
	char text[1024], *p;
	FILE *f = fopen(path, "re");
	int parent = 0;
	size_t n;

	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

bool caller_find(struct caller *ret)
{
	const char *text = getenv("SSH_CONNECTION");
	pid_t pid = getppid();

	if (text)
		return caller_parse(text, ret);
	for (int depth = 0; pid > 1 && depth < 32; depth++) {
		if (find_in_environ(pid, ret))
			return true;
		pid = parent_of(pid);
	}
	return false;
}
