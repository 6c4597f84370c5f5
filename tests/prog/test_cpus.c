/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs that come online and go offline, as a file says that they did: none of this machine's is
 * touched. What a packet meets is real, as far as this machine has CPUs.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "prog_help.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"
#define SLOTS   ((uint64_t)CF_SEG_BUCKETS * CF_BUCKET_SLOTS)

static char list[] = "/tmp/cpus.XXXXXX";

static void online(const char *cpus)
{
	int fd = open(list, O_WRONLY | O_TRUNC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, cpus, strlen(cpus)), (ssize_t)strlen(cpus));
	close(fd);
}

static void setup(struct rig *r, const char *cpus, uint32_t segments)
{
	struct rig_options opt = { .segments = segments, .cpus_online = list };
	int fd = mkstemp(list);

	cr_assert_geq(fd, 0);
	close(fd);
	online(cpus);
	rig_setup(r, OBSERVE, &opt);
}

static void done(void)
{
	unlink(list);
}

/* Makes those that are missing, and says whose in the order in which they were made. */
static const char *missing(struct rig *r)
{
	static char said[64];
	uint32_t cpu;
	size_t n = 0;
	int e;

	said[0] = 0;
	while ((e = datapath_shard_missing(r->dp, &cpu)) > 0 && n < sizeof(said) - 8)
		n += (size_t)snprintf(said + n, sizeof(said) - n, "%u ", cpu);
	if (e < 0)
		snprintf(said + n, sizeof(said) - n, "%s", e == -ENOSPC ? "full" : strerror(-e));
	return said;
}

static void assert_cpus(struct rig *r, uint32_t with, uint32_t up, uint32_t without)
{
	struct datapath_sizes s;

	datapath_sizes(r->dp, &s);
	cr_assert_eq(s.cpus, with, "%u have a shard", s.cpus);
	cr_assert_eq(s.cpus_online, up, "%u are online", s.cpus_online);
	cr_assert_eq(s.cpus_without, without, "%u have none", s.cpus_without);
}

/* How much room a CPU's shard comes to have, in segments of IPv4. */
static uint32_t room_of(struct rig *r, uint32_t cpu)
{
	uint32_t n = 1;

	while (!datapath_shard_grow(r->dp, cpu, false, 2 * n * SLOTS))
		n *= 2;
	return n;
}

struct count {
	unsigned int on[4], asked;
};

static void count(void *arg, const struct pair_sample *p)
{
	struct count *c = arg;

	if (p->cpu < 4)
		c->on[p->cpu]++;
}

static void hear(void *arg, const struct cf_event *ev)
{
	struct count *c = arg;

	c->asked += ev->kind == CF_EVENT_ROOM;
}

static void run_on(int cpu)
{
	cpu_set_t there;

	CPU_ZERO(&there);
	CPU_SET(cpu, &there);
	if (sched_setaffinity(0, sizeof(there), &there) < 0) {
		printf("SKIP: needs two CPUs\n");
		exit(77);
	}
}

static void assert_books(struct rig *r, uint64_t slots, uint64_t overflow)
{
	struct cf_traffic s, o, offered;

	rig_books(r, CF_HOOK_INSIDE, &s, &o, &offered);
	cr_assert_eq(s.packets, slots, "%llu in slots", (unsigned long long)s.packets);
	cr_assert_eq(o.packets, overflow, "%llu in overflow", (unsigned long long)o.packets);
	cr_assert_eq(s.wire_bytes + o.wire_bytes, offered.wire_bytes);
}

Test(cpus, one_that_comes_online_gets_a_shard_and_keeps_it, .fini = done)
{
	struct frame_spec four = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct frame_spec six = { "fd12:3456::5", "2001:db8::1", 6, 1, 443, 1000 };
	struct count c = { 0 };
	struct rig r;

	run_on(1);
	setup(&r, "0\n", 0);
	assert_cpus(&r, 1, 1, 0);
	/* told late that it is there: what it handles is in overflow, and it asks for room */
	rig_repeat(&r, RIG_INSIDE, &four, 3);
	rig_repeat(&r, RIG_INSIDE, &six, 2);
	assert_books(&r, 0, 5);
	datapath_events(r.dp, hear, &c);
	cr_assert_gt(c.asked, 0, "nobody asked");
	cr_assert_str_eq(missing(&r), "");

	online("0-1\n");
	assert_cpus(&r, 1, 2, 1);
	cr_assert_str_eq(missing(&r), "1 ");
	cr_assert_str_eq(missing(&r), "");
	assert_cpus(&r, 2, 2, 0);
	rig_repeat(&r, RIG_INSIDE, &four, 7);
	rig_repeat(&r, RIG_INSIDE, &six, 4);
	assert_books(&r, 11, 5);
	cr_assert_eq(rig_pair(&r, four.src, four.dst).packets, 7);
	cr_assert_eq(datapath_pairs(r.dp, count, &c), 0);
	cr_assert_eq(c.on[1], 2);

	/* gone again: what it has counted is where it was, and it goes on from there */
	online("0\n");
	cr_assert_str_eq(missing(&r), "");
	assert_cpus(&r, 2, 1, 0);
	assert_books(&r, 11, 5);
	online("0-1\n");
	cr_assert_str_eq(missing(&r), "");
	rig_repeat(&r, RIG_INSIDE, &four, 1);
	assert_books(&r, 12, 5);
}

/* Who opens the tables after that, a daemon or a command, sees its pairs. */
Test(cpus, a_shard_that_was_made_later_is_found_again, .fini = done)
{
	struct frame_spec spec = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct count c = { 0 };
	struct datapath *again;
	struct why why = { "" };
	struct rig r;

	run_on(1);
	setup(&r, "0\n", 64);
	online("0-1\n");
	cr_assert_str_eq(missing(&r), "1 ");
	cr_assert_eq(room_of(&r, 1), 32);
	rig_repeat(&r, RIG_INSIDE, &spec, 1);
	cr_assert_eq(datapath_attach_existing("/sys/fs/bpf/curfew", &again, &why), 0, "%s",
		     why.text);
	cr_assert_eq(datapath_pairs(again, count, &c), 0);
	cr_assert_eq(c.on[1], 1);
	datapath_close(again);
}

/* CPU 1 is not there, and is not taken for one that is. */
Test(cpus, ids_with_holes_have_shards_of_their_own, .fini = done)
{
	struct rig r;

	setup(&r, "0,2-3\n", 0);
	assert_cpus(&r, 3, 3, 0);
	cr_assert_str_eq(missing(&r), "");
	cr_assert_eq(datapath_shard_grow(r.dp, 1, false, 2 * SLOTS), -ENOSPC);
	cr_assert_eq(datapath_shard_grow(r.dp, 3, false, 2 * SLOTS), 0);
	online("0-3\n");
	assert_cpus(&r, 3, 4, 1);
	cr_assert_str_eq(missing(&r), "1 ");
	cr_assert_eq(datapath_shard_grow(r.dp, 1, false, 2 * SLOTS), 0);
	online("0-3,5000\n");
	assert_cpus(&r, 4, 5, 1);
	cr_assert_str_eq(missing(&r), "");
}

/* A newcomer's numbers are half of another's; nobody's segments are somebody else's. */
Test(cpus, who_comes_later_shares_what_is_not_used, .fini = done)
{
	struct rig r;

	setup(&r, "0\n", 64);
	cr_assert_eq(datapath_shard_grow(r.dp, 0, false, 32 * SLOTS), 0);
	online("0-3\n");
	/* the first needs its half; of the second's the third has half, and of what is left the
	 * last */
	cr_assert_str_eq(missing(&r), "1 2 3 ");
	cr_assert_eq(room_of(&r, 1), 8);
	cr_assert_eq(room_of(&r, 2), 16);
	cr_assert_eq(room_of(&r, 3), 8);
}

Test(cpus, where_nothing_is_left_it_is_said, .fini = done)
{
	struct rig r;

	setup(&r, "0-1\n", 4);
	cr_assert_eq(room_of(&r, 0), 2);
	online("0-4\n");
	/* one of the second's two; all four are in use */
	cr_assert_str_eq(missing(&r), "2 full");
	assert_cpus(&r, 3, 5, 2);
	cr_assert_str_eq(missing(&r), "full");
}

static unsigned int places_of_ipv4(void)
{
	struct cf_segment_place place;
	int fd = bpf_obj_get("/sys/fs/bpf/curfew/segment_places");
	unsigned int n = 0;

	cr_assert_geq(fd, 0);
	for (uint32_t i = 0; !bpf_map_lookup_elem(fd, &i, &place); i++)
		n += !!place.at4;
	close(fd);
	return n;
}

/* It is tried again at each poll. */
Test(cpus, who_finds_no_room_in_one_family_takes_none_in_the_other, .fini = done)
{
	struct rig r;

	setup(&r, "0-3\n", 8);
	cr_assert_eq(datapath_shard_grow(r.dp, 0, true, 4 * SLOTS), 0);
	cr_assert_eq(datapath_shard_grow(r.dp, 1, true, 2 * SLOTS), 0);
	online("0-4\n");
	cr_assert_str_eq(missing(&r), "full");
	cr_assert_eq(places_of_ipv4(), 4);
}

/* The first start ended before the tables were whole; the next one has other CPUs. */
static void start_again(struct rig *r, const char *cpus)
{
	struct datapath_options opt = { .dir = "/sys/fs/bpf/curfew", .cpus_online = list };
	struct why why = { "" };

	datapath_control(r->dp)->layout_version = 0;
	datapath_close(r->dp);
	online(cpus);
	cr_assert_eq(datapath_open(&opt, &r->dp, &why), 0, "%s", why.text);
}

Test(cpus, a_start_that_was_cut_short_does_not_bind_the_next_to_its_cpus, .fini = done)
{
	struct rig r;

	setup(&r, "0-1\n", 0);
	start_again(&r, "0-4\n");
	missing(&r);
	assert_cpus(&r, 5, 5, 0);
	for (uint32_t cpu = 0; cpu < 5; cpu++)
		cr_assert_eq(datapath_shard_grow(r.dp, cpu, false, 2 * SLOTS), 0, "CPU %u", cpu);
}

Test(cpus, a_start_that_was_cut_short_leaves_no_shard_to_a_cpu_that_has_gone, .fini = done)
{
	struct frame_spec spec = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct count c = { 0 };
	struct rig r;

	run_on(1);
	setup(&r, "0-1\n", 0);
	start_again(&r, "1\n");
	online("0-1\n");
	cr_assert_str_eq(missing(&r), "0 ");
	rig_repeat(&r, RIG_INSIDE, &spec, 5);
	run_on(0);
	rig_repeat(&r, RIG_INSIDE, &spec, 3);
	cr_assert_eq(datapath_pairs(r.dp, count, &c), 0);
	cr_assert_eq(c.on[0], 1);
	cr_assert_eq(c.on[1], 1);
	cr_assert_eq(rig_pair(&r, spec.src, spec.dst).packets, 8);
}

/* What others found no room for is still to be told. */
Test(cpus, who_gets_room_has_it_for_itself, .fini = done)
{
	struct frame_spec spec = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	uint64_t all[CF_HOOK_MAX], left[CF_HOOK_MAX];
	struct rig r;

	run_on(1);
	setup(&r, "2-3\n", 0);
	rig_repeat(&r, RIG_INSIDE, &spec, 3);
	run_on(0);
	rig_repeat(&r, RIG_INSIDE, &spec, 2);
	cr_assert_eq(datapath_no_room(r.dp, all), 0);
	cr_assert_gt(all[CF_HOOK_INSIDE], 0);
	cr_assert_eq(all[CF_HOOK_OUTSIDE], 0);
	datapath_outgrown(r.dp, OVERFLOW_LANE(1));
	cr_assert_eq(datapath_no_room(r.dp, left), 0);
	cr_assert_eq(5 * left[CF_HOOK_INSIDE], 2 * all[CF_HOOK_INSIDE], "%llu of %llu",
		     (unsigned long long)left[CF_HOOK_INSIDE],
		     (unsigned long long)all[CF_HOOK_INSIDE]);
	datapath_outgrown(r.dp, OVERFLOW_LANE(0));
	cr_assert_eq(datapath_no_room(r.dp, left), 0);
	cr_assert_eq(left[CF_HOOK_INSIDE], 0);
}
