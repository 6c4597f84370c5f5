/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/text.h"

#include <errno.h>
#include <string.h>

#include "core/geo/geo.h"

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_none(const char *text, size_t n)
{
	return !n || (n == 1 && text[0] == '-');
}

int geo_text_country(const char *text, size_t n, char ret[4])
{
	char a, b;

	if (is_none(text, n))
		return 0;
	if (n != 2)
		return -EINVAL;
	a = upper(text[0]);
	b = upper(text[1]);
	if ((a == '?' || a == '-') && a == b)
		return 0;
	if ((a == 'Z' || a == 'X') && a == b)
		return 0;
	if (is_letter(a) && is_digit(b))
		return 0;
	if (!is_letter(a) || !is_letter(b))
		return -EINVAL;
	memcpy(ret, (char[4]){ a, b }, 4);
	return 1;
}

int geo_text_continent(const char *text, size_t n, char ret[4])
{
	char code[4] = { 0 };

	if (is_none(text, n))
		return 0;
	if (n != 2)
		return -EINVAL;
	code[0] = upper(text[0]);
	code[1] = upper(text[1]);
	if (!geo_continent_name(code))
		return -EINVAL;
	memcpy(ret, code, sizeof(code));
	return 1;
}

int geo_text_asn(const char *text, size_t n, uint32_t *ret)
{
	uint64_t v = 0;

	if (is_none(text, n))
		return 0;
	if (n > 2 && upper(text[0]) == 'A' && upper(text[1]) == 'S') {
		text += 2;
		n -= 2;
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(text[i]))
			return -EINVAL;
		v = v * 10 + (uint64_t)(text[i] - '0');
		if (v > UINT32_MAX)
			return -ERANGE;
	}
	if (!v)
		return 0;
	*ret = (uint32_t)v;
	return 1;
}

int geo_text_degrees(const char *text, size_t n, double *ret)
{
	bool minus = n && text[0] == '-', point = false, any = false;
	double v = 0, scale = 1;

	for (size_t i = n && (text[0] == '-' || text[0] == '+'); i < n; i++) {
		if (text[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(text[i]))
			return -EINVAL;
		any = true;
		/* 15 digits are exact in a double; more say nothing about a place. */
		if (scale >= 1e12)
			continue;
		v = v * 10 + (text[i] - '0');
		if (point)
			scale *= 10;
		else if (v > 1000)
			return -EINVAL;
	}
	if (!any)
		return -EINVAL;
	*ret = (minus ? -v : v) / scale;
	return 0;
}

/* Length of the sequence at s, 0 if it is none or a control character. */
static size_t sequence(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char mask, lead, second_low, second_high, length;
	} forms[] = {
		{ 0xff, 0xc2, 0xa0, 0xbf, 2 }, /* C1 controls lie below U+00A0 */
		{ 0xff, 0xe0, 0xa0, 0xbf, 3 }, { 0xff, 0xed, 0x80, 0x9f, 3 },
		{ 0xf0, 0xe0, 0x80, 0xbf, 3 }, { 0xff, 0xf0, 0x90, 0xbf, 4 },
		{ 0xff, 0xf4, 0x80, 0x8f, 4 }, { 0xe0, 0xc0, 0x80, 0xbf, 2 },
		{ 0xf8, 0xf0, 0x80, 0xbf, 4 },
	};

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (n < forms[i].length || s[1] < forms[i].second_low ||
		    s[1] > forms[i].second_high)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

bool geo_text_clean(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0, len; i < n; i += len) {
		len = sequence(s + i, n - i);
		if (!len)
			return false;
	}
	return true;
}

bool geo_location_valid(double latitude, double longitude)
{
	return latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180;
}
