/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a bare word is: number, size, address, time … or why it is none of them. */
#include <errno.h>
#include <string.h>

#include "core/policy/lex.h"
#include "core/time/calendar.h"

#define MAX_NANO 9000000000ULL /* larger numbers saturate */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_xdigit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A cursor over a word: each eat_ function moves on only if it succeeds. */
struct cursor {
	const char *s, *end;
};

static bool eat(struct cursor *c, char want)
{
	if (c->s >= c->end || *c->s != want)
		return false;
	c->s++;
	return true;
}

/* 1 to max digits. */
static bool eat_number(struct cursor *c, unsigned int max, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned int n = 0;

	while (c->s + n < c->end && is_digit(c->s[n])) {
		if (n == max)
			return false;
		v = v * 10 + (uint64_t)(c->s[n++] - '0');
	}
	if (!n)
		return false;
	c->s += n;
	*ret = v;
	return true;
}

static bool done(const struct cursor *c)
{
	return c->s == c->end;
}

static bool bad(struct token *t, const char *trouble, const char *help)
{
	t->kind = T_BAD;
	t->trouble = trouble;
	t->help = help;
	return true;
}

static bool eat_clock(struct cursor *c, uint32_t *ret_minute)
{
	struct cursor k = *c;
	uint64_t h, m;

	if (!eat_number(&k, 2, &h) || !eat(&k, ':') || k.end - k.s < 2 || !is_digit(k.s[1]) ||
	    !eat_number(&k, 2, &m))
		return false;
	*ret_minute = h > 24 || m > 59 || (h == 24 && m) ? UINT32_MAX : (uint32_t)(h * 60 + m);
	*c = k;
	return true;
}

static bool word_time(struct token *t)
{
	static const char *const range =
		"hours go from 00 to 23, minutes from 00 to 59; a span may end at 24:00";
	struct cursor c = { t->s, t->s + t->n };

	if (!eat_clock(&c, &t->first))
		return false;
	if (done(&c)) {
		if (t->first >= 1440)
			return bad(t, "is not a time of day", range);
		t->kind = T_TIME;
		return true;
	}
	if (eat(&c, '-') && eat_clock(&c, &t->last) && done(&c)) {
		if (t->first >= 1440 || t->last > 1440)
			return bad(t, "is not a span of time", range);
		if (!t->last)
			t->last = 1440;
		t->kind = T_SPAN;
		return true;
	}
	return false;
}

static int eat_date(struct cursor *c, struct civil_date *ret)
{
	uint64_t y, m, d;
	struct cursor k = *c;

	if (!eat_number(&k, 4, &y) || k.s - c->s != 4 || !eat(&k, '-') || !eat_number(&k, 2, &m) ||
	    !eat(&k, '-') || !eat_number(&k, 2, &d) || k.s - c->s != 10)
		return -EINVAL;
	*c = k;
	if (y < 1970 || y > 9999 || !civil_valid((int)y, (unsigned int)m, (unsigned int)d))
		return -ERANGE;
	*ret = (struct civil_date){ (int16_t)y, (uint8_t)m, (uint8_t)d };
	return 0;
}

int lex_date(const char *s, size_t n, struct civil_date *ret)
{
	struct cursor c = { s, s + n };
	struct civil_date d = { 0 };
	int r = eat_date(&c, &d);

	if (r == -EINVAL || !done(&c))
		return -EINVAL;
	if (r < 0)
		return r;
	*ret = d;
	return 0;
}

static bool word_date(struct token *t)
{
	struct cursor c = { t->s, t->s + t->n };
	int r = eat_date(&c, &t->dates.first), r2;

	if (r == -EINVAL)
		return false;
	t->kind = T_DATE;
	t->dates.last = t->dates.first;
	if (done(&c))
		return r < 0 ? bad(t, "is not a day of the calendar", NULL) : true;
	t->kind = T_DATES;
	if (eat(&c, '.') && eat(&c, '.')) {
		r2 = eat_date(&c, &t->dates.last);
		if (r2 != -EINVAL && done(&c)) {
			if (r < 0 || r2 < 0)
				return bad(t, "names a day that the calendar does not have", NULL);
			if (civil_to_days(t->dates.last) < civil_to_days(t->dates.first))
				return bad(t, "ends before it begins", NULL);
			return true;
		}
	}
	return bad(
		t, "is not a date",
		"dates are written 2026-12-25, ranges 2026-12-25..2026-12-31, and a time follows after a blank");
}

static bool word_mac(struct token *t)
{
	char by = t->n == 17 ? t->s[2] : 0;

	if (by != ':' && by != '-')
		return false;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? t->s[i] != by : !is_xdigit(t->s[i]))
			return false;
	if (by == '-')
		return bad(t, "is not a MAC address", "write it with colons: 00:11:22:33:44:55");
	for (size_t i = 0; i < 6; i++) {
		char hex[3] = { t->s[3 * i], t->s[3 * i + 1], 0 };

		t->mac[i] = (uint8_t)strtoul(hex, NULL, 16);
	}
	t->kind = T_MAC;
	return true;
}

static bool word_prefix(struct token *t)
{
	char text[PREFIX_TEXT_MAX];

	if (t->n >= sizeof(text))
		return false;
	memcpy(text, t->s, t->n);
	text[t->n] = 0;
	switch (prefix_parse(text, &t->prefix)) {
	case 0:
		t->kind = T_PREFIX;
		return true;
	case -ERANGE:
		return bad(t, "has a prefix length that is too large",
			   "IPv4 lengths go up to 32, IPv6 lengths up to 128");
	case -EDOM:
		t->host_bits = true;
		return bad(t, "has bits set beyond its prefix length", NULL);
	}
	return false;
}

/* AS64500 */
static bool word_asn(struct token *t)
{
	struct cursor c = { t->s, t->s + t->n };
	uint64_t v;

	if (!(eat(&c, 'A') || eat(&c, 'a')) || !(eat(&c, 'S') || eat(&c, 's')) || done(&c))
		return false;
	for (const char *s = c.s; s < c.end; s++)
		if (!is_digit(*s))
			return false;
	if (!eat_number(&c, 10, &v) || v > UINT32_MAX)
		return bad(t, "is not an AS number", "AS numbers go up to AS4294967295");
	if (!v)
		return bad(t, "is not an AS number",
			   "AS0 is reserved; for networks in no database write 'unknown'");
	t->number = (uint32_t)v;
	t->kind = T_ASN;
	return true;
}

/* tcp/443, tcp/8000-8100, 24/48; Mbit/s is none of them. */
static bool word_slash(struct token *t)
{
	const char *slash = memchr(t->s, '/', t->n);
	struct cursor c = { slash ? slash + 1 : t->s, t->s + t->n };
	uint64_t a, b;

	if (!slash || slash == t->s || slash + 1 == c.end || !is_digit(slash[1]))
		return false;
	if (is_digit(*t->s)) {
		struct cursor head = { t->s, slash };

		if (!eat_number(&head, 3, &a) || !done(&head) || !eat_number(&c, 3, &b) ||
		    !done(&c))
			return false;
		t->kind = T_LENGTHS;
	} else {
		for (const char *s = t->s; s < slash; s++)
			if (!is_alpha(*s) && !is_digit(*s))
				return false;
		if (!eat_number(&c, 9, &a))
			return bad(t, "has a port that is too large", "ports go from 0 to 65535");
		b = a;
		if (!done(&c) && (!eat(&c, '-') || !eat_number(&c, 9, &b) || !done(&c)))
			return bad(t, "is not a service",
				   "write tcp/443, or tcp/8000-8100 for a range");
		if (a > 65535 || b > 65535)
			return bad(t, "has a port that is too large", "ports go from 0 to 65535");
		if (b < a)
			return bad(t, "is a range that ends before it begins", NULL);
		t->kind = T_PORTS;
	}
	t->first = (uint32_t)a;
	t->last = (uint32_t)b;
	return true;
}

static bool word_hex(struct token *t)
{
	uint64_t v = 0;

	if (t->n < 3 || t->s[0] != '0' || (t->s[1] != 'x' && t->s[1] != 'X'))
		return false;
	for (size_t i = 2; i < t->n; i++)
		if (!is_xdigit(t->s[i]))
			return false;
	for (size_t i = 2; i < t->n; i++) {
		char hex[2] = { t->s[i], 0 };

		v = v << 4 | strtoul(hex, NULL, 16);
		if (v > UINT32_MAX)
			return bad(t, "is too large", "it has at most 32 bits");
	}
	t->number = (uint32_t)v;
	t->kind = T_HEX;
	return true;
}

static bool word_number(struct token *t)
{
	struct cursor c = { t->s, t->s + t->n };
	bool minus = eat(&c, '-');
	uint64_t v, fraction = 0;
	const char *dot;

	if (done(&c) || !is_digit(*c.s))
		return false;
	dot = memchr(c.s, '.', (size_t)(c.end - c.s));
	for (const char *s = c.s; s < c.end; s++)
		if (!is_digit(*s) && s != dot && !(*s == '%' && s + 1 == c.end))
			return false;
	if (dot && (dot + 1 == c.end || !is_digit(dot[1])))
		return bad(t, "is not a number", "a digit follows the point: 9.5");
	if (!eat_number(&c, 19, &v))
		return bad(t, "is too large a number", "use a larger unit");
	t->whole = true;
	if (eat(&c, '.')) {
		const char *from = c.s;

		if (!eat_number(&c, 9, &fraction))
			return bad(t, "has too many decimals", "at most 9 are read");
		for (ptrdiff_t i = c.s - from; i < 9; i++)
			fraction *= 10;
		t->whole = !fraction;
	}
	t->nano = v > MAX_NANO ? INT64_MAX : (int64_t)(v * 1000000000 + fraction);
	t->nano *= minus ? -1 : 1;
	t->number = minus ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	t->kind = T_NUMBER;
	if (eat(&c, '%')) {
		if (minus || !t->whole)
			return bad(t, "is not a percentage", "it is a whole number: 80%");
		t->kind = T_PERCENT;
	}
	return true;
}

/* 50MB, 1.5GiB, 2h, 1h30m */
static bool word_quantity(struct token *t)
{
	const char *s = t->s, *end = t->s + t->n;
	bool letters = false;

	if (!is_digit(*s))
		return false;
	for (; s < end; s++) {
		if (is_alpha(*s))
			letters = true;
		else if (!is_digit(*s) && (*s != '.' || s + 1 == end || !is_digit(s[1])))
			return false;
	}
	t->kind = T_QUANTITY;
	return letters;
}

static bool word_plain(struct token *t)
{
	if (!is_alpha(*t->s) && *t->s != '_')
		return false;
	for (size_t i = 1; i < t->n; i++)
		if (!is_alpha(t->s[i]) && !is_digit(t->s[i]) && !strchr("_-.", t->s[i]))
			return false;
	t->kind = T_WORD;
	return true;
}

/* Characters that word processors and web pages put where others were meant. */
static bool word_typography(struct token *t)
{
	static const struct {
		const char *s, *trouble, *help;
	} rows[] = {
		{ "\xe2\x80\x9c", "has typographic quotes", "strings are quoted with \"\"" },
		{ "\xe2\x80\x9d", "has typographic quotes", "strings are quoted with \"\"" },
		{ "\xe2\x80\x9e", "has typographic quotes", "strings are quoted with \"\"" },
		{ "\xe2\x80\x98", "has typographic quotes", "strings are quoted with \"\"" },
		{ "\xe2\x80\x99", "has typographic quotes", "strings are quoted with \"\"" },
		{ "\xc2\xab", "has typographic quotes", "strings are quoted with \"\"" },
		{ "\xe2\x80\x93", "has a typographic dash", "write '-'" },
		{ "\xe2\x80\x94", "has a typographic dash", "write '-'" },
		{ "\xe2\x88\x92", "has a typographic minus", "write '-'" },
		{ "\xe2\x80\xa6", "has an ellipsis in one character", "write it out" },
		{ "\xc2\xa0", "contains a no-break space", "write an ordinary blank" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (memmem(t->s, t->n, rows[i].s, strlen(rows[i].s)))
			return bad(t, rows[i].trouble, rows[i].help);
	return false;
}

/* Addresses with something around them, as other programs write them. */
static bool word_decorated(struct token *t)
{
	const char *colon = memchr(t->s, ':', t->n);

	if (t->s[0] == '@' && t->n > 1)
		return bad(t, "is not a name", "sets are used by their bare name, without '@'");
	if (memmem(t->s, t->n, "://", 3))
		return bad(t, "is a URL", "nothing is looked up: write addresses and networks");
	if (colon && memchr(t->s, '%', t->n))
		return bad(t, "is not an IPv6 address",
			   "an address has no interface behind it: fe80::1");
	if (colon && memchr(t->s, '.', (size_t)(colon - t->s)) && is_digit(*t->s))
		return bad(t, "is not an address",
			   "addresses are written alone; a port is: service tcp/443");
	if (is_digit(*t->s) && memchr(t->s, '.', t->n) && memchr(t->s, '-', t->n))
		return bad(t, "is not an address",
			   "ranges are written as networks: 10.0.0.128/25, 10.0.1.0/24");
	return false;
}

/* Nothing fits; say so by what it looks most like. */
static void word_unknown(struct token *t)
{
	size_t digits = 0, dots = 0, colons = 0, hexes = 0, others = 0;

	if (word_typography(t))
		return;
	t->guess = true;
	if (word_decorated(t))
		return;
	for (size_t i = 0; i < t->n; i++) {
		digits += is_digit(t->s[i]);
		hexes += is_xdigit(t->s[i]);
		dots += t->s[i] == '.';
		colons += t->s[i] == ':';
		others += !is_xdigit(t->s[i]) && !strchr(".:/-*", t->s[i]);
	}
	if (t->s[0] == '/')
		bad(t, "is not quoted", "paths are strings: file \"/var/lib/curfew/drop.txt\"");
	else if (!others && colons && hexes == digits && (colons < 3 || memchr(t->s, '-', t->n)))
		bad(t, "is not a time",
		    "times are written 22:00, spans 22:00-06:00, without seconds");
	else if (!others && colons)
		bad(t, "is not an IPv6 address",
		    "groups of up to four hexadecimal digits, and '::' at most once: fd12:3456::1");
	else if (!others && dots && digits == hexes)
		bad(t, "is not an IPv4 address",
		    "an address has four numbers from 0 to 255; a network has a length behind it: 10.0.0.0/8");
	else if (t->n == 1 && *t->s == '*')
		t->guess = !bad(t, "is not part of this language", "write 'any'");
	else if (t->n == 1 && *t->s == '-')
		t->guess = !bad(
			t, "stands alone",
			"spans are written without blanks: 22:00-06:00, mon-fri, tcp/8000-8100");
	else if (colons && is_alpha(*t->s))
		bad(t, "is not a word of this language",
		    "words are separated by blanks, not by ':'");
	else
		bad(t, "is not a word of this language",
		    "text is quoted: \"…\"; names have letters, digits, '_', '-' and '.'");
}

void lex_classify(struct token *t)
{
	static bool (*const kinds[])(struct token * t) = {
		word_mac, word_asn,   word_time,   word_date,     word_prefix,
		word_hex, word_slash, word_number, word_quantity, word_plain,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i](t))
			return;
	word_unknown(t);
}
