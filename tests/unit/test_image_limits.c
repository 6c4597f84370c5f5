/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cannot be compiled is refused with an error that names the limit or what is missing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "image_help.h"

static void refused(const struct image_input *in, const char *want)
{
	const char *text = compile_errors(in);

	cr_assert(strstr(text, want), "wanted '%s' in:\n%s", want, text);
}

static void refused_once(const struct image_input *in, const char *want)
{
	const char *first = strstr(compile_errors(in), want);

	cr_assert(first, "wanted '%s'", want);
	cr_assert(!strstr(first + 1, want), "twice: '%s'", want);
}

/* One policy about `to`, nothing loaded. */
static struct image_input about(struct expr *to)
{
	struct policy_set *set = set_new();

	policy_add(set, "p", any(), to)->then.drop = true;
	return input_for(set);
}

static char *numbered(const char *what, unsigned int n)
{
	return keep(xprintf("%s %u", what, n));
}

/* ---- what is missing -------------------------------------------------- */

Test(missing, databases)
{
	struct image_input in = about(unknown());

	refused(&in, "geo country \"");
	in = about(country("CN"));
	refused(&in, "test.conf:1:1: error: 'country' needs a database");
	refused(&in, "geo country \"");
	in = about(OR(cidr("192.0.2.1"), continent("AS")));
	refused(&in, "geo country \"");
	in = about(asn(64500));
	refused(&in, "geo asn \"");
	refused(&in, "'AS64500' needs a database");
	in = about(OR(asn(64500), asn(64501)));
	refused_once(&in, "needs a database");
	in = about(city("Shanghai", "CN"));
	refused(&in, "geo city \"");
	in = about(beyond(8000));
	refused(&in, "'beyond' needs a database");
}

Test(missing, database_of_a_quota)
{
	struct image_input in = about(NULL);
	struct policy *p = ((struct policy_set *)in.set)->policies.v;

	p->then.drop = false;
	quota_add(p, 1000, CF_KEY_ASN, PERIOD_DAY);
	refused(&in, "geo asn \"");
	p->quotas.v[0].key = CF_KEY_COUNTRY;
	refused(&in, "geo country \"");
}

/* A table that has the field under another statement will do; one that lacks it will not. */
Test(missing, any_table_with_the_field_will_do)
{
	struct image_input in = about(country("CN"));
	struct geo_table *t = table_new();

	table_add(t, "1.0.0.0", "1.0.0.255", (struct geo_record){ .cc = "CN" });
	in.geo.city = t;
	image_free(compile(&in));
	t->has_country = false;
	t->has_asn = true;
	refused(&in, "geo country \"");
}

Test(missing, location_of_the_site)
{
	struct image_input in = about(beyond(8000));
	struct geo_table *t = table_new();

	table_add(t, "1.0.0.0", "1.0.0.255", (struct geo_record){ .cc = "CN" });
	in.geo.country = t;
	image_free(compile(&in));
	((struct policy_set *)in.set)->site.has_location = false;
	refused(&in, "location LATITUDE, LONGITUDE");
}

Test(missing, window_of_a_quota)
{
	struct image_input in = about(NULL);

	quota_add(((struct policy_set *)in.set)->policies.v, 1000, CF_KEY_SOURCE, PERIOD_WINDOW);
	refused(&in, "'each window' needs a window");
}

Test(missing, time_zone)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct time_expr ref = { .op = TIME_WINDOW, .pos = { .line = 9, .col = 3 } };

	*VEC_ADD(&set->windows) = (struct window){
		.name = (char *)"night",
		.zone = (char *)"Mars/Olympus",
		.when = &(struct time_expr){ .op = TIME_SPAN, .days = 127, .until = 60 }
	};
	policy_add(set, "p", any(), NULL)->then.drop = true;
	set->policies.v[0].during = &ref;
	refused(&in, "test.conf:9:3: error: a time zone");
}

Test(missing, policy_of_an_exempt)
{
	struct image_input in = about(NULL);

	exempt_policy(exempt_add((struct policy_set *)in.set, "e", any(), NULL), "q");
	refused(&in, "there is no policy 'q'");
}

/* ---- what has no meaning, or not yet ----------------------------------- */

Test(refused, sides_are_typed)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	policy_add(set, "p", country("CN"), NULL)->then.drop = true;
	refused(&in, "a source has no country");
	set->policies.v[0].from = any();
	set->policies.v[0].to = inside();
	refused(&in, "names a source");
}

Test(refused, networks_that_only_carry_ipv4)
{
	static const char *const carriers[] = { "2002::/16", "2002:c000:201::/48", "64:ff9b::/96",
						"64:ff9b::192.0.2.1", "2001::/32" };
	struct image_input in;

	for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
		in = about(OR(cidr(carriers[i]), cidr("192.0.2.1")));
		refused(&in, "judged as the IPv4 address");
	}
	in = about(OR(cidr("2000::/3"), cidr("64:ff9b::/95"), cidr("::/0"), cidr("192.0.2.1")));
	image_free(compile(&in));
}

Test(refused, set_that_contains_itself)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	*VEC_ADD(&set->sets) = (struct set){ .name = (char *)"a", .expr = OR(set_ref(1), any()) };
	*VEC_ADD(&set->sets) = (struct set){ .name = (char *)"b", .expr = set_ref(0) };
	policy_add(set, "p", set_ref(0), NULL)->then.drop = true;
	refused(&in, "contains itself");
}

Test(refused, a_policy_that_does_nothing)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "p", any(), NULL);

	refused(&in, "policy 'p' does nothing");
	p->then.drop = true;
	image_free(compile(&in));
}

/* ---- limits ------------------------------------------------------------ */

Test(limits, rules)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;
	const char *text, *at;

	for (unsigned int i = 0; i < CF_RULES_MAX; i++)
		policy_add(set, numbered("policy", i), any(), NULL)->then.drop = true;
	img = compile(&in);
	cr_assert_eq(img->rules.n, CF_RULES_MAX);
	image_free(img);
	for (unsigned int i = 0; i < 300; i++)
		exempt_policy(exempt_add(set, NULL, any(), NULL), "policy 511");
	text = compile_errors(&in);
	at = strstr(text, "more than 512 rules");
	cr_assert(at);
	cr_assert_null(strstr(at + 1, "more than 512 rules"), "said once");
}

/* What image_warn_room() says, as text. */
static const char *room(const struct image *img)
{
	struct diag_list diags = { 0 };
	struct buf text = { 0 };

	image_warn_room(img, &diags);
	cr_assert_eq(diag_errors(&diags), 0);
	diag_print(&diags, &text);
	diag_list_done(&diags);
	return keep(xstrdup(buf_text(&text)));
}

Test(limits, room_for_rules_by_hand)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	while (set->policies.n < CF_RULES_MAX - 8)
		policy_add(set, numbered("policy", (unsigned int)set->policies.n), any(), NULL)
			->then.drop = true;
	img = compile(&in);
	cr_assert_str_empty(room(img));
	image_free(img);
	exempt_add(set, NULL, any(), NULL);
	img = compile(&in);
	cr_assert(strstr(room(img), "505 of 512 rules are used"));
	cr_assert(strstr(room(img), "may soon find no room"));
	cr_assert_null(image_no_room(img, true));
	image_free(img);
	while (set->policies.n < CF_RULES_MAX - 1)
		policy_add(set, numbered("policy", (unsigned int)set->policies.n), any(), NULL)
			->then.drop = true;
	img = compile(&in);
	cr_assert(strstr(room(img), "'curfew allow' find no room"));
	cr_assert_str_eq(image_no_room(img, false), "rules");
	image_free(img);
}

/* What is promised: that many policies, each with an except block of its own. */
Test(limits, policies_with_excepts)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	for (unsigned int i = 0; i < 256; i++) {
		struct policy *p = policy_add(set, numbered("policy", i), any(), NULL);

		p->then.drop = true;
		except_add(p, any(), NULL);
	}
	img = compile(&in);
	cr_assert_eq(img->rules.n, 512);
	image_free(img);
	except_add(&set->policies.v[0], any(), NULL);
	refused(&in, "more than 512 rules");
}

Test(limits, quotas)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	for (unsigned int i = 0; i < CF_QUOTAS_MAX / 4; i++) {
		struct policy *p = policy_add(set, numbered("policy", i), any(), NULL);

		for (unsigned int k = 1; k <= 4; k++)
			quota_add(p, 1000 * k, CF_KEY_SOURCE, PERIOD_DAY);
	}
	img = compile(&in);
	cr_assert_eq(img->quotas.n, CF_QUOTAS_MAX);
	image_free(img);
	quota_add(&set->policies.v[255], 1000, CF_KEY_DESTINATION, PERIOD_DAY);
	refused(&in, "more than 1024 quotas");
}

Test(limits, alerts_of_a_policy)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "p", any(), NULL);

	quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_DAY);
	for (uint16_t i = 1; i < CF_QUOTA_ATS; i++)
		*VEC_ADD(&p->ats) = (struct at){ .percent = i,
						 .pos = p->pos,
						 .actions = { .alert = CF_LEVEL_INFO } };
	image_free(compile(&in));
	*VEC_ADD(&p->ats) = p->ats.v[1];
	refused(&in, "at most 4 'at' lines");
}

/* Host i is in list n if bit n of i is set: as many classes as hosts. Host 0 is like all others. */
Test(limits, source_classes)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	for (unsigned int n = 0; n < 12; n++) {
		struct prefix_list l = { 0 };

		for (uint32_t i = 0; i < 1 << 12; i++) {
			const uint8_t b[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
			struct addr a = addr_from4(b);

			if (i >> n & 1)
				*VEC_ADD(&l) = prefix_of(&a, 32);
		}
		policy_add(set, numbered("p", n), file_list(&l), NULL)->then.drop = true;
	}
	refused(&in, "the policies tell 4096 sets of sources apart, 4095 at most");
	/* the last one of each list is the host that all of them have */
	for (unsigned int n = 0; n < 12; n++)
		set->policies.v[n].from->atom.prefixes.n--;
	image_free(compile(&in));
}

Test(limits, source_ranges)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct prefix_list l = { 0 };
	struct policy *p;

	for (uint32_t i = 0; i < 33000; i++) {
		const uint8_t b[4] = { 10, (uint8_t)(i >> 15), (uint8_t)(i >> 7),
				       (uint8_t)(i << 1) };
		struct addr a = addr_from4(b);

		*VEC_ADD(&l) = prefix_of(&a, 32);
	}
	p = policy_add(set, "p", file_list(&l), NULL);
	p->then.drop = true;
	refused(&in, "66001 ranges of sources, 65536 at most");
	p->from->atom.prefixes.n = 32000;
	image_free(compile(&in));
}

/* Every address of its own AS, and a quota per AS: as many labels. */
Test(limits, labels)
{
	struct image_input in = about(NULL);
	struct policy *p = ((struct policy_set *)in.set)->policies.v;
	struct geo_table *t = table_new();

	p->then.drop = false;
	quota_add(p, 1000, CF_KEY_ASN, PERIOD_DAY);
	t->has_asn = true;
	for (uint32_t i = 0; i < CF_LABELS_MAX + 10; i++) {
		struct addr a = addr_from_halves(0, 0xffff01000000ULL + i);

		*VEC_ADD(&t->records) = (struct geo_record){ .asn = i + 1 };
		*VEC_ADD(&t->ranges) = (struct geo_range){ .first = a, .last = a, .record = i };
	}
	in.geo.asn = t;
	refused(&in, "sets of destinations apart, 1048575 at most");
	t->ranges.n -= 100;
	image_free(compile(&in));
}

/* As `set bad = file "drop.txt"` with a million lines, half of them IPv6. */
Test(limits, a_million_prefixes)
{
	struct prng r = { 5 };
	struct prefix_list l = { 0 };
	struct image_input in;
	struct image *img;
	struct addr a;

	for (uint32_t i = 0; i < 500000; i++) {
		uint32_t v4 = (uint32_t)prng_next(&r);

		a = addr_from4((const uint8_t *)&v4);
		*VEC_ADD(&l) = prefix_of(&a, 32);
		a = addr_from_halves(0x2400000000000000ULL + (prng_next(&r) >> 6), 0);
		*VEC_ADD(&l) = prefix_of(&a, 64);
	}
	in = about(file_list(&l));
	img = compile(&in);
	for (size_t i = 0; i < l.n; i += 97) {
		const struct cf_label *label;

		a = l.v[i].addr;
		label = &img->labels.v[image_label(img, &a)];
		cr_assert(label->flags || img->dst_rows.v[label->row].word[0] == 1);
		addr_next(&a);
		/* its neighbour is hardly ever listed, too */
		if (addr_is4(&a))
			continue;
		a.b[7] ^= 1;
		label = &img->labels.v[image_label(img, &a)];
		cr_assert_eq(img->dst_rows.v[label->row].word[0], 0);
	}
	image_free(img);
}

/* More than 9^7 ranges of IPv6: alternate /64s of two countries. */
Test(limits, ranges_of_ipv6)
{
	struct image_input in = about(country("CN"));
	struct geo_table *t = table_new();

	t->has_country = true;
	*VEC_ADD(&t->records) = (struct geo_record){ .cc = "CN" };
	*VEC_ADD(&t->records) = (struct geo_record){ .cc = "US" };
	for (uint64_t i = 0; i < 4782969 + 1; i++)
		*VEC_ADD(&t->ranges) =
			(struct geo_range){ .first = addr_from_halves(0x2400000000000000ULL + i, 0),
					    .last = addr_from_halves(0x2400000000000000ULL + i,
								     UINT64_MAX),
					    .record = i & 1 };
	in.geo.country = t;
	refused(&in, "ranges of IPv6 destinations, 4782969 at most");
	t->ranges.n -= 100;
	image_free(compile(&in));
}

/* Open for the first half of each `step` minutes. */
static struct time_expr *often(uint16_t step, uint16_t shift)
{
	struct time_expr *all = keep(xcalloc(1, sizeof(*all)));

	all->op = TIME_OR;
	for (uint16_t m = 0; m + step <= 1440; m = (uint16_t)(m + step)) {
		struct time_expr *t = keep(xcalloc(1, sizeof(*t)));

		*t = (struct time_expr){ .op = TIME_SPAN,
					 .days = 127,
					 .from = (uint16_t)(m + shift),
					 .until = (uint16_t)(m + shift + step / 2) };
		*VEC_ADD(all) = t;
	}
	return all;
}

Test(limits, segments)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "p", any(), NULL);
	struct image *img;

	p->then.drop = true;
	p->during = often(30, 0);
	refused(&in, "times in the schedule, 4096 at most");
	p->during = often(60, 0);
	image_free(compile(&in));
	/* 32 a day, and the schedule begins 8 days ago */
	p->during = often(90, 1);
	in.days = 4096 / 32 - 8;
	img = compile(&in);
	cr_assert(strstr(room(img), "4096 of 4096 times at which windows open and close are used"));
	cr_assert_null(image_no_room(img, false), "what never ends has no time");
	cr_assert_not_null(image_no_room(img, true));
	image_free(img);
	in.days++;
	refused(&in, "windows open and close 4128 times in the schedule, 4096 at most");
}

Test(limits, edges)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	for (unsigned int i = 0; i < 20; i++) {
		struct policy *p = policy_add(set, numbered("p", i), any(), NULL);

		quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_WINDOW);
		p->during = often(40, (uint16_t)(i + 1));
	}
	refused(&in, "the periods of quotas begin and end");
}
