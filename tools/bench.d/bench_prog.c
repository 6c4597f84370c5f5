/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part "stages": ns per packet of the real programs by test-run, against an
 * empty program in the same run. By hand: bench_prog [ROUNDS [REPEAT]].
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "curfew/config.h"

#include "bench.skel.h"
#include "nat_gateway.h"
#include "packets.h"
#include "world.h"

#define MANY  (1U << 20)
#define FIRST "XDP: empty program"

/* A policy set loaded once; its programs serve several cases. */
enum { NO_POLICY, NO_WINDOW, ACTIVE_QUOTA, USED_UP, MANY_PAIRS, FULL, GATEWAY, LOADS };
static struct world_load loads[LOADS] = {
	[NO_POLICY] = { "none", WORLD_HEAD },
	[NO_WINDOW] = { "window",
			WORLD_HEAD "window night = daily 00:00-00:01\n"
				   "policy \"p\" { from any to any during night\n"
				   "  quota 1 GB per destination each window at 100% drop }\n" },
	[ACTIVE_QUOTA] = { "quota",
			   WORLD_HEAD "policy \"p\" { from any to any\n"
				      "  quota 1 TB per destination each day at 100% drop }\n" },
	[USED_UP] = { "used", WORLD_HEAD "policy \"p\" { from any to any\n"
					 "  quota 1 B per destination each day at 100% drop }\n" },
	[MANY_PAIRS] = { "many", WORLD_HEAD, MANY },
	[FULL] = { "full", WORLD_HEAD },
	[GATEWAY] = { "gateway", WORLD_HEAD, .covers = true },
};
/* What its programs were given, to be found on the books again. */
static uint64_t offered[LOADS];

static const struct frame_spec tcp4 = { "10.0.0.5", "203.0.113.1", 6, 40000, 443, 1000, 5 };
static const struct frame_spec syn4 = { "10.0.0.5", "203.0.113.1", 6, 40000,
					443,        1000,          5, .tcp_flags = 2 };
static const struct frame_spec tcp6 = { "fd12:3456::5", "2001:db8::1", 6, 40000, 443, 1000, 5 };
/* One tag, then hop-by-hop and two headers of destination options. */
static const struct frame_spec extended6 = { "fd12:3456::5", "2001:db8::1",  6, 40000, 443, 1000, 5,
					     .tags = 1,      .extensions = 3 };
/*
 * The gateway's own, as no inside hook sees them: the same pair at either would find its bucket the
 * fuller one at the second, and from then on be looked for in both.
 */
static const struct frame_spec own4 = { "10.0.0.1", "203.0.113.1", 6, 40000, 443, 1000, 5 };
static const struct frame_spec own6 = { "fd12:3456::1", "2001:db8::1", 6, 40000, 443, 1000, 5 };
static const struct frame_spec own_extended6 = {
	"fd12:3456::1", "2001:db8::1", 6, 40000, 443, 1000, 5, .tags = 1, .extensions = 3
};
/* Through the gateway, as the outside hook sees them after translation. */
static const struct frame_spec sent4 = { "10.0.0.7", "198.51.100.9", 6, 40001, 443, 1000, 7 };
static const struct frame_spec known4 = { "192.0.2.1", "198.51.100.9", 6, 40001, 443, 1000, 7 };
static const struct frame_spec unknown4 = { "192.0.2.1", "198.51.100.9", 6, 40002, 443, 1000, 7 };
static const struct frame_spec sctp4 = { "192.0.2.1", "198.51.100.9", 132, 0, 0, 1000, 7 };

struct stage {
	const char *name;
	const char *base; /* a program of bench.bpf.c; NULL: the real one */
	const char *pin;
	int load;
	const struct frame_spec *spec;
	bool tc;
	const char *spray; /* the program of bench.bpf.c that goes before it */
	bool recycle;      /* before each round, all slots may be given to others */
	bool forwarded;    /* it came in by lan0, which is covered */
	int fd, spray_fd;
	json_t *row;
};

#define XDP_PARSE4  "XDP: parse only, IPv4 TCP"
#define XDP_PARSE6  "XDP: parse only, IPv6 TCP"
#define XDP_OUT4    "XDP: full path, no active window"
#define XDP_OUT6    "XDP: no active window, IPv6"
#define TC_FIRST    "TC: empty program"
#define TC_PARSE4   "TC: parse only, IPv4 TCP"
#define TC_PARSE6   "TC: parse only, IPv6 TCP"
#define TC_OUT4(at) at ": full path, no active window"
#define TC_OUT6(at) at ": no active window, IPv6"

/* The same at either place; inside it is what native XDP does where that is not to be had. */
/* clang-format off */
#define TC_PATHS(at, program, v4, v6, extended)                                             \
	{ at ": full path, no rule about the pair", NULL, program, NO_POLICY, &v4, true },         \
	{ at ": the same, VLAN and IPv6 with three extension headers", NULL, program, NO_POLICY,   \
	  &extended, true },                                                                       \
	{ TC_OUT4(at), NULL, program, NO_WINDOW, &v4, true },                                      \
	{ TC_OUT6(at), NULL, program, NO_WINDOW, &v6, true },                                      \
	{ at ": full path, active quota, charged", NULL, program, ACTIVE_QUOTA, &v4, true },       \
	{ at ": charged, IPv6", NULL, program, ACTIVE_QUOTA, &v6, true },                          \
	{ at ": full path, quota used up, dropped", NULL, program, USED_UP, &v4, true },           \
	{ at ": spray: each packet a new pair, in a recycled slot", NULL, program, MANY_PAIRS,     \
	  &v4, true, "tc_spray4", true },                                                          \
	{ at ": recycled slot, IPv6", NULL, program, MANY_PAIRS, &v6, true, "tc_spray6", true },   \
	{ at ": spray: each packet a new pair, table full", NULL, program, FULL, &v4, true,        \
	  "tc_spray4" },                                                                           \
	{ at ": table full, IPv6", NULL, program, FULL, &v6, true, "tc_spray6" }
/* clang-format on */

static struct stage stages[] = {
	{ FIRST, "xdp_empty", NULL, 0, &tcp4 },
	{ XDP_PARSE4, "xdp_parse", NULL, 0, &tcp4 },
	{ XDP_PARSE6, "xdp_parse", NULL, 0, &tcp6 },
	{ "XDP: parse only, VLAN and IPv6 with three extension headers", "xdp_parse", NULL, 0,
	  &extended6 },
	{ "XDP: full path, no rule about the pair", NULL, "xdp_inside", NO_POLICY, &tcp4 },
	{ "XDP: the same, VLAN and IPv6 with three extension headers", NULL, "xdp_inside",
	  NO_POLICY, &extended6 },
	{ XDP_OUT4, NULL, "xdp_inside", NO_WINDOW, &tcp4 },
	{ XDP_OUT6, NULL, "xdp_inside", NO_WINDOW, &tcp6 },
	{ "XDP: full path, active quota, charged", NULL, "xdp_inside", ACTIVE_QUOTA, &tcp4 },
	{ "XDP: charged, IPv6", NULL, "xdp_inside", ACTIVE_QUOTA, &tcp6 },
	{ "XDP: full path, quota used up, dropped", NULL, "xdp_inside", USED_UP, &tcp4 },
	{ "XDP: empty program, each packet another pair's", "xdp_empty", NULL, 0, &tcp4, false,
	  "xdp_spray4" },
	{ "XDP: spray: each packet a new pair, in a recycled slot", NULL, "xdp_inside", MANY_PAIRS,
	  &tcp4, false, "xdp_spray4", true },
	{ "XDP: recycled slot, a SYN: connection tracking is not asked", NULL, "xdp_inside",
	  MANY_PAIRS, &syn4, false, "xdp_spray4", true },
	{ "XDP: recycled slot, IPv6", NULL, "xdp_inside", MANY_PAIRS, &tcp6, false, "xdp_spray6",
	  true },
	{ "XDP: spray: each packet a new pair, table full", NULL, "xdp_inside", FULL, &tcp4, false,
	  "xdp_spray4" },
	{ "XDP: table full, IPv6", NULL, "xdp_inside", FULL, &tcp6, false, "xdp_spray6" },

	{ TC_FIRST, "tc_empty", NULL, 0, &tcp4, true },
	{ TC_PARSE4, "tc_parse", NULL, 0, &tcp4, true },
	{ TC_PARSE6, "tc_parse", NULL, 0, &tcp6, true },
	{ "TC: parse only, VLAN and IPv6 with three extension headers", "tc_parse", NULL, 0,
	  &extended6, true },
	{ "TC: empty program, each packet another pair's", "tc_empty", NULL, 0, &tcp4, true,
	  "tc_spray4" },
	TC_PATHS("TC egress", "tc_outside", own4, own6, own_extended6),
	{ "TC egress: forwarded, judged inside: SCTP, connection tracking is not asked", NULL,
	  "tc_outside", GATEWAY, &sctp4, true, .forwarded = true },
	{ "TC egress: forwarded TCP, connection tracking is asked: unknown", NULL, "tc_outside",
	  GATEWAY, &unknown4, true, .forwarded = true },
	{ "TC egress: forwarded TCP, connection tracking is asked: known", NULL, "tc_outside",
	  GATEWAY, &known4, true, .forwarded = true },
	TC_PATHS("TC ingress inside", "tc_inside", tcp4, tcp6, extended6),
};

/* ---- running ------------------------------------------------------------------ */

static bool can_track;

/* What was carried over to the gateway's outside hook was counted, but belongs to no pair. */
static bool runs(const struct stage *s)
{
	return !s->forwarded || can_track;
}

/* Slots are given away once what is in them is of an acknowledged epoch: two looks later. */
static int recycle(const struct world_load *l)
{
	for (int i = 0; i < 2; i++) {
		if (datapath_commit_begin(l->dp) < 0)
			return bench_fail("%s: the epoch does not advance", l->name);
		datapath_commit_end(l->dp);
	}
	return 0;
}

static int prepare(const struct stage *s, const struct bench_bpf *skel)
{
	int then = bpf_map__fd(s->tc ? skel->maps.tc_spray_to : skel->maps.spray_to);
	__u32 zero = 0;

	if (s->spray && bpf_map_update_elem(then, &zero, &s->fd, BPF_ANY) < 0)
		return bench_fail("%s: %s", s->name, strerror(errno));
	return s->recycle ? recycle(&loads[s->load]) : 0;
}

static int run(const struct stage *s, const struct bench_bpf *skel, uint32_t repeat, int *wrong,
	       double *ret_ns)
{
	static uint32_t lan;
	struct frame_bytes f;
	struct world_run w = { .fd = s->spray ? s->spray_fd : s->fd,
			       .frame = f.data,
			       .tc = s->tc,
			       .ifindex = 1,
			       .repeat = repeat };
	bool drops = s->load == USED_UP && !s->base;

	if (!lan)
		lan = if_nametoindex("lan0");
	frame_build(s->spec, &f);
	w.size = f.len;
	w.ingress_ifindex = s->forwarded ? lan : 0;
	/* no more new pairs than there are slots to recycle, with room for buckets that are full */
	if (s->recycle && repeat > loads[s->load].pairs / 4)
		w.repeat = loads[s->load].pairs / 4;
	if (prepare(s, skel) || world_run(&w))
		return 1;
	if (!s->base)
		offered[s->load] += (uint64_t)w.repeat * f.len;
	*wrong += w.verdict != (s->tc ? (drops ? 2U : ~0U) : drops ? 1U : 2U);
	*ret_ns = w.ns;
	return 0;
}

static int open_stage(struct stage *s, struct bench_bpf *skel)
{
	struct bpf_object *obj = skel->obj;

	if (s->spray)
		s->spray_fd = bpf_program__fd(bpf_object__find_program_by_name(obj, s->spray));
	if (s->base)
		s->fd = bpf_program__fd(bpf_object__find_program_by_name(obj, s->base));
	else
		s->fd = world_program(&loads[s->load], s->pin);
	return s->fd < 0 ? bench_fail("%s: no such program", s->name) : 0;
}

/* All loads' books against what their programs were given. */
static int check_books(json_t *report)
{
	struct cf_recycled gone[CF_HOOK_MAX];
	int64_t missing = 0;

	for (int i = 0; i < GATEWAY; i++) {
		struct cf_traffic t;

		if (world_books(&loads[i], &t))
			return 1;
		missing += llabs((int64_t)(offered[i] - t.wire_bytes));
	}
	bench_must(report, "bytes offered to judging programs that are not on the books", missing,
		   "bytes", 0);
	if (datapath_recycled(loads[MANY_PAIRS].dp, gone) < 0)
		return bench_fail("what was recycled cannot be read");
	bench_must(report, "1: sprayed pairs got the slots of others",
		   gone[CF_HOOK_INSIDE].pairs > 0 && gone[CF_HOOK_OUTSIDE].pairs > 0, "", 1);
	return 0;
}

static const json_t *row_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (!strcmp(stages[i].name, name))
			return stages[i].row;
	return NULL;
}

static void add_goals(json_t *report)
{
	static const struct {
		const char *what, *out4, *parse4, *out6, *parse6;
	} places[] = {
		{ "outside windows, hot, beyond parsing, native XDP", XDP_OUT4, XDP_PARSE4,
		  XDP_OUT6, XDP_PARSE6 },
		{ "the same, TC ingress inside", TC_OUT4("TC ingress inside"), TC_PARSE4,
		  TC_OUT6("TC ingress inside"), TC_PARSE6 },
		{ "the same, TC egress, the gateway's own", TC_OUT4("TC egress"), TC_PARSE4,
		  TC_OUT6("TC egress"), TC_PARSE6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		json_t *g = bench_goal(report, places[i].what, "ns", BENCH_AT_MOST, 20);

		bench_found_beyond(g, "IPv4", row_of(places[i].out4), row_of(places[i].parse4));
		bench_found_beyond(g, "IPv6", row_of(places[i].out6), row_of(places[i].parse6));
	}
}

static int measure(json_t *report, int rounds, uint32_t repeat)
{
	json_t *xdp = bench_table(report, "XDP, inside", "ns per packet", FIRST);
	json_t *tc = bench_table(report, "TC", "ns per packet", TC_FIRST);
	struct bench_bpf *skel = bench_bpf__open_and_load();
	int wrong = 0;

	if (!skel)
		return bench_fail("bench.bpf.o: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		if (!runs(&stages[i]))
			continue;
		if (open_stage(&stages[i], skel))
			return 1;
		stages[i].row = bench_row(stages[i].tc ? tc : xdp, stages[i].name, NULL, NULL);
	}
	for (int r = -1; r < rounds; r++) { /* the first round warms up */
		double ns;

		bench_progress(r + 1, rounds);
		for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
			if (!runs(&stages[i]))
				continue;
			if (run(&stages[i], skel, repeat, &wrong, &ns))
				return 1;
			if (r >= 0)
				bench_sample(stages[i].row, ns);
		}
	}
	add_goals(report);
	bench_must(report, "runs that ended with another verdict than they should", wrong, "", 0);
	return check_books(report);
}

/* For people: one table. */
static int print(json_t *report, const struct bench_options *opt)
{
	_cleanup_free_ char *render = realpath(BENCH_SOURCE_DIR "/render.py", NULL);
	char command[4096];
	int r = bench_report_write(report, opt);

	snprintf(command, sizeof(command), "'%s' '%s'", render ? render : "render.py", opt->json);
	if (system(command))
		r = bench_fail("%s could not show %s", render, opt->json);
	unlink(opt->json);
	return r;
}

int main(int argc, char **argv)
{
	bool by_hand = argc < 2 || isdigit((unsigned char)argv[1][0]);
	char json[64]; /* of this run: by hand, there may be two at a time */
	struct bench_options opt = { .json = json };
	int r = by_hand ? 0 : bench_options_parse(argc, argv, &opt);
	int rounds = opt.quick ? 5 : 9;
	uint32_t repeat = opt.quick ? 20000 : 1000000;
	json_t *report = bench_report_new(
		"stages", "What each stage costs a packet",
		"The real programs, loaded by the real loader with a real policy, by test-run; one "
		"pair, so caches are hot, unless the case says otherwise. 1,000 bytes of payload.");

	if (by_hand)
		snprintf(json, sizeof(json), "/tmp/bench_prog.%d.json", getpid());
	if (!r && by_hand) {
		rounds = argc > 1 ? atoi(argv[1]) : 11;
		repeat = argc > 2 ? (uint32_t)atoi(argv[2]) : 2000000;
	}
	if (opt.quick)
		loads[MANY_PAIRS].pairs = 1U << 14;
	if (!r && (rounds < 1 || !repeat))
		r = bench_fail("usage: bench_prog [ROUNDS [REPEAT]]");
	if (!r)
		r = world_enter();
	if (!r)
		can_track = nat_gateway_up();
	for (int i = 0; i < LOADS && !r; i++)
		r = world_load(&loads[i]);
	if (r)
		return r;
	can_track =
		can_track && datapath_conntrack(loads[GATEWAY].dp) && nat_gateway_connect(&sent4);
	if (!can_track)
		bench_note(report, "Forwarded packets were not measured: this kernel's connection "
				   "tracking cannot be asked.");
	r = measure(report, rounds, repeat);
	if (r)
		return r;
	return by_hand ? print(report, &opt) : bench_report_write(report, &opt);
}
