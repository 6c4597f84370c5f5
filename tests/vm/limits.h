/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy set as large as one may be, in each direction at once: what `check` accepts, loads. */
#ifndef CURFEW_TESTS_LIMITS_H
#define CURFEW_TESTS_LIMITS_H

#include "prog_help.h"

struct limits {
	const char *policy;
	struct rig_options options;
};
/* Never freed. */
struct limits limits_make(void);
/* Asserts that the image has as many of each kind as the kernel's tables may have. */
void limits_check(const struct image *img);
/* Asserts that packets to and fro in the large tables leave as image_judge() says. */
void limits_packets(struct rig *r);

#endif
