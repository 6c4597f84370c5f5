/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the policy language: one table per kind of word, read by parser,
 * printer and checker alike. No grammar here.
 */
#ifndef CURFEW_CORE_POLICY_WORDS_H
#define CURFEW_CORE_POLICY_WORDS_H

#include "core/policy/policy.h"

/* A word and what it stands for. Tables end with a NULL word. */
struct word {
	const char *word;
	unsigned int value;
};

extern const struct word words_days[];      /* 0 Monday … 6 Sunday */
extern const struct word words_levels[];    /* enum cf_level */
extern const struct word words_keys[];      /* enum cf_key_kind */
extern const struct word words_periods[];   /* enum period_kind; PERIOD_HOURS has no word */
extern const struct word words_modes[];     /* enum mode */
extern const struct word words_initiated[]; /* enum initiated */
extern const struct word words_geo[];       /* enum geo_kind */
extern const struct word words_detects[];   /* enum detect_kind */
extern const struct word words_choices[];   /* enum on_choice */

/* IP protocols that a service may name. */
struct protocol {
	const char *name;
	uint8_t number;
	bool has_ports;
};
extern const struct protocol words_protocols[]; /* ends with a NULL name */
const struct protocol *protocol_by_name(const char *s, size_t n);
const struct protocol *protocol_by_number(uint8_t number);
/* "https" → "tcp/443"; NULL: not one of those that people write. */
const char *service_by_name(const char *s, size_t n);

/* "on EVENT CHOICE": one row per event, and the choices it has. */
struct on_word {
	const char *event;
	uint32_t choices; /* bit n: enum on_choice n is allowed */
};
extern const struct on_word words_on[ON_MAX];

/* The value of the word of n bytes; -1 if the table has none. */
int word_value(const struct word *table, const char *s, size_t n);
/* The first word that stands for the value; NULL if there is none. */
const char *word_of(const struct word *table, unsigned int value);
/* "source, destination or pair": for error messages; the caller frees it. */
char *words_list(const struct word *table);

/* Words that cannot be names. */
bool word_reserved(const char *s, size_t n);
/* What a user of nftables, pf or iptables meant by a word; NULL if it is none of theirs. */
const char *word_foreign_help(const char *s, size_t n);
/*
 * The same where a statement begins, in "a site", "a policy" …: there more words say what was
 * meant.
 */
const char *word_foreign_statement(const char *block, const char *s, size_t n);

/*
 * Collects the candidate that is nearest to a misspelt word: start with
 * { .s = word, .n = length }, offer each candidate, read best (NULL: none is near).
 */
struct nearest {
	const char *s;
	size_t n;
	const char *best;
	unsigned int distance;
};
void nearest_offer(struct nearest *near, const char *candidate);

#endif
