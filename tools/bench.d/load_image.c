/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load_image.h"

#include <stdio.h>
#include <string.h>

#include "world.h"

struct datapath *load_image(const char *name, const struct image *img)
{
	static const struct hook_want wants[] = { { "lan0", CF_IF_INSIDE, XDP_AUTO },
						  { "wan0", CF_IF_OUTSIDE, XDP_AUTO } };
	char dir[64];
	struct datapath_options opt = { .dir = dir };
	struct datapath *dp = NULL;
	struct why why = { "no clocks" };
	struct time_map clock;

	snprintf(dir, sizeof(dir), "/sys/fs/bpf/%s", name);
	if (datapath_open(&opt, &dp, &why) < 0 || datapath_time_map(dp, 0, &clock) < 0 ||
	    datapath_load(dp, img, &clock, wants, ARRAY_SIZE(wants), 0, &why) < 0) {
		bench_fail("%s: %s", name, why.text);
		datapath_close(dp);
		return NULL;
	}
	return dp;
}
