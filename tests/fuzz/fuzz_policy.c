/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: the policy language. The input is a policy file; what
 * follows its first NUL byte is the content of every other file it names.
 *
 * Held: no crash; a set or an error, never both; places lie in their files;
 * what is printed parses, and prints to itself; a set does not differ from
 * itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/policy/diff.h"
#include "core/policy/lex.h"
#include "core/policy/policy.h"
#include "policy_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INSIST(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "fuzz_policy: %s does not hold\n", #cond);                 \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

static void check_utf8(const char *s)
{
	for (size_t n; s && *s; s += n) {
		n = lex_utf8_length((const unsigned char *)s, strlen(s));
		INSIST(n);
	}
}

static void check_diags(const struct diag_list *diags, struct buf *text)
{
	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *d = &diags->v[i];

		INSIST(d->message && *d->message);
		check_utf8(d->message);
		check_utf8(d->help);
		check_utf8(d->line);
		INSIST(!d->line || d->pos.col <= strlen(d->line) + 1 || strlen(d->line) == 0);
	}
	INSIST(diag_errors(diags) <= 2 * POLICY_ERRORS_MAX);
	diag_print(diags, text);
	for (size_t i = 0; i < text->n; i++)
		INSIST((unsigned char)text->s[i] >= 0x20 || text->s[i] == '\n' ||
		       text->s[i] == '\t');
}

static void check_round_trip(const struct policy_set *set, const struct policy_input *in)
{
	struct policy_set *again = NULL;
	struct diag_list diags = { 0 };
	struct buf first = { 0 }, second = { 0 };
	struct policy_diff diff;
	struct policy_input printed = *in;
	struct policy_io io = policy_input_io(&printed);

	policy_print(set, &first);
	printed.main = buf_text(&first);
	printed.main_n = first.n;
	if (policy_parse(&io, POLICY_INPUT_MAIN, &again, &diags) < 0) {
		diag_print(&diags, &second);
		fprintf(stderr, "%s\n%s", buf_text(&first), buf_text(&second));
		INSIST(!"what was printed does not parse");
	}
	policy_print(again, &second);
	if (strcmp(buf_text(&first), buf_text(&second)) != 0) {
		fprintf(stderr, "%s\n---\n%s", buf_text(&first), buf_text(&second));
		INSIST(!"what was printed prints differently");
	}
	policy_diff(set, NULL, again, &diff);
	INSIST(diff.changes.n == 0);
	policy_diff_done(&diff);
	diag_list_done(&diags);
	buf_done(&first);
	buf_done(&second);
	policy_set_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_input in = policy_input_of(data, size);
	struct policy_io io = policy_input_io(&in);
	struct policy_set *set = NULL;
	struct diag_list diags = { 0 };
	struct buf text = { 0 };
	int r;

	r = policy_parse(&io, POLICY_INPUT_MAIN, &set, &diags);
	INSIST(r == 0 ? set && !diag_errors(&diags) : r == -EINVAL && !set && diag_errors(&diags));
	if (set) {
		check_round_trip(set, &in);
		policy_check(set, &io, &diags);
	}
	check_diags(&diags, &text);
	policy_set_free(set);
	diag_list_done(&diags);
	buf_done(&text);
	return 0;
}
