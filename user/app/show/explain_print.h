/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints what `why` and `would` answer (explain_json.h) for people. */
#ifndef CURFEW_APP_SHOW_EXPLAIN_PRINT_H
#define CURFEW_APP_SHOW_EXPLAIN_PRINT_H

#include <jansson.h>

#include "app/cmd/cmd.h"

/* The verdict with its reason, the pair and its place, policies and windows, quotas. */
void explain_print(const struct cli *cli, const json_t *reply);

#endif
