/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is attached, and taking it all away: from the pins alone, also without a daemon. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "port/chain.h"
#include "port/datapath/plan.h"

void hook_list_done(struct hook_list *l)
{
	free(l->v);
	*l = (struct hook_list){ 0 };
}

/* links/<role>_<name>, with %XX for what bpffs refuses. */
static bool parse_pin(const char *pin, struct hook_want *w)
{
	const char *s = strchr(pin, '_');
	size_t n = 0;

	if (!s)
		return false;
	w->role = !strncmp(pin, "inside_", 7) ? CF_IF_INSIDE : CF_IF_OUTSIDE;
	for (s++; *s && n + 1 < sizeof(w->ifname); n++) {
		unsigned int c = (unsigned char)*s++;

		if (c == '%' && sscanf(s, "%2X", &c) == 1)
			s += 2;
		w->ifname[n] = (char)c;
	}
	w->ifname[n] = 0;
	return n > 0;
}

static uint32_t generation_of(const struct datapath *dp, uint32_t prog_id)
{
	static const char *const names[] = { "xdp_inside", "tc_inside", "tc_outside",
					     "xdp_inside_frags" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		char path[PIN_MAX];
		int r, fd = bpf_obj_get(dp_path(dp, path, sizeof(path), "progs/%s", names[i]));

		if (fd < 0)
			continue;
		r = bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
		if (!r && info.id == prog_id)
			return dp->control->generation;
	}
	return 0;
}

/* Where we are among the programs there, and who is first if we are not. */
static void find_place(struct hook *h)
{
	struct chain chain;
	int place;

	if (h->kind != HOOK_TCX_EGRESS && h->kind != HOOK_TCX_INGRESS)
		return;
	if (chain_read(h->ifindex, h->kind == HOOK_TCX_EGRESS, &chain) < 0)
		return;
	place = chain_place(&chain, h->link_id);
	if (place <= 0)
		return;
	h->position = (uint32_t)place;
	h->first_id = chain.v[0].prog_id;
	chain_prog_name(h->first_id, h->first);
}

/* A name may mean another device by now, or none. */
static void find_name(struct hook *h)
{
	char name[IFNAMSIZ];
	uint32_t now = if_nametoindex(h->ifname);

	if (!h->alive || now == h->ifindex)
		return;
	if (now)
		h->alive = false;
	else if (if_indextoname(h->ifindex, name))
		memcpy(h->renamed, name, sizeof(h->renamed));
}

static void add_hook(const struct datapath *dp, const struct hook_want *w, struct hook_list *list)
{
	struct hook_state st;
	struct hook h = { .role = w->role };

	hook_state(dp, w, &st);
	if (st.kind == HOOK_NONE)
		return;
	memcpy(h.ifname, w->ifname, sizeof(h.ifname));
	h.kind = st.kind;
	h.ifindex = st.ifindex;
	h.prog_id = st.prog_id;
	h.link_id = st.link_id;
	h.alive = st.alive;
	h.generation = generation_of(dp, st.prog_id);
	find_name(&h);
	if (h.alive)
		find_place(&h);
	else
		why_set(&h.why, 0, "the device or our place on it is gone");
	*VEC_ADD(list) = h;
}

static void list_pins(const struct datapath *dp, const char *sub, struct hook_list *list)
{
	char path[PIN_MAX];
	struct dirent *e;
	DIR *d = opendir(dp_path(dp, path, sizeof(path), "%s", sub));

	while (d && (e = readdir(d))) {
		struct hook_want w = { 0 };

		if (e->d_name[0] != '.' && parse_pin(e->d_name, &w))
			add_hook(dp, &w, list);
	}
	if (d)
		closedir(d);
}

static struct hook *find_hook(const struct hook_list *list, const char *ifname)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].ifname, ifname))
			return &list->v[i];
	return NULL;
}

/* What the last switch has decided, and why. */
static void list_decisions(const struct datapath *dp, struct hook_list *list)
{
	int fd = dp_map_fd(dp, "coverage");
	struct cf_coverage_key key, *last = NULL;
	struct cf_coverage v;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		struct hook *h;

		if (bpf_map_lookup_elem(fd, &key, &v) < 0)
			continue;
		h = find_hook(list, key.interface);
		if (!h) {
			h = VEC_ADD(list);
			*h = (struct hook){ .role = !strcmp(v.role, "inside") ? CF_IF_INSIDE
									      : CF_IF_OUTSIDE };
			memcpy(h->ifname, key.interface, sizeof(h->ifname));
			memcpy(h->seen_at, v.at, sizeof(h->seen_at));
			h->ifindex = v.ifindex;
			why_set(&h->why, 0, "%s", v.why);
		}
		why_set(&h->note, 0, "%s", v.why);
		why_set(&h->warning, 0, "%s", v.warning);
	}
}

/* Somewhere else may itself be seen somewhere else: a port's bridge at the bridge's bond. */
static void find_covered(struct hook_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct hook *h = &list->v[i];

		for (int depth = 0; h && *h->seen_at && depth < 8; depth++)
			h = find_hook(list, h->seen_at);
		list->v[i].covered = h && h->kind != HOOK_NONE && h->alive;
	}
}

int datapath_hooks(struct datapath *dp, struct hook_list *ret)
{
	struct hook_list list = { 0 };

	list_pins(dp, "links", &list);
	list_pins(dp, FILTERS_DIR, &list);
	list_decisions(dp, &list);
	find_covered(&list);
	*ret = list;
	return 0;
}

/*
 * Where the maps cannot be opened, as those of another version: a link goes with its pin,
 * but no pin holds a filter.
 */
static void remove_filters(const char *dir)
{
	const struct datapath dp = { .dir = (char *)dir };
	char path[PIN_MAX];
	struct dirent *e;
	DIR *d = opendir(dp_path(&dp, path, sizeof(path), FILTERS_DIR));

	while (d && (e = readdir(d))) {
		struct hook_want w = { 0 };

		if (e->d_name[0] != '.' && parse_pin(e->d_name, &w))
			hook_remove_filter(&dp, &w, if_nametoindex(w.ifname));
	}
	if (d)
		closedir(d);
}

static int remove_pins(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d))) {
		char path[PIN_MAX * 2];
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (!lstat(path, &st) && S_ISDIR(st.st_mode))
			r = remove_pins(path);
		else if (unlink(path) < 0)
			r = -errno;
	}
	closedir(d);
	return rmdir(dir) < 0 ? -errno : r;
}

int datapath_detach(const char *dir, struct why *why)
{
	struct hook_list list = { 0 };
	struct datapath *dp;
	int r;

	if (!dir)
		dir = DATAPATH_DIR;
	if (!datapath_attach_existing(dir, &dp, NULL)) {
		/* from now on the outside hook, as long as there is one, judges all */
		uppers_forget(dp);
		datapath_hooks(dp, &list);
		for (size_t i = 0; i < list.n; i++) {
			struct hook_want w = { .role = list.v[i].role };

			memcpy(w.ifname, list.v[i].ifname, sizeof(w.ifname));
			hook_remove(dp, &w);
		}
		hook_list_done(&list);
		datapath_close(dp);
	}
	remove_filters(dir);
	r = remove_pins(dir);
	return r < 0 ? why_set(why, r, "%s: %s", dir, strerror(-r)) : 0;
}
