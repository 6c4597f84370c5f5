/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of dropped packets, and how many stand behind them. */
#include <errno.h>
#include <string.h>

#include "port/datapath/priv.h"

static int on_drop(void *ctx, void *data, size_t size)
{
	struct datapath *dp = ctx;

	if (size == sizeof(struct cf_drop) && dp->drop_fn)
		dp->drop_fn(dp->drop_arg, data);
	return 0;
}

int datapath_drops(struct datapath *dp, drop_fn fn, void *arg)
{
	int r;

	if (!dp->drops)
		dp->drops = ring_buffer__new(dp_map_fd(dp, "drops"), on_drop, dp, NULL);
	if (!dp->drops)
		return -errno;
	dp->drop_fn = fn;
	dp->drop_arg = arg;
	r = ring_buffer__consume(dp->drops);
	dp->drop_fn = NULL;
	return r;
}

int datapath_drop_samples(struct datapath *dp, struct cf_drop_samples *ret)
{
	int cpus = libbpf_num_possible_cpus(), r = 0;
	struct cf_drop_samples sum = { 0 }, *v;
	uint32_t zero = 0;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	if (bpf_map_lookup_elem(dp_map_fd(dp, "drop_samples"), &zero, v) < 0)
		r = -errno;
	for (int c = 0; c < cpus && !r; c++) {
		sum.sampled += v[c].sampled;
		sum.limited += v[c].limited;
		sum.lost += v[c].lost;
	}
	free(v);
	if (!r)
		*ret = sum;
	return r;
}
