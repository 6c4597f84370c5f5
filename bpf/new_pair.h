/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slot for a pair that has none: which one, whether its source may have it, and what becomes
 * of what it held.
 */
#ifndef CURFEW_BPF_NEW_PAIR_H
#define CURFEW_BPF_NEW_PAIR_H

#include "pair.h"

/* A source may begin this part of a shard's pairs in two epochs; what is more goes to overflow. */
#define SHARE_PART 4

#define SLOT_TAKEN 0U
#define SLOT_FREE  0x10000U

/* 1 if a < b, both below 2^63; the barrier keeps clang from making it a branch again. */
static __always_inline __u32 less(__u64 a, __u64 b)
{
	__u64 borrow = a - b;

	asm volatile("" : "+r"(borrow));
	return (__u32)(borrow >> 63);
}

/*
 * How gladly a slot is given to a new pair: free, else the longer untouched the
 * better; SLOT_TAKEN if what it holds may not have been seen by userspace yet.
 * Without a branch: eight of these in a row were a million instructions to verify.
 */
static __always_inline __u32 slot_age(__u64 meta, __u32 acked)
{
	__u16 epoch = (__u16)(meta >> META_EPOCH_SHIFT);
	__u32 used = meta >> META_FLAGS_SHIFT & CF_SLOT_USED;
	__u32 taken = less((__u16)(epoch - (__u16)acked - 1), 2);
	__u32 age = 1 + (__u16)((__u16)acked - epoch);

	return (age & -(used & (taken ^ 1))) | (SLOT_FREE & -(used ^ 1));
}

/* The best slot of a bucket, and how many of it are taken. */
static __always_inline __u32 bucket_look(const void *bucket, __u32 acked, __u32 *ret_best)
{
	__u32 best = 0, best_age = SLOT_TAKEN, taken = 0;

	for (__u32 i = 0; i < CF_BUCKET_SLOTS; i++) {
		const struct cf_slot *s = bucket + i * sizeof(struct cf_slot4);
		__u32 age = slot_age(meta_load(s), acked), better = less(best_age, age);

		taken += less(age, 1);
		best_age ^= (best_age ^ age) & -better;
		best ^= (best ^ i) & -better;
	}
	*ret_best = best;
	return taken;
}

/* What a slot has counted stays on the books when it is given away. */
static __always_inline void count_recycled(const struct cf_slot *s, __u64 meta)
{
	__u32 hook = meta >> META_FLAGS_SHIFT & CF_SLOT_OUTSIDE ? CF_HOOK_OUTSIDE : CF_HOOK_INSIDE;
	struct cf_recycled *r = bpf_map_lookup_elem(&recycled, &hook);

	if (!r)
		return;
	r->pairs++;
	r->packets += s->packets;
	r->wire_bytes += s->wire_bytes;
	r->payload_bytes += s->payload_bytes;
	r->dropped_wire_bytes += s->dropped_wire_bytes;
}

/* The better slot of two buckets. NULL: they are full of what has not been seen yet. */
static __always_inline struct cf_slot *account_choose(void *first, void *second)
{
	const volatile struct cf_control *c = control_own();
	__u32 best[2], taken[2], acked, i;
	void *room = first;
	struct cf_slot *s;

	if (!first || !second || !c)
		return NULL;
	/* as long as we run, no epoch is acknowledged that we may have stamped into a slot */
	acked = c->acked;
	taken[0] = bucket_look(first, acked, &best[0]);
	taken[1] = bucket_look(second, acked, &best[1]);
	i = best[0];
	if (taken[1] < taken[0]) {
		room = second;
		i = best[1];
	} else if (taken[0] == CF_BUCKET_SLOTS) {
		return NULL;
	}
	asm volatile("" : "+r"(i)); /* clang knows that it fits, the verifier does not */
	s = room + (i & (CF_BUCKET_SLOTS - 1)) * sizeof(struct cf_slot4);
	return c->frozen && meta_load(s) & META_USED ? NULL : s;
}

/*
 * A slot for a pair that has none, or NULL; and how many this shard has in the pair's
 * family. Nothing is changed yet. What is looked up in either family's map has to be told
 * apart to the end: merged by clang, it is no longer a map that the verifier knows, and each
 * look-up two calls.
 */
static __always_inline struct cf_slot *account_room(const struct pkt *p, const struct pair_key *k,
						    __u32 *ret_slots)
{
	const struct cf_cpu_shard *shard = shard_own();
	void *first, *second;
	struct run r;

	*ret_slots = 0;
	if (!shard)
		return NULL;
	run_load(p->l3 == L3_IPV4 ? &shard->first4 : &shard->first6, &r);
	if (!r.count)
		return NULL;
	*ret_slots = r.count * CF_SEG_BUCKETS * CF_BUCKET_SLOTS;
	if (p->l3 == L3_IPV4) {
		first = bucket4(&r, bucket_hash(k, 0));
		asm volatile("" : "+r"(first));
		second = bucket4(&r, bucket_hash(k, 1));
		asm volatile("" : "+r"(second));
	} else {
		first = bucket6(&r, bucket_hash(k, 0));
		asm volatile("" : "+r"(first) : : "memory");
		second = bucket6(&r, bucket_hash(k, 1));
		asm volatile("" : "+r"(second) : : "memory");
	}
	return account_choose(first, second);
}

/* Gives a slot that account_room() has found to a new pair. `meta` without incarnation. */
static __always_inline void account_create(struct cf_slot *s, const struct pair_key *k,
					   __u32 label_class, __u64 meta)
{
	__u64 old = meta_load(s), incarnation = old >> META_INC_SHIFT & 0xff;
	__u64 *w = (__u64 *)((struct cf_slot6 *)s)->src;

	/* odd: whoever copies it just now throws the copy away */
	slot_publish(s, (incarnation | 1) << META_INC_SHIFT);
	if (old & META_USED)
		count_recycled(s, old);
	w[0] = k->word[0];
	w[1] = k->word[1];
	w[2] = k->word[2];
	s->wire_bytes = s->payload_bytes = s->dropped_wire_bytes = 0;
	s->packets = 0;
	s->label_class = label_class;
	slot_publish(s, meta | ((incarnation | 1) + 1 & 0xff) << META_INC_SHIFT);
}

/*
 * A cell of `shares`: how many pairs of late a source has begun on this CPU, and in which
 * epoch (16 bits); then how many in the epoch before. Sources share cells by chance.
 */
#define SHARE_BITS        24
#define SHARE_MASK        ((1ULL << SHARE_BITS) - 1)
#define SHARE_EPOCH_SHIFT (2 * SHARE_BITS)
_Static_assert((__u64)CF_SEGMENTS *CF_SEG_BUCKETS *CF_BUCKET_SLOTS / SHARE_PART < SHARE_MASK,
	       "a share does not fit its cell");

static __always_inline __u64 *share_cell(__u64 host)
{
	__u32 i = (__u32)mix(nh(host, cfg.key[1]) + cfg.key[2]) & (CF_SHARES - 1);
	__u32 cpu = bpf_get_smp_processor_id();
	void *own = bpf_map_lookup_elem(&shares, &cpu);

	return own ? bpf_map_lookup_elem(own, &i) : NULL;
}

/*
 * False: this source has begun more than its share of pairs since the last
 * acknowledged epoch, so that a spray cannot take the slots of others. `host`
 * tells sources apart: MAC, IPv4 address or IPv6 /64. A shard that has not grown yet has
 * no shares to give: one busy source must be able to make it grow.
 */
static __always_inline bool share_take(__u64 host, __u32 epoch, __u32 slots)
{
	__u64 *cell = share_cell(host), now, before, was;

	if (!cell)
		return true;
	was = *cell;
	now = was & SHARE_MASK;
	before = was >> SHARE_BITS & SHARE_MASK;
	if ((__u16)(was >> SHARE_EPOCH_SHIFT) != (__u16)epoch) {
		before = (__u16)((was >> SHARE_EPOCH_SHIFT) + 1) == (__u16)epoch ? now : 0;
		now = 0;
	}
	if (slots < cfg.share_slots)
		slots = cfg.share_slots;
	if (now + before >= slots / SHARE_PART)
		return false;
	*cell = (__u64)(__u16)epoch << SHARE_EPOCH_SHIFT | before << SHARE_BITS | (now + 1);
	return true;
}

/* Races cost an event more. */
static __u64 room_asked;

/*
 * The daemon need not wait for its next poll to make room; 0: it was told just now. Nor is it
 * told where alerts may need the room: with the daemon dead this never ends. Global: rare.
 */
__noinline int ask_for_room(void)
{
	__u64 now = bpf_jiffies64();
	struct cf_event *e;

	if (room_asked && now - room_asked < cfg.week_jiffies / 604800 / 16 + 1)
		return 0;
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > EVENTS_BYTES / 4)
		return 0;
	room_asked = now;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->boot_ns = bpf_ktime_get_boot_ns();
	e->kind = CF_EVENT_ROOM;
	e->generation = cfg.generation;
	bpf_ringbuf_submit(e, 0);
	return 1;
}

#endif
