/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Others who handle packets here: for `status` and `doctor`. */
#ifndef CURFEW_APP_STATUS_NEIGHBOURS_H
#define CURFEW_APP_STATUS_NEIGHBOURS_H

#include <jansson.h>

#include "port/datapath/datapath.h"

/*
 * Adds "neighbours", an array of {kind, interface, past_us: "yes" | "perhaps" |
 * "no", what}, and a problem for each that takes packets past us. Where nothing
 * is attached, hooks may be what is wanted: names, numbers and roles.
 */
void status_neighbours(const struct hook_list *hooks, json_t *status);
/* For people: those that are no problem. */
void status_print_neighbours(const json_t *status);

#endif
