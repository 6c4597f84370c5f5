/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX TZ strings: what a zone does after its last listed transition. */
#include <errno.h>
#include <string.h>

#include "core/time/zone.h"

#define HOUR_SECONDS 3600
/* Twice a year, in the year before and after those that can reach `at`. */
#define RULE_YEARS   5
#define RULE_CHANGES (2 * RULE_YEARS)

struct cursor {
	const char *s, *end;
};

/* ctype.h asks the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char peek(const struct cursor *c)
{
	return c->s < c->end ? *c->s : 0;
}

static bool accept(struct cursor *c, char want)
{
	if (peek(c) != want)
		return false;
	c->s++;
	return true;
}

static int number(struct cursor *c, int min, int max, int *ret)
{
	int v = 0;

	if (!is_digit(peek(c)))
		return -EINVAL;
	while (is_digit(peek(c))) {
		v = v * 10 + (*c->s++ - '0');
		if (v > max)
			return -EINVAL;
	}
	if (v < min)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* Letters, or in angle brackets letters, digits and signs. */
static int name(struct cursor *c, char *out)
{
	bool quoted = accept(c, '<');
	size_t n = 0;

	for (;; c->s++) {
		char k = peek(c);

		if (!is_alpha(k) && !(quoted && (is_digit(k) || k == '+' || k == '-')))
			break;
		if (n == TZ_NAME_MAX - 1)
			return -EINVAL;
		out[n++] = k;
	}
	out[n] = 0;
	if (n < 3 || (quoted && !accept(c, '>')))
		return -EINVAL;
	return 0;
}

/* [+-]hh[:mm[:ss]] */
static int clock_time(struct cursor *c, int max_hours, int *ret_seconds)
{
	int sign = accept(c, '-') ? -1 : 1, hours, minutes = 0, seconds = 0;

	if (sign > 0)
		accept(c, '+');
	if (number(c, 0, max_hours, &hours) < 0)
		return -EINVAL;
	if (accept(c, ':')) {
		if (number(c, 0, 59, &minutes) < 0)
			return -EINVAL;
		if (accept(c, ':') && number(c, 0, 59, &seconds) < 0)
			return -EINVAL;
	}
	*ret_seconds = sign * (hours * HOUR_SECONDS + minutes * 60 + seconds);
	return 0;
}

static int date(struct cursor *c, struct tz_date *out)
{
	int a, b, w, time = 2 * HOUR_SECONDS;

	if (accept(c, 'M')) {
		if (number(c, 1, 12, &a) < 0 || !accept(c, '.') || number(c, 1, 5, &b) < 0 ||
		    !accept(c, '.') || number(c, 0, 6, &w) < 0)
			return -EINVAL;
		out->kind = TZ_DATE_MONTH;
		out->month = (uint8_t)a;
		out->week = (uint8_t)b;
		out->weekday = (uint8_t)w;
	} else {
		bool julian = accept(c, 'J');

		if (number(c, julian, 365, &a) < 0)
			return -EINVAL;
		out->kind = julian ? TZ_DATE_JULIAN : TZ_DATE_DAY;
		out->day = (uint16_t)a;
	}
	if (accept(c, '/') && clock_time(c, 167, &time) < 0)
		return -EINVAL;
	out->time = time;
	return 0;
}

int tz_rule_parse(const char *text, size_t size, struct tz_rule *ret)
{
	struct cursor c = { text, text + size };
	struct tz_rule r = { 0 };
	int west;

	if (name(&c, r.std) < 0 || clock_time(&c, 24, &west) < 0)
		return -EINVAL;
	r.std_offset = -west;
	if (c.s < c.end) {
		if (name(&c, r.dst) < 0)
			return -EINVAL;
		r.has_dst = true;
		r.dst_offset = r.std_offset + HOUR_SECONDS;
		if (peek(&c) != ',') {
			if (clock_time(&c, 24, &west) < 0)
				return -EINVAL;
			r.dst_offset = -west;
		}
		if (!accept(&c, ',') || date(&c, &r.start) < 0 || !accept(&c, ',') ||
		    date(&c, &r.end) < 0)
			return -EINVAL;
	}
	if (c.s != c.end)
		return -EINVAL;
	*ret = r;
	return 0;
}

/* Local seconds, on the clock that was in force before. */
static int64_t date_local(const struct tz_date *d, int year)
{
	struct civil_date first = { .year = (int16_t)year, .month = 1, .day = 1 };
	int64_t days = civil_to_days(first);

	switch (d->kind) {
	case TZ_DATE_DAY:
		days += d->day;
		break;
	case TZ_DATE_JULIAN: /* February 29 is never counted */
		days += d->day - 1 + (d->day >= 60 && civil_month_days(year, 2) == 29);
		break;
	case TZ_DATE_MONTH: {
		unsigned int weekday, day;

		first.month = d->month;
		days = civil_to_days(first);
		weekday = (civil_weekday(first) + 1) % 7; /* Sunday is 0 here */
		day = (d->weekday + 7 - weekday) % 7 + (d->week - 1) * 7U;
		if (day >= civil_month_days(year, d->month))
			day -= 7;
		days += day;
		break;
	}
	}
	return days * DAY_SECONDS + d->time;
}

struct change {
	int64_t at;
	bool dst; /* from then on */
};

/*
 * Sorted. Where one ends as the next begins (all-year DST: RFC 8536 3.3.1), the
 * order of years keeps the later one last: insertion sort is stable.
 */
static void rule_changes(const struct tz_rule *r, int year, struct change out[RULE_CHANGES])
{
	size_t n = 0;

	for (int y = year - RULE_YEARS / 2; y <= year + RULE_YEARS / 2; y++) {
		out[n++] = (struct change){ date_local(&r->start, y) - r->std_offset, true };
		out[n++] = (struct change){ date_local(&r->end, y) - r->dst_offset, false };
	}
	for (size_t i = 1; i < n; i++) {
		struct change c = out[i];
		size_t j = i;

		for (; j > 0 && out[j - 1].at > c.at; j--)
			out[j] = out[j - 1];
		out[j] = c;
	}
}

struct zone_stretch tz_rule_stretch(const struct tz_rule *r, int64_t at)
{
	struct zone_stretch s = { UTC_FIRST, UTC_LAST, r->std_offset, r->std };
	struct change changes[RULE_CHANGES];
	bool dst;
	size_t i;

	if (!r->has_dst)
		return s;
	at = utc_clamp(at);
	rule_changes(r, civil_from_days(floor_div(at, DAY_SECONDS)).year, changes);
	dst = !changes[0].dst;
	for (i = 0; i < RULE_CHANGES && changes[i].at <= at; i++) {
		s.begin = changes[i].at;
		dst = changes[i].dst;
	}
	if (i < RULE_CHANGES)
		s.end = changes[i].at;
	if (dst) {
		s.offset = r->dst_offset;
		s.abbreviation = r->dst;
	}
	return s;
}
