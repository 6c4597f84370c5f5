/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quota ledger's entries as objects, with the daemon's knowledge or, where there is no daemon,
 * without. */
#ifndef CURFEW_APP_SHOW_QUOTA_VIEW_H
#define CURFEW_APP_SHOW_QUOTA_VIEW_H

#include <jansson.h>

#include "core/report/explain.h"
#include "port/datapath/datapath.h"

struct quota_entry {
	struct cf_quota_key key;
	struct quota_state state;
	uint32_t quota;                       /* number in the image; ~0: of none in force */
	bool present;                         /* speaks of the period that is open now */
	struct utc period_began, period_ends; /* ends 0: unknown or over */
	uint64_t limit_bytes, drop_bytes;     /* 0: unknown; drop ~0: never */
	uint32_t percent;
	bool used_up;  /* what comes next trips it */
	bool observes; /* only in shadow: nothing is dropped */
	uint64_t rate; /* bits per second: its bucket; 0: a quota */
};
struct quota_entries {
	struct quota_entry *v;
	size_t n, cap;
};

/* Reads all; `img` may be NULL, then only what the kernel says is filled. 0 or -errno. */
int quota_entries_read(struct datapath *dp, const struct image *img, struct utc now,
		       struct quota_entries *ret);
void quota_entries_done(struct quota_entries *l);
#define _cleanup_quota_entries_ _cleanup_(quota_entries_done)
const struct quota_entry *quota_entries_find(const struct quota_entries *l,
					     const struct cf_quota_key *key);
/* The fullest first, those of past periods last. */
void quota_entries_sort(struct quota_entries *l);

/* The kernel's part: key, policy, used_bytes, latched, attempted_…; `host`, `as_name`: see
 * quota_key_print(). */
json_t *quota_entry_json(const struct quota_entry *e, const struct image *img,
			 const struct addr *host, const char *as_name, const struct zone *zone);

#endif
