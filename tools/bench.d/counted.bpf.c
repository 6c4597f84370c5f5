/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes per pair as they are often counted: in a hash map of a fixed size, or one that forgets. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#define ENTRIES 65536

struct pair {
	__u32 source, destination;
};
struct amount {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct pair);
	__type(value, struct amount);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct pair);
	__type(value, struct amount);
} lru SEC(".maps");

static __always_inline int count(struct xdp_md *ctx, void *map)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct amount *a, first = { 1, end - data };
	struct pair k;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	k = (struct pair){ ip->saddr, ip->daddr };
	a = bpf_map_lookup_elem(map, &k);
	if (!a) {
		bpf_map_update_elem(map, &k, &first, BPF_NOEXIST);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&a->packets, 1);
	__sync_fetch_and_add(&a->bytes, end - data);
	return XDP_PASS;
}

SEC("xdp")
int count_hash(struct xdp_md *ctx)
{
	return count(ctx, &hash);
}

SEC("xdp")
int count_lru(struct xdp_md *ctx)
{
	return count(ctx, &lru);
}

char LICENSE[] SEC("license") = "GPL";
