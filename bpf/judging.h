/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one packet's judging works on: rows of rules, the state that is too much for
 * the stack, and the keys of ledgers.
 */
#ifndef CURFEW_BPF_JUDGING_H
#define CURFEW_BPF_JUDGING_H

#include "quota.h"
#include "report.h"
#include "schedule.h"

enum pass_kind {
	ASK,       /* would every quota have room? */
	CHARGE,    /* take it */
	GIVE_BACK, /* undo, up to the quota that refused */
};

#define RATES_TAKEN_MAX 8 /* more of one packet's are not given back */

#define KNOWN_PERIODS 16 /* calendars share them by number */

/* What outlasts the packet: bpf/period.h. All zero, it holds at no time. */
struct known_period {
	__u64 from, until; /* of the schedule's time */
	__u32 weeks;
	__u32 calendar;
	__u32 period;
	__u32 pad;
};

/* What one packet's judging needs: too much for the stack. */
struct judge {
	struct cf_row left; /* rules still to be looked at */
	struct cf_row both; /* the rules about this source and destination, whatever the time */
	struct cf_row match;
	struct cf_row refused; /* policies in shadow that refuse: charged to none of their quotas */
	struct cf_row alerts;  /* policies without quota that report */
	struct cf_row holding; /* those that might have dropped it before, for a time */
	__u32 service_to, service_from; /* rows of the services of either side */
	__u32 undetermined;             /* a rule asks for a port that cannot be seen */
	struct sched_now now;
	struct subject subject;
	enum pass_kind pass;
	__u32 rule;  /* being walked */
	__u32 quota; /* its next quota */
	__u32 quota_end;
	__u32 quotas;     /* seen in this pass */
	__u32 stop_after; /* quotas to give back */
	__u64 by_shared;  /* bit n: the nth quota has charged its shared entry */
	__u32 noted;    /* the period for which the key has noted a charge by that, as shared_note()
			   says */
	__u32 exempted; /* an exempt took policies out */
	__u32 published; /* a publish did */
	__u32 excepted;
	__u32 drop_rule; /* ~0: none refuses */
	__u32 drop_quota;
	__u32 would_rule; /* the same, in shadow */
	__u32 would_quota;
	__u32 segment; /* of the schedule */
	__u32 off;     /* enforcement is switched off */
	__u32 observe;
	__u32 shadow;      /* of the rule being walked; not bool: callbacks may return 0 or 1 only,
			      provably */
	__u32 from;        /* enum cf_from */
	__u32 quarantined; /* its source is */
	__u32 foreign;     /* no network inside has its source */
	__u32 over_share;  /* its source has made its share of entries, and needs one more */
	__u32 quarantine_seconds; /* it is to be from now on, 0: not; by these: */
	__u32 quarantine_rule;
	__u32 quarantine_quota;
	__u32 mark;                   /* what policies say */
	__u32 drop_by_rate;           /* what refused is a rate */
	__u32 rates;                  /* seen in this pass */
	__u64 taken[RATES_TAKEN_MAX]; /* the words as rate_take() left them */
	struct cf_quota_key key;
	struct cf_quota_state fresh;
	struct cf_rate_state fresh_rate;
	__u32 cell_at[CF_SPILL_ROWS]; /* the key's, as bpf/spill.h has looked up */
	__u64 owner_mine;             /* what bpf/owner.h has looked up */
	__u32 owner_at;
	struct cf_quota_key hold_key;
	struct cf_hold fresh_hold;
	struct known_period periods[KNOWN_PERIODS];
};

/* Bottom halves are off at every hook: one packet at a time on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct judge);
} judging SEC(".maps");

/*
 * `judging`, for global functions: an argument is plain memory to the verifier,
 * which before 6.3 takes no such memory as a map's key or value.
 */
static __always_inline struct judge *judging_own(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&judging, &zero);
}

/* bpf_loop() takes a context on the stack only. */
struct judge_ctx {
	struct judge *j;
};

struct verdict {
	enum cf_reason reason;
	bool drop;
};

/*
 * Number of the lowest bit set: how many are below it, added up pairwise. Clang
 * 14's BPF backend has no __builtin_ctzll, and a comparison per power of two
 * would give the verifier 64 paths.
 */
static __always_inline __u32 lowest_bit(__u64 w)
{
	__u64 n = (w & -w) - 1;

	n -= n >> 1 & 0x5555555555555555ULL;
	n = (n & 0x3333333333333333ULL) + (n >> 2 & 0x3333333333333333ULL);
	n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (__u32)(n * 0x0101010101010101ULL >> 56);
}

/* Removes the lowest rule from a row and returns it; ~0 when it is empty. */
static __always_inline __u32 row_take(struct cf_row *r)
{
	for_each_row_word (i) {
		__u64 w = r->word[i];

		if (!w)
			continue;
		r->word[i] = w & (w - 1);
		return i * 64 + lowest_bit(w);
	}
	return ~0U;
}

static __always_inline void row_clear(struct cf_row *r)
{
	for_each_row_word (i)
		r->word[i] = 0;
}

static __always_inline void row_copy(struct cf_row *to, const struct cf_row *from)
{
	for_each_row_word (i)
		to->word[i] = from->word[i];
}

static __always_inline void row_set(struct cf_row *r, __u32 n)
{
	r->word[n / 64 & (CF_ROW_WORDS - 1)] |= 1ULL << (n & 63);
}

static __always_inline bool row_has(const struct cf_row *r, __u32 n)
{
	return r->word[n / 64 & (CF_ROW_WORDS - 1)] >> (n & 63) & 1;
}

static __always_inline bool row_intersects(const struct cf_row *a, const volatile struct cf_row *b)
{
	__u64 any = 0;

	for_each_row_word (i)
		any |= a->word[i] & b->word[i];
	return any;
}

static __always_inline bool any_protects(const struct cf_row *r)
{
	return cfg.kinds & CF_HAS_PROTECT && row_intersects(r, &cfg.protect_rules);
}

static __always_inline bool any_blocks(const struct cf_row *r)
{
	return cfg.kinds & CF_HAS_BLOCK && row_intersects(r, &cfg.block_rules);
}

static __always_inline bool any_clears(const struct cf_row *r)
{
	return cfg.kinds & CF_HAS_CLEARING && row_intersects(r, &cfg.clearing_rules);
}

static __always_inline void row_and(struct cf_row *to, const struct cf_row *a,
				    const volatile struct cf_row *b)
{
	for_each_row_word (i)
		to->word[i] = a->word[i] & b->word[i];
}

/* The first of 64 bits, as on the wire. */
static __always_inline __u64 first_bits(__u32 bits)
{
	return bits < 64 ? bpf_cpu_to_be64(~(~0ULL >> bits)) : ~0ULL;
}

static __always_inline void mask_prefix(__u8 addr[16], __u32 bits)
{
	__u64 half[2];

	copy16((__u8 *)half, addr);
	half[0] &= first_bits(bits);
	half[1] &= first_bits(bits > 64 ? bits - 64 : 0);
	copy16(addr, (const __u8 *)half);
}

static __always_inline void key_source(struct cf_quota_key *k, const struct subject *s)
{
	if (s->by_mac) {
		__builtin_memcpy(k->mac, s->mac, 6);
		return;
	}
	copy16(k->src, s->src);
	if (s->l3 == L3_IPV6)
		__builtin_memset(k->src + 8, 0, 8);
}

/* Where no MAC is seen, as for the gateway's own, the address has to do. */
static __always_inline void key_mac(struct cf_quota_key *k, const struct subject *s)
{
	__u8 any = 0;

	for (int i = 0; i < 6; i++)
		any |= s->mac[i];
	if (any)
		__builtin_memcpy(k->mac, s->mac, 6);
	else
		key_source(k, s);
}

static __always_inline void key_prefix(struct cf_quota_key *k, const struct subject *s, __u32 bits4,
				       __u32 bits6)
{
	copy16(k->dst, s->key_dst);
	mask_prefix(k->dst, s->as4 ? 96 + bits4 : bits6);
}

static __always_inline void quota_key(struct cf_quota_key *k, const struct cf_quota_spec *q,
				      const struct subject *s)
{
	k->quota = q->id;
	k->kind = q->key_kind;
	switch (q->key_kind) {
	case CF_KEY_SOURCE:
		key_source(k, s);
		break;
	case CF_KEY_PAIR:
		key_source(k, s);
		key_prefix(k, s, 32, 64);
		break;
	case CF_KEY_DESTINATION:
		key_prefix(k, s, 32, 64);
		break;
	case CF_KEY_PREFIX:
		key_prefix(k, s, q->prefix4, q->prefix6);
		break;
	case CF_KEY_MAC:
		key_mac(k, s);
		break;
	case CF_KEY_ASN:
		k->asn = s->asn;
		if (!s->asn)
			key_prefix(k, s, 24, 48);
		break;
	case CF_KEY_COUNTRY:
		__builtin_memcpy(k->cc, s->cc, 4);
		break;
	default: /* CF_KEY_POLICY: one key for all */
		break;
	}
}

static __always_inline void refuse(struct judge *j)
{
	if (j->shadow) {
		/* who loses a race while charging has been counted: giving back counts it too */
		if (j->pass == ASK)
			row_set(&j->refused, j->rule);
		j->would_rule = j->rule;
		j->would_quota = j->quota;
	} else if (j->drop_rule == ~0U) {
		j->drop_rule = j->rule;
		j->drop_quota = j->quota;
	}
}

#endif
