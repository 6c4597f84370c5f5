/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/coverage/hook.h"

#include <stdio.h>
#include <string.h>

#include "base/def.h"

/* What people call it; anything else that is no hardware is virtual too. */
static const struct {
	const char *kind, *text;
} kinds[] = {
	{ "bridge", "a bridge" },
	{ "bond", "a bond" },
	{ "team", "a team" },
	{ "vlan", "a VLAN" },
	{ "macvlan", "a macvlan" },
	{ "macvtap", "a macvtap" },
	{ "ipvlan", "an ipvlan" },
	{ "tun", "a program's device (tun, tap)" },
	{ "ppp", "a PPP link" },
	{ "dsa", "a switch's port" },
	{ "wireguard", "a WireGuard tunnel" },
	{ "ipip", "an IPIP tunnel" },
	{ "sit", "a 6in4 tunnel" },
	{ "gre", "a GRE tunnel" },
	{ "gretap", "a GRE tunnel" },
	{ "ip6gre", "a GRE tunnel" },
	{ "ip6tnl", "an IPv6 tunnel" },
	{ "vxlan", "a VXLAN tunnel" },
	{ "geneve", "a GENEVE tunnel" },
};

static bool is_virtual(const struct device *d, char out[COVERAGE_TEXT])
{
	if (!*d->kind || device_is(d, "veth"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(d->kind, kinds[i].kind)) {
			snprintf(out, COVERAGE_TEXT, "%s", kinds[i].text);
			return true;
		}
	snprintf(out, COVERAGE_TEXT, "a virtual device (%s)", d->kind);
	return true;
}

/* An XDP program that is not ours; one that is ours sits where another would. */
static bool slot_is_taken(const struct coverage_want *w, const struct device *d)
{
	return d->xdp_prog && d->xdp_prog != w->our_xdp;
}

/* Why not native XDP; false: it would see the truth. */
static bool not_native(const struct coverage_want *w, const struct device *d,
		       const struct device_list *l, char why[COVERAGE_TEXT])
{
	const char *text = NULL;

	if (is_virtual(d, why))
		return true;
	if (w->xdp_never)
		text = "as configured, xdp never";
	else if (w->marks)
		text = "a policy marks packets, which native XDP cannot";
	else if (!device_is_ether(d))
		text = "its frames have no Ethernet header";
	else if (device_is(d, "veth") && d->strips_vlan && device_carries_vlans(l, d))
		text = "VLANs are on it, and veth takes their tags off before XDP";
	else if (!*d->kind && d->strips_vlan)
		text = "the NIC strips VLAN tags; for native XDP: ethtool -K rxvlan off";
	else if (d->aggregates)
		text = "the NIC puts frames together before XDP";
	/* ours, once attached, has reset the link already */
	else if (d->default_route && !w->our_xdp)
		text = "the default route leaves by it, and native XDP may reset the link";
	if (!text && slot_is_taken(w, d))
		snprintf(why, COVERAGE_TEXT, "its XDP slot is taken by %s, which stays",
			 *d->xdp_name ? d->xdp_name : "another program");
	else if (text)
		snprintf(why, COVERAGE_TEXT, "%s", text);
	return text || slot_is_taken(w, d);
}

void coverage_choose(const struct coverage_want *w, const struct device *d,
		     const struct device_list *l, struct coverage *ret)
{
	if (w->role == CF_IF_OUTSIDE) {
		ret->hook = COVERAGE_TC_EGRESS;
		snprintf(ret->why, sizeof(ret->why), "all that leaves, after NAT");
	} else if (not_native(w, d, l, ret->why)) {
		ret->hook = COVERAGE_TC_INGRESS;
	} else {
		ret->hook = COVERAGE_XDP;
		snprintf(ret->why, sizeof(ret->why), "the frame as it came in");
	}
}
