/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `init` proposes is a configuration: it parses, passes the checks, and says what the machine
 * is. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "app/cmd/proposal.h"
#include "core/policy/policy.h"

static struct net_state net;

static void link_is(uint32_t ifindex, const char *name, bool up, uint32_t lower)
{
	struct net_link l = { .ifindex = ifindex, .up = up, .lower = lower };

	strncpy(l.name, name, sizeof(l.name) - 1);
	l.loopback = !strcmp(name, "lo");
	*VEC_ADD(&net.links) = l;
}

static void address_is(uint32_t ifindex, const char *addr, unsigned int bits)
{
	struct net_address a = { .ifindex = ifindex };

	cr_assert_eq(addr_parse(addr, &a.addr), 0);
	a.on_link = prefix_of(&a.addr, bits);
	*VEC_ADD(&net.addresses) = a;
}

static void default_by(uint32_t ifindex, const char *any, uint32_t metric)
{
	struct net_route r = { .ifindex = ifindex,
			       .is_default = true,
			       .gateway = true,
			       .main_table = true,
			       .metric = metric };

	cr_assert_eq(prefix_parse(any, &r.dst), 0);
	*VEC_ADD(&net.routes) = r;
}

static int read_text(void *arg, const char *path _unused_, char **ret_text, size_t *ret_size)
{
	const struct buf *b = arg;

	*ret_text = xstrndup(buf_text(b), b->n);
	*ret_size = b->n;
	return 0;
}

static int no_glob(void *arg _unused_, const char *pattern _unused_, char ***ret_paths)
{
	*ret_paths = xcalloc(1, sizeof(char *));
	return 0;
}

static struct policy_set *propose(const struct proposal_facts *f)
{
	_cleanup_buf_ struct buf text = { 0 }, complaints = { 0 };
	struct policy_io io = { read_text, no_glob, &text };
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	struct policy_set *set = NULL;

	cr_assert_eq(proposal_write(f, &text), 0);
	policy_parse(&io, "/init.conf", &set, &diags);
	if (set)
		policy_check(set, &io, &diags);
	diag_print(&diags, &complaints);
	cr_assert_eq(diags.n, 0, "%s\n%s", buf_text(&text), buf_text(&complaints));
	return set;
}

static void gateway(void)
{
	link_is(1, "lo", true, 0);
	link_is(2, "wan0", true, 0);
	link_is(3, "lan0", true, 0);
	link_is(4, "lan0.5", true, 3);
	link_is(5, "spare", false, 0);
	link_is(6, "public", true, 0);
	link_is(7, "backup", true, 0);
	address_is(1, "127.0.0.1", 8);
	address_is(2, "198.51.100.2", 24);
	address_is(2, "100.64.7.2", 24); /* the provider's, not ours */
	address_is(3, "10.1.0.1", 24);
	address_is(3, "fe80::1", 64);
	address_is(3, "fd00:1::1", 64);
	address_is(4, "10.5.0.1", 24);
	address_is(5, "10.6.0.1", 24);
	address_is(6, "203.0.113.9", 24);
	address_is(7, "192.0.2.2", 24);
	default_by(2, "0.0.0.0/0", 100);
	default_by(7, "0.0.0.0/0", 500);
	default_by(2, "::/0", 1024);
}
TestSuite(proposal, .init = gateway);

Test(proposal, a_gateway)
{
	struct caller caller;
	struct proposal_facts f = {
		.net = &net, .host = "gw \"1\"\\", .zone = "Africa/Addis_Ababa", .caller = &caller
	};
	struct policy_set *set;

	cr_assert(caller_parse("192.0.2.77 5000 198.51.100.2 22", &caller));
	set = propose(&f);
	cr_assert_eq(set->mode, MODE_OBSERVE, "a fresh install never drops");
	cr_assert_eq(set->outside.n, 1);
	cr_assert_str_eq(set->outside.v[0].name, "wan0", "the better default route");
	cr_assert_eq(set->inside.n, 1,
		     "no VLAN of a covered device, nothing that is down or public");
	cr_assert_str_eq(set->inside.v[0].name, "lan0");
	cr_assert_eq(set->networks.n, 4);
	cr_assert_eq(set->protects.n, 1);
	cr_assert_eq(set->policies.n, 1);
	cr_assert_str_eq(set->site.name, "gw 1");
	cr_assert_str_eq(set->site.timezone, "Africa/Addis_Ababa");
	policy_set_free(set);
}

Test(proposal, a_single_machine)
{
	struct proposal_facts f = { .net = &net, .host = "", .country = "/x/country.mmdb" };
	struct policy_set *set;

	net.links.n = 2;
	net.addresses.n = 2;
	set = propose(&f);
	cr_assert_eq(set->inside.n, 0);
	cr_assert_eq(set->outside.n, 1);
	cr_assert_eq(set->geo.n, 1);
	cr_assert_eq(set->protects.n, 0);
	policy_set_free(set);
}

Test(proposal, without_a_default_route_there_is_no_outside)
{
	struct proposal_facts f = { .net = &net, .host = "x" };
	_cleanup_buf_ struct buf text = { 0 };

	net.routes.n = 0;
	cr_assert_eq(proposal_write(&f, &text), -ENODEV);
}

Test(proposal, tells_which_hook_each_interface_would_get)
{
	struct device d[] = {
		{ .ifindex = 2, .name = "eth0", .arphrd = 1, .default_route = true },
		{ .ifindex = 3, .name = "br0", .kind = "bridge", .arphrd = 1 },
		{ .ifindex = 4, .name = "eth1", .arphrd = 1, .strips_vlan = true },
	};
	struct device_list devices = { d, ARRAY_SIZE(d), ARRAY_SIZE(d) };
	struct proposal_facts f = { .net = &net, .devices = &devices };
	_cleanup_buf_ struct buf text = { 0 };

	link_is(2, "eth0", true, 0);
	link_is(3, "br0", true, 0);
	link_is(4, "eth1", true, 0);
	address_is(3, "10.0.0.1", 24);
	address_is(4, "10.1.0.1", 24);
	default_by(2, "0.0.0.0/0", 100);
	cr_assert_eq(proposal_write(&f, &text), 0);
	cr_assert(strstr(text.s, "# br0: TC ingress: a bridge\n"), "%s", text.s);
	cr_assert(strstr(text.s, "# eth1: TC ingress: the NIC strips VLAN tags"), "%s", text.s);
	cr_assert(strstr(text.s, "# eth0: TC egress: all that leaves, after NAT\n"), "%s", text.s);
	policy_set_free(propose(&f));
}

Test(proposal, keeps_a_veth_from_native_xdp)
{
	struct device d[] = {
		{ .ifindex = 2,
		  .name = "wan0",
		  .kind = "veth",
		  .arphrd = 1,
		  .default_route = true },
		{ .ifindex = 3, .name = "lan0", .kind = "veth", .arphrd = 1 },
		{ .ifindex = 8, .name = "eth1", .arphrd = 1 },
	};
	struct device_list devices = { d, ARRAY_SIZE(d), ARRAY_SIZE(d) };
	struct proposal_facts f = { .net = &net, .devices = &devices };
	_cleanup_buf_ struct buf text = { 0 };
	struct policy_set *set;

	link_is(8, "eth1", true, 0);
	address_is(8, "10.8.0.1", 24);
	cr_assert_eq(proposal_write(&f, &text), 0);
	cr_assert(strstr(text.s, "# lan0: TC ingress: as configured, xdp never\n"), "%s", text.s);
	set = propose(&f);
	cr_assert_eq(set->inside.n, 2);
	cr_assert(set->inside.v[0].xdp_never);
	cr_assert_not(set->inside.v[1].xdp_never, "hardware");
	policy_set_free(set);
}
