/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map `ifaces`: what each interface is to the programs. Besides those that
 * are hooked it names the devices above them: skb->ingress_ifindex is that of
 * the last device a packet came up through, and the outside hook must know that
 * an inside hook has judged it below.
 */
#include <errno.h>

#include "port/datapath/plan.h"

int iface_set(const struct datapath *dp, uint32_t ifindex, enum cf_if_role role, uint16_t flags)
{
	uint32_t i = CF_IF_INDEX(ifindex);
	struct cf_iface v = { .ifindex = ifindex, .role = (uint16_t)role, .flags = flags }, now;
	int fd = dp_map_fd(dp, "ifaces");

	if (!bpf_map_lookup_elem(fd, &i, &now) && now.ifindex && now.ifindex != ifindex &&
	    now.role != CF_IF_NONE)
		return -EADDRINUSE; /* two interface numbers that are the same mod CF_IF_MAX */
	return bpf_map_update_elem(fd, &i, &v, BPF_ANY) < 0 ? -errno : 0;
}

void iface_clear(const struct datapath *dp, uint32_t ifindex, enum cf_if_role role)
{
	uint32_t i = CF_IF_INDEX(ifindex);
	struct cf_iface none = { 0 }, now;
	int fd = dp_map_fd(dp, "ifaces");

	/* it may have changed sides: then the entry is the other hook's by now */
	if (bpf_map_lookup_elem(fd, &i, &now) || now.ifindex != ifindex ||
	    (now.role != role && now.role != CF_IF_NONE))
		return;
	bpf_map_update_elem(fd, &i, &none, BPF_ANY);
}

/* By role, one element per device: what is attached. */
struct attached {
	bool *is[CF_IF_OUTSIDE + 1];
};

static void find_attached(const struct datapath *dp, const struct plan *p, bool now,
			  struct attached *ret)
{
	for (int role = 0; role <= CF_IF_OUTSIDE; role++)
		ret->is[role] = xcalloc(p->devices.n + 1, sizeof(bool));
	for (size_t i = 0; i < p->n; i++) {
		const struct device *d = plan_device(p, i);
		struct hook_state st;

		if (!d || (!now && (!plan_stays(p, i) || plan_leaves_native(p, i))))
			continue;
		hook_state(dp, &p->wants[i], &st);
		if (st.alive && st.ifindex == d->ifindex)
			ret->is[p->wants[i].role][d - p->devices.v] = true;
	}
}

static bool is_upper(const struct plan *p, const struct attached *a, const struct device *d)
{
	size_t i = (size_t)(d - p->devices.v);

	return !a->is[CF_IF_INSIDE][i] && !a->is[CF_IF_OUTSIDE][i] &&
	       device_seen(&p->devices, a->is[CF_IF_INSIDE], a->is[CF_IF_OUTSIDE], d);
}

/* Those of devices that are gone too: their number may be given to another. */
static void clear_uppers(const struct datapath *dp, const struct plan *p, const struct attached *a)
{
	_cleanup_free_ struct cf_iface *v = xcalloc(CF_IF_MAX, sizeof(*v));
	_cleanup_free_ uint32_t *keys = xcalloc(CF_IF_MAX, sizeof(*keys));
	uint32_t n = CF_IF_MAX, next;

	/* at once: this is asked for each time that a device changes */
	if (bpf_map_lookup_batch(dp_map_fd(dp, "ifaces"), NULL, &next, keys, v, &n, NULL) < 0 &&
	    errno != ENOENT)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct device *d = p ? device_find(&p->devices, v[i].ifindex) : NULL;

		if (v[i].flags & CF_IF_UPPER && (!d || !is_upper(p, a, d)))
			iface_clear(dp, v[i].ifindex, CF_IF_INSIDE);
	}
}

void uppers_update(const struct datapath *dp, const struct plan *p, bool now)
{
	struct attached a;

	find_attached(dp, p, now, &a);
	clear_uppers(dp, p, &a);
	/* one whose place is taken is not noted: then the outside hook judges once more */
	for (size_t i = 0; now && i < p->devices.n; i++)
		if (is_upper(p, &a, &p->devices.v[i]))
			iface_set(dp, p->devices.v[i].ifindex, CF_IF_INSIDE, CF_IF_UPPER);
	for (int role = 0; role <= CF_IF_OUTSIDE; role++)
		free(a.is[role]);
}

void uppers_forget(const struct datapath *dp)
{
	clear_uppers(dp, NULL, NULL);
}
