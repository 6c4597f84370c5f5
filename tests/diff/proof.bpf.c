/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser as the kernel runs it, and nothing behind it: the two first stages
 * that the real entry programs have, writing down what they found.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ctx.h"
#include "facts.h"
#include "packet.h"

#define PROOF_XDP 0
#define PROOF_TC  1

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct facts);
} proof SEC(".maps");

SEC("xdp")
int proof_xdp(struct xdp_md *ctx)
{
	struct frame frame = { 0 };
	struct pkt p = { 0 };
	__u32 at = PROOF_XDP, reason = packet_xdp(ctx, &frame, &p);
	struct facts *f = bpf_map_lookup_elem(&proof, &at);

	if (f)
		facts_of(&p, reason, f);
	return XDP_PASS;
}

SEC("tc")
int proof_tc(struct __sk_buff *skb)
{
	struct frame frame = { 0 };
	struct pkt p = { 0 };
	__u32 at = PROOF_TC, reason = packet_skb(skb, &frame, &p);
	struct facts *f = bpf_map_lookup_elem(&proof, &at);

	packet_size_skb(skb, CF_HOOK_INSIDE, &frame, &p);
	if (f)
		facts_of(&p, reason, f);
	return 2; /* TC_ACT_SHOT: the namespace's own stack need not see it */
}

char LICENSE[] SEC("license") = "GPL";
