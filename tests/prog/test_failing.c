/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P4, P8, P12: what becomes of packets while something fails is what the policy has chosen. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/policy/failing.h"
#include "prog_help.h"

#define HEAD                                                                                       \
	"outside wan0\ninside lan0, lan1\n"                                                        \
	"policy \"no\" { from any to 203.0.113.0/24 then drop }\n"                                 \
	"policy \"some\" { from any to 198.51.100.0/24 quota 1 MB per source each day\n"           \
	"  at 100% drop }\n"                                                                       \
	"protect { from any to 192.0.2.128/25 }\n"

static const struct frame_spec forbidden = { "10.0.0.5", "203.0.113.1", 6, 40000,
					     443,        100,           5, .options = 0 };
static const struct frame_spec limited = { "10.0.0.5", "198.51.100.1", 6, 40000, 443, 100,
					   5,          .options = 0 };
static const struct frame_spec free_pair = { "10.0.0.5", "100.64.0.1", 6, 40000,
					     443,        100,          5, .options = 0 };
static const struct frame_spec protected = { "10.0.0.5", "192.0.2.200", 6, 40000,
					     443,        100,           5, .options = 0 };
static const struct frame_spec multicast = { "10.0.0.5", "224.0.0.251", 17, 5353,
					     5353,       100,           0,  .options = 0 };

/* What each kind of packet leaves with: forbidden, limited, no rule, protected. */
struct wants {
	enum cf_reason forbidden, limited, free_pair, protected;
};
static const struct wants as_ever = { CF_REASON_DROP_POLICY, CF_REASON_PASS_QUOTA,
				      CF_REASON_PASS_UNMATCHED, CF_REASON_PASS_PROTECTED };
static const struct wants observing = { CF_REASON_PASS_OBSERVED, CF_REASON_PASS_QUOTA,
					CF_REASON_PASS_UNMATCHED, CF_REASON_PASS_PROTECTED };
static const struct wants opened = { CF_REASON_PASS_FAILED_OPEN, CF_REASON_PASS_QUOTA,
				     CF_REASON_PASS_UNMATCHED, CF_REASON_PASS_PROTECTED };
static const struct wants closed = { CF_REASON_DROP_FAILED_CLOSED, CF_REASON_DROP_FAILED_CLOSED,
				     CF_REASON_DROP_FAILED_CLOSED, CF_REASON_PASS_PROTECTED };

/* The kernel's answer, and the same from its twin in plain C. */
static void expect_one(struct rig *r, enum rig_hook hook, const struct frame_spec *spec,
		       enum cf_fail failing, enum cf_reason want)
{
	struct image_packet p = {
		.from = hook == RIG_GATEWAY ? CF_FROM_GATEWAY : CF_FROM_INSIDE,
		.at = time_map_utc(&r->clock, datapath_jiffies(r->dp)),
		.failing = failing,
	};
	struct rig_run run = rig_packet(r, hook, spec);

	assert_reason(run, want);
	cr_assert_eq(run.dropped, CF_DROP_REASONS >> want & 1);
	cr_assert_eq(addr_parse(spec->src, &p.src), 0);
	cr_assert_eq(addr_parse(spec->dst, &p.dst), 0);
	cr_assert_eq(image_judge(r->image, &p).reason, want, "the image says %s, the kernel %s",
		     rig_reason_name(image_judge(r->image, &p).reason), rig_reason_name(want));
}

static void expect(struct rig *r, enum cf_fail failing, const struct wants *w)
{
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_INSIDE_TC, RIG_GATEWAY };

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		expect_one(r, hooks[i], &forbidden, failing, w->forbidden);
		expect_one(r, hooks[i], &limited, failing, w->limited);
		expect_one(r, hooks[i], &free_pair, failing, w->free_pair);
		expect_one(r, hooks[i], &protected, failing, w->protected);
		/* never judged, never dropped */
		assert_reason(rig_packet(r, hooks[i], &multicast), CF_REASON_IGNORED_MULTICAST);
	}
}

static const struct {
	const char *word;
	const struct wants *wants;
} choices[] = {
	{ "keep", &as_ever }, { "observe", &observing }, { "open", &opened }, { "closed", &closed }
};

static const char *config(const char *on, const char *choice)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%son %s %s\nmode enforce\n", HEAD, on, choice);
	return text;
}

static void beat(struct rig *r, int64_t seconds_ago)
{
	volatile struct cf_control *c = datapath_control(r->dp);

	c->heartbeat = datapath_jiffies(r->dp) - (uint64_t)(seconds_ago * c->hz);
}

Test(failing, a_daemon_that_stalls)
{
	struct rig r;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		enum cf_fail fail;

		if (!i)
			rig_setup(&r, config("daemon-stall", choices[i].word), NULL);
		else
			rig_reload(&r, config("daemon-stall", choices[i].word), NULL);
		fail = failing_of(r.set, ON_DAEMON_STALL)->fail;
		/* none is expected: it was stopped in good order, or has not begun */
		datapath_control(r.dp)->heartbeat = 0;
		expect(&r, CF_FAIL_KEEP, &as_ever);
		beat(&r, 25);
		expect(&r, CF_FAIL_KEEP, &as_ever);
		/* promised: busy until then */
		beat(&r, -100);
		expect(&r, CF_FAIL_KEEP, &as_ever);
		beat(&r, 35);
		expect(&r, fail, choices[i].wants);
		beat(&r, 1000000);
		expect(&r, fail, choices[i].wants);
		beat(&r, 0);
		expect(&r, CF_FAIL_KEEP, &as_ever);
	}
}

Test(failing, how_long_is_a_stall_is_the_loader_s)
{
	struct rig r;

	rig_setup(&r, config("daemon-stall", "closed"), NULL);
	cr_assert_eq(datapath_control(r.dp)->stall_seconds, 30);
	cr_assert_eq(datapath_control(r.dp)->on[ON_DAEMON_STALL], CHOICE_CLOSED);
	cr_assert_eq(datapath_control(r.dp)->on[ON_STOP], CHOICE_KEEP, "the default is shown");
}

Test(failing, a_clock_that_nobody_has_set)
{
	static const size_t some[] = { 2, 3 };
	struct rig r;

	for (size_t i = 0; i < 2; i++) {
		const char *word = choices[some[i]].word;

		if (!i)
			rig_setup(&r, config("time-unknown", word), NULL);
		else
			rig_reload(&r, config("time-unknown", word), NULL);
		expect(&r, CF_FAIL_KEEP, &as_ever);
		datapath_control(r.dp)->failing |= CF_FAILING_TIME;
		expect(&r, failing_of(r.set, ON_TIME_UNKNOWN)->fail, choices[some[i]].wants);
		datapath_control(r.dp)->failing = 0;
	}
	/* nothing written: the clock is believed */
	rig_reload(&r, HEAD "mode enforce\n", NULL);
	datapath_control(r.dp)->failing |= CF_FAILING_TIME;
	expect(&r, CF_FAIL_KEEP, &as_ever);
}

Test(failing, a_schedule_that_has_ended)
{
	static const struct {
		const char *word;
		const struct wants *wants;
	} rows[] = { { "repeat", &as_ever }, { "open", &opened }, { "closed", &closed } };
	struct rig_options ended = { .now = "2026-11-23 12:00", .run_after = 36 * 86400 };
	struct rig_options lasts = { .now = "2026-11-23 12:00", .run_after = 34 * 86400 };
	struct rig r;

	for (size_t i = 0; i < 3; i++) {
		if (!i)
			rig_setup(&r, config("schedule-end", rows[i].word), &lasts);
		else
			rig_reload(&r, config("schedule-end", rows[i].word), &lasts);
		expect(&r, CF_FAIL_KEEP, &as_ever);
		rig_reload(&r, config("schedule-end", rows[i].word), &ended);
		expect(&r, CF_FAIL_KEEP, rows[i].wants);
	}
}

/* The strongest holds; the switch and `observe` hold for all of it. */
Test(failing, several_at_once_and_the_switch)
{
	struct rig r;

	rig_setup(&r, HEAD "on daemon-stall open\non time-unknown closed\nmode enforce\n", NULL);
	beat(&r, 100);
	expect(&r, CF_FAIL_OPEN, &opened);
	datapath_control(r.dp)->failing |= CF_FAILING_TIME;
	expect(&r, CF_FAIL_CLOSED, &closed);
	datapath_control(r.dp)->off_until = ~0ULL;
	beat(&r, 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &forbidden), CF_REASON_PASS_OFF);
	assert_reason(rig_packet(&r, RIG_INSIDE, &free_pair), CF_REASON_PASS_UNMATCHED);
	datapath_control(r.dp)->off_until = 0;
	assert_reason(rig_packet(&r, RIG_INSIDE, &free_pair), CF_REASON_DROP_FAILED_CLOSED);
	rig_reload(&r, HEAD "on time-unknown closed\nmode observe\n", NULL);
	expect(&r, CF_FAIL_CLOSED, &observing);
}

/* A packet that is dropped is charged to none; one that passes is charged as ever. */
Test(failing, closed_charges_nothing_and_open_charges)
{
	struct rig r;

	rig_setup(&r, config("daemon-stall", "closed"), NULL);
	rig_packet(&r, RIG_INSIDE, &limited);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 100);
	beat(&r, 100);
	rig_packet(&r, RIG_INSIDE, &limited);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 100);
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "198.51.100.1").packets, 2);
	rig_reload(&r, config("daemon-stall", "open"), NULL);
	beat(&r, 100);
	rig_packet(&r, RIG_INSIDE, &limited);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 200);
}

static unsigned int spray(struct rig *r, unsigned int pairs, enum cf_reason want)
{
	unsigned int hit = 0;

	for (unsigned int i = 0; i < pairs; i++) {
		struct frame_spec s = free_pair;
		char src[32], dst[32];

		/* many sources, so that no source begins more than its share */
		snprintf(src, sizeof(src), "10.%u.%u.5", 1 + i / 250 % 250, i % 250);
		snprintf(dst, sizeof(dst), "100.%u.%u.%u", 64 + i / 62500, i / 250 % 250, i % 250);
		s.src = src;
		s.dst = dst;
		hit += rig_packet(r, RIG_INSIDE, &s).reason == want;
	}
	return hit;
}

Test(failing, a_full_table, .timeout = 900)
{
	struct rig_options small = { .pairs_per_cpu = 1024 };
	struct cf_traffic slots, overflow, offered;
	struct rig r;

	rig_setup(&r, config("table-full", "drop"), &small);
	cr_assert_geq(spray(&r, 9000, CF_REASON_DROP_FAILED_CLOSED), 1000);
	/* who has a slot, and who is protected, passes */
	rig_books(&r, CF_HOOK_INSIDE, &slots, &overflow, &offered);
	cr_assert_gt(overflow.packets, 0);
	cr_assert_eq(slots.packets + overflow.packets, offered.packets);
	cr_assert_eq(slots.wire_bytes + overflow.wire_bytes, offered.wire_bytes);
	expect_one(&r, RIG_INSIDE, &protected, CF_FAIL_CLOSED, CF_REASON_PASS_PROTECTED);
	rig_reload(&r, config("table-full", "count"), &small);
	cr_assert_eq(spray(&r, 9000, CF_REASON_PASS_UNMATCHED), 9000);
}

static struct frame_bytes mpls(void)
{
	struct frame_bytes f;

	frame_build(&free_pair, &f);
	f.data[12] = 0x88;
	f.data[13] = 0x47;
	return f;
}

Test(failing, what_is_not_understood)
{
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_INSIDE_TC, RIG_GATEWAY };
	struct frame_bytes bad = mpls();
	struct rig r;

	rig_setup(&r, config("parse-failure", "drop"), NULL);
	for (size_t i = 0; i < 3; i++) {
		struct rig_run run = rig_frame(&r, hooks[i], &bad, 0, 0);

		assert_reason(run, CF_REASON_DROP_UNPARSED);
		cr_assert(run.dropped);
	}
	datapath_control(r.dp)->off_until = ~0ULL;
	assert_reason(rig_frame(&r, RIG_INSIDE, &bad, 0, 0), CF_REASON_UNPARSED_NON_IP);
	datapath_control(r.dp)->off_until = 0;
	expect(&r, CF_FAIL_KEEP, &as_ever);
	rig_reload(&r, HEAD "on parse-failure drop\nmode observe\n", NULL);
	assert_reason(rig_frame(&r, RIG_INSIDE, &bad, 0, 0), CF_REASON_UNPARSED_NON_IP);
	rig_reload(&r, config("parse-failure", "count"), NULL);
	for (size_t i = 0; i < 3; i++) {
		struct rig_run run = rig_frame(&r, hooks[i], &bad, 0, 0);

		assert_reason(run, CF_REASON_UNPARSED_NON_IP);
		cr_assert_not(run.dropped);
	}
}
