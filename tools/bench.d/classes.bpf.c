/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destinations from a trace, looked up in the product's tables by the product's
 * code, or in LPM tries. Each look-up waits for the answer before: a packet's
 * is not done while the next one's begins. Never attached.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "classes.h"
#include "classify.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CLASS_TRACES);
	__type(key, __u32);
	__type(value, struct trace4);
} traces4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CLASS_TRACES6);
	__type(key, __u32);
	__type(value, struct trace6);
} traces6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CLASS_PREFIXES_MAX);
	__type(key, struct lpm_key4);
	__type(value, struct found);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CLASS_PREFIXES_MAX);
	__type(key, struct lpm_key6);
	__type(value, struct found);
} lpm6 SEC(".maps");

__u32 which; /* trace */
__u32 turn;
struct class_counts counts;

static __always_inline __u32 next4(void)
{
	const struct trace4 *t = bpf_map_lookup_elem(&traces4, &which);

	return t ? t->addr[turn & (CLASS_TRACE - 1)] : 0;
}

static __always_inline const struct trace_addr6 *next6(void)
{
	const struct trace6 *t = bpf_map_lookup_elem(&traces6, &which);

	return t ? &t->addr[turn & (CLASS_TRACE - 1)] : NULL;
}

/* The next turn depends on this answer, by a bit that no label has. */
static __always_inline int answered(__u32 answer)
{
	asm volatile("" : "+r"(answer));
	turn += 1 + (answer >> 30 & 1);
	return XDP_PASS;
}

static __always_inline struct found *find4(__u32 addr)
{
	struct lpm_key4 k = { 32, bpf_htonl(addr) };

	return bpf_map_lookup_elem(&lpm4, &k);
}

static __always_inline struct found *find6(const struct trace_addr6 *a)
{
	struct lpm_key6 k = { .prefixlen = 128,
			      .addr = { bpf_htonl(a->hi >> 32), bpf_htonl((__u32)a->hi),
					bpf_htonl(a->low >> 32), bpf_htonl((__u32)a->low) } };

	return bpf_map_lookup_elem(&lpm6, &k);
}

SEC("xdp")
int base4(struct xdp_md *ctx)
{
	return answered(next4() >> 8);
}

SEC("xdp")
int base6(struct xdp_md *ctx)
{
	const struct trace_addr6 *a = next6();

	return a ? answered((__u32)(a->hi >> 40) + (__u32)(a->low >> 40)) : XDP_ABORTED;
}

SEC("xdp")
int ours4(struct xdp_md *ctx)
{
	return answered(label4(next4()));
}

SEC("xdp")
int ours6(struct xdp_md *ctx)
{
	const struct trace_addr6 *a = next6();

	return a ? answered(label6(a->hi, a->low)) : XDP_ABORTED;
}

/* And what the label stands for. */
static __always_inline int entry(__u32 label)
{
	const struct cf_label *l;

	label &= ~CF_DEEP;
	l = bpf_map_lookup_elem(&labels, &label);
	return l ? answered(l->row) : XDP_ABORTED;
}

SEC("xdp")
int entry4(struct xdp_md *ctx)
{
	return entry(label4(next4()));
}

SEC("xdp")
int entry6(struct xdp_md *ctx)
{
	const struct trace_addr6 *a = next6();

	return a ? entry(label6(a->hi, a->low)) : XDP_ABORTED;
}

/* A trie that says country and AS itself, and one that says the label, whose entry is read. */
SEC("xdp")
int tries4(struct xdp_md *ctx)
{
	const struct found *f = find4(next4());

	return answered(f ? f->asn & 0xfffff : 0);
}

SEC("xdp")
int tries_entry4(struct xdp_md *ctx)
{
	const struct found *f = find4(next4());

	return entry(f ? FOUND_LABEL(f) : 0);
}

SEC("xdp")
int tries6(struct xdp_md *ctx)
{
	const struct trace_addr6 *a = next6();
	const struct found *f = a ? find6(a) : NULL;

	return answered(f ? f->asn & 0xfffff : 0);
}

SEC("xdp")
int tries_entry6(struct xdp_md *ctx)
{
	const struct trace_addr6 *a = next6();
	const struct found *f = a ? find6(a) : NULL;

	return entry(f ? FOUND_LABEL(f) : 0);
}

/* Both know the same country and AS of it, or both know none. */
static __always_inline int compare(__u32 label, const struct found *f)
{
	const struct cf_label *l;

	label &= ~CF_DEEP;
	l = bpf_map_lookup_elem(&labels, &label);
	counts.compared++;
	if (f)
		counts.known++;
	if (!l || l->asn != (f ? f->asn : 0) || FOUND_CC(l->cc) != (f ? FOUND_CC_OF(f) : 0))
		counts.differ++;
	turn++;
	return XDP_PASS;
}

SEC("xdp")
int compare4(struct xdp_md *ctx)
{
	__u32 addr = next4();

	return compare(label4(addr), find4(addr));
}

SEC("xdp")
int compare6(struct xdp_md *ctx)
{
	const struct trace_addr6 *a = next6();

	return a ? compare(label6(a->hi, a->low), find6(a)) : XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
