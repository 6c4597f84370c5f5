/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair table: a shard per CPU, two-choice buckets of four slots. Native
 * XDP and TC run with bottom halves off, so a CPU is the only writer of its
 * shard and plain stores do; only a new slot is published by an exchange.
 */
#ifndef CURFEW_BPF_ACCOUNT_H
#define CURFEW_BPF_ACCOUNT_H

#include "cfg.h"
#include "maps.h"
#include "pkt.h"

#define META_HOOK_SHIFT  56
#define META_FLAGS_SHIFT 48
#define META_GEN_SHIFT   16
#define META_USED_KEY(hook)                                                                        \
	((__u64)(hook) << META_HOOK_SHIFT | (__u64)CF_SLOT_USED << META_FLAGS_SHIFT)
#define META_KEY_MASK (0xffULL << META_HOOK_SHIFT | (__u64)CF_SLOT_USED << META_FLAGS_SHIFT)

/* 64:ff9b::/96, RFC 6052 */
#define NAT64_PREFIX 0x0064ff9b

struct pair_key {
	__u64 word[3]; /* IPv4: source and destination in word[0] */
	__u32 hash[2];
};

static __always_inline __u64 mix(__u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

static __always_inline void pair_key(const struct pkt *p, struct pair_key *k)
{
	__u64 h;

	if (p->l3 == L3_IPV4) {
		k->word[0] = (__u64)p->dst.word[0] << 32 | p->src.word[0];
		h = mix(k->word[0] ^ cfg.seed[0]);
	} else {
		k->word[0] = (__u64)p->src.word[1] << 32 | p->src.word[0];
		k->word[1] = (__u64)p->src.word[3] << 32 | p->src.word[2];
		k->word[2] = (__u64)p->dst.word[1] << 32 | p->dst.word[0];
		if (k->word[2] == bpf_htonl(NAT64_PREFIX) && !p->dst.word[2])
			k->word[2] |= (__u64)p->dst.word[3] << 32;
		h = mix(k->word[0] ^ cfg.seed[0]);
		h = mix(h ^ k->word[1]);
		h = mix(h + k->word[2]);
	}
	h = mix(h + cfg.seed[1]);
	k->hash[0] = (__u32)h;
	k->hash[1] = (__u32)(h >> 32);
}

static __always_inline struct cf_bucket4 *bucket4(__u32 first, __u32 count, __u32 hash)
{
	__u32 segment = first + (hash / CF_SEG_BUCKETS & (count - 1));
	__u32 bucket = hash & (CF_SEG_BUCKETS - 1);
	void *inner = bpf_map_lookup_elem(&shards4, &segment);

	return inner ? bpf_map_lookup_elem(inner, &bucket) : NULL;
}

static __always_inline struct cf_bucket6 *bucket6(__u32 first, __u32 count, __u32 hash)
{
	__u32 segment = first + (hash / CF_SEG_BUCKETS & (count - 1));
	__u32 bucket = hash & (CF_SEG_BUCKETS - 1);
	void *inner = bpf_map_lookup_elem(&shards6, &segment);

	return inner ? bpf_map_lookup_elem(inner, &bucket) : NULL;
}

static __always_inline __u64 meta_load(const struct cf_slot *s)
{
	return *(const volatile __u64 *)&s->meta;
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

static __always_inline bool slot_used(const struct cf_slot *s)
{
	return meta_load(s) & (__u64)CF_SLOT_USED << META_FLAGS_SHIFT;
}

/* Slots fill from the front, so the first free one tells how many are used. */
static __always_inline int used4(struct cf_bucket4 *b)
{
	int n = 0;

	for (int i = 0; i < CF_BUCKET_SLOTS; i++)
		n += slot_used(&b->slot[i].common);
	return n;
}

static __always_inline int used6(struct cf_bucket6 *b)
{
	int n = 0;

	for (int i = 0; i < CF_BUCKET_SLOTS; i++)
		n += slot_used(&b->slot[i].common);
	return n;
}

/* Where a pair is, or where it may go: NULL and no bucket means overflow. */
struct place {
	struct cf_slot *slot;
	struct cf_bucket4 *room4;
	struct cf_bucket6 *room6;
};

static __always_inline void account_find(const struct pkt *p, const struct pair_key *k,
					 enum cf_hook hook, struct place *at)
{
	__u32 cpu = bpf_get_smp_processor_id();
	const struct cf_cpu_shard *shard = bpf_map_lookup_elem(&cpu_shards, &cpu);
	__u64 used_key = META_USED_KEY(hook);

	if (!shard)
		return;
	if (p->l3 == L3_IPV4) {
		struct cf_bucket4 *a, *b;

		if (!shard->count4)
			return;
		a = bucket4(shard->first4, shard->count4, k->hash[0]);
		if (!a)
			return;
		at->slot = find4(a, k, used_key);
		if (at->slot)
			return;
		b = bucket4(shard->first4, shard->count4, k->hash[1]);
		if (!b)
			return;
		at->slot = find4(b, k, used_key);
		if (!at->slot)
			at->room4 = used4(a) <= used4(b) ? a : b;
	} else {
		struct cf_bucket6 *a, *b;

		if (!shard->count6)
			return;
		a = bucket6(shard->first6, shard->count6, k->hash[0]);
		if (!a)
			return;
		at->slot = find6(a, k, used_key);
		if (at->slot)
			return;
		b = bucket6(shard->first6, shard->count6, k->hash[1]);
		if (!b)
			return;
		at->slot = find6(b, k, used_key);
		if (!at->slot)
			at->room6 = used6(a) <= used6(b) ? a : b;
	}
}

static __always_inline void slot_publish(struct cf_slot *s, __u64 meta)
{
	/* full barrier: a reader that sees USED sees the key (clang 14 has no store-release) */
	__sync_lock_test_and_set((__u64 *)&s->meta, meta);
}

static __always_inline struct cf_slot *account_create(const struct pair_key *k,
						      const struct place *at, __u32 label_class,
						      __u64 meta)
{
	struct cf_bucket4 *b4 = at->room4;
	struct cf_bucket6 *b6 = at->room6;

	if (b4) {
		for (int i = 0; i < CF_BUCKET_SLOTS; i++) {
			struct cf_slot4 *s = &b4->slot[i];

			if (slot_used(&s->common))
				continue;
			*(__u64 *)s->src = k->word[0];
			s->common.label_class = label_class;
			slot_publish(&s->common, meta);
			return &s->common;
		}
	} else if (b6) {
		for (int i = 0; i < CF_BUCKET_SLOTS; i++) {
			struct cf_slot6 *s = &b6->slot[i];
			__u64 *w = (__u64 *)s->src;

			if (slot_used(&s->common))
				continue;
			w[0] = k->word[0];
			w[1] = k->word[1];
			w[2] = k->word[2];
			s->common.label_class = label_class;
			slot_publish(&s->common, meta);
			return &s->common;
		}
	}
	return NULL;
}

static __always_inline void traffic_add(struct cf_traffic *t, const struct pkt *p)
{
	t->packets++;
	t->wire_bytes += p->wire_bytes;
	t->payload_bytes += p->payload_bytes;
}

/* No slot: by label and class, else by hook alone. Never nothing. */
__noinline int account_overflow(const struct pkt *p, enum cf_hook hook, __u32 label,
				__u32 source_class)
{
	struct cf_overflow_key key = { .label = label, .source_class = source_class, .hook = hook };
	struct cf_traffic *t = bpf_map_lookup_elem(&overflow, &key);
	__u32 loss = hook;

	if (!p)
		return 0;
	if (!t) {
		struct cf_traffic none = { 0 };

		bpf_map_update_elem(&overflow, &key, &none, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&overflow, &key);
	}
	if (!t)
		t = bpf_map_lookup_elem(&losses, &loss);
	if (t)
		traffic_add(t, p);
	return 0;
}

static __always_inline void account_slot(struct cf_slot *s, const struct pkt *p, bool dropped)
{
	s->wire_bytes += p->wire_bytes;
	s->payload_bytes += p->payload_bytes;
	s->packets++;
	if (dropped) {
		s->dropped_wire_bytes += p->wire_bytes;
		s->meta.flags |= CF_SLOT_DROPPED;
	} else if (s->meta.flags & CF_SLOT_DROPPED) {
		s->meta.flags &= ~CF_SLOT_DROPPED;
	}
}

#endif
