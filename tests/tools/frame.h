/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames for spray: UDP in IPv4 or IPv6 in Ethernet, each from and to another address. */
#ifndef CURFEW_TESTS_TOOLS_FRAME_H
#define CURFEW_TESTS_TOOLS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX         1514
#define FRAME_HEADERS4    (14 + 20 + 8)
#define FRAME_HEADERS6    (14 + 40 + 8)
#define FRAME_PAYLOAD_MAX (FRAME_MAX - FRAME_HEADERS6)

/* Addresses by number: the first one plus n; IPv6 in steps of a /64, or of one within a /64. */
struct frame_range {
	uint8_t first[16]; /* IPv4: the first four */
	bool within;       /* IPv6: count in the last 32 bits, else in bits 32 to 63 */
};

struct frame_kind {
	bool six;
	bool mac_per_source; /* the sender's MAC differs by the source's number */
	uint8_t to[6], from[6];
	struct frame_range src, dst;
};

/* Writes a frame whose payload is `payload` bytes of zero; returns its length. `f` has FRAME_MAX.
 */
size_t frame_build(const struct frame_kind *k, uint32_t source, uint32_t dest, size_t payload,
		   uint8_t *f);
/* "10.0.0.1", "2001:db8::1"; -1: not one of that family. */
int frame_address(const char *text, bool six, uint8_t ret[16]);
int frame_mac(const char *text, uint8_t ret[6]);

#endif
