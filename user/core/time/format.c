/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "core/time/zone.h"

#define OFFSET_TEXT_MAX 16

/* "+03:00"; old local times have seconds, which RFC 3339 can't say but we don't hide. */
static const char *offset_text(int32_t offset, char buf[OFFSET_TEXT_MAX])
{
	unsigned int s = (unsigned int)abs(offset);
	int n = snprintf(buf, OFFSET_TEXT_MAX, "%c%02u:%02u", offset < 0 ? '-' : '+', s / 3600,
			 s / 60 % 60);

	if (s % 60)
		snprintf(buf + n, OFFSET_TEXT_MAX - (size_t)n, ":%02u", s % 60);
	return buf;
}

struct parts {
	struct civil_date date;
	unsigned int hour, minute, second;
};

static struct parts parts_of(struct utc at, const struct zone *z)
{
	int64_t local = zone_local(z, at);
	int64_t days = floor_div(local, DAY_SECONDS);
	unsigned int s = (unsigned int)(local - days * DAY_SECONDS);

	return (struct parts){ civil_from_days(days), s / 3600, s / 60 % 60, s % 60 };
}

const char *utc_format(struct utc at, const struct zone *z, char *buf, size_t size)
{
	struct parts p = parts_of(at, z);
	const char *name = zone_abbreviation(z, at);
	char offset[OFFSET_TEXT_MAX], second[8] = "";
	bool letters = (*name >= 'A' && *name <= 'Z') || (*name >= 'a' && *name <= 'z');

	offset_text(zone_offset(z, at), offset);
	if (p.second)
		snprintf(second, sizeof(second), ":%02u", p.second % 60);
	snprintf(buf, size, "%04d-%02u-%02u %02u:%02u%s %s%s%s%s", p.date.year, p.date.month,
		 p.date.day, p.hour, p.minute, second, letters ? name : "", letters ? " (" : "",
		 offset, letters ? ")" : "");
	return buf;
}

const char *utc_format_iso(struct utc at, const struct zone *z, char *buf, size_t size)
{
	struct parts p = parts_of(at, z);
	char offset[OFFSET_TEXT_MAX];

	snprintf(buf, size, "%04d-%02u-%02uT%02u:%02u:%02u%s", p.date.year, p.date.month,
		 p.date.day, p.hour, p.minute, p.second, offset_text(zone_offset(z, at), offset));
	return buf;
}
