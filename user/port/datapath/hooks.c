/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks: where programs are attached. Links are pinned as links/<role>_<name>;
 * a clsact filter, which no link holds, by its program under filters/.
 *
 * A switch first loads every program that it may need, then moves the hooks that
 * stay, all or none, then takes away and adds. What is taken away goes before
 * what is added comes: in between the outside hook judges, and nothing is
 * judged twice.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/if_link.h>

#include "port/datapath/plan.h"

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

/* Frames may come in several pieces: a driver then takes only a program that says it can. */
static bool is_jumbo(const struct device *d)
{
	return d->mtu > 1500;
}

static uint16_t hook_flags(const struct device *d, enum hook_kind kind)
{
	bool clsact = kind == HOOK_CLSACT_INGRESS || kind == HOOK_CLSACT_EGRESS;

	return (uint16_t)((device_is_ether(d) ? 0 : CF_IF_RAW_L3) | (clsact ? CF_IF_CLSACT : 0));
}

static enum prog_id tc_program(const struct hook_want *w)
{
	return w->role == CF_IF_OUTSIDE ? PROG_TC_OUTSIDE : PROG_TC_INSIDE;
}

/* ---- before the first hook is touched ------------------------------------------ */

/* Only with a new generation: attaching native XDP may reset the link. */
static bool may_go_native(const struct datapath *dp, const struct generation *g,
			  const struct plan *p, size_t i)
{
	return g != &dp->gen && plan_stays(p, i) && p->before[i].kind != HOOK_XDP &&
	       p->coverage[i].hook == COVERAGE_XDP;
}

static int load_native(struct datapath *dp, struct generation *g, const struct device *d,
		       struct why *why)
{
	int r = generation_load(dp, g, PROG_XDP_INSIDE, why);

	/* where the kernel does not know such programs, there is the other kind of hook */
	if (!r && is_jumbo(d))
		generation_load(dp, g, PROG_XDP_INSIDE_FRAGS, NULL);
	return r;
}

/*
 * Hooks that have switched run one generation and the others another, until all
 * have: nothing that takes time may come in between.
 */
static int load_all(struct datapath *dp, struct generation *g, const struct plan *p,
		    struct why *why)
{
	int r = 0;

	for (size_t i = 0; i < p->n && !r; i++) {
		bool native = p->coverage[i].hook == COVERAGE_XDP, stays = plan_stays(p, i);

		if (p->coverage[i].state != COVERAGE_HOOKED)
			continue;
		if ((native && !stays) || (stays && p->before[i].kind == HOOK_XDP) ||
		    may_go_native(dp, g, p, i))
			r = load_native(dp, g, plan_device(p, i), why);
		/* also where native XDP may be refused */
		if (!r && (!stays || p->before[i].kind != HOOK_XDP || !native))
			r = generation_load(dp, g, tc_program(&p->wants[i]), why);
	}
	return r;
}

/* ---- hooks that stay: all or none ------------------------------------------------- */

/* What was changed, to be able to take it back. */
struct change {
	struct hook_state after;
	int old_prog; /* held, so that it is still there to go back to; -1: none */
};

static int switch_to(struct datapath *dp, struct generation *g, enum prog_id which,
		     const struct plan *p, size_t i, struct change *c, struct why *why)
{
	if (g->prog_fd[which] < 0)
		return why_set(why, -ENOENT, "%s: the program is not loaded", p->wants[i].ifname);
	if (p->before[i].prog_id == g->prog_id[which])
		return 0;
	return hook_update(dp, g, which, &p->wants[i], &c->after, why);
}

/* Its MTU may have changed since: both kinds are tried, the cheaper one first. */
static int switch_native(struct datapath *dp, struct generation *g, const struct plan *p, size_t i,
			 struct change *c, struct why *why)
{
	struct why first = { "" };
	int r;

	if (p->before[i].prog_id && p->before[i].prog_id == g->prog_id[PROG_XDP_INSIDE_FRAGS])
		return 0;
	r = switch_to(dp, g, PROG_XDP_INSIDE, p, i, c, &first);
	if (r < 0 && g->prog_fd[PROG_XDP_INSIDE_FRAGS] >= 0)
		return switch_to(dp, g, PROG_XDP_INSIDE_FRAGS, p, i, c, why);
	if (r < 0 && why)
		*why = first;
	return r;
}

static int switch_one(struct datapath *dp, struct generation *g, const struct plan *p, size_t i,
		      struct change *c, struct why *why)
{
	const struct hook_want *w = &p->wants[i];
	int r;

	c->old_prog = bpf_prog_get_fd_by_id(p->before[i].prog_id);
	c->after = p->before[i];
	if (p->before[i].kind == HOOK_XDP)
		r = switch_native(dp, g, p, i, c, why);
	else
		r = switch_to(dp, g, tc_program(w), p, i, c, why);
	/* a daemon that was killed may have left the entry half written */
	if (!r)
		iface_set(dp, p->ifindex[i], w->role, hook_flags(plan_device(p, i), c->after.kind));
	return r;
}

static void take_back(struct datapath *dp, const struct plan *p, size_t i, const struct change *c)
{
	if (c->old_prog >= 0 && c->after.prog_id != p->before[i].prog_id)
		hook_restore(dp, &p->wants[i], &p->before[i], c->old_prog);
}

/*
 * The kernel puts an XDP program in its place at once, and then waits, with all of
 * networking's configuration locked, for those that run the old one: milliseconds in
 * which no other hook could follow. So those come last.
 */
#define TURNS 3
static int turn_of(const struct plan *p, size_t i)
{
	if (p->before[i].kind == HOOK_XDP)
		return 2;
	return p->wants[i].role == CF_IF_OUTSIDE ? 1 : 0;
}

static int switch_all(struct datapath *dp, struct generation *g, const struct plan *p,
		      struct why *why)
{
	struct change *done = xcalloc(p->n + 1, sizeof(*done));
	uint64_t began = dp_us(), last = began;
	int r = 0;

	for (size_t i = 0; i < p->n; i++)
		done[i].old_prog = -1;
	for (int turn = 0; turn < TURNS && !r; turn++) {
		for (size_t i = 0; i < p->n && !r; i++) {
			if (turn_of(p, i) != turn || !plan_stays(p, i))
				continue;
			last = dp_us();
			r = switch_one(dp, g, p, i, &done[i], why);
		}
	}
	dp->times.switch_us = last - began;
	dp->times.wait_us = dp_us() - last;
	for (size_t i = 0; i < p->n; i++) {
		if (r < 0)
			take_back(dp, p, i, &done[i]);
		if (done[i].old_prog >= 0)
			close(done[i].old_prog);
	}
	free(done);
	return r;
}

/* ---- what goes, what comes: nothing of this holds up the others -------------------- */

static bool wanted(const struct hook *h, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->wants[i].role == h->role && !strcmp(p->wants[i].ifname, h->ifname))
			return p->coverage[i].state == COVERAGE_HOOKED ||
			       p->coverage[i].state == COVERAGE_WAITING;
	return false;
}

static void remove_unwanted(struct datapath *dp, const struct plan *p)
{
	struct hook_list list = { 0 };

	if (datapath_hooks(dp, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct hook_want w = { .role = list.v[i].role };

		if (list.v[i].kind == HOOK_NONE || wanted(&list.v[i], p))
			continue;
		memcpy(w.ifname, list.v[i].ifname, sizeof(w.ifname));
		hook_remove(dp, &w);
	}
	hook_list_done(&list);
}

/* Without pieces if the driver takes that: it costs less. */
static int attach_native(struct datapath *dp, struct generation *g, const struct hook_want *w,
			 uint32_t ifindex)
{
	struct hook_state st;
	int r = hook_attach_xdp(dp, g, PROG_XDP_INSIDE, w, ifindex, &st);

	if (!r || r == -EBUSY || g->prog_fd[PROG_XDP_INSIDE_FRAGS] < 0)
		return r;
	return hook_attach_xdp(dp, g, PROG_XDP_INSIDE_FRAGS, w, ifindex, &st);
}

static int attach_one(struct datapath *dp, struct generation *g, struct plan *p, size_t i,
		      struct why *why)
{
	const struct hook_want *w = &p->wants[i];
	struct hook_state st;
	int r;

	if (p->coverage[i].hook == COVERAGE_XDP) {
		r = attach_native(dp, g, w, p->ifindex[i]);
		if (!r)
			return 0;
		plan_native_refused(p, i, r);
	}
	return hook_attach_tc(dp, g, tc_program(w), w, p->ifindex[i],
			      device_is_ether(plan_device(p, i)), &st, why);
}

/* Both see packets for a moment; if it is refused, nothing has changed. */
static void go_native(struct datapath *dp, struct generation *g, struct plan *p, size_t i)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	static const enum prog_id programs[] = { PROG_XDP_INSIDE, PROG_XDP_INSIDE_FRAGS };
	const struct hook_want *w = &p->wants[i];
	char path[PIN_MAX];
	int r = 0, fd = -1;

	for (size_t k = 0; k < ARRAY_SIZE(programs) && fd < 0; k++) {
		if (g->prog_fd[programs[k]] < 0)
			break;
		fd = bpf_link_create(g->prog_fd[programs[k]], (int)p->ifindex[i], BPF_XDP, &opts);
		r = -errno;
	}
	if (fd < 0) {
		plan_native_refused(p, i, r);
		return;
	}
	hook_remove(dp, w);
	if (!bpf_obj_pin(fd, hook_pin(dp, w, path)))
		iface_set(dp, p->ifindex[i], CF_IF_INSIDE, 0);
	close(fd);
}

static void cover_one(struct datapath *dp, struct generation *g, struct plan *p, size_t i,
		      struct why *why)
{
	struct why failed = { "" };

	if (p->coverage[i].state == COVERAGE_WAITING)
		hook_absent(dp, &p->wants[i], &p->before[i]);
	if (p->coverage[i].state != COVERAGE_HOOKED)
		return;
	if (may_go_native(dp, g, p, i))
		go_native(dp, g, p, i);
	else
		plan_keep_tc(p, i);
	if (plan_stays(p, i) && !plan_leaves_native(p, i))
		return;
	hook_remove(dp, &p->wants[i]);
	if (attach_one(dp, g, p, i, &failed) < 0) {
		p->coverage[i].state = COVERAGE_REFUSED;
		snprintf(p->coverage[i].why, sizeof(p->coverage[i].why), "%.*s",
			 (int)sizeof(p->coverage[i].why) - 1, failed.text);
		if (why && !*why->text)
			*why = failed;
	}
}

static void say_pieces(const struct datapath *dp, const struct generation *g, struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct coverage *c = &p->coverage[i];
		struct hook_state st;

		if (c->state != COVERAGE_HOOKED || c->hook != COVERAGE_XDP)
			continue;
		hook_state(dp, &p->wants[i], &st);
		if (st.prog_id && st.prog_id == g->prog_id[PROG_XDP_INSIDE_FRAGS])
			snprintf(c->why, sizeof(c->why),
				 "the frame as it came in, in pieces: its MTU is %u",
				 plan_device(p, i)->mtu);
	}
}

int hooks_switch(struct datapath *dp, struct generation *g, const struct hook_want *wants, size_t n,
		 struct why *why)
{
	char path[PIN_MAX];
	struct plan p;
	int r;

	mkdir(dp_path(dp, path, sizeof(path), "links"), 0700);
	r = plan_make(dp, wants, n, &p, why);
	if (!r)
		r = load_all(dp, g, &p, why);
	if (!r)
		r = facets_devices(g, &p, why);
	if (!r)
		r = switch_all(dp, g, &p, why);
	if (r < 0) {
		plan_done(&p);
		return r;
	}
	/* what is above must not pass for seen when what is below goes */
	uppers_update(dp, &p, false);
	remove_unwanted(dp, &p);
	for (int role = CF_IF_INSIDE; role <= CF_IF_OUTSIDE; role++)
		for (size_t i = 0; i < n; i++)
			if (wants[i].role == (enum cf_if_role)role)
				cover_one(dp, g, &p, i, why);
	uppers_update(dp, &p, true);
	say_pieces(dp, g, &p);
	plan_publish(dp, &p);
	plan_done(&p);
	return 0;
}
