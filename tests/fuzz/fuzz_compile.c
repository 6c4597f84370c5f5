/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: the compiler. The input is a policy file, as for
 * fuzz_policy; what parses is compiled against small databases of our own.
 *
 * Held: no crash, no leak; an image or an error, never both; every number in
 * the tables points into its table; destinations and sources next to every
 * border meet the rules that a naive walk of the tree gives them; a packet is
 * judged without a fault at any minute of the schedule.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/image_reference.h"
#include "core/geo/geo.h"
#include "core/geo/vendor.h"
#include "core/policy/policy.h"
#include "policy_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 2026-11-23 12:00 UTC, a Monday */
#define NOW  1795435200
#define DAYS 8
/* The reference is slow: a set with more is compiled, and not compared. */
#define RULES_COMPARED  64
#define ADDRESSES       96
#define MINUTES_BETWEEN 97

#define INSIST(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "fuzz_compile: %s does not hold\n", #cond);                \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

/* ---- what the machine and the databases know: the same for every input --- */

static const struct place {
	const char *prefix, *cc, *continent, *city;
	uint32_t asn;
	double latitude, longitude;
} places[] = {
	{ "5.8.0.0/16", "DE", "EU", "Frankfurt am Main", 3320, 50.1, 8.7 },
	{ "8.8.8.0/24", "US", "NA", "Mountain View", 15169, 37.4, -122.1 },
	{ "10.99.0.0/16", "ET", "AF", "Addis Ababa", 24757, 9.0, 38.8 },
	{ "192.0.2.0/24", "CN", "AS", "Shanghai", 4134, 31.2, 121.5 },
	{ "198.51.100.0/25", "KE", "AF", "Nairobi", 36914, -1.3, 36.8 },
	{ "198.51.100.128/25", "KE", "AF", NULL, 0, -1.3, 36.8 },
	{ "203.0.113.0/24", "SG", "AS", "Singapore", 16509, 1.3, 103.8 },
	{ "2001:db8:1::/48", "CN", "AS", "Beijing", 4808, 39.9, 116.4 },
	{ "2001:db8:2::/48", "KE", "AF", "Nairobi", 36914, -1.3, 36.8 },
	{ "2001:db8:3:4:5::/80", "US", "NA", NULL, 15169, 37.4, -122.1 },
};
static const char *const borders[] = {
	"0.0.0.0/0",      "10.0.0.0/8",  "10.0.0.0/24", "10.0.1.0/24", "127.0.0.0/8",
	"169.254.0.0/16", "224.0.0.0/4", "::/0",        "fe80::/10",   "ff00::/8",
	"64:ff9b::/96",   "2002::/16",   "2001::/32",   "fd00::/8",
};

static struct geo_table *table;
static struct machine machine;
static struct vendors vendors;

static struct prefix prefix_from(const char *text)
{
	struct prefix p;

	INSIST(!prefix_parse(text, &p));
	return p;
}

static void make_world(void)
{
	static const char registry[] = "MA-L,001122,\"Hangzhou Kamera Technology Co., Ltd.\",CN\n"
				       "MA-L,AABBCC,Dahua,CN\n";

	table = xcalloc(1, sizeof(*table));
	table->has_country = table->has_asn = table->has_city = table->has_location = true;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct prefix p = prefix_from(places[i].prefix);
		struct geo_record r = { .asn = places[i].asn,
					.city = places[i].city ? xstrdup(places[i].city) : NULL,
					.has_location = true,
					.latitude = places[i].latitude,
					.longitude = places[i].longitude };

		memcpy(r.cc, places[i].cc, 2);
		memcpy(r.continent, places[i].continent, 2);
		*VEC_ADD(&table->records) = r;
		*VEC_ADD(&table->ranges) =
			(struct geo_range){ prefix_first(&p), prefix_last(&p), (uint32_t)i };
	}
	*VEC_ADD(&machine.local) = prefix_from("10.0.0.1/32");
	*VEC_ADD(&machine.inside) = prefix_from("10.0.0.0/16");
	*VEC_ADD(&machine.inside_links) = prefix_from("10.0.0.0/24");
	INSIST(vendors_add(&vendors, registry, sizeof(registry) - 1) == 2);
	vendors_ready(&vendors);
}

static const struct vendors *get_vendors(void *arg _unused_)
{
	return &vendors;
}

static const struct zone *get_zone(void *arg _unused_, const char *name _unused_)
{
	return zone_utc();
}

/* ---- what is held ------------------------------------------------------- */

static void check_root4(const struct image *img)
{
	for (size_t i = 0; i < img->root4.n; i++) {
		const struct cf_root4 *r = &img->root4.v[i];

		if (r->shift)
			INSIST(r->shift < 16 && r->first < img->root4.n);
		else if (r->count)
			INSIST(r->count <= 1 << CF_STEPS4 &&
			       (size_t)r->first + r->count <= img->range4.n);
		else
			INSIST((r->first & ~CF_DEEP) < img->labels.n);
	}
}

static void check_tables(const struct image *img)
{
	check_root4(img);
	for (size_t i = 0; i < img->range4.n; i++)
		INSIST((img->range4.v[i].label & ~CF_DEEP) < img->labels.n);
	INSIST(img->root6.n == 1 << 16);
	for (size_t i = 0; i < img->root6.n; i++)
		INSIST(img->root6.v[i].label == CF_SEARCH || img->root6.v[i].label < img->labels.n);
	for (size_t i = 0; i < img->labels.n; i++)
		INSIST(img->labels.v[i].row < img->dst_rows.n);
	for (size_t i = 0; i < img->sources.n; i++)
		INSIST(img->sources.v[i].source_class < img->source_classes);
	for (size_t i = 0; i < img->segments.n; i++) {
		INSIST(img->segments.v[i].row < img->time_rows.n);
		INSIST(!i || img->segments.v[i - 1].at.s < img->segments.v[i].at.s);
	}
	INSIST(img->src_rows.n >= (size_t)CF_FROM_MAX * img->source_classes);
}

static void check_destination(const struct image_input *in, const struct image *img,
			      const struct addr *a)
{
	struct reference_label want = reference_label(in, a);
	uint32_t n = image_label(img, a);
	const struct cf_label *l;

	INSIST(n < img->labels.n);
	l = &img->labels.v[n];
	INSIST(!!(l->flags & CF_LABEL_IGNORED) == want.ignored);
	INSIST(l->reason == want.reason);
	INSIST(!memcmp(&img->dst_rows.v[l->row], &want.row, sizeof(want.row)));
	INSIST(l->asn == want.asn && !memcmp(l->cc, want.cc, 2));
}

static void check_source(const struct image_input *in, const struct image *img,
			 const struct addr *a)
{
	uint32_t class = image_source_class(img, a, NULL);

	INSIST(class < img->source_classes);
	/* the gateway has no MAC that a rule could ask for */
	for (uint32_t from = CF_FROM_INSIDE + 1; from < CF_FROM_MAX; from++) {
		struct cf_row want = reference_source(in, from, a);

		INSIST(!memcmp(&img->src_rows.v[from * img->source_classes + class], &want,
			       sizeof(want)));
	}
}

static size_t add_ends(struct addr *v, size_t n, const struct prefix *p)
{
	struct addr last = prefix_last(p), next = last;

	addr_next(&next);
	v[n++] = prefix_first(p);
	v[n++] = last;
	v[n++] = next;
	return n;
}

static size_t add_text(struct addr *v, size_t n, const char *text)
{
	struct prefix p = prefix_from(text);

	return add_ends(v, n, &p);
}

/* Every place an expression of the set names is a border, but for files' lists. */
static size_t add_expr(struct addr *v, size_t n, const struct expr *e)
{
	if (!e || n + 3 > ADDRESSES)
		return n;
	if (e->op == EXPR_ATOM)
		return e->atom.kind == ATOM_PREFIX ? add_ends(v, n, &e->atom.prefix) : n;
	for (size_t i = 0; i < e->n; i++)
		n = add_expr(v, n, e->v[i]);
	return n;
}

static size_t addresses(const struct policy_set *set, struct addr *v)
{
	size_t n = 0;

	for (size_t i = 0; i < set->sets.n; i++)
		n = add_expr(v, n, set->sets.v[i].expr);
	for (size_t i = 0; i < set->policies.n; i++) {
		n = add_expr(v, n, set->policies.v[i].from);
		n = add_expr(v, n, set->policies.v[i].to);
	}
	for (size_t i = 0; i < ARRAY_SIZE(borders) && n + 3 <= ADDRESSES; i++)
		n = add_text(v, n, borders[i]);
	for (size_t i = 0; i < ARRAY_SIZE(places) && n + 3 <= ADDRESSES; i++)
		n = add_text(v, n, places[i].prefix);
	return n;
}

static void check_verdicts(const struct image *img, const struct addr *v, size_t n)
{
	size_t i = 0;

	for (int64_t at = img->begin.s; at < img->end.s + 7200; at += MINUTES_BETWEEN * 60) {
		struct image_packet p = { .from = (enum cf_from)(i % CF_FROM_MAX),
					  .src = v[i % n],
					  .dst = v[(i * 7 + 3) % n],
					  .at = { at },
					  .has_service = true,
					  .protocol = i % 2 ? 6 : 17,
					  .has_port = i % 3,
					  .port = 443,
					  .has_mac = i % 5,
					  .mac = { 0x00, 0x11, 0x22, 3, 4, (uint8_t)i },
					  .interface = "eth1",
					  .vlan = i % 7 ? 0 : 7 };
		struct image_verdict verdict = image_judge(img, &p);

		INSIST(verdict.rule == ~0U || verdict.rule < img->rules.n);
		INSIST(verdict.reason < CF_REASON_MAX);
		i++;
	}
}

static void check_image(const struct image_input *in, const struct image *img)
{
	const struct policy_set *set = in->set;
	struct addr v[ADDRESSES + 3];
	size_t n = addresses(set, v);

	check_tables(img);
	check_verdicts(img, v, n);
	/* of these the reference knows nothing */
	if (img->rules.n > RULES_COMPARED || set->publishes.n || set->ignores.n)
		return;
	for (size_t i = 0; i < n; i++) {
		check_destination(in, img, &v[i]);
		check_source(in, img, &v[i]);
	}
}

static void compile(const struct policy_set *set)
{
	static const struct zone_source zones = { .get = get_zone };
	static const struct vendor_source source = { .get = get_vendors };
	struct diag_list diags = { 0 };
	struct image *img = NULL;
	struct image_input in = { .set = set,
				  .geo = { .country = table, .asn = table, .city = table },
				  .machine = &machine,
				  .zones = &zones,
				  .vendors = &source,
				  .now = { NOW },
				  .days = DAYS };
	int r = image_compile(&in, &img, &diags);

	INSIST(r == 0 ? img && !diag_errors(&diags) : r == -EINVAL && !img && diag_errors(&diags));
	if (img)
		check_image(&in, img);
	image_free(img);
	diag_list_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_input in = policy_input_of(data, size);
	struct policy_io io = policy_input_io(&in);
	struct policy_set *set = NULL;
	struct diag_list diags = { 0 };

	if (!table)
		make_world();
	if (!policy_parse(&io, POLICY_INPUT_MAIN, &set, &diags)) {
		policy_check(set, &io, &diags);
		if (!diag_errors(&diags))
			compile(set);
	}
	policy_set_free(set);
	diag_list_done(&diags);
	return 0;
}
