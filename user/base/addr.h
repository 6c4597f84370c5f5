/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses and prefixes as values: text to bytes and back, comparing, containing. */
#ifndef CURFEW_BASE_ADDR_H
#define CURFEW_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Network order. IPv4 is mapped: ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct addr {
	uint8_t b[16];
};

/* bits counts from the 16 bytes' start: an IPv4 /8 has 104. Bits beyond are zero. */
struct prefix {
	struct addr addr;
	uint8_t bits;
};

#define ADDR_TEXT_MAX   48 /* longest text of an address, with its NUL */
#define PREFIX_TEXT_MAX 52 /* the same of a prefix */

bool addr_is4(const struct addr *a);
struct addr addr_from4(const uint8_t b[4]);
/* -1, 0, 1 in address order; mapped IPv4 sorts inside ::ffff:0:0/96. */
int addr_compare(const struct addr *a, const struct addr *b);
/* Host-order halves of the 16 bytes. */
uint64_t addr_hi(const struct addr *a);
uint64_t addr_lo(const struct addr *a);
struct addr addr_from_halves(uint64_t hi, uint64_t lo);
/* Host order; only for mapped IPv4. */
uint32_t addr_get4(const struct addr *a);
/* The next address; false after the last one. */
bool addr_next(struct addr *a);

/* Text of an IPv4 or IPv6 address, nothing around it. -EINVAL if it is not one. */
int addr_parse(const char *text, struct addr *ret);
/* Writes at most ADDR_TEXT_MAX bytes, returns buf. */
const char *addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX]);

/*
 * "10.0.0.0/8", "fd00::/8", or an address (its /32 or /128). -EINVAL if it is
 * none, -ERANGE if the length is too large, -EDOM if bits beyond the length
 * are set (ret then holds the prefix with those bits cleared).
 */
int prefix_parse(const char *text, struct prefix *ret);
/* Without "/32" or "/128" for hosts. */
const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_MAX]);
bool prefix_contains(const struct prefix *p, const struct addr *a);
struct addr prefix_first(const struct prefix *p);
struct addr prefix_last(const struct prefix *p);
bool prefix_is4(const struct prefix *p);
/* The prefix of len bits (of 32 or 128) that holds the address. */
struct prefix prefix_of(const struct addr *a, unsigned int len);

#endif
