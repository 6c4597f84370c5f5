/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger as tables: pairs summed up into groups, the largest first. Pure. */
#ifndef CURFEW_CORE_LEDGER_QUERY_H
#define CURFEW_CORE_LEDGER_QUERY_H

#include "core/geo/geo.h"
#include "core/image/image.h"
#include "core/ledger/ledger.h"

enum ledger_by {
	LEDGER_BY_PAIR,
	LEDGER_BY_SOURCE,
	LEDGER_BY_DESTINATION,
	LEDGER_BY_COUNTRY, /* cc; empty: unknown */
	LEDGER_BY_ASN,     /* number; 0: unknown */
	LEDGER_BY_POLICY,  /* number: the rule's index; HASH_NONE: no policy is about it */
	LEDGER_BY_LABEL,   /* number */
	LEDGER_BY_MAX
};

enum ledger_column {
	LEDGER_WIRE,
	LEDGER_PAYLOAD,
	LEDGER_DROPPED,
	LEDGER_PACKETS,
	LEDGER_RATE,
	LEDGER_LAST_SEEN,
	LEDGER_COLUMN_MAX
};

/* "pair", "wire", …; NULL beyond the last. */
const char *ledger_by_name(enum ledger_by by);
const char *ledger_column_name(enum ledger_column column);
/* -EINVAL: no such name. */
int ledger_by_parse(const char *name, enum ledger_by *ret);
int ledger_column_parse(const char *name, enum ledger_column *ret);

struct ledger_row {
	struct addr src; /* BY_PAIR, BY_SOURCE */
	struct addr dst; /* BY_PAIR, BY_DESTINATION */
	uint32_t number;
	char cc[4];
	uint8_t hook;  /* BY_PAIR */
	bool dropped;  /* BY_PAIR, BY_SOURCE, BY_DESTINATION: the last verdict; else whether any
			  pair's was */
	uint8_t began; /* CF_SLOT_BEGAN_*: of flows of these pairs */
	struct ledger_sums sums;
	uint64_t rate, rate_now; /* wire bytes per second: over 10 s, since the last poll */
	struct utc first_seen, last_seen;
	uint32_t moved_poll;                   /* the last one that saw traffic */
	uint32_t pairs, sources, destinations; /* how many different ones */
};

struct ledger_query {
	enum ledger_by by;
	enum ledger_column sort;
	size_t top;                      /* rows wanted; 0: all */
	bool rates;                      /* fill them in */
	const struct geo *geo;           /* COUNTRY, ASN: needed */
	const struct image *image;       /* POLICY, LABEL: needed */
	const struct prefix_list *local; /* POLICY: addresses that mean the gateway at the outside
					    hook; may be NULL */
	const struct addr *src, *dst;    /* only pairs of these; NULL: all */
};

struct ledger_rows {
	struct ledger_row *v;
	size_t n, cap;
	size_t groups; /* how many there were before `top` cut them */
};

/*
 * A pair that two policies are about counts in both rows. Policies are those
 * that are about the pair in some window, `except` blocks that always hold
 * taken out; of one that asks who began only what that side began, where that was seen.
 * policy_asks() says what else is in its row. rows must be empty; ledger_rows_done() frees it.
 */
void ledger_query(const struct ledger *l, const struct ledger_query *q, struct ledger_rows *rows);
void ledger_rows_done(struct ledger_rows *rows);
#define _cleanup_ledger_rows_ _cleanup_(ledger_rows_done)

/*
 * The policies that are about a source and destination at any time: rule rows
 * without the schedule.
 */
struct cf_row policies_about(const struct image *img, enum cf_from from, const struct addr *src,
			     const struct addr *dst);
/* Of these policies those that may be about a pair with flows begun by these (CF_SLOT_BEGAN_*). */
struct cf_row policies_begun(const struct image *img, const struct cf_row *policies, uint8_t began);
/*
 * What a policy also asks for and a pair does not know (enum policy_asks): traffic of other
 * services, of other senders or begun by the other side stands in its row too.
 */
enum policy_asks {
	POLICY_ASKS_SERVICE = 1 << 0,
	POLICY_ASKS_SENDER = 1 << 1,    /* MAC, vendor, interface or VLAN */
	POLICY_ASKS_INITIATED = 1 << 2, /* of pairs of which it was not seen */
};
uint32_t policy_asks(const struct image *img, uint32_t rule);
/* Where packets of a pair seen at `hook` begin, as `from` means it. */
enum cf_from ledger_from(enum cf_hook hook, const struct addr *src,
			 const struct prefix_list *local);

#endif
