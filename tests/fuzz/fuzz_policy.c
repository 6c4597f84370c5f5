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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INSIST(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "fuzz_policy: %s does not hold\n", #cond);                 \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

struct input {
	const char *main, *other;
	size_t main_n, other_n;
};

static int input_read(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	const struct input *in = arg;
	bool is_main = !strcmp(path, "main");

	if (!is_main && !in->other)
		return -ENOENT;
	*ret_size = is_main ? in->main_n : in->other_n;
	*ret_text = xcalloc(*ret_size + 1, 1);
	memcpy(*ret_text, is_main ? in->main : in->other, *ret_size);
	return 0;
}

static int input_glob(void *arg _unused_, const char *pattern, char ***ret_paths)
{
	char **paths = xcalloc(2, sizeof(*paths));

	paths[0] = xstrdup(pattern);
	*ret_paths = paths;
	return 0;
}

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

static void check_round_trip(const struct policy_set *set, const struct input *in)
{
	struct policy_set *again = NULL;
	struct diag_list diags = { 0 };
	struct buf first = { 0 }, second = { 0 };
	struct policy_diff diff;
	struct input printed = *in;
	struct policy_io io = { input_read, input_glob, &printed };

	policy_print(set, &first);
	printed.main = buf_text(&first);
	printed.main_n = first.n;
	if (policy_parse(&io, "main", &again, &diags) < 0) {
		diag_print(&diags, &second);
		fprintf(stderr, "%s\n%s", buf_text(&first), buf_text(&second));
		INSIST(!"what was printed does not parse");
	}
	policy_print(again, &second);
	if (strcmp(buf_text(&first), buf_text(&second)) != 0) {
		fprintf(stderr, "%s\n---\n%s", buf_text(&first), buf_text(&second));
		INSIST(!"what was printed prints differently");
	}
	policy_diff(set, again, &diff);
	INSIST(diff.changes.n == 0);
	policy_diff_done(&diff);
	diag_list_done(&diags);
	buf_done(&first);
	buf_done(&second);
	policy_set_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *nul = size ? memchr(data, 0, size) : NULL;
	struct input in = { .main = (const char *)data,
			    .main_n = nul ? (size_t)(nul - (const char *)data) : size };
	struct policy_io io = { input_read, input_glob, &in };
	struct policy_set *set = NULL;
	struct diag_list diags = { 0 };
	struct buf text = { 0 };
	int r;

	if (nul) {
		in.other = nul + 1;
		in.other_n = size - in.main_n - 1;
	}
	r = policy_parse(&io, "main", &set, &diags);
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
