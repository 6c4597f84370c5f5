/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The periods after which quotas reset. */
#include <errno.h>

#include "core/time/interval.h"
#include "core/time/zone.h"

#define DAY_HOURS 24

/* Boundaries in local seconds: the last one at or before `local`, and the one after a boundary. */
struct stepper {
	int64_t (*floor)(const struct quota *q, int64_t local);
	int64_t (*next)(const struct quota *q, int64_t boundary);
};

static int64_t day_start(int64_t local)
{
	return floor_div(local, DAY_SECONDS) * DAY_SECONDS;
}

/* Hours, and days as the longest of them. */

static int64_t hours_step(const struct quota *q)
{
	unsigned int hours = q->period == PERIOD_HOUR  ? 1
			     : q->period == PERIOD_DAY ? DAY_HOURS
						       : q->hours;

	return (int64_t)(hours < DAY_HOURS ? hours : DAY_HOURS) * 3600;
}

static int64_t hours_floor(const struct quota *q, int64_t local)
{
	int64_t day = day_start(local), step = hours_step(q);

	return day + (local - day) / step * step;
}

static int64_t hours_next(const struct quota *q, int64_t boundary)
{
	int64_t midnight = day_start(boundary) + DAY_SECONDS;
	int64_t next = boundary + hours_step(q);

	return next < midnight ? next : midnight;
}

static int64_t week_floor(const struct quota *q, int64_t local)
{
	int64_t day = floor_div(local, DAY_SECONDS);

	(void)q;
	return (day - civil_weekday(civil_from_days(day))) * DAY_SECONDS;
}

static int64_t week_next(const struct quota *q, int64_t boundary)
{
	(void)q;
	return boundary + 7 * DAY_SECONDS;
}

/* Months, counted from that of 0000-01 so that the next one is one more. */

static int64_t month_start(const struct quota *q, int64_t months)
{
	int year = (int)floor_div(months, 12);
	unsigned int month = (unsigned int)(months - (int64_t)year * 12) + 1;
	unsigned int days = civil_month_days(year, month);
	unsigned int day = q->month_day ? q->month_day : 1;
	struct civil_date d = {
		.year = (int16_t)year,
		.month = (uint8_t)month,
		.day = (uint8_t)(day < days ? day : days),
	};

	return civil_to_days(d) * DAY_SECONDS;
}

static int64_t month_of(int64_t local)
{
	struct civil_date d = civil_from_days(floor_div(local, DAY_SECONDS));

	return d.year * 12LL + d.month - 1;
}

static int64_t month_floor(const struct quota *q, int64_t local)
{
	int64_t start = month_start(q, month_of(local));

	return start <= local ? start : month_start(q, month_of(local) - 1);
}

static int64_t month_next(const struct quota *q, int64_t boundary)
{
	return month_start(q, month_of(boundary) + 1);
}

static const struct stepper hours_stepper = { hours_floor, hours_next };
static const struct stepper week_stepper = { week_floor, week_next };
static const struct stepper month_stepper = { month_floor, month_next };

static const struct stepper *stepper_of(const struct quota *q)
{
	switch (q->period) {
	case PERIOD_HOURS:
		return q->hours ? &hours_stepper : NULL;
	case PERIOD_HOUR:
	case PERIOD_DAY:
		return &hours_stepper;
	case PERIOD_WEEK:
		return &week_stepper;
	case PERIOD_MONTH:
		return &month_stepper;
	default:
		return NULL;
	}
}

static void periods(const struct quota *q, const struct stepper *step, const struct zone *z,
		    struct utc begin, struct utc end, struct interval_list *out)
{
	/* at or before `begin`; after a clock was set back there may be later ones that are, too */
	int64_t boundary = step->floor(q, zone_local(z, begin));
	struct utc from = zone_first(z, boundary);

	while (from.s < end.s) {
		struct utc until;

		boundary = step->next(q, boundary);
		until = zone_first(z, boundary);
		if (until.s > begin.s)
			interval_add(out, from.s, until.s);
		from = until;
	}
}

int quota_periods(const struct policy_set *set, const struct quota *q,
		  const struct time_expr *during, const struct zone_source *zones, struct utc begin,
		  struct utc end, struct interval_list *out)
{
	const struct stepper *step;
	const struct zone *z;

	if (q->period == PERIOD_WINDOW)
		return time_expr_intervals(set, during, NULL, zones, begin, end, out);
	step = stepper_of(q);
	if (!step)
		return -EINVAL;
	z = zones->get(zones->arg, set->site.timezone);
	if (!z)
		return -ENOENT;
	out->n = 0;
	begin.s = utc_clamp(begin.s);
	end.s = utc_clamp(end.s);
	if (begin.s < end.s)
		periods(q, step, z, begin, end, out);
	return 0;
}
