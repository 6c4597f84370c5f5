/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_input.h"

#include <errno.h>
#include <string.h>

static int input_read(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	const struct policy_input *in = arg;
	bool is_main = !strcmp(path, POLICY_INPUT_MAIN);

	if (!is_main && !in->other)
		return -ENOENT;
	*ret_size = is_main ? in->main_n : in->other_n;
	*ret_text = xcalloc(*ret_size + 1, 1);
	memcpy(*ret_text, is_main ? in->main : in->other, *ret_size);
	return 0;
}

static int input_glob(void *arg _unused_, const char *pattern, char ***ret_paths)
{
	char **paths = xcalloc(2, sizeof(*paths));

	paths[0] = xstrdup(pattern);
	*ret_paths = paths;
	return 0;
}

struct policy_input policy_input_of(const uint8_t *data, size_t size)
{
	const char *nul = size ? memchr(data, 0, size) : NULL;
	struct policy_input in = { .main = (const char *)data, .main_n = size };

	if (!nul)
		return in;
	in.main_n = (size_t)(nul - in.main);
	in.other = nul + 1;
	in.other_n = size - in.main_n - 1;
	return in;
}

struct policy_io policy_input_io(struct policy_input *in)
{
	return (struct policy_io){ input_read, input_glob, in };
}
