/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alerts with numbers: kept in memory (the newest), in a file of our own under
 * the state directory, so that numbers and history survive a restart, and
 * written to where the configuration says.
 */
#ifndef CURFEW_APP_DAEMON_ALERTS_H
#define CURFEW_APP_DAEMON_ALERTS_H

#include <jansson.h>

#include "core/report/alert.h"

struct alert_log;

#define ALERTS_KEPT     1000
#define ALERTS_FILE     "alerts.jsonl" /* in the state directory; at ALERTS_FILE_MAX it becomes … */
#define ALERTS_FILE_OLD "alerts.jsonl.1" /* … this one */
#define ALERTS_FILE_MAX (8U << 20)

/*
 * Reads what the last run has left. Never NULL; what cannot be read or written
 * is said in the log, and numbers then begin at 1.
 */
struct alert_log *alert_log_open(const char *state_dir);
void alert_log_close(struct alert_log *log);
/* Where alerts go, from `alert to`; NULL or nothing given: the journal. */
void alert_log_configure(struct alert_log *log, const struct policy_set *set);

/* Numbers it, keeps it, writes it everywhere. Returns its number. */
uint64_t alert_log_add(struct alert_log *log, const struct alert *a, const struct zone *zone);

/* The alert as an EVE-style object (alert_json.h), borrowed; NULL if it is not kept. */
json_t *alert_log_find(const struct alert_log *log, uint64_t id);
/* Newest first, at most n, only those with a number above `after`. A new array. */
json_t *alert_log_list(const struct alert_log *log, size_t n, uint64_t after);
/* Number of the newest; 0: none yet. */
uint64_t alert_log_newest(const struct alert_log *log);
/* One object per file: path, lost lines, error. For `status`. */
json_t *alert_log_sinks(const struct alert_log *log);

#endif
