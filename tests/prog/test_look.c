/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look tells of each slot in use, once, and what is in it; if asked, of those held alone. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "prog_help.h"

#define OBSERVE "outside wan0\ninside lan0, lan1\nmode observe\n"
#define PINS    "/sys/fs/bpf/curfew/"

#define SLOTS    (CF_SEG_BUCKETS * CF_BUCKET_SLOTS)
#define SEGMENTS 64 /* more than the rig has, of a family */

enum written { NOTHING, CHANGING, IDLE, HELD };

struct table {
	uint8_t written[2][SEGMENTS * SLOTS]; /* by family and slot */
	uint8_t told[2][SEGMENTS * SLOTS];
	uint32_t segments[2], used, held;
	unsigned int wrong;
	uint64_t random;
};

static uint32_t draw(struct table *t, uint32_t n)
{
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(t->random >> 33) % n;
}

/* Any pattern, not only those that the programs leave. */
static void write_slot(struct table *t, bool six, uint32_t slot, uint16_t acked, struct cf_slot6 *s)
{
	enum written w = (enum written)draw(t, HELD + 1);

	*s = (struct cf_slot6){ 0 };
	t->written[six][slot] = (uint8_t)w;
	if (w == NOTHING)
		return;
	s->common.meta.incarnation = w == CHANGING ? 3 : (uint8_t)(2 * draw(t, 100));
	s->common.meta.flags = w == CHANGING ? 0 : CF_SLOT_USED;
	/* held: of the two epochs that follow */
	s->common.meta.epoch =
		(uint16_t)(w == HELD ? acked + 1 + draw(t, 2) : acked - draw(t, 0x8000));
	s->common.wire_bytes = slot + 1;
	memcpy(s->src, &slot, sizeof(slot));
	t->used += w >= IDLE;
	t->held += w == HELD;
}

static void write_segment(struct table *t, bool six, uint32_t place, int fd, uint16_t acked)
{
	for (uint32_t b = 0; b < CF_SEG_BUCKETS; b++) {
		struct cf_bucket6 bucket;

		for (uint32_t i = 0; i < CF_BUCKET_SLOTS; i++)
			write_slot(t, six, place * SLOTS + b * CF_BUCKET_SLOTS + i, acked,
				   &bucket.slot[i]);
		cr_assert_eq(bpf_map_update_elem(fd, &b, &bucket, BPF_ANY), 0);
	}
}

static void write_family(struct table *t, bool six, uint16_t acked)
{
	int places = bpf_obj_get(PINS "segment_places");
	int outer = bpf_obj_get(six ? PINS "shards6" : PINS "shards4");

	for (uint32_t n = 0; n < SEGMENTS; n++) {
		struct cf_segment_place p;
		uint32_t number, id;
		int fd;

		cr_assert_eq(bpf_map_lookup_elem(places, &n, &p), 0);
		if (!(six ? p.at6 : p.at4))
			continue;
		number = (six ? p.at6 : p.at4) - 1;
		cr_assert_eq(bpf_map_lookup_elem(outer, &number, &id), 0);
		fd = bpf_map_get_fd_by_id(id);
		write_segment(t, six, n, fd, acked);
		close(fd);
		t->segments[six]++;
	}
	close(places);
	close(outer);
}

static void see(void *arg, const struct pair_sample *p)
{
	struct table *t = arg;
	bool six = !addr_is4(&p->src);
	uint32_t slot;

	memcpy(&slot, p->src.b + (six ? 0 : 12), sizeof(slot));
	t->wrong += slot != p->slot || p->wire_bytes != slot + 1ULL;
	t->told[six][p->slot]++;
}

/* All that were written as `least` or more. */
static void told_once(struct table *t, enum written least)
{
	unsigned int wrong = t->wrong;

	for (int six = 0; six < 2; six++)
		for (uint32_t i = 0; i < SEGMENTS * SLOTS; i++)
			wrong += t->told[six][i] != (t->written[six][i] >= least);
	cr_expect_eq(wrong, 0, "%u slots are told of wrongly", wrong);
	memset(t->told, 0, sizeof(t->told));
	t->wrong = 0;
}

static void counted(struct rig *r, const struct table *t)
{
	struct shard_uses uses = { 0 };
	uint32_t slots = 0, used = 0, held = 0;

	datapath_shard_uses(r->dp, &uses);
	for (size_t i = 0; i < uses.n; i++) {
		slots += uses.v[i].slots;
		used += uses.v[i].used;
		held += uses.v[i].held;
	}
	shard_uses_done(&uses);
	cr_expect_eq(slots, (t->segments[0] + t->segments[1]) * SLOTS);
	cr_expect_eq(used, t->used);
	cr_expect_eq(held, t->held);
}

Test(look, every_slot_is_told_of_once)
{
	static struct table t;
	uint16_t acked;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	/* so many that the last ones are not read as many at once as the first */
	for (uint32_t n = 2; (t.segments[0] + t.segments[1]) % 4 == 0 && n < 16; n *= 2) {
		cr_assert_eq(datapath_shard_grow(r.dp, 0, false, n * SLOTS), 0);
		memset(&t, 0, sizeof(t));
		acked = (uint16_t)datapath_control(r.dp)->acked;
		write_family(&t, false, acked);
		write_family(&t, true, acked);
	}
	cr_assert_neq((t.segments[0] + t.segments[1]) % 4, 0);

	cr_expect_eq(datapath_pairs(r.dp, see, &t), 0);
	told_once(&t, IDLE);
	counted(&r, &t);
	cr_expect_eq(datapath_pairs_held(r.dp, see, &t), 0);
	told_once(&t, HELD);
	counted(&r, &t);
}
