/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the policy parser share: the token stream, complaints, and
 * the loop that reads a block of statements from a table. Internal to core.
 *
 * Functions that return int: 0, or -EINVAL when they have complained; the block
 * loop then skips to where the next statement begins.
 */
#ifndef CURFEW_CORE_POLICY_PARSE_H
#define CURFEW_CORE_POLICY_PARSE_H

#include "core/policy/lex.h"
#include "core/policy/policy.h"
#include "core/policy/words.h"

#define PARSE_STATEMENTS_MAX 24 /* rows of one statement table */
#define PARSE_NESTING_MAX    50 /* parentheses in parentheses */
#define PARSE_INCLUDES_MAX   16 /* files including files */
#define PARSE_CHAIN_MAX      50 /* sets of sets of sets …, and windows */

struct parser {
	const struct policy_io *io;
	struct policy_set *set;
	const struct policy_set *names; /* where names are looked up; NULL: nowhere */
	struct diag_list *diags;
	size_t errors_before; /* errors that `diags` held when we began */
	struct lexer lex;
	struct token tok;  /* the current one */
	struct token next; /* the one behind it */
	struct token last; /* the one before it */
	struct pos behind; /* the end of the one before it */
	bool skipping;     /* after an error: what is skipped is not complained about */
	char *root;        /* directory of the first file with its '/', or "" */
	char *dir;         /* of this file, seen from there: "policies.d/", or "" */
	unsigned int nesting;
	const char *usage; /* of the statement being read */
	const char *item;  /* the word that the last item of an expression began with, "vendor" */
	const struct statement *table,
		*outer; /* of the block being read, and of the one around it */
	size_t rows, outer_rows;
	struct {
		char **v; /* files being read, the outermost first */
		size_t n, cap;
	} open;
	struct pos seen[PARSE_STATEMENTS_MAX]; /* of top-level statements, over all files */
	size_t rule_work;                      /* of calendars, what their rules have cost so far */
	bool too_many_rules;                   /* more than they may, and it has been said */
	bool incomplete; /* a definition may have been lost: unknown names mean little */
};

/* A row of a statement table; the parse function finds its keyword consumed. */
struct statement {
	const char *word;
	int (*parse)(struct parser *p, struct pos pos, void *obj);
	const char *usage; /* shown as help when the statement does not parse */
	bool many;         /* may come more than once */
};

/* ---- parse.c: tokens and complaints ---- */

/* Moves on. Foreign tokens are complained about, and skipped or taken for what they mean. */
void parse_advance(struct parser *p);
/* True once so many errors are reported that parsing ends. */
bool parse_is_full(const struct parser *p);
/* Complain at a place; returns -EINVAL. `help` may be NULL. */
int parse_error(struct parser *p, struct pos pos, const char *help, const char *fmt, ...)
	_printf_(4, 5);
/* "expected WHAT, found 'x'" at the current token, or what is wrong with that token. */
int parse_expected(struct parser *p, const char *what, const char *help);
/* The same where addresses stand: words that look like one are told why they are none. */
int parse_expected_address(struct parser *p, const char *what, const char *help);
/* The token as errors name it, "'per'"; the caller frees it. */
char *parse_describe(const struct token *t);
/* Consumes the current token if it is this word or of this kind. */
bool parse_word(struct parser *p, const char *word);
bool parse_kind(struct parser *p, enum token_kind kind);
int parse_need(struct parser *p, enum token_kind kind, const char *what, const char *help);
int parse_need_word(struct parser *p, const char *word, const char *help);
/*
 * True if the current word is another language's and what follows reads so
 * too; else it may be a name that somebody chose.
 */
bool parse_is_foreign_word(const struct parser *p);
/* A string that is not empty. */
int parse_string(struct parser *p, const char *what, const char *help, char **ret);
/* A name that is not reserved. */
int parse_name(struct parser *p, const char *what, const char *help, char **ret);
/* One of a table's words. */
int parse_choice(struct parser *p, const struct word *table, const char *what, unsigned int *ret);
/* Statements of the table until '}' or, at top level (open.line 0), the end of the file. */
int parse_statements(struct parser *p, const char *what, const struct statement *table, size_t rows,
		     struct pos *seen, struct pos open, void *obj);
/* '{' statements '}' */
int parse_block(struct parser *p, const char *what, const struct statement *table, size_t rows,
		void *obj);

/* ---- parse_help.c ---- */

/* For a value behind a statement that was complete without it; NULL: it is none. Freed by the
 * caller. */
char *parse_behind_help(const struct parser *p);
/* For what YAML, JSON and command lines have where a statement begins, or NULL. */
const char *parse_format_help(const struct token *t, bool top);

/* ---- parse_unit.c: quantities ---- */

int parse_size(struct parser *p, const char *help, uint64_t *ret_bytes);
int parse_duration(struct parser *p, const char *help, uint64_t *ret_seconds);
int parse_bit_rate(struct parser *p, uint64_t *ret_bits_per_second);
/* A whole number in [min, max]. */
int parse_integer(struct parser *p, const char *what, const char *help, uint32_t min, uint32_t max,
		  uint32_t *ret);

/* ---- parse_expr.c ---- */

enum side { SIDE_FROM, SIDE_TO, SIDE_SET };
int parse_expr(struct parser *p, enum side side, struct expr **ret);
/* Bits 1 << SIDE_FROM, 1 << SIDE_TO: where it may stand. ATOM_SET: wherever the set's content may.
 */
unsigned int parse_atom_sides(enum atom_kind kind);
int parse_services(struct parser *p, struct service_list *list);
/* A name list of interfaces: bare words or strings; inside ones with "xdp never". */
int parse_interfaces(struct parser *p, bool inside, struct name_list *list);
int parse_interface(struct parser *p, char **ret);

/* ---- parse_time.c ---- */

int parse_time_expr(struct parser *p, struct time_expr **ret);
int parse_civil(struct parser *p, struct civil_minute *ret);
/* "sat, sun" or "fri-sat" as bits. */
int parse_days_list(struct parser *p, uint8_t *ret);
int parse_window(struct parser *p, struct pos pos, void *obj);
int parse_zone(struct parser *p, char **ret);

/* ---- parse_rule.c, parse_quota.c ---- */

int parse_policy(struct parser *p, struct pos pos, void *obj);
int parse_protect(struct parser *p, struct pos pos, void *obj);
int parse_exempt(struct parser *p, struct pos pos, void *obj);
int parse_publish(struct parser *p, struct pos pos, void *obj);
/* "per source", and "24/48" behind "per prefix" */
int parse_per(struct parser *p, enum cf_key_kind *ret_key, struct pos *ret_pos,
	      uint8_t *ret_prefix4, uint8_t *ret_prefix6);
/* "50 MB [payload|wire] per KEY each PERIOD" */
int parse_quota_body(struct parser *p, struct quota *q);
int parse_quota(struct parser *p, struct pos pos, void *policy);
int parse_rate(struct parser *p, struct pos pos, void *policy);
int parse_then(struct parser *p, struct pos pos, void *policy);
int parse_at(struct parser *p, struct pos pos, void *policy);

/* ---- parse_top.c ---- */

extern const struct statement parse_top_statements[];
extern const size_t parse_top_rows;
bool parse_is_top_word(const struct token *t);

/* ---- file.c: includes, set files, date files ---- */

/* The path as seen from the first file's directory; the caller frees it. */
char *parse_path(const struct parser *p, const char *path);
/* Reads a policy file into the set; `at` is where it is asked for (line 0: the first one). */
int parse_file(struct parser *p, const char *path, struct pos at);
int parse_include(struct parser *p, struct pos pos, void *obj);
int parse_prefix_file(struct parser *p, struct pos pos, const char *path, struct prefix_list *ret);
int parse_date_file(struct parser *p, struct pos pos, const char *path, struct date_list *ret);

/* ---- resolve.c ---- */

/* Names to indices, cycles, types of sets, over the whole of p->set; complains. */
void policy_resolve(struct parser *p);
/* The same for one expression, with the sets of p->names. */
void policy_resolve_expr(struct parser *p, struct expr *e, bool is_from);

#endif
