/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What else handles packets in this network namespace, and may take them past
 * our hooks: as far as the kernel tells. Facts only; what they mean to us is
 * the caller's to say.
 */
#ifndef CURFEW_PORT_NEIGHBOURS_H
#define CURFEW_PORT_NEIGHBOURS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A flowtable of nf_tables (linux/netfilter/nf_tables.h, NFT_MSG_GETFLOWTABLE). */
struct flowtable {
	char table[32], name[32];
	bool hardware;     /* the network card forwards by itself */
	char devices[128]; /* "eth1, wan0", cut if long */
};
struct flowtable_list {
	struct flowtable *v;
	size_t n, cap;
};
/* -EOPNOTSUPP and the like: this kernel has none, and the list is empty; the caller frees v. */
int flowtables_read(struct flowtable_list *ret);

/* An AF_XDP socket (linux/xdp_diag.h); it is bound to a queue, whose packets we may never see. */
struct xdp_socket {
	uint32_t ifindex; /* 0: the kernel does not tell */
	uint32_t queue;
};
struct xdp_socket_list {
	struct xdp_socket *v;
	size_t n, cap;
};
/* Without sock_diag for AF_XDP only their number is known, from /proc/net/protocols. */
int xdp_sockets_read(struct xdp_socket_list *ret);

/* A filter of a clsact or ingress qdisc that the hardware runs, or that is before ours. */
struct tc_filter {
	char kind[16];
	uint32_t priority;
	bool in_hardware;
	bool before_ours; /* in the order of the kernel; only if there is one of ours */
};
struct tc_filter_list {
	struct tc_filter *v;
	size_t n, cap;
};
/* Of one device and direction. */
int tc_filters_read(uint32_t ifindex, bool egress, struct tc_filter_list *ret);

/* Whether an XDP program, or one that was put into it, can send packets elsewhere. */
enum xdp_redirects { XDP_REDIRECTS_NO, XDP_REDIRECTS_YES, XDP_REDIRECTS_UNKNOWN };
enum xdp_redirects xdp_redirects(uint32_t prog_id);

#endif
