/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy's text becomes in the tables of rules and quotas. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/image/row.h"
#include "image_help.h"

static void at_add(struct policy *p, uint16_t percent, bool drop, enum cf_level alert)
{
	*VEC_ADD(&p->ats) = (struct at){ .pos = p->pos,
					 .percent = percent,
					 .actions = { .drop = drop, .alert = alert } };
}

/* A policy with a quota of `bytes` and no `at` yet. */
static struct policy *bare(struct policy_set *set, uint64_t bytes)
{
	struct policy *p = policy_add(set, "limit", any(), NULL);

	quota_add(p, bytes, CF_KEY_SOURCE, PERIOD_DAY);
	p->ats.n = 0;
	return p;
}

Test(rules, order_kinds_and_what_is_cleared)
{
	struct policy_set *set = set_new();
	struct manual_list hand = { 0 };
	struct image_input in = input_for(set);
	static const uint8_t kinds[] = { CF_RULE_POLICY, CF_RULE_POLICY, CF_RULE_EXEMPT,
					 CF_RULE_EXEMPT, CF_RULE_EXEMPT, CF_RULE_BLOCK,
					 CF_RULE_EXCEPT, CF_RULE_PROTECT };
	static const uint64_t clears[] = { 0, 0, 3, 2, 3, 0, 2, 0 };
	static const uint32_t policy[] = { 0, 1, ~0U, ~0U, ~0U, ~0U, 1, ~0U };
	struct image *img;

	policy_add(set, "first", any(), NULL)->then.drop = true;
	policy_add(set, "second", any(), NULL)->then.alert = CF_LEVEL_CRITICAL;
	except_add(&set->policies.v[1], inside(), NULL);
	exempt_add(set, NULL, any(), NULL);
	exempt_policy(exempt_add(set, "visit", any(), NULL), "second");
	protect_add(set, any(), cidr("192.0.2.1"));
	*VEC_ADD(&hand) = (struct manual_rule){ .allow = true, .until = TEST_NOW, .id = 5 };
	*VEC_ADD(&hand) = (struct manual_rule){ .until = TEST_NOW, .id = 6 };
	in.manual = &hand;
	img = compile(&in);
	cr_assert_eq(img->rules.n, ARRAY_SIZE(kinds));
	cr_assert_eq(img->rule_policy.n, ARRAY_SIZE(kinds));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		cr_assert_eq(img->rules.v[i].kind, kinds[i], "rule %zu", i);
		cr_assert_eq(img->rules.v[i].clears.word[0], clears[i], "rule %zu", i);
		cr_assert_eq(img->rule_policy.v[i], policy[i], "rule %zu", i);
	}
	cr_assert_eq(img->policy_rules.word[0], 0x03);
	cr_assert_eq(img->clearing_rules.word[0], 0x5c);
	cr_assert_eq(img->block_rules.word[0], 0x20);
	cr_assert_eq(img->protect_rules.word[0], 0x80);
	cr_assert_eq(img->rules.v[0].flags, CF_RULE_DROP);
	cr_assert_eq(img->rules.v[1].flags, CF_RULE_ALERT);
	cr_assert_eq(img->rules.v[1].level, CF_LEVEL_CRITICAL);
	cr_assert_eq(img->rules.v[4].id, 5);
	cr_assert_str_eq(img->rules.v[3].name, "visit");
	cr_assert_str_eq(img->rules.v[6].name, "second");
	image_free(img);
}

Test(rules, names_are_cut_between_characters)
{
	static const struct {
		const char *name, *cut;
	} cases[] = {
		{ "short", "short" },
		{ "exactly thirty-one bytes, so it", "exactly thirty-one bytes, so it" },
		{ "exactly thirty-two bytes, so cut", "exactly thirty-two bytes, so cu" },
		{ "thirty bytes and an umlaut herü", "thirty bytes and an umlaut her" },
		{ "29 bytes, then three by one: €uro", "29 bytes, then three by one: " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_set *set = set_new();
		struct image_input in = input_for(set);
		struct policy *p = policy_add(set, cases[i].name, any(), NULL);
		struct image *img;

		quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_DAY);
		img = compile(&in);
		cr_assert_str_eq(img->rules.v[0].name, cases[i].cut);
		cr_assert_str_eq(img->quotas.v[0].policy, cases[i].cut);
		image_free(img);
	}
}

Test(rules, thresholds_in_bytes)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = bare(set, 50000001);
	const struct cf_quota_spec *q;
	struct image *img;

	at_add(p, 80, false, CF_LEVEL_WARNING);
	at_add(p, 90, true, CF_LEVEL_NONE);
	at_add(p, 100, true, CF_LEVEL_CRITICAL);
	p->quotas.v[0].wire = true;
	quota_add(p, 7, CF_KEY_PREFIX, PERIOD_HOUR)->prefix4 = 24;
	img = compile(&in);
	q = &img->quotas.v[0];
	cr_assert_eq(img->rules.v[0].quota_count, 2);
	cr_assert_eq(q->limit_bytes, 50000001);
	cr_assert_eq(q->drop_bytes, 45000000);
	cr_assert_eq(q->at_count, 2);
	cr_assert_eq(q->at[0].bytes, 40000000);
	cr_assert_eq(q->at[0].level, CF_LEVEL_WARNING);
	cr_assert_eq(q->at[1].bytes, 50000001);
	cr_assert_eq(q->at[1].percent, 100);
	cr_assert_eq(q->wire, 1);
	cr_assert_eq(q[1].key_kind, CF_KEY_PREFIX);
	cr_assert_eq(q[1].prefix4, 24);
	cr_assert_eq(q[1].drop_bytes, 6);
	cr_assert_eq(q[1].wire, 0);
	cr_assert_eq(img->quota_line.v[1], 1);
	image_free(img);
}

Test(rules, quota_that_never_drops)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	at_add(bare(set, 1000), 100, false, CF_LEVEL_WARNING);
	img = compile(&in);
	cr_assert_eq(img->quotas.v[0].drop_bytes, UINT64_MAX);
	image_free(img);
}

/* The largest there is, to the byte; and what is larger. */
Test(rules, largest_quota)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image *img;

	at_add(bare(set, CF_QUOTA_BYTES_MAX), 99, true, CF_LEVEL_NONE);
	img = compile(&in);
	cr_assert_eq(img->quotas.v[0].drop_bytes, 1088516511498ULL);
	image_free(img);
	set->policies.v[0].quotas.v[0].bytes++;
	cr_assert(strstr(compile_errors(&in), "too large"));
	set->policies.v[0].quotas.v[0].bytes = UINT64_MAX;
	cr_assert(strstr(compile_errors(&in), "too large"));
}

/* Published vectors of FNV-1a with 32 bits: of the empty string and of "a". */
Test(rules, ids_are_fnv1a)
{
	cr_assert_eq(image_id("", NULL), (0x811c9dc5U * 16777619U) & 0xffffffffU);
	cr_assert_eq(image_id("a", NULL), 0xe40c292cU * 16777619U);
	cr_assert_neq(image_id("ab", "c"), image_id("a", "bc"));
}

static uint32_t quota_id(struct image_input *in, size_t quota)
{
	struct image *img = compile(in);
	uint32_t id = img->quotas.v[quota].id;

	image_free(img);
	return id;
}

Test(rules, unchanged_quota_keeps_its_id)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "limit", any(), NULL);
	uint32_t id;

	quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_DAY);
	quota_add(p, 2000, CF_KEY_SOURCE, PERIOD_DAY);
	id = quota_id(&in, 1);
	p->quotas.v[0].bytes = 3000;
	p->to = cidr("192.0.2.0/24");
	cr_assert_eq(quota_id(&in, 1), id);
	p->quotas.v[1].bytes = 2001;
	cr_assert_neq(quota_id(&in, 1), id);
	p->quotas.v[1].bytes = 2000;
	p->name = (char *)"Limit";
	cr_assert_neq(quota_id(&in, 1), id);
}

Test(rules, same_quota_twice_is_an_error)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "limit", any(), NULL);

	quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_DAY);
	quota_add(p, 1000, CF_KEY_SOURCE, PERIOD_DAY);
	cr_assert(strstr(compile_errors(&in), "has the id of another"));
}

/* "costarring" and "liquid" collide in FNV-1a with 32 bits, a well-known pair. */
Test(rules, colliding_names_are_an_error)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);

	policy_add(set, "costarring", any(), NULL)->then.drop = true;
	policy_add(set, "liquid", any(), NULL)->then.drop = true;
	cr_assert(strstr(compile_errors(&in), "'costarring' and 'liquid' have the same id"));
}

static struct policy *with_rate(struct policy_set *set, uint64_t bits, uint64_t burst)
{
	struct policy *p = policy_add(set, "limit", any(), NULL);

	p->then = (struct actions){ 0 };
	p->has_then = false;
	p->ats.n = 0;
	*VEC_ADD(&p->rates) = (struct rate){
		.pos = p->pos, .bits_per_second = bits, .burst_bytes = burst, .key = CF_KEY_SOURCE
	};
	return p;
}

Test(rules, a_rate_is_a_bucket_of_its_burst)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = with_rate(set, 8000000, 500000);
	const struct cf_quota_spec *q;
	struct image *img;

	at_add(p, 50, false, CF_LEVEL_INFO);
	at_add(p, 80, true, CF_LEVEL_WARNING);
	img = compile(&in);
	cr_assert_eq(img->quotas.n, 1);
	q = &img->quotas.v[0];
	cr_expect_eq(q->bits_per_second, 8000000);
	cr_expect_eq(q->limit_bytes, 500000);
	cr_expect_eq(q->drop_bytes, 400000);
	/* 400 kB at a byte per microsecond */
	cr_expect_eq(q->room, 400000ULL * 1000 * CF_RATE_TICKS);
	cr_expect_eq(q->at_count, 2);
	cr_expect_eq(q->at[0].bytes, 250000);
	cr_expect_eq(q->wire, 1);
	cr_expect_eq(img->quota_line.v[0], IMAGE_RATE);
	cr_expect_eq(img->rules.v[0].quota_count, 1);
	image_free(img);
	/* without a burst: 100 ms, and never less than the largest packets need */
	p->rates.v[0].burst_bytes = 0;
	img = compile(&in);
	cr_expect_eq(img->quotas.v[0].limit_bytes, 256 * 1024);
	image_free(img);
	p->rates.v[0].bits_per_second = 1000000000;
	img = compile(&in);
	cr_expect_eq(img->quotas.v[0].limit_bytes, 12500000);
	image_free(img);
}

Test(rules, actions_that_last_and_marks)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = bare(set, 1000), *q;
	struct image *img;

	at_add(p, 50, false, CF_LEVEL_NONE);
	p->ats.v[0].actions.quarantine_seconds = 60;
	at_add(p, 60, false, CF_LEVEL_NONE);
	p->ats.v[1].actions.has_mark = true;
	p->ats.v[1].actions.mark = 0x20;
	at_add(p, 100, true, CF_LEVEL_INFO);
	p->ats.v[2].actions.drop_seconds = 7200;
	q = policy_add(set, "pairs", any(), NULL);
	q->then = (struct actions){ .drop = true, .drop_seconds = 3600 };
	q = policy_add(set, "mark", any(), NULL);
	q->then = (struct actions){ .has_mark = true, .mark = 0x10 };
	img = compile(&in);
	cr_assert_eq(img->quotas.n, 1);
	cr_expect_eq(img->quotas.v[0].hold_seconds, 7200);
	cr_assert_eq(img->quotas.v[0].at_count, 3);
	cr_expect_eq(img->quotas.v[0].at[0].quarantine_seconds, 60);
	cr_expect_eq(img->quotas.v[0].at[1].has_mark, 1);
	cr_expect_eq(img->quotas.v[0].at[1].mark, 0x20);
	cr_expect_eq(img->rules.v[0].flags, CF_RULE_HOLDS);
	cr_expect_eq(img->rules.v[1].flags, CF_RULE_DROP | CF_RULE_HOLDS);
	cr_expect_eq(img->rules.v[1].hold_seconds, 3600);
	cr_expect_eq(img->rules.v[2].flags, CF_RULE_MARK);
	cr_expect_eq(img->rules.v[2].mark, 0x10);
	image_free(img);
}
