/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses and routes of this network namespace, by rtnetlink(7).
 * Changes are only announced: who wants the new state reads it whole, so that
 * a lost message (ENOBUFS) costs nothing but one more read.
 */
#ifndef CURFEW_PORT_NETLINK_H
#define CURFEW_PORT_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct net_link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	bool up; /* administratively */
	bool loopback;
	uint32_t master; /* ifindex of the bridge, bond or VRF; 0: none */
	uint32_t lower;  /* of a VLAN device: the ifindex of what carries it; 0: it is no VLAN */
};
struct net_address {
	uint32_t ifindex;
	struct addr addr; /* ours */
	struct prefix
		on_link; /* who is reached directly; a peer's address on a point-to-point link */
};
struct net_route {
	uint32_t ifindex; /* out by this one; multipath routes are several entries */
	struct prefix dst;
	bool is_default;
	bool local;   /* delivered to this machine */
	bool gateway; /* via a next hop: not on-link */
	bool main_table;
	uint32_t metric;
};

struct net_state {
	struct {
		struct net_link *v;
		size_t n, cap;
	} links;
	struct {
		struct net_address *v;
		size_t n, cap;
	} addresses;
	struct {
		struct net_route *v;
		size_t n, cap;
	} routes; /* unicast and local, of all tables */
};
/* Reads all. Blocks for as long as the kernel takes to list it. Returns 0 or -errno. */
int net_state_read(struct net_state *ret);
void net_state_done(struct net_state *s);
#define _cleanup_net_state_ _cleanup_(net_state_done)
const struct net_link *net_state_link(const struct net_state *s, const char *name);

/*
 * A socket that becomes readable when links, addresses or routes change.
 * Returns a non-blocking descriptor, the caller's, or -errno.
 */
int netlink_watch(void);
enum netlink_change {
	NETLINK_LINKS = 1,
	NETLINK_ADDRESSES = 2,
	NETLINK_ROUTES = 4,
	NETLINK_LOST = 8, /* more than the socket could hold; then the others are set too */
};
/* Reads what waits there. Returns what changed, 0: nothing, or -errno. */
int netlink_changes(int fd);

#endif
