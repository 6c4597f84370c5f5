/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P4: windows where clocks are set forth and back, in the kernel's own table, which was
 * made a day before: as if the daemon had been dead since.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "port/zones.h"
#include "prog_help.h"

#define DAY 86400

struct probe {
	const char *zone;
	int64_t at;
	unsigned int open; /* a bit for each window */
};
static const struct probe probes[] = {
#define PROBE(...) { __VA_ARGS__ },
#include "zones.inc"
#undef PROBE
};

static const char *const windows[] = {
	"daily 22:00-06:00",
	"daily 02:00-03:00",
	"daily 01:30-02:30",
	"sun 02:30-02:45",
};

static void write_policy(struct buf *b, const char *zone)
{
	buf_printf(b, "site { timezone \"%s\" }\noutside wan0\ninside lan0, lan1\nmode enforce\n",
		   zone);
	for (unsigned int i = 0; i < ARRAY_SIZE(windows); i++)
		buf_printf(b,
			   "window w%u = %s\n"
			   "policy \"%u\" { from any to 203.0.113.%u during w%u then drop }\n",
			   i, windows[i], i, i + 1, i);
}

static unsigned int open_windows(struct rig *r)
{
	unsigned int open = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(windows); i++) {
		char to[32];
		struct frame_spec s = { "10.0.0.5", to, 6, 40000, 443, 1000, 5, .options = 0 };

		snprintf(to, sizeof(to), "203.0.113.%u", i + 1);
		if (rig_packet(r, RIG_INSIDE, &s).dropped)
			open |= 1U << i;
	}
	return open;
}

static void follow(const char *zone)
{
	_cleanup_zones_ struct zones *z = zones_new(NULL);
	_cleanup_buf_ struct buf policy = { 0 };
	const struct zone *known;
	unsigned int asked = 0;
	struct rig r;

	if (zones_get(z, zone, &known) < 0)
		cr_skip_test("no zone data (tzdata)");
	write_policy(&policy, zone);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		char now[UTC_TEXT_MAX];
		struct rig_options opt = {
			.now = now,
			.run_after = DAY,
			.machines_zones = true,
		};
		unsigned int open;

		if (strcmp(probes[i].zone, zone))
			continue;
		utc_format_iso((struct utc){ probes[i].at - DAY }, zone_utc(), now, sizeof(now));
		if (!asked++)
			rig_setup(&r, buf_text(&policy), &opt);
		else
			rig_reload(&r, buf_text(&policy), &opt);
		open = open_windows(&r);
		cr_expect_eq(open, probes[i].open, "%s at %lld: open are 0x%x, not 0x%x", zone,
			     (long long)probes[i].at, open, probes[i].open);
	}
	cr_assert_geq(asked, 10);
}

Test(zones, berlin_a_whole_hour)
{
	follow("Europe/Berlin");
}
Test(zones, lord_howe_half_an_hour)
{
	follow("Australia/Lord_Howe");
}
Test(zones, kathmandu_never_but_odd)
{
	follow("Asia/Kathmandu");
}
Test(zones, casablanca_back_for_a_month)
{
	follow("Africa/Casablanca");
}
