/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A first configuration from what a machine looks like. Pure: facts come in, text goes out. */
#ifndef CURFEW_APP_CMD_PROPOSAL_H
#define CURFEW_APP_CMD_PROPOSAL_H

#include "app/daemon/caller.h"
#include "base/buf.h"
#include "core/coverage/device.h"
#include "port/netlink.h"

struct proposal_facts {
	const struct net_state *net;
	const struct device_list *devices; /* with features; NULL: not known */
	const char *host;                  /* the site's name */
	const char *zone;                  /* IANA name; NULL: unknown */
	const char *country, *asn, *city;  /* paths of databases that exist; NULL: none */
	const struct caller *caller;       /* NULL: nobody came over the network */
};

/* The text passes `curfew check`. -ENODEV: there is no default route, so nothing is outside. */
int proposal_write(const struct proposal_facts *facts, struct buf *out);

#endif
