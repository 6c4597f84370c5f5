/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interface is hooked where, and why: machines as text, one row per case.
 *
 * A device is "name[:kind][@master][/lower][flags]", flags being !strips (VLAN
 * tags), !gro (aggregates, and can't help it), !offload, !default (route), !l3
 * (no Ethernet header), !filter (a bridge that knows VLANs), !own (a macvlan
 * that takes packets from no sibling), !xdp (another's program), !ours.
 * A want is "+name" inside, "-name" outside, "=name" inside with xdp never.
 * What is expected is "name hook why" per want, hook being xdp, tc, egress, at
 * (elsewhere), wait or refused; "name up" for a device that the outside hook
 * must take for seen, "name down" for one that it must not. `why` is a part of the text, or with
 * '*' of the warning.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/coverage/coverage.h"

struct row {
	const char *what, *devices, *wants, *expect;
};

static const struct row rows[] = {
	{ "a plain NIC", "lan wan", "+lan -wan", "lan xdp frame; wan egress NAT" },
	{ "a veth", "lan:veth wan", "+lan -wan", "lan xdp frame; wan egress NAT" },
	{ "a veth that strips tags without VLANs", "lan:veth!strips wan", "+lan -wan",
	  "lan xdp frame" },
	{ "xdp never", "lan wan", "=lan -wan", "lan tc xdp never" },
	{ "a NIC that strips tags", "lan!strips wan", "+lan -wan", "lan tc strips VLAN" },
	{ "a NIC that strips tags, outside", "lan wan!strips", "-wan", "wan egress NAT" },
	{ "a NIC that aggregates", "lan!gro wan", "+lan -wan", "lan tc puts frames together" },
	{ "the default route's", "lan!default", "+lan", "lan tc default route" },
	{ "the default route's, ours already", "lan!default!ours", "+lan", "lan xdp frame" },
	{ "the slot taken", "lan!xdp", "+lan", "lan tc taken by foreign" },
	{ "the slot taken, by us", "lan!ours", "+lan", "lan xdp frame" },
	{ "the slot taken, and never wanted", "lan!xdp", "=lan", "lan tc xdp never" },
	{ "stripping comes before the slot", "lan!xdp!strips", "+lan", "lan tc strips" },
	{ "hardware offload", "lan!offload", "+lan", "lan xdp * hw-tc-offload" },
	{ "hardware offload outside", "wan!offload", "-wan", "wan egress * hw-tc-offload" },
	{ "not there", "lan", "+lan -ppp0", "lan xdp frame; ppp0 wait no such device" },
	{ "nothing there", "", "+lan", "lan wait no such device" },
	/* virtual and without Ethernet */
	{ "tun", "t0:tun!l3", "+t0", "t0 tc tun, tap" },
	{ "tap", "t0:tun", "+t0", "t0 tc tun, tap" },
	{ "WireGuard", "wg0:wireguard!l3", "+wg0", "wg0 tc WireGuard" },
	{ "ppp inside", "ppp0:ppp!l3", "+ppp0", "ppp0 tc PPP" },
	{ "ppp outside", "ppp0:ppp!l3 eth", "-ppp0", "ppp0 egress NAT" },
	{ "GRE", "g:gre!l3", "+g", "g tc GRE" },
	{ "VXLAN on an inside NIC: another packet", "e v:vxlan/e", "+e +v", "e xdp; v tc VXLAN" },
	{ "a kind we never heard of", "x:quux", "+x", "x tc virtual device (quux)" },
	{ "hardware without Ethernet", "ib!l3", "+ib", "ib tc no Ethernet header" },
	{ "the loopback", "lo", "+lo", "lo refused loopback" },
	/* bridges */
	{ "a bridge", "br:bridge p:veth@br q:veth@br wan", "+br -wan",
	  "br tc a bridge; wan egress" },
	{ "a bridge at all its ports", "br:bridge p:veth@br q:veth@br wan", "+p +q -wan",
	  "p xdp; q xdp; br up" },
	{ "a bridge at one port", "br:bridge p:veth@br q:veth@br wan", "+p -wan",
	  "p refused add q, or name br; br down" },
	{ "a bridge at one port, nobody outside", "br:bridge p:veth@br q:veth@br", "+p",
	  "p xdp * add q, or name br" },
	{ "a bridge at one of many ports", "br:bridge p:veth@br a@br b@br c@br d@br e@br wan",
	  "+p -wan", "p refused a, b, c and 2 more" },
	{ "a bridge and all its ports", "br:bridge p:veth@br q:veth@br wan", "+br +p +q -wan",
	  "br tc; p at br; q at br" },
	{ "a bridge and a port", "br:bridge p:veth@br q:veth@br wan", "+p +br -wan",
	  "br tc; p at br" },
	{ "a bridge with one port", "br:bridge p:veth@br wan", "+p -wan", "p xdp; br up" },
	{ "a bridge between inside and outside", "br:bridge p:veth@br w:veth@br", "+p -w",
	  "p xdp; w egress; br down" },
	{ "the same with the bridge named", "br:bridge p:veth@br w:veth@br", "+br +p -w",
	  "br at p; p xdp; w egress" },
	{ "the same and a port too many", "br:bridge p:veth@br q:veth@br w:veth@br", "+p -w",
	  "p refused add q" },
	{ "bridge outside, port inside", "br:bridge p:veth@br q@br", "+p -br",
	  "p refused add q; br egress * bridges by itself" },
	{ "outside at a bridge and its port", "br:bridge p:veth@br q@br", "-br -p",
	  "br egress; p at br" },
	{ "outside at two ports", "br:bridge p:veth@br q:veth@br l", "+l -p -q",
	  "p egress; q egress; l xdp" },
	/* bonds and teams */
	{ "a bond", "bond0:bond a@bond0 b@bond0 wan", "+bond0 -wan", "bond0 tc a bond" },
	{ "a bond's part", "bond0:bond a@bond0 b@bond0 wan", "+a -wan",
	  "a refused write 'inside bond0'" },
	{ "all of a bond's parts", "bond0:bond a@bond0 b@bond0 wan", "+a +b -wan",
	  "a refused write 'inside bond0'; b refused bond0" },
	{ "a bond's part, nobody outside", "bond0:bond a@bond0", "+a",
	  "a xdp * write 'inside bond0'" },
	{ "a bond and its part", "bond0:bond a@bond0 wan", "+bond0 +a -wan",
	  "bond0 tc; a at bond0" },
	{ "a bond's part outside", "bond0:bond a@bond0 l", "+l -a",
	  "a egress * write 'outside bond0'" },
	{ "a bond and its part outside", "bond0:bond a@bond0", "-bond0 -a",
	  "bond0 egress; a at bond0" },
	{ "a team", "t:team a@t wan", "+t -wan", "t tc a team" },
	{ "a bond in a bridge", "br:bridge bond0:bond@br a@bond0 wan", "+bond0 -wan",
	  "bond0 tc a bond; br up" },
	/* VLANs */
	{ "a VLAN", "e v:vlan/e wan", "+v -wan", "v tc a VLAN" },
	{ "a trunk", "e v:vlan/e wan", "+e -wan", "e xdp; v up" },
	{ "a trunk that strips", "e!strips v:vlan/e wan", "+e -wan", "e tc strips; v up" },
	{ "a veth trunk that strips", "e:veth!strips v:vlan/e wan", "+e -wan",
	  "e tc VLANs are on it; v up" },
	{ "a trunk and its VLAN", "e v:vlan/e wan", "+e +v -wan", "e xdp; v at e; v up" },
	{ "QinQ and the trunk", "e s:vlan/e c:vlan/s wan", "+e +c -wan",
	  "e xdp; c at e; c up; s up" },
	{ "QinQ and the outer VLAN", "e s:vlan/e c:vlan/s wan", "+s +c -wan",
	  "s tc; c at s; c up" },
	{ "two VLANs, one inside, one outside", "e v:vlan/e w:vlan/e", "+v -w", "v tc; w egress" },
	{ "a trunk inside, one of its VLANs outside", "e v:vlan/e w:vlan/e", "+e -w",
	  "e xdp * w, which is outside; w egress" },
	{ "a trunk and a VLAN outside", "l e v:vlan/e", "+l -v -e", "v at e; e egress" },
	{ "VLANs in a bridge, by the trunk", "e v:vlan@br/e w:vlan@br/e br:bridge wan", "+e -wan",
	  "e xdp; v up; br up" },
	{ "the same, and the bridge", "e v:vlan@br/e br:bridge wan", "+e +br -wan",
	  "e xdp; br at e; br up" },
	{ "one VLAN of a bridge", "e v:vlan@br/e w:vlan@br/e br:bridge wan", "+v -wan",
	  "v refused add w" },
	{ "a VLAN of a bridge that is covered by its ports",
	  "br:bridge p:veth@br q:veth@br v:vlan/br wan", "+p +q -wan", "br up; v up" },
	{ "a VLAN of a veth port's bridge", "br:bridge p:veth!strips@br v:vlan/br wan", "+p -wan",
	  "p tc VLANs are on it" },
	{ "a port of a bridge that knows VLANs", "br:bridge!filter p:veth!strips@br wan", "+p -wan",
	  "p tc VLANs are on it" },
	{ "a VLAN of a bridge", "br:bridge p@br v:vlan/br wan", "+br -wan", "br tc; v up" },
	{ "a VLAN over a port that is not hooked", "br:bridge p@br q@br v:vlan/p wan", "+p +v -wan",
	  "p refused add q; v tc a VLAN" },
	{ "a VLAN on a bond's part that is seen at the bond", "b:bond p@b v:vlan/p wan",
	  "+b +p +v -wan", "b tc; p at b; v tc" },
	{ "a VLAN of a bond", "b:bond p@b v:vlan/b wan", "+b -wan", "b tc; v up" },
	/* macvlan, VRF, switch chips */
	{ "a macvlan", "e m:macvlan/e wan", "+m -wan", "m tc a macvlan" },
	{ "under a macvlan of its own", "e m:macvlan!own/e wan", "+e -wan", "e xdp; m up" },
	{ "both", "e m:macvlan!own/e wan", "+e +m -wan", "e xdp; m at e; m up" },
	{ "a macvlan with siblings", "e m:macvlan/e wan", "+e +m -wan",
	  "e xdp * m on it takes packets; m at e; m down" },
	{ "a VRF", "vrf:vrf a@vrf wan", "+vrf -wan", "vrf refused name the interfaces" },
	{ "in a VRF", "vrf:vrf a@vrf b@vrf", "+a +b", "a xdp; b xdp; vrf up" },
	{ "some in a VRF", "vrf:vrf a@vrf b@vrf", "+a", "a xdp; vrf down" },
	{ "both sides in a VRF", "vrf:vrf a@vrf w@vrf", "+a -w", "a xdp; w egress; vrf up" },
	{ "a switch chip's CPU port", "e p1:dsa/e p2:dsa/e wan", "+e -wan",
	  "e refused switch's ports, as p1" },
	{ "a switch chip's ports", "e p1:dsa/e p2:dsa/e wan", "+p1 -wan", "p1 tc a switch's port" },
};

/* ---- text to facts ------------------------------------------------------------ */

static struct device_list devices;
static struct coverage_want wants[8];
static struct coverage got[8];
static size_t n_wants;

static uint32_t number_of(const char *name, size_t n)
{
	char text[DEVICE_NAME] = "";
	const struct device *d;

	memcpy(text, name, n);
	d = device_named(&devices, text);
	return d ? d->ifindex : 0;
}

static void take_flag(struct device *d, const char *flag)
{
	if (!strcmp(flag, "strips"))
		d->strips_vlan = true;
	else if (!strcmp(flag, "gro"))
		d->aggregates = true;
	else if (!strcmp(flag, "offload"))
		d->tc_offload = true;
	else if (!strcmp(flag, "default"))
		d->default_route = true;
	else if (!strcmp(flag, "l3"))
		d->arphrd = 65534;
	else if (!strcmp(flag, "filter"))
		d->vlan_filtering = true;
	else if (!strcmp(flag, "own"))
		d->siblings = false;
	else if (!strcmp(flag, "xdp"))
		d->xdp_prog = 77;
	else if (!strcmp(flag, "ours"))
		d->xdp_prog = 88;
	else
		cr_assert_fail("flag %s", flag);
	if (!strcmp(flag, "xdp"))
		strcpy(d->xdp_name, "foreign");
}

/* `named`: the second time round, when every name has a number. */
static void take_device(struct device *d, const char *text, bool named)
{
	size_t n = strcspn(text, ":@/!");

	memset(d->name, 0, sizeof(d->name));
	memcpy(d->name, text, n);
	for (text += n; *text; text += n) {
		char mark = *text++, word[32] = "";

		n = strcspn(text, ":@/!");
		memcpy(word, text, n);
		if (mark == ':') {
			strcpy(d->kind, word);
			if (!named)
				d->siblings = !strcmp(word, "macvlan");
		} else if (mark == '!') {
			take_flag(d, word);
		} else if (named) {
			*(mark == '@' ? &d->master : &d->lower) = number_of(word, n);
			cr_assert(number_of(word, n), "no device %s", word);
		}
	}
}

static void take_devices(const char *text, bool named)
{
	char copy[256], *at = copy, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	for (size_t i = 0; (word = strsep(&at, " ")); i++) {
		if (!*word)
			continue;
		if (!named)
			*VEC_ADD(&devices) =
				(struct device){ .ifindex = (uint32_t)i + 5, .arphrd = 1 };
		take_device(&devices.v[i], word, named);
		if (!strcmp(devices.v[i].name, "lo"))
			devices.v[i].arphrd = 772;
	}
}

static void take_wants(const char *text)
{
	char copy[256], *at = copy, *word;

	n_wants = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&at, " "))) {
		struct coverage_want *w = &wants[n_wants++];
		const struct device *d = device_named(&devices, word + 1);

		*w = (struct coverage_want){ .role = *word == '-' ? CF_IF_OUTSIDE : CF_IF_INSIDE };
		snprintf(w->name, sizeof(w->name), "%s", word + 1);
		w->xdp_never = *word == '=';
		w->ifindex = d ? d->ifindex : 0;
		w->our_xdp = d && d->xdp_prog == 88 ? 88 : 0;
	}
}

static void decide(const char *text, const char *want)
{
	device_list_done(&devices);
	take_devices(text, false);
	take_devices(text, true);
	take_wants(want);
	coverage_decide(wants, n_wants, &devices, got);
}

/* ---- what came of it ------------------------------------------------------------- */

static const char *hook_word(const struct coverage *c)
{
	static const char *const hooks[] = { "none", "xdp", "tc", "egress" };
	static const char *const states[] = { "", "at", "wait", "refused" };

	return c->state == COVERAGE_HOOKED ? hooks[c->hook] : states[c->state];
}

static void hooked_now(enum cf_if_role role, bool *ret)
{
	for (size_t i = 0; i < n_wants; i++) {
		const struct device *d = device_find(&devices, wants[i].ifindex);

		if (d && wants[i].role == role && got[i].state == COVERAGE_HOOKED)
			ret[d - devices.v] = true;
	}
}

static bool is_seen(const char *name)
{
	bool in[16] = { 0 }, out[16] = { 0 };

	hooked_now(CF_IF_INSIDE, in);
	hooked_now(CF_IF_OUTSIDE, out);
	return device_seen(&devices, in, out, device_named(&devices, name));
}

static void check(const struct row *r, char *expect)
{
	char name[DEVICE_NAME] = "", hook[16] = "";
	const char *rest;
	int n = 0;

	while (*expect == ' ')
		expect++;
	cr_assert_geq(sscanf(expect, "%15s %15s%n", name, hook, &n), 2, "%s: %s", r->what, expect);
	rest = expect + n + (expect[n] == ' ');
	if (!strcmp(hook, "up") || !strcmp(hook, "down")) {
		cr_assert_eq(is_seen(name), !strcmp(hook, "up"), "%s: %s is not %s", r->what, name,
			     hook);
		return;
	}
	for (size_t i = 0; i < n_wants; i++) {
		const struct coverage *c = &got[i];
		bool warned = *rest == '*';

		if (strcmp(wants[i].name, name) != 0)
			continue;
		cr_assert_str_eq(hook_word(c), hook, "%s: %s is %s (%s; %s), not %s", r->what, name,
				 hook_word(c), c->why, c->warning, hook);
		cr_assert_neq(*c->why, 0, "%s: %s says nothing", r->what, name);
		cr_assert(strstr(warned ? c->warning : c->why, rest + (warned ? 2 : 0)),
			  "%s: %s says '%s', warns '%s', not '%s'", r->what, name, c->why,
			  c->warning, rest);
		cr_assert(warned || !*c->warning || strstr(r->expect, "*"), "%s: %s warns: %s",
			  r->what, name, c->warning);
		return;
	}
	cr_assert_fail("%s: nobody wants %s", r->what, name);
}

Test(coverage, every_interface_gets_the_hook_that_sees_the_truth)
{
	cr_assert_geq(ARRAY_SIZE(rows), 40);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char copy[256], *at = copy, *part;

		decide(rows[i].devices, rows[i].wants);
		snprintf(copy, sizeof(copy), "%s", rows[i].expect);
		while ((part = strsep(&at, ";")))
			check(&rows[i], part);
	}
}

/* No packet may pass two hooks of one role on its way up, whatever is configured. */
Test(coverage, nothing_is_hooked_above_what_is_hooked)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool in[16] = { 0 }, out[16] = { 0 };

		decide(rows[i].devices, rows[i].wants);
		hooked_now(CF_IF_INSIDE, in);
		hooked_now(CF_IF_OUTSIDE, out);
		for (size_t k = 0; k < devices.n; k++) {
			bool hooked = in[k];

			in[k] = false;
			cr_assert_not(hooked && device_seen(&devices, in, out, &devices.v[k]),
				      "%s: %s is seen below, and hooked", rows[i].what,
				      devices.v[k].name);
			in[k] = hooked;
		}
	}
}

/*
 * With an outside hook: a bridge or bond that is not seen as a whole has no part
 * that is hooked inside, or its packets would be judged twice; but for a bridge
 * that has the world on one port.
 */
Test(coverage, what_is_seen_in_part_is_left_to_the_outside_hook)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool in[16] = { 0 }, out[16] = { 0 }, any_out = false;

		decide(rows[i].devices, rows[i].wants);
		hooked_now(CF_IF_INSIDE, in);
		hooked_now(CF_IF_OUTSIDE, out);
		for (size_t k = 0; k < devices.n; k++)
			any_out |= out[k];
		for (size_t k = 0; any_out && k < devices.n; k++) {
			const struct device *master = device_find(&devices, devices.v[k].master);
			bool mixed = false;

			for (size_t p = 0; p < devices.n; p++)
				mixed |= master && devices.v[p].master == master->ifindex && out[p];
			if (!master || mixed || !in[k])
				continue;
			cr_assert(device_seen(&devices, in, out, master),
				  "%s: %s is hooked, and %s is not seen", rows[i].what,
				  devices.v[k].name, master->name);
		}
	}
}

Test(coverage, order_does_not_matter)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct coverage before[8];
		size_t n;

		decide(rows[i].devices, rows[i].wants);
		memcpy(before, got, sizeof(before));
		n = n_wants;
		for (size_t k = 0; k < n / 2; k++) {
			struct coverage_want t = wants[k];

			wants[k] = wants[n - 1 - k];
			wants[n - 1 - k] = t;
		}
		coverage_decide(wants, n, &devices, got);
		for (size_t k = 0; k < n; k++)
			cr_assert_str_eq(hook_word(&got[k]), hook_word(&before[n - 1 - k]),
					 "%s: %s", rows[i].what, wants[k].name);
	}
}

Test(coverage, devices_on_devices_without_end_end)
{
	static const struct row loop = { "a loop", "a:vlan/b b:vlan/a wan", "+a +b -wan", "" };

	decide(loop.devices, loop.wants);
	for (size_t i = 0; i < n_wants; i++)
		cr_assert_neq(*got[i].why, 0);
}

Test(coverage, texts_that_are_too_long_are_cut)
{
	decide("br:bridge aaaaaaaaaaaaaaa@br bbbbbbbbbbbbbbb@br ccccccccccccccc@br "
	       "ddddddddddddddd@br eeeeeeeeeeeeeee@br wan",
	       "+aaaaaaaaaaaaaaa -wan");
	cr_assert_str_eq(hook_word(&got[0]), "refused");
	cr_assert(strlen(got[0].why) < COVERAGE_TEXT);
}

Test(coverage, a_proposal_reads_well)
{
	char text[256];

	decide("lan!strips wan", "+lan -wan");
	cr_assert_str_eq(
		coverage_text(&got[0], text, sizeof(text)),
		"TC ingress: the NIC strips VLAN tags; for native XDP: ethtool -K rxvlan off");
	decide("lo wan", "+lo -wan");
	cr_assert(strstr(coverage_text(&got[0], text, sizeof(text)), "NOT COVERED: "));
}
