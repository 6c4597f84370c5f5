/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices as facts, and how they stand on one another. Reading them: port/devices.h. */
#ifndef CURFEW_CORE_COVERAGE_DEVICE_H
#define CURFEW_CORE_COVERAGE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/def.h"

#define DEVICE_NAME      16 /* IFNAMSIZ */
#define DEVICE_DEPTH_MAX 8  /* devices on devices: the kernel's own limit, MAX_NEST_DEV */

/* What is to be known of a network device. */
struct device {
	uint32_t ifindex;
	char name[DEVICE_NAME];
	char kind[DEVICE_NAME]; /* IFLA_INFO_KIND: "veth", "vlan"; "": hardware */
	uint16_t arphrd;        /* ARPHRD_*, as in struct ifinfomsg */
	uint32_t master;        /* ifindex of the bridge, bond, team or VRF it is part of; 0 */
	uint32_t lower;         /* of VLANs and the like: what carries it, in this namespace; 0 */
	uint32_t mtu;           /* bytes above layer 2 */
	uint16_t vlan;          /* of a VLAN: its number */
	bool up;                /* administratively */
	bool default_route;     /* the best one of a family leaves by it */
	bool strips_vlan;       /* tags are taken off before a program sees the frame */
	bool aggregates;        /* several frames become one before that, and it can't be helped */
	bool tc_offload;        /* the hardware may forward by itself */
	bool vlan_filtering;    /* a bridge that knows VLANs */
	bool siblings;          /* macvlan, ipvlan: takes packets also from others on its lower */
	uint32_t xdp_prog;      /* id of an XDP program that is on it, anybody's; 0 */
	char xdp_name[DEVICE_NAME];
};
struct device_list {
	struct device *v;
	size_t n, cap;
};
void device_list_done(struct device_list *l);
static inline void device_list_done_p(struct device_list *l)
{
	device_list_done(l);
}
#define _cleanup_device_list_ _cleanup_(device_list_done_p)
/* NULL: there is none (of that number; 0 is nobody's). */
const struct device *device_find(const struct device_list *l, uint32_t ifindex);
const struct device *device_named(const struct device_list *l, const char *name);
/* Its frames begin with an Ethernet header. */
bool device_is_ether(const struct device *d);
bool device_is_loopback(const struct device *d);
/* NULL is of no kind. */
bool device_is(const struct device *d, const char *kind);
bool device_is_bond(const struct device *d); /* or a team */
/* What comes in by it came in by its lower device first, tag and all. */
bool device_is_on_lower(const struct device *d);
/* Tagged frames that come in by it go somewhere. */
bool device_carries_vlans(const struct device_list *l, const struct device *d);

/*
 * Whether each packet that comes in by the device was seen at a device that is
 * hooked: itself, or what is below it. `hooked`: one element per device, true
 * for those with an inside hook. `outside`, the same for outside hooks.
 */
bool device_seen(const struct device_list *l, const bool *hooked, const bool *outside,
		 const struct device *d);

#endif
