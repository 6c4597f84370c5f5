/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words databases use for countries, networks and coordinates, whatever
 * the file around them. Text is given by length, and needs no NUL.
 */
#ifndef CURFEW_CORE_GEO_TEXT_H
#define CURFEW_CORE_GEO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two letters, either case. Returns 1; 0 for what stands for "unknown" ("",
 * "-", "??", "ZZ", "XX", and pseudo-countries such as "A1"); -EINVAL.
 */
int geo_text_country(const char *text, size_t n, char ret[4]);
/* "AF" and its like. Returns 1, 0 for "" and "-", -EINVAL. */
int geo_text_continent(const char *text, size_t n, char ret[4]);
/* "64500", "AS64500". Returns 1, 0 for "", "-", "0", -EINVAL, -ERANGE. */
int geo_text_asn(const char *text, size_t n, uint32_t *ret);
/* "-31.2222". Decimal point whatever the locale; no exponent. -EINVAL. */
int geo_text_degrees(const char *text, size_t n, double *ret);
/* UTF-8 (RFC 3629) without control characters: fit for a terminal and for JSON. */
bool geo_text_clean(const char *text, size_t n);
/* On the globe. */
bool geo_location_valid(double latitude, double longitude);

#endif
