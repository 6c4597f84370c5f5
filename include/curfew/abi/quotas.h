/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quotas, rates and holds: what is kept per key, and who may have an entry. */
#ifndef CURFEW_ABI_QUOTAS_H
#define CURFEW_ABI_QUOTAS_H

#include "curfew/abi/limits.h"

enum cf_level { CF_LEVEL_NONE, CF_LEVEL_INFO, CF_LEVEL_WARNING, CF_LEVEL_CRITICAL };

/* What a quota is kept per. The order is map ABI. */
enum cf_key_kind {
	CF_KEY_SOURCE,
	CF_KEY_DESTINATION,
	CF_KEY_PAIR,
	CF_KEY_PREFIX,
	CF_KEY_MAC,
	CF_KEY_ASN,
	CF_KEY_COUNTRY,
	CF_KEY_POLICY,
	CF_KEY_OVERFLOW, /* shared by the keys that found the ledger full: N for all of them
			    together; kept in `quotas_shared`, whose key is the quota's id */
};

struct cf_quota_at {
	__u64 bytes; /* reported when a key's use first reaches this */
	__u8 level;  /* enum cf_level */
	__u8 percent;
	__u8 has_mark;
	__u8 pad;
	__u32 mark;               /* of packets from then on, until the period ends */
	__u32 quarantine_seconds; /* of the source; 0: none */
	__u32 pad2;
};
struct cf_quota_spec {
	char policy[CF_NAME_LEN];
	__u64 limit_bytes; /* N */
	__u64 drop_bytes;  /* a packet that would lead beyond is dropped; ~0: never */
	struct cf_quota_at at[CF_QUOTA_ATS];
	/* of a rate, which is a bucket of limit_bytes that drains; 0: a quota */
	__u64 bits_per_second;
	__u64 room;     /* ticks (CF_RATE_TICKS) that a key's arrival time may be ahead */
	__u32 id;       /* stable across generations */
	__u32 calendar; /* in `calendars`: its periods; of a rate none */
	__u32 rule;
	__u32 hold_seconds; /* drop for: the key that is refused; 0: not */
	__u8 key_kind;      /* enum cf_key_kind */
	__u8 wire;          /* 1: wire bytes, 0: payload bytes */
	__u8 prefix4;
	__u8 prefix6;
	__u8 at_count;
	__u8 pad[3];
};
_Static_assert(sizeof(struct cf_quota_spec) == 184, "map ABI");

/* The largest quota: what fits the word below, with room for a packet per CPU above it. */
#define CF_QUOTA_BYTES_MAX (1ULL << 40)

/*
 * A key of the quota ledger. Parts that the kind does not use are zero. A
 * source on an attached segment is its MAC in `mac`, else its address (IPv6:
 * the /64) in `src`; an unknown ASN is the destination's /24 or /48 in `dst`.
 * Neither MAC nor address: all foreign sources whose MAC has no key (bpf/owner.h).
 */
struct cf_quota_key {
	__u32 quota; /* cf_quota_spec.id */
	__u32 asn;
	char cc[4];
	__u8 mac[6];
	__u16 kind; /* enum cf_key_kind */
	__u8 pad[4];
	__u8 src[16];
	__u8 dst[16];
};
_Static_assert(sizeof(struct cf_quota_key) == 56, "map ABI");

/*
 * `word` decides and is changed only by atomics: used bytes (41 bits), latch (1),
 * and the period's opening time in minutes since 1970 mod 2^22, compared by
 * equality and modular order, never as an index. What follows it says the same
 * for people, as of the last change on any CPU.
 */
struct cf_quota_state {
	__u64 word;
	__u64 used_bytes;
	__u64 attempted_bytes; /* refused since the period began */
	__u64 attempted_packets;
	__u64 period_opened; /* seconds since 1970 */
	__u32 latched;
	__u32 reported;   /* bit n: at[n] is reported; bit 31: the first drop */
	__u64 keep_bytes; /* when use reaches it, the daemon is told (CF_EVENT_KEEP); ~0: it has
			     been */
	char policy[CF_NAME_LEN];
};
_Static_assert(sizeof(struct cf_quota_state) == 88, "map ABI");
#define CF_QUOTA_USED_BITS     41
#define CF_QUOTA_LATCH         (1ULL << CF_QUOTA_USED_BITS)
#define CF_QUOTA_PERIOD_SHIFT  42
#define CF_QUOTA_PERIOD_MASK   ((1U << 22) - 1)
#define CF_QUOTA_REPORTED_DROP (1U << 31)
/* in `reported`, too: the key has been held in this period, its source put in quarantine by at[n]
 */
#define CF_QUOTA_HELD           (1U << 30)
#define CF_QUOTA_QUARANTINED(n) (1U << (16 + (n)))
#define CF_QUOTA_SHARED         (1U << 29) /* of a shared entry: that keys have come to it */
/* An entry that is about to be deleted; no period says so, since minute 2^22 - 1 is not used. */
#define CF_QUOTA_RETIRED ((__u64)CF_QUOTA_PERIOD_MASK << CF_QUOTA_PERIOD_SHIFT | CF_QUOTA_LATCH)
/* One that is being made, for an instant: what it begins with is not known yet (bpf/cells.h). */
#define CF_QUOTA_OPENING ((__u64)CF_QUOTA_PERIOD_MASK << CF_QUOTA_PERIOD_SHIFT)

/*
 * `quotas_spilled`, by quota id: what keys without an entry have been charged by the
 * shared one, in a cell of each row by a hash of the key; words as in cf_quota_state.
 * Who is given an entry later begins with the lesser of its cells, or would have the limit
 * twice in one period. The hash's seed is the entry's own, since cells outlive the machine.
 */
#define CF_SPILL_ROWS  2
#define CF_SPILL_CELLS 512 /* a row's; another number wants another version of STATE/quotas */
struct cf_quota_spill {
	__u64 seed;
	__u64 word[CF_SPILL_ROWS][CF_SPILL_CELLS];
};
_Static_assert(sizeof(struct cf_quota_spill) == 8200, "map ABI");
/*
 * On record and for the loader's programs a cell is a key of this kind: its number, row after
 * row, in `asn`, and the seed in the first half of `src`. CF_CELL_ALL: a reserve, of all cells.
 */
#define CF_KEY_CELL 256
#define CF_CELLS    (CF_SPILL_ROWS * CF_SPILL_CELLS)
#define CF_CELL_ALL (~0U)

/*
 * `rates`: GCRA (ITU-T I.371; RFC 4443 2.4 calls it a token bucket) in one word: the
 * theoretical arrival time, in ticks of the monotonic clock, changed by
 * compare-and-swap alone. What follows it is for people, and about.
 */
#define CF_RATE_TICKS     16ULL   /* in a nanosecond */
#define CF_RATE_RETIRED   (~0ULL) /* an entry that is about to be deleted */
#define CF_RATE_BURST_MAX (1ULL << 32)
#define CF_RATE_BITS_MIN  1000
#define CF_RATE_BITS_MAX  1000000000000ULL
struct cf_rate_state {
	__u64 arrival;
	__u64 refused_bytes;
	__u64 refused_packets;
	__u32 hour;     /* since boot: what is reported is so once in it */
	__u32 reported; /* as in cf_quota_state */
	char policy[CF_NAME_LEN];
};
_Static_assert(sizeof(struct cf_rate_state) == 64, "map ABI");

/*
 * `held`: what is dropped for a time, also outside the windows of the policy that
 * said so, and under later generations. The key is a quota's key with the policy's
 * rule id in place of the quota's (`drop for`; prefix lengths in pad[0] and pad[1]).
 * `quarantined`: with 0 there, sources in quarantine; a map of its own, so that no
 * number of held keys takes their room.
 */
struct cf_hold {
	__u64 until_jiffies;
	__u64 dropped_packets;
	__u64 dropped_bytes;
	__u32 rule_id; /* of the policy that said so */
	__u32 seconds; /* it was to last */
	char policy[CF_NAME_LEN];
};
_Static_assert(sizeof(struct cf_hold) == 64, "map ABI");
#define CF_HELD_MAX        65536
#define CF_QUARANTINES_MAX 16384

/*
 * `makers`: how many keys of quotas and rates a source has made today, so that none
 * takes the room of all; by a hash of the source: day << 32 | number.
 */
#define CF_MAKERS      4096
#define CF_MAKER_PART  4  /* of all entries there is room for, a source's share is one in so many */
#define CF_MAKER_LEAST 64 /* and no less than this */
/* `detail` of CF_EVENT_OVERFLOW */
enum cf_full_table {
	CF_TABLE_PAIRS,
	CF_TABLE_KEYS,
	CF_TABLE_SHARE,
	CF_TABLE_HELD,       /* a key was to be dropped for a time */
	CF_TABLE_HELD_SHARE, /* the same, and it is its source's share that is used up */
	CF_TABLE_QUARANTINED,
	CF_TABLE_FOREIGN, /* none was full: a foreign source was seen */
	CF_TABLE_MAX
};

/*
 * `holders`: as `makers`, of keys in `held`. `owners`, by a hash of an address on an
 * attached segment: the MAC that its account is kept by, and the hour it was opened in,
 * packed as bpf/owner.h says.
 */
#define CF_OWNERS 65536

#endif
