/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines for whoever runs the daemon, on stderr. Only the application logs; core
 * and ports return errors instead. Under systemd (JOURNAL_STREAM names stderr)
 * lines begin with "<N>", the priority as sd-daemon(3) defines it.
 */
#ifndef CURFEW_BASE_LOG_H
#define CURFEW_BASE_LOG_H

#include <stdbool.h>

#include "base/def.h"

/* The numbers are syslog's (RFC 5424 6.2.1). */
enum log_level {
	LOG_LEVEL_CRITICAL = 2,
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Lines above this level are dropped; at first LOG_LEVEL_INFO. */
void log_set_level(enum log_level max);
/* Finds out whether stderr is the journal; without it lines begin with "curfew: ". */
void log_open(void);

/* One line each; a newline within becomes several lines of the same priority. */
void log_line(enum log_level level, const char *fmt, ...) _printf_(2, 3);

/* Appends ": " and the text of -r, and returns r. */
int log_err(int r, const char *fmt, ...) _printf_(2, 3);

#define log_critical(...) log_line(LOG_LEVEL_CRITICAL, __VA_ARGS__)
#define log_error(...)    log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)  log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)   log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)     log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)    log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
