/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies from strings in memory, for unit tests. */
#ifndef POLICY_HELP_H
#define POLICY_HELP_H

#include "core/policy/policy.h"

struct memory_file {
	const char *path;
	const char *text;
};

/* Parses the first of the files, which end with a NULL path; -EINVAL as policy_parse(). */
int parse_files(const struct memory_file *files, struct policy_set **ret_set,
		struct diag_list *diags);
int parse_text(const char *text, struct policy_set **ret_set, struct diag_list *diags);
/* Parses what must parse. */
struct policy_set *must_parse(const char *text);
/* The set in canonical text; the caller frees it. */
char *printed(const struct policy_set *set);
/* All diagnostics as text; the caller frees it. */
char *diag_text(const struct diag_list *diags);

#endif
