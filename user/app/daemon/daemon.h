/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's state and how requests reach it. One thread, one epoll loop:
 * nothing here needs a lock, nothing may block for long.
 */
#ifndef CURFEW_APP_DAEMON_DAEMON_H
#define CURFEW_APP_DAEMON_DAEMON_H

#include <jansson.h>
#include <sys/types.h>

#include "app/cmd/cmd.h"
#include "app/daemon/manual.h"
#include "app/machine.h"
#include "app/running.h"
#include "core/image/image.h"
#include "port/control.h" /* struct peer: who asks */
#include "port/datapath/datapath.h"

struct ledger;    /* core/ledger/ledger.h: pairs summed up over polls */
struct books;     /* app/daemon/books.h: what ledger.c keeps beside the ledger */
struct alert_log; /* app/daemon/alerts.h: alerts with ids, newest kept in memory, all written to the
		   * sinks
		   */
struct control;
struct quota_keeper; /* quotas.c: what quotas have used, on disk */
struct cover_watch;  /* cover.c: gaps in coverage, places in chains */

/* A key of the kernel's `held`, and when it ends by a clock that does not stand still. */
struct held {
	struct cf_quota_key key;
	struct cf_hold hold;
	uint64_t until_boot_ns;
};
struct held_list {
	struct held *v; /* sorted by key */
	size_t n, cap;
};

/* A configuration that goes back unless somebody confirms it. */
struct unconfirmed {
	bool waiting;
	bool stuck; /* it is to go back, and cannot: said once */
	uint64_t until_jiffies;
	struct running before; /* set NULL: there was none */
};

struct daemon {
	struct cli *cli;
	struct datapath *dp;
	struct running now;
	const struct zone *zone;         /* the site's */
	const struct zone_source *zones; /* points into `now` */
	int64_t clock_offset;            /* seconds added to the wall clock, for rehearsals */
	struct time_map clock;
	struct ledger *ledger;
	struct alert_log *alerts;
	struct books *books;
	struct utc started_at;
	bool leaving;

	/* the rest is the loop's own: daemon_*.c */
	const char *clock_offset_file; /* may be NULL */
	uint64_t poll_ms;
	uint64_t pairs; /* that each CPU is to have room for; 0: as it comes */
	struct machine machine;
	struct manual_book book;
	struct {
		struct held_list list; /* as of the last look */
		bool dirty;            /* there are others since, or the file is old */
		uint64_t save_after;   /* polls: the file is not written before */
		uint64_t aged_ms; /* when owners of addresses were last told their age; 0: never */
		uint64_t save_errors;
	} holds;
	struct unconfirmed unconfirmed;
	struct utc compiled_at;
	struct {
		uint64_t read_us, databases_us, compile_us;
	} took;            /* by the last change of what is in force */
	bool taken_back;   /* nobody confirmed what the file says: what was before is in force */
	bool fell_back;    /* the file was bad at the start: the last good one is in force */
	char *coverage;    /* what was last said about the hooks */
	char *last_error;  /* of the last reload or cover that failed; NULL: none */
	uint64_t off_seen; /* control.off_until at the last poll */
	uint64_t polls;
	bool failing[ON_MAX];   /* what was said to last */
	uint64_t geo_signature; /* of the databases' files when they could not be loaded */
	struct net_watch {
		uint64_t settle_ms; /* CLOCK_MONOTONIC: look at the network then; 0: nothing changed
				     */
		uint64_t cover_ms;  /* the same, at interfaces */
		uint64_t covered_ms; /* when that was last done because of a change */
		uint64_t fewer_ms;   /* since when there are fewer addresses or routes; 0: there are
					not */
		uint64_t rest_ms;    /* no compilation because of the network before that */
	} network;
	uint64_t net_since_ms; /* what the network socket says now happened no earlier */
	uint64_t net_resyncs;  /* times that messages were lost, and all was looked at anew */
	struct cover_watch *cover;
	struct quota_keeper *keeper;
	bool release; /* leave by detaching */
	int epoll, timer, wall, signals, net;
	struct control *control;
};

/* The daemon's present: wall clock plus offset. */
struct utc daemon_now(const struct daemon *d);

/*
 * A request: fills `*ret_reply` (an object) and returns 0; or an enum exit_code
 * with `*ret_error` set to a sentence (allocated; the caller frees it). A
 * sentence with line breaks is printed as it is.
 */
struct request {
	const char *verb;
	bool changes; /* root only; else the socket's group may */
	int (*fn)(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		  char **ret_error);
};
/* One table per topic, ended by a NULL verb, joined in requests.c. */
extern const struct request requests_state[];  /* state.c: status config reload confirm stop mode */
extern const struct request requests_manual[]; /* by_hand.c: block allow unblock blocks */
extern const struct request
	requests_ledger[]; /* ledger.c: flows quotas quota-reset alerts why would */

/* Called by the loop: after each poll of the maps (once a second), and for each kernel event. */
void daemon_ledger_poll(struct daemon *d);
void daemon_ledger_event(struct daemon *d, const struct cf_event *ev);
/* CF_EVENT_ROOM */
void daemon_ledger_room(struct daemon *d);
/* Called before the first poll and after the last; before and after each change of d->now. */
int daemon_ledger_start(struct daemon *d, char **ret_error);
void daemon_ledger_stop(struct daemon *d);
void daemon_ledger_reload(struct daemon *d);
void daemon_ledger_reloaded(struct daemon *d);

#endif
