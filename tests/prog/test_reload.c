/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P2: a generation is swapped whole, at every hook or at none. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\n"

static const struct frame_spec packet = { "10.0.0.5", "203.0.113.1", 6, 40000,
					  443,        100,           5, .options = 0 };

Test(reload, a_known_pair_is_classified_anew)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to 203.0.113.0/24 then drop }\n", NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_POLICY);
	rig_reload(&r, HEAD "policy \"p\" { from any to 198.51.100.0/24 then drop }\n", NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_PASS_UNMATCHED);
	rig_reload(&r, HEAD "policy \"p\" { from any to 203.0.113.1 then drop }\n", NULL);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_POLICY);
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "203.0.113.1").packets, 3);
}

static const struct hook *hook_on(const struct hook_list *l, const char *ifname)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].ifname, ifname))
			return &l->v[i];
	cr_assert_fail("no hook on %s", ifname);
	return NULL;
}

Test(reload, every_hook_is_attached_where_it_should_be_and_switched)
{
	bool tcx = rig_kernel_has_tcx();
	struct hook_list before, after;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	datapath_hooks(r.dp, &before);
	cr_assert_eq(before.n, 3);
	cr_assert_eq(hook_on(&before, "lan0")->kind, HOOK_XDP);
	cr_assert_eq(hook_on(&before, "lan1")->kind, tcx ? HOOK_TCX_INGRESS : HOOK_CLSACT_INGRESS);
	cr_assert_eq(hook_on(&before, "wan0")->kind, tcx ? HOOK_TCX_EGRESS : HOOK_CLSACT_EGRESS);
	rig_reload(&r, HEAD, NULL);
	datapath_hooks(r.dp, &after);
	for (size_t i = 0; i < before.n; i++) {
		const struct hook *b = &before.v[i], *a = hook_on(&after, b->ifname);

		cr_assert(a->alive);
		cr_assert_eq(a->link_id, b->link_id, "%s was detached and attached again",
			     b->ifname);
		cr_assert_neq(a->prog_id, b->prog_id, "%s kept the old program", b->ifname);
		cr_assert_eq(a->generation, 2);
	}
}

/*
 * `ifaces` has one place for numbers that are the same mod 4096. Who finds his taken is
 * not covered, and no program is left on him that judges what the outside hook judges too.
 */
Test(reload, a_device_whose_place_is_taken_is_left_alone)
{
	static const struct hook_want wants[] = {
		{ "lan0", CF_IF_INSIDE, XDP_AUTO },
		{ "lan1", CF_IF_INSIDE, XDP_NEVER },
		{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
		{ "far0", CF_IF_INSIDE, XDP_AUTO },
	};
	struct hook_list hooks;
	struct why why = { "" };
	char command[128];
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	snprintf(command, sizeof(command), "ip link add far0 index %u type veth peer name far1",
		 r.inside_ifindex + CF_IF_MAX);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(datapath_cover(r.dp, wants, 4, &why), 0, "%s", why.text);
	cr_assert_neq(*why.text, 0);
	datapath_hooks(r.dp, &hooks);
	cr_assert_not(hook_on(&hooks, "far0")->covered);
	cr_assert_eq(hook_on(&hooks, "far0")->kind, HOOK_NONE);
	cr_assert_neq(system("ip link show far0 | grep -q xdp"), 0, "a program is left on it");
	cr_assert_neq(access("/sys/fs/bpf/curfew/links/inside_far0", F_OK), 0);
	cr_assert(hook_on(&hooks, "lan0")->covered);
	hook_list_done(&hooks);
}

Test(reload, a_device_that_comes_back_is_covered_again)
{
	static const struct hook_want wants[] = {
		{ "lan0", CF_IF_INSIDE, XDP_AUTO },
		{ "lan1", CF_IF_INSIDE, XDP_NEVER },
		{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
	};
	struct hook_list hooks;
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	cr_assert_eq(system("ip link del wan0"), 0);
	datapath_hooks(r.dp, &hooks);
	/* a dead link is still pinned; a filter goes with its device */
	if (rig_kernel_has_tcx())
		cr_assert_not(hook_on(&hooks, "wan0")->alive);
	else
		cr_assert_not(hook_on(&hooks, "wan0")->covered);
	cr_assert_eq(system("ip link add wan0 type veth peer name isp0"), 0);
	cr_assert_eq(datapath_cover(r.dp, wants, 3, &why), 0, "%s", why.text);
	datapath_hooks(r.dp, &hooks);
	cr_assert(hook_on(&hooks, "wan0")->alive);
}

Test(reload, a_missing_interface_is_waited_for)
{
	static const struct hook_want wants[] = { { "ppp0", CF_IF_OUTSIDE, XDP_AUTO },
						  { "lan0", CF_IF_INSIDE, XDP_AUTO } };
	struct hook_list hooks;
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	cr_assert_eq(datapath_cover(r.dp, wants, 2, &why), 0, "%s", why.text);
	datapath_hooks(r.dp, &hooks);
	cr_assert_eq(hooks.n, 2, "what is no longer wanted is uncovered");
	cr_assert_not(hook_on(&hooks, "ppp0")->covered);
	cr_assert_str_eq(hook_on(&hooks, "ppp0")->why.text, "there is no such device yet");
}

Test(reload, a_restart_adopts_what_is_pinned)
{
	struct datapath_options opt = { .dir = "/sys/fs/bpf/curfew", .pairs_per_cpu = 4096 };
	struct why why = { "" };
	struct datapath *again;
	struct rig r;

	rig_setup(
		&r,
		HEAD
		"policy \"p\" { from any to any quota 250 B per source each hour at 100% drop }\n",
		NULL);
	rig_packet(&r, RIG_INSIDE, &packet);
	datapath_close(r.dp);
	/* nobody is there, and it still counts */
	rig_repeat(&r, RIG_INSIDE, &packet, 1);
	cr_assert_eq(datapath_open(&opt, &again, &why), 0, "%s", why.text);
	r.dp = again;
	cr_assert_eq(rig_pair(&r, "10.0.0.5", "203.0.113.1").packets, 2);
	cr_assert_eq(rig_quota(&r, CF_KEY_SOURCE).used_bytes, 200);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_QUOTA);
}

Test(reload, detach_leaves_nothing)
{
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	datapath_close(r.dp);
	cr_assert_eq(datapath_detach("/sys/fs/bpf/curfew", &why), 0, "%s", why.text);
	cr_assert_neq(access("/sys/fs/bpf/curfew", F_OK), 0);
	cr_assert_neq(system("ip link show lan0 | grep -q xdp"), 0);
}

Test(reload, an_unconfirmed_generation_turns_to_observe)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	datapath_control(r.dp)->confirm_generation = datapath_generation(r.dp);
	datapath_control(r.dp)->confirm_until = datapath_jiffies(r.dp) + 100000;
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_POLICY);
	datapath_control(r.dp)->confirm_until = datapath_jiffies(r.dp) - 1;
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_PASS_OBSERVED);
}

Test(reload, the_ledger_reads_as_text_from_the_kernel)
{
	char line[256], found[256] = "";
	struct rig r;
	FILE *f;

	rig_setup(&r, HEAD, NULL);
	rig_packet(&r, RIG_INSIDE, &packet);
	f = fopen("/sys/fs/bpf/curfew/pairs", "r");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f))
		if (line[0] != '#')
			strcpy(found, line);
	cr_assert(strstr(found, "10.0.0.5 203.0.113.1"), "got: %s", found);
	cr_assert(strstr(found, "inside"), "got: %s", found);
}

/* A generation that failed to load may have marked slots: its number is not given out again. */
Test(reload, a_number_is_never_reused)
{
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	rig_packet(&r, RIG_INSIDE, &packet);
	cr_assert_eq(datapath_generation(r.dp), 1);
	datapath_control(r.dp)->numbered = 2;
	rig_reload(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	cr_assert_eq(datapath_generation(r.dp), 3);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_POLICY);
}

Test(reload, an_interface_that_changes_sides_keeps_its_new_role)
{
	static const struct hook_want swapped[] = { { "wan0", CF_IF_INSIDE, XDP_NEVER },
						    { "lan0", CF_IF_OUTSIDE, XDP_AUTO } };
	struct hook_list hooks;
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any to any then drop }\n", NULL);
	cr_assert_eq(datapath_cover(r.dp, swapped, 2, &why), 0, "%s", why.text);
	datapath_hooks(r.dp, &hooks);
	cr_assert_eq(hooks.n, 2);
	/* forwarded from wan0, which is inside now: judged there, only totalled here */
	r.inside_ifindex = r.outside_ifindex;
	assert_reason(rig_packet(&r, RIG_FORWARDED, &packet), CF_REASON_SEEN_FORWARDED);
}

Test(reload, other_sizes_asked_for_do_not_matter_to_what_is_pinned)
{
	struct datapath_options opt = { .dir = "/sys/fs/bpf/curfew", .quota_keys = 5000 };
	struct rig_options small = { .quota_keys = 100 };
	struct why why = { "" };
	struct datapath *again;
	struct rig r;

	rig_setup(&r, HEAD, &small);
	datapath_close(r.dp);
	cr_assert_eq(datapath_attach_existing(opt.dir, &again, &why), 0, "%s", why.text);
	datapath_close(again);
	cr_assert_eq(datapath_open(&opt, &r.dp, &why), 0, "%s", why.text);
}

Test(reload, pins_of_another_layout_are_refused_with_advice)
{
	struct datapath_options opt = { .dir = "/sys/fs/bpf/curfew" };
	struct why why = { "" };
	struct datapath *again;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	datapath_control(r.dp)->layout_version = 99;
	datapath_close(r.dp);
	cr_assert_eq(datapath_open(&opt, &again, &why), -ESTALE);
	cr_assert(strstr(why.text, "curfew detach"), "%s", why.text);
	cr_assert_eq(datapath_detach(opt.dir, &why), 0, "%s", why.text);
	cr_assert_neq(access(opt.dir, F_OK), 0);
}
