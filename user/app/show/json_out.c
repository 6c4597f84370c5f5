/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdio.h>

#include "app/cmd/cmd.h"

/* Bumped when a field changes its meaning or goes away; new fields don't count. */
#define JSON_VERSION 1

int json_out(const char *name, json_t *v)
{
	json_t *top = json_pack("{s:i, s:o}", "version", JSON_VERSION, name, v);

	if (!top || json_dumpf(top, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) < 0) {
		cmd_error("cannot write JSON");
		json_decref(top);
		return EXIT_DEGRADED;
	}
	putchar('\n');
	json_decref(top);
	return EXIT_FINE;
}
