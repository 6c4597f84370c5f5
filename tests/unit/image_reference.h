/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy set says of one address, read from the tree each time: slow, and none of the
 * compiler's code. */
#ifndef CURFEW_TESTS_IMAGE_REFERENCE_H
#define CURFEW_TESTS_IMAGE_REFERENCE_H

#include "core/image/image.h"

/* What is known of an address: by the tables, unless it is set to something better. */
extern void (*reference_find)(const struct geo *geo, const struct addr *addr,
			      struct geo_record *ret);

struct reference_label {
	bool ignored;
	enum cf_reason reason;
	struct cf_row row;
	uint32_t asn;
	char cc[4];
};
/* Rules in the order the image gives them: policies, exempts, excepts, protects; none by hand. */
struct reference_label reference_label(const struct image_input *in, const struct addr *dst);
struct cf_row reference_source(const struct image_input *in, enum cf_from from,
			       const struct addr *src);
/* The same of a packet at an inside hook: with its MAC, interface and VLAN. */
struct cf_row reference_packet(const struct image_input *in, const struct image_packet *p);
bool reference_on_link(const struct image_input *in, const struct addr *src);
/* Is it of no network that is reached through inside interfaces, as far as is known? */
bool reference_foreign(const struct image_input *in, const struct addr *src);

#endif
