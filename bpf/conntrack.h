/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What connection tracking knows: which internal host is behind a packet that
 * was translated, and which side began its flow. Optional: the kfuncs are called
 * only under cfg.have_ct, a constant, so that these programs also load where they
 * do not exist. Their addresses are not asked: libbpf 1.1 then fails on 6.1.
 * TCP and UDP in the default zone only.
 */
#ifndef CURFEW_BPF_CONNTRACK_H
#define CURFEW_BPF_CONNTRACK_H

#include "account.h"
#include "classify.h"
#include "own_ct.h"
#include "pkt.h"

/* The kernel's struct bpf_ct_opts as of 5.18: later ones are longer, and take this size too. */
struct ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};
#define CT_THIS_NETNS (-1)

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple,
					 u32 tuple__sz, struct ct_opts *opts,
					 u32 opts__sz) __ksym __weak;
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
					 u32 tuple__sz, struct ct_opts *opts,
					 u32 opts__sz) __ksym __weak;
extern void bpf_ct_release(struct nf_conn *ct) __ksym __weak;

/*
 * Has connection tracking ever known a flow, as far as this program has asked? Then
 * a UDP packet of no flow that it knows begins one.
 */
static bool ct_is_alive;

static __always_inline void ct_known(void)
{
	/* written once: see own_ct_see() */
	if (!*(volatile bool *)&ct_is_alive)
		*(volatile bool *)&ct_is_alive = true;
}

static __always_inline bool ct_can_know(const struct pkt *p)
{
	return (p->proto.n == PROTO_TCP || p->proto.n == PROTO_UDP) && !p->later_fragment;
}

/* The packet's addresses and ports; `answer`: those that its answer would have. Its size. */
static __always_inline __u32 ct_tuple(const struct pkt *p, bool answer, struct bpf_sock_tuple *t)
{
	const struct ip_addr *src = answer ? &p->dst : &p->src;
	const struct ip_addr *dst = answer ? &p->src : &p->dst;
	__be16 sport = bpf_htons(answer ? p->dport : p->sport);
	__be16 dport = bpf_htons(answer ? p->sport : p->dport);

	if (p->l3 == L3_IPV4) {
		t->ipv4.saddr = src->word[0];
		t->ipv4.daddr = dst->word[0];
		t->ipv4.sport = sport;
		t->ipv4.dport = dport;
		return sizeof(t->ipv4);
	}
	for (int i = 0; i < 4; i++) {
		t->ipv6.saddr[i] = src->word[i];
		t->ipv6.daddr[i] = dst->word[i];
	}
	t->ipv6.sport = sport;
	t->ipv6.dport = dport;
	return sizeof(t->ipv6);
}

/* Why it is not judged as a destination; CF_REASON_MAX if it is. */
static __always_inline enum cf_reason ignored_address(const struct pkt *p, const struct ip_addr *a)
{
	__u32 label;

	if (p->l3 == L3_IPV4)
		label = label4(bpf_ntohl(a->word[0]));
	else
		label = label6(half64(a->word[0], a->word[1]), half64(a->word[2], a->word[3])) &
			~CF_DEEP;
	return ignored(label);
}

/* Nobody but the gateway has this address: what leaves with it was made here, or translated. */
static __always_inline bool is_own(const struct pkt *p)
{
	return ignored_address(p, &p->src) == CF_REASON_IGNORED_LOCAL;
}

/* One side's end of a flow: who is behind the translation. True if that is another. */
static __always_inline bool take_source(struct pkt *p, const struct nf_conntrack_tuple *t)
{
	__u32 words = p->l3 == L3_IPV4 ? 1 : 4;
	bool other = false;

	for (__u32 i = 0; i < 4; i++) {
		__u32 word = t->src.u3.all[i];

		if (i >= words)
			break;
		other |= word != p->src.word[i];
		p->src.word[i] = word;
	}
	p->sport = bpf_ntohs(t->src.u.all);
	return other;
}

/*
 * At the outside hook, after translation, for a packet that no inside hook has
 * seen: its source becomes the internal host.
 */
__noinline int true_source(struct __sk_buff *skb, struct pkt *p)
{
	struct ct_opts opts = { .netns_id = CT_THIS_NETNS };
	struct bpf_sock_tuple tuple = { 0 };
	struct nf_conn *ct = NULL;
	bool other;
	__u32 size;

	if (!p)
		return 0;
	if (cfg.have_ct && ct_can_know(p)) {
		size = ct_tuple(p, true, &tuple);
		opts.l4proto = p->proto.n;
		ct = bpf_skb_ct_lookup(skb, &tuple, size, &opts, sizeof(opts));
		if (ct) {
			ct_known();
			/* the answer travels one way, so this packet travels the other */
			if (opts.dir == IP_CT_DIR_REPLY) {
				p->initiated = CF_BEGAN_INSIDE;
				p->began |= CF_SLOT_BEGAN_INSIDE;
				other = take_source(p, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
			} else {
				p->initiated = CF_BEGAN_OUTSIDE;
				p->began |= CF_SLOT_BEGAN_OUTSIDE;
				other = take_source(p, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
			}
			bpf_ct_release(ct);
			if (other)
				p->notes |= 1U << CF_NOTE_NAT_FOUND;
			return 1;
		}
	}
	if (is_own(p))
		p->notes |= 1U << CF_NOTE_NAT_UNKNOWN;
	return 0;
}

/* Of a destination that a packet came with, before translation: was it another, and not judged? */
static __always_inline bool other_ignored(const struct pkt *p, const struct ip_addr *came_for)
{
	__u32 other = p->dst.word[0] ^ came_for->word[0];

	if (p->l3 == L3_IPV6)
		for (int i = 1; i < 4; i++)
			other |= p->dst.word[i] ^ came_for->word[i];
	return other && ignored_address(p, came_for) != CF_REASON_MAX;
}

static __always_inline void take_destination(const struct nf_conntrack_tuple *t,
					     struct ip_addr *ret)
{
	for (int i = 0; i < 4; i++)
		ret->word[i] = t->dst.u3.all[i];
}

/* As was_ignored(), of a packet that does not tell itself. */
__noinline int was_ignored_asked(struct __sk_buff *skb, const struct pkt *p)
{
	struct ct_opts opts = { .netns_id = CT_THIS_NETNS };
	struct bpf_sock_tuple tuple = { 0 };
	struct ip_addr came_for = { 0 };
	struct nf_conn *ct;
	__u32 size;

	if (!p || !cfg.have_ct)
		return 0;
	size = ct_tuple(p, true, &tuple);
	opts.l4proto = p->proto.n;
	ct = bpf_skb_ct_lookup(skb, &tuple, size, &opts, sizeof(opts));
	if (!ct)
		return 0;
	if (opts.dir == IP_CT_DIR_REPLY)
		take_destination(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, &came_for);
	else
		take_destination(&ct->tuplehash[IP_CT_DIR_REPLY].tuple, &came_for);
	bpf_ct_release(ct);
	return other_ignored(p, &came_for);
}

/*
 * At the outside hook, for a packet that an inside hook has seen: it came for an
 * address that is not judged, our own as a rule, and a translation has sent it out
 * again. So nobody has judged where it goes.
 */
__noinline int was_ignored(struct __sk_buff *skb, const struct pkt *p)
{
	struct ip_addr came_for = { 0 };

	if (!p || !cfg.have_ct || !ct_can_know(p))
		return 0;
	switch (own_destination(skb, p, &came_for)) {
	case OWN_CT_NONE:
		return 0;
	case OWN_CT_SAYS:
		return other_ignored(p, &came_for);
	default:
		return was_ignored_asked(skb, p);
	}
}

/* Books who began, in the slot of the packet's pair. */
static __always_inline void book_began(const struct pkt *p, enum cf_hook hook, bool answers)
{
	struct cf_slot *slot = account_find(p, hook);

	if (slot)
		slot->meta.flags |= answers ? CF_SLOT_BEGAN_OUTSIDE : CF_SLOT_BEGAN_INSIDE;
}

/*
 * Who began the flow of a packet that pass_or_drop() could not tell this of. An
 * inside hook comes before translation, so the packet is looked up as it is; the
 * outside hook comes after it, so its answer is.
 */
__noinline int who_began_skb(struct __sk_buff *skb, const struct pkt *p, enum cf_hook hook)
{
	struct ct_opts opts = { .netns_id = CT_THIS_NETNS };
	struct bpf_sock_tuple tuple = { 0 };
	bool after = hook == CF_HOOK_OUTSIDE;
	struct nf_conn *ct;
	__u32 size;

	if (!p || !cfg.have_ct || !ct_can_know(p))
		return 0;
	size = ct_tuple(p, after, &tuple);
	opts.l4proto = p->proto.n;
	ct = bpf_skb_ct_lookup(skb, &tuple, size, &opts, sizeof(opts));
	if (!ct)
		return 0;
	bpf_ct_release(ct);
	ct_known();
	book_began(p, hook, (opts.dir == IP_CT_DIR_REPLY) != after);
	return 1;
}

__noinline int who_began_xdp(struct xdp_md *ctx, const struct pkt *p)
{
	struct ct_opts opts = { .netns_id = CT_THIS_NETNS };
	struct bpf_sock_tuple tuple = { 0 };
	struct nf_conn *ct;
	__u32 size;

	if (!p || !cfg.have_ct || !ct_can_know(p))
		return 0;
	size = ct_tuple(p, false, &tuple);
	opts.l4proto = p->proto.n;
	ct = bpf_xdp_ct_lookup(ctx, &tuple, size, &opts, sizeof(opts));
	if (!ct)
		return 0;
	bpf_ct_release(ct);
	ct_known();
	book_began(p, CF_HOOK_INSIDE, opts.dir == IP_CT_DIR_REPLY);
	return 1;
}

static __always_inline void take_answer(struct pkt *p, bool found, bool answers)
{
	p->asked = true;
	if (found) {
		ct_known();
		p->initiated = answers ? CF_BEGAN_OUTSIDE : CF_BEGAN_INSIDE;
		p->began |= answers ? CF_SLOT_BEGAN_OUTSIDE : CF_SLOT_BEGAN_INSIDE;
	} else if (p->proto.n == PROTO_UDP && *(volatile bool *)&ct_is_alive) {
		p->initiated = CF_BEGAN_INSIDE;
	}
}

/* Before a verdict that depends on it; as who_began_skb(), and nothing is booked. */
__noinline int ask_began_skb(struct __sk_buff *skb, struct pkt *p, enum cf_hook hook)
{
	struct ct_opts opts = { .netns_id = CT_THIS_NETNS };
	struct bpf_sock_tuple tuple = { 0 };
	bool after = hook == CF_HOOK_OUTSIDE;
	struct nf_conn *ct;
	__u32 size;

	if (!p || !cfg.have_ct || !ct_can_know(p))
		return 0;
	size = ct_tuple(p, after, &tuple);
	opts.l4proto = p->proto.n;
	ct = bpf_skb_ct_lookup(skb, &tuple, size, &opts, sizeof(opts));
	if (ct)
		bpf_ct_release(ct);
	take_answer(p, ct, (opts.dir == IP_CT_DIR_REPLY) != after);
	return 1;
}

__noinline int ask_began_xdp(struct xdp_md *ctx, struct pkt *p)
{
	struct ct_opts opts = { .netns_id = CT_THIS_NETNS };
	struct bpf_sock_tuple tuple = { 0 };
	struct nf_conn *ct;
	__u32 size;

	if (!p || !cfg.have_ct || !ct_can_know(p))
		return 0;
	size = ct_tuple(p, false, &tuple);
	opts.l4proto = p->proto.n;
	ct = bpf_xdp_ct_lookup(ctx, &tuple, size, &opts, sizeof(opts));
	if (ct)
		bpf_ct_release(ct);
	take_answer(p, ct, opts.dir == IP_CT_DIR_REPLY);
	return 1;
}

#endif
