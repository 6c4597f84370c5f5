/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what the calendar computes, for check_zones.py to compare. Reads one
 * question a line, answers each with lines and then "." (or "error N"):
 *   offset ZONE T                             "OFFSET ABBREVIATION"
 *   instant ZONE YEAR MONTH DAY MINUTE        "T"
 *   span ZONE DAYS FROM UNTIL BEGIN END       "BEGIN END" of each interval
 *   weekends ZONE BEGIN END
 *   dates ZONE DAYNUMBER DAYNUMBER BEGIN END
 *   period ZONE KIND N BEGIN END              KIND as enum period_kind; N: month_day or hours
 *   window ZONE NAME BEGIN END                NAME of the policy file that is the argument
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/files.h"
#include "port/zones.h"

static void answer(int r, const struct interval_list *l)
{
	if (r < 0)
		printf("error %d\n", -r);
	for (size_t i = 0; r == 0 && i < l->n; i++)
		printf("%" PRId64 " %" PRId64 "\n", l->v[i].begin.s, l->v[i].end.s);
}

static void windows(struct zones *zones, const char *zone, const struct time_expr *when,
		    int64_t begin, int64_t end)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	const struct policy_set set = { 0 };
	struct zone_source source = zones_source(zones);

	answer(time_expr_intervals(&set, when, zone, &source, (struct utc){ begin },
				   (struct utc){ end }, &l),
	       &l);
}

static void periods(struct zones *zones, char *zone, const struct quota *q, int64_t begin,
		    int64_t end)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	const struct policy_set set = { .site.timezone = zone };
	struct zone_source source = zones_source(zones);

	answer(quota_periods(&set, q, NULL, &source, (struct utc){ begin }, (struct utc){ end },
			     &l),
	       &l);
}

/* What is asked about instants needs the zone itself. */
static bool about_zone(const char *line, const struct zone *z)
{
	int64_t t;
	int year;
	unsigned int month, day, minute;

	if (sscanf(line, "offset %*s %" SCNd64, &t) == 1) {
		printf("%d %s\n", zone_offset(z, (struct utc){ t }),
		       zone_abbreviation(z, (struct utc){ t }));
		return true;
	}
	if (sscanf(line, "instant %*s %d %u %u %u", &year, &month, &day, &minute) == 4) {
		struct civil_date d = { (int16_t)year, (uint8_t)month, (uint8_t)day };

		printf("%" PRId64 "\n", zone_to_utc(z, d, minute).s);
		return true;
	}
	return false;
}

static bool about_intervals(const char *line, struct zones *zones, char *zone)
{
	struct time_expr when = { 0 };
	struct date_range range;
	struct quota q = { 0 };
	unsigned int days, from, until, kind, n;
	int64_t begin, end, first, last;

	if (sscanf(line, "span %*s %u %u %u %" SCNd64 " %" SCNd64, &days, &from, &until, &begin,
		   &end) == 5) {
		when.op = TIME_SPAN;
		when.days = (uint8_t)days;
		when.from = (uint16_t)from;
		when.until = (uint16_t)until;
		windows(zones, zone, &when, begin, end);
	} else if (sscanf(line, "weekends %*s %" SCNd64 " %" SCNd64, &begin, &end) == 2) {
		when.op = TIME_WEEKENDS;
		windows(zones, zone, &when, begin, end);
	} else if (sscanf(line, "dates %*s %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &first,
			  &last, &begin, &end) == 4) {
		range = (struct date_range){ civil_from_days(first), civil_from_days(last) };
		when.op = TIME_DATES;
		when.dates.v = &range;
		when.dates.n = 1;
		windows(zones, zone, &when, begin, end);
	} else if (sscanf(line, "period %*s %u %u %" SCNd64 " %" SCNd64, &kind, &n, &begin, &end) ==
		   4) {
		q.period = (enum period_kind)kind;
		q.month_day = (uint8_t)n;
		q.hours = (uint16_t)n;
		periods(zones, zone, &q, begin, end);
	} else {
		return false;
	}
	return true;
}

static bool about_window(const char *line, struct zones *zones, const char *zone,
			 const struct policy_set *set)
{
	_cleanup_interval_list_ struct interval_list l = { 0 };
	struct zone_source source = zones_source(zones);
	const struct window *w;
	int64_t begin, end;
	char name[64];

	if (!set || sscanf(line, "window %*s %63s %" SCNd64 " %" SCNd64, name, &begin, &end) != 3)
		return false;
	w = policy_find_window(set, name);
	if (!w)
		return false;
	answer(time_expr_intervals(set, w->when, zone, &source, (struct utc){ begin },
				   (struct utc){ end }, &l),
	       &l);
	return true;
}

static struct policy_set *read_policy(const char *path)
{
	struct diag_list diags = { 0 };
	struct policy_set *set = NULL;
	struct buf text = { 0 };

	if (policy_parse(&policy_io_files, path, &set, &diags) < 0) {
		diag_print(&diags, &text);
		fputs(buf_text(&text), stderr);
		exit(1);
	}
	return set;
}

int main(int argc, char **argv)
{
	_cleanup_zones_ struct zones *zones = zones_new(NULL);
	struct policy_set *set = argc > 1 ? read_policy(argv[1]) : NULL;
	char line[256], name[128];

	while (fgets(line, sizeof(line), stdin)) {
		const struct zone *z;
		int r = sscanf(line, "%*s %127s", name) == 1 ? zones_get(zones, name, &z) : -EINVAL;

		if (r < 0)
			printf("error %d\n", -r);
		else if (!about_zone(line, z) && !about_window(line, zones, name, set) &&
			 !about_intervals(line, zones, name))
			printf("error %d\n", EINVAL);
		printf(".\n");
	}
	policy_set_free(set);
	return 0;
}
