/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/datapath/names.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port/datapath/priv.h"

#define NAMED_MAX 3 /* ranges, or rules; more are "…" */

struct table {
	const void *v;
	uint32_t n;
	size_t bytes;
};

struct datapath_names {
	struct table labels, rows, sources, rules;
};

static int table_open(const struct datapath *dp, const char *name, size_t value_size,
		      struct table *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[PIN_MAX];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int r = 0, fd = bpf_obj_get(dp_path(dp, path, sizeof(path), "tables/%s", name));
	void *p;

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		r = -errno;
	else if (info.value_size != value_size || value_size % 8)
		r = -ESTALE;
	ret->n = info.max_entries;
	ret->bytes = ((size_t)ret->n * value_size + page - 1) / page * page;
	p = r ? MAP_FAILED : mmap(NULL, ret->bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (!r && p == MAP_FAILED)
		r = -errno;
	if (!r)
		ret->v = p;
	close(fd);
	return r;
}

static void table_close(struct table *t)
{
	if (t->v)
		munmap((void *)t->v, t->bytes);
}

int datapath_names_open(struct datapath *dp, struct datapath_names **ret)
{
	struct datapath_names *n = xcalloc(1, sizeof(*n));
	int r = table_open(dp, "labels", sizeof(struct cf_label), &n->labels);

	if (!r)
		r = table_open(dp, "dst_rows", sizeof(struct cf_row), &n->rows);
	if (!r)
		r = table_open(dp, "sources", sizeof(struct cf_source_range), &n->sources);
	if (!r)
		r = table_open(dp, "rules", sizeof(struct cf_rule), &n->rules);
	if (r < 0)
		datapath_names_close(n);
	else
		*ret = n;
	return r;
}

void datapath_names_close(struct datapath_names *n)
{
	if (!n)
		return;
	table_close(&n->labels);
	table_close(&n->rows);
	table_close(&n->sources);
	table_close(&n->rules);
	free(n);
}

static struct addr addr_at(const struct cf_source_range *s)
{
	struct addr a;

	for (int i = 0; i < 8; i++) {
		a.b[i] = (uint8_t)(s->hi >> (56 - 8 * i));
		a.b[8 + i] = (uint8_t)(s->lo >> (56 - 8 * i));
	}
	return a;
}

/* The address before that one, which is not ::. */
static struct addr addr_before(const struct cf_source_range *s)
{
	struct cf_source_range b = { .hi = s->lo ? s->hi : s->hi - 1, .lo = s->lo - 1 };

	return addr_at(&b);
}

void datapath_names_source(const struct datapath_names *n, uint32_t source_class, struct buf *out)
{
	const struct cf_source_range *v = n->sources.v;
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	uint32_t named = 0;

	/* the first range begins at :: and is nobody's in particular */
	if (v->source_class == source_class) {
		buf_puts(out, "other addresses");
		return;
	}
	for (uint32_t i = 0; i < n->sources.n && named <= NAMED_MAX; i++) {
		struct addr a, z;

		if (v[i].source_class != source_class || (i && !v[i].hi && !v[i].lo))
			continue;
		buf_puts(out, named ? ", " : "");
		if (named++ == NAMED_MAX) {
			buf_puts(out, "…");
			break;
		}
		a = addr_at(&v[i]);
		addr_format(&a, from);
		if (i + 1 == n->sources.n) {
			buf_printf(out, "from %s on", from);
			continue;
		}
		z = addr_before(&v[i + 1]);
		addr_format(&z, to);
		if (strcmp(from, to) != 0)
			buf_printf(out, "%s-%s", from, to);
		else
			buf_puts(out, from);
	}
	if (!named)
		buf_puts(out, "an earlier policy set's");
}

void datapath_names_label(const struct datapath_names *n, uint32_t label, struct buf *out)
{
	const struct cf_label *l = (const struct cf_label *)n->labels.v + label;
	const struct cf_rule *rules = n->rules.v;
	const struct cf_row *row;
	uint32_t named = 0;

	if (label >= n->labels.n || l->row >= n->rows.n) {
		buf_puts(out, "an earlier policy set's");
		return;
	}
	row = (const struct cf_row *)n->rows.v + l->row;
	if (l->cc[0])
		buf_printf(out, "%.2s%s", l->cc, l->asn ? ", " : ": ");
	if (l->asn)
		buf_printf(out, "AS%u: ", l->asn);
	for (uint32_t i = 0; i < n->rules.n && i < CF_RULES_MAX && named <= NAMED_MAX; i++) {
		if (!(row->word[i / 64] >> (i % 64) & 1) || rules[i].kind != CF_RULE_POLICY)
			continue;
		buf_puts(out, named ? ", " : "");
		if (named++ == NAMED_MAX)
			buf_puts(out, "…");
		else
			buf_printf(out, "%.*s", CF_NAME_LEN, rules[i].name);
	}
	if (!named)
		buf_puts(out, "no policy is about these");
}

int datapath_rules(struct datapath *dp, struct cf_rule **ret, size_t *ret_n)
{
	struct table t = { 0 };
	int r = table_open(dp, "rules", sizeof(struct cf_rule), &t);

	if (!r) {
		*ret = xcalloc(t.n, sizeof(**ret));
		memcpy(*ret, t.v, t.n * sizeof(**ret));
		*ret_n = t.n;
	}
	table_close(&t);
	return r;
}
