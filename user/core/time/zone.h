/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside civil time: stretches of constant offset, and local seconds. Not for
 * use outside the files that include it; the interface is calendar.h.
 */
#ifndef CURFEW_CORE_TIME_ZONE_H
#define CURFEW_CORE_TIME_ZONE_H

#include "core/time/calendar.h"

#define DAY_SECONDS 86400
/* RFC 8536 3.2: offsets are more than -25 h and less than 26 h. */
#define ZONE_OFFSET_MIN (-89999)
#define ZONE_OFFSET_MAX 93599

/* [begin, end) in which the offset does not change; the next one may have the same. */
struct zone_stretch {
	int64_t begin, end;
	int32_t offset;
	const char *abbreviation; /* the zone keeps it */
};
struct zone_stretch zone_stretch_at(const struct zone *z, int64_t at);

/*
 * Local seconds are what the wall clock shows, as seconds since its own
 * 1970-01-01 00:00.
 */
int64_t zone_local(const struct zone *z, struct utc at);
int64_t local_from_civil(struct civil_date date, unsigned int minute);
/* The first instant at which the wall clock shows `local` or later. */
struct utc zone_first(const struct zone *z, int64_t local);
/*
 * From the first instant at which the wall clock shows a time in [from, until)
 * to the end of the last one. False if it never does.
 */
bool zone_hull(const struct zone *z, int64_t from, int64_t until, struct interval *ret);

static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline int64_t utc_clamp(int64_t s)
{
	return s < UTC_FIRST ? UTC_FIRST : s > UTC_LAST ? UTC_LAST : s;
}

/* ---- the footer: a POSIX TZ string (POSIX.1-2017 8.3; RFC 8536 3.3.1) ---- */

#define TZ_NAME_MAX 16

struct tz_date {
	enum { TZ_DATE_JULIAN, TZ_DATE_DAY, TZ_DATE_MONTH } kind; /* Jn, n, Mm.w.d */
	uint16_t day;                                             /* Jn: 1-365; n: 0-365 */
	uint8_t month, week, weekday;                             /* 1-12, 1-5, 0 Sunday-6 */
	int32_t time; /* seconds since that day's midnight; may be negative or beyond the day */
};
struct tz_rule {
	char std[TZ_NAME_MAX], dst[TZ_NAME_MAX];
	int32_t std_offset, dst_offset; /* seconds east */
	bool has_dst;
	struct tz_date start, end; /* of dst */
};
/* -EINVAL if it is none, or leaves out when daylight saving time begins. */
int tz_rule_parse(const char *text, size_t size, struct tz_rule *ret);
struct zone_stretch tz_rule_stretch(const struct tz_rule *r, int64_t at);

#endif
