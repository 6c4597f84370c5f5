/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From address to label and source class, in tables that the compiler made
 * (formats: curfew/abi.h). Paid per new pair; the slot remembers the result.
 */
#ifndef CURFEW_BPF_CLASSIFY_H
#define CURFEW_BPF_CLASSIFY_H

#include "cfg.h"
#include "maps.h"
#include "pkt.h"

/*
 * The look-ups are global functions of scalars: the verifier proves each once,
 * on its own, instead of once per path that leads to it.
 */
struct klass {
	__u32 label;
	__u32 source_class;
	__u8 on_link;     /* the source is known by its MAC */
	__u8 deep;        /* the label is not the whole /64's */
	__u8 no_rule;     /* in this generation no rule is about it, whatever the time */
	__u8 fresh;       /* its slot was made for this packet */
	__u8 failing;     /* enum cf_fail, at this moment */
	__u8 quarantined; /* the source is, at this moment */
	__u8 foreign;     /* it came from inside, and its source belongs to no network there */
	__u8 pad;
};

__noinline __u32 label4(__u32 addr)
{
	__u32 at = addr >> 16, low = addr & 0xffff, lo, n;
	const struct cf_root4 *root = bpf_map_lookup_elem(&root4, &at);
	const struct cf_range4 *r;

	for (int level = 0; level < CF_DIVIDED4 && root && root->shift; level++) {
		at = root->first + (low >> (root->shift & 15));
		root = bpf_map_lookup_elem(&root4, &at);
	}
	if (!root)
		return 0;
	if (!root->count)
		return root->first;
	lo = root->first;
	n = root->count;
	/* the answer is in [lo, lo + n) */
	for (int step = 0; step < CF_STEPS4 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;

		r = bpf_map_lookup_elem(&range4, &mid);
		if (!r)
			return 0;
		if (r->start <= low) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	r = bpf_map_lookup_elem(&range4, &lo);
	return r ? r->label : 0;
}

__noinline __u32 label_low6(__u32 deep, __u64 low)
{
	const struct cf_deep6 *d = bpf_map_lookup_elem(&deep6, &deep);
	const struct cf_low6 *r;
	__u32 lo, n;

	if (!d)
		return 0;
	lo = d->first;
	n = d->count;
	for (int step = 0; step < 21 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;

		r = bpf_map_lookup_elem(&low6, &mid);
		if (!r)
			return 0;
		if (r->start <= low) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	r = bpf_map_lookup_elem(&low6, &lo);
	return r ? r->label : 0;
}

static __always_inline __u32 search6(const volatile struct cf_tree6 *t, __u64 hi, __u64 low)
{
	const struct cf_leaf6 *leaf = NULL;
	__u32 node = 0, label;
	__u64 child = 0;

	for (__u32 level = 0; level < CF_LEVELS6; level++) {
		__u32 at = t->first_leaf + node;
		const struct cf_node6 *n;

		if (level >= t->levels)
			break;
		if (level + 1 == t->levels) {
			leaf = bpf_map_lookup_elem(&leaf6, &at);
			if (!leaf)
				return 0;
			/* its cache line may come while keys are compared */
			asm volatile("" ::"r"(*(const volatile __u32 *)leaf->label));
		}
		at = t->first[level] + node;
		n = bpf_map_lookup_elem(&node6, &at);
		if (!n)
			return 0;
		child = CF_KEYS6;
		/* -1 for each key that is beyond: without a branch, so without a path to verify */
		for (int k = 0; k < CF_KEYS6; k++)
			child += (__u64)((__s64)(hi - n->key[k]) >> 63);
		node = node * CF_FANOUT6 + (__u32)child;
	}
	if (!leaf || child >= CF_FANOUT6)
		return 0;
	label = leaf->label[child];
	if (label & CF_DEEP)
		label = label_low6(label & ~CF_DEEP, low) | CF_DEEP;
	return label;
}

/* With CF_DEEP set when the label holds for this address, but not for its whole /64. */
__noinline __u32 label6(__u64 hi, __u64 low)
{
	__u32 top = hi >> 48;
	const struct cf_root6 *root = bpf_map_lookup_elem(&root6, &top);

	if (!root)
		return 0;
	if (!(root->label & CF_SEARCH))
		return root->label;
	if (hi & CF_HALF6)
		return search6(&cfg.tree6[1], hi & ~CF_HALF6, low);
	return search6(&cfg.tree6[0], hi, low);
}

static __always_inline __u64 half64(__u32 a, __u32 b)
{
	return (__u64)bpf_ntohl(a) << 32 | bpf_ntohl(b);
}

#define TEREDO_PREFIX 0x20010000U

/*
 * An IPv6 address that stands for an IPv4 one: mapped, NAT64 (RFC 6052), 6to4 (RFC
 * 3056), Teredo (RFC 4380): there the client's, inverted in the last 32 bits. That
 * is where the data ends; the server, in the first 64, only helps to begin.
 */
static __always_inline bool embedded4(__u64 hi, __u64 low, __u32 *ret)
{
	if ((!hi && low >> 32 == 0xffff) || (hi == 0x0064ff9b00000000ULL && !(low >> 32))) {
		*ret = (__u32)low;
		return true;
	}
	if (hi >> 48 == 0x2002) {
		*ret = (__u32)(hi >> 16);
		return true;
	}
	if (hi >> 32 == TEREDO_PREFIX) {
		*ret = ~(__u32)low;
		return true;
	}
	return false;
}

/* Why a destination is not judged; CF_REASON_MAX if it is. */
static __always_inline enum cf_reason ignored(__u32 label)
{
	const struct cf_label *l = bpf_map_lookup_elem(&labels, &label);

	return l && l->flags & CF_LABEL_IGNORED ? l->reason : CF_REASON_MAX;
}

/* /64s whose pairs may not be told apart by pair_key(): ::/64, 64:ff9b:xxxx::/48, Teredo's. */
static __always_inline bool shares_slot(__u64 hi)
{
	return !hi || hi >> 32 == 0x0064ff9b || hi >> 32 == TEREDO_PREFIX;
}

/* As label6(). */
static __always_inline __u32 classify_destination(const struct pkt *p)
{
	__u64 hi, low;
	__u32 v4, label;

	if (p->l3 == L3_IPV4)
		return label4(bpf_ntohl(p->dst.word[0]));
	hi = half64(p->dst.word[0], p->dst.word[1]);
	low = half64(p->dst.word[2], p->dst.word[3]);
	if (embedded4(hi, low, &v4)) {
		__u32 label = label4(v4);
		enum cf_reason why = ignored(label);

		/* one slot may stand for several: mapped addresses share a /64, and so do NAT64's
		 * with those that only look like one (see pair_key()). Of what we ignore
		 * as IPv4, the IPv6 address is not ours */
		if (why == CF_REASON_MAX || why == CF_REASON_IGNORED_DESTINATION)
			return hi >> 48 == 0x2002 ? label : label | CF_DEEP;
	}
	label = label6(hi, low);
	return shares_slot(hi) ? label | CF_DEEP : label;
}

#define SOURCE_ON_LINK (1U << 31)
#define SOURCE_FOREIGN (1U << 30)

/* Class of a source, with SOURCE_ON_LINK and SOURCE_FOREIGN. */
__noinline __u32 source_find(__u64 hi, __u64 low)
{
	const struct cf_source_range *s;
	__u32 lo = 0, n = cfg_count(cfg.sources, (__u32)low);

	for (int step = 0; step < 17 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;

		s = bpf_map_lookup_elem(&sources, &mid);
		if (!s)
			return 0;
		if (s->hi < hi || (s->hi == hi && s->lo <= low)) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	s = bpf_map_lookup_elem(&sources, &lo);
	if (!s)
		return 0;
	return s->source_class | (s->flags & CF_SOURCE_ON_LINK ? SOURCE_ON_LINK : 0) |
	       (s->flags & CF_SOURCE_FOREIGN ? SOURCE_FOREIGN : 0);
}

static __always_inline __u32 source_of(const struct pkt *p)
{
	if (p->l3 == L3_IPV4)
		return source_find(0, 0xffff00000000ULL | bpf_ntohl(p->src.word[0]));
	return source_find(half64(p->src.word[0], p->src.word[1]),
			   half64(p->src.word[2], p->src.word[3]));
}

static __always_inline void classify_source(const struct pkt *p, struct klass *k)
{
	__u32 found = source_of(p);

	k->source_class = found & CF_CLASSES_MAX;
	k->foreign = !!(found & SOURCE_FOREIGN);
	k->on_link = !!(found & SOURCE_ON_LINK);
}

#endif
