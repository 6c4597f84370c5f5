/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A counter for each pair, in our store and in the kernel's maps: the same keys
 * from a trace in memory, the same sums. And what makes each packet another pair's
 * before the real programs see it. Never attached.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "account.h"
#include "pairs_store.h"

const volatile __u32 trace_mask;
const volatile __u32 endless; /* 1: when the trace is through, its pairs are others */

__u64 turn;
__u64 sink; /* keeps the compiler from dropping what nobody looks at */

/* Source in the low half, destination in the high one, as on the wire. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} trace SEC(".maps");

static __always_inline __u64 next_pair(void)
{
	__u64 n = turn++;
	__u32 i = n & trace_mask;
	const __u64 *x = bpf_map_lookup_elem(&trace, &i);

	if (!x)
		return 0;
	/* the second byte of each address */
	return endless ? *x ^ (n / (trace_mask + 1) & 0xffff) << 8 : *x;
}

static __always_inline void next4(struct pair_key4 *k)
{
	k->word = next_pair();
}

static __always_inline void next6(struct pair_key6 *k)
{
	__u64 x = next_pair();

	k->word[0] = 0x5634120000000000ULL | (__u32)x;
	k->word[1] = x;
	k->word[2] = x << 16 | 0x120;
}

/* ---- the kernel's -------------------------------------------------------------- */

static __always_inline void add_plain(struct pair_count *c)
{
	c->packets++;
	c->wire_bytes += PAIRS_WIRE;
	c->payload_bytes += PAIRS_PAYLOAD;
}

static __always_inline void add_atomic(struct pair_count *c)
{
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->wire_bytes, PAIRS_WIRE);
	__sync_fetch_and_add(&c->payload_bytes, PAIRS_PAYLOAD);
}

#define STORE(name, map_type, add, six)                                                            \
	struct {                                                                                   \
		__uint(type, map_type);                                                            \
		__uint(max_entries, 1);                                                            \
		__type(key, struct pair_key##six);                                                 \
		__type(value, struct pair_count);                                                  \
	} map_##name##six SEC(".maps");                                                            \
                                                                                                   \
	SEC("xdp") int name##six(struct xdp_md *ctx)                                               \
	{                                                                                          \
		struct pair_key##six key;                                                          \
		struct pair_count *c;                                                              \
                                                                                                   \
		next##six(&key);                                                                   \
		c = bpf_map_lookup_elem(&map_##name##six, &key);                                   \
		if (!c) {                                                                          \
			struct pair_count none = { 0 };                                            \
                                                                                                   \
			bpf_map_update_elem(&map_##name##six, &key, &none, BPF_NOEXIST);           \
			c = bpf_map_lookup_elem(&map_##name##six, &key);                           \
		}                                                                                  \
		if (c)                                                                             \
			add(c);                                                                    \
		return XDP_PASS;                                                                   \
	}

STORE(percpu, BPF_MAP_TYPE_PERCPU_HASH, add_plain, 4)
STORE(hash, BPF_MAP_TYPE_HASH, add_atomic, 4)
STORE(lru, BPF_MAP_TYPE_LRU_HASH, add_atomic, 4)
STORE(lru_percpu, BPF_MAP_TYPE_LRU_PERCPU_HASH, add_plain, 4)
STORE(percpu, BPF_MAP_TYPE_PERCPU_HASH, add_plain, 6)
STORE(hash, BPF_MAP_TYPE_HASH, add_atomic, 6)
STORE(lru, BPF_MAP_TYPE_LRU_HASH, add_atomic, 6)
STORE(lru_percpu, BPF_MAP_TYPE_LRU_PERCPU_HASH, add_plain, 6)

/* ---- ours ---------------------------------------------------------------------- */

/* As pass_or_drop() does, without classes and verdicts. */
static __always_inline void book(const struct pkt *p)
{
	const volatile struct cf_control *c = control_own();
	struct pair_key key = { 0 };
	struct cf_slot *slot;
	__u32 epoch = c ? c->epoch : 0, slots;

	slot = account_find(p, CF_HOOK_INSIDE);
	if (!slot) {
		pair_key(p, &key);
		slot = account_room(p, &key, &slots);
		if (slot && !share_take(p->src.word[0] | 1ULL << 49, epoch, slots))
			slot = NULL;
		else if (slot)
			account_create(slot, &key, 0,
				       META_USED | (__u64)(__u16)epoch << META_EPOCH_SHIFT);
	}
	if (slot)
		account_slot(slot, p, epoch, false);
	else
		account_overflow(p, CF_HOOK_INSIDE, 0, 0);
}

SEC("xdp")
int ours4(struct xdp_md *ctx)
{
	struct pkt p = { .l3 = L3_IPV4, .wire_bytes = PAIRS_WIRE, .payload_bytes = PAIRS_PAYLOAD };
	__u64 x = next_pair();

	p.src.word[0] = (__u32)x;
	p.dst.word[0] = x >> 32;
	book(&p);
	return XDP_PASS;
}

SEC("xdp")
int ours6(struct xdp_md *ctx)
{
	struct pkt p = { .l3 = L3_IPV6, .wire_bytes = PAIRS_WIRE, .payload_bytes = PAIRS_PAYLOAD };
	struct pair_key6 k;

	next6(&k);
	p.src.word[0] = (__u32)k.word[0];
	p.src.word[1] = k.word[0] >> 32;
	p.src.word[2] = (__u32)k.word[1];
	p.src.word[3] = k.word[1] >> 32;
	p.dst.word[0] = (__u32)k.word[2];
	p.dst.word[1] = k.word[2] >> 32;
	book(&p);
	return XDP_PASS;
}

/* ---- the trace alone, and before the real programs ------------------------------- */

SEC("xdp")
int empty4(struct xdp_md *ctx)
{
	struct pair_key4 k;

	next4(&k);
	sink = k.word;
	return XDP_PASS;
}

SEC("xdp")
int empty6(struct xdp_md *ctx)
{
	struct pair_key6 k;

	next6(&k);
	sink = k.word[0] + k.word[1] + k.word[2];
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} then SEC(".maps");

#define SOURCE4 26 /* of an untagged frame's IPv4 header */

SEC("xdp")
int drive4(struct xdp_md *ctx)
{
	__u8 *at = (__u8 *)(long)ctx->data + SOURCE4;
	__u64 x = next_pair();

	if (at + sizeof(x) > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(at, &x, sizeof(x));
	bpf_tail_call(ctx, &then, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
