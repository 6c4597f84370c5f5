/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/policy/lex.h"

static struct token only(const char *text)
{
	struct lexer l;
	struct token t;

	lex_init(&l, text, strlen(text), 0);
	t = lex_next(&l);
	cr_assert_eq(lex_next(&l).kind, T_EOF, "%s is more than one token", text);
	return t;
}

Test(policy_lex, words_are_what_they_look_like)
{
	static const struct {
		const char *text;
		enum token_kind kind;
	} rows[] = {
		{ "night", T_WORD },
		{ "daemon-stall", T_WORD },
		{ "eth0.100", T_WORD },
		{ "_x", T_WORD },
		{ "as", T_WORD },
		{ "10", T_NUMBER },
		{ "9.0302", T_NUMBER },
		{ "-12.5", T_NUMBER },
		{ "0x10", T_HEX },
		{ "50MB", T_QUANTITY },
		{ "1.5GiB", T_QUANTITY },
		{ "1h30m", T_QUANTITY },
		{ "80%", T_PERCENT },
		{ "10.0.0.1", T_PREFIX },
		{ "10.0.0.0/8", T_PREFIX },
		{ "::1", T_PREFIX },
		{ "fd00::/8", T_PREFIX },
		{ "dead::beef", T_PREFIX },
		{ "AS64500", T_ASN },
		{ "as1", T_ASN },
		{ "00:1a:2B:3c:4d:5e", T_MAC },
		{ "tcp/443", T_PORTS },
		{ "udp/8000-8100", T_PORTS },
		{ "24/48", T_LENGTHS },
		{ "16:00", T_TIME },
		{ "7:05", T_TIME },
		{ "22:00-06:00", T_SPAN },
		{ "2026-12-25", T_DATE },
		{ "2026-12-31..2027-01-02", T_DATES },
		{ "\"a \\\"b\\\"\"", T_STRING },
		{ "10.0.0.256", T_BAD },
		{ "24:00", T_BAD },
		{ "24:01", T_BAD },
		{ "12:60", T_BAD },
		{ "2026-02-29", T_BAD },
		{ "2028-02-29", T_DATE },
		{ "1e5", T_QUANTITY },
		{ "Mbit/s", T_BAD },
		{ "tcp/70000", T_BAD },
		{ "AS4294967296", T_BAD },
		{ "10.0.0.1/8", T_BAD },
		{ "$", T_FOREIGN },
		{ ";", T_FOREIGN },
		{ "!=", T_FOREIGN },
		{ "==", T_FOREIGN },
		{ "=", T_EQUALS },
		{ "\"open", T_BAD },
		{ "0x123456789", T_BAD },
		{ "1.2.3", T_BAD },
		{ "/etc/x", T_BAD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(only(rows[i].text).kind, rows[i].kind, "%s is %d", rows[i].text,
			     only(rows[i].text).kind);
}

Test(policy_lex, values_are_exact)
{
	cr_expect_eq(only("-12.5").nano, -12500000000LL);
	cr_expect_eq(only("0.000000001").nano, 1);
	cr_expect(only("12.0").whole);
	cr_expect_not(only("12.5").whole);
	cr_expect_eq(only("4294967295").number, UINT32_MAX);
	cr_expect_eq(only("9999999999999999999").nano, INT64_MAX);
	cr_expect_eq(only("0xff").number, 255);
	cr_expect_eq(only("AS4294967295").number, UINT32_MAX);
	cr_expect_eq(only("22:00-06:30").first, 22 * 60);
	cr_expect_eq(only("22:00-06:30").last, 6 * 60 + 30);
	cr_expect_eq(only("22:00-00:00").last, 1440);
	cr_expect_eq(only("22:00-24:00").last, 1440);
	cr_expect_eq(only("tcp/8000-8100").first, 8000);
	cr_expect_eq(only("tcp/8000-8100").last, 8100);
	cr_expect_eq(only("00:1a:2B:3c:4d:5e").mac[2], 0x2b);
	cr_expect_eq(only("2026-12-31..2027-01-02").dates.last.year, 2027);
}

Test(policy_lex, positions_count_bytes_from_one)
{
	static const char text[] = "inside eth1 # ü\n\t\"ü\" x\n\n{";
	static const struct {
		uint32_t line, col;
		bool first;
	} want[] = {
		{ 1, 1, true }, { 1, 8, false }, { 2, 2, true }, { 2, 7, false }, { 4, 1, true }
	};
	struct lexer l;

	lex_init(&l, text, strlen(text), 3);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct token t = lex_next(&l);

		cr_expect_eq(t.pos.file, 3);
		cr_expect_eq(t.pos.line, want[i].line, "token %zu", i);
		cr_expect_eq(t.pos.col, want[i].col, "token %zu", i);
		cr_expect_eq(t.first_on_line, want[i].first, "token %zu", i);
	}
	cr_expect_eq(lex_next(&l).kind, T_EOF);
	cr_expect_eq(lex_next(&l).kind, T_EOF, "the end stays the end");
}

Test(policy_lex, strings_decode)
{
	struct token t = only("\"a \\\"b\\\" \\\\ c\"");
	char *s = token_string(&t);

	cr_expect_str_eq(s, "a \"b\" \\ c");
	free(s);
}

Test(policy_lex, strings_are_utf8)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "\"\xc3\xbc\"", true },
		{ "\"\xe4\xb8\xad\"", true },
		{ "\"\xf0\x9f\x98\x80\"", true },
		{ "\"\xc0\x80\"", false },
		{ "\"\xed\xa0\x80\"", false },
		{ "\"\xf4\x90\x80\x80\"", false },
		{ "\"\xe4\xb8\"", false },
		{ "\"\xff\"", false },
		{ "\"\x80\"", false },
		{ "\"\x1b[31m\"", false },
		{ "\"a\tb\"", true },
		{ "\"\x7f\"", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(only(rows[i].text).kind == T_STRING, rows[i].ok, "row %zu", i);
}

Test(policy_lex, dates)
{
	struct civil_date d = { 1, 1, 1 };

	cr_expect_eq(lex_date("2026-12-25", 10, &d), 0);
	cr_expect(d.year == 2026 && d.month == 12 && d.day == 25);
	cr_expect_eq(lex_date("2026-13-25", 10, &d), -ERANGE);
	cr_expect_eq(lex_date("2026-12-2", 9, &d), -EINVAL);
	cr_expect_eq(lex_date("2026-12-25x", 11, &d), -EINVAL);
	cr_expect_eq(d.day, 25, "untouched on failure");
}
