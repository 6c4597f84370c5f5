/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over files and directories of files, without libFuzzer. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "port/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t n;

	if (files_read(path, FILES_SIZE_MAX, &text, &n) < 0)
		return 0;
	/* a target that traps does not say on what */
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput((const uint8_t *)text, n);
	return 1;
}

static int replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *full = xprintf("%s/%s", path, e->d_name);
		struct stat st;

		if (*e->d_name != '.' && stat(full, &st) == 0 && S_ISREG(st.st_mode))
			n += replay_file(full);
	}
	if (dir)
		closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay_dir(argv[i]);
	printf("%d inputs\n", n);
	return n ? 0 : 1;
}
