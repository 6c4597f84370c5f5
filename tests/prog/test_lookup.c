/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel finds in the tables of addresses is what the policy's text says, read anew for
 * each address by code that shares nothing with the compiler: at both sides of every border.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "image_reference.h"
#include "mmdb_help.h"
#include "mmdb_truth.h"
#include "port/geo_load.h"
#include "prog_help.h"

#define HEAD                                                                                       \
	"outside wan0\ninside lan0, lan1\nmode enforce\n"                                          \
	"site { location 9.03, 38.76  timezone \"Etc/UTC\" }\n"

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t random_state = 20261123;
static uint64_t draw(void)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((draw() >> 32) * n >> 32);
}

static struct addr addr4(uint32_t v)
{
	return addr_from_halves(0, 0xffff00000000ULL | v);
}

/* ---- addresses that are asked about -------------------------------------------- */

struct question {
	struct addr asked;
	enum rig_hook hook;
	bool found;
};

struct questions {
	struct question *v;
	size_t n, cap;
	bool sources; /* that they are; else destinations */
	const struct rig *r;
	struct image_input in;
	unsigned int differ;
};

static void ask(struct questions *q, struct addr a)
{
	/* each has its own copy of the look-up */
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_INSIDE_TC, RIG_GATEWAY };

	*VEC_ADD(q) = (struct question){ .asked = a, .hook = hooks[q->n % ARRAY_SIZE(hooks)] };
}

static void ask_around(struct questions *q, struct addr first, struct addr last)
{
	struct addr before = first, behind = last;

	for (int k = 15; k >= 0 && !before.b[k]--; k--)
		;
	addr_next(&behind);
	ask(q, first);
	ask(q, last);
	if (addr_is4(&before) == addr_is4(&first))
		ask(q, before);
	if (addr_is4(&behind) == addr_is4(&last))
		ask(q, behind);
}

/* The other end of the packet: one for each question, so that each has a pair of its own. */
static struct addr other_end(const struct questions *q, size_t i)
{
	bool six = !addr_is4(&q->v[i].asked);

	if (q->sources)
		return six ? addr_from_halves(0x2001067c00000000ULL + i, 9)
			   : addr4((100U << 24) + (uint32_t)i);
	return six ? addr_from_halves(0xfd12345600010000ULL, i)
		   : addr4((10U << 24) + (1U << 16) + (uint32_t)i);
}

static void send_all(struct rig *r, const struct questions *q)
{
	for (size_t i = 0; i < q->n; i++) {
		char asked[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];
		struct addr end = other_end(q, i);
		struct frame_spec s = { .protocol = 17, .sport = 9, .dport = 9, .host = 5 };

		addr_format(&q->v[i].asked, asked);
		addr_format(&end, other);
		s.src = q->sources ? asked : other;
		s.dst = q->sources ? other : asked;
		rig_repeat(r, q->v[i].hook, &s, 1);
	}
}

/* ---- what came of it ------------------------------------------------------------ */

static size_t number_of(const struct questions *q, const struct addr *end)
{
	if (addr_is4(end))
		return addr_get4(end) - (q->sources ? 100U << 24 : (10U << 24) + (1U << 16));
	return q->sources ? addr_hi(end) - 0x2001067c00000000ULL : addr_lo(end);
}

static void differs(struct questions *q, const struct question *one, const char *what)
{
	char text[ADDR_TEXT_MAX];

	if (q->differ++ < 10)
		printf("%s: %s differ, hook %d\n", addr_format(&one->asked, text), what, one->hook);
}

static void check_destination(struct questions *q, const struct question *one, uint32_t label)
{
	const struct image *img = q->r->image;
	struct reference_label want = reference_label(&q->in, &one->asked);
	const struct cf_label *l = &img->labels.v[label];

	cr_assert_lt(label, img->labels.n);
	if (want.ignored)
		differs(q, one, "whether it is judged");
	else if (memcmp(&img->dst_rows.v[l->row], &want.row, sizeof(want.row)))
		differs(q, one, "its rules");
	else if (l->asn != want.asn || memcmp(l->cc, want.cc, 2))
		differs(q, one, "its AS or country");
}

static void check_source(struct questions *q, const struct question *one, uint32_t source_class)
{
	enum cf_from from = one->hook == RIG_GATEWAY ? CF_FROM_GATEWAY : CF_FROM_INSIDE;
	struct cf_row want = reference_source(&q->in, from, &one->asked);
	const struct image *img = q->r->image;

	cr_assert_lt(source_class, img->source_classes);
	if (memcmp(&img->src_rows.v[from * img->source_classes + source_class], &want,
		   sizeof(want)))
		differs(q, one, "its rules");
}

static void check_pair(void *arg, const struct pair_sample *p)
{
	struct questions *q = arg;
	size_t i = number_of(q, q->sources ? &p->dst : &p->src);

	cr_assert_lt(i, q->n);
	q->v[i].found = true;
	if (q->sources)
		check_source(q, &q->v[i], p->source_class);
	else
		check_destination(q, &q->v[i], p->label);
}

/* What is not judged has no pair. */
static void check_missing(struct questions *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (!q->v[i].found &&
		    (q->sources || !reference_label(&q->in, &q->v[i].asked).ignored))
			differs(q, &q->v[i], "whether it has a pair");
}

static void compare(struct rig *r, struct questions *q, const struct geo *geo)
{
	q->r = r;
	q->in = (struct image_input){ .set = r->set, .machine = rig_machine(), .geo = *geo };
	send_all(r, q);
	datapath_pairs(r->dp, check_pair, q);
	check_missing(q);
	cr_assert_eq(q->differ, 0, "%u of %zu", q->differ, q->n);
}

/* ---- networks by their addresses -------------------------------------------------- */

#define POLICIES 120
#define PREFIXES 40 /* of each; an emulated machine is asked about some */

static unsigned int prefixes_of_each(void)
{
	return getenv("CURFEW_TEST_LEAD") ? PREFIXES / 8 : PREFIXES;
}

/* Every third inside or around an earlier one. */
static struct prefix draw_prefix(const struct prefix_list *before, bool sources)
{
	struct addr a = sources ? addr4(10U << 24 | (uint32_t)draw() >> 8)
				: addr4(0x14000000U + below(0x9f000000U));
	unsigned int bits = 9 + below(24);

	if (below(3)) {
		a = addr_from_halves(sources ? 0xfd12345600000000ULL | draw() >> 32
					     : 0x2400000000000000ULL + (draw() >> 6),
				     draw());
		bits = below(5) ? 33 + below(32) : 65 + below(64);
	}
	if (before->n > 20 && !below(3)) {
		a = before->v[below((uint32_t)before->n)].addr;
		bits = addr_is4(&a) ? 9 + below(24) : 33 + below(96);
	}
	return prefix_of(&a, bits);
}

static char *random_policies(struct prefix_list *all, bool sources)
{
	struct buf b = { 0 };

	buf_puts(&b, HEAD);
	for (unsigned int i = 0; i < POLICIES; i++) {
		buf_printf(&b, "policy \"p%u\" { %s", i, sources ? "to any from " : "from any to ");
		for (unsigned int k = 0; k < prefixes_of_each(); k++) {
			struct prefix p = draw_prefix(all, sources);
			char text[PREFIX_TEXT_MAX];

			buf_printf(&b, "%s%s", k ? ", " : "", prefix_format(&p, text));
			*VEC_ADD(all) = p;
		}
		buf_puts(&b, " then alert }\n");
	}
	return b.s;
}

static void by_address(bool sources)
{
	static const struct rig_options opt = { .pairs_per_cpu = 65536, .no_conntrack = true };
	static const struct geo none;
	struct questions q = { .sources = sources };
	struct prefix_list all = { 0 };
	struct rig r;

	rig_setup(&r, random_policies(&all, sources), &opt);
	for (size_t i = 0; i < all.n; i++)
		ask_around(&q, prefix_first(&all.v[i]), prefix_last(&all.v[i]));
	compare(&r, &q, &none);
}

Test(lookup, destinations_at_all_borders, .timeout = 280)
{
	by_address(false);
}

Test(lookup, sources_at_all_borders, .timeout = 280)
{
	by_address(true);
}

/* ---- networks by what databases say ------------------------------------------------ */

#define GEO_POLICIES                                                                               \
	HEAD "geo country \"country.mmdb\"\ngeo asn \"asn.mmdb\"\n"                                \
	     "set near = country ET, country KE, country DJ\n"                                     \
	     "policy \"a\" { from any to any except near quota 1 GB per asn each day\n"            \
	     "  at 100% drop except { to AS64501, AS13335 } }\n"                                   \
	     "policy \"b\" { from any to country CN, country US\n"                                 \
	     "  quota 1 GB per country each day at 100% drop }\n"                                  \
	     "policy \"c\" { from any to beyond 8000 km except AS64502 then alert }\n"             \
	     "policy \"d\" { from any to continent EU then alert except { to country DE } }\n"     \
	     "policy \"e\" { from any to unknown then alert }\n"                                   \
	     "policy \"f\" { from any to AS64503, AS3320 and country DE then alert }\n"            \
	     "exempt { from 10.0.7.9 to country FR, 198.51.100.0/24 policies \"c\" }\n"

struct network {
	struct prefix prefix;
	char cc[4];
	uint32_t asn;
};
static struct {
	struct network *v;
	size_t n, cap;
} networks;

/* The longest prefix that says it. */
static void find_network(const struct geo *unused, const struct addr *a, struct geo_record *ret)
{
	const struct network *cc = NULL, *asn = NULL;

	(void)unused;
	*ret = (struct geo_record){ 0 };
	for (size_t i = 0; i < networks.n; i++) {
		const struct network *n = &networks.v[i];

		if (!prefix_contains(&n->prefix, a))
			continue;
		if (n->cc[0] && (!cc || n->prefix.bits >= cc->prefix.bits))
			cc = n;
		if (n->asn && (!asn || n->prefix.bits >= asn->prefix.bits))
			asn = n;
	}
	if (cc) {
		memcpy(ret->cc, cc->cc, 2);
		memcpy(ret->continent, geo_continent(cc->cc), 2);
	}
	ret->asn = asn ? asn->asn : 0;
}

static int wider_first(const void *a, const void *b)
{
	const struct network *x = a, *y = b;

	return (int)x->prefix.bits - (int)y->prefix.bits;
}

static void draw_networks(void)
{
	static const char countries[][4] = { "CN", "US", "DE", "FR", "ET", "KE", "BR" };
	struct prefix_list drawn = { 0 };

	for (unsigned int i = 0; i < 36 * prefixes_of_each(); i++) {
		struct network *n = VEC_ADD(&networks);

		*n = (struct network){ .prefix = draw_prefix(&drawn, false) };
		*VEC_ADD(&drawn) = n->prefix;
		if (i & 1)
			n->asn = 64500 + below(8);
		else
			memcpy(n->cc, countries[below(ARRAY_SIZE(countries))], 2);
	}
	qsort(networks.v, networks.n, sizeof(*networks.v), wider_first);
}

static size_t mm_asn(struct mm *m, uint32_t asn)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "autonomous_system_number");
	mm_u32(m, asn);
	return at;
}

/* A file of those that say a country, or an AS. */
static struct geo_table *table_of(bool asns)
{
	struct mm m = { 0 };

	for (size_t i = 0; i < networks.n; i++) {
		const struct network *n = &networks.v[i];
		char text[PREFIX_TEXT_MAX];

		if (!!n->asn != asns)
			continue;
		prefix_format(&n->prefix, text);
		if (!strchr(text, '/'))
			strcat(text, addr_is4(&n->prefix.addr) ? "/32" : "/128");
		mm_put(&m, text, asns ? mm_asn(&m, n->asn) : mm_country(&m, n->cc));
	}
	return mm_table(&m);
}

Test(lookup, nested_networks_of_databases, .timeout = 280)
{
	struct rig_options opt = { .pairs_per_cpu = 65536, .no_conntrack = true };
	struct questions q = { 0 };
	struct rig r;

	draw_networks();
	opt.geo.country = table_of(false);
	opt.geo.asn = table_of(true);
	reference_find = find_network;
	rig_setup(&r, GEO_POLICIES, &opt);
	for (size_t i = 0; i < networks.n; i++)
		ask_around(&q, prefix_first(&networks.v[i].prefix),
			   prefix_last(&networks.v[i].prefix));
	compare(&r, &q, &opt.geo);
}

/* ---- databases of real size, where they are ------------------------------------------ */

#define SAMPLE 5000 /* of each: both ends of a range of either database, any IPv4, any IPv6 */

static char *cached(const char *file)
{
	const char *cache = getenv("CURFEW_CACHE"), *home = getenv("HOME");
	char *path = cache ? xprintf("%s/geo/%s", cache, file)
			   : xprintf("%s/.cache/curfew/geo/%s", home ? home : "/tmp", file);

	return access(path, R_OK) ? NULL : path;
}

static const struct geo_table *load(const char *path)
{
	struct geo_tables *t = xcalloc(1, sizeof(*t));
	char *why = NULL;

	truth_open(path);
	cr_assert_eq(geo_tables_add(t, path, NULL, &why), 0, "%s: %s", path, why);
	return t->files.v[0].table;
}

static void ask_ranges(struct questions *q, const struct geo_table *t, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct geo_range *at = &t->ranges.v[below((uint32_t)t->ranges.n)];

		ask(q, at->first);
		ask(q, at->last);
	}
}

Test(lookup, databases_of_real_size, .timeout = 280)
{
	struct rig_options opt = { .pairs_per_cpu = 65536, .no_conntrack = true };
	char *country = cached("geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"),
	     *asn = cached("asn/asn.mmdb");
	struct questions q = { 0 };
	struct rig r;

	if (!country || !asn)
		cr_skip_test("no databases: tests/data/prove_classes fetches them");
	opt.geo.country = load(country);
	opt.geo.asn = load(asn);
	reference_find = truth_find;
	rig_setup(&r, GEO_POLICIES, &opt);
	ask_ranges(&q, opt.geo.country, SAMPLE / 2);
	ask_ranges(&q, opt.geo.asn, SAMPLE / 2);
	for (unsigned int i = 0; i < SAMPLE; i++) {
		ask(&q, addr4((uint32_t)draw()));
		ask(&q, addr_from_halves(0x2000000000000000ULL | draw() >> 3, draw()));
	}
	compare(&r, &q, &opt.geo);
}
