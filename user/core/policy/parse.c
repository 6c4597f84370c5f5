/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens, complaints, and the loop over statements that all of the parser stands on. */
#include "core/policy/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXCERPT 40 /* of a token in a message */

bool parse_is_full(const struct parser *p)
{
	return diag_errors(p->diags) - p->errors_before >= POLICY_ERRORS_MAX;
}

static bool same_pos(struct pos a, struct pos b)
{
	return a.file == b.file && a.line == b.line && a.col == b.col;
}

int parse_error(struct parser *p, struct pos pos, const char *help, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	struct buf b = { 0 };
	va_list ap;

	/* one mistake, one error: what follows from it stands at the same place */
	for (size_t i = 0; i < p->diags->n; i++)
		if (p->diags->v[i].level == DIAG_ERROR && same_pos(p->diags->v[i].pos, pos))
			return -EINVAL;
	if (parse_is_full(p))
		return -EINVAL;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	text = b.s;
	diag_add(p->diags, p->set, DIAG_ERROR, pos, help, "%s", text);
	return -EINVAL;
}

char *parse_describe(const struct token *t)
{
	size_t n = t->n;

	if (t->kind == T_EOF)
		return xstrdup("the end of the file");
	if (n == 1 && ((unsigned char)*t->s < 0x20 || (unsigned char)*t->s >= 0x7f))
		return xprintf("the byte 0x%02x", (unsigned char)*t->s);
	if (n > EXCERPT) {
		for (n = EXCERPT; n && ((unsigned char)t->s[n] & 0xc0) == 0x80;)
			n--;
		return xprintf("'%.*s...'", (int)n, t->s);
	}
	return xprintf(t->kind == T_STRING ? "the string %.*s" : "'%.*s'", (int)n, t->s);
}

static int bad_token(struct parser *p, const char *help)
{
	_cleanup_free_ char *found = parse_describe(&p->tok), *fix = NULL;
	char net[PREFIX_TEXT_MAX], host[ADDR_TEXT_MAX];

	if (p->tok.host_bits) {
		const char *slash = memchr(p->tok.s, '/', p->tok.n);

		snprintf(host, sizeof(host), "%.*s", (int)(slash - p->tok.s), p->tok.s);
		fix = xprintf("write %s for the network, or %s for the host",
			      prefix_format(&p->tok.prefix, net), host);
	}
	/* what may stand here instead says nothing about a broken string */
	if (*p->tok.s == '"' || (unsigned char)*p->tok.s < 0x20)
		help = NULL;
	return parse_error(p, p->tok.pos,
			   p->tok.help ? p->tok.help
			   : fix       ? fix
				       : help,
			   "%s %s", found, p->tok.trouble);
}

/* The statement ended too early: say so where it did, not in the next line. */
static bool ended_early(const struct parser *p)
{
	if (!p->behind.line || p->behind.file != p->tok.pos.file)
		return false;
	if (p->tok.kind == T_EOF || !p->tok.first_on_line)
		return p->tok.kind == T_EOF;
	return p->tok.kind == T_RBRACE ||
	       (p->tok.kind == T_WORD && word_reserved(p->tok.s, p->tok.n));
}

static int expected(struct parser *p, const char *what, const char *help)
{
	_cleanup_free_ char *found = parse_describe(&p->tok);
	_cleanup_free_ char *usage = p->usage ? xprintf("write: %s", p->usage) : NULL;
	const char *theirs = NULL;

	help = help ? help : usage;
	if (ended_early(p))
		return parse_error(p, p->behind,
				   p->last.kind == T_COMMA
					   ? "commas stand between items: leave the last one out"
					   : help,
				   "expected %s, found the end of the %s", what,
				   p->tok.kind == T_EOF ? "file" : "line");
	if (p->tok.kind == T_EQUALS && !(p->usage && strstr(p->usage, " = ")))
		help = "leave the '=' out: only 'set' and 'window' have one";
	if (p->tok.kind == T_WORD)
		theirs = word_foreign_help(p->tok.s, p->tok.n);
	return parse_error(p, p->tok.pos, theirs ? theirs : help, "expected %s, found %s", what,
			   found);
}

int parse_expected(struct parser *p, const char *what, const char *help)
{
	if (p->tok.kind == T_BAD && !p->tok.guess)
		return bad_token(p, help);
	return expected(p, what, help);
}

int parse_expected_address(struct parser *p, const char *what, const char *help)
{
	return p->tok.kind == T_BAD ? bad_token(p, help) : expected(p, what, help);
}

/* What the writer meant by another language's sign, so that parsing can go on. */
static bool replace_foreign(struct token *t)
{
	switch (*t->s) {
	case '&':
		t->kind = T_WORD;
		t->s = "and";
		t->n = 3;
		return true;
	case '|':
		t->kind = T_COMMA;
		return true;
	case '\'':
	case '`':
		t->kind = T_STRING;
		return t->n > 1;
	default:
		return false;
	}
}

static void complain_foreign(struct parser *p, const struct token *t)
{
	_cleanup_free_ char *found = parse_describe(t);

	if (p->skipping)
		return;
	/* the opening one has been complained about */
	if (*t->s == ']' || (*t->s == '>' && t->n == 1))
		for (size_t i = 0; i < p->diags->n; i++)
			if (p->diags->v[i].pos.file == t->pos.file &&
			    p->diags->v[i].pos.line == t->pos.line)
				return;
	parse_error(p, t->pos, t->help, "%s %s", found, t->trouble);
}

void parse_advance(struct parser *p)
{
	bool first_on_line = false;

	p->behind = p->tok.end;
	p->last = p->tok;
	for (;;) {
		p->tok = p->next;
		p->tok.first_on_line |= first_on_line;
		if (parse_is_full(p))
			p->tok.kind = T_EOF;
		else
			p->next = lex_next(&p->lex);
		if (p->tok.kind != T_FOREIGN)
			return;
		complain_foreign(p, &p->tok);
		first_on_line = p->tok.first_on_line;
		if (replace_foreign(&p->tok))
			return;
	}
}

bool parse_kind(struct parser *p, enum token_kind kind)
{
	if (p->tok.kind != kind)
		return false;
	parse_advance(p);
	return true;
}

bool parse_word(struct parser *p, const char *word)
{
	if (!token_is(&p->tok, word))
		return false;
	parse_advance(p);
	return true;
}

int parse_need(struct parser *p, enum token_kind kind, const char *what, const char *help)
{
	return parse_kind(p, kind) ? 0 : parse_expected(p, what, help);
}

int parse_need_word(struct parser *p, const char *word, const char *help)
{
	_cleanup_free_ char *what = xprintf("'%s'", word);

	if (parse_word(p, word))
		return 0;
	/* only one word fits here: what it would mean elsewhere does not help */
	if (help && p->tok.kind == T_WORD && !ended_early(p))
		return parse_error(p, p->tok.pos, help, "expected %s, found '%.*s'", what,
				   (int)p->tok.n, p->tok.s);
	return parse_expected(p, what, help);
}

int parse_string(struct parser *p, const char *what, const char *help, char **ret)
{
	_cleanup_free_ char *usage = p->usage ? xprintf("write: %s", p->usage) : NULL;

	if (p->tok.kind != T_STRING)
		return parse_expected(p, what, help);
	if (p->tok.n <= 2)
		return parse_error(p, p->tok.pos, help ? help : usage,
				   "expected %s, found an empty string", what);
	*ret = token_string(&p->tok);
	parse_advance(p);
	return 0;
}

int parse_name(struct parser *p, const char *what, const char *help, char **ret)
{
	if (p->tok.kind == T_STRING)
		return parse_expected(p, what, "this name is written without quotes");
	if (p->tok.n && p->tok.s[0] >= '0' && p->tok.s[0] <= '9')
		return parse_expected(p, what, "names begin with a letter");
	if (p->tok.kind != T_WORD)
		return parse_expected(p, what, help);
	if (word_reserved(p->tok.s, p->tok.n))
		return parse_error(p, p->tok.pos, "choose another name",
				   "'%.*s' is a word of the language and cannot be a name",
				   (int)p->tok.n, p->tok.s);
	*ret = xstrndup(p->tok.s, p->tok.n);
	parse_advance(p);
	return 0;
}

int parse_choice(struct parser *p, const struct word *table, const char *what, unsigned int *ret)
{
	int v = p->tok.kind == T_WORD ? word_value(table, p->tok.s, p->tok.n) : -1;
	struct nearest near = { .s = p->tok.s, .n = p->tok.n };
	_cleanup_free_ char *list = words_list(table);
	_cleanup_free_ char *expected = xprintf("%s: %s", what, list), *help = NULL;

	if (v < 0) {
		for (const struct word *w = table; w->word && p->tok.kind == T_WORD; w++)
			nearest_offer(&near, w->word);
		help = near.best ? xprintf("did you mean '%s'?", near.best)
		       : p->tok.kind == T_STRING
			       ? xstrdup("the words of the language are written without quotes")
			       : NULL;
		return parse_expected(p, expected, help);
	}
	*ret = (unsigned int)v;
	parse_advance(p);
	return 0;
}

/* ---- statements -------------------------------------------------------- */

static const struct statement *find_row(const struct statement *table, size_t rows,
					const struct token *t)
{
	for (size_t i = 0; i < rows; i++)
		if (token_is(t, table[i].word))
			return &table[i];
	return NULL;
}

bool parse_is_foreign_word(const struct parser *p)
{
	if (p->tok.kind != T_WORD || !word_foreign_help(p->tok.s, p->tok.n))
		return false;
	if (p->next.first_on_line || token_is(&p->next, "and") || token_is(&p->next, "except"))
		return false;
	return (p->next.kind == T_WORD && !find_row(p->table, p->rows, &p->next)) ||
	       p->next.kind == T_PREFIX || p->next.kind == T_STRING || p->next.kind == T_LBRACE;
}

/*
 * After an error: on to where a statement of this block may begin, or to its
 * end. A word that begins a line no deeper than the failed statement did
 * (column `col`) was meant as one, whether we know it or not.
 */
static void skip(struct parser *p, const struct statement *table, size_t rows, bool top,
		 uint32_t col)
{
	unsigned int depth = 0;

	for (; p->tok.kind != T_EOF; parse_advance(p)) {
		bool starts = p->tok.first_on_line && p->tok.kind == T_WORD;

		if (starts && p->tok.pos.col == 1 && parse_is_top_word(&p->tok))
			return;
		if (!depth && p->tok.kind == T_RBRACE && !top)
			return;
		if (!depth && starts && (p->tok.pos.col <= col || find_row(table, rows, &p->tok)))
			return;
		if (p->tok.kind == T_LBRACE)
			depth++;
		if (p->tok.kind == T_RBRACE && depth)
			depth--;
	}
}

static void resync(struct parser *p, const struct statement *table, size_t rows, bool top,
		   uint32_t col)
{
	if (!top && find_row(table, rows, &p->tok))
		return;
	p->skipping = true;
	skip(p, table, rows, top, col);
	p->skipping = false;
}

/* What stands here follows from what was complained about in this line already. */
static bool follows_error(const struct parser *p)
{
	for (size_t i = 0; !p->tok.first_on_line && i < p->diags->n; i++)
		if (p->diags->v[i].level == DIAG_ERROR &&
		    p->diags->v[i].pos.file == p->tok.pos.file &&
		    p->diags->v[i].pos.line == p->tok.pos.line)
			return true;
	return false;
}

static void unknown_statement(struct parser *p, const char *what, const struct statement *table,
			      size_t rows)
{
	struct nearest near = { .s = p->tok.s, .n = p->tok.n };
	_cleanup_free_ char *found = parse_describe(&p->tok), *help = NULL;
	struct buf list = { 0 };
	const char *theirs = NULL;
	bool behind, top = rows == parse_top_rows && table == parse_top_statements;

	if (p->tok.kind != T_WORD && p->tok.kind != T_RBRACE && follows_error(p))
		return;
	for (size_t i = 0; i < rows; i++) {
		nearest_offer(&near, table[i].word);
		buf_printf(&list, "%s%s", i ? ", " : "", table[i].word);
	}
	for (size_t i = 0; i < parse_top_rows && p->tok.first_on_line && p->tok.pos.col == 1; i++)
		nearest_offer(&near, parse_top_statements[i].word);
	if (p->tok.kind == T_WORD)
		theirs = word_foreign_statement(what, p->tok.s, p->tok.n);
	if (p->tok.kind == T_WORD && !theirs)
		theirs = word_foreign_help(p->tok.s, p->tok.n);
	if (!theirs)
		theirs = parse_format_help(&p->tok, top);
	help = !theirs || token_is(&p->last, "drop") || p->last.kind == T_DATE
		       ? parse_behind_help(p)
		       : NULL;
	behind = help;
	if (behind)
		;
	else if (theirs)
		help = xstrdup(theirs);
	else if (p->tok.kind == T_WORD && near.best)
		help = xprintf("did you mean '%s'?", near.best);
	else if (p->tok.kind == T_COMMA)
		help = xstrdup("statements follow each other without commas");
	else if (p->tok.kind == T_RBRACE)
		help = xstrdup("there is no '{' that it closes");
	else
		help = xprintf("%s has: %s", what, list.s);
	if (p->tok.kind == T_BAD && !p->tok.guess && !(behind && help))
		bad_token(p, help);
	else if (p->tok.kind == T_WORD)
		parse_error(p, p->tok.pos, help, "%s has no statement '%.*s'", what, (int)p->tok.n,
			    p->tok.s);
	else
		parse_error(p, p->tok.pos, help, "expected a statement%s, found %s",
			    top ? "" : " or '}'", found);
	buf_done(&list);
}

static int duplicate(struct parser *p, const char *word, struct pos pos, struct pos first)
{
	static const char *const lists[] = { "inside", "outside", "networks", "weekend", "from",
					     "to",     "service", "during",   "policies" };
	const char *help = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (!strcmp(lists[i], word))
			help = "put all of it behind one of them, separated by commas";
	if (!strcmp(word, "host"))
		help = "write one 'publish' for each host";
	if (!strcmp(word, "then"))
		help = "put the actions behind one of them, separated by commas";
	if (first.file != pos.file)
		return parse_error(p, pos, help, "duplicate '%s': the first one is at %s:%u", word,
				   p->set->files.v[first.file], first.line);
	return parse_error(p, pos, help, "duplicate '%s': the first one is in line %u", word,
			   first.line);
}

/* True if the statement here belongs to the surroundings: this block lacks its '}'. */
static bool belongs_outside(const struct parser *p)
{
	if (!p->tok.first_on_line || p->tok.kind != T_WORD)
		return false;
	return parse_is_top_word(&p->tok) ||
	       (p->outer && find_row(p->outer, p->outer_rows, &p->tok));
}

static void one_statement(struct parser *p, const char *what, const struct statement *table,
			  size_t rows, struct pos *seen, bool top, void *obj)
{
	const struct statement *row = find_row(table, rows, &p->tok);
	struct pos pos = p->tok.pos;
	int r;

	if (!row) {
		unknown_statement(p, what, table, rows);
		p->incomplete |= top;
		p->skipping = true;
		parse_advance(p);
		resync(p, table, rows, top, pos.col);
		p->skipping = false;
		return;
	}
	parse_advance(p);
	if (!row->many && seen[row - table].line) {
		duplicate(p, row->word, pos, seen[row - table]);
		resync(p, table, rows, top, pos.col);
		return;
	}
	seen[row - table] = pos;
	p->usage = row->usage;
	r = row->parse(p, pos, obj);
	p->usage = NULL;
	if (r < 0)
		resync(p, table, rows, top, pos.col);
}

int parse_statements(struct parser *p, const char *what, const struct statement *table, size_t rows,
		     struct pos *seen, struct pos open, void *obj)
{
	_cleanup_free_ char *help = NULL;

	while (p->tok.kind != T_EOF) {
		if (open.line && p->tok.kind == T_RBRACE)
			return 0;
		if (open.line && !find_row(table, rows, &p->tok) && belongs_outside(p) &&
		    (p->tok.pos.col == 1 || !parse_is_top_word(&p->tok) ||
		     !word_foreign_statement(what, p->tok.s, p->tok.n)))
			break;
		one_statement(p, what, table, rows, seen, !open.line, obj);
	}
	if (!open.line || parse_is_full(p))
		return 0;
	help = xprintf("the '{' in line %u is not closed", open.line);
	p->behind.line = 0; /* it is this token that shows it */
	return expected(p, "'}'", help);
}

int parse_block(struct parser *p, const char *what, const struct statement *table, size_t rows,
		void *obj)
{
	struct pos seen[PARSE_STATEMENTS_MAX] = { 0 }, open = p->tok.pos;
	const struct statement *outer = p->outer, *mine = p->table;
	size_t outer_rows = p->outer_rows, mine_rows = p->rows;

	if (parse_need(p, T_LBRACE, "'{'", NULL) < 0)
		return -EINVAL;
	p->outer = mine;
	p->outer_rows = mine_rows;
	p->table = table;
	p->rows = rows;
	if (parse_statements(p, what, table, rows, seen, open, obj) == 0)
		parse_kind(p, T_RBRACE);
	p->outer = outer;
	p->outer_rows = outer_rows;
	p->table = mine;
	p->rows = mine_rows;
	return 0;
}
