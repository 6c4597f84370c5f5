/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel can do, by its type information and by trying. */
#ifndef CURFEW_PORT_DATAPATH_PROBE_H
#define CURFEW_PORT_DATAPATH_PROBE_H

#include <stdbool.h>

/*
 * True if programs may call bpf_skb_ct_lookup(): built in, or its module is
 * loaded, and the verifier takes a call. A kernel without type information for
 * modules has it built in or not at all. Parses the kernel's type information:
 * some 10 ms.
 */
bool probe_conntrack(void);
/* Whether connection tracking is there at all. Cheap. */
bool probe_conntrack_loaded(void);

#endif
