/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P4: windows open and close in the kernel, on time, with nobody's help. */
#include <criterion/criterion.h>

#include "prog_help.h"

#define NIGHT                                                                                      \
	"outside wan0\ninside lan0, lan1\nmode enforce\nwindow night = daily 22:00-06:00\n"        \
	"policy \"p\" { from any to any during night quota 2 kB per destination each window\n"     \
	"  at 100% drop }\n"

static const struct frame_spec upload = { "10.0.0.5", "203.0.113.1", 6, 40000,
					  443,        1000,          5, .options = 0 };

Test(schedule, a_window_opens_by_itself)
{
	struct rig_options opt = { .now = "2026-11-23 21:50:00",
				   .run_after = 600 - rig_lead_seconds() };
	struct rig r;

	rig_setup(&r, NIGHT, &opt);
	for (int i = 0; i < 5; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_CLOSED);
	rig_sleep_past(&r, (struct utc){ 1795471200 }); /* 22:00 */
	for (int i = 0; i < 2; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_QUOTA);
}

Test(schedule, a_window_closes_by_itself_and_the_next_one_starts_anew)
{
	struct rig_options opt = { .now = "2026-11-24 05:50:00",
				   .run_after = 600 - rig_lead_seconds() };
	static const struct rig_options next = { .now = "2026-11-24 22:30:00" };
	struct rig r;

	rig_setup(&r, NIGHT, &opt);
	for (int i = 0; i < 2; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_QUOTA);
	rig_sleep_past(&r, (struct utc){ 1795500000 }); /* 06:00 */
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_CLOSED);
	rig_reload(&r, NIGHT, &next);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 1000);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).latched, 0);
}

/* Beyond the end of the table the last full week repeats. */
Test(schedule, after_the_table_the_last_week_repeats)
{
	static const struct {
		int64_t after; /* days and hours behind Monday noon */
		enum cf_reason want;
	} cases[] = {
		{ 40 * 86400, CF_REASON_PASS_CLOSED },
		{ 40 * 86400 + 11 * 3600, CF_REASON_PASS_QUOTA },
		{ 75 * 86400 + 13 * 3600, CF_REASON_PASS_QUOTA },
		{ 75 * 86400 + 19 * 3600, CF_REASON_PASS_CLOSED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_options opt = { .now = "2026-11-23 12:00", .run_after = cases[i].after };
		static struct rig r;

		if (!i)
			rig_setup(&r, NIGHT, &opt);
		else
			rig_reload(&r, NIGHT, &opt);
		assert_reason(rig_packet(&r, RIG_INSIDE, &upload), cases[i].want);
	}
}

/* Period ids are times, not indices: each of the repeated nights is a new one. */
Test(schedule, a_repeated_night_is_a_new_period)
{
	struct rig_options first = { .now = "2026-11-23 12:00",
				     .run_after = 40 * 86400 + 11 * 3600 };
	struct rig_options second = { .now = "2026-11-23 12:00",
				      .run_after = 41 * 86400 + 11 * 3600 };
	struct rig r;

	rig_setup(&r, NIGHT, &first);
	for (int i = 0; i < 3; i++)
		rig_packet(&r, RIG_INSIDE, &upload);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).latched, 1);
	rig_reload(&r, NIGHT, &second);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 1000);
}
