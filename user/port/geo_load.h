/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The databases that a policy set names, loaded and judged. */
#ifndef CURFEW_PORT_GEO_LOAD_H
#define CURFEW_PORT_GEO_LOAD_H

#include "core/geo/geo.h"
#include "core/policy/policy.h"
#include "port/mmdb.h"

struct geo_loaded {
	char *path; /* as opened */
	struct geo_table *table;
	struct mmdb_report report;
};

struct geo_tables {
	struct {
		struct geo_loaded *v;
		size_t n, cap;
	} files;         /* each file once, also if several statements name it */
	struct geo view; /* points into `files` */
};

void geo_tables_done(struct geo_tables *t);
#define _cleanup_geo_tables_ _cleanup_(geo_tables_done)

/*
 * Loads what the set's `geo` statements name. A relative path is relative to
 * the directory of the file it is written in; if that has a relative path
 * itself, to base_dir (NULL: the current directory). Returns 0, with an empty
 * view if the set names none; else the -errno of mmdb_load() (-EINVAL: a file
 * lacks what its statement promises, or a kind is named twice), with an error
 * per file in `diags`, and *ret untouched. The caller ends *ret with
 * geo_tables_done().
 */
int geo_load(const struct policy_set *set, const char *base_dir,
	     const struct geo_progress *progress, struct geo_tables *ret, struct diag_list *diags);

/*
 * One file, by path, used for all it knows that no file before it did: city
 * and coordinates, country, ASN. -errno of mmdb_load(), *ret_why then to be freed.
 */
int geo_tables_add(struct geo_tables *t, const char *path, const struct geo_progress *progress,
		   char **ret_why);

#endif
