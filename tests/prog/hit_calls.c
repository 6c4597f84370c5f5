/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way is found by following jumps, not by running it: all instructions of the program from
 * which pass_quiet() comes to book a packet, and what can follow that. So it holds more than one
 * packet ever meets, and nothing that a packet meets is missing.
 */
#include "hit_calls.h"

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/def.h"
#include "curfew/abi/limits.h"
#include "xlated.h"

/* What pass_quiet() alone does, by its line of source. */
#define BOOKED "slot->packets = packets;"

/* Also in docs/verifier.md. */
static const struct callee {
	const char *name;
	const char *program;  /* begins so; NULL: all */
	unsigned int inlined; /* on x86_64 since kernel MAJOR * 100 + MINOR; 0: never */
	bool fails;
	bool walked; /* what it calls itself is asked too */
} callees[] = {
	/* each packet */
	{ "packet6_xdp", "xdp_inside", .walked = true },
	{ "packet6_skb", "tc_", .walked = true },
	{ "bpf_get_smp_processor_id", .inlined = 610 },
	{ "percpu_array_map_lookup_elem", .inlined = 610 },
	{ "bpf_xdp_get_buff_len", "xdp_inside_frags" },
	/* some */
	{ "bpf_skb_pull_data", "tc_" },
	{ "tunnel_xdp", "xdp_inside" },
	{ "tunnel_skb", "tc_" },
	{ "was_ignored", "tc_outside" },
	{ "true_source", "tc_outside" },
	{ "failing_now", .fails = true },
};

/*
 * Where a known pair's packet looks. `lines`: an entry is in whole cache lines, or in one with
 * others. For that the kernel has to begin with a line: it does so with memory that can be
 * mapped, which begins with a page, and with nothing else. Per-CPU entries are aligned to eight
 * bytes, whatever they are.
 */
static const struct place {
	const char *map;
	bool some; /* not by each program */
	bool lines;
} places[] = {
	{ "control", .lines = true },
	{ "cpu_shards", .lines = true },
	{ "shards4", .lines = true },
	{ "shards6", .lines = true },
	{ "reasons" },
	{ "devices" },
	{ ".data.device_ro", .some = true }, /* device_rows: one row's number */
	{ "ifaces", .some = true },
	{ ".bss", .some = true },                   /* the segment in force: one word */
	{ ".rodata", .some = true, .lines = true }, /* cf_config's first line */
};

static unsigned int kernel_version(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	cr_assert_eq(uname(&u), 0);
	cr_assert_eq(sscanf(u.release, "%u.%u", &major, &minor), 2);
	return major * 100 + minor;
}

static const struct callee *callee_find(const char *program, const char *name, bool fails)
{
	for (size_t i = 0; i < ARRAY_SIZE(callees); i++) {
		const struct callee *c = &callees[i];

		if (strcmp(c->name, name) ||
		    (c->program && strncmp(program, c->program, strlen(c->program))) ||
		    (c->fails && !fails))
			continue;
#ifdef __x86_64__
		if (c->inlined && kernel_version() >= c->inlined)
			continue;
#endif
		return c;
	}
	return NULL;
}

/* ---- the way --------------------------------------------------------------------- */

static void join(const struct xlated *x, const bool *a, const bool *b, bool *to)
{
	for (uint32_t i = 0; i < x->n; i++)
		to[i] |= a[i] && (!b || b[i]);
}

/* From a function's beginning to the first of `goals`. */
static void add_way_to(const struct xlated *x, const struct xlated_function *f, const bool *goals,
		       bool *way)
{
	bool *onward = xlated_set(x), *back = xlated_set(x);

	onward[f->from] = true;
	xlated_onward(x, f, goals, onward);
	join(x, goals, NULL, back);
	xlated_back(x, f, back);
	join(x, onward, back, way);
	free(onward);
	free(back);
}

static void add_way_from(const struct xlated *x, const struct xlated_function *f, const bool *from,
			 bool *way)
{
	bool *onward = xlated_set(x);

	join(x, from, NULL, onward);
	xlated_onward(x, f, NULL, onward);
	join(x, onward, NULL, way);
	free(onward);
}

static void add_quiet(const struct xlated *x, bool *way)
{
	const struct xlated_function *f = &x->function[0];
	bool *booked = xlated_set(x);
	unsigned int n = 0;

	for (uint32_t i = f->from; i < f->to; i++) {
		uint8_t class = BPF_CLASS(x->insn[i].code);

		booked[i] =
			(class == BPF_STX || class == BPF_ST) && strstr(xlated_line(x, i), BOOKED);
		n += booked[i];
	}
	cr_assert_gt(n, 0, "no store was made from `%s` (bpf/quiet.h): this tests nothing", BOOKED);
	add_way_to(x, f, booked, way);
	add_way_from(x, f, booked, way);
	free(booked);
}

/* ---- what is on it ------------------------------------------------------------------ */

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info;
}

/* Of a map of maps, the memory is that of any of these. */
static void check_lines(int fd, const struct bpf_map_info *info)
{
	uint32_t id, size = info->value_size;

	if (info->type == BPF_MAP_TYPE_ARRAY_OF_MAPS) {
		struct bpf_map_info inner;

		for (uint32_t i = 0; i < info->max_entries; i++) {
			if (bpf_map_lookup_elem(fd, &i, &id) < 0)
				continue;
			fd = bpf_map_get_fd_by_id(id);
			cr_assert_geq(fd, 0);
			inner = info_of(fd);
			check_lines(fd, &inner);
			close(fd);
			return;
		}
		cr_assert_fail("%s has no segment", info->name);
	}
	cr_assert(info->map_flags & BPF_F_MMAPABLE, "%s begins anywhere in a line", info->name);
	cr_assert(size % CF_LINE == 0 || CF_LINE % size == 0 || info->max_entries == 1,
		  "an entry of %s is %u bytes: some are in two lines", info->name, size);
}

static void check_map(const char *program, const struct xlated *x, uint32_t i, uint64_t *seen)
{
	int fd = xlated_map(x, i);
	struct bpf_map_info info;

	if (fd < 0)
		return;
	info = info_of(fd);
	for (size_t k = 0; k < ARRAY_SIZE(places); k++) {
		const struct place *p = &places[k];

		/* the kernel cuts names: xdp_insi.bss */
		if (strcmp(p->map[0] == '.' ? strchrnul(info.name, '.') : info.name, p->map))
			continue;
		if (p->lines && !(*seen >> k & 1))
			check_lines(fd, &info);
		*seen |= 1ULL << k;
		close(fd);
		return;
	}
	cr_assert_fail("%s: on the way of a known pair, map %s: %s", program, info.name,
		       xlated_line(x, i));
}

static void print_calls(const char *program, uint64_t seen)
{
	printf("hit %s calls", program);
	for (size_t k = 0; k < ARRAY_SIZE(callees); k++)
		if (seen >> k & 1)
			printf(" %s", callees[k].name);
	printf("\n");
	fflush(stdout);
}

void hit_calls_check(const char *program, int fd, bool fails)
{
	uint64_t called = 0, read = 0;
	struct xlated x;
	char name[64];
	bool *way;

	xlated_load(fd, &x);
	way = xlated_set(&x);
	add_quiet(&x, way);
	for (uint32_t i = 0; i < x.n; i++) {
		const struct callee *c;

		if (!way[i])
			continue;
		check_map(program, &x, i, &read);
		if (!xlated_calls(&x, i, name, sizeof(name)))
			continue;
		c = callee_find(program, name, fails);
		cr_assert(c, "%s: on the way of a known pair, a call of %s: %s", program, name,
			  xlated_line(&x, i));
		called |= 1ULL << (c - callees);
		/* functions come after those that call them, or were added whole already */
		if (c->walked) {
			const struct xlated_function *f = xlated_function(&x, name);

			cr_assert_gt(f->from, i);
			memset(way + f->from, true, f->to - f->from);
		}
	}
	for (size_t k = 0; k < ARRAY_SIZE(places); k++)
		cr_assert(places[k].some || read >> k & 1, "%s: a known pair's packet is not in %s",
			  program, places[k].map);
	print_calls(program, called);
	free(way);
	xlated_free(&x);
}
