/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the requests about ledger, quotas and alerts share inside the daemon.
 * Kept by ledger.c; nobody else changes it.
 */
#ifndef CURFEW_APP_DAEMON_BOOKS_H
#define CURFEW_APP_DAEMON_BOOKS_H

#include <jansson.h>

#include "app/daemon/daemon.h"
#include "app/show/json_util.h"
#include "app/show/quota_view.h"
#include "core/geo/place.h"
#include "core/ledger/ledger.h"
#include "core/report/alert.h"
#include "port/neigh.h"

struct books {
	struct hash_seed seed;
	struct alert_seen *seen; /* what has been reported already */
	struct drop_book *drops; /* what was dropped lately */
	struct past_rules past;  /* what the kernel tells of generations before this one */
	uint64_t polled_ms;      /* of the monotonic clock; 0: never */
	uint32_t published_poll;
	uint64_t published_wire; /* the ledger's total then */
	uint64_t published_ms, publish_took_ms;
	uint64_t poll_errors, publish_errors, events_unknown;
	uint64_t committed_ms; /* of the monotonic clock; 0: never */
	uint64_t commit_took_ms;
	uint64_t commit_cpu_ms; /* of it, what was work of ours and not waiting */
	uint64_t commit_errors; /* in a row */
	uint64_t grow_errors;
	uint64_t cpu_errors; /* in a row */
	bool no_room;        /* since the last poll there was a look, and nothing that could grow */
	struct neigh_list neighbours; /* who has which MAC; refreshed when asked */
	uint64_t neighbours_ms;
};

/*
 * commit.c. The ledger as it was when the last daemon stopped, or a new one
 * that takes over what the kernel's tables show: for that, `look` is called.
 */
void books_open(struct daemon *d, struct utc tables_made, int (*look)(struct daemon *d));
bool books_commit_due(const struct daemon *d);
/* Calls `look`, which polls the pairs once, and writes down what was seen. 0 or -errno, logged. */
int books_commit(struct daemon *d, int (*look)(struct daemon *d));

/* Shards that were crowded, or in use and small, in the last look get more room: OVERFLOW_LANEs of
 * those that did. */
uint32_t books_grow(struct daemon *d);
/* CPUs that have come online get their shards: if any did. */
bool books_cpus(struct daemon *d);

/* Milliseconds of a clock that never steps. */
uint64_t books_ms(void);
/* Reads the kernel's tables again, unless that was done within the last `ms`. */
void books_refresh(struct daemon *d, uint64_t ms);
/* At most a few seconds old. */
const struct neigh_list *books_neighbours(struct daemon *d);

/* drops.c: samples of dropped packets. The newest of a pair as JSON, or null. */
struct drop_book *drop_book_new(void);
void drop_book_free(struct drop_book *b);
void books_drops(struct daemon *d);
json_t *books_last_drop(struct daemon *d, const struct addr *src, const struct addr *dst);

struct place books_place(const struct daemon *d, const struct addr *a);

/* When an event of the kernel was. */
struct utc books_event_time(const struct daemon *d, uint64_t boot_ns);
/* In the site's zone. */
json_t *json_time(const struct daemon *d, struct utc at);
/* quota_entry_json() with all that the daemon knows. */
json_t *books_quota_json(struct daemon *d, const struct quota_entry *e);

/* The requests, one file per topic. */
typedef int (*request_fn)(struct daemon *d, const struct peer *peer, const json_t *args,
			  json_t **ret_reply, char **ret_error);
int request_flows(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		  char **ret_error);
int request_quotas(struct daemon *d, const struct peer *peer, const json_t *args,
		   json_t **ret_reply, char **ret_error);
int request_quota_reset(struct daemon *d, const struct peer *peer, const json_t *args,
			json_t **ret_reply, char **ret_error);
int request_alerts(struct daemon *d, const struct peer *peer, const json_t *args,
		   json_t **ret_reply, char **ret_error);
int request_drops(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		  char **ret_error);
int request_why(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		char **ret_error);
int request_would(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		  char **ret_error);

/* Says what is wrong with a request; returns `code`. */
int request_fail(char **ret_error, int code, const char *fmt, ...) _printf_(3, 4);

#endif
