/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was meant where no statement can begin. */
#include <string.h>

#include "core/policy/parse.h"

static bool is_code(const struct token *t)
{
	return t->kind == T_WORD && t->n == 2 && t->s[0] >= 'A' && t->s[0] <= 'Z' &&
	       t->s[1] >= 'A' && t->s[1] <= 'Z';
}

static bool is_mask(const struct token *t)
{
	return t->kind == T_PREFIX && t->n > 4 &&
	       (!memcmp(t->s, "255.", 4) || !memcmp(t->s, "0.", 2));
}

char *parse_behind_help(const struct parser *p)
{
	const struct token *a = &p->last, *b = &p->tok;
	bool item = a->kind == T_WORD || a->kind == T_PREFIX || a->kind == T_ASN ||
		    a->kind == T_STRING || a->kind == T_PORTS || a->kind == T_DATE ||
		    a->kind == T_DATES || a->kind == T_SPAN || a->kind == T_MAC;

	if (b->kind == T_RPAREN && !b->first_on_line)
		return xstrdup("there is no '(' that it closes");
	if (b->first_on_line || !item)
		return NULL;
	if (token_is(a, "drop") &&
	    (token_is(b, "alert") || token_is(b, "mark") || token_is(b, "quarantine")))
		return xprintf("actions are separated by commas: drop, %.*s", (int)b->n, b->s);
	if (token_is(a, "drop") && token_is(b, "until"))
		return xstrdup("write 'drop for 2 h'; what a window opens, its end closes");
	if (a->kind == T_WORD && b->kind == T_NUMBER && protocol_by_name(a->s, a->n))
		return xprintf("write it as one word: %.*s/%.*s", (int)a->n, a->s, (int)b->n, b->s);
	if (a->kind == T_WORD && b->kind == T_WORD && protocol_by_name(a->s, a->n) &&
	    !protocol_by_name(a->s, a->n)->has_ports)
		return xprintf("'%.*s' is all of it; its kinds are not told apart", (int)a->n,
			       a->s);
	if (token_is(a, "inside") && b->kind == T_WORD)
		return xprintf("did you mean 'interface %.*s'?", (int)b->n, b->s);
	if (b->n == 1 && *b->s == '+')
		return xstrdup("write a comma: it means 'or'");
	if (a->kind == T_DATE &&
	    (token_is(b, "to") || token_is(b, "until") || *b->s == '.' || *b->s == '-'))
		return xstrdup("ranges of days are written without blanks: 2026-12-25..2026-12-31");
	if (a->kind == T_PREFIX && (is_mask(b) || *b->s == '/'))
		return xstrdup("a network has its length behind it, without a blank: 10.0.0.0/8");
	if (a->kind == T_PREFIX && b->n == 1 && *b->s == '-')
		return xstrdup("ranges are written as networks: 10.0.0.128/25, 10.0.1.0/24");
	if (token_is(a, "AS") && b->kind == T_NUMBER)
		return xprintf("write it as one word: AS%.*s", (int)b->n, b->s);
	if (is_code(a) && is_code(b))
		return xprintf("each item of a list needs its own word: country %.2s, country %.2s",
			       a->s, b->s);
	if (token_is(b, "and") || a->kind == b->kind)
		return xprintf("items of a list are separated by commas: %.*s, …", (int)a->n, a->s);
	return NULL;
}

const char *parse_format_help(const struct token *t, bool top)
{
	if (t->kind == T_LBRACE && top)
		return "statements stand on their own, without braces around all of them";
	if (t->kind == T_BAD && t->n > 1 && t->s[t->n - 1] == ':')
		return "a statement is a word and what belongs to it, without ':'";
	if (t->kind == T_STRING)
		return "the words of statements are written without quotes";
	if (t->kind == T_BAD && t->n > 1 && *t->s == '-' && t->s[1] == '-')
		return "comments begin with '#'";
	if (top && t->kind == T_BAD && t->n > 1 && *t->s == '-')
		return "this is another program's: write 'policy \"name\" { … }'";
	return NULL;
}
