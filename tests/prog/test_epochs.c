/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Acknowledging an epoch waits for whoever still stamps it, however long that takes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "curfew/config.h"
#include "prog_help.h"
#include "stall.skel.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"
#define PINS    "/sys/fs/bpf/curfew/"

struct seen {
	unsigned int pairs;
	uint32_t slot;
	uint64_t wire;
	uint8_t life;
};

static void see(void *arg, const struct pair_sample *p)
{
	struct seen *s = arg;

	*s = (struct seen){ s->pairs + 1, p->slot, p->wire_bytes, p->life };
}

static struct seen look(struct rig *r)
{
	struct seen s = { 0 };

	cr_assert_eq(datapath_pairs(r->dp, see, &s), 0);
	return s;
}

/* As large as it was made. */
static void use_pinned(struct bpf_map *map, const char *path)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path);

	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	cr_assert_eq(bpf_map__set_max_entries(map, info.max_entries), 0);
	cr_assert_eq(bpf_map__set_pin_path(map, path), 0);
	close(fd);
}

/* Where the n-th segment is. */
static uint32_t segment_number(uint32_t n)
{
	struct cf_segment_place place = { 0 };
	int fd = bpf_obj_get(PINS "segment_places");

	cr_assert_eq(bpf_map_lookup_elem(fd, &n, &place), 0);
	cr_assert_neq(place.at4, 0);
	close(fd);
	return place.at4 - 1;
}

static struct stall_bpf *stall_load(uint32_t slot)
{
	struct stall_bpf *s = stall_bpf__open();
	struct bpf_map *map;

	cr_assert_not_null(s);
	bpf_object__for_each_map(map, s->obj)
	{
		const char *name = bpf_map__name(map);

		if (strchr(name, '.'))
			continue;
		if (!strcmp(name, "control") || !strcmp(name, "shards4"))
			use_pinned(map, !strcmp(name, "control") ? PINS "control" : PINS "shards4");
		else
			bpf_map__set_autocreate(map, false);
	}
	s->bss->segment = segment_number(slot / (CF_SEG_BUCKETS * CF_BUCKET_SLOTS));
	s->bss->bucket = slot / CF_BUCKET_SLOTS % CF_SEG_BUCKETS;
	s->bss->slot = slot % CF_BUCKET_SLOTS;
	cr_assert_eq(stall_bpf__load(s), 0);
	return s;
}

static void *run(void *arg)
{
	struct stall_bpf *s = arg;
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	frame[12] = 8;
	frame[14] = 0x45;
	bpf_prog_test_run_opts(bpf_program__fd(s->progs.stalled), &opts);
	return NULL;
}

Test(epochs, a_commit_waits_for_a_cpu_that_is_held)
{
	struct frame_spec spec = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct seen before, during, after;
	struct stall_bpf *stall;
	uint32_t epoch;
	pthread_t thread;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	rig_repeat(&r, RIG_INSIDE, &spec, 1);
	before = look(&r);
	cr_assert_eq(before.pairs, 1);
	stall = stall_load(before.slot);
	/* on a busy machine the look below would come after the moment it is about */
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 });
	cr_assert_eq(pthread_create(&thread, NULL, run, stall), 0);
	while (!__atomic_load_n(&stall->bss->holding, __ATOMIC_ACQUIRE))
		sched_yield();
	/* it has read the epoch and written nothing: a look now would be too early */
	during = look(&r);
	cr_assert_eq(during.wire, before.wire);
	cr_assert_eq(__atomic_load_n(&stall->bss->done, __ATOMIC_ACQUIRE), 0);

	epoch = datapath_control(r.dp)->epoch;
	cr_assert_eq(datapath_commit_begin(r.dp), 0);
	cr_assert_eq(__atomic_load_n(&stall->bss->done, __ATOMIC_ACQUIRE), 1,
		     "the commit did not wait");
	after = look(&r);
	cr_assert_eq(after.wire, before.wire + 100);
	cr_assert_eq(datapath_commit_epoch(r.dp), epoch);
	datapath_commit_end(r.dp);
	cr_assert_eq(datapath_control(r.dp)->acked, epoch);
	cr_assert_eq(datapath_control(r.dp)->epoch, epoch + 1);
	pthread_join(thread, NULL);
	stall_bpf__destroy(stall);
}

static struct seen look_held(struct rig *r)
{
	struct seen s = { 0 };

	cr_assert_eq(datapath_pairs_held(r->dp, see, &s), 0);
	return s;
}

static void commit(struct rig *r)
{
	cr_assert_eq(datapath_commit_begin(r->dp), 0);
	look(r);
	datapath_commit_end(r->dp);
}

/* On one CPU: another's shard would have room, and a slot of its own for the pair. */
static void stay(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	cr_assert_eq(sched_setaffinity(0, sizeof(here), &here), 0);
}

/* What was seen and acknowledged is not read again, and whatever is touched after it is. */
Test(epochs, a_pair_is_read_until_it_is_acknowledged_and_whenever_it_moves)
{
	struct frame_spec spec = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };
	struct frame_spec other = { "fd12:3456::5", "2001:db8::1", 6, 1, 443, 1000 };
	struct seen first, again;
	struct rig r;

	stay();
	rig_setup(&r, OBSERVE, NULL);
	rig_repeat(&r, RIG_INSIDE, &spec, 1);
	rig_repeat(&r, RIG_INSIDE, &other, 1);
	cr_assert_eq(look_held(&r).pairs, 2);
	cr_assert_eq(look_held(&r).pairs, 2, "nothing is acknowledged yet");
	commit(&r);
	cr_assert_eq(look_held(&r).pairs, 0);
	cr_assert_eq(look(&r).pairs, 2);
	rig_repeat(&r, RIG_INSIDE, &spec, 1);
	first = look_held(&r);
	cr_assert_eq(first.pairs, 1);
	/* a daemon that died between the two halves of a commit: not acknowledged */
	cr_assert_eq(datapath_commit_begin(r.dp), 0);
	cr_assert_eq(look_held(&r).pairs, 1);
	rig_repeat(&r, RIG_INSIDE, &spec, 1);
	again = look_held(&r);
	cr_assert_eq(again.pairs, 1);
	cr_assert_gt(again.wire, first.wire);
	datapath_commit_end(r.dp);
	/* touched after the epoch that was acknowledged had ended */
	cr_assert_eq(look_held(&r).pairs, 1);
	commit(&r);
	cr_assert_eq(look_held(&r).pairs, 0);
}

/* A commit that was begun and not ended, by a daemon that died, is taken up where it was. */
Test(epochs, never_more_than_two_are_open)
{
	struct rig r;
	uint32_t epoch;

	rig_setup(&r, OBSERVE, NULL);
	epoch = datapath_control(r.dp)->epoch;
	for (int i = 0; i < 5; i++)
		cr_assert_eq(datapath_commit_begin(r.dp), 0);
	cr_assert_eq(datapath_control(r.dp)->epoch, epoch + 1);
	cr_assert_eq(datapath_control(r.dp)->acked, epoch - 1);
	datapath_commit_end(r.dp);
	cr_assert_eq(datapath_control(r.dp)->acked, epoch);
}

/* One queue may have half of all segments, however many CPUs there are; the rest is for others. */
Test(epochs, a_shard_grows_to_half_of_all_and_no_further)
{
	struct rig_options few = { .segments = 64 };
	struct shard_uses before = { 0 }, after = { 0 };
	struct rig r;
	uint64_t slots = 0;
	int e = 0;

	rig_setup(&r, OBSERVE, &few);
	look(&r);
	datapath_shard_uses(r.dp, &before);
	cr_assert_eq(before.v[0].slots, 4096);
	for (slots = 8192; slots < 1 << 20 && !e; slots *= 2)
		e = datapath_shard_grow(r.dp, before.v[0].cpu, before.v[0].six, slots);
	cr_assert_eq(e, -ENOSPC);
	look(&r);
	datapath_shard_uses(r.dp, &after);
	cr_assert_eq(after.n, before.n);
	cr_assert_eq(after.v[0].slots, 32 * 4096);
	for (size_t i = 1; i < after.n; i++)
		cr_assert_eq(after.v[i].slots, before.v[i].slots);
	shard_uses_done(&before);
	shard_uses_done(&after);
}

/* All together have so many, and who comes last may find that there is no more. */
Test(epochs, shards_share_all_segments)
{
	struct rig_options few = { .segments = 64 };
	struct shard_uses uses = { 0 };
	unsigned int full = 0, last = 0;
	struct rig r;

	rig_setup(&r, OBSERVE, &few);
	look(&r);
	datapath_shard_uses(r.dp, &uses);
	for (size_t i = 0; i < uses.n; i++) {
		int e = uses.v[i].six ? 0
				      : datapath_shard_grow(r.dp, uses.v[i].cpu, false, 32 * 4096);

		cr_assert(e == 0 || e == -ENOSPC);
		full += e == -ENOSPC;
		last += !uses.v[i].six;
	}
	/* two times 32 are all, and the others' first segments are among them */
	cr_assert_eq(full, last < 2 ? 0 : last < 3 ? 0 : last - 1);
	shard_uses_done(&uses);
}

/* Pairs of hosts that all differ, so that nobody is over his share. */
static void begin_pairs(struct rig *r, unsigned int first, unsigned int n)
{
	for (unsigned int i = first; i < first + n; i++) {
		char src[20], dst[20];
		struct frame_spec spec = { src, dst, 6, 1, 443, 100 };

		snprintf(src, sizeof(src), "10.%u.%u.5", i >> 8 & 255, i & 255);
		snprintf(dst, sizeof(dst), "203.%u.%u.1", i >> 8 & 255, i & 255);
		rig_repeat(r, RIG_INSIDE, &spec, 1);
	}
}

static uint64_t recycled_pairs(struct rig *r)
{
	struct cf_recycled gone[CF_HOOK_MAX];

	cr_assert_eq(datapath_recycled(r->dp, gone), 0);
	return gone[CF_HOOK_INSIDE].pairs;
}

/* Both looks that a new ledger begins with must show the same moment. */
Test(epochs, while_frozen_no_slot_is_given_away)
{
	struct cf_traffic slots, overflow, offered;
	uint64_t before;
	struct rig r;

	stay();
	rig_setup(&r, OBSERVE, NULL);
	begin_pairs(&r, 0, 6000);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(datapath_commit_begin(r.dp), 0);
		datapath_commit_end(r.dp);
	}
	cr_assert_eq(datapath_freeze(r.dp), 0);
	before = recycled_pairs(&r);
	begin_pairs(&r, 6000, 3000);
	cr_assert_eq(recycled_pairs(&r), before, "a slot was given away");
	rig_books(&r, CF_HOOK_INSIDE, &slots, &overflow, &offered);
	cr_assert_gt(overflow.packets, 0);
	datapath_thaw(r.dp);
	begin_pairs(&r, 9000, 1000);
	cr_assert_gt(recycled_pairs(&r), before, "no slot was given away any more");
}
