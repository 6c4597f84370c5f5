/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each program costs this kernel's verifier, and how large it is, by policy set: a line each,
 * which tests/vm/run compares. And what the usual packet's way calls.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hit_calls.h"
#include "limits.h"
#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define NIGHT                                                                                      \
	"window night = daily 22:00-06:00\n"                                                       \
	"policy \"night\" { from inside to any except 198.51.100.0/24 during night\n"              \
	"  quota 50 MB per destination each window quota 2 GB per source each window\n"            \
	"  at 80% alert warning at 100% drop, alert critical }\n"
#define EVERYTHING                                                                                 \
	"policy \"cameras\" { from 10.20.0.0/24 to any then drop, alert warning }\n"               \
	"policy \"leaks\" { from any to 203.0.113.0/24, 2001:db8:77::/48\n"                        \
	"  quota 1 GB wire per prefix 24/48 each day quota 1 GB per pair each hour\n"              \
	"  quota 1 GB per mac each week at 100% alert warning\n"                                   \
	"  except { from 10.0.0.40 to 203.0.113.9 } }\n"                                           \
	"protect { from gateway to 198.51.100.7 }\n"                                               \
	"exempt \"visit\" { from 10.0.7.9 to 203.0.113.8 policies \"night\" }\n"

/* All of the above, and what else a policy set can make the programs do: the longest calls. */
#define ACTIONS                                                                                    \
	"policy \"slow\" { from interface lan0 to any service tcp/443 initiated inside\n"          \
	"  rate 10 Mbit/s burst 1 MB per source quota 1 GB per pair each day\n"                    \
	"  at 50% alert, mark 0x10 at 100% drop for 10 min, quarantine source for 2 h, alert }\n"  \
	"policy \"pairs\" { from vlan 20 to 203.0.113.0/24 then drop for 2 h, alert }\n"           \
	"policy \"one\" { from mac 02:00:00:00:00:05 to any then mark 0x20 }\n"                    \
	"publish \"web\" { host 10.0.5.10 service tcp/443 at most 1 GB per pair each day }\n"      \
	"on daemon-stall closed\non table-full drop\non parse-failure drop\n"

static void print_cost(const char *policy, const char *program, int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	cr_assert_geq(fd, 0, "%s is not pinned", program);
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	cr_assert_gt(info.verified_insns, 0);
	cr_assert_gt(info.jited_prog_len, 0);
	printf("verifier %s %s %u\n", policy, program, info.verified_insns);
	printf("jited %s %s %u\n", policy, program, info.jited_prog_len);
	fflush(stdout);
}

static int pinned(const char *program)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/fs/bpf/curfew/progs/%s", program);
	return bpf_obj_get(path);
}

/* The newest of that name: the loader's own programs have no pins. */
static int by_name(const char *program)
{
	uint32_t id = 0;
	int found = -1;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, program)) {
			if (found >= 0)
				close(found);
			found = fd;
		} else {
			close(fd);
		}
	}
	return found;
}

/* One of those that packets go through. */
static void measure_hook(const char *policy, const char *program, bool fails)
{
	int fd = pinned(program);

	print_cost(policy, program, fd);
	hit_calls_check(program, fd, fails);
	close(fd);
}

/* `fails`: it says what becomes of packets while something fails. */
static void measure_rig(const char *name, struct rig *r, bool fails)
{
	static const char *const programs[] = { "xdp_inside", "tc_inside", "tc_outside" };
	static const struct hook_want big = { "big0", CF_IF_INSIDE, XDP_AUTO };
	struct why why = { "" };
	int e;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		measure_hook(name, programs[i], fails);
	/* the flavour for frames in several pieces, which only such an MTU wants */
	cr_assert_eq(system("ip link add big0 mtu 9000 type veth peer name big1 mtu 9000 && "
			    "ip link set big1 up && ip link set big0 up"),
		     0);
	e = datapath_load(r->dp, r->image, &r->clock, &big, 1, 0, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	measure_hook(name, "xdp_inside_frags", fails);
}

static void measure(const char *name, const char *policy, bool fails)
{
	struct rig r;

	rig_setup(&r, policy, NULL);
	measure_rig(name, &r, fails);
}

Test(verifier, no_policy)
{
	static const char *const own[] = { "read_clocks", "retire_quota", "pairs" };

	measure("none", HEAD, false);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		int fd = by_name(own[i]);

		print_cost("none", own[i], fd);
		close(fd);
	}
}

Test(verifier, one_night_policy)
{
	measure("night", HEAD NIGHT, false);
}

Test(verifier, every_kind_of_rule)
{
	measure("everything", HEAD NIGHT EVERYTHING, false);
}

Test(verifier, every_action)
{
	measure("actions", HEAD NIGHT EVERYTHING ACTIONS, true);
}

/* What `check` accepts, the kernel takes: as much of everything as there may be, all at once. */
Test(verifier, at_the_limits)
{
	struct limits l = limits_make();
	struct rig r;

	rig_setup(&r, l.policy, &l.options);
	limits_check(r.image);
	limits_packets(&r);
	measure_rig("limits", &r, true);
}
