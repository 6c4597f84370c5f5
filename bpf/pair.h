/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair table, and finding a pair in it: a shard per CPU, two-choice buckets of four slots.
 * Native XDP and TC run with bottom halves off, so a CPU is the only writer of its shard and
 * plain stores do; only a slot that changes hands is exchanged. Slots, epochs and how they are
 * acknowledged: curfew/abi.h.
 */
#ifndef CURFEW_BPF_PAIR_H
#define CURFEW_BPF_PAIR_H

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

#endif
