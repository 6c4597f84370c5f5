/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quantities: a number and its unit, together or apart. */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "core/policy/parse.h"

#define NANO 1000000000LL

struct quantity {
	struct pos pos, unit_pos;
	char *text; /* "50 MB" */
};

static const char *const size_help =
	"units: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024)";

static int take(struct parser *p, const char *what, const char *help, const char *units,
		struct quantity *ret)
{
	struct token number = p->tok;

	*ret = (struct quantity){ .pos = number.pos, .unit_pos = number.pos };
	if (number.kind == T_QUANTITY) {
		ret->text = xstrndup(number.s, number.n);
		parse_advance(p);
		return 0;
	}
	if (number.kind != T_NUMBER || number.nano < 0)
		return parse_expected(p, what, help);
	parse_advance(p);
	ret->unit_pos = p->tok.pos;
	if (p->tok.kind == T_COMMA)
		return parse_error(p, p->tok.pos,
				   "numbers have points, not commas: 1000 MB, 1.5 GB",
				   "expected a unit, found ','");
	if (p->tok.kind == T_EOF || !p->tok.n || p->tok.kind == T_RBRACE ||
	    (p->tok.kind == T_WORD && word_reserved(p->tok.s, p->tok.n)))
		return parse_error(p, number.pos, units, "'%.*s' has no unit", (int)number.n,
				   number.s);
	ret->text = xprintf("%.*s %.*s", (int)number.n, number.s, (int)p->tok.n, p->tok.s);
	parse_advance(p);
	return 0;
}

/* The unit in other case: "mb" → "MB". */
static char *size_suggestion(const char *text)
{
	static const char *const units[] = {
		"B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"
	};
	size_t n = strspn(text, "0123456789. ");

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcasecmp(text + n, units[i]))
			return xprintf("did you mean '%s'?", units[i]);
	if (strlen(text + n) == 1)
		for (size_t i = 1; i < 5; i++)
			if ((text[n] & ~0x20) == (units[i][0] & ~0x20))
				return xprintf("did you mean '%s'?", units[i]);
	if (!strncasecmp(text + n, "packet", 6))
		return xstrdup("quotas count bytes, not packets");
	if (strchr(text + n, '/') && !strcasestr(text + n, "bit"))
		return xstrdup("the rest is written in words: 50 MB per source each day");
	if (strcasestr(text + n, "bit"))
		return xstrdup("quotas count bytes: 1 MB is 8 Mbit");
	return xstrdup(size_help);
}

int parse_size(struct parser *p, const char *help, uint64_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL, *hint = NULL;
	struct quantity q;
	int r = take(p, "a size", help, size_help, &q);

	if (r < 0 || !q.text)
		return -EINVAL;
	text = q.text;
	r = size_parse(text, ret_bytes);
	if (r == -EINVAL) {
		hint = size_suggestion(text);
		return parse_error(p, q.unit_pos, hint, "'%s' is not a size", text);
	}
	if (r < 0)
		return parse_error(p, q.pos, NULL, "'%s' is too large", text);
	return 0;
}

int parse_duration(struct parser *p, const char *help, uint64_t *ret_seconds)
{
	static const char *const units = "units: s, min, h, days, weeks";
	_cleanup_free_ char *text = NULL;
	struct quantity q;
	int r = take(p, "a duration", help, units, &q);

	if (r < 0 || !q.text)
		return -EINVAL;
	text = q.text;
	r = duration_parse(text, ret_seconds);
	if (r == -EINVAL)
		return parse_error(p, q.unit_pos, units, "'%s' is not a duration", text);
	if (r < 0)
		return parse_error(p, q.pos, NULL, "'%s' is too large", text);
	if (!*ret_seconds)
		return parse_error(p, q.pos, NULL, "a duration of 0 never begins");
	return 0;
}

int parse_bit_rate(struct parser *p, uint64_t *ret_bits_per_second)
{
	static const struct word units[] = {
		{ "bit/s", 1 },           { "kbit/s", 1000 }, { "Mbit/s", 1000000 },
		{ "Gbit/s", 1000000000 }, { NULL, 0 },
	};
	static const char *const help =
		"rates are in bits, number and unit apart: rate 10 Mbit/s per source";
	struct token number = p->tok;
	unsigned __int128 v;
	int unit;

	if (number.kind == T_WORD && !number.first_on_line)
		return parse_error(p, number.pos, help, "expected a rate, found '%.*s'",
				   (int)number.n, number.s);
	if (number.kind != T_NUMBER || number.nano < 0)
		return parse_expected(p, "a rate", help);
	parse_advance(p);
	unit = p->tok.n ? word_value(units, p->tok.s, p->tok.n) : -1;
	if (unit < 0)
		return parse_error(p, p->tok.pos, help,
				   "expected a unit: bit/s, kbit/s, Mbit/s or Gbit/s");
	parse_advance(p);
	v = (unsigned __int128)number.nano * (unsigned int)unit / NANO;
	if (!v)
		return parse_error(p, number.pos, "write a policy with 'then drop'",
				   "a rate of 0 lets nothing pass");
	*ret_bits_per_second = (uint64_t)v;
	return 0;
}

int parse_integer(struct parser *p, const char *what, const char *help, uint32_t min, uint32_t max,
		  uint32_t *ret)
{
	if (p->tok.kind != T_NUMBER || !p->tok.whole)
		return parse_expected(p, what, help);
	if (p->tok.nano < 0 || p->tok.number < min || p->tok.number > max)
		return parse_error(p, p->tok.pos, help, "%s is between %u and %u", what, min, max);
	*ret = p->tok.number;
	parse_advance(p);
	return 0;
}
