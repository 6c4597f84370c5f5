/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to tokens of the policy language. A token knows what its text means (an
 * address, a date, a size …), so that the parser can say what it found. Knows no
 * keywords; reports nothing: a token that is wrong says why, and the parser
 * decides whether that matters.
 */
#ifndef CURFEW_CORE_POLICY_LEX_H
#define CURFEW_CORE_POLICY_LEX_H

#include "core/policy/policy.h"

enum token_kind {
	T_EOF,
	T_LBRACE,
	T_RBRACE,
	T_LPAREN,
	T_RPAREN,
	T_COMMA,
	T_EQUALS,
	T_STRING,   /* "…"; token_string() decodes it */
	T_WORD,     /* letters, digits, '_', '-', '.'; begins with a letter or '_' */
	T_NUMBER,   /* nano: value * 10^9, saturated; number: its whole part, saturated; whole: no
		       fraction */
	T_HEX,      /* number: 0x10 */
	T_QUANTITY, /* digits and letters: 50MB, 2h, 1h30m */
	T_PERCENT,  /* number: 80% */
	T_PREFIX,   /* prefix: an address, or address/length */
	T_ASN,      /* number: AS64500 */
	T_MAC,      /* mac */
	T_PORTS,    /* name, first, last: tcp/443, tcp/8000-8100 */
	T_LENGTHS,  /* first, last: 24/48 */
	T_TIME,     /* first, minute of the day: 16:00 */
	T_SPAN,     /* first, last: 22:00-06:00; last is 1-1440 */
	T_DATE,     /* dates.first == dates.last: 2026-12-25 */
	T_DATES,    /* dates: 2026-12-31..2027-01-02 */
	T_BAD,      /* none of these; trouble and help say why */
	T_FOREIGN,  /* another language's: ; != $x && */
};

struct token {
	enum token_kind kind;
	struct pos pos;
	struct pos end; /* one behind it */
	const char *s;  /* in the source, not NUL-terminated */
	size_t n;
	bool first_on_line;
	bool whole;
	bool guess;     /* T_BAD: trouble only says what the word looks like */
	bool host_bits; /* T_BAD: a prefix with bits beyond its length; prefix: without them */
	int64_t nano;
	uint32_t number;
	uint32_t first, last;
	struct prefix prefix;
	uint8_t mac[6];
	struct date_range dates;
	const char *trouble; /* T_BAD, T_FOREIGN: what is wrong, a sentence without subject */
	const char *help;    /* may be NULL */
};

struct lexer {
	const char *s; /* the source; lives longer than the lexer and its tokens */
	size_t n;
	size_t at;
	struct pos pos;
	bool line_start; /* nothing but blanks so far on this line */
};

void lex_init(struct lexer *l, const char *text, size_t n, uint32_t file);
struct token lex_next(struct lexer *l);

/* The content of a T_STRING, escapes undone. The caller frees it. */
char *token_string(const struct token *t);
bool token_is(const struct token *t, const char *word);
/* Fills in kind and value of a bare word; also used for lines of set and date files. */
void lex_classify(struct token *t);

/* Length of the UTF-8 sequence (RFC 3629) at s, of n bytes; 0 if it is none. */
size_t lex_utf8_length(const unsigned char *s, size_t n);

/* "2026-12-25" exactly, of n bytes. -EINVAL: not that shape; -ERANGE: no such day. */
int lex_date(const char *s, size_t n, struct civil_date *ret);

#endif
