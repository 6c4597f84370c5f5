/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is attached, and taking it all away: from the pins alone, also without a daemon. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "port/datapath_link.h"

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
	static const char *const names[] = { "xdp_inside", "tc_inside", "tc_outside" };

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
	h.alive = st.alive && st.ifindex == if_nametoindex(w->ifname);
	h.generation = generation_of(dp, st.prog_id);
	h.position = hook_position(st.ifindex, st.kind, st.prog_id);
	if (!h.alive)
		why_set(&h.why, 0, "the device or our place on it is gone");
	*VEC_ADD(list) = h;
}

static void list_clsact(const struct datapath *dp, struct hook_list *list)
{
	int fd = dp_map_fd(dp, "ifaces");
	struct cf_iface v;

	for (uint32_t i = 0; i < CF_IF_MAX; i++) {
		struct hook_want w = { 0 };

		if (bpf_map_lookup_elem(fd, &i, &v) < 0 || !(v.flags & CF_IF_CLSACT))
			continue;
		w.role = (enum cf_if_role)v.role;
		if (if_indextoname(v.ifindex, w.ifname))
			add_hook(dp, &w, list);
	}
}

int datapath_hooks(struct datapath *dp, struct hook_list *ret)
{
	struct hook_list list = { 0 };
	char path[PIN_MAX];
	struct dirent *e;
	DIR *d = opendir(dp_path(dp, path, sizeof(path), "links"));

	while (d && (e = readdir(d))) {
		struct hook_want w = { 0 };

		if (e->d_name[0] != '.' && parse_pin(e->d_name, &w))
			add_hook(dp, &w, &list);
	}
	if (d)
		closedir(d);
	list_clsact(dp, &list);
	*ret = list;
	return 0;
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
		datapath_hooks(dp, &list);
		for (size_t i = 0; i < list.n; i++) {
			struct hook_want w = { .role = list.v[i].role };

			memcpy(w.ifname, list.v[i].ifname, sizeof(w.ifname));
			hook_remove(dp, &w);
		}
		hook_list_done(&list);
		datapath_close(dp);
	}
	r = remove_pins(dir);
	return r < 0 ? why_set(why, r, "%s: %s", dir, strerror(-r)) : 0;
}
