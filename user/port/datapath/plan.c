/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/datapath/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "port/chain.h"
#include "port/devices.h"

const struct device *plan_device(const struct plan *p, size_t i)
{
	return device_find(&p->devices, p->ifindex[i]);
}

bool plan_stays(const struct plan *p, size_t i)
{
	const struct hook_state *st = &p->before[i];

	return p->coverage[i].state == COVERAGE_HOOKED && st->kind != HOOK_NONE && st->alive &&
	       st->ifindex == p->ifindex[i];
}

bool plan_leaves_native(const struct plan *p, size_t i)
{
	return plan_stays(p, i) && p->before[i].kind == HOOK_XDP &&
	       p->coverage[i].hook == COVERAGE_TC_INGRESS;
}

static struct cf_coverage_key key_of(const char *ifname)
{
	struct cf_coverage_key key = { "" };

	snprintf(key.interface, sizeof(key.interface), "%s", ifname);
	return key;
}

/* A device that is called otherwise now stays what it was, until its name means another. */
static uint32_t find_ifindex(const struct plan *p, size_t i)
{
	const struct device *d = device_named(&p->devices, p->wants[i].ifname);

	if (d)
		return d->ifindex;
	return p->before[i].alive ? p->before[i].ifindex : 0;
}

/* What its driver said the last time, if it is the same device. */
static int refused_before(const struct datapath *dp, const struct plan *p, size_t i)
{
	struct cf_coverage_key key = key_of(p->wants[i].ifname);
	struct cf_coverage v;

	if (bpf_map_lookup_elem(dp_map_fd(dp, "coverage"), &key, &v) < 0 || !p->ifindex[i] ||
	    v.ifindex != p->ifindex[i] || p->before[i].kind == HOOK_XDP)
		return 0;
	return -(int)v.refused;
}

static void read_facts(struct plan *p, size_t i)
{
	struct device *d = (struct device *)plan_device(p, i);

	if (!d)
		return;
	device_features(d);
	if (d->xdp_prog)
		chain_prog_name(d->xdp_prog, d->xdp_name);
}

static void say_refused(struct coverage *c, int error)
{
	if (error == -EBUSY || error == -EEXIST)
		snprintf(c->why, sizeof(c->why), "its XDP slot is taken by another program");
	else
		snprintf(c->why, sizeof(c->why), "the driver refuses native XDP (%s)",
			 strerror(-error));
}

int plan_make(struct datapath *dp, const struct hook_want *wants, size_t n, struct plan *ret,
	      struct why *why)
{
	struct coverage_want *w = xcalloc(n + 1, sizeof(*w));
	int r;

	*ret = (struct plan){
		.wants = wants,
		.n = n,
		.coverage = xcalloc(n + 1, sizeof(*ret->coverage)),
		.before = xcalloc(n + 1, sizeof(*ret->before)),
		.ifindex = xcalloc(n + 1, sizeof(*ret->ifindex)),
		.refused = xcalloc(n + 1, sizeof(*ret->refused)),
	};
	for (size_t i = 0; i < n; i++)
		hook_state(dp, &wants[i], &ret->before[i]);
	r = devices_read(&ret->devices);
	if (r < 0) {
		free(w);
		return why_set(why, r, "cannot read the network devices: %s", strerror(-r));
	}
	for (size_t i = 0; i < n; i++) {
		const struct hook_state *st = &ret->before[i];

		ret->ifindex[i] = find_ifindex(ret, i);
		ret->refused[i] = refused_before(dp, ret, i);
		read_facts(ret, i);
		memcpy(w[i].name, wants[i].ifname, sizeof(w[i].name));
		w[i].ifindex = ret->ifindex[i];
		w[i].role = wants[i].role;
		w[i].xdp_never = wants[i].xdp == XDP_NEVER;
		w[i].marks = wants[i].xdp == XDP_MARKS;
		w[i].our_xdp = st->kind == HOOK_XDP && st->alive ? st->prog_id : 0;
	}
	coverage_decide(w, n, &ret->devices, ret->coverage);
	for (size_t i = 0; i < n; i++)
		if (ret->refused[i] && ret->coverage[i].hook == COVERAGE_XDP && plan_stays(ret, i))
			plan_native_refused(ret, i, ret->refused[i]);
	free(w);
	return 0;
}

void plan_done(struct plan *p)
{
	device_list_done(&p->devices);
	free(p->coverage);
	free(p->before);
	free(p->ifindex);
	free(p->refused);
	*p = (struct plan){ 0 };
}

void plan_native_refused(struct plan *p, size_t i, int error)
{
	p->coverage[i].hook = COVERAGE_TC_INGRESS;
	say_refused(&p->coverage[i], error);
	/* a slot may be free later, and is looked at each time */
	p->refused[i] = error == -EBUSY || error == -EEXIST ? 0 : error;
}

void plan_keep_tc(struct plan *p, size_t i)
{
	struct coverage *c = &p->coverage[i];

	if (c->hook != COVERAGE_XDP || !plan_stays(p, i) || p->before[i].kind == HOOK_XDP)
		return;
	c->hook = COVERAGE_TC_INGRESS;
	snprintf(c->why, sizeof(c->why), "native XDP might do now: with the next reload");
}

static bool is_wanted(const struct plan *p, const struct cf_coverage_key *key)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strncmp(p->wants[i].ifname, key->interface, sizeof(key->interface)))
			return true;
	return false;
}

void plan_publish(const struct datapath *dp, const struct plan *p)
{
	struct cf_coverage_key key, next, *at = NULL;
	int fd = dp_map_fd(dp, "coverage");

	for (size_t i = 0; i < p->n; i++) {
		const struct coverage *c = &p->coverage[i];
		struct cf_coverage v = {
			.ifindex = p->ifindex[i],
			.refused = (uint32_t)-p->refused[i],
		};

		key = key_of(p->wants[i].ifname);
		snprintf(v.role, sizeof(v.role), "%s",
			 p->wants[i].role == CF_IF_INSIDE ? "inside" : "outside");
		memcpy(v.at, c->at, sizeof(v.at));
		memcpy(v.why, c->why, sizeof(v.why));
		memcpy(v.warning, c->warning, sizeof(v.warning));
		bpf_map_update_elem(fd, &key, &v, BPF_ANY);
	}
	for (bool more = !bpf_map_get_next_key(fd, at, &key); more; key = next) {
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (!is_wanted(p, &key))
			bpf_map_delete_elem(fd, &key);
	}
}
