/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/vendor_load.h"

#include <errno.h>
#include <stdbool.h>

#include "port/files.h"

static int add_file(struct vendors *v, const char *dir, const char *name)
{
	_cleanup_free_ char *path = xprintf("%s/%s", dir, name), *text = NULL;
	size_t size;
	int r = files_read(path, FILES_SIZE_MAX, &text, &size);

	if (r < 0)
		return r;
	return vendors_add(v, text, size) ? 0 : -EINVAL;
}

int vendors_load(const char *dir, struct vendors *ret)
{
	static const char *const finer[] = { "mam.csv", "oui36.csv", "iab.csv" };
	struct vendors v = { 0 };
	int r;

	dir = dir ? dir : VENDOR_DIR;
	r = add_file(&v, dir, "oui.csv");
	if (r < 0) {
		vendors_done(&v);
		return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(finer); i++)
		add_file(&v, dir, finer[i]);
	vendors_ready(&v);
	*ret = v;
	return 0;
}

struct vendor_files {
	const char *dir;
	struct vendors vendors;
	bool tried, loaded;
};

struct vendor_files *vendor_files_new(const char *dir)
{
	struct vendor_files *f = xcalloc(1, sizeof(*f));

	f->dir = dir;
	return f;
}

void vendor_files_free(struct vendor_files *f)
{
	if (!f)
		return;
	vendors_done(&f->vendors);
	free(f);
}

static const struct vendors *get(void *arg)
{
	struct vendor_files *f = arg;

	if (!f->tried)
		f->loaded = vendors_load(f->dir, &f->vendors) == 0;
	f->tried = true;
	return f->loaded ? &f->vendors : NULL;
}

struct vendor_source vendor_files_source(struct vendor_files *f)
{
	return (struct vendor_source){ get, f };
}
