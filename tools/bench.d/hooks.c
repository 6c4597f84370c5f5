/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks INSIDE OUTSIDE: programs that do nothing where Curfew has its own: native XDP on
 * one device, TC egress on the other (TCX; clsact before 6.6). Says so, and stays.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>

#include <linux/types.h>

#include "live.h"
#include "live.skel.h"

#define TCX_EGRESS 47

static int attach_egress(int prog_fd, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd);
	int r;

	if (bpf_link_create(prog_fd, ifindex, (enum bpf_attach_type)TCX_EGRESS, NULL) >= 0)
		return 0;
	r = bpf_tc_hook_create(&hook);
	return r < 0 && r != -EEXIST ? r : bpf_tc_attach(&hook, &opts);
}

int main(int argc, char **argv)
{
	int inside = argc == 3 ? (int)if_nametoindex(argv[1]) : 0;
	int outside = argc == 3 ? (int)if_nametoindex(argv[2]) : 0;
	struct live_bpf *live;

	if (!inside || !outside) {
		fprintf(stderr, "usage: hooks INSIDE OUTSIDE\n");
		return 2;
	}
	live = live_bpf__open_and_load();
	if (!live ||
	    bpf_xdp_attach(inside, bpf_program__fd(live->progs.pass), XDP_FLAGS_DRV_MODE, NULL) <
		    0 ||
	    attach_egress(bpf_program__fd(live->progs.go_on), outside) < 0) {
		fprintf(stderr, "hooks: %s\n", strerror(errno));
		return 1;
	}
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
