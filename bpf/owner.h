/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose account a source without an entry is charged to, so that a host gets no second
 * quota by another name. A MAC that is made up for an address is charged to the MAC that
 * opened an account with this address up to an hour or two before; a source of no
 * network inside that the sender's MAC has no account for, to one that all such share.
 * Looked at when an entry is to be made, and while there are sources in quarantine.
 */
#ifndef CURFEW_BPF_OWNER_H
#define CURFEW_BPF_OWNER_H

#include "account.h"
#include "judging.h"
#include "owned.h"

static __always_inline __u64 owner_hash(const __u64 half[2])
{
	return mix(nh(half[0], cfg.key[2]) + nh(half[1], cfg.key[3]) + cfg.key[0]);
}

static __always_inline __u64 owner_hour(void)
{
	return cfg.week_jiffies ? bpf_jiffies64() / (cfg.week_jiffies / 168) & OWNER_HOURS : 0;
}

static __always_inline __u64 mac_word(const __u8 mac[6])
{
	__u64 w = 0;

	__builtin_memcpy(&w, mac, 6);
	return w;
}

/* The MAC that last opened an account with this address, however long ago; 0: none. */
static __always_inline __u64 owner_of(const __u8 address[16])
{
	__u64 half[2], h, w;
	const __u64 *cell;
	__u32 i;

	__builtin_memcpy(half, address, sizeof(half));
	h = owner_hash(half);
	i = (__u32)h & (CF_OWNERS - 1);
	cell = bpf_map_lookup_elem(&owners, &i);
	if (!cell)
		return 0;
	w = *(const volatile __u64 *)cell;
	return w && OWNER_TAG(w) == h >> 56 ? OWNER_MAC(w) : 0;
}

/*
 * Where the judged source's address has its cell, and what that is to say, in j->owner_at
 * and j->owner_mine. 0: it has no MAC. These functions are leaves, one after the other:
 * deep in the walk there is hardly any stack left.
 */
__noinline int owner_look(void)
{
	struct judge *j = judging_own();
	__u64 half[2], h;

	if (!j || j->subject.hook != CF_HOOK_INSIDE)
		return 0;
	__builtin_memcpy(half, j->subject.src, sizeof(half));
	h = owner_hash(half);
	j->owner_at = (__u32)h & (CF_OWNERS - 1);
	j->owner_mine = mac_word(j->subject.mac) << 16 | (h >> 56) << 8 | owner_hour();
	return !!OWNER_MAC(j->owner_mine);
}

/*
 * After owner_look(): its MAC is the address' owner from now on, unless another has been so
 * for less than OWNER_LIFETIME, or `at_once`. Returns that other's MAC, or 0.
 */
static __always_inline __u64 owner_take(struct judge *j, bool at_once)
{
	__u64 *cell = bpf_map_lookup_elem(&owners, &j->owner_at);
	__u64 was;

	if (!cell)
		return 0;
	was = *(volatile __u64 *)cell;
	if (was && !at_once && OWNER_TAG(was) == OWNER_TAG(j->owner_mine) &&
	    OWNER_MAC(was) != OWNER_MAC(j->owner_mine) &&
	    ((j->owner_mine - was) & OWNER_HOURS) <= OWNER_LIFETIME)
		return OWNER_MAC(was);
	if (was == j->owner_mine)
		return 0;
	was ^= __sync_val_compare_and_swap(cell, was, j->owner_mine);
	/* another was faster: if it took this cell for the same address, it is the owner */
	if (was && !at_once) {
		was = *(volatile __u64 *)cell;
		if (OWNER_TAG(was) == OWNER_TAG(j->owner_mine))
			return OWNER_MAC(was);
	}
	return 0;
}

/* Beside the packet's reason; where there is no packet at hand, only who is judged. */
static __always_inline void note_subject(const struct judge *j, enum cf_note note)
{
	__u32 i = (j->subject.hook ? CF_NOTE_MAX : 0) + note;
	struct cf_note_count *c = bpf_map_lookup_elem(&notes, &i);

	if (!c)
		return;
	c->packets++;
	c->wire_bytes += j->subject.wire_bytes;
}

/* Global, as owner_look(), which has been called. */
__noinline int owner_rename(void)
{
	struct judge *j = judging_own();
	__u64 owner = 0;

	if (!j)
		return 0;
	/* behind a router an address says nothing about the MAC */
	if (!j->subject.by_mac || (j->key.kind != CF_KEY_MAC && j->key.kind != CF_KEY_SOURCE &&
				   j->key.kind != CF_KEY_PAIR))
		return 0;
	if (!j->subject.foreign) {
		owner = owner_take(j, false);
		if (!owner)
			return 0;
		note_subject(j, CF_NOTE_ADDRESS_SHARED);
	}
	__builtin_memcpy(j->subject.mac, &owner, 6);
	__builtin_memcpy(j->key.mac, &owner, 6);
	return 1;
}

/*
 * j->key has no entry. Is it to be charged to another account? Then j->key and the
 * subject have that one's name.
 */
static __always_inline bool owner_other(void)
{
	return owner_look() && owner_rename();
}

/* After owner_look(). Its source goes into quarantine: so does its address, under any MAC. */
__noinline int owner_claim(void)
{
	struct judge *j = judging_own();

	if (j && j->subject.by_mac && !j->subject.foreign)
		owner_take(j, true);
	return 0;
}

/* When a kind of trouble was last reported: once a minute. Races cost or add a report. */
static __u64 troubles_said[CF_TABLE_MAX];

/* Of who is judged. `trouble`: enum cf_full_table. */
static __always_inline int report_trouble(const struct judge *j, __u32 trouble, __u32 rule)
{
	__u64 now = bpf_jiffies64();
	struct cf_event *e;

	if (trouble >= CF_TABLE_MAX)
		return 0;
	if (troubles_said[trouble] && now - troubles_said[trouble] < cfg.week_jiffies / 10080)
		return 0;
	e = report_begin(CF_EVENT_OVERFLOW, &j->subject);
	if (!e)
		return 0;
	troubles_said[trouble] = now;
	e->rule = rule;
	e->detail = trouble;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif
