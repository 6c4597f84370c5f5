/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "port/zones.h"

#define BPFFS "/sys/fs/bpf"

int world_enter(void)
{
	static const char devices[] = "ip link add lan0 type veth peer name host0 && "
				      "ip link add wan0 type veth peer name isp0";

	if (geteuid())
		return bench_skip("needs root");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return bench_skip("no namespaces: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", BPFFS, "bpf", 0, NULL) < 0)
		return bench_skip("%s: %s", BPFFS, strerror(errno));
	return system(devices) ? bench_skip("no veth devices") : 0;
}

int world_stay(void)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (cpu < 0 || sched_setaffinity(0, sizeof(one), &one) < 0)
		return bench_fail("cannot stay on a CPU: %s", strerror(errno));
	return 0;
}

/* ---- loading --------------------------------------------------------------- */

static int read_text(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	(void)path;
	*ret_text = xstrdup(arg);
	*ret_size = strlen(arg);
	return 0;
}

static int no_glob(void *arg, const char *pattern, char ***ret_paths)
{
	(void)arg;
	(void)pattern;
	*ret_paths = xcalloc(1, sizeof(char *));
	return 0;
}

static int compile(const struct world_load *l, struct policy_set **set, struct image **img)
{
	static struct zones *zones;
	struct policy_io io = { read_text, no_glob, (void *)l->policy };
	struct machine machine = { 0 };
	struct diag_list diags = { 0 };
	struct zone_source source;
	struct image_input in = { .machine = &machine, .now = { WORLD_NOW }, .days = 35 };
	struct buf text = { 0 };

	if (!zones)
		zones = zones_new(NULL);
	source = zones_source(zones);
	in.zones = &source;
	if (!policy_parse(&io, "bench.conf", set, &diags)) {
		in.set = *set;
		if (!image_compile(&in, img, &diags))
			return 0;
	}
	diag_print(&diags, &text);
	return bench_fail("%s: %s", l->name, buf_text(&text));
}

int world_load(struct world_load *l)
{
	static const struct hook_want wants[] = { { "lan0", CF_IF_INSIDE, XDP_AUTO },
						  { "wan0", CF_IF_OUTSIDE, XDP_AUTO } };
	char dir[64];
	struct datapath_options opt = { .dir = dir, .pairs_per_cpu = l->pairs ? l->pairs : 4096 };
	struct policy_set *set;
	struct time_map clock;
	struct image *img;
	struct why why;

	snprintf(dir, sizeof(dir), BPFFS "/%s", l->name);
	if (datapath_open(&opt, &l->dp, &why) < 0)
		return bench_fail("%s: %s", l->name, why.text);
	if (!l->policy)
		return 0;
	if (compile(l, &set, &img))
		return 1;
	if (datapath_time_map(l->dp, 0, &clock) < 0)
		return bench_fail("%s: no clocks", l->name);
	clock.utc_ns = WORLD_NOW * 1000000000;
	if (datapath_load(l->dp, img, &clock, wants, ARRAY_SIZE(wants), 0, &why) < 0)
		return bench_fail("%s: %s", l->name, why.text);
	/* each hook belongs to one datapath: detached, the pinned programs stay for test-run */
	if (!l->covers && datapath_cover(l->dp, NULL, 0, &why) < 0)
		return bench_fail("%s: %s", l->name, why.text);
	image_free(img);
	policy_set_free(set);
	return 0;
}

int world_grow(const struct world_load *l, uint64_t slots, bool six)
{
	uint32_t cpu = (uint32_t)sched_getcpu();
	int r = datapath_shard_grow(l->dp, cpu, six, slots);

	return r < 0 ? bench_fail("%s: the shard does not grow: %s", l->name, strerror(-r)) : 0;
}

void world_unload(struct world_load *l)
{
	char dir[64];

	snprintf(dir, sizeof(dir), BPFFS "/%s", l->name);
	datapath_close(l->dp);
	l->dp = NULL;
	datapath_detach(dir, NULL);
}

int world_program(const struct world_load *l, const char *program)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), BPFFS "/%s/progs/%s", l->name, program);
	fd = bpf_obj_get(path);
	if (fd < 0)
		bench_fail("%s: %s", path, strerror(errno));
	return fd;
}

/* As large as it was made. */
static int share_map(struct bpf_map *map, const char *path)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path), r;

	if (fd < 0)
		return 0;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	if (r < 0 || bpf_map__set_max_entries(map, info.max_entries) < 0 ||
	    bpf_map__set_pin_path(map, path) < 0)
		return bench_fail("%s cannot be shared", path);
	return 0;
}

int world_share(const struct world_load *l, struct bpf_object *obj)
{
	struct bpf_map *map;
	char path[128];

	bpf_object__for_each_map(map, obj)
	{
		snprintf(path, sizeof(path), BPFFS "/%s/%s", l->name, bpf_map__name(map));
		if (share_map(map, path))
			return 1;
	}
	return 0;
}

/* ---- running --------------------------------------------------------------- */

int world_run(struct world_run *run)
{
	struct __sk_buff skb = { .ifindex = run->ifindex, .ingress_ifindex = run->ingress_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = (int)run->repeat, .data_in = run->frame,
		    .data_size_in = run->size);

	if (run->tc) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	if (bpf_prog_test_run_opts(run->fd, &opts) < 0)
		return bench_fail("test-run: %s", strerror(errno));
	run->ns = opts.duration;
	run->verdict = opts.retval;
	return 0;
}

static void add_slot(void *arg, const struct pair_sample *p)
{
	struct cf_traffic *t = arg;

	t->packets += p->packets;
	t->wire_bytes += p->wire_bytes;
	t->payload_bytes += p->payload_bytes;
}

static void add_overflow(void *arg, const struct overflow_sample *o)
{
	struct cf_traffic *t = arg;

	t->packets += o->traffic.packets;
	t->wire_bytes += o->traffic.wire_bytes;
	t->payload_bytes += o->traffic.payload_bytes;
}

int world_books(const struct world_load *l, struct cf_traffic *ret)
{
	struct cf_recycled gone[CF_HOOK_MAX];
	struct cf_traffic t = { 0 };

	if (datapath_pairs(l->dp, add_slot, &t) < 0 ||
	    datapath_overflow(l->dp, add_overflow, &t) < 0 || datapath_recycled(l->dp, gone) < 0)
		return bench_fail("%s: the books cannot be read", l->name);
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		t.packets += gone[hook].packets;
		t.wire_bytes += gone[hook].wire_bytes;
		t.payload_bytes += gone[hook].payload_bytes;
	}
	*ret = t;
	return 0;
}
