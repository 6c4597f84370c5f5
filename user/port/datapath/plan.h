/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be hooked where: the devices, the decision about them, and what is said of it. */
#ifndef CURFEW_PORT_DATAPATH_PLAN_H
#define CURFEW_PORT_DATAPATH_PLAN_H

#include "core/coverage/coverage.h"
#include "port/datapath/link.h"

struct plan {
	const struct hook_want *wants;
	size_t n;
	struct device_list devices;
	/* one per want */
	struct coverage *coverage;
	struct hook_state *before;
	uint32_t *ifindex; /* 0: there is no such device */
	int *refused;      /* native XDP, with this error; 0 */
};

/* Reads devices and hooks, and decides. 0 or -errno; the caller calls plan_done() in any case. */
int plan_make(struct datapath *dp, const struct hook_want *wants, size_t n, struct plan *ret,
	      struct why *why);
void plan_done(struct plan *p);
/* NULL: there is none. */
const struct device *plan_device(const struct plan *p, size_t i);
/* It is to be hooked, and is. */
bool plan_stays(const struct plan *p, size_t i);
/* It sits at native XDP and must not any more. */
bool plan_leaves_native(const struct plan *p, size_t i);
/* Native XDP is not to be had there. */
void plan_native_refused(struct plan *p, size_t i, int error);
/* It is at TC and stays there for now, though it might be at native XDP: says so. */
void plan_keep_tc(struct plan *p, size_t i);
/* Into the map `coverage`, for those who look. */
void plan_publish(const struct datapath *dp, const struct plan *p);

/*
 * The entries of devices above those that are hooked: what comes in by them was
 * seen below. `now`: by what is attached now, sets and clears; else by what is
 * attached and stays so, and only clears.
 */
void uppers_update(const struct datapath *dp, const struct plan *p, bool now);
/* facets.c: what each device is to rules that name interfaces and VLANs. */
int facets_devices(const struct generation *g, const struct plan *p, struct why *why);
/* Clears them all. */
void uppers_forget(const struct datapath *dp);

#endif
