/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames without a device that receives them: run by test-run as live frames, each
 * is written anew, with a destination from a trace, and handed to a veth. And
 * programs that do nothing, for what the hooks themselves cost on a veth.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "live.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIVE_TRACE);
	__type(key, __u32);
	__type(value, struct live_step);
} trace SEC(".maps");

struct live_setup setup;
__u64 sent;

SEC("xdp")
int live_frame(struct xdp_md *ctx)
{
	struct live_head *h = (void *)(long)ctx->data;
	__u32 at = (setup.first + sent) & (LIVE_TRACE - 1);
	const struct live_step *s = bpf_map_lookup_elem(&trace, &at);
	__u32 sum;

	if (!s || (void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*h = setup.head;
	h->mac_from[5] = s->host;
	h->saddr[3] = s->host;
	__builtin_memcpy(h->daddr, s->daddr, 4);
	/* the sum of what stays the same is in the template */
	sum = setup.head.check + s->sum + bpf_htons(s->host);
	sum = (sum & 0xffff) + (sum >> 16);
	h->check = (__u16) ~((sum & 0xffff) + (sum >> 16));
	sent++;
	return (int)bpf_redirect(setup.ifindex, 0);
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* TCX_NEXT, TC_ACT_UNSPEC */
SEC("tc")
int go_on(struct __sk_buff *skb)
{
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
