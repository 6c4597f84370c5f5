/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks: where programs are attached. Links are pinned as links/<role>_<name>;
 * a clsact filter, which no link holds, is remembered by a flag in `ifaces`.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/if_link.h>

#include "port/datapath_link.h"
#include "port/datapath_priv.h"

static const char *role_name(enum cf_if_role role)
{
	return role == CF_IF_INSIDE ? "inside" : "outside";
}

const char *hook_pin(const struct datapath *dp, const struct hook_want *w, char path[PIN_MAX])
{
	char name[3 * IFNAMSIZ], *to = name;

	/* bpffs refuses dots */
	for (const char *s = w->ifname; *s; s++)
		to += *s == '.' || *s == '%' ? sprintf(to, "%%%02X", *s) : sprintf(to, "%c", *s);
	return dp_path(dp, path, PIN_MAX, "links/%s_%s", role_name(w->role), name);
}

static bool is_ether(const char *ifname)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ether = true;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	if (fd >= 0 && !ioctl(fd, SIOCGIFHWADDR, &req))
		ether = req.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
			req.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	if (fd >= 0)
		close(fd);
	return ether;
}

/* Frames may come in several pieces: a driver then takes only a program that says it can. */
static bool is_jumbo(const char *ifname)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool jumbo;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	jumbo = fd >= 0 && !ioctl(fd, SIOCGIFMTU, &req) && req.ifr_mtu > 1500;
	if (fd >= 0)
		close(fd);
	return jumbo;
}

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

static uint16_t hook_flags(const struct hook_want *w, enum hook_kind kind)
{
	bool clsact = kind == HOOK_CLSACT_INGRESS || kind == HOOK_CLSACT_EGRESS;

	return (uint16_t)((is_ether(w->ifname) ? 0 : CF_IF_RAW_L3) | (clsact ? CF_IF_CLSACT : 0));
}

/* What was changed, to be able to take it back. */
struct change {
	const struct hook_want *want;
	struct hook_state before;
	struct hook_state after;
	int old_prog; /* held, so that it is still there to go back to; -1: none */
};

/* Without pieces if the driver takes that: it costs less. */
static int attach_native(struct datapath *dp, struct generation *g, const struct hook_want *w,
			 uint32_t ifindex, struct hook_state *st)
{
	int r = hook_attach_xdp(dp, g, PROG_XDP_INSIDE, w, ifindex, st);

	if (!r || r == -EBUSY || !is_jumbo(w->ifname))
		return r;
	if (generation_load(dp, g, PROG_XDP_INSIDE_FRAGS, NULL) < 0)
		return r;
	return hook_attach_xdp(dp, g, PROG_XDP_INSIDE_FRAGS, w, ifindex, st);
}

static int attach_fresh(struct datapath *dp, struct generation *g, const struct hook_want *w,
			uint32_t ifindex, struct hook_state *st, struct why *why)
{
	bool ether = is_ether(w->ifname);
	int r;

	if (w->role == CF_IF_OUTSIDE)
		return hook_attach_tc(dp, g, PROG_TC_OUTSIDE, w, ifindex, ether, st, why);
	if (w->xdp == XDP_AUTO && ether) {
		r = generation_load(dp, g, PROG_XDP_INSIDE, why);
		if (r < 0)
			return r;
		r = attach_native(dp, g, w, ifindex, st);
		if (!r)
			return 0;
	}
	r = generation_load(dp, g, PROG_TC_INSIDE, why);
	if (r < 0)
		return r;
	return hook_attach_tc(dp, g, PROG_TC_INSIDE, w, ifindex, ether, st, why);
}

static int switch_to(struct datapath *dp, struct generation *g, enum prog_id which,
		     struct change *c, struct why *why)
{
	int r = generation_load(dp, g, which, why);

	if (r < 0 || c->before.prog_id == g->prog_id[which])
		return r;
	return hook_update(dp, g, which, c->want, &c->after, why);
}

/* Its MTU may have changed since: both kinds are tried, the cheaper one first. */
static int switch_native(struct datapath *dp, struct generation *g, struct change *c,
			 struct why *why)
{
	struct why first = { "" };
	int r;

	if (c->before.prog_id && c->before.prog_id == g->prog_id[PROG_XDP_INSIDE_FRAGS])
		return 0;
	r = switch_to(dp, g, PROG_XDP_INSIDE, c, &first);
	if (r < 0 && is_jumbo(c->want->ifname))
		return switch_to(dp, g, PROG_XDP_INSIDE_FRAGS, c, why);
	if (r < 0 && why)
		*why = first;
	return r;
}

/* Covers one interface with this generation, whatever is there now. */
static int switch_one(struct datapath *dp, struct generation *g, const struct hook_want *w,
		      struct change *c, struct why *why)
{
	uint32_t ifindex = if_nametoindex(w->ifname);
	int r;

	c->want = w;
	hook_state(dp, w, &c->before);
	c->old_prog = c->before.prog_id ? bpf_prog_get_fd_by_id(c->before.prog_id) : -1;
	c->after = c->before;
	if (!ifindex && !c->before.alive) {
		hook_absent(dp, w, &c->before);
		return 0; /* waited for */
	}
	if (!ifindex)
		ifindex = c->before.ifindex; /* it is called otherwise now */
	if (c->before.kind != HOOK_NONE && c->before.alive && c->before.ifindex == ifindex) {
		if (c->before.kind == HOOK_XDP)
			r = switch_native(dp, g, c, why);
		else
			r = switch_to(dp, g,
				      w->role == CF_IF_OUTSIDE ? PROG_TC_OUTSIDE : PROG_TC_INSIDE,
				      c, why);
		/* a daemon that was killed may have left the entry half written */
		if (!r && if_nametoindex(w->ifname) == ifindex)
			iface_set(dp, ifindex, w->role, hook_flags(w, c->after.kind));
		return r;
	}
	hook_remove(dp, w);
	r = attach_fresh(dp, g, w, ifindex, &c->after, why);
	/* nothing of ours was there before: it stays uncovered, and the others are not held up */
	if (r < 0)
		c->after = (struct hook_state){ 0 };
	return 0;
}

static void take_back(struct datapath *dp, const struct change *c)
{
	if (c->after.prog_id == c->before.prog_id)
		return;
	if (c->before.kind == HOOK_NONE || !c->before.alive)
		hook_remove(dp, c->want);
	else if (c->old_prog >= 0)
		hook_restore(dp, c->want, &c->before, c->old_prog);
}

static bool wanted(const struct hook *h, const struct hook_want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wants[i].role == h->role && !strcmp(wants[i].ifname, h->ifname))
			return true;
	return false;
}

static void remove_unwanted(struct datapath *dp, const struct hook_want *wants, size_t n)
{
	struct hook_list list = { 0 };

	if (datapath_hooks(dp, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct hook_want w = { .role = list.v[i].role };

		if (wanted(&list.v[i], wants, n))
			continue;
		memcpy(w.ifname, list.v[i].ifname, sizeof(w.ifname));
		hook_remove(dp, &w);
	}
	hook_list_done(&list);
}

int hooks_switch(struct datapath *dp, struct generation *g, const struct hook_want *wants, size_t n,
		 struct why *why)
{
	struct change *done = xcalloc(n, sizeof(*done));
	char path[PIN_MAX];
	int r = 0;

	mkdir(dp_path(dp, path, sizeof(path), "links"), 0700);
	/* inside first: an outside hook must know who has been judged already */
	for (int role = CF_IF_INSIDE; role <= CF_IF_OUTSIDE && !r; role++)
		for (size_t i = 0; i < n && !r; i++)
			if (wants[i].role == (enum cf_if_role)role)
				r = switch_one(dp, g, &wants[i], &done[i], why);
	if (r < 0) {
		for (size_t i = 0; i < n; i++)
			if (done[i].want)
				take_back(dp, &done[i]);
	} else {
		remove_unwanted(dp, wants, n);
	}
	for (size_t i = 0; i < n; i++)
		if (done[i].want && done[i].old_prog >= 0)
			close(done[i].old_prog);
	free(done);
	return r;
}
