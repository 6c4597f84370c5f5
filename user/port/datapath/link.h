/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One hook at a time: attach, look, update, remove. XDP and TCX by pinned links, clsact by netlink.
 */
#ifndef CURFEW_PORT_DATAPATH_LINK_H
#define CURFEW_PORT_DATAPATH_LINK_H

#include "port/datapath/priv.h"

/* Of our clsact filters. Nobody who lets tc(8) choose gets such a handle. */
#define TC_HANDLE 0xcf01U

struct hook_state {
	enum hook_kind kind; /* NONE: nothing is there */
	uint32_t ifindex;
	uint32_t prog_id;
	uint32_t link_id;
	bool alive; /* on a device of this network namespace */
	bool away;  /* a link that is alive, on a device that was moved to another namespace */
};

/* Path of the pin of a hook's link. */
const char *hook_pin(const struct datapath *dp, const struct hook_want *w, char path[PIN_MAX]);
/* -EADDRINUSE: another interface has its place in the table. */
int iface_set(const struct datapath *dp, uint32_t ifindex, enum cf_if_role role, uint16_t flags);
/* Only if the entry is still that interface's, in that role. */
void iface_clear(const struct datapath *dp, uint32_t ifindex, enum cf_if_role role);

void hook_state(const struct datapath *dp, const struct hook_want *w, struct hook_state *ret);
int hook_attach_xdp(struct datapath *dp, struct generation *g, enum prog_id which,
		    const struct hook_want *w, uint32_t ifindex, struct hook_state *ret);
int hook_attach_tc(struct datapath *dp, struct generation *g, enum prog_id which,
		   const struct hook_want *w, uint32_t ifindex, bool ether, struct hook_state *ret,
		   struct why *why);
/* A link at the head of the chain: a descriptor, the caller's, or -errno. */
int hook_create_tcx(int prog_fd, uint32_t ifindex, enum cf_if_role role);
int hook_update(struct datapath *dp, struct generation *g, enum prog_id which,
		const struct hook_want *w, struct hook_state *st, struct why *why);
/* Back to the program that was there. */
void hook_restore(struct datapath *dp, const struct hook_want *w, const struct hook_state *before,
		  int prog_fd);
/* Detaches and forgets; nothing there is fine. */
void hook_remove(struct datapath *dp, const struct hook_want *w);
/* Of a hook that is a clsact filter: the filter, by name alone, and the note of it. */
void hook_remove_filter(const struct datapath *dp, const struct hook_want *w, uint32_t ifindex);
/* The device does not exist: forgets what it was to us, and lets go of it if it is elsewhere. */
void hook_absent(struct datapath *dp, const struct hook_want *w, const struct hook_state *st);
/* The directory of what remembers clsact filters: a pin of the program by each hook's name. */
#define FILTERS_DIR "filters"

#endif
