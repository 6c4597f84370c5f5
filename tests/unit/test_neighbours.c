/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gaps in coverage are measured; the head of a chain is retaken without a fight. */
#include <criterion/criterion.h>

#include "core/coverage/retake.h"
#include "core/coverage/uncovered.h"

static uint64_t gap;

static enum uncovered_news look(struct uncovered *u, bool exists, bool covered, uint64_t appeared,
				uint64_t now)
{
	struct uncovered_look l = {
		.ifname = "lan0",
		.role = CF_IF_INSIDE,
		.exists = exists,
		.covered = covered,
		.appeared_ms = appeared,
		.now_ms = now,
	};

	return uncovered_look(u, &l, &gap);
}

Test(uncovered, what_was_never_uncovered_has_no_gap)
{
	struct uncovered u = { 0 };

	cr_assert_eq(look(&u, true, true, 0, 1000), UNCOVERED_SAME);
	cr_assert_eq(look(&u, false, false, 0, 2000), UNCOVERED_SAME);
	cr_assert_eq(gap, 0);
	cr_assert_eq(u.v[0].gaps, 0);
	cr_assert_eq(uncovered_total(&u.v[0], 9000), 0);
	uncovered_done(&u);
}

Test(uncovered, a_lost_hook_counts_from_when_it_was_last_seen)
{
	struct uncovered u = { 0 };

	look(&u, true, true, 0, 1000);
	look(&u, true, true, 0, 2000);
	cr_assert_eq(look(&u, true, false, 0, 3000), UNCOVERED_BEGAN);
	cr_assert_eq(gap, 1000);
	cr_assert_eq(look(&u, true, false, 0, 3500), UNCOVERED_SAME);
	cr_assert_eq(uncovered_total(&u.v[0], 3600), 1600);
	cr_assert(uncovered_open(&u.v[0]));
	cr_assert_eq(look(&u, true, true, 0, 4000), UNCOVERED_ENDED);
	cr_assert_eq(gap, 2000);
	cr_assert_eq(uncovered_total(&u.v[0], 9000), 2000);
	cr_assert_eq(u.v[0].gaps, 1);
	uncovered_done(&u);
}

Test(uncovered, a_device_that_appears_counts_from_then)
{
	struct uncovered u = { 0 };

	look(&u, false, false, 0, 1000);
	cr_assert_eq(look(&u, true, false, 4990, 5000), UNCOVERED_BEGAN);
	cr_assert_eq(gap, 10);
	cr_assert_eq(look(&u, true, true, 0, 5003), UNCOVERED_ENDED);
	cr_assert_eq(gap, 13);
	cr_assert_eq(uncovered_total(&u.v[0], 9000), 13);
	uncovered_done(&u);
}

Test(uncovered, a_device_replaced_between_two_looks_is_a_gap_of_its_own)
{
	struct uncovered_look l = {
		.ifname = "lan0", .exists = true, .anew = true, .appeared_ms = 8000, .now_ms = 8005
	};
	struct uncovered u = { 0 };

	l.role = CF_IF_INSIDE;
	look(&u, true, true, 0, 1000);
	cr_assert_eq(uncovered_look(&u, &l, &gap), UNCOVERED_BEGAN);
	cr_assert_eq(gap, 5);
	uncovered_done(&u);
}

Test(uncovered, roles_and_names_are_kept_apart)
{
	struct uncovered_look l = { .ifname = "lan0", .role = CF_IF_OUTSIDE, .exists = true };
	struct uncovered u = { 0 };

	look(&u, true, true, 0, 1000);
	uncovered_look(&u, &l, NULL);
	cr_assert_eq(u.n, 2);
	cr_assert(!uncovered_open(&u.v[0]));
	cr_assert(uncovered_open(&u.v[1]));
	uncovered_done(&u);
}

Test(uncovered, what_is_wanted_no_more_ends)
{
	struct uncovered u = { 0 };

	look(&u, true, false, 1000, 1000);
	uncovered_begin(&u);
	uncovered_end(&u, 1500);
	cr_assert(!uncovered_open(&u.v[0]));
	cr_assert_eq(uncovered_total(&u.v[0], 9000), 500);
	uncovered_done(&u);
}

Test(retake, the_first_try_comes_after_a_second)
{
	struct retake r = { 0 };

	cr_assert_eq(retake_look(&r, false, 0), RETAKE_WAIT);
	cr_assert_eq(retake_look(&r, true, 5000), RETAKE_WAIT);
	cr_assert_eq(retake_look(&r, true, 5999), RETAKE_WAIT);
	cr_assert_eq(retake_look(&r, true, 6000), RETAKE_NOW);
}

Test(retake, who_insists_is_left_alone_in_the_end)
{
	uint64_t now = 0, last = 0, longest = 0;
	struct retake r = { 0 };
	uint32_t tries = 0;
	enum retake_step step;

	/* displaced again at once, each time */
	do {
		now += 100;
		cr_assert_lt(now, 10 * 3600 * 1000ULL, "never gives up");
		step = retake_look(&r, true, now);
		if (step != RETAKE_NOW)
			continue;
		cr_assert_geq(now - last, tries ? longest : 0, "waits longer each time");
		if (tries)
			longest = now - last < RETAKE_LAST_MS ? now - last : RETAKE_LAST_MS;
		last = now;
		tries++;
		retake_look(&r, false, now);
	} while (step != RETAKE_GIVE_UP);
	cr_assert_eq(tries, RETAKE_TRIES);
	cr_assert_eq(longest, RETAKE_LAST_MS);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(retake_look(&r, true, now += 60000), RETAKE_WAIT, "said once");
}

Test(retake, calm_forgets)
{
	struct retake r = { 0 };
	uint64_t now = 0;

	for (int i = 0; i < 5; i++)
		while (retake_look(&r, true, now += 1000) != RETAKE_NOW)
			;
	cr_assert_eq(r.tries, 5);
	retake_look(&r, false, now);
	retake_look(&r, false, now + RETAKE_CALM_MS - 1);
	cr_assert_eq(r.tries, 5);
	retake_look(&r, false, now + RETAKE_CALM_MS);
	cr_assert_eq(r.tries, 0);
}
