/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instants as people write them, after systemd.time(7). */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "core/time/zone.h"

/* What was written, before it is an instant. */
struct written {
	bool has_weekday, has_day, has_time, has_offset;
	unsigned int weekday;
	bool relative; /* day counts from today, else from 1970-01-01 */
	int64_t day;
	int64_t second;         /* of the day */
	int32_t offset;         /* east */
	char name[TZ_NAME_MAX]; /* abbreviation; empty: none */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_space(const char **s)
{
	while (**s == ' ' || **s == '\t')
		(*s)++;
}

static bool accept(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (is_alpha(s[n]))
		n++;
	return n;
}

/* A whole word, in any case, and the space behind it. */
static bool accept_word(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (word_length(*s) != n || strncasecmp(*s, word, n) != 0)
		return false;
	*s += n;
	skip_space(s);
	return true;
}

/* Between min_digits and max_digits digits (at most 9). */
static int number(const char **s, int min_digits, int max_digits, int max, int *ret)
{
	int v = 0, n = 0;

	for (; n < max_digits && is_digit((*s)[n]); n++)
		v = v * 10 + ((*s)[n] - '0');
	if (n < min_digits || is_digit((*s)[n]) || v > max)
		return -EINVAL;
	*s += n;
	*ret = v;
	return 0;
}

/* ---- from now --------------------------------------------------------------- */

static int shift(struct utc now, const char *duration, int sign, struct utc *ret)
{
	uint64_t seconds;
	int r = duration_parse(duration, &seconds);

	if (r < 0)
		return r;
	if (seconds > 2 * (uint64_t)UTC_LAST)
		return -ERANGE;
	ret->s = utc_clamp(now.s) + sign * (int64_t)seconds;
	return 0;
}

/* "2h ago", "1h 30m left"; -ENOMSG: neither word is there. */
static int shift_words(const char *text, struct utc now, struct utc *ret)
{
	_cleanup_free_ char *duration = NULL;
	const char *end = text + strlen(text), *word;
	int sign;

	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	for (word = end; word > text && is_alpha(word[-1]); word--)
		;
	if (end - word == 3 && !strncasecmp(word, "ago", 3))
		sign = -1;
	else if (end - word == 4 && !strncasecmp(word, "left", 4))
		sign = 1;
	else
		return -ENOMSG;
	duration = xstrndup(text, (size_t)(word - text));
	return shift(now, duration, sign, ret);
}

static int stamp(const char *s, struct utc *ret)
{
	int sign = accept(&s, '-') ? -1 : 1;
	int64_t v = 0;

	if (!is_digit(*s))
		return -EINVAL;
	for (; is_digit(*s); s++) {
		v = v * 10 + (*s - '0');
		if (v > UTC_LAST)
			return -ERANGE;
	}
	skip_space(&s);
	if (*s)
		return -EINVAL;
	ret->s = sign * v;
	return 0;
}

/* ---- civil ------------------------------------------------------------------ */

static void weekday(const char **s, struct written *w)
{
	static const char *const names[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
					     "Friday", "Saturday", "Sunday" };
	size_t n = word_length(*s);

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if ((n == 3 || n == strlen(names[i])) && !strncasecmp(*s, names[i], n)) {
			w->has_weekday = true;
			w->weekday = i;
			*s += n;
			skip_space(s);
			return;
		}
	}
}

static int day(const char **s, struct written *w)
{
	static const struct {
		const char *word;
		int days;
	} words[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };
	const char *p = *s;
	int y, m, d;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (accept_word(s, words[i].word)) {
			w->has_day = w->relative = true;
			w->day = words[i].days;
			return 0;
		}
	}
	for (; is_digit(*p); p++)
		;
	if (p == *s || *p != '-')
		return 0;
	if (number(s, 4, 5, INT16_MAX, &y) < 0 || !accept(s, '-') || number(s, 1, 2, 12, &m) < 0 ||
	    !accept(s, '-') || number(s, 1, 2, 31, &d) < 0 ||
	    !civil_valid(y, (unsigned int)m, (unsigned int)d))
		return -EINVAL;
	w->has_day = true;
	w->day = civil_to_days((struct civil_date){ (int16_t)y, (uint8_t)m, (uint8_t)d });
	/* nothing else may follow a date without a space */
	if ((**s == 'T' || **s == 't') && is_digit((*s)[1]))
		(*s)++;
	else if (**s && **s != ' ' && **s != '\t')
		return -EINVAL;
	skip_space(s);
	return 0;
}

static int clock_time(const char **s, struct written *w)
{
	int h, m, sec = 0;

	if (!is_digit(**s))
		return 0;
	if (number(s, 1, 2, 23, &h) < 0 || !accept(s, ':') || number(s, 2, 2, 59, &m) < 0)
		return -EINVAL;
	if (accept(s, ':')) {
		if (number(s, 2, 2, 59, &sec) < 0)
			return -EINVAL;
		if (**s == '.' && is_digit((*s)[1]))
			for ((*s)++; is_digit(**s); (*s)++)
				;
	}
	w->has_time = true;
	w->second = h * 3600 + m * 60 + sec;
	skip_space(s);
	return 0;
}

/* +03:00, +0300, +03, +00:19:32 */
static int offset(const char **s, struct written *w)
{
	int sign = accept(s, '-') ? -1 : 1, h, m = 0, sec = 0;

	if (sign > 0 && !accept(s, '+'))
		return -EINVAL;
	if (is_digit((*s)[0]) && is_digit((*s)[1]) && is_digit((*s)[2])) {
		if (number(s, 4, 4, 2559, &h) < 0)
			return -EINVAL;
		m = h % 100;
		h /= 100;
	} else if (number(s, 2, 2, 25, &h) < 0) {
		return -EINVAL;
	} else if (accept(s, ':')) {
		if (number(s, 2, 2, 59, &m) < 0)
			return -EINVAL;
		if (accept(s, ':') && number(s, 2, 2, 59, &sec) < 0)
			return -EINVAL;
	}
	if (m > 59)
		return -EINVAL;
	w->has_offset = true;
	w->offset = sign * (h * 3600 + m * 60 + sec);
	return 0;
}

static int suffix(const char **s, struct written *w)
{
	size_t n = word_length(*s);
	int r;

	if (!**s)
		return 0;
	if (accept_word(s, "UTC") || accept_word(s, "Z")) {
		w->has_offset = true;
		w->offset = 0;
	} else if (n) {
		if (n >= sizeof(w->name))
			return -EINVAL;
		memcpy(w->name, *s, n);
		*s += n;
		skip_space(s);
	} else {
		return offset(s, w);
	}
	if (!accept(s, '('))
		return 0;
	/* as utc_format() writes it: the number decides */
	r = offset(s, w);
	return r < 0 ? r : accept(s, ')') ? 0 : -EINVAL;
}

/* The instant that shows `local` under that abbreviation. */
static int named_instant(const struct zone *z, int64_t local, const char *name, struct utc *ret)
{
	int64_t t = utc_clamp(local - ZONE_OFFSET_MAX), last = local - ZONE_OFFSET_MIN;

	while (t < last && t < UTC_LAST) {
		struct zone_stretch s = zone_stretch_at(z, t);
		int64_t at = local - s.offset;

		if (at >= s.begin && at < s.end && !strcasecmp(s.abbreviation, name)) {
			ret->s = at;
			return 0;
		}
		t = s.end;
	}
	return -EINVAL;
}

static int instant(const struct written *w, const struct zone *z, int64_t days, struct utc *ret)
{
	int64_t local = days * DAY_SECONDS + w->second;

	/* what is shown at the ends would be taken for the ends */
	if (local < UTC_FIRST - ZONE_OFFSET_MIN || local > UTC_LAST - ZONE_OFFSET_MAX)
		return -ERANGE;
	if (w->has_offset)
		ret->s = local - w->offset;
	else if (*w->name)
		return named_instant(z, local, w->name, ret);
	else
		*ret = zone_first(z, local);
	return 0;
}

static int resolve(const struct written *w, const struct zone *z, struct utc now, struct utc *ret)
{
	int64_t local = w->has_offset ? utc_clamp(now.s) + w->offset : zone_local(z, now);
	int64_t today = floor_div(local, DAY_SECONDS), days = today;
	int r;

	if (w->has_day)
		days = w->relative ? today + w->day : w->day;
	if (!w->has_weekday)
		return instant(w, z, days, ret);
	if (w->has_day)
		return civil_weekday(civil_from_days(days)) == w->weekday ? instant(w, z, days, ret)
									  : -EINVAL;
	days += (w->weekday + 7 - civil_weekday(civil_from_days(today))) % 7;
	r = instant(w, z, days, ret);
	if (r == 0 && ret->s < now.s)
		r = instant(w, z, days + 7, ret);
	return r;
}

static int civil(const char *s, const struct zone *z, struct utc now, struct utc *ret)
{
	struct written w = { 0 };
	int r;

	weekday(&s, &w);
	r = day(&s, &w);
	if (r == 0)
		r = clock_time(&s, &w);
	if (r < 0)
		return r;
	if (!w.has_weekday && !w.has_day && !w.has_time)
		return -EINVAL;
	r = suffix(&s, &w);
	if (r < 0)
		return r;
	skip_space(&s);
	if (*s)
		return -EINVAL;
	return resolve(&w, z, now, ret);
}

int utc_parse(const char *text, const struct zone *z, struct utc now, struct utc *ret)
{
	const char *s = text;
	struct utc at = now;
	int r;

	skip_space(&s);
	if (*s == '@') {
		r = stamp(s + 1, &at);
	} else if (*s == '+' || *s == '-') {
		r = shift(now, s + 1, *s == '-' ? -1 : 1, &at);
	} else if (accept_word(&s, "now")) {
		r = *s ? -EINVAL : 0;
	} else {
		r = shift_words(s, now, &at);
		if (r == -ENOMSG)
			r = civil(s, z, now, &at);
	}
	if (r < 0)
		return r;
	if (at.s < UTC_FIRST || at.s > UTC_LAST)
		return -ERANGE;
	*ret = at;
	return 0;
}
