/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection that the kernel has put down in the packet itself, skb->_nfct: no look-up,
 * which takes 25 ns, and 200 when the table is not in the cache. From 6.2 on, where
 * cfg.own_ct says so; tuples are read as plain memory, since nf_conn may be a type
 * of a module, which bpf_rdonly_cast() does not take.
 */
#ifndef CURFEW_BPF_OWN_CT_H
#define CURFEW_BPF_OWN_CT_H

#include <bpf/bpf_core_read.h>

#include "cfg.h"
#include "pkt.h"

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym __weak;
extern void *bpf_rdonly_cast(const void *obj__ign, __u32 btf_id__k) __ksym __weak;

#define NFCT_INFO  7UL /* enum ip_conntrack_info; the rest of the word is the pointer */
#define FAMILY_IP  2
#define FAMILY_IP6 10

enum own_ct {
	OWN_CT_ASK,  /* the packet does not tell */
	OWN_CT_NONE, /* nothing has translated it */
	OWN_CT_SAYS,
};

/*
 * A packet of this generation has had a connection, or may have had one. From then on a packet
 * without one may have come by a flowtable that still translates.
 */
static bool own_ct_seen;

/* Written once: its cache line is every CPU's, and each packet comes here. */
static __always_inline void own_ct_see(void)
{
	if (!*(volatile bool *)&own_ct_seen)
		*(volatile bool *)&own_ct_seen = true;
}

/* A part of a connection's tuple of one direction, as words of memory. */
#define OWN_CT_AT(ct, dir, field)                                                                  \
	((const struct in6_addr *)bpf_rdonly_cast(                                                 \
		(void *)((ct) + bpf_core_field_offset(struct nf_conn, tuplehash[0].tuple.field) +  \
			 (dir) * (bpf_core_field_offset(struct nf_conn, tuplehash[1]) -            \
				  bpf_core_field_offset(struct nf_conn, tuplehash[0]))),           \
		bpf_core_type_id_kernel(struct in6_addr)))

/* Connection tracking's own hooks need it; nobody else's being there does harm. */
static __always_inline bool ct_in_use(const struct sk_buff *skb)
{
	const struct net *net = skb->dev->nd_net.net;

	if (!bpf_core_field_exists(net->nf.defrag_ipv4_users) ||
	    !bpf_core_field_exists(net->nf.defrag_ipv6_users))
		return true;
	return net->nf.defrag_ipv4_users | net->nf.defrag_ipv6_users;
}

/*
 * The destination that a packet came with, as its connection knows it, at the outside hook.
 * Flowtables forward without it: so where there is none, only a namespace that neither
 * tracks connections nor has done so, and has no flowtable, tells that there was none.
 */
static __always_inline enum own_ct own_destination(struct __sk_buff *ctx, const struct pkt *p,
						   struct ip_addr *ret)
{
	const struct sk_buff *skb;
	const struct in6_addr *address;
	unsigned long word, ct;
	__u32 dir;

	if (!cfg.own_ct)
		return OWN_CT_ASK;
	skb = bpf_cast_to_kern_ctx(ctx);
	word = skb->_nfct;
	ct = word & ~NFCT_INFO;
	if (!ct) {
		if ((word & NFCT_INFO) == IP_CT_UNTRACKED)
			return OWN_CT_NONE;
		if (cfg.flowtables || *(volatile bool *)&own_ct_seen || ct_in_use(skb))
			goto seen;
		return OWN_CT_NONE;
	}
	dir = (word & NFCT_INFO) >= IP_CT_IS_REPLY;
	if (OWN_CT_AT(ct, dir, src.l3num)->in6_u.u6_addr16[0] !=
	    (p->l3 == L3_IPV4 ? FAMILY_IP : FAMILY_IP6))
		goto seen;
	address = OWN_CT_AT(ct, dir, dst.u3);
	for (int i = 0; i < 4; i++)
		ret->word[i] = address->in6_u.u6_addr32[i];
	own_ct_see();
	return OWN_CT_SAYS;
seen:
	own_ct_see();
	return OWN_CT_ASK;
}

#endif
