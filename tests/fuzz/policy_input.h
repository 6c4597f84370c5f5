/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer's input as policy files: the main one, and what follows its first NUL byte, which
 * is the content of every other file that it names.
 */
#ifndef CURFEW_TESTS_POLICY_INPUT_H
#define CURFEW_TESTS_POLICY_INPUT_H

#include "core/policy/policy.h"

#define POLICY_INPUT_MAIN "main"

/* Borrows the data. */
struct policy_input {
	const char *main, *other; /* other NULL: there is no other file */
	size_t main_n, other_n;
};
struct policy_input policy_input_of(const uint8_t *data, size_t size);
/* Reads from *in, which must outlive it. */
struct policy_io policy_input_io(struct policy_input *in);

#endif
