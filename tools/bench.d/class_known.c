/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "class_known.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "class_calls.skel.h"
#include "load_image.h"
#include "packets.h"
#include "port/datapath/priv.h"
#include "world.h"

#define PAIRS  200 /* of each family */
#define REPEAT 500
#define ASKED  2 /* for the destination's class, and for the source's */

static int reuse_tables(struct bpf_object *obj, const struct generation *g)
{
	struct bpf_object *with = generation_object(g);
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);

		if (dp_is_table(name) && !r)
			r = bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(with, name));
	}
	return r;
}

/* As another program of the generation that is in force. */
static struct class_calls_bpf *load_counting(struct datapath *dp)
{
	struct class_calls_bpf *skel = class_calls_bpf__open();
	struct why why = { "" };
	int r;

	if (!skel)
		return NULL;
	memcpy((void *)&skel->rodata->cfg, &dp->gen.config, sizeof(dp->gen.config));
	r = dp_use_shared(dp, skel->obj, true, &why);
	if (!r)
		r = reuse_tables(skel->obj, &dp->gen);
	if (!r)
		r = class_calls_bpf__load(skel);
	if (!r)
		return skel;
	bench_fail("a program that counts its look-ups: %s", strerror(-r));
	class_calls_bpf__destroy(skel);
	return NULL;
}

/* Each pair's packet so many times. */
static int run(int prog, bool six, uint32_t repeat)
{
	for (int i = 0; i < PAIRS; i++) {
		char dst[64];
		struct frame_spec spec = {
			six ? "fd12:3456::5" : "10.0.0.5", dst, 6, 40000, 443, 100, 5
		};
		struct frame_bytes f;
		struct world_run packet = { .fd = prog, .frame = f.data, .repeat = repeat };

		snprintf(dst, sizeof(dst), six ? "2a00:%x::1" : "93.184.%d.1", i);
		frame_build(&spec, &f);
		packet.size = f.len;
		if (world_run(&packet))
			return 1;
	}
	return 0;
}

int known_pairs(json_t *report, const struct image *img)
{
	json_t *goal = bench_goal(report, "look-ups of classes for 200,000 packets of known pairs",
				  "", BENCH_AT_MOST, 0);
	struct datapath *dp = load_image("known", img);
	struct class_calls_bpf *skel = dp ? load_counting(dp) : NULL;
	int r = 1, prog = skel ? bpf_program__fd(skel->progs.xdp_inside) : -1;
	uint64_t first;

	if (prog < 0 || run(prog, false, 1) || run(prog, true, 1))
		goto done;
	first = skel->bss->calls;
	if (run(prog, false, REPEAT) || run(prog, true, REPEAT))
		goto done;
	bench_must(report, "look-ups of classes by the first packets of 400 new pairs",
		   (int64_t)first, "", 2LL * PAIRS * ASKED);
	bench_must(report, "look-ups of classes by the next 200,000 packets of the same pairs",
		   (int64_t)(skel->bss->calls - first), "", 0);
	bench_sample(bench_found(goal, ""), (double)(skel->bss->calls - first));
	r = 0;
done:
	class_calls_bpf__destroy(skel);
	datapath_close(dp);
	if (datapath_detach("/sys/fs/bpf/known", NULL) < 0)
		r = bench_fail("the datapath does not detach");
	return r;
}
