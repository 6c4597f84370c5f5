/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Precedence: protect, block by hand, exempt, except, drop, quota, alert; and what observe changes.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/image/row.h"
#include "image_help.h"

#define SERVER "192.0.2.1"
#define OTHER  "198.51.100.1"

static struct image_verdict judge(const struct image *img, enum cf_from from, const char *src,
				  const char *dst)
{
	struct addr s = addr_of(src), d = addr_of(dst);

	return image_judge(img, &(struct image_packet){ from, s, d, TEST_NOW });
}

/* The verdict for a host inside that sends to SERVER. */
static struct image_verdict verdict_of(struct image_input *in)
{
	struct image *img = compile(in);
	struct image_verdict v = judge(img, CF_FROM_INSIDE, "10.0.0.1", SERVER);

	image_free(img);
	return v;
}

static struct policy *dropping(struct policy_set *set, const char *name)
{
	struct policy *p = policy_add(set, name, any(), cidr(SERVER));

	p->then.drop = true;
	return p;
}

static struct policy *limiting(struct policy_set *set, const char *name)
{
	struct policy *p = policy_add(set, name, any(), cidr(SERVER));

	quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_DAY);
	return p;
}

static bool charges_only(const struct image_verdict *v, uint32_t rule)
{
	struct cf_row want = { 0 };

	if (rule != ~0U)
		row_set(&want, rule);
	for (int i = 0; i < CF_ROW_WORDS; i++)
		if (v->charged.word[i] != want.word[i])
			return false;
	return true;
}

static void expect(struct image_input *in, enum cf_reason reason, uint32_t rule, uint32_t charged)
{
	struct image_verdict v = verdict_of(in);

	cr_assert_eq(v.reason, reason, "reason %u, not %u", v.reason, reason);
	cr_assert_eq(v.rule, rule, "rule %u, not %u", v.rule, rule);
	cr_assert(charges_only(&v, charged), "charged %#lx", (unsigned long)v.charged.word[0]);
}

#define NONE (~0U)

static struct manual_list by_hand(bool allow)
{
	struct manual_list l = { 0 };

	*VEC_ADD(&l) = (struct manual_rule){
		.allow = allow, .to = cidr(SERVER), .until = { TEST_NOW.s + 60 }, .id = 77
	};
	return l;
}

Test(judge, nothing_about_it)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	policy_add(set, "elsewhere", any(), cidr(OTHER))->then.drop = true;
	expect(&in, CF_REASON_PASS_UNMATCHED, NONE, NONE);
}

Test(judge, outside_its_window)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct time_expr night = { .op = TIME_SPAN, .days = 127, .from = 1320, .until = 360 };

	dropping(set, "night")->during = &night;
	expect(&in, CF_REASON_PASS_CLOSED, NONE, NONE);
	in.now.s += 1; /* the schedule's own beginning is no edge */
	expect(&in, CF_REASON_PASS_CLOSED, NONE, NONE);
}

Test(judge, drop)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	limiting(set, "limit");
	dropping(set, "drop");
	expect(&in, CF_REASON_DROP_POLICY, 1, NONE);
}

Test(judge, quota_before_alert)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	policy_add(set, "tell", any(), cidr(SERVER))->then.alert = CF_LEVEL_WARNING;
	expect(&in, CF_REASON_PASS_ALERT, 0, NONE);
	limiting(set, "limit");
	expect(&in, CF_REASON_PASS_QUOTA, 1, 1);
}

Test(judge, policy_that_observes_never_drops_and_others_are_charged)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	dropping(set, "drop")->mode = MODE_OBSERVE;
	limiting(set, "limit");
	expect(&in, CF_REASON_PASS_OBSERVED, 0, 1);
}

Test(judge, global_observe_caps_all)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct manual_list hand = by_hand(false);

	dropping(set, "drop")->mode = MODE_ENFORCE;
	for (int mode = MODE_UNSET; mode <= MODE_OBSERVE; mode++) {
		set->mode = mode;
		in.manual = NULL;
		expect(&in, CF_REASON_PASS_OBSERVED, 0, NONE);
		in.manual = &hand;
		expect(&in, CF_REASON_PASS_OBSERVED, 1, NONE);
	}
}

Test(judge, block_by_hand_before_exempt)
{
	struct policy_set *set = set_new();
	struct manual_list hand = by_hand(false);
	struct image_input in = input_for(set);

	in.manual = &hand;
	expect(&in, CF_REASON_DROP_BLOCKED, 0, NONE);
	exempt_add(set, "all", any(), NULL);
	expect(&in, CF_REASON_DROP_BLOCKED, 1, NONE);
}

Test(judge, protect_before_all)
{
	struct policy_set *set = set_new();
	struct manual_list hand = by_hand(false);
	struct image_input in = input_for(set);

	in.manual = &hand;
	dropping(set, "drop");
	exempt_add(set, "all", any(), NULL);
	protect_add(set, inside(), cidr(SERVER));
	expect(&in, CF_REASON_PASS_PROTECTED, 3, NONE);
}

Test(judge, allow_by_hand_is_an_exempt)
{
	struct policy_set *set = set_new();
	struct manual_list hand = by_hand(true);
	struct image_input in = input_for(set);

	dropping(set, "drop");
	limiting(set, "limit");
	in.manual = &hand;
	expect(&in, CF_REASON_PASS_EXEMPT, 2, NONE);
}

Test(judge, exempt_of_one_policy_leaves_the_other)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	dropping(set, "drop");
	limiting(set, "limit");
	exempt_policy(exempt_add(set, "visit", any(), cidr(SERVER)), "drop");
	expect(&in, CF_REASON_PASS_QUOTA, 1, 1);
	exempt_policy(&set->exempts.v[0], "limit");
	expect(&in, CF_REASON_PASS_EXEMPT, 2, NONE);
}

Test(judge, except_takes_out_of_its_own_policy_only)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	except_add(dropping(set, "drop"), cidr("10.0.0.0/24"), NULL);
	expect(&in, CF_REASON_PASS_EXCEPTED, 1, NONE);
	limiting(set, "limit");
	expect(&in, CF_REASON_PASS_QUOTA, 1, 1);
}

Test(judge, exempt_is_named_before_except)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	except_add(dropping(set, "drop"), NULL, cidr(SERVER));
	exempt_add(set, NULL, any(), NULL);
	expect(&in, CF_REASON_PASS_EXEMPT, 1, NONE);
}

/* An exempt of a policy that does not match has exempted nothing. */
Test(judge, exempt_that_clears_nothing)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	policy_add(set, "elsewhere", any(), cidr(OTHER))->then.drop = true;
	exempt_add(set, NULL, any(), NULL);
	expect(&in, CF_REASON_PASS_UNMATCHED, NONE, NONE);
}

Test(judge, ignored_destinations_are_not_judged)
{
	static const struct {
		const char *dst;
		enum cf_reason reason;
	} cases[] = {
		{ "10.0.0.1", CF_REASON_IGNORED_LOCAL },
		{ "10.0.0.2", CF_REASON_IGNORED_NETWORKS },
		{ "10.9.9.9", CF_REASON_IGNORED_NETWORKS },
		{ "10.0.0.255", CF_REASON_IGNORED_MULTICAST },
		{ "239.1.1.1", CF_REASON_IGNORED_MULTICAST },
		{ "ff02::1", CF_REASON_IGNORED_MULTICAST },
		{ "169.254.1.1", CF_REASON_IGNORED_LINK_LOCAL },
		{ "fe80::1", CF_REASON_IGNORED_LINK_LOCAL },
		{ "64:ff9b::10.0.0.1", CF_REASON_DROP_POLICY }, /* leaves all the same */
		{ "2002:a09:909::1", CF_REASON_DROP_POLICY },
		{ "240.0.0.1", CF_REASON_DROP_POLICY },
		{ "2002:c000:201::1", CF_REASON_DROP_POLICY },
		{ "2001:db8::1", CF_REASON_DROP_POLICY },
	};
	struct policy_set *set = set_new();
	struct machine m = { 0 };
	struct image_input in = input_for(set);
	struct image *img;

	*VEC_ADD(&m.local) = prefix_from("10.0.0.1");
	*VEC_ADD(&m.inside_links) = prefix_from("10.0.0.0/24");
	*VEC_ADD(&m.inside) = prefix_from("10.0.0.0/24");
	*VEC_ADD(&set->networks) = prefix_from("10.0.0.0/8");
	in.machine = &m;
	policy_add(set, "all", any(), NULL)->then.drop = true;
	img = compile(&in);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_eq(judge(img, CF_FROM_INSIDE, "10.0.0.7", cases[i].dst).reason,
			     cases[i].reason, "%s", cases[i].dst);
	image_free(img);
}

static void ignore_add(struct policy_set *set, struct expr *to)
{
	*VEC_ADD(&set->ignores) = (struct ignore){ .pos = { .line = 300, .col = 1 }, .to = to };
}

Test(judge, listed_destinations_are_not_judged)
{
	static const struct {
		const char *dst;
		enum cf_reason reason;
	} cases[] = {
		{ "192.0.2.1", CF_REASON_IGNORED_DESTINATION },
		{ "192.0.2.9", CF_REASON_DROP_POLICY }, /* taken out by `except` */
		{ "192.0.3.1", CF_REASON_DROP_POLICY },
		{ "64:ff9b::192.0.2.1", CF_REASON_IGNORED_DESTINATION }, /* as in `to` */
		{ "2002:c000:201::1", CF_REASON_IGNORED_DESTINATION },
		{ "2001:0:c0a8:1::3fff:fdfe", CF_REASON_IGNORED_DESTINATION }, /* Teredo */
		{ "64:ff9b::192.0.3.1", CF_REASON_DROP_POLICY },
		{ "2001:db8:5::1", CF_REASON_IGNORED_DESTINATION },
		{ "2001:db8:6::1", CF_REASON_DROP_POLICY },
		{ "203.0.113.1", CF_REASON_IGNORED_DESTINATION }, /* AS and country, both */
		{ "203.0.113.129", CF_REASON_DROP_POLICY },
		{ "10.1.0.1", CF_REASON_IGNORED_NETWORKS }, /* `networks` says so first */
		{ "239.1.1.1", CF_REASON_IGNORED_MULTICAST },
	};
	struct policy_set *set = set_new();
	struct geo_table *t = table_new();
	struct image_input in = input_for(set);
	struct image *img;

	table_add(t, "203.0.113.0", "203.0.113.127",
		  (struct geo_record){ .cc = "CN", .asn = 64500 });
	table_add(t, "203.0.113.128", "203.0.113.255",
		  (struct geo_record){ .cc = "DE", .asn = 64500 });
	t->has_country = t->has_asn = true;
	in.geo.country = t;
	*VEC_ADD(&set->networks) = prefix_from("10.1.0.0/16");
	ignore_add(set, EXCEPT(OR(cidr("192.0.2.0/24"), cidr("10.0.0.0/8")), cidr("192.0.2.9")));
	ignore_add(set, cidr("2001:db8:5::/48"));
	ignore_add(set, AND(asn(64500), country("CN")));
	policy_add(set, "all", any(), NULL)->then.drop = true;
	protect_add(set, any(), cidr("192.0.2.1"));
	img = compile(&in);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_eq(judge(img, CF_FROM_INSIDE, "10.0.0.7", cases[i].dst).reason,
			     cases[i].reason, "%s", cases[i].dst);
	image_free(img);
}

Test(judge, ignoring_a_country_needs_a_database)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	ignore_add(set, country("CN"));
	cr_assert(strstr(compile_errors(&in), "needs a database"));
}

Test(judge, where_it_began)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	policy_add(set, "inside", inside(), NULL)->then.drop = true;
	policy_add(set, "gateway", gateway(), NULL)->then.drop = true;
	policy_add(set, "host", cidr("10.0.0.9"), NULL)->then.drop = true;
	img = compile(&in);
	cr_assert_eq(judge(img, CF_FROM_INSIDE, "10.0.0.1", SERVER).rule, 0);
	cr_assert_eq(judge(img, CF_FROM_GATEWAY, "10.0.0.1", SERVER).rule, 1);
	cr_assert_eq(judge(img, CF_FROM_OTHER, "10.0.0.1", SERVER).reason,
		     CF_REASON_PASS_UNMATCHED);
	cr_assert_eq(judge(img, CF_FROM_OTHER, "10.0.0.9", SERVER).rule, 2);
	image_free(img);
}
