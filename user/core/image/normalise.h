/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address a destination is judged by. IPv6 addresses that merely carry
 * an IPv4 one are judged as that one, so that no transition mechanism is a way
 * around a policy: IPv4-mapped (RFC 4291 2.5.5.2), NAT64 with the well-known
 * prefix 64:ff9b::/96 (RFC 6052 2.1), 6to4, 2002::/16 (RFC 3056 2), and
 * Teredo, 2001::/32 (RFC 4380 4): there the client's, which is where the data
 * ends, and not the server's. The kernel does the same before it classifies.
 */
#ifndef CURFEW_CORE_IMAGE_NORMALISE_H
#define CURFEW_CORE_IMAGE_NORMALISE_H

#include <string.h>

#include "base/addr.h"

/* The IPv4 address, mapped, that `a` carries; else `a` itself. */
static inline struct addr addr_normalise(const struct addr *a)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t teredo[4] = { 0x20, 0x01 };

	if (!memcmp(a->b, nat64, sizeof(nat64)))
		return addr_from4(a->b + 12);
	if (a->b[0] == 0x20 && a->b[1] == 0x02)
		return addr_from4(a->b + 2);
	if (!memcmp(a->b, teredo, sizeof(teredo))) {
		/* it is sent inverted */
		const uint8_t client[4] = { (uint8_t)~a->b[12], (uint8_t)~a->b[13],
					    (uint8_t)~a->b[14], (uint8_t)~a->b[15] };

		return addr_from4(client);
	}
	return *a;
}

#endif
