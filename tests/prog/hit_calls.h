/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the usual packet's way calls and reads, by the program as the kernel runs it. The usual
 * packet: of a known pair that no active rule is about (bpf/quiet.h).
 */
#ifndef CURFEW_TESTS_HIT_CALLS_H
#define CURFEW_TESTS_HIT_CALLS_H

#include <stdbool.h>

/*
 * Asserts that it is nothing but what docs/verifier.md lists. `fails`: the policy set has an `on
 * EVENT` that is not the default.
 */
void hit_calls_check(const char *program, int fd, bool fails);

#endif
