/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/datapath/link.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/if_link.h>

#include "port/chain.h"

/* Newer than the UAPI headers of libbpf 1.1. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47
#define LINK_TCX    11
#ifndef BPF_F_BEFORE
#define BPF_F_BEFORE (1U << 3)
#endif

#define TC_PRIORITY 1
/* A priority that holds filters of another kind is not to be had: then the next one, up to here. */
#define TC_PRIORITY_MAX 16

const char *hook_kind_name(enum hook_kind kind)
{
	static const char *const names[] = {
		[HOOK_NONE] = "none",
		[HOOK_XDP] = "native XDP",
		[HOOK_TCX_INGRESS] = "TCX ingress",
		[HOOK_TCX_EGRESS] = "TCX egress",
		[HOOK_CLSACT_INGRESS] = "clsact ingress",
		[HOOK_CLSACT_EGRESS] = "clsact egress",
	};

	return names[kind];
}

static bool is_clsact(enum hook_kind kind)
{
	return kind == HOOK_CLSACT_INGRESS || kind == HOOK_CLSACT_EGRESS;
}

/* A number says little: the link's device may have been moved to another namespace. */
static bool link_is_here(const struct hook_state *st)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, xdp);
	struct chain chain;

	if (!st->ifindex)
		return false;
	if (st->kind == HOOK_XDP)
		return !bpf_xdp_query((int)st->ifindex, XDP_FLAGS_DRV_MODE, &xdp) &&
		       xdp.drv_prog_id == st->prog_id;
	return !chain_read(st->ifindex, st->kind == HOOK_TCX_EGRESS, &chain) &&
	       chain_place(&chain, st->link_id) >= 0;
}

/* bpf_link_info's XDP and TCX parts both begin with the ifindex. */
static int link_state(int fd, struct hook_state *st)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	st->link_id = info.id;
	st->prog_id = info.prog_id;
	st->ifindex = info.xdp.ifindex;
	if (info.type == BPF_LINK_TYPE_XDP)
		st->kind = HOOK_XDP;
	else if (info.type == LINK_TCX)
		st->kind = ((uint32_t *)&info.xdp)[1] == TCX_EGRESS ? HOOK_TCX_EGRESS
								    : HOOK_TCX_INGRESS;
	st->alive = link_is_here(st);
	st->away = st->ifindex && !st->alive;
	return 0;
}

static enum bpf_tc_attach_point tc_point(enum cf_if_role role)
{
	return role == CF_IF_OUTSIDE ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

static const char *filter_pin(const struct datapath *dp, const struct hook_want *w,
			      char path[PIN_MAX])
{
	char pin[PIN_MAX];

	hook_pin(dp, w, pin);
	return dp_path(dp, path, PIN_MAX, FILTERS_DIR "/%s", strrchr(pin, '/') + 1);
}

static bool is_ours(uint32_t prog_id, enum cf_if_role role)
{
	char name[16];

	return !strcmp(chain_prog_name(prog_id, name),
		       role == CF_IF_OUTSIDE ? "tc_outside" : "tc_inside");
}

/* Our filter on the device: its program, and *ret_priority; 0: there is none. */
static uint32_t filter_find(uint32_t ifindex, enum cf_if_role role, uint32_t *ret_priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = tc_point(role));

	for (uint32_t priority = TC_PRIORITY; priority <= TC_PRIORITY_MAX; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = priority);

		if (!bpf_tc_query(&hook, &opts) && is_ours(opts.prog_id, role)) {
			*ret_priority = priority;
			return opts.prog_id;
		}
	}
	return 0;
}

static void clsact_state(const struct datapath *dp, const struct hook_want *w,
			 struct hook_state *st)
{
	uint32_t priority;
	char path[PIN_MAX];

	if (access(filter_pin(dp, w, path), F_OK) < 0)
		return;
	st->kind = w->role == CF_IF_OUTSIDE ? HOOK_CLSACT_EGRESS : HOOK_CLSACT_INGRESS;
	st->ifindex = if_nametoindex(w->ifname);
	if (st->ifindex)
		st->prog_id = filter_find(st->ifindex, w->role, &priority);
	st->alive = st->prog_id != 0;
}

void hook_state(const struct datapath *dp, const struct hook_want *w, struct hook_state *ret)
{
	struct hook_state st = { 0 };
	char path[PIN_MAX];
	int fd = bpf_obj_get(hook_pin(dp, w, path));

	if (fd >= 0) {
		link_state(fd, &st);
		close(fd);
	} else {
		clsact_state(dp, w, &st);
	}
	*ret = st;
}

static int pin_link(const struct datapath *dp, const struct hook_want *w, int fd,
		    struct hook_state *ret)
{
	char path[PIN_MAX];

	if (bpf_obj_pin(fd, hook_pin(dp, w, path)) < 0)
		return -errno;
	return link_state(fd, ret);
}

static void remove_link(struct datapath *dp, const struct hook_want *w)
{
	char path[PIN_MAX];
	int fd = bpf_obj_get(hook_pin(dp, w, path));

	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	unlink(path);
}

int hook_attach_xdp(struct datapath *dp, struct generation *g, enum prog_id which,
		    const struct hook_want *w, uint32_t ifindex, struct hook_state *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int r, fd;

	device_row_have(dp, ifindex);
	fd = bpf_link_create(g->prog_fd[which], (int)ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return -errno;
	r = pin_link(dp, w, fd, ret);
	close(fd);
	if (!r)
		r = iface_set(dp, ifindex, CF_IF_INSIDE, 0);
	/* else it would judge what the outside hook, which does not know of it, judges too */
	if (r < 0)
		remove_link(dp, w);
	return r;
}

/* True if the kernel has no TCX: before 6.6. */
static bool no_tcx(int error)
{
	return error == EINVAL || error == EOPNOTSUPP;
}

/* At the first priority that takes it: one that is in use by another kind of filter does not. */
static int add_filter(struct bpf_tc_hook *hook, int prog_fd, uint32_t *ret_prog_id)
{
	int r = -EINVAL;

	for (uint32_t p = TC_PRIORITY; p <= TC_PRIORITY_MAX && r == -EINVAL; p++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = p,
			    .prog_fd = prog_fd);

		r = bpf_tc_attach(hook, &opts);
		if (!r)
			*ret_prog_id = opts.prog_id;
	}
	return r;
}

static int attach_clsact(struct datapath *dp, struct generation *g, enum prog_id which,
			 const struct hook_want *w, uint32_t ifindex, struct hook_state *ret)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char path[PIN_MAX];
	uint32_t id = 0;
	int r;

	mkdir(dp_path(dp, path, sizeof(path), FILTERS_DIR), 0700);
	/* first the note that there is a filter: no link says so */
	r = dp_pin_replace(g->prog_fd[which], filter_pin(dp, w, path));
	if (r < 0)
		return r;
	r = bpf_tc_hook_create(&hook);
	if (r < 0 && r != -EEXIST)
		return r;
	hook.attach_point = tc_point(w->role);
	r = add_filter(&hook, g->prog_fd[which], &id);
	if (r < 0)
		return r;
	*ret = (struct hook_state){
		.kind = w->role == CF_IF_OUTSIDE ? HOOK_CLSACT_EGRESS : HOOK_CLSACT_INGRESS,
		.ifindex = ifindex,
		.prog_id = id,
		.alive = true,
	};
	return 0;
}

int hook_create_tcx(int prog_fd, uint32_t ifindex, enum cf_if_role role)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BPF_F_BEFORE);
	int type = role == CF_IF_OUTSIDE ? TCX_EGRESS : TCX_INGRESS;
	int fd = bpf_link_create(prog_fd, (int)ifindex, (enum bpf_attach_type)type, &opts);

	return fd < 0 ? -errno : fd;
}

int hook_attach_tc(struct datapath *dp, struct generation *g, enum prog_id which,
		   const struct hook_want *w, uint32_t ifindex, bool ether, struct hook_state *ret,
		   struct why *why)
{
	uint16_t flags = ether ? 0 : CF_IF_RAW_L3;
	int r, fd = -EINVAL;

	device_row_have(dp, ifindex);
	/* how to read a frame must be known with the first one; whose it is, only once we judge it
	 */
	r = iface_set(dp, ifindex, CF_IF_NONE, flags);
	if (r < 0)
		return why_set(why, r, "%s: %s", w->ifname, strerror(-r));
	if (!dp->opt.force_clsact)
		fd = hook_create_tcx(g->prog_fd[which], ifindex, w->role);
	if (fd >= 0) {
		r = pin_link(dp, w, fd, ret);
		close(fd);
	} else if (no_tcx(-fd)) {
		flags |= CF_IF_CLSACT;
		r = attach_clsact(dp, g, which, w, ifindex, ret);
	} else {
		r = fd;
	}
	if (!r)
		r = iface_set(dp, ifindex, w->role, flags);
	if (r < 0) {
		iface_clear(dp, ifindex, w->role);
		return why_set(why, r, "%s: TC %s: %s", w->ifname,
			       w->role == CF_IF_OUTSIDE ? "egress" : "ingress", strerror(-r));
	}
	return 0;
}

static int replace_filter(const struct hook_want *w, uint32_t ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = tc_point(w->role));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .prog_fd = prog_fd,
		    .flags = BPF_TC_F_REPLACE);

	if (!filter_find(ifindex, w->role, &opts.priority))
		return -ENOENT;
	return bpf_tc_attach(&hook, &opts);
}

static int replace_program(struct datapath *dp, const struct hook_want *w, enum hook_kind kind,
			   uint32_t ifindex, int prog_fd)
{
	char path[PIN_MAX];
	int r, fd;

	if (is_clsact(kind))
		return replace_filter(w, ifindex, prog_fd);
	fd = bpf_obj_get(hook_pin(dp, w, path));
	if (fd < 0)
		return -errno;
	r = bpf_link_update(fd, prog_fd, NULL) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int hook_update(struct datapath *dp, struct generation *g, enum prog_id which,
		const struct hook_want *w, struct hook_state *st, struct why *why)
{
	int r = replace_program(dp, w, st->kind, st->ifindex, g->prog_fd[which]);

	if (r < 0)
		return why_set(why, r, "%s: switching the program: %s", w->ifname, strerror(-r));
	st->prog_id = g->prog_id[which];
	return 0;
}

void hook_restore(struct datapath *dp, const struct hook_want *w, const struct hook_state *before,
		  int prog_fd)
{
	replace_program(dp, w, before->kind, before->ifindex, prog_fd);
}

void hook_remove_filter(const struct datapath *dp, const struct hook_want *w, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = tc_point(w->role));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE);
	char path[PIN_MAX];

	/* our filter only: the qdisc may serve others */
	if (ifindex && filter_find(ifindex, w->role, &opts.priority))
		bpf_tc_detach(&hook, &opts);
	unlink(filter_pin(dp, w, path));
}

/* Its number may be given to another device, which then would pass for one of ours. */
static void forget_absent(const struct datapath *dp)
{
	int fd = dp_map_fd(dp, "ifaces");
	struct cf_iface v, none = { 0 };
	char name[IFNAMSIZ];

	for (uint32_t i = 0; i < CF_IF_MAX; i++)
		if (!bpf_map_lookup_elem(fd, &i, &v) && v.ifindex &&
		    !if_indextoname(v.ifindex, name))
			bpf_map_update_elem(fd, &i, &none, BPF_ANY);
}

void hook_remove(struct datapath *dp, const struct hook_want *w)
{
	struct hook_state st;

	hook_state(dp, w, &st);
	/* first the role: what passes from now on is the outside hook's to judge */
	if (st.alive)
		iface_clear(dp, st.ifindex, w->role);
	else if (st.kind != HOOK_NONE)
		forget_absent(dp);
	remove_link(dp, w);
	hook_remove_filter(dp, w, is_clsact(st.kind) ? st.ifindex : 0);
}

void hook_absent(struct datapath *dp, const struct hook_want *w, const struct hook_state *st)
{
	/* renamed: it stays ours until its name means another device */
	if (st->kind == HOOK_NONE || st->alive)
		return;
	forget_absent(dp);
	if (st->away)
		remove_link(dp, w);
}
