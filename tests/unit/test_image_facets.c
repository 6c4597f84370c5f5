/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources told apart by MAC, vendor, interface and VLAN: what the tables say, and what is refused.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/image/row.h"
#include "image_help.h"
#include "image_reference.h"

static const char list[] = "MA-L,02CA00,\"Hangzhou Kamera Technology Co.,Ltd.\",Hangzhou CN\n"
			   "MA-L,02FF00,IEEE Registration Authority,Piscataway NJ US\n"
			   "MA-M,02FF001,Middle Sensors GmbH,Berlin DE\n"
			   "MA-S,02FF00102,Small Kamera Ltd,Leeds GB\n";

static const struct vendors *get_vendors(void *arg)
{
	static struct vendors v;

	(void)arg;
	if (!v.blocks.n) {
		vendors_add(&v, list, sizeof(list) - 1);
		vendors_ready(&v);
	}
	return &v;
}

static const struct vendors *get_none(void *arg)
{
	(void)arg;
	return NULL;
}

static const struct vendor_source vendors = { .get = get_vendors }, none = { .get = get_none };

static struct image_input with_vendors(const struct policy_set *set)
{
	struct image_input in = input_for(set);

	in.vendors = &vendors;
	return in;
}

static void refused(const struct image_input *in, const char *want)
{
	const char *text = compile_errors(in);

	cr_assert(strstr(text, want), "wanted '%s' in:\n%s", want, text);
}

/* ---- against the tree read anew for each packet ---------------------------------- */

static const uint64_t macs[] = {
	0,
	0xffffffffffff,
	0x020000000105,
	0x020000000104,
	0x020000000106,
	0x02ca00000000,
	0x02ca00ffffff,
	0x02c9ffffffff,
	0x02ca01000000,
	0x02ff00000000,
	0x02ff00100000,
	0x02ff00101fff,
	0x02ff00102000,
	0x02ff00102fff,
	0x02ff00103000,
	0x02ff001fffff,
	0x02ff00200000,
	0x02ff00ffffff,
};
static const char *const interfaces[] = { NULL, "eth1", "eth2", "eth3" };
static const uint16_t vlans[] = { 0, 1, 20, 30, 4094, 4095 };
static const char *const sources[] = { "10.0.0.5",  "10.0.1.5",     "10.1.0.5",
				       "192.0.2.7", "fd12:3456::5", "2001:db8::1" };

static struct expr *random_atom(struct prng *r)
{
	static const char *const names[] = { "kamera", "ieee", "middle sensors" };
	static const char *const nets[] = { "10.0.0.0/24", "10.0.0.0/16", "fd12:3456::/32",
					    "192.0.2.7" };

	switch (prng_below(r, 8)) {
	case 0:
		return mac(macs[prng_below(r, ARRAY_SIZE(macs))]);
	case 1:
		return vendor(names[prng_below(r, ARRAY_SIZE(names))]);
	case 2:
		return interface(interfaces[1 + prng_below(r, ARRAY_SIZE(interfaces) - 1)]);
	case 3:
		return vlan(vlans[1 + prng_below(r, ARRAY_SIZE(vlans) - 2)]);
	case 4:
		return inside();
	case 5:
		return any();
	default:
		return cidr(nets[prng_below(r, ARRAY_SIZE(nets))]);
	}
}

static struct expr *random_expr(struct prng *r, unsigned int depth)
{
	if (!depth || !prng_below(r, 3))
		return random_atom(r);
	switch (prng_below(r, 3)) {
	case 0:
		return AND(random_expr(r, depth - 1), random_expr(r, depth - 1));
	case 1:
		return OR(random_expr(r, depth - 1), random_expr(r, depth - 1),
			  random_expr(r, depth - 1));
	default:
		return EXCEPT(random_expr(r, depth - 1), random_expr(r, depth - 1));
	}
}

static struct policy_set *random_set(struct prng *r)
{
	struct policy_set *set = set_new();

	for (unsigned int i = 0; i < 6; i++) {
		char *name = keep(xprintf("policy %u", i));
		struct policy *p = policy_add(set, name, random_expr(r, 3), NULL);

		p->then.drop = true;
		except_add(p, random_expr(r, 2), NULL);
	}
	exempt_add(set, "e", random_expr(r, 2), NULL);
	protect_add(set, random_expr(r, 2), NULL);
	return set;
}

static struct image_packet random_packet(struct prng *r)
{
	struct image_packet p = {
		.from = (enum cf_from)prng_below(r, CF_FROM_MAX),
		.src = addr_of(sources[prng_below(r, ARRAY_SIZE(sources))]),
		.dst = addr_of("203.0.113.9"),
		.at = TEST_NOW,
		.has_mac = prng_below(r, 8),
		.interface = interfaces[prng_below(r, ARRAY_SIZE(interfaces))],
		.vlan = vlans[prng_below(r, ARRAY_SIZE(vlans))],
	};
	uint64_t n = macs[prng_below(r, ARRAY_SIZE(macs))];

	for (int i = 0; i < 6; i++)
		p.mac[i] = (uint8_t)(n >> (40 - 8 * i));
	return p;
}

static void compare(const struct image_input *in, const struct image *img, struct prng *r)
{
	struct image_packet p = random_packet(r);
	struct cf_row got = image_candidates(img, &p), want = reference_packet(in, &p);
	uint32_t flags, class = image_source_class(img, &p.src, &flags);
	struct cf_row union_ = img->src_rows.v[p.from * img->source_classes + class];
	struct cf_row missing = row_without(&want, &union_);
	char text[ADDR_TEXT_MAX];

	cr_assert_arr_eq(got.word, want.word, sizeof(got), "%s, from %d, mac %012lx, %s, vlan %u",
			 addr_format(&p.src, text), p.from,
			 p.has_mac ? (unsigned long)mac_number(p.mac) : 0UL,
			 p.interface ? p.interface : "-", p.vlan);
	cr_assert(row_empty(&missing), "a pair without rules has one after all");
}

Test(image_facets, agree_with_the_tree)
{
	struct prng r = { 7 };

	for (unsigned int i = 0; i < 200; i++) {
		struct policy_set *set = random_set(&r);
		struct image_input in = with_vendors(set);
		struct image *img = compile(&in);

		for (unsigned int k = 0; k < 300; k++)
			compare(&in, img, &r);
		image_free(img);
	}
}

/* What nobody asks costs nothing. */
Test(image_facets, none)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	policy_add(set, "p", cidr("10.0.0.0/8"), NULL)->then.drop = true;
	img = compile(&in);
	cr_assert_eq(img->facets.used, 0);
	cr_assert_eq(img->src_cells.n, 0);
	cr_assert_eq(img->src_rows.n, CF_FROM_MAX * img->source_classes);
	image_free(img);
}

/* ---- refused ---------------------------------------------------------------------- */

Test(image_facets, vendors_that_are_not_there)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	policy_add(set, "p", vendor("Kamera"), NULL)->then.drop = true;
	refused(&in, "apt-get install ieee-data");
	in.vendors = &none;
	refused(&in, "apt-get install ieee-data");
	in.vendors = &vendors;
	image_free(compile(&in));
	set->policies.v[0].from = vendor("Kamrea");
	refused(&in, "did you mean 'Kamera'?");
	set->policies.v[0].from = vendor("Qqqqq");
	refused(&in, "no vendor of the IEEE's list has 'Qqqqq' in its name");
}

Test(image_facets, more_combinations_than_there_is_room_for)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "p", NULL, NULL);
	struct expr *hosts = mac(1), *nets;
	struct image *img;

	p->then.drop = true;
	for (uint32_t i = 2; i <= 1100; i++)
		hosts = OR(hosts, AND(mac(i), vlan(i)));
	p->from = hosts;
	refused(&in, "are more than 1048576 combinations");
	/* one list is one class, however long */
	hosts = mac(1);
	hosts = OR(mac(1), mac(4));
	nets = OR(vlan(1), vlan(4));
	for (uint32_t i = 3; i <= 4000; i++) {
		*VEC_ADD(hosts) = mac(2 * i);
		*VEC_ADD(nets) = vlan(i);
	}
	p->from = AND(hosts, nets);
	img = compile(&in);
	cr_expect_eq(img->src_cells.n, 2 * 2);
	image_free(img);
}
