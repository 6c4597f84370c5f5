/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of what explains: the first night's policy, compiled, with the places it is about. */
#ifndef CURFEW_TESTS_ALERT_HELP_H
#define CURFEW_TESTS_ALERT_HELP_H

#include "core/report/alert.h"

/* The first night: window 22:00-06:00 in Addis Ababa, rules "night bulk", "cameras", "shadow". */
struct night {
	struct policy_set *set;
	struct image *image;
	struct geo_table *places;
	struct geo geo;
	struct zone *zone;
	struct alert_context cx;
};
struct night *night_begin(void);
void night_end(struct night *n);

/* 2026-11-24 00:30 in Addis Ababa. */
extern const struct utc half_past_midnight;
struct addr ip(const char *text);
/* The number of the policy's rule, and of its n-th quota in the image. */
uint32_t night_rule(const struct night *n, const char *policy);
uint32_t night_quota(const struct night *n, const char *policy, uint32_t nth);
/* An event of that quota, for 10.0.0.11 -> 203.0.113.10, tcp/5201, with the key filled in. */
struct cf_event night_event(const struct night *n, uint32_t quota, enum cf_event_kind kind,
			    uint64_t used);

#endif
