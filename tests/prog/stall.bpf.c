/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU that is held, as a virtual one can be, between reading the epoch and
 * writing its slot: account.h's own stores, late. For test_epochs.c alone.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "account.h"

__u32 segment, bucket, slot; /* whose turn it is */
__u32 holding, done;

#define TURNS 24 /* of eight million empty steps: some tenths of a second */

static long step(__u32 i, void *ctx)
{
	return 0;
}

SEC("tc")
int stalled(struct __sk_buff *skb)
{
	struct pkt p = { .wire_bytes = 100, .payload_bytes = 50 };
	__u32 zero = 0, epoch;
	const volatile struct cf_control *c = bpf_map_lookup_elem(&control, &zero);
	void *inner = bpf_map_lookup_elem(&shards4, &segment);
	struct cf_bucket4 *b = inner ? bpf_map_lookup_elem(inner, &bucket) : NULL;

	if (!c || !b)
		return 1;
	epoch = c->epoch;
	*(volatile __u32 *)&holding = 1;
	for (int i = 0; i < TURNS; i++)
		bpf_loop(1 << 23, step, NULL, 0);
	account_slot(&b->slot[slot & (CF_BUCKET_SLOTS - 1)].common, &p, epoch, false);
	*(volatile __u32 *)&done = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
