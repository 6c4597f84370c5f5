/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From interfaces, addresses and routes to what the compiler and the hooks want to know. */
#ifndef CURFEW_APP_MACHINE_H
#define CURFEW_APP_MACHINE_H

#include "core/image/image.h"
#include "port/datapath/datapath.h"
#include "port/netlink.h"

/* Sorted and without duplicates, so that two can be compared. */
void machine_build(const struct net_state *net, const struct policy_set *set, struct machine *ret);
bool machine_equal(const struct machine *a, const struct machine *b);
/* Nothing is in a that is not in b. */
bool machine_within(const struct machine *a, const struct machine *b);
void machine_done(struct machine *m);
#define _cleanup_machine_ _cleanup_(machine_done)

struct want_list {
	struct hook_want *v;
	size_t n, cap;
};
/* The interfaces of `inside` and `outside`, whether they exist or not. */
void wants_build(const struct policy_set *set, struct want_list *ret);
void wants_done(struct want_list *l);
#define _cleanup_wants_ _cleanup_(wants_done)

#endif
