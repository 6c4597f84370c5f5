/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser on the host, held to what must be true of any frame whatever. Shared with the fuzzer.
 */
#ifndef CURFEW_TESTS_FRAME_CHECK_H
#define CURFEW_TESTS_FRAME_CHECK_H

#include <stddef.h>

#include "../../bpf/pkt.h"

#define FRAME_CHECK_MAX 4096

struct frame_opts {
	bool raw_l3;
	bool tagged;
	__u16 vlan;
	__u32 beyond; /* bytes of the frame that are not in its linear part */
};

/*
 * Parses the frame, at most FRAME_CHECK_MAX bytes, and looks into its tunnel. It ends
 * where a page without access begins, so that a read behind it traps. NULL: all holds,
 * else what does not.
 */
const char *frame_check(const __u8 *data, size_t size, const struct frame_opts *opts,
			enum cf_reason *ret_reason, struct pkt *ret);

#endif
