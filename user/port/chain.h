/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is in a device's TCX chain, and in which order. BPF_PROG_QUERY as of
 * Linux 6.6 (include/uapi/linux/bpf.h), which libbpf 1.1 does not know.
 */
#ifndef CURFEW_PORT_CHAIN_H
#define CURFEW_PORT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#define CHAIN_MAX 64 /* BPF_MPROG_MAX: the kernel takes no more */

struct chain {
	struct chain_entry {
		uint32_t prog_id;
		uint32_t link_id; /* 0: attached without a link */
	} v[CHAIN_MAX];
	uint32_t n;
	uint64_t revision; /* another number: the chain was changed */
};

/* Of a device of this network namespace. -EINVAL: the kernel has no TCX; -ENODEV, -EPERM. */
int chain_read(uint32_t ifindex, bool egress, struct chain *ret);
/* Place of a link in it, from 0; -ENOENT. */
int chain_place(const struct chain *c, uint32_t link_id);
/* The program's name in the kernel, at most 15 bytes; "?" if it is gone. */
const char *chain_prog_name(uint32_t prog_id, char buf[16]);

#endif
