/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world's devices (world.h) as a gateway that translates, and so tracks connections. */
#ifndef CURFEW_BENCH_NAT_GATEWAY_H
#define CURFEW_BENCH_NAT_GATEWAY_H

#include <stdbool.h>

#include "packets.h"

bool nat_gateway_up(void);
/* The connection's first frame goes through it, so that the kernel makes the entry itself. */
bool nat_gateway_connect(const struct frame_spec *sent);

#endif
