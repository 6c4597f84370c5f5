/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiled classes say of every address what the policy's text says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/image/row.h"
#include "image_help.h"
#include "image_reference.h"

struct world {
	struct policy_set *set;
	struct machine machine;
	struct image_input in;
	struct prefix_list literals; /* all that were drawn */
};

static struct prefix random_prefix(struct prng *r, struct world *w)
{
	struct prefix p;
	struct addr a;

	if (w->literals.n > 4 && prng_below(r, 2)) {
		/* inside or around one that exists, so that they nest */
		a = w->literals.v[prng_below(r, (uint32_t)w->literals.n)].addr;
	} else if (prng_below(r, 2)) {
		uint32_t v = (uint32_t)prng_next(r);

		a = addr_from4((const uint8_t *)&v);
	} else {
		a = addr_from_halves(0x2000000000000000ULL | prng_next(r) >> 3, prng_next(r));
	}
	p = addr_is4(&a) ? prefix_of(&a, prng_below(r, 33)) : prefix_of(&a, prng_below(r, 129));
	if (prng_below(r, 40) == 0)
		p = prefix_from("::/0");
	*VEC_ADD(&w->literals) = p;
	return p;
}

static struct expr *random_list(struct prng *r, struct world *w)
{
	struct prefix_list l = { 0 };

	for (uint32_t i = prng_below(r, 20); i; i--)
		*VEC_ADD(&l) = random_prefix(r, w);
	return file_list(&l);
}

static struct expr *random_literal(struct prng *r, struct world *w)
{
	switch (prng_below(r, 4)) {
	case 0:
		return random_list(r, w);
	case 1:
		return w->set->sets.n ? set_ref(prng_below(r, (uint32_t)w->set->sets.n)) : any();
	default:
		return prefix_expr(random_prefix(r, w));
	}
}

static struct expr *random_to_atom(struct prng *r, struct world *w)
{
	static const char *const cc[] = { "CN", "US", "DE", "ET", "BR", "XX" };
	static const char *const of[] = { "AS", "AF", "EU" };

	switch (prng_below(r, 10)) {
	case 0:
		return any();
	case 1:
	case 2:
		return country(cc[prng_below(r, 6)]);
	case 3:
		return continent(of[prng_below(r, 3)]);
	case 4:
		return asn(64500 + prng_below(r, 200));
	case 5:
		return city("Shanghai", prng_below(r, 2) ? "CN" : "US");
	case 6:
		return beyond(prng_below(r, 4) * 4000);
	case 7:
		return unknown();
	default:
		return random_literal(r, w);
	}
}

static struct expr *random_expr(struct prng *r, struct world *w, bool to, int depth)
{
	struct expr *a, *b, *c;

	if (!depth || !prng_below(r, 4)) {
		if (to)
			return random_to_atom(r, w);
		return prng_below(r, 4) == 0   ? any()
		       : prng_below(r, 3) == 0 ? inside()
		       : prng_below(r, 2) == 0 ? gateway()
					       : random_literal(r, w);
	}
	a = random_expr(r, w, to, depth - 1);
	b = random_expr(r, w, to, depth - 1);
	c = random_expr(r, w, to, depth - 1);
	switch (prng_below(r, 4)) {
	case 0:
		return AND(a, b);
	case 1:
		return EXCEPT(a, b);
	default:
		return OR(a, b, c);
	}
}

static void random_machine(struct prng *r, struct world *w)
{
	static const char *const links[] = { "10.0.0.0/24", "10.0.9.4/30", "10.0.9.8/31",
					     "fd12:3456:0:1::/64" };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		*VEC_ADD(&w->machine.inside_links) = prefix_from(links[i]);
	*VEC_ADD(&w->machine.inside) = prefix_from("10.0.0.0/16");
	*VEC_ADD(&w->machine.inside) = prefix_from("fd12:3456::/48");
	*VEC_ADD(&w->machine.local) = prefix_from("10.0.0.1/32");
	*VEC_ADD(&w->machine.local) = prefix_from("198.51.100.7/32");
	*VEC_ADD(&w->machine.local) = prefix_from("2001:db8::7/128");
	*VEC_ADD(&w->set->networks) = prefix_from("10.0.0.0/8");
	*VEC_ADD(&w->set->networks) = prefix_from("fd12:3456::/32");
	for (int i = 0; i < 3; i++)
		*VEC_ADD(&w->set->networks) = random_prefix(r, w);
}

static void random_rules(struct prng *r, struct world *w, int policies)
{
	char name[16];

	for (int i = 0; i < 6; i++) {
		/* typed: only literals, which both sides know; each may use those before it */
		struct expr *e =
			OR(random_literal(r, w), random_literal(r, w), random_literal(r, w));

		*VEC_ADD(&w->set->sets) = (struct set){ .name = (char *)"s", .expr = e };
	}
	for (int i = 0; i < policies; i++) {
		struct policy *p;

		snprintf(name, sizeof(name), "p%d", i);
		p = policy_add(w->set, name, random_expr(r, w, false, 2),
			       random_expr(r, w, true, 2));
		quota_add(p, 1000000,
			  i % 7 == 0   ? CF_KEY_ASN
			  : i % 5 == 0 ? CF_KEY_COUNTRY
				       : CF_KEY_SOURCE,
			  PERIOD_DAY);
		for (uint32_t k = prng_below(r, 3); k; k--)
			except_add(p, prng_below(r, 2) ? random_expr(r, w, false, 1) : NULL,
				   random_expr(r, w, true, 1));
	}
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		exempt_add(w->set, name, random_expr(r, w, false, 1), random_expr(r, w, true, 1));
		protect_add(w->set, random_expr(r, w, false, 1), random_expr(r, w, true, 1));
	}
}

static struct world world_new(struct prng *r, int policies, size_t n4, size_t n6)
{
	struct world w = { .set = set_new() };

	random_machine(r, &w);
	random_rules(r, &w, policies);
	w.in = input_for(w.set);
	w.in.geo.country = table_random(r, GEO_COUNTRY, n4, n6);
	w.in.geo.asn = table_random(r, GEO_ASN, n4, n6);
	w.in.geo.city = table_random(r, GEO_CITY, n4 / 4, n6 / 4);
	return w;
}

static void check_destination(const struct world *w, const struct image *img, const struct addr *a)
{
	struct reference_label want = reference_label(&w->in, a);
	uint32_t n = image_label(img, a);
	const struct cf_label *l;
	char text[ADDR_TEXT_MAX];

	cr_assert_lt(n, img->labels.n);
	l = &img->labels.v[n];
	addr_format(a, text);
	cr_assert_eq(!!(l->flags & CF_LABEL_IGNORED), want.ignored, "%s", text);
	cr_assert_eq(l->reason, want.reason, "%s: reason %u, not %u", text, l->reason, want.reason);
	cr_assert_arr_eq(&img->dst_rows.v[l->row], &want.row, sizeof(want.row), "%s: row", text);
	cr_assert_eq(l->asn, want.asn, "%s: AS%u, not AS%u", text, l->asn, want.asn);
	cr_assert_arr_eq(l->cc, want.cc, 2, "%s: %s, not %s", text, l->cc, want.cc);
}

static void check_source(const struct world *w, const struct image *img, const struct addr *a)
{
	uint32_t flags, class = image_source_class(img, a, &flags);
	char text[ADDR_TEXT_MAX];

	addr_format(a, text);
	cr_assert_lt(class, img->source_classes);
	for (uint32_t from = 0; from < CF_FROM_MAX; from++) {
		struct cf_row want = reference_source(&w->in, from, a);

		cr_assert_arr_eq(&img->src_rows.v[from * img->source_classes + class], &want,
				 sizeof(want), "%s from %u", text, from);
	}
	cr_assert_eq(!!(flags & CF_SOURCE_ON_LINK), reference_on_link(&w->in, a), "%s", text);
	cr_assert_eq(!!(flags & CF_SOURCE_FOREIGN), reference_foreign(&w->in, a), "%s", text);
}

static void check_both(const struct world *w, const struct image *img, const struct addr *a)
{
	check_destination(w, img, a);
	check_source(w, img, a);
}

static struct addr before(struct addr a)
{
	for (int k = 15; k >= 0 && !a.b[k]--; k--)
		;
	return a;
}

static struct addr after(struct addr a)
{
	addr_next(&a);
	return a;
}

static void check_edges(const struct world *w, const struct image *img, struct addr first,
			struct addr last,
			void (*check)(const struct world *, const struct image *,
				      const struct addr *))
{
	const struct addr all[] = { before(first), first, after(first),
				    before(last),  last,  after(last) };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check(w, img, &all[i]);
}

static void check_list(const struct world *w, const struct image *img, const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		check_edges(w, img, prefix_first(&l->v[i]), prefix_last(&l->v[i]), check_both);
}

static void check_table(const struct world *w, const struct image *img, const struct geo_table *t)
{
	for (size_t i = 0; i < t->ranges.n; i++)
		check_edges(w, img, t->ranges.v[i].first, t->ranges.v[i].last, check_destination);
}

static void check_all_edges(const struct world *w, const struct image *img)
{
	static const char *const fixed[] = {
		"0.0.0.0/8",    "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "0.0.0.0/0",
		"::/0",         "::/128",      "::1/128",        "fe80::/10",   "ff00::/8",
		"64:ff9b::/96", "2002::/16",   "2001::/32",      "8000::/1",
	};
	struct prefix_list l = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		*VEC_ADD(&l) = prefix_from(fixed[i]);
	check_list(w, img, &l);
	free(l.v);
	check_list(w, img, &w->literals);
	check_list(w, img, &w->set->networks);
	check_list(w, img, &w->machine.local);
	check_list(w, img, &w->machine.inside);
	check_list(w, img, &w->machine.inside_links);
	check_table(w, img, w->in.geo.country);
	check_table(w, img, w->in.geo.asn);
	check_table(w, img, w->in.geo.city);
}

static struct addr random_addr(struct prng *r, const struct world *w)
{
	uint32_t v4 = (uint32_t)prng_next(r);
	struct addr a;

	switch (prng_below(r, 9)) {
	case 0:
	case 1:
	case 2:
		return addr_from4((const uint8_t *)&v4);
	case 3: /* near a literal */
		a = w->literals.v[prng_below(r, (uint32_t)w->literals.n)].addr;
		for (uint32_t i = 12 + prng_below(r, 4); i < 16; i++)
			a.b[i] = (uint8_t)prng_next(r);
		return a;
	case 4: /* NAT64 */
		return addr_from_halves(0x0064ff9b00000000ULL, v4);
	case 5: /* 6to4 */
		return addr_from_halves(0x2002000000000000ULL | (uint64_t)v4 << 16, prng_next(r));
	case 6: /* near a range, its /64 or the next */
		a = w->in.geo.country->ranges
			    .v[prng_below(r, (uint32_t)w->in.geo.country->ranges.n)]
			    .first;
		if (addr_is4(&a))
			return a;
		return addr_from_halves(addr_hi(&a) + prng_below(r, 2), prng_next(r));
	case 7: /* Teredo */
		return addr_from_halves(0x2001000000000000ULL | (uint32_t)prng_next(r),
					prng_next(r) << 32 | v4);
	default:
		return addr_from_halves(0x2000000000000000ULL | prng_next(r) >> 3, prng_next(r));
	}
}

static void check_world(uint64_t seed, int policies, size_t n4, size_t n6, size_t samples)
{
	struct prng r = { seed };
	struct world w = world_new(&r, policies, n4, n6);
	struct image *img;

	w.in.machine = &w.machine;
	keep(w.literals.v);
	keep(w.machine.local.v);
	keep(w.machine.inside.v);
	keep(w.machine.inside_links.v);
	img = compile(&w.in);
	check_all_edges(&w, img);
	for (size_t i = 0; i < samples; i++) {
		struct addr a = random_addr(&r, &w);

		check_destination(&w, img, &a);
		if (i % 16 == 0)
			check_source(&w, img, &a);
	}
	image_free(img);
}

Test(classes, large_databases_random_policies)
{
	check_world(1, 15, 30000, 20000, 900000);
}

Test(classes, small_databases_many_policies)
{
	for (uint64_t seed = 100; seed < 120; seed++)
		check_world(seed, 70, 200, 200, 10000);
}

/* No database at all, a policy about everything: one label, and none of the trees' corners is
 * empty. */
Test(classes, nothing_known)
{
	struct policy_set *set = set_new();
	struct machine none = { 0 };
	struct world w = { .set = set, .in = input_for(set) };
	struct prng r = { 7 };
	struct image *img;

	quota_add(policy_add(set, "all", any(), NULL), 1000, CF_KEY_SOURCE, PERIOD_DAY);
	w.in.machine = &none;
	img = compile(&w.in);
	for (int i = 0; i < 10000; i++) {
		struct addr a = addr_from_halves(prng_next(&r), prng_next(&r));

		check_both(&w, img, &a);
		a = addr_from_halves(0, 0xffff00000000ULL | prng_next(&r) >> 32);
		check_both(&w, img, &a);
	}
	image_free(img);
}

/* The tree is two, one below 8000:: and one from there: what ends or begins there, or goes across.
 */
Test(classes, halves_of_the_tree_meet)
{
	static const char *const near[] = {
		"7fff:ffff:ffff:ffff::/64",
		"7fff:ffff:ffff:ffff:ffff::/80",
		"7fff:ffff::/32",
		"8000::/64",
		"8000::1/128",
		"8000:0:0:1::/64",
		"7fff::/16",
		"8000::/16",
		"ffff:ffff:ffff:ffff::/64",
	};
	struct machine none = { 0 };

	/* with each of them, and without: what is there alone must hold as well */
	for (uint32_t chosen = 0; chosen < 1U << ARRAY_SIZE(near); chosen++) {
		struct policy_set *set = set_new();
		struct world w = { .set = set, .in = input_for(set) };
		struct image *img;

		for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
			*VEC_ADD(&w.literals) = prefix_from(near[i]);
			if (chosen >> i & 1)
				quota_add(policy_add(set, near[i], any(), cidr(near[i])), 1000,
					  CF_KEY_SOURCE, PERIOD_DAY);
		}
		w.in.machine = &none;
		img = compile(&w.in);
		check_list(&w, img, &w.literals);
		image_free(img);
		free(w.literals.v);
	}
}

/* They are multicast, to the very last /64. */
Test(classes, last_addresses_of_all)
{
	struct policy_set *set = set_new();
	struct machine none = { 0 };
	struct image_input in = input_for(set);
	struct addr last = addr_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	struct image *img;
	const struct cf_label *l;

	quota_add(policy_add(set, "all", any(), cidr("ffff:ffff:ffff:ffff::/64")), 1000,
		  CF_KEY_SOURCE, PERIOD_DAY);
	in.machine = &none;
	img = compile(&in);
	l = &img->labels.v[image_label(img, &last)];
	cr_assert_eq(l->reason, CF_REASON_IGNORED_MULTICAST);
	image_free(img);
}

/* An address that no rule is about has label 0, whatever is known of it. */
Test(classes, label_zero_is_nothing)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct geo_table *t = table_new();
	struct addr cn = addr_of("1.2.3.4"), us = addr_of("2.2.3.4"), none = addr_of("9.9.9.9");
	struct image *img;

	table_add(t, "1.0.0.0", "1.255.255.255", (struct geo_record){ .cc = "CN" });
	table_add(t, "2.0.0.0", "2.255.255.255", (struct geo_record){ .cc = "US" });
	in.geo.country = t;
	quota_add(policy_add(set, "cn", any(), country("CN")), 1000, CF_KEY_COUNTRY, PERIOD_DAY);
	img = compile(&in);
	cr_assert_neq(image_label(img, &cn), 0);
	cr_assert_eq(image_label(img, &us), 0);
	cr_assert_eq(image_label(img, &none), 0);
	cr_assert(row_empty(&img->dst_rows.v[img->labels.v[0].row]));
	cr_assert_str_eq(img->labels.v[image_label(img, &cn)].cc, "CN");
	image_free(img);
}
