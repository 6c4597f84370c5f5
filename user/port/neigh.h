/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's neighbour table: which address has which MAC. By rtnetlink(7), RTM_GETNEIGH. */
#ifndef CURFEW_PORT_NEIGH_H
#define CURFEW_PORT_NEIGH_H

#include <stdint.h>

#include "base/addr.h"
#include "base/def.h"

struct neigh {
	struct addr addr;
	uint8_t mac[6];
	uint32_t ifindex;
};
struct neigh_list {
	struct neigh *v;
	size_t n, cap;
};

/* Entries with an Ethernet address that are not known to be dead. 0 or -errno; the list is
 * replaced. */
int neigh_read(struct neigh_list *ret);
void neigh_list_done(struct neigh_list *l);

/* NULL: nobody has it. */
const struct neigh *neigh_by_addr(const struct neigh_list *l, const struct addr *a);
/* The IPv4 entry if there is one: people know hosts by it. */
const struct neigh *neigh_by_mac(const struct neigh_list *l, const uint8_t mac[6]);

#endif
