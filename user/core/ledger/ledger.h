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
	uint32_t label, source_class;
	bool dropped;  /* the last packet was */
	uint8_t began; /* CF_SLOT_BEGAN_*: who began flows of this pair, as far as was seen */
};

struct ledger_sums {
	uint64_t wire_bytes; /* offered: dropped ones too */
	uint64_t payload_bytes;
	uint64_t dropped_wire_bytes;
	uint64_t packets; /* of what an adopted slot showed, mod 2^32 */
};

/* A source or a destination. */
struct ledger_host {
	struct addr addr;
	struct ledger_sums sums;
	struct utc first_seen, last_seen; /* as in struct ledger_pair */
	uint32_t peers;      /* different destinations of a source, sources of a destination */
	uint32_t moved_poll; /* number of the last poll that saw traffic */
	bool dropped;        /* the verdict then; a drop wins over what passed in the same poll */
};

struct ledger_pair {
	uint32_t src, dst; /* places among the hosts */
	uint32_t label, source_class;
	uint32_t hot;  /* place in the list of recently active pairs, + 1; 0: not active */
	uint8_t hook;  /* enum cf_hook */
	bool dropped;  /* as in struct ledger_host */
	uint8_t began; /* CF_SLOT_BEGAN_* of all its slots */
	uint32_t moved_poll;
	struct ledger_sums sums;
	struct utc first_seen; /* of an adopted pair: the ledger's `since` */
	struct utc last_seen;  /* of a pair that has not moved since it was adopted: 0 */
};

/* Polls that a rate can look back on. */
#define LEDGER_POLLS   32
#define LEDGER_RATE_MS 10000

struct ledger_hot {
	uint32_t pair;
	uint64_t wire[LEDGER_POLLS]; /* by poll number mod LEDGER_POLLS */
};

/* One family's slots in chunks: ids are dense where shards are. */
#define LEDGER_CHUNK 4096
struct ledger_slot {
	uint64_t wire, payload, dropped;
	uint32_t packets;
	uint32_t pair; /* + 1; 0: its pair is not kept any more */
	uint8_t life;
	bool known; /* what it shows is booked */
	uint8_t pad[6];
};
struct ledger_slots {
	struct ledger_slot **chunks;
	size_t n;
};

struct ledger_hosts {
	struct ledger_host *v;
	size_t n, cap;
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
		struct ledger_hot *v;
		size_t n, cap;
	} hot;
	struct ledger_slots slots[2]; /* IPv4, IPv6 */
	uint32_t poll;                /* number of the present or last one; the first is 1 */
	struct utc now;
	uint64_t poll_ms[LEDGER_POLLS];
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

/* NULL if it was never seen. */
const struct ledger_host *ledger_source(const struct ledger *l, const struct addr *a);
const struct ledger_host *ledger_destination(const struct ledger *l, const struct addr *a);
const struct ledger_pair *ledger_pair(const struct ledger *l, const struct addr *src,
				      const struct addr *dst, enum cf_hook hook);
/* Wire bytes per second over the last 10 s, and between the last two polls. */
uint64_t ledger_rate(const struct ledger *l, const struct ledger_pair *p);
uint64_t ledger_rate_now(const struct ledger *l, const struct ledger_pair *p);
/* As the kernel keys pairs: IPv6 destinations are their /64. */
struct addr ledger_destination_key(const struct addr *dst);

#endif
