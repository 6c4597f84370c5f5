/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Civil time: zones, windows, and the instants at which they open and close.
 * Pure: zone data comes in as bytes, the present as an argument. For people:
 * docs/time.md.
 *
 * How a window meets a clock that is set back or forward:
 * - A span belongs to the date it starts on. It is open from the first instant
 *   at which the wall clock shows a time in it to the end of the last one.
 *   So a clock set back can only lengthen a span and never makes a hole in it:
 *   "22:00-02:30" closes at the second 02:30, "02:30-06:00" opens at the first.
 *   A clock set forward shortens it; a span that lies in the gap as a whole
 *   does not happen that day.
 * - Operators work on the resulting sets of instants: "mon-fri and daily
 *   22:00-06:00" ends at Friday's midnight, "mon-fri 22:00-06:00" at 06:00 on
 *   Saturday.
 * - Spans that touch or overlap are one interval: one window, one reset.
 */
#ifndef CURFEW_CORE_TIME_CALENDAR_H
#define CURFEW_CORE_TIME_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/def.h"
#include "core/policy/policy.h"

/* Seconds since 1970-01-01 UTC, as POSIX counts. */
struct utc {
	int64_t s;
};

/* Instants before and after these (years -28700 and 32700) count as these. */
#define UTC_FIRST (-970000000000LL)
#define UTC_LAST  970000000000LL

/* A time zone's rules: transitions and, beyond them, the POSIX TZ footer. */
struct zone;

/*
 * TZif data, versions 1 to 4 (RFC 8536, RFC 9636), with the footer's extended
 * hours and negative daylight saving time. -EINVAL if it is not, or if it
 * contradicts itself. -EOPNOTSUPP for data that counts leap seconds
 * (zoneinfo/right/…): POSIX time, which all of Curfew uses, has none, and read
 * as POSIX time every transition would come up to half a minute late.
 */
int zone_parse(const void *data, size_t size, struct zone **ret_zone);
/* UTC, without any data. Not to be freed; zone_free() leaves it alone. */
const struct zone *zone_utc(void);
void zone_free(struct zone *z);
static inline void zone_free_p(struct zone **z)
{
	zone_free(*z);
}
#define _cleanup_zone_ _cleanup_(zone_free_p)

/* Seconds east of UTC at that instant; always within ±26 h. */
int32_t zone_offset(const struct zone *z, struct utc at);
/* The abbreviation in force; the zone keeps it. */
const char *zone_abbreviation(const struct zone *z, struct utc at);
/*
 * The instant a wall clock in the zone shows date and minute (0-1440). In a
 * gap: the first instant after it. In an overlap: the earlier one.
 */
struct utc zone_to_utc(const struct zone *z, struct civil_date date, unsigned int minute);
/* Date and minute of the day shown at that instant. */
struct civil_minute zone_to_civil(const struct zone *z, struct utc at);

/* Days since 1970-01-01 in the proleptic Gregorian calendar, and back; out of int16_t's years: the
 * nearest. */
int64_t civil_to_days(struct civil_date d);
struct civil_date civil_from_days(int64_t days);
/* 0 Monday … 6 Sunday. */
unsigned int civil_weekday(struct civil_date d);
bool civil_valid(int year, unsigned int month, unsigned int day);
/* 28 to 31; month 1-12. */
unsigned int civil_month_days(int year, unsigned int month);

#define UTC_TEXT_MAX 64 /* enough for both formats */

/*
 * "2026-11-23 22:00 EAT (+03:00)" into buf, cut to size; where the zone has no
 * letters for its time, "2026-11-23 22:00 +05:45". utc_parse() reads both.
 * Seconds are shown if they are not 0.
 */
const char *utc_format(struct utc at, const struct zone *z, char *buf, size_t size);
/* "2026-11-23T22:00:00+03:00" (RFC 3339). */
const char *utc_format_iso(struct utc at, const struct zone *z, char *buf, size_t size);
/*
 * An instant as people write it, civil times in the zone (after systemd.time(7)):
 *   now
 *   2026-11-23, 2026-11-23 00:30[:00], Mon 2026-11-23 00:30 (the day must be right)
 *   00:30[:00] (today), today|yesterday|tomorrow [00:30[:00]]
 *   Tue [00:30[:00]] (the next such, which may be now)
 *   -2h, +30min, 2h ago, 1h 30m left; durations as duration_parse()
 *   @1763856000
 *   2026-11-23T00:30:00[Z|+03:00] (RFC 3339; fractions of a second are dropped)
 * A civil time may be followed by UTC, Z, +03:00, +0300, +03, by an abbreviation
 * that the zone uses then (in an overlap it decides; else the earlier instant
 * counts), or by what utc_format() writes. Other zones' names are not known
 * here. -EINVAL if it is none of these; -ERANGE beyond UTC_FIRST and UTC_LAST.
 */
int utc_parse(const char *text, const struct zone *z, struct utc now, struct utc *ret);

/* Half-open: [begin, end). */
struct interval {
	struct utc begin, end;
};
struct interval_list {
	struct interval *v;
	size_t n, cap;
};
void interval_list_done(struct interval_list *l);
#define _cleanup_interval_list_ _cleanup_(interval_list_done)
/* Whether a sorted list holds the instant. */
bool interval_list_has(const struct interval_list *l, struct utc at);

/*
 * Zones by IANA name, so that windows of one set can differ. A site that names
 * its zone asks for it by name; NULL: the site's zone if the source knows it,
 * else the machine's. The source keeps the zone; NULL if there is none.
 */
struct zone_source {
	const struct zone *(*get)(void *arg, const char *name);
	void *arg;
};

/* How far beyond the range asked for open intervals are followed. */
#define INTERVAL_BACK_DAYS  400
#define INTERVAL_AHEAD_DAYS 8

/*
 * When `when` (NULL: always) holds within [begin, end): sorted, apart from each
 * other. An interval that is open at `begin` starts where it truly opened; one
 * that has been open for more than 400 days starts at a multiple of 400 days
 * since 1970 that is 400 to 800 days back, so that a window which never closes
 * has one opening time whatever day it is asked on. One that is open at `end`
 * closes where it truly closes, or at end + 8 days.
 *
 * zone_name: the zone of everything in `when` but windows with a zone of their
 * own, which keep it, and give it to the windows they name. NULL: the site's.
 *
 * `out` must be initialised ({ 0 } or an earlier result); on success its content
 * is replaced, on failure untouched. The caller calls interval_list_done().
 * -ENOENT: a zone is missing. -EINVAL: the tree is not one the parser makes.
 * -ELOOP: windows name each other in a circle. -E2BIG: written out, with every
 * window in place of its name, it has more than 100,000 terms.
 */
int time_expr_intervals(const struct policy_set *set, const struct time_expr *when,
			const char *zone_name, const struct zone_source *zones, struct utc begin,
			struct utc end, struct interval_list *out);

/*
 * The periods of a quota within [begin, end), `out` and errors as above.
 *
 * PERIOD_WINDOW: the intervals of `during`. Otherwise a contiguous cover of
 * [begin, end) in the site's zone: the first period holds `begin` and starts where it truly
 * starts, the last one ends where it truly ends. Hours start when the local clock
 * shows :00, "N h" periods at multiples of N hours since local midnight (the
 * last one is cut at the next midnight; 24 and more: days), days at midnight, weeks on
 * Monday, months on month_day, or the month's last day where it is shorter.
 * Each boundary is zone_to_utc(): a clock set back lengthens a period, and the
 * hour shown twice is one period: no quota is given twice for it. A period that
 * lies in a gap as a whole does not happen.
 */
int quota_periods(const struct policy_set *set, const struct quota *q,
		  const struct time_expr *during, const struct zone_source *zones, struct utc begin,
		  struct utc end, struct interval_list *out);

#endif
