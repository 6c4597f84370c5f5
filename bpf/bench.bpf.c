/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark measures against: nothing, and parsing alone; and what makes
 * each packet of a run another pair's. Never attached.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ctx.h"
#include "parse.h"
#include "tc.h"

/* Keeps the compiler from dropping what nobody looks at. */
__u64 parsed;

SEC("xdp")
int xdp_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int xdp_parse(struct xdp_md *ctx)
{
	struct frame f = { 0 };
	struct pkt p = { 0 };

	frame_from_xdp(ctx, &f);
	if (parse_frame(&f, &p) == UNDECIDED)
		parsed = p.payload_bytes + p.src.word[0] + p.dst.word[0];
	return XDP_PASS;
}

/* Where xdp_spray() goes on: the program that is measured. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} spray_to SEC(".maps");

__u64 spray_turn;

#define SPRAY_IP 14 /* where the IP header begins: no tags */

/* Another source and destination each time: 24 bits of each, all over the place. */
static __always_inline void spray(__u8 *src, __u8 *dst)
{
	__u64 x = ++spray_turn * 0x9e3779b97f4a7c15ULL; /* odd: no value comes twice */

	for (int i = 0; i < 3; i++) {
		src[i] = x >> (16 + 8 * i);
		dst[i] = x >> (40 + 8 * i);
	}
}

SEC("xdp")
int xdp_spray4(struct xdp_md *ctx)
{
	__u8 *ip = (__u8 *)(long)ctx->data + SPRAY_IP;

	if (ip + 20 > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	spray(ip + 13, ip + 17);
	bpf_tail_call(ctx, &spray_to, 0);
	return XDP_ABORTED;
}

/* In IPv6 a destination is a /64, and so is a host. */
SEC("xdp")
int xdp_spray6(struct xdp_md *ctx)
{
	__u8 *ip = (__u8 *)(long)ctx->data + SPRAY_IP;

	if (ip + 40 > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	spray(ip + 8 + 5, ip + 24 + 5);
	bpf_tail_call(ctx, &spray_to, 0);
	return XDP_ABORTED;
}

SEC("tc")
int tc_empty(struct __sk_buff *skb)
{
	return TC_GO_ON;
}

SEC("tc")
int tc_parse(struct __sk_buff *skb)
{
	struct frame f = { 0 };
	struct pkt p = { 0 };

	frame_from_skb(skb, &f);
	if (parse_frame(&f, &p) == UNDECIDED)
		parsed = p.payload_bytes + p.src.word[0] + p.dst.word[0];
	return TC_GO_ON;
}

/* As xdp_spray() does, for programs of the other kind. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_spray_to SEC(".maps");

SEC("tc")
int tc_spray4(struct __sk_buff *skb)
{
	__u8 *ip = (__u8 *)(long)skb->data + SPRAY_IP;

	if (ip + 20 > (__u8 *)(long)skb->data_end)
		return TC_DROP;
	spray(ip + 13, ip + 17);
	bpf_tail_call(skb, &tc_spray_to, 0);
	return TC_DROP;
}

SEC("tc")
int tc_spray6(struct __sk_buff *skb)
{
	__u8 *ip = (__u8 *)(long)skb->data + SPRAY_IP;

	if (ip + 40 > (__u8 *)(long)skb->data_end)
		return TC_DROP;
	spray(ip + 8 + 5, ip + 24 + 5);
	bpf_tail_call(skb, &tc_spray_to, 0);
	return TC_DROP;
}

char LICENSE[] SEC("license") = "GPL";
