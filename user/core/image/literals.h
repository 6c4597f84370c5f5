/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of many prefix lists hold an address. Each list is a group; the sweep
 * cuts the address space where membership changes, and numbers the sets of
 * groups that occur.
 */
#ifndef CURFEW_CORE_IMAGE_LITERALS_H
#define CURFEW_CORE_IMAGE_LITERALS_H

#include "base/addr.h"
#include "core/image/intern.h"

/* An address as a number, so that ranges can be counted with. */
typedef unsigned __int128 uint128;

#define WIDE_V4_FIRST ((uint128)0xffff << 32)
#define WIDE_V4_LAST  (WIDE_V4_FIRST | 0xffffffffU)
#define WIDE_LAST     (~(uint128)0)

static inline uint128 wide_from(const struct addr *a)
{
	uint64_t half[2];

	__builtin_memcpy(half, a->b, sizeof(half));
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		half[0] = __builtin_bswap64(half[0]);
		half[1] = __builtin_bswap64(half[1]);
	}
	return (uint128)half[0] << 64 | half[1];
}

struct literal_edge {
	uint128 at;
	uint32_t group;
	int32_t step; /* 1: a prefix begins here; -1: it ended just before */
};
struct literal_point {
	uint128 start;
	uint32_t set; /* holds from start until the next point */
};

struct literals {
	uint32_t groups;
	struct {
		struct literal_edge *v;
		size_t n, cap;
	} edges;
	struct {
		struct literal_point *v; /* sorted, the first at 0 */
		size_t n, cap;
	} points;
	struct intern sets; /* bit vectors of groups */
};

/* A new, empty group. */
uint32_t literals_group(struct literals *l);
/* IPv6 prefixes shorter than ::ffff:0:0/96 leave that range, IPv4, out: ::/0 is every IPv6 address.
 */
void literals_add(struct literals *l, uint32_t group, const struct prefix *p);
/* The same for a range of numbers, whatever they count; both ends belong to it. */
void literals_add_range(struct literals *l, uint32_t group, uint128 first, uint128 last);
/* Once, after the last literals_add(): fills points and sets. */
void literals_sweep(struct literals *l);
bool literals_has(const struct literals *l, uint32_t set, uint32_t group);
void literals_done(struct literals *l);

#endif
