/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `cat /sys/fs/bpf/curfew/pairs`: the live ledger as text, from the kernel, also
 * without a daemon. Iterates `walk`, whose element i stands for sixteen buckets
 * of a segment of each family: one element must fit the kernel's 32 KiB of text.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

#define BUCKETS_PER_STEP  16
#define STEPS_PER_SEGMENT (CF_SEG_BUCKETS / BUCKETS_PER_STEP)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CF_SEGMENTS *STEPS_PER_SEGMENT);
	__type(key, __u32);
	__type(value, __u64);
} walk SEC(".maps");

/* "%pI4" and friends want the address of a copy on the stack or in a map. */
static __always_inline void print_tail(struct seq_file *seq, const struct cf_slot *s)
{
	__u64 args[] = { s->packets, s->payload_bytes, s->wire_bytes, s->dropped_wire_bytes };
	static const char fmt[] = " %10llu %14llu %14llu %14llu  ";

	bpf_seq_printf(seq, fmt, sizeof(fmt), args, 4 * sizeof(__u64));
	if (s->meta.flags & CF_SLOT_OUTSIDE)
		bpf_seq_write(seq, "outside", 7);
	else
		bpf_seq_write(seq, "inside ", 7);
	if (s->meta.flags & CF_SLOT_DROPPED)
		bpf_seq_write(seq, "  drop\n", 7);
	else
		bpf_seq_write(seq, "  pass\n", 7);
}

static __always_inline void print4(struct seq_file *seq, const struct cf_slot4 *s)
{
	static const char fmt[] = "%pI4 %pI4";
	__u64 args[] = { (__u64)s->src, (__u64)s->dst };

	bpf_seq_printf(seq, fmt, sizeof(fmt), args, sizeof(args));
	print_tail(seq, &s->common);
}

static __always_inline void print6(struct seq_file *seq, const struct cf_slot6 *s)
{
	static const char fmt[] = "%pI6c %pI6c";
	__u8 dst[16] = { 0 };
	__u64 args[] = { (__u64)s->src, (__u64)dst };

	__builtin_memcpy(dst, s->dst, 8);
	if (*(const __u32 *)s->dst == bpf_htonl(0x0064ff9b) && *(const __u32 *)(s->dst + 4)) {
		__builtin_memset(dst + 4, 0, 4);
		__builtin_memcpy(dst + 12, s->dst + 4, 4);
	}
	bpf_seq_printf(seq, fmt, sizeof(fmt), args, sizeof(args));
	print_tail(seq, &s->common);
}

static const char header[] = "# source destination packets payload_bytes wire_bytes "
			     "dropped_wire_bytes hook last\n";

SEC("iter/bpf_map_elem")
int pairs(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u32 *key = ctx->key, step, segment, bucket, at4, at6;
	const struct cf_segment_place *place;
	void *inner;

	if (!key)
		return 0;
	step = *key;
	if (!step)
		bpf_seq_write(seq, header, sizeof(header) - 1);
	segment = step / STEPS_PER_SEGMENT;
	place = bpf_map_lookup_elem(&segment_places, &segment);
	if (!place || (!place->at4 && !place->at6))
		return 0;
	/* of a family that has none: a number that no segment has */
	at4 = place->at4 - 1;
	at6 = place->at6 - 1;
	bucket = step % STEPS_PER_SEGMENT * BUCKETS_PER_STEP;
	for (__u32 i = 0; i < BUCKETS_PER_STEP; i++) {
		__u32 n = bucket + i;
		struct cf_bucket4 *b4;
		struct cf_bucket6 *b6;

		inner = bpf_map_lookup_elem(&shards4, &at4);
		b4 = inner ? bpf_map_lookup_elem(inner, &n) : NULL;
		for (int k = 0; b4 && k < CF_BUCKET_SLOTS; k++)
			if (b4->slot[k].common.meta.flags & CF_SLOT_USED)
				print4(seq, &b4->slot[k]);
		inner = bpf_map_lookup_elem(&shards6, &at6);
		b6 = inner ? bpf_map_lookup_elem(inner, &n) : NULL;
		for (int k = 0; b6 && k < CF_BUCKET_SLOTS; k++)
			if (b6->slot[k].common.meta.flags & CF_SLOT_USED)
				print6(seq, &b6->slot[k]);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
