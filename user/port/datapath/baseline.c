/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where our counters and the device's stood at one and the same moment: see cf_baseline. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "port/datapath/priv.h"
#include "port/device_stats.h"

/* While packets fly, the two are read again and again; then it is as near as can be. */
#define TRIES 64

int datapath_device_now(struct datapath *dp, uint32_t ifindex, struct cf_baseline *ret,
			uint64_t *ret_slack)
{
	struct cf_baseline now = { .at = (uint64_t)time(NULL) }, *b = &now;
	uint64_t slack = 0;

	for (int i = 0; i < TRIES; i++) {
		struct cf_device_count before;
		struct device_stats s;
		int r = datapath_device(dp, ifindex, &before);

		if (!r)
			r = device_stats(ifindex, &s);
		if (!r)
			r = datapath_device(dp, ifindex, &b->hook);
		if (r < 0)
			return r;
		slack = b->hook.len_bytes - before.len_bytes;
		b->tx_bytes = s.tx_bytes;
		b->tx_packets = s.tx_packets;
		b->tx_dropped = s.tx_dropped;
		b->queue_bytes = s.queue_bytes;
		b->queue_drops = s.queue_drops;
		if (before.packets == b->hook.packets)
			break;
	}
	*ret = now;
	*ret_slack = slack;
	return 0;
}

static int set_one(struct datapath *dp, const struct hook *h)
{
	int r, fd = dp_map_fd(dp, "baselines");
	struct cf_baseline b;
	uint64_t slack;

	if (!bpf_map_lookup_elem(fd, &h->ifindex, &b))
		return 0;
	r = datapath_device_now(dp, h->ifindex, &b, &slack);
	/* it is one of so many that it is not counted apart */
	if (r == -ENOENT)
		return 0;
	memcpy(b.ifname, h->ifname, sizeof(b.ifname));
	if (!r && bpf_map_update_elem(fd, &h->ifindex, &b, BPF_ANY) < 0)
		r = -errno;
	return r;
}

/* Attached, or lost and still wanted: then what leaves meanwhile is to be told. */
static bool is_kept(const struct hook_list *l, const struct cf_baseline *b)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].role == CF_IF_OUTSIDE && !strcmp(l->v[i].ifname, b->ifname))
			return true;
	return false;
}

/* Numbers of devices that are gone, or ours no longer, may be given to others. */
static void forget_others(struct datapath *dp, const struct hook_list *l)
{
	int fd = dp_map_fd(dp, "baselines");
	const uint32_t *last = NULL;
	uint32_t key, gone[64];
	size_t n = 0;

	while (n < ARRAY_SIZE(gone) && !bpf_map_get_next_key(fd, last, &key)) {
		char name[IFNAMSIZ];
		struct cf_baseline b;

		last = &key;
		if (!bpf_map_lookup_elem(fd, &key, &b) &&
		    (!if_indextoname(key, name) || !is_kept(l, &b)))
			gone[n++] = key;
	}
	while (n)
		bpf_map_delete_elem(fd, &gone[--n]);
}

int datapath_baselines_set(struct datapath *dp)
{
	struct hook_list hooks = { 0 };
	int r = datapath_hooks(dp, &hooks);

	for (size_t i = 0; i < hooks.n && !r; i++)
		if (hooks.v[i].alive && hooks.v[i].role == CF_IF_OUTSIDE)
			r = set_one(dp, &hooks.v[i]);
	forget_others(dp, &hooks);
	hook_list_done(&hooks);
	return r;
}

int datapath_baselines(struct datapath *dp, baseline_fn fn, void *arg)
{
	int fd = dp_map_fd(dp, "baselines");
	const uint32_t *last = NULL;
	struct cf_baseline b;
	uint32_t key;

	while (!bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (!bpf_map_lookup_elem(fd, &key, &b))
			fn(arg, key, &b);
	}
	return 0;
}
