/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark measures against: nothing, and parsing alone. Never attached. */
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

char LICENSE[] SEC("license") = "GPL";
