/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/cmd/geo_tool.h"

#include <string.h>

#include "app/cmd/options.h"
#include "base/buf.h"

static void tell(void *arg _unused_, const char *what, uint64_t done, uint64_t total)
{
	const char *slash = strrchr(what, '/');

	fprintf(stderr, "\r%s %3u %%\033[K", slash ? slash + 1 : what,
		total ? (unsigned int)(done * 100 / total) : 0);
	fflush(stderr);
}

struct geo_progress geo_tool_progress(void)
{
	return (struct geo_progress){ .tell = isatty(STDERR_FILENO) ? tell : NULL };
}

void geo_tool_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

int geo_tool_take(struct cli *cli, const char *name, int *argc, char **argv,
		  struct geo_tool_texts *list)
{
	size_t n = strlen(name);
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		const char *s = argv[i];
		bool mine = !strncmp(s, "--", 2) && !strncmp(s + 2, name, n);

		if (!strcmp(s, "--")) {
			while (i < *argc)
				argv[kept++] = argv[i++];
			break;
		}
		if (mine && s[2 + n] == '=') {
			*VEC_ADD(list) = s + 3 + n;
		} else if (mine && !s[2 + n]) {
			if (++i == *argc)
				return cmd_usage(cli, "--%s needs a value", name);
			*VEC_ADD(list) = argv[i];
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return OPTIONS_GO;
}
