/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To the head of a TCX chain. A link keeps its place for life, and the kernel
 * takes no program twice into one chain. So two copies of ours are loaded: the
 * old link gets the one that leaves alone what the other has marked, a new link
 * at the head gets the one that marks (bpf/handover.h); then the old link goes,
 * and the new one gets the ordinary program. Each step leaves the device
 * covered, also if we die after it.
 */
#include <errno.h>
#include <string.h>

#include "port/chain.h"
#include "port/datapath/link.h"

static enum prog_id program_of(const struct hook_want *w)
{
	return w->role == CF_IF_OUTSIDE ? PROG_TC_OUTSIDE : PROG_TC_INSIDE;
}

static int load_copy(struct datapath *dp, enum prog_id which, enum cf_handover part,
		     struct generation *copy, struct why *why)
{
	*copy = (struct generation){
		.number = dp->gen.number,
		.config = dp->gen.config,
		.tables_of = generation_object(&dp->gen),
	};
	copy->config.handover = part;
	for (int i = 0; i < PROG_MAX; i++)
		copy->prog_fd[i] = -1;
	return generation_load(dp, copy, which, why);
}

/* Marks that an earlier handover left would make the old place skip one packet of each CPU. */
static int clear_marks(const struct datapath *dp)
{
	int cpus = libbpf_num_possible_cpus(), r;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ uint64_t *none = NULL;
	char path[PIN_MAX];
	uint32_t zero = 0;

	if (cpus < 0)
		return cpus;
	fd = bpf_obj_get(dp_path(dp, path, sizeof(path), "handover"));
	if (fd < 0)
		return -errno;
	none = xcalloc((size_t)cpus, sizeof(*none));
	r = bpf_map_update_elem(fd, &zero, none, BPF_ANY);
	return r < 0 ? -errno : 0;
}

static int replace_link(struct datapath *dp, const struct hook_want *w, uint32_t ifindex, int old,
			const struct generation *take)
{
	enum prog_id which = program_of(w);
	char path[PIN_MAX];
	int r, fd = hook_create_tcx(take->prog_fd[which], ifindex, w->role);

	if (fd < 0)
		return fd;
	r = dp_pin_replace(fd, hook_pin(dp, w, path));
	if (r < 0) {
		/* before the new one goes: the old place must not wait for marks any more */
		bpf_link_update(old, dp->gen.prog_fd[which], NULL);
		close(fd);
		return r;
	}
	bpf_link_detach(old);
	if (bpf_link_update(fd, dp->gen.prog_fd[which], NULL) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int hand_over(struct datapath *dp, const struct hook_want *w, const struct hook_state *st,
		     const struct generation *leave, const struct generation *take)
{
	enum prog_id which = program_of(w);
	_cleanup_close_ int old = -1;
	char path[PIN_MAX];
	int r;

	r = clear_marks(dp);
	if (r < 0)
		return r;
	old = bpf_obj_get(hook_pin(dp, w, path));
	if (old < 0 || bpf_link_update(old, leave->prog_fd[which], NULL) < 0)
		return -errno;
	r = replace_link(dp, w, st->ifindex, old, take);
	if (r < 0)
		bpf_link_update(old, dp->gen.prog_fd[which], NULL);
	return r;
}

int datapath_retake(struct datapath *dp, const struct hook_want *w, struct why *why)
{
	struct generation leave = { 0 }, take = { 0 };
	enum prog_id which = program_of(w);
	struct hook_state st;
	int r;

	hook_state(dp, w, &st);
	if (st.kind != HOOK_TCX_INGRESS && st.kind != HOOK_TCX_EGRESS)
		return why_set(why, -EINVAL, "%s: this hook has no chain", w->ifname);
	if (!st.alive || dp->gen.prog_fd[which] < 0 || dp->gen.prog_id[which] != st.prog_id)
		return why_set(why, -EAGAIN, "%s: not covered", w->ifname);
	r = load_copy(dp, which, CF_HANDOVER_LEAVE, &leave, why);
	if (!r)
		r = load_copy(dp, which, CF_HANDOVER_TAKE, &take, why);
	if (!r) {
		r = hand_over(dp, w, &st, &leave, &take);
		if (r < 0)
			why_set(why, r, "%s: moving to the head of the chain: %s", w->ifname,
				strerror(-r));
	}
	generation_close(&leave);
	generation_close(&take);
	return r;
}
