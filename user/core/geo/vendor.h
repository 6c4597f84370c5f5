/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who was given which MAC addresses, from the lists that the IEEE Registration
 * Authority publishes as CSV: MA-L (24 bits, an OUI), MA-M (28), MA-S and the
 * older IAB (36). A MAC belongs to the longest block that holds it.
 */
#ifndef CURFEW_CORE_GEO_VENDOR_H
#define CURFEW_CORE_GEO_VENDOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A MAC address as a number of 48 bits, its first byte highest. */
#define MAC_LAST ((1ULL << 48) - 1)
static inline uint64_t mac_number(const uint8_t mac[6])
{
	uint64_t n = 0;

	for (int i = 0; i < 6; i++)
		n = n << 8 | mac[i];
	return n;
}

struct vendor_block {
	uint64_t first;
	uint32_t name; /* in vendors.names */
	uint32_t bits;
};
struct vendors {
	struct {
		struct vendor_block *v; /* after vendors_ready(): by first, the longer ones last */
		size_t n, cap;
	} blocks;
	struct {
		char **v;
		size_t n, cap;
	} names; /* one per block: a vendor with many is in it often */
};
void vendors_done(struct vendors *v);
#define _cleanup_vendors_ _cleanup_(vendors_done)

/*
 * Adds the blocks of one list: "MA-L,002272,American Micro-Fuel Device Corp.,ADDRESS".
 * Lines that are none (the heading, the rest of an address) are left out.
 * Returns how many were added.
 */
size_t vendors_add(struct vendors *v, const char *text, size_t size);
/* Once, after the last vendors_add(). */
void vendors_ready(struct vendors *v);

struct mac_range {
	uint64_t first, last;
};
struct mac_range_list {
	struct mac_range *v;
	size_t n, cap;
};
/*
 * Appends the addresses of all vendors whose name has `words` in it, as whole
 * words, in any case: "Dahua" finds "Zhejiang Dahua Technology Co., Ltd.".
 * Parts of a block that were given on to others are left out. Ranges may
 * overlap. Returns how many blocks were found; 0: nobody is called that.
 */
size_t vendors_find(const struct vendors *v, const char *words, struct mac_range_list *ret);
/* A sentence for people about what is called nearly so; "" if nothing is. Appended to `out`. */
void vendors_near(const struct vendors *v, const char *words, struct buf *out);

/* Reading the lists is slow, and few policies name a vendor: so they are asked for. */
struct vendor_source {
	const struct vendors *(*get)(void *arg); /* NULL: there are none on this machine */
	void *arg;
};

#endif
