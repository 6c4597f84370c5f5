/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real programs, as the loader loads them, on the packets that the parsers have
 * agreed about (CURFEW_DIFF_PACKETS, in diff_carry's format): each leaves with one
 * reason, the parser's if it has one, with the parser's payload; and what was judged
 * is in the books, to the byte.
 */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carry.h"
#include "prog_help.h"

#define PROGS "/sys/fs/bpf/curfew/progs/"

/* What fits into a page with the rest of test-run's frame: longer ones have fragments. */
#define LINEAR_MAX 3000

struct program {
	const char *path;
	enum cf_hook hook;
	bool is_xdp;
};

static const struct program programs[] = {
	{ PROGS "xdp_inside", CF_HOOK_INSIDE, true },
	{ PROGS "tc_inside", CF_HOOK_INSIDE, false },
	{ PROGS "tc_outside", CF_HOOK_OUTSIDE, false },
};

/* By the slug's first word, which is the group's name. */
static bool is_judged(enum cf_reason r)
{
	const char *name = rig_reason_name(r);

	return !strncmp(name, "pass", 4) || !strncmp(name, "drop", 4);
}

static bool is_unparsed(enum cf_reason r)
{
	return !strncmp(rig_reason_name(r), "unparsed", 8);
}

/* False: test-run does not take it. */
static bool run(struct rig *r, const struct program *prog, const struct packet *p)
{
	struct __sk_buff skb = { .ifindex = r->inside_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len);
	int fd = bpf_obj_get(prog->path), e;

	cr_assert_geq(fd, 0, "%s is not pinned: %s", prog->path, strerror(errno));
	if (prog->hook == CF_HOOK_OUTSIDE)
		skb.ifindex = r->outside_ifindex;
	if (!prog->is_xdp) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	e = bpf_prog_test_run_opts(fd, &opts);
	close(fd);
	return e == 0;
}

struct seen {
	unsigned int packets;
	enum cf_reason reason;
	uint64_t wire, payload;
};

static struct seen difference(const struct reason_totals *a, const struct reason_totals *b,
			      enum cf_hook hook)
{
	struct seen s = { 0 };

	for (int i = 0; i < CF_REASON_MAX; i++) {
		if (a->t[hook][i].packets == b->t[hook][i].packets)
			continue;
		s.packets += b->t[hook][i].packets - a->t[hook][i].packets;
		s.reason = (enum cf_reason)i;
		s.wire = b->t[hook][i].wire_bytes - a->t[hook][i].wire_bytes;
		s.payload = b->t[hook][i].payload_bytes - a->t[hook][i].payload_bytes;
	}
	return s;
}

static void check(const struct program *prog, unsigned int n, const struct facts *want,
		  const struct seen *got, struct cf_traffic *judged)
{
	const char *name = rig_reason_name(got->reason);

	cr_assert_eq(got->packets, 1, "%s, packet %u: left with %u reasons", prog->path, n,
		     got->packets);
	cr_expect_eq(got->wire, want->wire, "%s, packet %u: %lu wire bytes, not %u", prog->path, n,
		     (unsigned long)got->wire, want->wire);
	if (want->reason != CF_REASON_MAX) {
		cr_expect_eq(got->reason, want->reason, "%s, packet %u: %s", prog->path, n, name);
		return;
	}
	cr_expect_not(is_unparsed(got->reason), "%s, packet %u: %s", prog->path, n, name);
	cr_expect_eq(got->payload, want->payload, "%s, packet %u: payload %lu, not %u", prog->path,
		     n, (unsigned long)got->payload, want->payload);
	if (!is_judged(got->reason))
		return;
	judged->packets++;
	judged->wire_bytes += want->wire;
	judged->payload_bytes += want->payload;
}

static FILE *packets_open(void)
{
	const char *path = getenv("CURFEW_DIFF_PACKETS");
	FILE *f = path ? fopen(path, "rb") : NULL;

	if (!path)
		cr_skip_test("SKIP: CURFEW_DIFF_PACKETS does not name a file");
	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	return f;
}

static bool next(FILE *in, uint8_t *room, struct packet *ret)
{
	uint32_t head[2];

	if (fread(head, sizeof(head), 1, in) != 1)
		return false;
	cr_assert_lt(head[0], PACKET_MAX);
	*ret = (struct packet){ room, head[0], head[1] };
	return !head[0] || fread(room, head[0], 1, in) == 1;
}

static unsigned int run_all(struct rig *r, const struct program *prog, struct cf_traffic *judged)
{
	uint8_t *room = malloc(PACKET_MAX);
	unsigned int n = 0, taken = 0;
	struct reason_totals a, b;
	FILE *in = packets_open();
	struct packet p;

	cr_assert_not_null(room);
	for (; next(in, room, &p); n++) {
		struct facts want = { 0 };
		struct seen got;

		cr_assert_eq(datapath_reasons(r->dp, &a), 0);
		if (p.raw || p.len > LINEAR_MAX || !run(r, prog, &p))
			continue;
		cr_assert_eq(datapath_reasons(r->dp, &b), 0);
		host_parse(&p, &want);
		got = difference(&a, &b, prog->hook);
		check(prog, n, &want, &got, judged);
		taken++;
	}
	fclose(in);
	free(room);
	return taken;
}

static void expect_books(struct rig *r, enum cf_hook hook, const struct cf_traffic *judged)
{
	struct cf_traffic slots, overflow, offered;

	rig_books(r, hook, &slots, &overflow, &offered);
	cr_expect_eq(slots.packets + overflow.packets, judged->packets);
	cr_expect_eq(slots.wire_bytes + overflow.wire_bytes, judged->wire_bytes);
	cr_expect_eq(slots.payload_bytes + overflow.payload_bytes, judged->payload_bytes);
	cr_expect_gt(judged->packets, 0);
}

Test(diff_programs, the_real_programs_say_what_the_parser_said)
{
	struct cf_traffic judged[CF_HOOK_MAX] = { 0 };
	struct rig r;

	rig_setup(&r, "outside wan0\ninside lan0, lan1\nmode observe\n", NULL);
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int n = run_all(&r, &programs[i], &judged[programs[i].hook]);

		fprintf(stderr, "%s: %u packets\n", strrchr(programs[i].path, '/') + 1, n);
		cr_expect_gt(n, 100, "only %u packets for %s", n, programs[i].path);
	}
	expect_books(&r, CF_HOOK_INSIDE, &judged[CF_HOOK_INSIDE]);
	expect_books(&r, CF_HOOK_OUTSIDE, &judged[CF_HOOK_OUTSIDE]);
}
