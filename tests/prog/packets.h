/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames for tests: built from a description, as a network card would hand them over. */
#ifndef CURFEW_TESTS_PACKETS_H
#define CURFEW_TESTS_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 9000

struct frame_spec {
	const char *src, *dst; /* both IPv4 or both IPv6 */
	uint8_t protocol;      /* 6, 17, or anything: then no transport header */
	uint16_t sport, dport;
	uint32_t payload;   /* bytes above the transport header */
	uint8_t host;       /* last byte of the sender's MAC */
	uint16_t fragment;  /* IPv4: the flags-and-offset field */
	uint8_t options;    /* IPv4: bytes of options, a multiple of 4 */
	uint8_t tags;       /* VLAN tags */
	uint8_t padding;    /* bytes behind the IP packet, as Ethernet pads */
	uint16_t tcp_flags; /* 0: ACK */
	uint8_t extensions; /* IPv6: headers of 8 bytes, hop-by-hop first, then destination options
			     */
};

struct frame_bytes {
	uint8_t data[FRAME_MAX];
	uint32_t len;
};

void frame_build(const struct frame_spec *spec, struct frame_bytes *ret);

#endif
