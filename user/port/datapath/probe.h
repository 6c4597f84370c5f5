/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel can do, by its type information and by trying. */
#ifndef CURFEW_PORT_DATAPATH_PROBE_H
#define CURFEW_PORT_DATAPATH_PROBE_H

#include <stdbool.h>

struct ct_facts {
	/* programs may call bpf_skb_ct_lookup(): built in, or its module is loaded, and the
	   verifier takes a call. A kernel without type information for modules has it built in
	   or not at all */
	bool look_up;
	/* and may read the connection that a packet has; from 6.2 on */
	bool own;
};
/* Parses the kernel's type information: some 10 ms. */
struct ct_facts probe_conntrack(void);
/* Whether connection tracking is there at all. Cheap. */
bool probe_conntrack_loaded(void);

#endif
