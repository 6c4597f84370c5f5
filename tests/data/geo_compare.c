/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * geo_compare MMDB [CSV...]: our reader against libmaxminddb's own lookup, and
 * both against the lines of the CSV files the database was made from, read here
 * by other code than the product's: first,last,country or first,last,asn,name.
 * At every edge, and at 100,000 random addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/geo/build.h"
#include "port/mmdb.h"

#define RANDOM_ADDRESSES 100000

typedef unsigned __int128 wide;

struct line {
	wide first, last;
	wide reach; /* the last address of this line and all before it */
	char cc[4];
	uint32_t asn;
	char *name;
};

struct lines {
	struct line *v;
	size_t n, cap;
};

struct fact {
	char cc[4];
	uint32_t asn;
	char name[200];
};

static unsigned long compared, failures;

static wide wide_of(const struct addr *a)
{
	return (wide)addr_hi(a) << 64 | addr_lo(a);
}

static struct addr addr_of(wide w)
{
	return addr_from_halves((uint64_t)(w >> 64), (uint64_t)w);
}

/* ---- the CSV ---------------------------------------------------------- */

static bool address(const char *s, wide *ret)
{
	struct in6_addr v6;
	struct in_addr v4;
	char *end;
	unsigned long n;

	if (inet_pton(AF_INET, s, &v4) == 1) {
		*ret = (wide)0xffff << 32 | ntohl(v4.s_addr);
		return true;
	}
	if (inet_pton(AF_INET6, s, &v6) == 1) {
		*ret = 0;
		for (int i = 0; i < 16; i++)
			*ret = *ret << 8 | v6.s6_addr[i];
		return true;
	}
	n = strtoul(s, &end, 10);
	*ret = (wide)0xffff << 32 | n;
	return !*end && n <= UINT32_MAX;
}

static void take_name(struct line *l, char *s)
{
	char *out = s;

	s[strcspn(s, "\r\n")] = 0;
	if (*s != '"') {
		s += strspn(s, " ");
		for (out = s + strlen(s); out > s && out[-1] == ' '; out--)
			;
		l->name = xstrndup(s, (size_t)(out - s));
		return;
	}
	for (char *in = s + 1; *in; in++) {
		if (*in == '"' && in[1] != '"')
			break;
		in += *in == '"';
		*out++ = *in;
	}
	*out = 0;
	l->name = xstrdup(s);
}

static void read_lines(const char *path, struct lines *all)
{
	FILE *f = fopen(path, "r");
	char text[1024];

	if (!f) {
		perror(path);
		exit(2);
	}
	while (fgets(text, sizeof(text), f)) {
		char *save, *a = strtok_r(text, ",", &save), *b = strtok_r(NULL, ",", &save);
		char *c = strtok_r(NULL, ",\r\n", &save);
		struct line l = { 0 };

		if (!a || *a == '#')
			continue;
		if (!b || !c || !address(a, &l.first) || !address(b, &l.last)) {
			fprintf(stderr, "%s: not understood: %s\n", path, text);
			exit(2);
		}
		if (*c >= '0' && *c <= '9') {
			l.asn = (uint32_t)strtoul(c, NULL, 10);
			take_name(&l, save);
		} else if (strcmp(c, "??") && strcmp(c, "ZZ")) {
			memcpy(l.cc, c, 2);
		}
		*VEC_ADD(all) = l;
	}
	fclose(f);
}

static int line_order(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void sort_lines(struct lines *all)
{
	wide reach = 0;

	if (!all->n)
		return; /* qsort() must not be given NULL */
	qsort(all->v, all->n, sizeof(*all->v), line_order);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].last > reach)
			reach = all->v[i].last;
		all->v[i].reach = reach;
	}
}

/* The smallest line that holds the address. */
static const struct line *line_of(const struct lines *all, wide a)
{
	const struct line *best = NULL;
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (all->v[mid].first <= a)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && all->v[low].reach >= a) {
		const struct line *l = &all->v[low];

		if (l->last >= a && (!best || l->last - l->first < best->last - best->first))
			best = l;
	}
	return best;
}

/* ---- three answers ---------------------------------------------------- */

static struct fact by_lines(const struct lines *all, wide a)
{
	const struct line *l = line_of(all, a);
	struct fact f = { 0 };

	if (!l)
		return f;
	memcpy(f.cc, l->cc, sizeof(f.cc));
	f.asn = l->asn;
	if (l->asn && l->name)
		snprintf(f.name, sizeof(f.name), "%s", l->name);
	return f;
}

static struct fact by_table(const struct geo_table *t, const struct addr *a)
{
	const struct geo_record *r = geo_table_find(t, a);
	struct fact f = { 0 };

	if (!r)
		return f;
	memcpy(f.cc, r->cc, sizeof(f.cc));
	f.asn = r->asn;
	snprintf(f.name, sizeof(f.name), "%s", r->as_name ? r->as_name : "");
	return f;
}

static bool value(MMDB_entry_s *e, MMDB_entry_data_s *d, const char *a, const char *b)
{
	return MMDB_get_value(e, d, a, b, NULL) == MMDB_SUCCESS && d->has_data;
}

static struct fact by_library(const MMDB_s *db, const struct addr *a)
{
	struct sockaddr_in6 s6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in s4 = { .sin_family = AF_INET };
	bool v4 = addr_is4(a);
	MMDB_lookup_result_s found;
	MMDB_entry_data_s d;
	struct fact f = { 0 };
	int error;

	memcpy(&s6.sin6_addr, a->b, 16);
	memcpy(&s4.sin_addr, a->b + 12, 4);
	if (!v4 && db->metadata.ip_version == 4)
		return f;
	found = MMDB_lookup_sockaddr(db, v4 ? (struct sockaddr *)&s4 : (struct sockaddr *)&s6,
				     &error);
	if (error != MMDB_SUCCESS) {
		fprintf(stderr, "libmaxminddb: %s\n", MMDB_strerror(error));
		exit(1);
	}
	if (!found.found_entry)
		return f;
	if (value(&found.entry, &d, "country", "iso_code") ||
	    value(&found.entry, &d, "country_code", NULL))
		snprintf(f.cc, sizeof(f.cc), "%.*s", (int)d.data_size, d.utf8_string);
	if (value(&found.entry, &d, "autonomous_system_number", NULL))
		f.asn = d.uint32;
	if (value(&found.entry, &d, "autonomous_system_organization", NULL))
		snprintf(f.name, sizeof(f.name), "%.*s", (int)d.data_size, d.utf8_string);
	if (!strcmp(f.cc, "ZZ"))
		f.cc[0] = 0;
	return f;
}

static bool same(const struct fact *a, const struct fact *b)
{
	return !strcmp(a->cc, b->cc) && a->asn == b->asn && !strcmp(a->name, b->name);
}

struct sources {
	const struct geo_table *table;
	const MMDB_s *db;
	const struct lines *lines;
};

static void compare(const struct sources *s, wide w)
{
	struct addr a = addr_of(w);
	struct fact ours, theirs, truth;
	char text[ADDR_TEXT_MAX];

	/* ::/96 is IPv4's place in the tree. */
	if (w >> 32 == 0)
		return;
	ours = by_table(s->table, &a);
	theirs = by_library(s->db, &a);
	truth = s->lines->n ? by_lines(s->lines, w) : theirs;
	compared++;
	if (same(&ours, &theirs) && same(&ours, &truth))
		return;
	if (failures++ < 10)
		printf("%s: ours %s AS%u %s; libmaxminddb %s AS%u %s; expected %s AS%u %s\n",
		       addr_format(&a, text), ours.cc, ours.asn, ours.name, theirs.cc, theirs.asn,
		       theirs.name, truth.cc, truth.asn, truth.name);
}

static void compare_edges(const struct sources *s, wide first, wide last)
{
	compare(s, first);
	compare(s, last);
	if (first)
		compare(s, first - 1);
	if (~last)
		compare(s, last + 1);
}

static uint64_t next_random(void)
{
	static uint64_t state = 42;

	state += 0x9e3779b97f4a7c15;
	return (state ^ state >> 29) * 0xbf58476d1ce4e5b9 ^ state >> 7;
}

static void compare_random(const struct sources *s)
{
	const struct geo_table *t = s->table;

	for (unsigned int i = 0; i < RANDOM_ADDRESSES; i++) {
		const struct geo_range *r = &t->ranges.v[next_random() % t->ranges.n];
		wide any = (wide)next_random() << 64 | next_random();
		wide first = wide_of(&r->first), size = wide_of(&r->last) - first;

		if (i % 3 == 0)
			compare(s, (wide)0xffff << 32 | (any & UINT32_MAX));
		else if (i % 3 == 1)
			compare(s, first + (~size ? any % (size + 1) : any));
		else
			compare(s, (any >> 3) | (wide)1 << 125); /* 2000::/3 */
	}
}

int main(int argc, char **argv)
{
	_cleanup_geo_table_ struct geo_table *table = NULL;
	_cleanup_free_ char *why = NULL;
	struct mmdb_report report;
	struct lines lines = { 0 };
	struct sources s;
	MMDB_s db;

	if (argc < 2)
		return 2;
	if (mmdb_load(argv[1], NULL, &table, &report, &why) < 0) {
		printf("%s %s\n", argv[1], why);
		return 1;
	}
	if (MMDB_open(argv[1], MMDB_MODE_MMAP, &db) != MMDB_SUCCESS)
		return 1;
	for (int i = 2; i < argc; i++)
		read_lines(argv[i], &lines);
	sort_lines(&lines);
	s = (struct sources){ table, &db, &lines };
	for (size_t i = 0; !lines.n && i < table->ranges.n; i++)
		compare_edges(&s, wide_of(&table->ranges.v[i].first),
			      wide_of(&table->ranges.v[i].last));
	for (size_t i = 0; i < lines.n; i++)
		compare_edges(&s, lines.v[i].first, lines.v[i].last);
	compare_random(&s);
	printf("%lu addresses compared, %lu wrong; %zu ranges, %zu lines\n", compared, failures,
	       table->ranges.n, lines.n);
	for (size_t i = 0; i < lines.n; i++)
		free(lines.v[i].name);
	free(lines.v);
	MMDB_close(&db);
	return failures || compared < RANDOM_ADDRESSES / 2;
}
