/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who and where to: the expressions of `from`, `to` and `set`. */
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"

static const char *const atom_help_from =
	"sources are: any, inside, gateway, 10.0.0.0/8, a set, mac, vendor, interface, vlan";
static const char *const atom_help_to =
	"destinations are: any, 192.0.2.0/24, a set, country CN, continent AS, AS64500, city \"…\" in CC, beyond 8000 km, unknown";
static const char *const atom_help_set =
	"a set has: addresses, other sets, file \"…\", country CN, continent AS, AS64500, mac, vendor, vlan …";

#define FROM (1U << SIDE_FROM | 1U << SIDE_SET)
#define TO   (1U << SIDE_TO | 1U << SIDE_SET)

static int atom_plain(struct parser *p _unused_, struct atom *a _unused_)
{
	return 0;
}

static int atom_mac(struct parser *p, struct atom *a)
{
	if (p->tok.kind == T_PREFIX)
		return parse_error(p, p->tok.pos, "addresses need no word before them",
				   "expected a MAC address, found an IP address");
	memcpy(a->mac, p->tok.mac, sizeof(a->mac));
	return parse_need(p, T_MAC, "a MAC address", "write: mac 00:11:22:33:44:55");
}

static int atom_vendor(struct parser *p, struct atom *a)
{
	return parse_string(p, "a vendor in quotes", "write: vendor \"Hikvision\"", &a->text);
}

static int atom_interface(struct parser *p, struct atom *a)
{
	return parse_interface(p, &a->text);
}

static int atom_vlan(struct parser *p, struct atom *a)
{
	return parse_integer(p, "a VLAN number", "write: vlan 20, vlan 21", 1, 4094, &a->number);
}

/* A word of two capitals. Country codes are capitals, so keywords never collide. */
static int two_capitals(struct parser *p, const char *what, const char *help, char ret[4])
{
	char code[3] = "";

	if (p->tok.kind == T_STRING)
		help = "codes are written without quotes";
	if (p->tok.kind == T_LBRACE || p->tok.kind == T_LPAREN)
		help = "each item of a list needs its own word: country CN, country RU";
	for (size_t i = 0; p->tok.kind == T_WORD && p->tok.n == 2 && i < 2; i++) {
		char c = p->tok.s[i];

		code[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
		if (code[i] < 'A' || code[i] > 'Z')
			return parse_expected(p, what, help);
	}
	if (!*code)
		return parse_expected(p, what, help);
	if (memcmp(code, p->tok.s, 2) != 0 && !word_reserved(p->tok.s, 2)) {
		_cleanup_free_ char *hint = xprintf("codes are capitals: %s", code);

		return parse_error(p, p->tok.pos, hint, "expected %s, found '%.2s'", what,
				   p->tok.s);
	}
	if (memcmp(code, p->tok.s, 2) != 0)
		return parse_expected(p, what, help);
	memcpy(ret, code, 3);
	parse_advance(p);
	return 0;
}

static int atom_country(struct parser *p, struct atom *a)
{
	static const char *const help = "write the two letters of ISO 3166-1: country CN";
	int r = two_capitals(p, "a country code", help, a->cc);

	if (r == 0)
		a->text = xstrdup(a->cc);
	return r;
}

static int atom_continent(struct parser *p, struct atom *a)
{
	static const char *const all = "AF AN AS EU NA OC SA";
	static const char *const help = "continents are AF, AN, AS, EU, NA, OC, SA";
	struct pos pos = p->tok.pos;
	int r = two_capitals(p, "a continent code", help, a->cc);

	if (r < 0)
		return r;
	if (!strstr(all, a->cc))
		return parse_error(p, pos, help, "'%s' is not a continent", a->cc);
	a->text = xstrdup(a->cc);
	return 0;
}

static int atom_city(struct parser *p, struct atom *a)
{
	static const char *const help = "write: city \"Shanghai\" in CN";

	if (parse_string(p, "a city in quotes", help, &a->text) < 0 ||
	    parse_need_word(p, "in", help) < 0)
		return -EINVAL;
	return two_capitals(p, "a country code", help, a->cc);
}

static int atom_beyond(struct parser *p, struct atom *a)
{
	static const char *const help = "write: beyond 8000 km";
	int r;

	/* half of Earth's circumference: nothing is farther */
	r = parse_integer(p, "a distance", help, 1, 20037, &a->number);
	if (r < 0)
		return r;
	return parse_need_word(p, "km",
			       p->tok.kind == T_COMMA ? "numbers have no commas: beyond 8000 km"
						      : "distances are in km: beyond 8000 km");
}

static int atom_file(struct parser *p, struct atom *a)
{
	struct pos pos = p->tok.pos;
	_cleanup_free_ char *path = NULL;
	int r = parse_string(p, "a path in quotes", "write: file \"drop.txt\"", &path);

	if (r < 0)
		return r;
	a->text = parse_path(p, path);
	return parse_prefix_file(p, pos, a->text, &a->prefixes);
}

static const struct atom_row {
	const char *word;
	enum atom_kind kind;
	unsigned int sides;
	int (*parse)(struct parser *p, struct atom *a); /* behind the word */
	const char *wrong_side;
} atom_rows[] = {
	{ "any", ATOM_ANY, FROM | TO, atom_plain, NULL },
	{ "inside", ATOM_INSIDE, 1U << SIDE_FROM, atom_plain,
	  "destinations are outside by definition; our own networks are never judged" },
	{ "gateway", ATOM_GATEWAY, 1U << SIDE_FROM, atom_plain,
	  "packets to the gateway itself are never judged" },
	{ "mac", ATOM_MAC, FROM, atom_mac,
	  "a destination beyond a router has no MAC we could see" },
	{ "vendor", ATOM_VENDOR, FROM, atom_vendor,
	  "a destination beyond a router has no MAC we could see" },
	{ "interface", ATOM_INTERFACE, FROM, atom_interface,
	  "it names the interface a source came in by" },
	{ "vlan", ATOM_VLAN, FROM, atom_vlan, "it names the VLAN a source came in by" },
	{ "country", ATOM_COUNTRY, TO, atom_country,
	  "sources are our own hosts: use addresses or sets" },
	{ "continent", ATOM_CONTINENT, TO, atom_continent,
	  "sources are our own hosts: use addresses or sets" },
	{ "city", ATOM_CITY, TO, atom_city, "sources are our own hosts: use addresses or sets" },
	{ "beyond", ATOM_BEYOND, TO, atom_beyond,
	  "sources are our own hosts: use addresses or sets" },
	{ "unknown", ATOM_UNKNOWN, TO, atom_plain,
	  "sources are our own hosts: use addresses or sets" },
	{ "file", ATOM_FILE, 1U << SIDE_SET, atom_file,
	  "give the file a name, then use that: set bad = file \"drop.txt\"" },
};

unsigned int parse_atom_sides(enum atom_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(atom_rows); i++)
		if (atom_rows[i].kind == kind && kind != ATOM_FILE)
			return atom_rows[i].sides & (1U << SIDE_FROM | 1U << SIDE_TO);
	return kind == ATOM_ASN ? 1U << SIDE_TO : 1U << SIDE_FROM | 1U << SIDE_TO;
}

static const char *side_noun(enum side side)
{
	return side == SIDE_FROM ? "a source"
	       : side == SIDE_TO ? "a destination"
				 : "a member of the set";
}

static int wrong_side(struct parser *p, enum side side, struct pos pos, const char *word,
		      const char *help)
{
	static const char *const where[] = { "'from'", "'to'", "a set" };

	return parse_error(p, pos, help, "%s cannot stand in %s", word, where[side]);
}

static int atom_keyword(struct parser *p, enum side side, const struct atom_row *row,
			struct expr *e)
{
	struct pos pos = p->tok.pos;
	_cleanup_free_ char *word = xprintf("'%s'", row->word);

	parse_advance(p);
	p->item = row->word;
	e->atom.kind = row->kind;
	if (!(row->sides & 1U << side))
		return wrong_side(p, side, pos, word, row->wrong_side);
	return row->parse(p, &e->atom);
}

static int atom_value(struct parser *p, enum side side, struct expr *e)
{
	struct atom *a = &e->atom;

	switch (p->tok.kind) {
	case T_PREFIX:
		a->kind = ATOM_PREFIX;
		a->prefix = p->tok.prefix;
		break;
	case T_ASN:
		a->kind = ATOM_ASN;
		a->number = p->tok.number;
		if (side == SIDE_FROM)
			return wrong_side(p, side, p->tok.pos, "an AS number",
					  "sources are our own hosts: use addresses or sets");
		break;
	case T_WORD:
		a->kind = ATOM_SET;
		a->set = UINT32_MAX;
		a->text = xstrndup(p->tok.s, p->tok.n);
		break;
	default:
		return -EINVAL;
	}
	parse_advance(p);
	return 0;
}

static int bad_atom(struct parser *p, enum side side)
{
	const char *help = side == SIDE_FROM ? atom_help_from
			   : side == SIDE_TO ? atom_help_to
					     : atom_help_set;
	_cleanup_free_ char *again = NULL;

	if (p->tok.kind == T_STRING)
		help = side == SIDE_FROM
			       ? "addresses and sets are written without quotes; makers are: vendor \"Dahua\""
		       : side == SIDE_TO
			       ? "sets are written without quotes; a provider is its number, AS64500; a city is 'city \"…\" in CC'"
			       : "only words like 'file', 'vendor' and 'city' have strings: file \"drop.txt\"";
	if (p->last.kind == T_COMMA && p->item &&
	    ((p->tok.kind == T_STRING && !strcmp(p->item, "vendor")) ||
	     (p->tok.kind == T_NUMBER && !strcmp(p->item, "vlan")) ||
	     (p->tok.kind == T_MAC && !strcmp(p->item, "mac"))))
		help = again =
			xprintf("did you mean '%s %.*s'? Each item of a list needs its own word",
				p->item, (int)p->tok.n, p->tok.s);
	if (token_is(&p->tok, "and") || token_is(&p->tok, "or"))
		return parse_error(
			p, p->tok.pos, "a comma means 'or'; 'and' stands without a comma",
			"expected %s, found '%.*s'", side_noun(side), (int)p->tok.n, p->tok.s);
	if (side == SIDE_FROM && token_is(&p->tok, "outside"))
		return parse_error(p, p->tok.pos,
				   "sources are our own: write inside, gateway or any",
				   "expected a source, found 'outside'");
	if (p->tok.n > 2 && !memcmp(p->tok.s, "*.", 2))
		return parse_error(
			p, p->tok.pos, "names of hosts are not looked up: write their addresses",
			"expected %s, found '%.*s'", side_noun(side), (int)p->tok.n, p->tok.s);
	if (token_is(&p->last, "except") && p->tok.kind == T_STRING)
		help = "an except block has no name: except { from backup }";
	if (token_is(&p->tok, "from") || token_is(&p->tok, "to"))
		help = p->last.kind == T_COMMA
			       ? "statements follow each other without commas"
			       : "an exception of its own is a block: except { from backup }";
	if (token_is(&p->tok, "except"))
		help = "say what it is taken out of: any except country CN";
	if (token_is(&p->tok, "daily") || token_is(&p->tok, "weekends") ||
	    token_is(&p->tok, "weekdays") || token_is(&p->tok, "dates"))
		help = "times are windows: window night = daily 22:00-06:00";
	if (p->tok.kind == T_MAC && !again)
		help = "write: mac 00:11:22:33:44:55";
	if (p->tok.kind == T_PORTS)
		help = "ports are a statement of their own: service tcp/443";
	if (p->tok.kind == T_LENGTHS)
		help = "an address has four numbers: 10.0.0.0/8; everything is 'any'";
	if (p->tok.kind == T_NUMBER && !again)
		help = "an AS number begins with AS: AS64500; a distance is 'beyond 8000 km'";
	return parse_expected_address(p, side_noun(side), help);
}

/* "{ a, b }": complained about once, then read as if the braces were not there. */
static int braced(struct parser *p, enum side side, struct expr **ret)
{
	int r;

	parse_error(p, p->tok.pos,
		    "lists are separated by commas, without braces: 10.0.0.1, 10.0.0.2",
		    "expected %s, found '{'", side_noun(side));
	parse_advance(p);
	r = parse_expr(p, side, ret);
	if (r == 0)
		parse_kind(p, T_RBRACE);
	return r;
}

/* A name with a value behind it is no name of a set, but meant to be one of our words. */
static bool is_misspelt(const struct parser *p)
{
	const struct token *v = &p->next;
	bool code = v->kind == T_WORD && v->n == 2 && v->s[0] >= 'A' && v->s[0] <= 'Z' &&
		    v->s[1] >= 'A' && v->s[1] <= 'Z';

	return p->tok.kind == T_WORD && !token_is(&p->tok, "AS") && !v->first_on_line &&
	       (v->kind == T_STRING || v->kind == T_NUMBER || v->kind == T_QUANTITY ||
		v->kind == T_MAC || v->kind == T_PREFIX || code ||
		(v->kind == T_BAD && v->guess && *v->s >= '0' && *v->s <= '9')) &&
	       !(p->tok.n == 2 && code);
}

static int misspelt_atom(struct parser *p, enum side side)
{
	struct nearest near = { .s = p->tok.s, .n = p->tok.n };
	_cleanup_free_ char *hint = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(atom_rows); i++)
		nearest_offer(&near, atom_rows[i].word);
	if (!near.best || word_foreign_help(p->tok.s, p->tok.n))
		return bad_atom(p, side);
	hint = xprintf("did you mean '%s'?", near.best);
	return parse_expected(p, side_noun(side), hint);
}

static int parse_atom(struct parser *p, enum side side, struct expr **ret)
{
	const struct atom_row *row = NULL;
	struct expr *e;
	int r;

	if (p->tok.kind == T_LPAREN) {
		if (++p->nesting > PARSE_NESTING_MAX)
			return parse_error(p, p->tok.pos, "give the inner part a name: set x = …",
					   "parentheses are nested too deep");
		parse_advance(p);
		r = parse_expr(p, side, ret);
		p->nesting--;
		return r < 0 ? r : parse_need(p, T_RPAREN, "')'", NULL);
	}
	if (p->tok.kind == T_LBRACE && p->nesting < PARSE_NESTING_MAX) {
		p->nesting++;
		r = braced(p, side, ret);
		p->nesting--;
		return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(atom_rows) && !row; i++)
		if (token_is(&p->tok, atom_rows[i].word))
			row = &atom_rows[i];
	if (!row && p->tok.kind == T_WORD &&
	    (word_reserved(p->tok.s, p->tok.n) || parse_is_foreign_word(p)))
		return bad_atom(p, side);
	if (!row && p->tok.kind != T_WORD && p->tok.kind != T_PREFIX && p->tok.kind != T_ASN)
		return bad_atom(p, side);
	if (!row && is_misspelt(p))
		return misspelt_atom(p, side);
	*ret = e = xcalloc(1, sizeof(*e));
	e->op = EXPR_ATOM;
	e->pos = p->tok.pos;
	return row ? atom_keyword(p, side, row, e) : atom_value(p, side, e);
}

/* Adds a child; a child of the same kind (from parentheses) is taken apart. */
static struct expr *join(struct expr *list, struct expr *child)
{
	if (list->op != EXPR_EXCEPT && child->op == list->op) {
		for (size_t i = 0; i < child->n; i++)
			*VEC_ADD(list) = child->v[i];
		child->n = 0;
		expr_free(child);
		return list;
	}
	*VEC_ADD(list) = child;
	return list;
}

static struct expr *wrap(enum expr_op op, struct expr *first)
{
	struct expr *list = xcalloc(1, sizeof(*list));

	list->op = op;
	list->pos = first->pos;
	return join(list, first);
}

static bool begins_except(const struct parser *p)
{
	return token_is(&p->tok, "except") && p->next.kind != T_LBRACE;
}

static int parse_term(struct parser *p, enum side side, struct expr **ret)
{
	int r = parse_atom(p, side, ret);

	while (r == 0 && *ret && parse_word(p, "and")) {
		struct expr *next = NULL;

		if ((*ret)->op != EXPR_AND)
			*ret = wrap(EXPR_AND, *ret);
		r = parse_atom(p, side, &next);
		if (next)
			join(*ret, next);
	}
	return r;
}

static int parse_list(struct parser *p, enum side side, struct expr **ret)
{
	int r = parse_term(p, side, ret);

	while (r == 0 && *ret && parse_kind(p, T_COMMA)) {
		struct expr *next = NULL;

		if ((*ret)->op != EXPR_OR)
			*ret = wrap(EXPR_OR, *ret);
		r = parse_term(p, side, &next);
		if (next)
			join(*ret, next);
	}
	return r;
}

int parse_expr(struct parser *p, enum side side, struct expr **ret)
{
	struct expr *out = NULL;
	int r = parse_list(p, side, ret);

	if (r < 0 || !*ret || !begins_except(p))
		return r;
	parse_advance(p);
	*ret = wrap(EXPR_EXCEPT, *ret);
	r = parse_list(p, side, &out);
	if (out)
		*VEC_ADD(*ret) = out;
	if (r < 0 || !begins_except(p))
		return r;
	r = parse_error(p, p->tok.pos, "one 'except' takes a list: any except a, b",
			"a second 'except' in one expression");
	out = NULL;
	parse_advance(p);
	parse_list(p, side, &out);
	expr_free(out);
	return r;
}
