/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P4, P11: TC hooks without TCX: a clsact filter is ours alone to switch, to adopt and to remove.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "prog_help.h"

#define HEAD             "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define DROP_TEST_NET    "policy \"p\" { from any to 203.0.113.0/24 then drop }\n"
#define DIR              "/sys/fs/bpf/curfew"
#define FOREIGN_HANDLE   77
#define FOREIGN_PRIORITY 50

static const struct rig_options clsact = { .force_clsact = true };
static const struct hook_want wants[] = {
	{ "lan0", CF_IF_INSIDE, XDP_AUTO },
	{ "lan1", CF_IF_INSIDE, XDP_NEVER },
	{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
};

static struct hook hook_on(struct rig *r, const char *ifname)
{
	struct hook_list l = { 0 };
	struct hook found = { .kind = HOOK_NONE };

	cr_assert_eq(datapath_hooks(r->dp, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].ifname, ifname))
			found = l.v[i];
	hook_list_done(&l);
	return found;
}

static void assert_covered(struct rig *r, uint32_t generation)
{
	struct hook in = hook_on(r, "lan1"), out = hook_on(r, "wan0");

	cr_assert_eq(hook_on(r, "lan0").kind, HOOK_XDP);
	cr_assert_eq(in.kind, HOOK_CLSACT_INGRESS, "lan1: %s", hook_kind_name(in.kind));
	cr_assert_eq(out.kind, HOOK_CLSACT_EGRESS, "wan0: %s", hook_kind_name(out.kind));
	cr_assert(in.alive && out.alive);
	cr_assert_eq(in.generation, generation);
	cr_assert_eq(out.generation, generation);
}

/* Lines of `tc filter show` that name a BPF program: one per filter. */
static int filters(const char *ifname, const char *direction)
{
	char command[128], line[512];
	int n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "tc filter show dev %s %s", ifname, direction);
	f = popen(command, "r");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "handle 0x") != NULL;
	cr_assert_eq(pclose(f), 0);
	return n;
}

/* A neighbour's filter behind ours, which lets everything go on. */
static void add_foreign_at(const char *ifname, uint32_t handle, uint32_t priority)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(ifname),
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);
	int e;

	opts.prog_fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", code,
				     ARRAY_SIZE(code), NULL);
	cr_assert_geq(opts.prog_fd, 0);
	e = bpf_tc_attach(&hook, &opts);
	cr_assert_eq(e, 0, "foreign filter: %s", strerror(-e));
	close(opts.prog_fd);
}

static void add_foreign(const char *ifname)
{
	add_foreign_at(ifname, FOREIGN_HANDLE, FOREIGN_PRIORITY);
}

static bool foreign_there(const char *ifname)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(ifname),
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FOREIGN_HANDLE, .priority = FOREIGN_PRIORITY);

	return !bpf_tc_query(&hook, &opts);
}

/* One datagram of our own out of wan0, to a host that needs no answer. */
static void send_out(const char *to)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(inet_pton(AF_INET, to, &sin.sin_addr), 1);
	/* a dropped one says so here, or not, by kernel: the books tell */
	sendto(fd, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin));
	close(fd);
}

static void open_wan(void)
{
	cr_assert_eq(
		system("ip link set wan0 addrgenmode none && ip link set isp0 addrgenmode none && "
		       "ip link set isp0 up && ip link set wan0 up && "
		       "ip addr add 192.0.2.1/24 dev wan0 && "
		       "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wan0 && "
		       "ip route add default via 192.0.2.2"),
		0);
}

static uint64_t left_as(struct rig *r, enum cf_reason reason)
{
	struct reason_totals t;

	cr_assert_eq(datapath_reasons(r->dp, &t), 0);
	return t.t[CF_HOOK_OUTSIDE][reason].packets;
}

Test(clsact, packets_meet_the_generation_in_force)
{
	struct hook before, after;
	struct rig r;

	rig_setup(&r, HEAD DROP_TEST_NET, &clsact);
	open_wan();
	assert_covered(&r, 1);
	send_out("203.0.113.1");
	cr_assert_eq(left_as(&r, CF_REASON_DROP_POLICY), 1);
	send_out("198.51.100.1");
	cr_assert_eq(left_as(&r, CF_REASON_PASS_UNMATCHED), 1);
	before = hook_on(&r, "wan0");
	rig_reload(&r, HEAD, &clsact);
	after = hook_on(&r, "wan0");
	assert_covered(&r, 2);
	cr_assert_neq(before.prog_id, after.prog_id, "the old program is still there");
	cr_assert_eq(filters("wan0", "egress"), 1, "replaced, not added");
	cr_assert_eq(filters("lan1", "ingress"), 1, "replaced, not added");
	send_out("203.0.113.1");
	cr_assert_eq(left_as(&r, CF_REASON_DROP_POLICY), 1);
	cr_assert_eq(left_as(&r, CF_REASON_PASS_UNMATCHED), 2);
}

Test(clsact, a_restart_finds_its_filters)
{
	struct datapath_options opt = { .dir = DIR, .pairs_per_cpu = 4096, .force_clsact = true };
	struct why why = { "" };
	struct datapath *again;
	struct hook before;
	struct rig r;
	int e;

	rig_setup(&r, HEAD DROP_TEST_NET, &clsact);
	open_wan();
	before = hook_on(&r, "wan0");
	datapath_close(r.dp);
	/* nobody is there, and it still enforces */
	send_out("203.0.113.1");
	e = datapath_open(&opt, &again, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	r.dp = again;
	assert_covered(&r, 1);
	cr_assert_eq(hook_on(&r, "wan0").prog_id, before.prog_id);
	cr_assert_eq(left_as(&r, CF_REASON_DROP_POLICY), 1);
	rig_reload(&r, HEAD DROP_TEST_NET, &clsact);
	assert_covered(&r, 2);
	cr_assert_eq(filters("wan0", "egress"), 1, "switched in place, not added");
	send_out("203.0.113.1");
	cr_assert_eq(left_as(&r, CF_REASON_DROP_POLICY), 2);
}

Test(clsact, others_filters_and_the_qdisc_stay)
{
	struct why why = { "" };
	struct rig r;
	int e;

	rig_setup(&r, HEAD, &clsact);
	add_foreign("wan0");
	cr_assert_eq(filters("wan0", "egress"), 2);
	rig_reload(&r, HEAD, &clsact);
	cr_assert_eq(filters("wan0", "egress"), 2);
	cr_assert(foreign_there("wan0"), "reload took another's filter away");
	datapath_close(r.dp);
	e = datapath_detach(DIR, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert_eq(filters("lan1", "ingress"), 0, "our filter is still there");
	cr_assert_eq(filters("wan0", "egress"), 1, "our filter is still there");
	cr_assert(foreign_there("wan0"), "detach took another's filter away");
	cr_assert_eq(system("tc qdisc show dev wan0 | grep -q clsact"), 0, "the qdisc is gone");
	cr_assert_neq(access(DIR, F_OK), 0);
}

/* No pin holds a filter: whoever takes the pins away has to take it away, too. */
Test(clsact, filters_go_with_the_pins_of_another_version)
{
	struct datapath_options opt = { .dir = DIR, .pairs_per_cpu = 4096, .force_clsact = true };
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD DROP_TEST_NET, &clsact);
	add_foreign("wan0");
	datapath_control(r.dp)->layout_version = 99;
	datapath_close(r.dp);
	cr_assert_eq(datapath_detach(DIR, &why), 0, "%s", why.text);
	cr_assert_neq(access(DIR, F_OK), 0);
	cr_assert_eq(filters("lan1", "ingress"), 0, "our filter is still there");
	cr_assert_eq(filters("wan0", "egress"), 1, "our filter is still there");
	cr_assert(foreign_there("wan0"), "detach took another's filter away");
	/* and there is room for the new version's */
	cr_assert_eq(datapath_open(&opt, &r.dp, &why), 0, "%s", why.text);
	rig_reload(&r, HEAD, &clsact);
	assert_covered(&r, 1);
}

Test(clsact, a_filter_that_another_removed_is_missed_and_put_back)
{
	struct why why = { "" };
	struct rig r;
	int e;

	rig_setup(&r, HEAD, &clsact);
	cr_assert_eq(system("tc qdisc del dev wan0 clsact"), 0);
	cr_assert_eq(hook_on(&r, "wan0").kind, HOOK_CLSACT_EGRESS);
	cr_assert_not(hook_on(&r, "wan0").alive, "nobody noticed");
	e = datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why);
	cr_assert_eq(e, 0, "%s", why.text);
	assert_covered(&r, 1);
	cr_assert_eq(filters("wan0", "egress"), 1);
}

Test(clsact, a_hook_that_is_no_longer_wanted_is_removed)
{
	struct why why = { "" };
	struct rig r;
	int e;

	rig_setup(&r, HEAD, &clsact);
	e = datapath_cover(r.dp, wants, 1, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert_eq(hook_on(&r, "wan0").kind, HOOK_NONE);
	cr_assert_eq(filters("wan0", "egress"), 0);
	cr_assert_eq(filters("lan1", "ingress"), 0);
}

/* A neighbour that takes the first handle at the first priority is not taken for us. */
Test(clsact, anothers_filter_is_not_ours)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	struct why why = { "" };
	struct rig r;
	int e;

	rig_setup(&r, HEAD, &clsact);
	hook.ifindex = (int)if_nametoindex("wan0");
	cr_assert_eq(system("tc qdisc del dev wan0 clsact && tc qdisc add dev wan0 clsact"), 0);
	add_foreign_at("wan0", 1, 1);
	cr_assert_not(hook_on(&r, "wan0").alive, "taken for ours");
	e = datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why);
	cr_assert_eq(e, 0, "%s", why.text);
	assert_covered(&r, 1);
	cr_assert_eq(filters("wan0", "egress"), 2);
	datapath_close(r.dp);
	e = datapath_detach(DIR, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert_eq(filters("wan0", "egress"), 1);
	cr_assert_eq(bpf_tc_query(&hook, &opts), 0, "detach took another's filter away");
}

/* The first priority belongs to a filter of another kind: ours goes behind it. */
Test(clsact, a_priority_that_is_taken_is_left)
{
	struct why why = { "" };
	struct rig r;
	int e;

	rig_setup(&r, HEAD, &clsact);
	cr_assert_eq(system("tc qdisc del dev wan0 clsact && tc qdisc add dev wan0 clsact"), 0);
	if (system("tc filter add dev wan0 egress protocol all prio 1 u32 match u32 0 0 flowid 1:1 2>/dev/null"))
		cr_skip_test("no u32 classifier");
	e = datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why);
	cr_assert_eq(e, 0, "%s", why.text);
	assert_covered(&r, 1);
	rig_reload(&r, HEAD, &clsact);
	assert_covered(&r, 2);
}

Test(clsact, a_device_that_is_gone_is_listed_as_dead)
{
	struct hook h;
	struct rig r;

	rig_setup(&r, HEAD, &clsact);
	cr_assert_eq(system("ip link del wan0"), 0);
	h = hook_on(&r, "wan0");
	cr_assert_eq(h.kind, HOOK_CLSACT_EGRESS, "it vanished");
	cr_assert_not(h.alive);
	cr_assert_gt(strlen(h.why.text), 0);
}
