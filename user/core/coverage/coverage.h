/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where each configured interface is hooked, so that each packet is seen once
 * and as it is on the wire: from what is wanted and what the devices are. Pure:
 * who reads the devices (port/devices.h) and who attaches is elsewhere.
 *
 * What this rests on (net/core/dev.c, __netif_receive_skb_core): a packet that
 * is handed from a device to the one above it (VLAN, bridge, bond, macvlan) goes
 * through that function again, so TC ingress sees it at both, and
 * skb->ingress_ifindex names the last one. A VRF does the same (vrf_ip_rcv).
 */
#ifndef CURFEW_CORE_COVERAGE_COVERAGE_H
#define CURFEW_CORE_COVERAGE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/coverage/device.h"
#include "curfew/abi.h"

#define COVERAGE_TEXT 160

/* An interface that the configuration names. */
struct coverage_want {
	char name[DEVICE_NAME];
	uint32_t ifindex; /* 0: there is no such device now */
	enum cf_if_role role;
	bool xdp_never;
	bool marks;       /* a policy marks packets */
	uint32_t our_xdp; /* id of our own XDP program on it; 0 */
};

enum coverage_hook {
	COVERAGE_NONE,
	COVERAGE_XDP, /* native; if the driver refuses it, TC ingress */
	COVERAGE_TC_INGRESS,
	COVERAGE_TC_EGRESS
};
enum coverage_state {
	COVERAGE_HOOKED,
	COVERAGE_ELSEWHERE, /* not hooked: its packets are seen at `at` */
	COVERAGE_WAITING,   /* no such device yet */
	COVERAGE_REFUSED    /* not hooked, `why` says what to write instead */
};
struct coverage {
	enum coverage_state state;
	enum coverage_hook hook;
	char at[DEVICE_NAME];
	char why[COVERAGE_TEXT];     /* never empty */
	char warning[COVERAGE_TEXT]; /* "": none */
};

/* Decides for all wants together; ret has as many elements. */
void coverage_decide(const struct coverage_want *wants, size_t n, const struct device_list *devices,
		     struct coverage *ret);

/* What will be, for people: "TC ingress: a bridge". Returns out. */
const char *coverage_text(const struct coverage *c, char *out, size_t size);

#endif
