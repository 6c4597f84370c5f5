/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules made by hand: `curfew block` and `curfew allow`. They are kept as the
 * text that was typed, in STATE/blocks.json, and read anew against every
 * configuration, since they may name its sets.
 */
#ifndef CURFEW_APP_DAEMON_MANUAL_H
#define CURFEW_APP_DAEMON_MANUAL_H

#include <jansson.h>

#include "core/image/image.h"
#include "port/datapath/datapath.h"

/* For what has no end: 9999-12-31, which every format can say. */
#define MANUAL_FOREVER 253402300799

struct manual_entry {
	uint32_t id;
	bool allow;
	char *from, *to; /* as typed; "any" */
	struct utc made_at, until;
	uint64_t up_to_bytes; /* payload, allow only; 0: no limit */
	uint64_t used_bytes;  /* of these */
	char *reason;         /* NULL: none given */
	uid_t by;
	bool used_up; /* the kernel lets no more pass */
};
struct manual_book {
	struct manual_entry *v;
	size_t n, cap;
	uint32_t last_id;
};
/* The book's entries, read against one policy set; it owns the expressions. */
struct manual_rules {
	struct manual_list list;
};

/* Reads the file; none is an empty book. -EINVAL: it is damaged. */
int manual_load(const char *path, struct manual_book *ret);
/* Writes it whole, then renames. */
int manual_save(const struct manual_book *b, const char *path);
void manual_entry_done(struct manual_entry *e);
void manual_book_done(struct manual_book *b);
/* The caller owns what it puts in; id, made_at and so on are the caller's to set. */
struct manual_entry *manual_add(struct manual_book *b);
/* False: no such id. */
bool manual_remove(struct manual_book *b, uint32_t id);
/* Drops those that have ended: by time, or used up. Returns how many. */
size_t manual_expire(struct manual_book *b, struct utc now);

/*
 * Reads all entries against the set. -EINVAL with a sentence in *ret_error
 * (the caller frees it) that names the entry and what is wrong with it.
 */
int manual_read(const struct manual_book *b, const struct policy_set *set, struct manual_rules *ret,
		char **ret_error);
void manual_rules_done(struct manual_rules *r);

/* Opens the kernel's accounts of entries with a limit, before their rules are loaded. -errno. */
int manual_open(const struct manual_book *b, struct datapath *dp);
/* Reads what those have let pass. True if one of them is used up. */
bool manual_count(struct manual_book *b, struct datapath *dp);
/* Closes the accounts of entries that are gone, since their numbers may come again. */
void manual_close(const struct manual_book *b, struct datapath *dp);

/* An entry as `curfew blocks` shows it. */
json_t *manual_json(const struct manual_entry *e, const struct zone *zone);

#endif
