/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was read from set files and date files, which the text of a policy set only names. */
#ifndef CURFEW_CORE_POLICY_LISTS_H
#define CURFEW_CORE_POLICY_LISTS_H

#include "core/policy/policy.h"

/* Of a list's entries, whatever their order: a sum of their hashes. Two lists that are not made to
 * look alike have the same one only if they are the same. */
struct list_digest {
	uint64_t sum;
	size_t n; /* entries */
};
void list_digest_prefixes(struct list_digest *to, const struct prefix_list *l);
void list_digest_dates(struct list_digest *to, const struct date_list *l);

/* Calls fn for each `file` of the set's expressions, in their order; each window's … date file. */
void policy_each_list(const struct policy_set *set, void (*fn)(void *arg, const struct atom *file),
		      void *arg);
void policy_each_dates(const struct policy_set *set,
		       void (*fn)(void *arg, const struct time_expr *file), void *arg);
/* As a date file has them, a line each. */
void print_dates(const struct date_list *l, struct buf *out);

/* What is known of set files that are not at hand, by the name that the set has for them. */
struct list_facts {
	struct list_fact {
		char *file;
		struct list_digest digest;
	} * v;
	size_t n, cap;
};
void list_facts_done(struct list_facts *l);
#define _cleanup_list_facts_ _cleanup_(list_facts_done)
/* NULL: nothing is known. */
const struct list_digest *list_facts_find(const struct list_facts *l, const char *file);

#endif
