/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `curfew status` tells. The kernel's part comes from the pinned maps
 * alone, so that it works with the daemon dead; the daemon adds what only it
 * knows. All of it is one JSON object, which the command prints as text.
 */
#ifndef CURFEW_APP_STATUS_STATUS_H
#define CURFEW_APP_STATUS_STATUS_H

#include <jansson.h>

#include "app/cmd/cmd.h"
#include "port/datapath/datapath.h"

/* "hooks", "reasons", "notes", "books", "reconciliation", "blind_spots", "off", "confirm", "sizes",
 * "generation", "held", "drop_samples", "events_lost", and "problems" of these. */
json_t *status_kernel(struct datapath *dp);

/* Appends {"what","do"} to status.problems. Takes both over. */
void status_problem(json_t *status, char *what, const char *advice);

/* The parts of status_kernel(). status_books() also leaves the totals that it has read. */
void status_books(struct datapath *dp, struct reason_totals *totals, json_t *status);
void status_reasons(const struct reason_totals *totals, json_t *status);
void status_reconcile(struct datapath *dp, const struct reason_totals *totals, json_t *status);
void status_blind(struct datapath *dp, const struct reason_totals *reasons, json_t *status);
/* Whether an event of `on EVENT CHOICE` lasts; false for those that packets are. */
bool failing_lasts(struct datapath *dp, enum on_event event);
/* Adds "failing": of each event the choice in force, and what lasts of it. */
void status_failing(struct datapath *dp, json_t *status);
/* Adds "held": how much is dropped for a time; and "drop_samples". */
void status_drops(struct datapath *dp, json_t *status);
/* Adds "quotas", by quota line; walks the whole ledger, so only who asks for it gets it. */
void status_quotas(struct datapath *dp, json_t *status);
json_t *status_notes(const struct note_totals *totals);
json_t *status_traffic(const struct cf_traffic *t);

/* Their printing. */
void status_print_books(const struct cli *cli, const json_t *status);
void status_print_blind(const struct cli *cli, const json_t *status);
/* Of all interfaces, from what the daemon says of them. */
uint64_t status_uncovered_ms(const json_t *status);

/* From the daemon, else from what is pinned; says what is wrong and returns the exit code for it.
 */
int status_get(const struct cli *cli, bool quotas, json_t **ret);

/* Prints for people. Returns the exit code: EXIT_DEGRADED if there are problems. */
int status_print(const struct cli *cli, const json_t *status);
bool status_is_degraded(const json_t *status);

#endif
