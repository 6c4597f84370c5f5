/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/def.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ "TB", 1000000000000ULL },
	{ "GB", 1000000000ULL },
	{ "MB", 1000000ULL },
	{ "kB", 1000ULL },
	{ "KB", 1000ULL },
	{ "TiB", 1ULL << 40 },
	{ "GiB", 1ULL << 30 },
	{ "MiB", 1ULL << 20 },
	{ "KiB", 1ULL << 10 },
	{ "kiB", 1ULL << 10 },
	{ "B", 1 },
};

static const struct unit durations[] = {
	{ "weeks", 604800 }, { "week", 604800 }, { "w", 604800 },   { "days", 86400 },
	{ "day", 86400 },    { "d", 86400 },     { "hours", 3600 }, { "hour", 3600 },
	{ "h", 3600 },       { "min", 60 },      { "m", 60 },       { "sec", 1 },
	{ "s", 1 },
};

static const struct unit *unit_find(const struct unit *u, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(u[i].name) == len && !strncmp(u[i].name, s, len))
			return &u[i];
	return NULL;
}

static const char *skip_space(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* One "number unit"; moves *s behind it. Decimals are exact: digits scaled, never floating point.
 */
static int quantity(const char **s, const struct unit *units, size_t n, uint64_t *ret)
{
	const char *p = skip_space(*s), *word;
	unsigned __int128 value = 0, div = 1;
	const struct unit *u;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (unsigned int)(*p - '0');
		if (value > UINT64_MAX)
			return -ERANGE;
	}
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++) {
			if (div >= 1000000000)
				return -ERANGE;
			value = value * 10 + (unsigned int)(*p - '0');
			div *= 10;
		}
	}
	p = skip_space(p);
	for (word = p; isalpha((unsigned char)*p); p++)
		;
	u = unit_find(units, n, word, (size_t)(p - word));
	if (!u)
		return -EINVAL;
	value *= u->factor;
	if (value / div > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)(value / div);
	*s = p;
	return 0;
}

int size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t v;
	int r = quantity(&text, sizes, ARRAY_SIZE(sizes), &v);

	if (r < 0)
		return r;
	if (*skip_space(text))
		return -EINVAL;
	*ret_bytes = v;
	return 0;
}

const char *size_format_exact(uint64_t bytes, char buf[UNITS_TEXT_MAX])
{
	const struct unit *best = unit_find(sizes, ARRAY_SIZE(sizes), "B", 1);

	for (size_t i = 0; bytes && i < ARRAY_SIZE(sizes); i++)
		if (bytes % sizes[i].factor == 0 && sizes[i].factor > best->factor)
			best = &sizes[i];
	snprintf(buf, UNITS_TEXT_MAX, "%llu %s", (unsigned long long)(bytes / best->factor),
		 best->name);
	return buf;
}

const char *size_format(uint64_t bytes, char buf[UNITS_TEXT_MAX])
{
	static const char *const names[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes;
	size_t i = 0;

	/* 999.5 would print as 1000 */
	while (v >= 999.5 && i + 1 < ARRAY_SIZE(names)) {
		v /= 1000;
		i++;
	}
	snprintf(buf, UNITS_TEXT_MAX, "%.*f %s",
		 i == 0 || v >= 99.95 ? 0
		 : v >= 9.995         ? 1
				      : 2,
		 v, names[i]);
	return buf;
}

int duration_parse(const char *text, uint64_t *ret_seconds)
{
	uint64_t sum = 0, v;

	do {
		int r = quantity(&text, durations, ARRAY_SIZE(durations), &v);

		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, v, &sum))
			return -ERANGE;
		text = skip_space(text);
	} while (*text);
	*ret_seconds = sum;
	return 0;
}

const char *duration_format(uint64_t seconds, char buf[UNITS_TEXT_MAX])
{
	static const struct unit parts[] = {
		{ "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }
	};
	size_t n = 0;
	int shown = 0;

	buf[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t k = seconds / parts[i].factor;

		seconds %= parts[i].factor;
		if (!k)
			continue;
		n += (size_t)snprintf(buf + n, UNITS_TEXT_MAX - n, "%s%llu%s", shown++ ? " " : "",
				      (unsigned long long)k, parts[i].name);
	}
	if (!shown)
		snprintf(buf, UNITS_TEXT_MAX, "0s");
	return buf;
}
