/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources told apart by what only an inside hook sees: MAC, interface, VLAN. Of
 * the packet, not of the pair: so nothing of it is remembered in the slot, and
 * `src_rows` first has, for what comes from inside, all rules that any such
 * packet may meet. Where no rule asks, the verifier removes all of this.
 */
#ifndef CURFEW_BPF_FACETS_H
#define CURFEW_BPF_FACETS_H

#include "cfg.h"
#include "maps.h"
#include "pkt.h"

/* Global: proven once. */
__noinline __u32 mac_class(__u64 mac)
{
	const struct cf_mac_range *r;
	__u32 lo = 0, n = cfg_count(cfg.facets.mac_ranges, (__u32)mac);

	for (int step = 0; step < 18 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;

		r = bpf_map_lookup_elem(&macs, &mid);
		if (!r)
			return 0;
		if (r->first <= mac) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	r = bpf_map_lookup_elem(&macs, &lo);
	return r ? r->mac_class : 0;
}

static __always_inline __u64 mac_number(const __u8 mac[6])
{
	__u64 n = 0;

	for (int i = 0; i < 6; i++)
		n = n << 8 | mac[i];
	return n;
}

/* What came in untagged by a VLAN's own device has lost its tag there. */
static __always_inline __u32 vlan_class(const struct pkt *p, const struct cf_if_class *in)
{
	__u32 vlan = in && in->vlan ? in->vlan : p->vlan;
	const __u64 *c = bpf_map_lookup_elem(&vlan_classes, &vlan);

	return c ? (__u32)*c : 0;
}

/* The row in `src_rows` of a packet at an inside hook. */
__noinline __u32 facets_row(const struct pkt *p, __u32 source_class)
{
	const struct cf_if_class *in = NULL;
	__u32 cell = source_class, i;
	const __u64 *row;

	if (!p)
		return 0;
	if (cfg.facets.interface_classes > 1 || cfg.facets.vlan_classes > 1) {
		i = CF_IF_INDEX(p->ifindex);
		in = bpf_map_lookup_elem(&if_classes, &i);
		if (in && in->ifindex != p->ifindex)
			in = NULL;
	}
	cell *= cfg.facets.mac_classes;
	if (cfg.facets.mac_classes > 1 && p->has_mac)
		cell += mac_class(mac_number(p->mac));
	cell *= cfg.facets.interface_classes;
	if (cfg.facets.interface_classes > 1 && in)
		cell += in->interface_class;
	cell *= cfg.facets.vlan_classes;
	if (cfg.facets.vlan_classes > 1)
		cell += vlan_class(p, in);
	row = bpf_map_lookup_elem(&src_cells, &cell);
	return row ? (__u32)*row : 0;
}

/* The row of all packets of a class, and, where nothing else tells them apart, of each. */
static __always_inline __u32 any_source_row(__u32 source_class, enum cf_from from)
{
	return from * cfg.source_classes + source_class;
}

static __always_inline __u32 source_row(const struct pkt *p, __u32 source_class, enum cf_from from)
{
	if (cfg.facets.used && from == CF_FROM_INSIDE)
		return facets_row(p, source_class);
	return any_source_row(source_class, from);
}

#endif
