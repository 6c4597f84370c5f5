/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quantities as people write and read them: sizes, durations, counts. Pure. */
#ifndef CURFEW_BASE_UNITS_H
#define CURFEW_BASE_UNITS_H

#include <stdint.h>

#define UNITS_TEXT_MAX 32

/*
 * "50 MB", "50MB", "1.5 GiB": B, kB, MB, GB, TB are powers of 1000, KiB, MiB,
 * GiB, TiB of 1024. -EINVAL: no number or unknown unit; -ERANGE: too large.
 */
int size_parse(const char *text, uint64_t *ret_bytes);
/* Exact and shortest in one unit: "50 MB", "1536 kB", "1 GiB", "7 B". size_parse() reads it back.
 */
const char *size_format_exact(uint64_t bytes, char buf[UNITS_TEXT_MAX]);
/* For tables, three digits: "48.9 MB". */
const char *size_format(uint64_t bytes, char buf[UNITS_TEXT_MAX]);

/* "90s", "30 min", "2h", "1 day", "1h30m"; units s, m, min, h, d, day(s), w, week(s). */
int duration_parse(const char *text, uint64_t *ret_seconds);
/* "2h", "1h 30m", "3d 4h", "45s". duration_parse() reads it back. */
const char *duration_format(uint64_t seconds, char buf[UNITS_TEXT_MAX]);

#endif
