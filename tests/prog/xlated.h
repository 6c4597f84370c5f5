/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loaded program as the kernel runs it: after the verifier has removed what cannot be
 * reached and put instructions in place of calls. And ways through it.
 */
#ifndef CURFEW_TESTS_XLATED_H
#define CURFEW_TESTS_XLATED_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;

struct xlated_function {
	const char *name;
	uint32_t from, to; /* instructions [from, to) */
};

struct xlated {
	struct bpf_insn *insn;
	uint32_t n;
	struct xlated_function *function; /* the first is the program itself */
	uint32_t functions;
	struct bpf_line_info *line;
	uint32_t lines;
	struct btf *btf;
};

/* Asserts that the kernel tells all of it. */
void xlated_load(int fd, struct xlated *ret);
void xlated_free(struct xlated *x);

/* Asserts that there is one of that name. */
const struct xlated_function *xlated_function(const struct xlated *x, const char *name);
/* The line of source that an instruction was made from. */
const char *xlated_line(const struct xlated *x, uint32_t i);

/*
 * What an instruction calls: a function of the program's, or the kernel's, by its symbol; false if
 * it calls none. A function that is handed to the kernel to be called back counts.
 */
bool xlated_calls(const struct xlated *x, uint32_t i, char *ret, size_t size);
/* The map whose address an instruction loads, or -1: it loads none. To be closed. */
int xlated_map(const struct xlated *x, uint32_t i);

/* Sets of instructions, of x->n. */
bool *xlated_set(const struct xlated *x);
/* All that can be reached from those in the set, within the function, not beyond `stop` (or NULL).
 */
void xlated_onward(const struct xlated *x, const struct xlated_function *f, const bool *stop,
		   bool *set);
/* All from which one of those in the set can be reached. */
void xlated_back(const struct xlated *x, const struct xlated_function *f, bool *set);

#endif
