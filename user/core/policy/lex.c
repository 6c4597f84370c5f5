/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/lex.h"

#include <string.h>

/* Longest first where one begins another. */
static const struct {
	const char *s, *trouble, *help;
} foreign[] = {
	{ "<<<<<<<", "is left over from a merge", "choose one side and remove this line" },
	{ "=======", "is left over from a merge", "choose one side and remove this line" },
	{ ">>>>>>>", "is left over from a merge", "choose one side and remove this line" },
	{ "!=", "is not part of this language", "write 'except': to any except country CN" },
	{ "!", "is not part of this language", "write 'except': to any except country CN" },
	{ "==", "is not part of this language", "conditions need no operator: country CN" },
	{ ";", "is not needed", "statements end by themselves; leave it out" },
	{ "$", "is not needed",
	  "sets are used by their bare name: define 'set cameras = …', write 'cameras'" },
	{ "&&", "is not part of this language", "write 'and'" },
	{ "&", "is not part of this language", "write 'and'" },
	{ "||", "is not part of this language", "write a comma: it means 'or'" },
	{ "|", "is not part of this language", "write a comma: it means 'or'" },
	{ "<=", "is not part of this language",
	  "quotas are written 'quota 50 MB per source each day'" },
	{ ">=", "is not part of this language",
	  "quotas are written 'quota 50 MB per source each day'" },
	{ "<", "is not part of this language",
	  "sets are used by their bare name: cameras, not <cameras>" },
	{ ">", "is not part of this language",
	  "sets are used by their bare name: cameras, not <cameras>" },
	{ "[", "is not part of this language", "lists are separated by commas, without brackets" },
	{ "]", "is not part of this language", "lists are separated by commas, without brackets" },
	{ "'", "does not quote", "strings are quoted with \"\"" },
	{ "`", "does not quote", "strings are quoted with \"\"" },
	{ "\\", "is not needed", "a statement may go on in the next line; leave it out" },
	{ "/*", "does not begin a comment", "comments begin with '#' and end with the line" },
	{ "//", "does not begin a comment", "comments begin with '#' and end with the line" },
};

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(unsigned char c)
{
	return is_alnum(c) || c >= 0x80 || (c && strchr("_.:/%+-@~*?", c));
}

void lex_init(struct lexer *l, const char *text, size_t n, uint32_t file)
{
	*l = (struct lexer){ .s = text, .n = n, .pos = { file, 1, 1 }, .line_start = true };
	if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		l->at = 3;
}

static int peek(const struct lexer *l, size_t ahead)
{
	return l->at + ahead < l->n ? (unsigned char)l->s[l->at + ahead] : -1;
}

static void step(struct lexer *l)
{
	if (l->s[l->at++] == '\n') {
		l->pos.line++;
		l->pos.col = 1;
		l->line_start = true;
		return;
	}
	l->pos.col++;
}

static void skip_blanks(struct lexer *l)
{
	int c;

	while ((c = peek(l, 0)) >= 0) {
		if (c == '#')
			while (peek(l, 0) >= 0 && peek(l, 0) != '\n')
				step(l);
		else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			step(l);
		else
			return;
	}
}

size_t lex_utf8_length(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char lead_min, lead_max, next_min, next_max, n;
	} rows[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (s[0] < rows[i].lead_min || s[0] > rows[i].lead_max)
			continue;
		if (n < rows[i].n)
			return 0;
		if (rows[i].n > 1 && (s[1] < rows[i].next_min || s[1] > rows[i].next_max))
			return 0;
		for (size_t k = 2; k < rows[i].n; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].n;
	}
	return 0;
}

static void trouble(struct token *t, const char *why, const char *help)
{
	if (t->kind == T_BAD)
		return;
	t->kind = T_BAD;
	t->trouble = why;
	t->help = help;
}

static void lex_string(struct lexer *l, struct token *t)
{
	t->kind = T_STRING;
	step(l);
	for (;;) {
		int c = peek(l, 0);
		size_t n;

		if (c < 0 || c == '\n') {
			trouble(t, "has no closing quote", "a string ends on the line it begins");
			return;
		}
		if (c == '"') {
			step(l);
			return;
		}
		if (c == '\\') {
			if (peek(l, 1) != '"' && peek(l, 1) != '\\')
				trouble(t, "has a '\\' that escapes nothing",
					"only \\\" and \\\\ are escapes; write \\\\ for a backslash");
			else
				step(l);
			step(l);
			continue;
		}
		n = lex_utf8_length((const unsigned char *)l->s + l->at, l->n - l->at);
		if (!n)
			trouble(t, "is not UTF-8", "save the file as UTF-8");
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			trouble(t, "contains a control character", NULL);
		for (n = n ? n : 1; n; n--)
			step(l);
	}
}

static bool lex_punctuation(struct lexer *l, struct token *t)
{
	static const char marks[] = "{}(),=";
	static const enum token_kind kinds[] = { T_LBRACE, T_RBRACE, T_LPAREN,
						 T_RPAREN, T_COMMA,  T_EQUALS };
	const char *at = memchr(marks, l->s[l->at], sizeof(marks) - 1);

	if (!at || (*at == '=' && peek(l, 1) == '='))
		return false;
	t->kind = kinds[at - marks];
	step(l);
	return true;
}

/* So that a foreign comment or quotation is one error, not one for each of its words. */
static void skip_foreign(struct lexer *l, struct token *t)
{
	if (t->s[0] == '\'' || t->s[0] == '`') {
		const char *stop = l->s + l->n;

		while (l->s + l->at < stop && l->s[l->at] != '\n' && l->s[l->at] != t->s[0])
			step(l);
		if (peek(l, 0) == t->s[0])
			step(l);
		t->n = (size_t)(l->s + l->at - t->s);
	}
	while (t->n == 7 && strchr("<=>", t->s[0]) && peek(l, 0) >= 0 && peek(l, 0) != '\n')
		step(l);
	if (t->s[0] != '/')
		return;
	while (peek(l, 0) >= 0) {
		if (t->s[1] == '/' && peek(l, 0) == '\n')
			return;
		if (t->s[1] == '*' && peek(l, 0) == '*' && peek(l, 1) == '/') {
			step(l);
			step(l);
			return;
		}
		step(l);
	}
}

static bool lex_foreign(struct lexer *l, struct token *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		size_t n = strlen(foreign[i].s);

		if (l->n - l->at < n || memcmp(l->s + l->at, foreign[i].s, n) != 0)
			continue;
		t->kind = T_FOREIGN;
		t->trouble = foreign[i].trouble;
		t->help = foreign[i].help;
		t->n = n;
		while (n--)
			step(l);
		skip_foreign(l, t);
		return true;
	}
	return false;
}

struct token lex_next(struct lexer *l)
{
	struct token t = { 0 };

	skip_blanks(l);
	t.pos = l->pos;
	t.s = l->s + l->at;
	t.first_on_line = l->line_start;
	l->line_start = false;
	if (l->at >= l->n)
		return t;
	if (l->s[l->at] == '"') {
		lex_string(l, &t);
	} else if (lex_punctuation(l, &t) || lex_foreign(l, &t)) {
		;
	} else if (is_word((unsigned char)l->s[l->at])) {
		while (peek(l, 0) >= 0 && is_word((unsigned char)l->s[l->at]))
			step(l);
		t.n = (size_t)(l->s + l->at - t.s);
		lex_classify(&t);
	} else {
		trouble(&t, "means nothing here", NULL);
		step(l);
	}
	t.end = l->pos;
	if (t.kind != T_FOREIGN)
		t.n = (size_t)(l->s + l->at - t.s);
	return t;
}

char *token_string(const struct token *t)
{
	char *text = xcalloc(t->n, 1), *to = text;

	for (size_t i = 1; i + 1 < t->n; i++) {
		if (t->s[i] == '\\')
			i++;
		*to++ = t->s[i];
	}
	return text;
}

bool token_is(const struct token *t, const char *word)
{
	return t->kind == T_WORD && strlen(word) == t->n && !memcmp(t->s, word, t->n);
}
