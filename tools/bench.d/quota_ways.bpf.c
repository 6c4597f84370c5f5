/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways to charge a packet to a quota, without the packet: the product's, a shared
 * fetch-and-add, and leases that each CPU takes from what is shared. Never attached.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "quota.h"
#include "quota_ways.h"

const volatile __u64 limit;
/* 1: each CPU has a key of its own */
const volatile __u32 own;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CF_CPUS_MAX);
	__type(key, __u32);
	__type(value, struct way_state);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct way_cpu);
} cpus SEC(".maps");

static __always_inline struct way_state *state_of_key(void)
{
	__u32 i = own ? bpf_get_smp_processor_id() : 0;

	return bpf_map_lookup_elem(&states, &i);
}

static __always_inline struct way_cpu *own_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

static __always_inline int pass(struct way_cpu *c)
{
	c->passed_bytes += WAY_PACKET_BYTES;
	return XDP_PASS;
}

SEC("xdp")
int way_none(struct xdp_md *ctx)
{
	struct way_state *s = state_of_key();
	struct way_cpu *c = own_cpu();

	return s && c ? pass(c) : XDP_ABORTED;
}

SEC("xdp")
int way_curfew(struct xdp_md *ctx)
{
	struct way_state *s = state_of_key();
	struct way_cpu *c = own_cpu();
	__u64 charged;

	if (!s || !c)
		return XDP_ABORTED;
	if (quota_charge(&s->state, WAY_PERIOD, limit, WAY_PACKET_BYTES, &charged) == QUOTA_FITS)
		return pass(c);
	quota_latch(&s->state, WAY_PERIOD);
	return XDP_DROP;
}

/* No period, no latch, nothing given back. */
SEC("xdp")
int way_add(struct xdp_md *ctx)
{
	struct way_state *s = state_of_key();
	struct way_cpu *c = own_cpu();

	if (!s || !c)
		return XDP_ABORTED;
	if (__sync_fetch_and_add(&s->state.word, WAY_PACKET_BYTES) + WAY_PACKET_BYTES <= limit)
		return pass(c);
	return XDP_DROP;
}

/* Near the end, where no whole lease is left, packet by packet. Nor period, nor latch. */
SEC("xdp")
int way_lease(struct xdp_md *ctx)
{
	struct way_state *s = state_of_key();
	struct way_cpu *c = own_cpu();

	if (!s || !c)
		return XDP_ABORTED;
	if (c->lease_bytes < WAY_PACKET_BYTES) {
		if (__sync_fetch_and_add(&s->state.word, WAY_LEASE_BYTES) + WAY_LEASE_BYTES <=
		    limit) {
			c->lease_bytes += WAY_LEASE_BYTES;
		} else {
			__sync_fetch_and_sub(&s->state.word, WAY_LEASE_BYTES);
			if (__sync_fetch_and_add(&s->state.word, WAY_PACKET_BYTES) +
				    WAY_PACKET_BYTES <=
			    limit)
				return pass(c);
			__sync_fetch_and_sub(&s->state.word, WAY_PACKET_BYTES);
			return XDP_DROP;
		}
	}
	c->lease_bytes -= WAY_PACKET_BYTES;
	return pass(c);
}

char LICENSE[] SEC("license") = "GPL";
