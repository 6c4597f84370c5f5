/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/geo_load.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

void geo_tables_done(struct geo_tables *t)
{
	for (size_t i = 0; i < t->files.n; i++) {
		free(t->files.v[i].path);
		geo_table_free(t->files.v[i].table);
	}
	free(t->files.v);
	*t = (struct geo_tables){ 0 };
}

static const char *kind_name(enum geo_kind kind)
{
	switch (kind) {
	case GEO_COUNTRY:
		return "country";
	case GEO_ASN:
		return "asn";
	case GEO_CITY:
		return "city";
	}
	return "";
}

static const struct geo_table **slot(struct geo *view, enum geo_kind kind)
{
	switch (kind) {
	case GEO_COUNTRY:
		return &view->country;
	case GEO_ASN:
		return &view->asn;
	case GEO_CITY:
		break;
	}
	return &view->city;
}

static bool knows(const struct geo_table *t, enum geo_kind kind)
{
	switch (kind) {
	case GEO_COUNTRY:
		return t->has_country;
	case GEO_ASN:
		return t->has_asn;
	case GEO_CITY:
		break;
	}
	return t->has_city || t->has_location;
}

static char *in_directory_of(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || !slash)
		return xstrdup(path);
	return xprintf("%.*s/%s", (int)(slash - file), file, path);
}

static char *resolve(const struct policy_set *set, const char *base_dir, const struct geo_file *g)
{
	const char *file = g->pos.file < set->files.n ? set->files.v[g->pos.file] : "";
	char *path = in_directory_of(file, g->path), *whole;

	if (path[0] == '/' || !base_dir || !base_dir[0])
		return path;
	whole = xprintf("%s/%s", base_dir, path);
	free(path);
	return whole;
}

static int complain(const struct policy_set *set, const struct geo_file *g, struct diag_list *diags,
		    int error, char *message)
{
	const char *file = g->pos.file < set->files.n ? set->files.v[g->pos.file] : "";

	*VEC_ADD(diags) = (struct diag){
		.level = DIAG_ERROR, .pos = g->pos, .message = message, .file = xstrdup(file)
	};
	return error;
}

static int load(struct geo_tables *t, const char *path, const struct geo_progress *progress,
		const struct geo_table **ret, char **ret_why)
{
	struct geo_loaded next = { 0 };
	int r;

	for (size_t i = 0; i < t->files.n; i++)
		if (!strcmp(t->files.v[i].path, path)) {
			*ret = t->files.v[i].table;
			return 0;
		}
	r = mmdb_load(path, progress, &next.table, &next.report, ret_why);
	if (r < 0)
		return r;
	next.path = xstrdup(path);
	*VEC_ADD(&t->files) = next;
	*ret = next.table;
	return 0;
}

static int load_statement(const struct policy_set *set, const char *base_dir,
			  const struct geo_file *g, const struct geo_progress *progress,
			  struct geo_tables *t, struct diag_list *diags)
{
	_cleanup_free_ char *path = resolve(set, base_dir, g), *why = NULL;
	const struct geo_table **at = slot(&t->view, g->kind), *table;
	int r;

	if (*at)
		return complain(set, g, diags, -EINVAL,
				xprintf("a second 'geo %s': one database of a kind is used",
					kind_name(g->kind)));
	r = load(t, path, progress, &table, &why);
	if (r < 0)
		return complain(set, g, diags, r, xprintf("%s %s", path, why));
	if (!knows(table, g->kind))
		return complain(set, g, diags, -EINVAL,
				xprintf("%s holds no %s", path,
					g->kind == GEO_CITY  ? "cities and no coordinates"
					: g->kind == GEO_ASN ? "AS numbers"
							     : "countries"));
	*at = table;
	return 0;
}

int geo_load(const struct policy_set *set, const char *base_dir,
	     const struct geo_progress *progress, struct geo_tables *ret, struct diag_list *diags)
{
	_cleanup_geo_tables_ struct geo_tables t = { 0 };
	int first = 0;

	for (size_t i = 0; i < set->geo.n; i++) {
		int r = load_statement(set, base_dir, &set->geo.v[i], progress, &t, diags);

		first = first ? first : r;
	}
	if (first)
		return first;
	*ret = t;
	t = (struct geo_tables){ 0 };
	return 0;
}

int geo_tables_add(struct geo_tables *t, const char *path, const struct geo_progress *progress,
		   char **ret_why)
{
	const struct geo_table *table;
	int r;

	r = load(t, path, progress, &table, ret_why);
	if (r < 0)
		return r;
	for (enum geo_kind kind = GEO_COUNTRY; kind <= GEO_CITY; kind++) {
		const struct geo_table **at = slot(&t->view, kind);

		if (!*at && knows(table, kind))
			*at = table;
	}
	return 0;
}
