/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a frame: the datapath's parser never reads behind them, and what it
 * says is true of itself. The first byte chooses how the frame came. libFuzzer.
 */
#include <stdlib.h>

#include "../prog/frame_check.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

enum { RAW_L3 = 1, TAGGED = 2, BEYOND = 4, FAR_BEYOND = 8 };

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct frame_opts opts;
	enum cf_reason reason;
	struct pkt p;

	if (!size || size > FRAME_CHECK_MAX)
		return 0;
	opts = (struct frame_opts){
		.raw_l3 = data[0] & RAW_L3,
		.tagged = data[0] & TAGGED,
		.vlan = 77,
		.beyond = (data[0] & BEYOND ? 1400U : 0) + (data[0] & FAR_BEYOND ? 100000U : 0),
	};
	if (frame_check(data + 1, size - 1, &opts, &reason, &p))
		abort();
	return 0;
}
