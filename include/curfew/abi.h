/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel and user code must agree on: map keys and values, events,
 * limits; a header in abi/ for each room. Nothing else lives here: no code but
 * trivial packing, no libc.
 *
 * Conventions: fixed width, named padding, size asserted below each struct.
 * Addresses are byte arrays in network order; in 16 bytes an IPv4 address is
 * mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2). Integers are in host order.
 * Byte counts are bytes; times in the kernel are jiffies unless named _ns.
 */
#ifndef CURFEW_ABI_H
#define CURFEW_ABI_H

#include "curfew/abi/classes.h"
#include "curfew/abi/control.h"
#include "curfew/abi/counters.h"
#include "curfew/abi/events.h"
#include "curfew/abi/limits.h"
#include "curfew/abi/pairs.h"
#include "curfew/abi/quotas.h"
#include "curfew/abi/rules.h"
#include "curfew/abi/schedule.h"

#endif
