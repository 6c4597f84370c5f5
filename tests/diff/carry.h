/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet's way through the three builds of one parser. */
#ifndef CURFEW_TESTS_DIFF_CARRY_H
#define CURFEW_TESTS_DIFF_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include "facts.h"

#define PACKET_MAX (256 * 1024)

struct packet {
	uint8_t *data; /* 14 bytes before it are free to write */
	uint32_t len;
	bool raw; /* begins with the IP header */
};

/* The host's build; `data` is copied to where reading past its end is seen by sanitizers. */
void host_parse(const struct packet *p, struct facts *ret);

/* In the caller's own network namespace. -errno; -EPERM and -ENOSYS: not here. */
struct kernel;
int kernel_open(struct kernel **ret_kernel);

/* What test-run can carry; else false. A raw packet reaches XDP behind an Ethernet header. */
bool kernel_run_xdp(struct kernel *k, const struct packet *p, struct facts *ret);
/* Long packets, in a program that takes them in fragments. */
bool kernel_run_frags(struct kernel *k, const struct packet *p, struct facts *ret);
bool kernel_run_tc(struct kernel *k, const struct packet *p, struct facts *ret);

/*
 * Through a tap or tun device, as the kernel hands over what a driver received:
 * tags in the metadata, long packets not linear. `how` of a hook that saw nothing
 * is FACTS_NONE. Negative: the device refused the packet.
 */
int kernel_inject(struct kernel *k, const struct packet *p, struct facts *ret_xdp,
		  struct facts *ret_tc);

#endif
