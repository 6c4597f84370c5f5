/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair table: a shard per CPU, two-choice buckets of four slots. Native
 * XDP and TC run with bottom halves off, so a CPU is the only writer of its
 * shard and plain stores do; only a slot that changes hands is exchanged.
 * Slots, epochs and how they are acknowledged: curfew/abi.h.
 */
#ifndef CURFEW_BPF_ACCOUNT_H
#define CURFEW_BPF_ACCOUNT_H

#include "cfg.h"
#include "maps.h"
#include "mix.h"
#include "pkt.h"

/* Where struct cf_slot_meta has its parts, as one word. */
#define META_GEN_SHIFT   16
#define META_EPOCH_SHIFT 32
#define META_INC_SHIFT   48
#define META_FLAGS_SHIFT 56
#define META_USED        ((__u64)CF_SLOT_USED << META_FLAGS_SHIFT)
#define META_KEY_MASK    ((__u64)(CF_SLOT_USED | CF_SLOT_OUTSIDE) << META_FLAGS_SHIFT)

/* 64:ff9b::/96, RFC 6052 */
#define NAT64_PREFIX 0x0064ff9b

/* A source may begin this part of a shard's pairs in two epochs; what is more goes to overflow. */
#define SHARE_PART 4

struct pair_key {
	__u64 word[3]; /* IPv4: source and destination in word[0], the rest 0 */
	__u64 hash;    /* each half names a bucket */
};

/*
 * NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, 1999): whatever two pairs
 * an adversary picks, without the key they collide with probability 2^-32.
 */
static __always_inline __u64 nh(__u64 word, __u64 key)
{
	__u32 low = (__u32)word + (__u32)key, high = (__u32)(word >> 32) + (__u32)(key >> 32);

	return (__u64)low * high;
}

static __always_inline __u32 bucket_hash(const struct pair_key *k, int choice)
{
	return (__u32)(choice ? k->hash >> 32 : k->hash);
}

static __always_inline void pair_key4(const struct pkt *p, struct pair_key *k)
{
	k->word[1] = k->word[2] = 0;
	k->word[0] = (__u64)p->dst.word[0] << 32 | p->src.word[0];
	k->hash = mix(nh(k->word[0], cfg.key[0]) + cfg.key[3]);
}

static __always_inline void pair_key6(const struct pkt *p, struct pair_key *k)
{
	k->word[0] = p->src.half[0];
	k->word[1] = p->src.half[1];
	k->word[2] = p->dst.half[0];
	if (k->word[2] == bpf_htonl(NAT64_PREFIX) && !p->dst.word[2])
		k->word[2] |= (__u64)p->dst.word[3] << 32;
	k->hash = mix(nh(k->word[0], cfg.key[0]) + nh(k->word[1], cfg.key[1]) +
		      nh(k->word[2], cfg.key[2]) + cfg.key[3]);
}

static __always_inline void pair_key(const struct pkt *p, struct pair_key *k)
{
	if (p->l3 == L3_IPV4)
		pair_key4(p, k);
	else
		pair_key6(p, k);
}

static __always_inline __u64 pair_hash(const struct pkt *p)
{
	struct pair_key key = { 0 };

	pair_key(p, &key);
	return key.hash;
}

/* A CPU's segments of one family: `count` is a power of two, or 0. */
struct run {
	__u32 first, count;
};

/* Where a shard is one segment, its map does not wait for the hash: a branch is foretold. */
static __always_inline __u32 segment_of(const struct run *r, __u32 hash)
{
	return r->count > 1 ? r->first + (hash / CF_SEG_BUCKETS & (r->count - 1)) : r->first;
}

static __always_inline struct cf_bucket4 *bucket4(const struct run *r, __u32 hash)
{
	__u32 segment = segment_of(r, hash);
	__u32 bucket = hash & (CF_SEG_BUCKETS - 1);
	void *inner = bpf_map_lookup_elem(&shards4, &segment);

	return inner ? bpf_map_lookup_elem(inner, &bucket) : NULL;
}

static __always_inline struct cf_bucket6 *bucket6(const struct run *r, __u32 hash)
{
	__u32 segment = segment_of(r, hash);
	__u32 bucket = hash & (CF_SEG_BUCKETS - 1);
	void *inner = bpf_map_lookup_elem(&shards6, &segment);

	return inner ? bpf_map_lookup_elem(inner, &bucket) : NULL;
}

static __always_inline __u64 meta_load(const struct cf_slot *s)
{
	return *(const volatile __u64 *)&s->meta;
}

static __always_inline __u64 meta_key(enum cf_hook hook)
{
	return META_USED |
	       (hook == CF_HOOK_OUTSIDE ? (__u64)CF_SLOT_OUTSIDE << META_FLAGS_SHIFT : 0);
}

static __always_inline struct cf_slot *find4(struct cf_bucket4 *b, const struct pair_key *k,
					     __u64 used_key)
{
	for (int i = 0; i < CF_BUCKET_SLOTS; i++) {
		struct cf_slot4 *s = &b->slot[i];

		if (*(const __u64 *)s->src == k->word[0] &&
		    (meta_load(&s->common) & META_KEY_MASK) == used_key)
			return &s->common;
	}
	return NULL;
}

static __always_inline struct cf_slot *find6(struct cf_bucket6 *b, const struct pair_key *k,
					     __u64 used_key)
{
	for (int i = 0; i < CF_BUCKET_SLOTS; i++) {
		struct cf_slot6 *s = &b->slot[i];
		const __u64 *w = (const __u64 *)s->src;

		if (w[0] == k->word[0] && w[1] == k->word[1] && w[2] == k->word[2] &&
		    (meta_load(&s->common) & META_KEY_MASK) == used_key)
			return &s->common;
	}
	return NULL;
}

/* First and count together: userspace lets the run grow while we look. */
static __always_inline void run_load(const __u32 *first, struct run *r)
{
	__u64 both = *(const volatile __u64 *)first;

	r->first = (__u32)both;
	r->count = (__u32)(both >> 32);
}

static __always_inline const struct cf_cpu_shard *shard_own(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpu_shards, &cpu);
}

static __always_inline const volatile struct cf_control *control_own(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/*
 * The pair's slot, if it has one. For each packet, so the hash, which takes longest, is begun
 * first; the second bucket is not even looked for unless the first does not have it; and nothing
 * is kept for a new pair.
 */
static __always_inline struct cf_slot *account_find(const struct pkt *p, enum cf_hook hook)
{
	const struct cf_cpu_shard *shard;
	__u64 used_key = meta_key(hook);
	struct pair_key k;
	struct cf_slot *s;
	struct run r;

	pair_key(p, &k);
	shard = shard_own();
	if (!shard)
		return NULL;
	if (p->l3 == L3_IPV4) {
		struct cf_bucket4 *b;

		run_load(&shard->first4, &r);
		if (!r.count)
			return NULL;
		b = bucket4(&r, bucket_hash(&k, 0));
		s = b ? find4(b, &k, used_key) : NULL;
		if (s)
			return s;
		b = bucket4(&r, bucket_hash(&k, 1));
		return b ? find4(b, &k, used_key) : NULL;
	} else {
		struct cf_bucket6 *b;

		run_load(&shard->first6, &r);
		if (!r.count)
			return NULL;
		b = bucket6(&r, bucket_hash(&k, 0));
		s = b ? find6(b, &k, used_key) : NULL;
		if (s)
			return s;
		b = bucket6(&r, bucket_hash(&k, 1));
		return b ? find6(b, &k, used_key) : NULL;
	}
}

static __always_inline void slot_publish(struct cf_slot *s, __u64 meta)
{
	/* full barrier: a reader that sees USED sees the key (clang 14 has no store-release) */
	__sync_lock_test_and_set((__u64 *)&s->meta, meta);
}

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

static __always_inline void note_count(enum cf_hook hook, enum cf_note note, const struct pkt *p)
{
	__u32 i = hook * CF_NOTE_MAX + note;
	struct cf_note_count *c = bpf_map_lookup_elem(&notes, &i);

	if (!c)
		return;
	c->packets++;
	c->wire_bytes += p->wire_bytes;
}

static __always_inline void traffic_add(struct cf_traffic *t, const struct pkt *p)
{
	t->packets++;
	t->wire_bytes += p->wire_bytes;
	t->payload_bytes += p->payload_bytes;
}

/* Of a row that CPUs may share. */
static __always_inline void traffic_add_shared(struct cf_traffic *t, const struct pkt *p)
{
	__sync_fetch_and_add(&t->packets, 1);
	__sync_fetch_and_add(&t->wire_bytes, p->wire_bytes);
	__sync_fetch_and_add(&t->payload_bytes, p->payload_bytes);
}

/* No slot: by label and class, else by hook alone. Never nothing. */
__noinline int account_overflow(const struct pkt *p, enum cf_hook hook, __u32 label,
				__u32 source_class)
{
	struct cf_overflow_key key = {
		.label = label,
		.source_class = source_class,
		.hook = hook,
		.lane = bpf_get_smp_processor_id() & (CF_OVERFLOW_LANES - 1),
	};
	struct cf_traffic *t = bpf_map_lookup_elem(&overflow, &key);
	__u32 loss = hook;

	if (!p)
		return 0;
	note_count(hook, CF_NOTE_OVERFLOW, p);
	if (!t) {
		struct cf_traffic none = { 0 };

		bpf_map_update_elem(&overflow, &key, &none, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&overflow, &key);
	}
	if (t && !cfg.own_lanes) {
		traffic_add_shared(t, p);
		return 0;
	}
	if (!t)
		t = bpf_map_lookup_elem(&losses, &loss);
	if (t)
		traffic_add(t, p);
	return 0;
}

static __always_inline void account_slot(struct cf_slot *s, const struct pkt *p, __u32 epoch,
					 bool dropped)
{
	__u8 flags = s->meta.flags, next = flags & ~CF_SLOT_DROPPED;

	s->wire_bytes += p->wire_bytes;
	s->payload_bytes += p->payload_bytes;
	s->packets++;
	if (s->meta.epoch != (__u16)epoch)
		s->meta.epoch = (__u16)epoch;
	if (dropped) {
		s->dropped_wire_bytes += p->wire_bytes;
		next |= CF_SLOT_DROPPED;
	}
	next |= p->began;
	if (next != flags)
		s->meta.flags = next;
}

#endif
