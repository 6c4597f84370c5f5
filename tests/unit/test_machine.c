/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From links, addresses and routes to what the compiler is told, and the caller's connection from
 * its text. */
#include <criterion/criterion.h>
#include <string.h>

#include "app/daemon/caller.h"
#include "app/machine.h"
#include "base/buf.h"

static struct net_state net;
static struct policy_set set;

static void link_is(uint32_t ifindex, const char *name, uint32_t master, uint32_t lower)
{
	struct net_link l = { .ifindex = ifindex, .up = true, .master = master, .lower = lower };

	strncpy(l.name, name, sizeof(l.name) - 1);
	*VEC_ADD(&net.links) = l;
}

static void address_is(uint32_t ifindex, const char *addr, unsigned int bits)
{
	struct net_address a = { .ifindex = ifindex };

	cr_assert_eq(addr_parse(addr, &a.addr), 0);
	a.on_link = prefix_of(&a.addr, bits);
	*VEC_ADD(&net.addresses) = a;
}

static void route_is(uint32_t ifindex, const char *dst, bool gateway)
{
	struct net_route r = { .ifindex = ifindex, .gateway = gateway, .main_table = true };

	cr_assert_eq(prefix_parse(dst, &r.dst), 0);
	r.is_default = r.dst.bits == (addr_is4(&r.dst.addr) ? 96 : 0);
	*VEC_ADD(&net.routes) = r;
}

static bool holds(const struct prefix_list *l, const char *text)
{
	char buf[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(prefix_format(&l->v[i], buf), text))
			return true;
	return false;
}

static void gateway(void)
{
	*VEC_ADD(&set.inside) = (struct name_at){ .name = (char *)"lan0" };
	*VEC_ADD(&set.inside) = (struct name_at){ .name = (char *)"port1" };
	*VEC_ADD(&set.outside) = (struct name_at){ .name = (char *)"wan0" };
	link_is(1, "lo", 0, 0);
	link_is(2, "lan0", 0, 0);
	link_is(3, "wan0", 0, 0);
	link_is(4, "lan0.20", 0, 2);
	link_is(5, "br0", 0, 0);
	link_is(6, "port1", 5, 0);
	link_is(7, "wan0.7", 0, 3);
	address_is(1, "127.0.0.1", 8);
	address_is(2, "10.1.0.1", 24);
	address_is(2, "10.1.0.2", 24);
	address_is(3, "198.51.100.2", 30);
	address_is(4, "10.2.0.1", 24);
	address_is(5, "10.3.0.1", 24);
	address_is(7, "192.0.2.1", 24);
	address_is(2, "fd00:1::1", 64);
	route_is(3, "0.0.0.0/0", true);
	route_is(2, "10.9.0.0/16", true);
	route_is(2, "10.8.0.0/16", false);
	route_is(2, "ff00::/8", false);
	route_is(3, "203.0.113.0/24", true);
}
TestSuite(machine, .init = gateway);

Test(machine, knows_its_own_addresses)
{
	struct machine m;

	machine_build(&net, &set, &m);
	cr_assert(holds(&m.local, "10.1.0.1"));
	cr_assert(holds(&m.local, "198.51.100.2"));
	cr_assert(holds(&m.local, "fd00:1::1"));
	cr_assert_eq(m.local.n, net.addresses.n);
	machine_done(&m);
}

Test(machine, inside_is_what_is_routed_there)
{
	struct machine m;

	machine_build(&net, &set, &m);
	cr_assert(holds(&m.inside, "10.1.0.0/24"));
	cr_assert(holds(&m.inside, "10.9.0.0/16"), "behind a router");
	cr_assert(holds(&m.inside, "10.2.0.0/24"), "a VLAN on an inside interface");
	cr_assert(holds(&m.inside, "10.3.0.0/24"), "the bridge of an inside port");
	cr_assert_not(holds(&m.inside, "198.51.100.0/30"));
	cr_assert_not(holds(&m.inside, "192.0.2.0/24"), "a VLAN on an outside interface");
	cr_assert_not(holds(&m.inside, "203.0.113.0/24"));
	cr_assert_not(holds(&m.inside, "0.0.0.0/0"));
	cr_assert_not(holds(&m.inside, "ff00::/8"));
	machine_done(&m);
}

Test(machine, only_attached_segments_are_on_link)
{
	struct machine m;

	machine_build(&net, &set, &m);
	cr_assert(holds(&m.inside_links, "10.1.0.0/24"));
	cr_assert(holds(&m.inside_links, "10.8.0.0/16"));
	cr_assert_not(holds(&m.inside_links, "10.9.0.0/16"));
	machine_done(&m);
}

Test(machine, a_default_route_inside_does_not_swallow_the_world)
{
	struct machine m;

	machine_build(&net, &set, &m);
	cr_assert_not(m.inside_default[0] || m.inside_default[1], "that of IPv4 leads outside");
	machine_done(&m);
	route_is(2, "0.0.0.0/0", true);
	machine_build(&net, &set, &m);
	cr_assert(m.inside_default[0] && !m.inside_default[1]);
	machine_done(&m);
	route_is(2, "::/0", true);
	machine_build(&net, &set, &m);
	cr_assert(m.inside_default[1]);
	cr_assert_not(holds(&m.inside, "0.0.0.0/0"));
	cr_assert_not(holds(&m.inside, "::/0"));
	machine_done(&m);
}

Test(machine, order_does_not_matter_but_content_does)
{
	struct machine a, b, c;

	machine_build(&net, &set, &a);
	for (size_t i = 0; i < net.addresses.n / 2; i++) {
		struct net_address t = net.addresses.v[i];

		net.addresses.v[i] = net.addresses.v[net.addresses.n - 1 - i];
		net.addresses.v[net.addresses.n - 1 - i] = t;
	}
	machine_build(&net, &set, &b);
	address_is(3, "198.51.100.66", 32);
	machine_build(&net, &set, &c);
	cr_assert(machine_equal(&a, &b));
	cr_assert_not(machine_equal(&a, &c));
	machine_done(&a);
	machine_done(&b);
	machine_done(&c);
}

Test(machine, wants_every_interface_by_its_role)
{
	struct want_list l;

	wants_build(&set, &l);
	cr_assert_eq(l.n, 3);
	cr_assert_str_eq(l.v[0].ifname, "lan0");
	cr_assert_eq(l.v[0].role, CF_IF_INSIDE);
	cr_assert_str_eq(l.v[2].ifname, "wan0");
	cr_assert_eq(l.v[2].role, CF_IF_OUTSIDE);
	wants_done(&l);
}

Test(caller, reads_what_sshd_writes)
{
	static const struct {
		const char *text, *client, *server;
	} cases[] = {
		{ "198.51.100.7 50022 203.0.113.1 22", "198.51.100.7", "203.0.113.1" },
		{ "2001:db8::7 50022 2001:db8::1 22", "2001:db8::7", "2001:db8::1" },
		{ "fe80::7%eth0 50022 fe80::1%eth0 22", "fe80::7", "fe80::1" },
		{ "", NULL, NULL },
		{ "198.51.100.7 50022", NULL, NULL },
		{ "somebody 1 elsewhere 2", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char client[ADDR_TEXT_MAX], server[ADDR_TEXT_MAX];
		struct caller c;

		cr_assert_eq(caller_parse(cases[i].text, &c), cases[i].client != NULL, "%s",
			     cases[i].text);
		if (!cases[i].client)
			continue;
		cr_assert_str_eq(addr_format(&c.client, client), cases[i].client);
		cr_assert_str_eq(addr_format(&c.server, server), cases[i].server);
	}
}
