/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts tell the whole story, no more than is known, and once. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "alert_help.h"
#include "base/buf.h"

#define MB 1000000ULL

static struct night *n;

static void setup(void)
{
	n = night_begin();
}

static void teardown(void)
{
	night_end(n);
}

TestSuite(alert, .init = setup, .fini = teardown);
TestSuite(seen, .init = setup, .fini = teardown);
TestSuite(explain, .init = setup, .fini = teardown);

static struct alert made(const struct cf_event *ev)
{
	struct alert a = { 0 };

	cr_assert_eq(alert_make(&n->cx, ev, half_past_midnight, &a), 0);
	return a;
}

#define expect_story(ev, text)                                                                     \
	do {                                                                                       \
		_cleanup_alert_ struct alert told = made(ev);                                      \
		cr_expect_str_eq(told.story, text);                                                \
	} while (0)

Test(alert, a_threshold_names_everything)
{
	uint32_t quota = night_quota(n, "night bulk", 0);
	struct cf_event ev = night_event(n, quota, CF_EVENT_AT, 16 * MB);
	_cleanup_alert_ struct alert a = made(&ev);

	cr_expect_str_eq(a.story, "10.0.0.11 sent 16.0 MB to 203.0.113.10 (Shanghai, CN, AS4812 "
				  "China Telecom, 8,798 km away) in window night: 80 % of 20 MB "
				  "per destination each window");
	cr_expect_eq(a.kind, ALERT_THRESHOLD);
	cr_expect_eq(a.level, CF_LEVEL_WARNING);
	cr_expect_eq(a.verdict, ALERT_PASSED);
	cr_expect_str_eq(a.policy, "night bulk");
	cr_expect_str_eq(a.quota, "20 MB per destination each window");
	cr_expect_str_eq(a.key_text, "203.0.113.10");
	cr_expect_str_eq(a.window, "night");
	cr_expect_eq(a.percent, 80);
	cr_expect_eq(a.limit_bytes, 20 * MB);
	/* 22:00 and 06:00 in Addis Ababa */
	cr_expect_eq(a.window_opened.s, half_past_midnight.s - 2 * 3600 - 1800);
	cr_expect_eq(a.window_closes.s, half_past_midnight.s + 5 * 3600 + 1800);
	cr_expect_eq(a.period_began.s, a.window_opened.s);
	cr_expect_eq(a.period_ends.s, a.window_closes.s);
	cr_expect(a.has_mac);
}

Test(alert, the_percent_is_never_below_the_line_that_was_reached)
{
	uint32_t quota = night_quota(n, "night bulk", 0);
	struct cf_event ev = night_event(n, quota, CF_EVENT_AT, 799);
	_cleanup_alert_ struct alert a = { 0 };

	n->image->quotas.v[quota].limit_bytes = 999;
	n->image->quotas.v[quota].at[0].bytes = 799;
	alert_make(&n->cx, &ev, half_past_midnight, &a);
	cr_expect_eq(a.percent, 80);
}

Test(alert, what_several_sources_sent_is_not_laid_on_the_last_one)
{
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_AT, 16 * MB);

	n->cx.alone = false;
	expect_story(&ev, "16.0 MB went to 203.0.113.10 (Shanghai, CN, AS4812 China Telecom, "
			  "8,798 km away), lately from 10.0.0.11 in window night: 80 % of 20 MB "
			  "per destination each window");
}

Test(alert, each_kind_of_key_has_its_own_sentence)
{
	static const char at[] = "203.0.113.10 (Shanghai, CN, AS4812 China Telecom, 8,798 km away) "
				 "in window night: 80 % of ";
	static const struct {
		uint32_t nth;
		uint64_t used;
		const char *begin, *end;
	} rows[] = {
		{ 1, 24 * MB, "24.0 MB went to AS4812 China Telecom, lately from 10.0.0.11 to ",
		  "30 MB per asn each window" },
		{ 2, 800 * MB, "10.0.0.11 sent 800 MB, lately to ", "1 GB per source each window" },
		{ 3, 4 * MB, "10.0.0.11 sent 4.00 MB to ", "5 MB per pair each window" },
		{ 4, 1600 * MB, "1.60 GB went to CN, lately from 10.0.0.11 to ",
		  "2 GB per country each window" },
		{ 5, 2400 * MB, "2.40 GB went out in all, lately from 10.0.0.11 to ",
		  "3 GB per policy each window" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cf_event ev = night_event(n, night_quota(n, "night bulk", rows[i].nth),
						 CF_EVENT_AT, rows[i].used);
		_cleanup_free_ char *want = xprintf("%s%s%s", rows[i].begin, at, rows[i].end);

		expect_story(&ev, want);
	}
}

Test(alert, a_refusal_says_until_when)
{
	struct cf_event ev =
		night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_DROP, 20 * MB - 400);
	_cleanup_alert_ struct alert a = { 0 };

	ev.detail = 100;
	ev.dropped = 1;
	a = made(&ev);
	cr_expect_eq(a.kind, ALERT_QUOTA);
	cr_expect_eq(a.level, CF_LEVEL_CRITICAL, "the level of the 'at' that drops");
	cr_expect_eq(a.verdict, ALERT_DROPPED);
	cr_expect_eq(a.percent, 100, "what is left is too little for a packet");
	cr_expect_eq(a.used_bytes, 20 * MB - 400);
	cr_expect_str_eq(a.story,
			 "10.0.0.11 is stopped on its way to 203.0.113.10 (Shanghai, CN, AS4812 "
			 "China Telecom, 8,798 km away) in window night: 20.0 MB of 20 MB per "
			 "destination each window used up, until 2026-11-24 06:00 EAT (+03:00)");
}

Test(alert, in_observe_it_would_be_stopped)
{
	uint32_t quota = night_quota(n, "shadow", 0);
	struct cf_event ev = night_event(n, quota, CF_EVENT_DROP, 1 * MB);
	_cleanup_alert_ struct alert a = made(&ev);

	cr_expect_eq(a.verdict, ALERT_WOULD_DROP);
	cr_expect_eq(a.level, CF_LEVEL_INFO, "nobody asked for an alert");
	cr_expect_null(a.window);
	cr_expect_not_null(
		strstr(a.story, "10.0.0.11 would be stopped on its way to 203.0.113.10"));
	cr_expect_not_null(strstr(a.story, "until 2026-11-25 00:00 EAT (+03:00)"));
}

Test(alert, a_policy_without_quota)
{
	struct cf_event ev = night_event(n, 0, CF_EVENT_POLICY, 0);
	_cleanup_alert_ struct alert a = { 0 };

	ev.key = (struct cf_quota_key){ 0 };
	ev.quota = ~0U;
	ev.rule = night_rule(n, "cameras");
	ev.dropped = 1;
	a = made(&ev);
	cr_expect_eq(a.kind, ALERT_POLICY);
	cr_expect_eq(a.level, CF_LEVEL_WARNING);
	cr_expect_eq(a.verdict, ALERT_DROPPED);
	cr_expect_eq(a.limit_bytes, 0);
	cr_expect_str_eq(a.story,
			 "10.0.0.11 is stopped on its way to 203.0.113.10 (Shanghai, CN, AS4812 "
			 "China Telecom, 8,798 km away) with tcp/5201: policy \"cameras\"");
}

Test(alert, an_older_generations_quota_is_found_by_its_id)
{
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 1), CF_EVENT_AT, 24 * MB);
	_cleanup_alert_ struct alert a = { 0 };

	ev.generation = 6;
	ev.rule = 200;
	ev.quota = 200;
	a = made(&ev);
	cr_expect_str_eq(a.policy, "night bulk");
	cr_expect_str_eq(a.quota, "30 MB per asn each window");
}

Test(alert, an_older_generations_rule_is_not_taken_for_todays)
{
	struct cf_event ev = night_event(n, 0, CF_EVENT_POLICY, 0);
	_cleanup_alert_ struct alert a = { 0 };

	ev.key = (struct cf_quota_key){ 0 };
	ev.generation = 6;
	ev.rule = 0;
	a = made(&ev);
	cr_expect_null(a.policy);
	cr_expect_not_null(strstr(a.story, "no longer loaded"));
}

/* As read by a daemon that starts: the rules have changed places, and their levels. */
Test(alert, an_older_generations_rule_is_what_it_was)
{
	uint32_t rule = night_rule(n, "cameras");
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_POLICY, 0);
	struct cf_rule old[3] = { 0 };
	struct past_rules past = { 0 };
	_cleanup_alert_ struct alert a = { 0 }, gone = { 0 };

	old[2] = n->image->rules.v[rule];
	old[2].level = CF_LEVEL_CRITICAL;
	old[1] = (struct cf_rule){ .name = "was once",
				   .kind = CF_RULE_POLICY,
				   .flags = CF_RULE_DROP,
				   .level = CF_LEVEL_INFO,
				   .id = 77 };
	for (uint32_t g = 1; g <= PAST_GENERATIONS + 2; g++)
		past_rules_keep(&past, g, old, 3);
	n->cx.past = &past;
	memset(&ev.key, 0, sizeof(ev.key));
	ev.dropped = 1;
	ev.generation = PAST_GENERATIONS + 2;
	ev.rule = 2;
	cr_assert_eq(alert_make(&n->cx, &ev, half_past_midnight, &a), 0);
	cr_assert_not_null(a.policy);
	cr_expect_str_eq(a.policy, "cameras");
	cr_expect_eq(a.level, CF_LEVEL_CRITICAL);
	cr_expect_eq(a.verdict, ALERT_DROPPED);
	ev.rule = 1;
	cr_assert_eq(alert_make(&n->cx, &ev, half_past_midnight, &gone), 0);
	cr_assert_not_null(gone.policy);
	cr_expect_str_eq(gone.policy, "was once");
	cr_expect_eq(gone.level, CF_LEVEL_INFO);
	ev.rule = 3;
	cr_expect_null(past_rules_find(&past, n->image, n->cx.generation, ev.generation, 3, NULL));
	cr_expect_null(past_rules_find(&past, n->image, n->cx.generation, 1, 2, NULL), "forgotten");
	n->cx.past = NULL;
	past_rules_done(&past);
}

Test(alert, an_unknown_event_is_refused)
{
	struct cf_event ev = night_event(n, 0, (enum cf_event_kind)77, 0);
	struct alert a = { 0 };

	cr_expect_lt(alert_make(&n->cx, &ev, half_past_midnight, &a), 0);
	cr_expect_null(a.story);
}

Test(alert, without_a_city_the_distance_is_to_the_country)
{
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 2), CF_EVENT_AT, 800 * MB);
	struct addr berlin = ip("198.51.100.10"), nowhere = ip("192.0.2.1");
	_cleanup_alert_ struct alert a, b;

	memcpy(ev.dst, berlin.b, sizeof(ev.dst));
	a = made(&ev);
	cr_expect_not_null(strstr(a.story, "(DE, AS3320 Deutsche Telekom AG, about "), "%s",
			   a.story);
	memcpy(ev.dst, nowhere.b, sizeof(ev.dst));
	b = made(&ev);
	cr_expect_not_null(strstr(b.story, "192.0.2.1 (place unknown)"), "%s", b.story);
}

/* ---- once ------------------------------------------------------------------------ */

static struct alert_seen *seen_new(void)
{
	return alert_seen_new((struct hash_seed){ { 3, 4 } });
}

static enum alert_news check(struct alert_seen *s, const struct cf_event *ev)
{
	return alert_seen_check(s, &n->cx, ev, half_past_midnight);
}

Test(alert, a_rate_has_a_burst_and_no_sum)
{
	uint32_t rate = night_quota(n, "fast", 0);
	struct cf_event at = night_event(n, rate, CF_EVENT_AT, 800000);
	struct cf_event drop = night_event(n, rate, CF_EVENT_DROP, 1000000);

	at.detail = 0;
	drop.dropped = 1;
	expect_story(&at, "10.0.0.11 sends fast to 203.0.113.10 (Shanghai, CN, AS4812 China "
			  "Telecom, 8,798 km away): 80 % of the burst of rate 10 Mbit/s burst 1 MB "
			  "per source");
	expect_story(&drop, "10.0.0.11 is stopped on its way to 203.0.113.10 (Shanghai, CN, AS4812 "
			    "China Telecom, 8,798 km away): faster than rate 10 Mbit/s burst 1 MB "
			    "per source");
}

Test(alert, what_lasts_says_how_long)
{
	uint32_t rate = night_quota(n, "fast", 0);
	struct cf_event hold = night_event(n, rate, CF_EVENT_HOLD, 0), jail = hold, pair = hold;
	_cleanup_alert_ struct alert a = { 0 };

	hold.detail = 7200;
	jail.kind = CF_EVENT_QUARANTINE;
	jail.detail = 1800;
	pair.detail = 7200;
	pair.quota = ~0U;
	memset(&pair.key, 0, sizeof(pair.key));
	hold.dropped = jail.dropped = pair.dropped = 1;
	a = made(&jail);
	cr_expect_eq(a.kind, ALERT_QUARANTINE);
	cr_expect_eq(a.verdict, ALERT_DROPPED);
	cr_expect_str_eq(a.story,
			 "10.0.0.11 is in quarantine for 30m: nothing of it leaves; it sent "
			 "to 203.0.113.10 (Shanghai, CN, AS4812 China Telecom, 8,798 km "
			 "away): policy \"fast\"");
	expect_story(&hold, "10.0.0.11 is stopped on its way to 203.0.113.10 (Shanghai, CN, AS4812 "
			    "China Telecom, 8,798 km away) for 2h, and with it all of 10.0.0.11: "
			    "policy \"fast\"");
	expect_story(&pair, "10.0.0.11 is stopped on its way to 203.0.113.10 (Shanghai, CN, AS4812 "
			    "China Telecom, 8,798 km away) for 2h: policy \"fast\"");
}

Test(seen, each_hold_is_news)
{
	uint32_t rate = night_quota(n, "fast", 0);
	struct alert_seen *s = alert_seen_new((struct hash_seed){ 0 });
	struct cf_event hold = night_event(n, rate, CF_EVENT_HOLD, 0);
	struct utc later = { half_past_midnight.s + 7300 };

	cr_expect_eq(alert_seen_check(s, &n->cx, &hold, half_past_midnight), ALERT_NEW);
	cr_expect_eq(alert_seen_check(s, &n->cx, &hold, half_past_midnight), ALERT_KNOWN);
	cr_expect_eq(alert_seen_check(s, &n->cx, &hold, later), ALERT_NEW);
	alert_seen_free(s);
}

Test(seen, once_per_key_period_and_threshold)
{
	struct alert_seen *s = seen_new();
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_AT, 16 * MB);

	cr_expect_eq(check(s, &ev), ALERT_NEW);
	ev.used_bytes++;
	cr_expect_eq(check(s, &ev), ALERT_KNOWN);
	ev.detail = 1;
	cr_expect_eq(check(s, &ev), ALERT_NEW, "another threshold");
	ev.kind = CF_EVENT_DROP;
	cr_expect_eq(check(s, &ev), ALERT_NEW, "another kind");
	ev.key.dst[15]++;
	cr_expect_eq(check(s, &ev), ALERT_NEW, "another key");
	ev.period_minute++;
	cr_expect_eq(check(s, &ev), ALERT_NEW, "another period");
	cr_expect_eq(alert_seen_suppressed(s), 1);
	alert_seen_free(s);
}

Test(seen, a_reset_key_is_news_again)
{
	struct alert_seen *s = seen_new();
	struct cf_event ev =
		night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_DROP, 16 * MB);

	check(s, &ev);
	alert_seen_forget(s, &ev.key);
	cr_expect_eq(check(s, &ev), ALERT_NEW);
	cr_expect_eq(check(s, &ev), ALERT_KNOWN);
	alert_seen_free(s);
}

Test(seen, a_sprayed_policy_is_not_a_flood)
{
	struct alert_seen *s = seen_new();
	struct cf_event ev = night_event(n, 0, CF_EVENT_POLICY, 0);
	unsigned int news = 0, last = 0;

	ev.key = (struct cf_quota_key){ 0 };
	ev.rule = night_rule(n, "cameras");
	for (unsigned int i = 0; i < 10000; i++) {
		enum alert_news r;

		ev.dst[14] = (uint8_t)(i >> 8);
		ev.dst[15] = (uint8_t)i;
		r = check(s, &ev);
		news += r != ALERT_KNOWN;
		last += r == ALERT_NEW_LAST;
	}
	cr_expect_eq(news, ALERT_POLICY_PER_HOUR);
	cr_expect_eq(last, 1);
	cr_expect_eq(alert_seen_suppressed(s), 10000 - ALERT_POLICY_PER_HOUR);
	/* another source has its own allowance, and the next hour a new one */
	ev.src[15]++;
	cr_expect_eq(check(s, &ev), ALERT_NEW);
	ev.src[15]--;
	ev.dst[13]++;
	cr_expect_eq(alert_seen_check(s, &n->cx, &ev, (struct utc){ half_past_midnight.s + 3600 }),
		     ALERT_NEW);
	alert_seen_free(s);
}

Test(seen, memory_is_bounded_and_the_newest_are_kept)
{
	struct alert_seen *s = seen_new();
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_AT, 16 * MB);

	for (uint32_t i = 0; i < 3 * ALERT_SEEN_KEYS; i++) {
		memcpy(ev.key.dst + 8, &i, sizeof(i));
		cr_assert_eq(check(s, &ev), ALERT_NEW);
	}
	cr_expect_eq(check(s, &ev), ALERT_KNOWN);
	memset(ev.key.dst + 8, 0, 4);
	cr_expect_eq(check(s, &ev), ALERT_NEW, "the oldest is forgotten");
	alert_seen_free(s);
}

/* ---- keys, periods, windows -------------------------------------------------------- */

Test(explain, keys_are_the_kernels)
{
	struct explain_source src = { .from = CF_FROM_INSIDE, .addr = ip("2001:db8::1:2:3:4") };
	struct addr dst = ip("2001:db8:4812:7::10"), shanghai = ip("203.0.113.10"),
		    nowhere = ip("192.0.2.77"), lan = ip("2001:db8::"),
		    net = ip("2001:db8:4812:7::"), slash24 = ip("192.0.2.0");
	struct cf_quota_key k;

	cr_assert_eq(quota_key_make(n->image, night_quota(n, "night bulk", 3), &src, &dst, &k), 0);
	cr_expect_eq(k.kind, CF_KEY_PAIR);
	cr_expect_arr_eq(k.src, lan.b, 16, "an IPv6 source is its /64");
	cr_expect_arr_eq(k.dst, net.b, 16);
	cr_assert_eq(quota_key_make(n->image, night_quota(n, "night bulk", 1), &src, &shanghai, &k),
		     0);
	cr_expect_eq(k.asn, 4812);
	cr_expect_eq(k.dst[15], 0, "parts that the kind does not use are zero");
	cr_assert_eq(quota_key_make(n->image, night_quota(n, "night bulk", 1), &src, &nowhere, &k),
		     0);
	cr_expect_eq(k.asn, 0);
	cr_expect_arr_eq(k.dst, slash24.b, 16, "an unknown ASN is kept per prefix");
	cr_assert_eq(quota_key_make(n->image, night_quota(n, "night bulk", 4), &src, &shanghai, &k),
		     0);
	cr_expect_str_eq(k.cc, "CN");
}

Test(explain, a_period_word_is_the_nearest_such_minute)
{
	struct utc now = { 1795469400 };
	int64_t minute = now.s / 60;

	cr_expect_eq(period_minutes((uint32_t)(minute & CF_QUOTA_PERIOD_MASK), now), minute);
	cr_expect_eq(period_minutes((uint32_t)((minute - 600) & CF_QUOTA_PERIOD_MASK), now),
		     minute - 600);
	cr_expect_eq(period_minutes((uint32_t)((minute + 5) & CF_QUOTA_PERIOD_MASK), now),
		     minute + 5);
	cr_expect_eq(period_minutes(0, now), 0);
}

Test(explain, a_windows_edges)
{
	uint32_t rule = night_rule(n, "night bulk");
	struct utc noon = { half_past_midnight.s - 12 * 3600 - 1800 }, begin, end;

	cr_expect(rule_window(n->image, rule, half_past_midnight, &begin, &end));
	cr_expect_eq(end.s - begin.s, 8 * 3600);
	cr_expect_not(rule_window(n->image, rule, noon, &begin, &end));
	cr_expect_eq(end.s, half_past_midnight.s - 2 * 3600 - 1800, "when it opens");
	cr_expect_eq(end.s - begin.s, 16 * 3600);
	cr_expect(rule_window(n->image, night_rule(n, "cameras"), noon, &begin, &end));
	cr_expect_eq(begin.s, 0);
	cr_expect_eq(end.s, 0);
}

/* As the kernel does: the last full week repeats. */
Test(explain, a_windows_edges_beyond_the_schedule)
{
	const int64_t year = 53 * 7 * 86400;
	uint32_t rule = night_rule(n, "night bulk");
	struct utc at = { half_past_midnight.s + year }, noon = { at.s + 12 * 3600 }, begin, end;

	cr_assert_gt(at.s, n->image->end.s);
	cr_expect(rule_window(n->image, rule, at, &begin, &end));
	cr_expect_eq(end.s, half_past_midnight.s + year + 5 * 3600 + 1800);
	cr_expect_eq(end.s - begin.s, 8 * 3600);
	cr_expect_not(rule_window(n->image, rule, noon, &begin, &end));
	cr_expect_eq(image_schedule_at(n->image, at).s % (7 * 86400), at.s % (7 * 86400));
	cr_expect_lt(image_schedule_at(n->image, at).s, n->image->end.s);
	cr_expect_geq(image_schedule_at(n->image, at).s, n->image->end.s - 7 * 86400);
	cr_expect_eq(image_schedule_at(n->image, half_past_midnight).s, half_past_midnight.s);
}
