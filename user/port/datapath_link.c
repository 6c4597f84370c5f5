/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/datapath_link.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>

/* Newer than the UAPI headers of libbpf 1.1. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47
#define LINK_TCX    11
#ifndef BPF_F_BEFORE
#define BPF_F_BEFORE (1U << 3)
#endif

#define TC_HANDLE   1
#define TC_PRIORITY 1

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
	st->alive = st->ifindex != 0;
	if (info.type == BPF_LINK_TYPE_XDP)
		st->kind = HOOK_XDP;
	else if (info.type == LINK_TCX)
		st->kind = ((uint32_t *)&info.xdp)[1] == TCX_EGRESS ? HOOK_TCX_EGRESS
								    : HOOK_TCX_INGRESS;
	return 0;
}

static enum bpf_tc_attach_point tc_point(enum cf_if_role role)
{
	return role == CF_IF_OUTSIDE ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

static void clsact_state(const struct datapath *dp, const struct hook_want *w,
			 struct hook_state *st)
{
	uint32_t ifindex = if_nametoindex(w->ifname), i = CF_IF_INDEX(ifindex);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = tc_point(w->role));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	struct cf_iface iface;

	if (!ifindex || bpf_map_lookup_elem(dp_map_fd(dp, "ifaces"), &i, &iface) < 0)
		return;
	if (iface.ifindex != ifindex || !(iface.flags & CF_IF_CLSACT) || iface.role != w->role)
		return;
	st->kind = w->role == CF_IF_OUTSIDE ? HOOK_CLSACT_EGRESS : HOOK_CLSACT_INGRESS;
	st->ifindex = ifindex;
	if (!bpf_tc_query(&hook, &opts)) {
		st->prog_id = opts.prog_id;
		st->alive = true;
	}
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

int hook_attach_xdp(struct datapath *dp, struct generation *g, const struct hook_want *w,
		    uint32_t ifindex, struct hook_state *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int r, fd = bpf_link_create(g->prog_fd[PROG_XDP_INSIDE], (int)ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return -errno;
	r = pin_link(dp, w, fd, ret);
	close(fd);
	return r < 0 ? r : iface_set(dp, ifindex, CF_IF_INSIDE, 0);
}

/* True if the kernel has no TCX: before 6.6. */
static bool no_tcx(int error)
{
	return error == EINVAL || error == EOPNOTSUPP;
}

static int attach_clsact(struct datapath *dp, struct generation *g, enum prog_id which,
			 const struct hook_want *w, uint32_t ifindex, struct hook_state *ret)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .prog_fd = g->prog_fd[which]);
	int r = bpf_tc_hook_create(&hook);

	(void)dp;
	if (r < 0 && r != -EEXIST)
		return r;
	hook.attach_point = tc_point(w->role);
	r = bpf_tc_attach(&hook, &opts);
	if (r < 0)
		return r;
	*ret = (struct hook_state){
		.kind = w->role == CF_IF_OUTSIDE ? HOOK_CLSACT_EGRESS : HOOK_CLSACT_INGRESS,
		.ifindex = ifindex,
		.prog_id = opts.prog_id,
		.alive = true,
	};
	return 0;
}

int hook_attach_tc(struct datapath *dp, struct generation *g, enum prog_id which,
		   const struct hook_want *w, uint32_t ifindex, bool ether, struct hook_state *ret,
		   struct why *why)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BPF_F_BEFORE);
	uint16_t flags = ether ? 0 : CF_IF_RAW_L3;
	int type = w->role == CF_IF_OUTSIDE ? TCX_EGRESS : TCX_INGRESS;
	int r, fd = -1, error = EINVAL;

	/* how to read a frame must be known with the first one; whose it is, only once we judge it
	 */
	r = iface_set(dp, ifindex, CF_IF_NONE, flags);
	if (r < 0)
		return why_set(why, r, "%s: %s", w->ifname, strerror(-r));
	if (!dp->opt.force_clsact) {
		fd = bpf_link_create(g->prog_fd[which], (int)ifindex, (enum bpf_attach_type)type,
				     &opts);
		error = errno;
	}
	if (fd >= 0) {
		r = pin_link(dp, w, fd, ret);
		close(fd);
	} else if (no_tcx(error)) {
		/* first the note that there is a filter: no pin says so */
		flags |= CF_IF_CLSACT;
		r = iface_set(dp, ifindex, w->role, flags);
		if (!r)
			r = attach_clsact(dp, g, which, w, ifindex, ret);
	} else {
		r = -error;
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

static int replace_program(struct datapath *dp, const struct hook_want *w, enum hook_kind kind,
			   uint32_t ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = tc_point(w->role));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE);
	char path[PIN_MAX];
	int r, fd;

	if (is_clsact(kind))
		return bpf_tc_attach(&hook, &opts);
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

void hook_remove(struct datapath *dp, const struct hook_want *w)
{
	struct hook_state st;
	char path[PIN_MAX];

	hook_state(dp, w, &st);
	/* first the role: what passes from now on is the outside hook's to judge */
	if (st.ifindex)
		iface_clear(dp, st.ifindex, w->role);
	if (is_clsact(st.kind) && st.alive) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)st.ifindex,
			    .attach_point = tc_point(w->role));
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

		/* our filter only: the qdisc may serve others */
		bpf_tc_detach(&hook, &opts);
	}
	hook_pin(dp, w, path);
	if (st.kind != HOOK_NONE && !is_clsact(st.kind)) {
		int fd = bpf_obj_get(path);

		if (fd >= 0) {
			bpf_link_detach(fd);
			close(fd);
		}
	}
	unlink(path);
}

uint32_t hook_position(uint32_t ifindex, enum hook_kind kind, uint32_t prog_id)
{
	uint32_t ids[64], n = ARRAY_SIZE(ids);
	int type = kind == HOOK_TCX_EGRESS ? TCX_EGRESS : TCX_INGRESS;

	if (kind != HOOK_TCX_EGRESS && kind != HOOK_TCX_INGRESS)
		return 0;
	if (bpf_prog_query((int)ifindex, (enum bpf_attach_type)type, 0, NULL, ids, &n) < 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (ids[i] == prog_id)
			return i;
	return 0;
}
