/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CURFEW_TESTS_TOOLS_SPRAY_OPTIONS_H
#define CURFEW_TESTS_TOOLS_SPRAY_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define CPUS_MAX 64

enum mode { MODE_NEW, MODE_ZIPF, MODE_RANDOM };

/* What spray was asked for. */
struct options {
	const char *dev;
	enum mode mode;
	struct frame_kind kind, innocent;
	uint64_t count, rate, turn;
	double seconds;
	uint32_t sources, dests, first;
	uint32_t every, innocent_sources, innocent_dests; /* every 0: nobody else */
	uint32_t payload_min, payload_max;
	bool payload_by_dest; /* its number mod 256: who reads the table can check each pair */
	unsigned int cpus[CPUS_MAX];
	size_t n_cpus;
	uint64_t random;
};

/* Ends the process with a usage text when the command line is wrong. */
void options_parse(struct options *o, int argc, char **argv);

#endif
