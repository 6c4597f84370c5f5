/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_help.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

static int memory_read(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	for (const struct memory_file *f = arg; f->path; f++) {
		if (strcmp(f->path, path) != 0)
			continue;
		*ret_text = xstrdup(f->text);
		*ret_size = strlen(f->text);
		return 0;
	}
	return -ENOENT;
}

static int memory_glob(void *arg, const char *pattern, char ***ret_paths)
{
	struct {
		char **v;
		size_t n, cap;
	} paths = { 0 };

	for (const struct memory_file *f = arg; f->path; f++)
		if (fnmatch(pattern, f->path, FNM_PATHNAME) == 0)
			*VEC_ADD(&paths) = xstrdup(f->path);
	*VEC_ADD(&paths) = NULL;
	*ret_paths = paths.v;
	return 0;
}

int parse_files(const struct memory_file *files, struct policy_set **ret_set,
		struct diag_list *diags)
{
	struct policy_io io = { memory_read, memory_glob, (void *)files };

	return policy_parse(&io, files->path, ret_set, diags);
}

int parse_text(const char *text, struct policy_set **ret_set, struct diag_list *diags)
{
	const struct memory_file files[] = { { "test.conf", text }, { 0 } };

	return parse_files(files, ret_set, diags);
}

struct policy_set *must_parse(const char *text)
{
	struct policy_set *set = NULL;
	struct diag_list diags = { 0 };
	int r = parse_text(text, &set, &diags);
	char *said = diag_text(&diags);

	cr_assert_eq(r, 0, "%s", said);
	free(said);
	diag_list_done(&diags);
	return set;
}

char *printed(const struct policy_set *set)
{
	struct buf b = { 0 };

	policy_print(set, &b);
	return b.s ? b.s : xstrdup("");
}

char *diag_text(const struct diag_list *diags)
{
	struct buf b = { 0 };

	diag_print(diags, &b);
	return b.s ? b.s : xstrdup("");
}
