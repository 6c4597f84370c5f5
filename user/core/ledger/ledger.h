/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: what the kernel's slots have counted, summed over CPUs and polls
 * per (source, destination, hook). Pure: samples and times come in as
 * arguments. Tables, grouping and ranking are in query.h.
 *
 * The kernel's counters only grow while a slot lives, so a poll adds the
 * difference to what the same slot showed before. The first poll after
 * ledger_new() adopts: it books everything the tables hold (they outlive the
 * daemon) but counts none of it as a rate.
 */
#ifndef CURFEW_CORE_LEDGER_LEDGER_H
#define CURFEW_CORE_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/hash_index.h"
#include "core/time/calendar.h"
#include "curfew/abi.h"

/* What one slot of one CPU shows now. */
struct ledger_sample {
	struct addr src;
	struct addr dst; /* IPv6: the /64 */
	enum cf_hook hook;
	uint32_t slot; /* names the slot among those of its family (of dst) */
	uint8_t life;  /* another number: the slot has been given to another pair since */
	uint64_t wire_bytes, payload_bytes, dropped_wire_bytes;
	uint32_t packets; /* mod 2^32 */
	bool dropped;     /* the last packet was */
	uint8_t began;    /* CF_SLOT_BEGAN_*: who began flows of this pair, as far as was seen */
};

struct ledger_sums {
	uint64_t wire_bytes; /* offered: dropped ones too */
	uint64_t payload_bytes;
	uint64_t dropped_wire_bytes;
	uint64_t packets; /* of what an adopted slot showed, mod 2^32 */
};

/*
 * The same in half the room: a pair is kept for each of a million, and nearly all of them
 * have counted less than 2^32. What is more is kept beside: see ledger_counts_get().
 */
struct ledger_counts {
	uint32_t v[4];
};

/* A source or a destination. */
struct ledger_host {
	uint32_t addr; /* of IPv4 the four bytes; of IPv6 a place in `six`: ledger_host_addr() */
	uint32_t six : 1;
	uint32_t peers : 31; /* different destinations of a source, sources of a destination */
};
_Static_assert(sizeof(struct ledger_host) == 8, "there may be a million");

struct ledger_pair {
	uint32_t src, dst; /* places among the hosts */
	struct ledger_counts counts;
	uint32_t first_s;    /* as struct utc; of an adopted pair: the ledger's `since` */
	uint32_t last_s;     /* of a pair that has not moved since it was adopted: 0 */
	uint32_t moved_poll; /* number of the last poll that saw traffic */
	uint8_t hook;        /* enum cf_hook */
	bool dropped;        /* the verdict then; a drop wins over what passed in the same poll */
	uint8_t began;       /* CF_SLOT_BEGAN_* of all its slots */
	uint8_t pad;
};
_Static_assert(sizeof(struct ledger_pair) == 40, "there may be a million");

/* Polls that a rate can look back on, if it saw no more than so many pairs move. */
#define LEDGER_POLLS      128
#define LEDGER_RATE_MS    10000
#define LEDGER_RECENT_MAX (1U << 20)

/* What moved in a poll, for rates; several for one pair add up. */
struct ledger_recent {
	uint32_t pair, wire;
};
struct ledger_recents {
	struct ledger_recent *v;
	size_t n, cap;
};

/* What a slot showed last. */
struct ledger_slot {
	struct ledger_counts counts;
	uint32_t pair; /* + 1; 0: its pair is not kept any more */
	uint8_t life;
	uint8_t pad[3];
};
_Static_assert(sizeof(struct ledger_slot) == 24, "there may be millions");

/* One family's slots by number: places in the ledger's `slots`, + 1, in chunks. Numbers are
 * dense where shards are; of a shard about half is in use. */
#define LEDGER_CHUNK 4096
struct ledger_numbers {
	uint32_t **chunks;
	size_t n;
};

struct ledger_hosts {
	struct ledger_host *v;
	size_t n, cap;
	struct {
		struct addr *v;
		size_t n, cap;
	} six;
	struct hash_index index;
};

/* Pairs that are kept, unless ledger_limit() says otherwise. */
#define LEDGER_PAIRS_MAX (1U << 20)

/* Read it freely; only the functions below change it. */
struct ledger {
	struct hash_seed seed;
	struct utc since; /* when the kernel's tables were made: totals count from there */
	struct {
		struct ledger_pair *v;
		size_t n, cap;
		struct hash_index index;
	} pairs;
	struct ledger_hosts sources, destinations;
	struct {
		struct ledger_slot *v;
		size_t n, cap;
	} slots;
	struct ledger_numbers numbers[2]; /* IPv4, IPv6 */
	struct {
		struct ledger_sums *v;
		size_t n, cap;
	} wide;
	uint32_t wide_free; /* place of the first one that is not in use, + 1 */
	uint32_t poll;      /* number of the present or last one; the first is 1 */
	struct utc now;
	/* by poll number mod LEDGER_POLLS */
	uint64_t poll_ms[LEDGER_POLLS];
	struct ledger_recents recent[LEDGER_POLLS];
	size_t recent_n;      /* of all polls */
	uint32_t recent_from; /* the first poll whose traffic is still known */
	bool resuming; /* the first poll since a snapshot: what it shows took nobody knows how long
			*/
	struct ledger_sums total; /* of all pairs, by hook below */
	struct ledger_sums hook_total[CF_HOOK_MAX];
	/* part of the totals that no pair is kept for: idle ones that were summed up, and what
	 * slots had counted before this ledger began and were given away */
	struct ledger_sums folded[CF_HOOK_MAX];
	uint64_t folded_pairs;
	uint32_t pairs_max;
};

/* The seed should be random; `since`: see above. */
struct ledger *ledger_new(struct hash_seed seed, struct utc since);
void ledger_free(struct ledger *l);
static inline void ledger_free_p(struct ledger **l)
{
	ledger_free(*l);
}
#define _cleanup_ledger_ _cleanup_(ledger_free_p)

/*
 * A poll: begin, add each slot's sample in any order, end. `now` stamps what
 * has moved; `mono_ms` is a clock in milliseconds that never steps, for rates.
 */
void ledger_poll_begin(struct ledger *l, struct utc now, uint64_t mono_ms);
void ledger_poll_add(struct ledger *l, const struct ledger_sample *s);
void ledger_poll_end(struct ledger *l);

/*
 * Keeps at most n pairs: at the end of a poll that leaves more, those that have been idle
 * longest are summed up in `folded`, a quarter of n at once.
 */
void ledger_limit(struct ledger *l, uint32_t n);
/* Books what no slot shows any more: see `folded`. */
void ledger_add_folded(struct ledger *l, enum cf_hook hook, const struct ledger_sums *sums,
		       uint64_t pairs);

struct addr ledger_host_addr(const struct ledger_hosts *h, uint32_t place);
/* Those kept beside have all ones in the last three words. */
static inline bool ledger_counts_beside(const struct ledger_counts *c)
{
	return (c->v[1] & c->v[2] & c->v[3]) == UINT32_MAX;
}
static inline struct ledger_sums ledger_counts_get(const struct ledger *l,
						   const struct ledger_counts *c)
{
	if (ledger_counts_beside(c))
		return l->wide.v[c->v[0]];
	return (struct ledger_sums){ c->v[0], c->v[1], c->v[2], c->v[3] };
}
static inline struct ledger_sums ledger_pair_sums(const struct ledger *l,
						  const struct ledger_pair *p)
{
	return ledger_counts_get(l, &p->counts);
}

/* NULL if it was never seen. */
const struct ledger_host *ledger_source(const struct ledger *l, const struct addr *a);
const struct ledger_host *ledger_destination(const struct ledger *l, const struct addr *a);
const struct ledger_pair *ledger_pair(const struct ledger *l, const struct addr *src,
				      const struct addr *dst, enum cf_hook hook);
/* Wire bytes per second over the last 10 s, and between the last two polls. */
uint64_t ledger_rate(const struct ledger *l, const struct ledger_pair *p);
uint64_t ledger_rate_now(const struct ledger *l, const struct ledger_pair *p);
/* Both for all pairs, by place; wanted for many, this costs a fraction. */
void ledger_rates(const struct ledger *l, uint64_t *rate, uint64_t *rate_now);
/* As the kernel keys pairs: IPv6 destinations are their /64. */
struct addr ledger_destination_key(const struct addr *dst);

#endif
