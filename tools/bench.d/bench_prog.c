/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ns per packet of the real programs by test-run, against an empty program in
 * the same run: A B C A B C …, medians, ratios first. In a mount and network
 * namespace of its own. Prints a Markdown table.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include "curfew/config.h"

#include "bench.skel.h"
#include "core/image/image.h"
#include "packets.h"
#include "port/datapath/datapath.h"
#include "port/zones.h"

#define BPFFS      "/sys/fs/bpf"
#define HEAD       "outside wan0\ninside lan0\nmode enforce\nsite { timezone \"Etc/UTC\" }\n"
#define ROUNDS_MAX 51

/* A policy set loaded once; its programs serve several cases. */
struct load {
	const char *name;
	const char *policy;
	uint32_t pairs; /* 0: few */
	struct datapath *dp;
};

#define SPRAY_PAIRS (1U << 20)

enum { NO_POLICY, NO_WINDOW, ACTIVE_QUOTA, USED_UP, MANY_PAIRS, FULL };
static struct load loads[] = {
	[NO_POLICY] = { "none", HEAD },
	[NO_WINDOW] = { "window",
			HEAD "window night = daily 00:00-00:01\n"
			     "policy \"p\" { from any to any during night\n"
			     "  quota 1 GB per destination each window at 100% drop }\n" },
	[ACTIVE_QUOTA] = { "quota", HEAD "policy \"p\" { from any to any\n"
					 "  quota 1 TB per destination each day at 100% drop }\n" },
	[USED_UP] = { "used", HEAD "policy \"p\" { from any to any\n"
				   "  quota 1 B per destination each day at 100% drop }\n" },
	[MANY_PAIRS] = { "many", HEAD, SPRAY_PAIRS },
	[FULL] = { "full", HEAD },
};

static const struct frame_spec tcp4 = { "10.0.0.5", "203.0.113.1", 6, 40000, 443, 1000, 5 };
static const struct frame_spec tcp6 = { "fd12:3456::5", "2001:db8::1", 6, 40000, 443, 1000, 5 };
/* One tag, then hop-by-hop and two headers of destination options. */
static const struct frame_spec extended6 = { "fd12:3456::5", "2001:db8::1",  6, 40000, 443, 1000, 5,
					     .tags = 1,      .extensions = 3 };

struct bench_case {
	const char *name;
	const char *base; /* a program of bench.bpf.c; NULL: the real one */
	const char *pin;
	int load;
	const struct frame_spec *spec;
	bool tc;
	const char *spray; /* the program of bench.bpf.c that goes before it */
	bool recycle;      /* before each round, all slots may be given to others */
	int fd, spray_fd;
	double ns[ROUNDS_MAX];
};

static struct bench_case cases[] = {
	{ "XDP: empty program", "xdp_empty", NULL, 0, &tcp4, false },
	{ "XDP: parse only, IPv4 TCP", "xdp_parse", NULL, 0, &tcp4, false },
	{ "XDP: parse only, IPv6 TCP", "xdp_parse", NULL, 0, &tcp6, false },
	{ "XDP: parse only, VLAN and IPv6 with three extension headers", "xdp_parse", NULL, 0,
	  &extended6, false },
	{ "XDP: full path, no rule about the pair", NULL, "xdp_inside", NO_POLICY, &tcp4, false },
	{ "XDP: the same, VLAN and IPv6 with three extension headers", NULL, "xdp_inside",
	  NO_POLICY, &extended6, false },
	{ "XDP: full path, no active window", NULL, "xdp_inside", NO_WINDOW, &tcp4, false },
	{ "XDP: the same, IPv6", NULL, "xdp_inside", NO_WINDOW, &tcp6, false },
	{ "XDP: full path, active quota, charged", NULL, "xdp_inside", ACTIVE_QUOTA, &tcp4, false },
	{ "XDP: the same, IPv6", NULL, "xdp_inside", ACTIVE_QUOTA, &tcp6, false },
	{ "XDP: full path, quota used up, dropped", NULL, "xdp_inside", USED_UP, &tcp4, false },
	{ "XDP: empty program, each packet another pair's", "xdp_empty", NULL, 0, &tcp4, false,
	  "xdp_spray4" },
	{ "XDP: spray: each packet a new pair, in a recycled slot", NULL, "xdp_inside", MANY_PAIRS,
	  &tcp4, false, "xdp_spray4", true },
	{ "XDP: the same, IPv6", NULL, "xdp_inside", MANY_PAIRS, &tcp6, false, "xdp_spray6", true },
	{ "XDP: spray: each packet a new pair, table full", NULL, "xdp_inside", FULL, &tcp4, false,
	  "xdp_spray4" },
	{ "XDP: the same, IPv6", NULL, "xdp_inside", FULL, &tcp6, false, "xdp_spray6" },
	{ "TC: empty program", "tc_empty", NULL, 0, &tcp4, true },
	{ "TC: parse only, IPv4 TCP", "tc_parse", NULL, 0, &tcp4, true },
	{ "TC egress: full path, no rule about the pair", NULL, "tc_outside", NO_POLICY, &tcp4,
	  true },
	{ "TC egress: full path, no active window", NULL, "tc_outside", NO_WINDOW, &tcp4, true },
	{ "TC egress: full path, active quota, charged", NULL, "tc_outside", ACTIVE_QUOTA, &tcp4,
	  true },
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	return 1;
}

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

static int compile(const struct load *l, const struct zone_source *zones, struct policy_set **set,
		   struct image **img)
{
	struct policy_io io = { read_text, no_glob, (void *)l->policy };
	struct machine machine = { 0 };
	struct diag_list diags = { 0 };
	struct image_input in = {
		.machine = &machine, .zones = zones, .now = { 1795435200 }, .days = 35
	};
	struct buf text = { 0 };

	if (!policy_parse(&io, "bench.conf", set, &diags)) {
		in.set = *set;
		if (!image_compile(&in, img, &diags))
			return 0;
	}
	diag_print(&diags, &text);
	return fail(l->name, buf_text(&text));
}

static int load(struct load *l, const struct zone_source *zones)
{
	static const struct hook_want wants[] = { { "lan0", CF_IF_INSIDE, XDP_AUTO } };
	char dir[64];
	struct datapath_options opt = { .dir = dir, .pairs_per_cpu = l->pairs ? l->pairs : 4096 };
	struct policy_set *set;
	struct time_map clock;
	struct image *img;
	struct why why;

	snprintf(dir, sizeof(dir), BPFFS "/%s", l->name);
	if (compile(l, zones, &set, &img))
		return 1;
	if (datapath_open(&opt, &l->dp, &why) < 0)
		return fail(l->name, why.text);
	if (datapath_time_map(l->dp, 0, &clock) < 0)
		return fail(l->name, "clocks");
	clock.utc_ns = 1795435200LL * 1000000000;
	/* each hook belongs to one datapath: detach, the pinned programs stay for test-run */
	if (datapath_load(l->dp, img, &clock, wants, 1, 0, &why) < 0)
		return fail(l->name, why.text);
	if (datapath_cover(l->dp, NULL, 0, &why) < 0)
		return fail(l->name, why.text);
	image_free(img);
	policy_set_free(set);
	return 0;
}

/* Slots are given away once what is in them is of an acknowledged epoch: two looks later. */
static int recycle(struct load *l)
{
	for (int i = 0; i < 2; i++) {
		if (datapath_commit_begin(l->dp) < 0)
			return fail(l->name, "the epoch does not advance");
		datapath_commit_end(l->dp);
	}
	return 0;
}

static int go_on_with(const struct bench_case *c, int spray_to)
{
	__u32 zero = 0;

	if (bpf_map_update_elem(spray_to, &zero, &c->fd, BPF_ANY) < 0)
		return fail(c->name, strerror(errno));
	return c->recycle ? recycle(&loads[c->load]) : 0;
}

static int run(struct bench_case *c, int spray_to, int repeat, double *ret_ns)
{
	struct __sk_buff skb = { .ifindex = 1 };
	struct frame_bytes f;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = repeat);

	frame_build(c->spec, &f);
	opts.data_in = f.data;
	opts.data_size_in = f.len;
	if (c->tc) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	if (c->spray && go_on_with(c, spray_to))
		return 1;
	/* no more new pairs than there are slots to recycle, with room for buckets that are full */
	if (c->recycle && (uint32_t)repeat > SPRAY_PAIRS / 4)
		opts.repeat = SPRAY_PAIRS / 4;
	if (bpf_prog_test_run_opts(c->spray ? c->spray_fd : c->fd, &opts) < 0)
		return fail(c->name, strerror(errno));
	*ret_ns = opts.duration;
	return 0;
}

/* That the spray did what its name says. */
static int check_recycled(struct load *l)
{
	struct cf_recycled r[CF_HOOK_MAX];

	if (datapath_recycled(l->dp, r) < 0 || r[CF_HOOK_INSIDE].pairs < SPRAY_PAIRS / 2)
		return fail(l->name, "too few slots were recycled");
	return 0;
}

static int open_case(struct bench_case *c, struct bench_bpf *skel)
{
	char path[96];

	if (c->spray)
		c->spray_fd =
			bpf_program__fd(bpf_object__find_program_by_name(skel->obj, c->spray));
	if (c->base) {
		c->fd = bpf_program__fd(bpf_object__find_program_by_name(skel->obj, c->base));
		return c->fd < 0 ? fail(c->name, "no such program") : 0;
	}
	snprintf(path, sizeof(path), BPFFS "/%s/progs/%s", loads[c->load].name, c->pin);
	c->fd = bpf_obj_get(path);
	return c->fd < 0 ? fail(path, strerror(errno)) : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_table(int rounds)
{
	double empty = 1;
	struct utsname u;

	uname(&u);
	printf("Kernel %s %s, %ld CPUs, %d rounds.\n\n", u.release, u.machine,
	       sysconf(_SC_NPROCESSORS_ONLN), rounds);
	printf("| case | ratio to empty | ns per packet: median (min to max) |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench_case *c = &cases[i];

		qsort(c->ns, (size_t)rounds, sizeof(double), by_value);
		if (c->base && strstr(c->base, "_empty") && !c->spray)
			empty = c->ns[rounds / 2];
		printf("| %s | %.1f | %.0f (%.0f to %.0f) |\n", c->name, c->ns[rounds / 2] / empty,
		       c->ns[rounds / 2], c->ns[0], c->ns[rounds - 1]);
	}
}

static int enter(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return fail("namespaces", "needs root");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", BPFFS, "bpf", 0, NULL) < 0)
		return fail(BPFFS, strerror(errno));
	return system("ip link add lan0 type veth peer name host0") ? fail("veth", "ip link") : 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 11, repeat = argc > 2 ? atoi(argv[2]) : 2000000;
	struct zones *zones = zones_new(NULL);
	struct zone_source source = zones_source(zones);
	struct bench_bpf *skel;

	if (rounds < 1 || rounds > ROUNDS_MAX || repeat < 1)
		return fail("usage", "bench_prog [ROUNDS [REPEAT]]");
	if (enter())
		return 1;
	skel = bench_bpf__open_and_load();
	if (!skel)
		return fail("bench.bpf.o", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		if (load(&loads[i], &source))
			return 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (open_case(&cases[i], skel))
			return 1;
	for (int r = -1; r < rounds; r++) { /* the first round warms up */
		if (isatty(2))
			fprintf(stderr, "\rround %d of %d ", r + 1, rounds);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			if (run(&cases[i], bpf_map__fd(skel->maps.spray_to), repeat,
				&cases[i].ns[r < 0 ? 0 : r]))
				return 1;
	}
	if (isatty(2))
		fputc('\n', stderr);
	/* a table that is filled once, and a second time */
	if (rounds > 8 && (uint32_t)repeat >= SPRAY_PAIRS / 4 && check_recycled(&loads[MANY_PAIRS]))
		return 1;
	print_table(rounds);
	return 0;
}
