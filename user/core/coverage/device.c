/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/coverage/device.h"

#include <string.h>

/* <linux/if_arp.h> */
#define ETHER    1
#define LOOPBACK 772

void device_list_done(struct device_list *l)
{
	free(l->v);
	*l = (struct device_list){ 0 };
}

const struct device *device_find(const struct device_list *l, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < l->n; i++)
		if (l->v[i].ifindex == ifindex)
			return &l->v[i];
	return NULL;
}

const struct device *device_named(const struct device_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

bool device_is_ether(const struct device *d)
{
	return d->arphrd == ETHER || d->arphrd == LOOPBACK;
}

bool device_is_loopback(const struct device *d)
{
	return d->arphrd == LOOPBACK;
}

bool device_is(const struct device *d, const char *kind)
{
	return d && !strcmp(d->kind, kind);
}

bool device_is_bond(const struct device *d)
{
	return device_is(d, "bond") || device_is(d, "team");
}

bool device_is_on_lower(const struct device *d)
{
	return device_is(d, "vlan") || device_is(d, "macvlan") || device_is(d, "macvtap") ||
	       device_is(d, "ipvlan") || device_is(d, "ipvtap");
}

static bool carries_vlans(const struct device_list *l, const struct device *d, unsigned int depth)
{
	const struct device *master = device_find(l, d->master);

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].lower == d->ifindex && device_is(&l->v[i], "vlan"))
			return true;
	if (!master || !depth)
		return false;
	return master->vlan_filtering || carries_vlans(l, master, depth - 1);
}

bool device_carries_vlans(const struct device_list *l, const struct device *d)
{
	return carries_vlans(l, d, DEVICE_DEPTH_MAX);
}

struct view {
	const struct device_list *devices;
	const bool *hooked, *outside;
};

static size_t index_of(const struct view *v, const struct device *d)
{
	return (size_t)(d - v->devices->v);
}

static bool seen(const struct view *v, const struct device *d, unsigned int depth);

static bool all_parts_seen(const struct view *v, const struct device *d, unsigned int depth)
{
	size_t n = 0;

	for (size_t i = 0; i < v->devices->n; i++) {
		const struct device *part = &v->devices->v[i];

		if (part->master != d->ifindex)
			continue;
		/* a VRF holds both sides: what goes from outside to outside never was a host's */
		if (device_is(d, "vrf") && v->outside[i])
			continue;
		if (!seen(v, part, depth))
			return false;
		n++;
	}
	return n > 0;
}

static bool seen(const struct view *v, const struct device *d, unsigned int depth)
{
	const struct device *lower = device_find(v->devices, d->lower);

	if (v->hooked[index_of(v, d)])
		return true;
	if (!depth)
		return false;
	if (device_is_on_lower(d))
		return lower && !d->siblings && seen(v, lower, depth - 1);
	if (device_is(d, "bridge") || device_is_bond(d) || device_is(d, "vrf"))
		return all_parts_seen(v, d, depth - 1);
	return false;
}

bool device_seen(const struct device_list *l, const bool *hooked, const bool *outside,
		 const struct device *d)
{
	const struct view v = { l, hooked, outside };

	return seen(&v, d, DEVICE_DEPTH_MAX);
}
