/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the daemon share among themselves; daemon.h is for the rest. */
#ifndef CURFEW_APP_DAEMON_PARTS_H
#define CURFEW_APP_DAEMON_PARTS_H

#include "app/caller.h"
#include "app/daemon.h"

/* ---- daemon_apply.c: what is in force --------------------------------- */

/*
 * These return 0 or an enum exit_code with *ret_error set to a sentence, or to
 * diagnostics; the old policy is in force then.
 */

/* Makes `next`, read and with databases, the configuration in force; takes it over on success. */
int daemon_apply(struct daemon *d, struct running *next, char **ret_error);
/* Compiles and loads the configuration in force anew: for another hour, machine or book. */
int daemon_recompile(struct daemon *d, const char *because, char **ret_error);
/* The same, refusing (exit code 1) what would cut the caller's connection; caller may be NULL. */
int daemon_recompile_for(struct daemon *d, const char *because, const struct caller *caller,
			 char **ret_error);

struct reload {
	uint64_t confirm_seconds;    /* 0: for good */
	const struct caller *caller; /* NULL: nobody's connection is looked at */
};
/* Reads the file and puts it in force. Warnings are appended to `warnings`. */
int daemon_reload(struct daemon *d, const struct reload *opt, struct buf *warnings,
		  char **ret_error);
int daemon_confirm(struct daemon *d, char **ret_error);
/* Called each poll: takes back what nobody confirmed in time. */
void daemon_confirm_poll(struct daemon *d);

/* Jiffies of that many seconds. */
uint64_t daemon_jiffies_of(const struct daemon *d, uint64_t seconds);
/* Seconds from now until then; 0 if it has passed. */
uint64_t daemon_seconds_until(struct daemon *d, uint64_t jiffies);

/* ---- daemon_guard.c ---------------------------------------------------- */

/*
 * Would the image drop what we send to the caller, now or within a day? Then
 * EXIT_DEGRADED with a sentence that says what to do; else 0.
 */
int guard_caller(const struct image *img, const struct caller *caller, struct utc now,
		 const struct zone *zone, char **ret_error);
/* From a request's args: {"caller":{"client","server"}}, and no "force". NULL: none. */
const struct caller *guard_caller_arg(const json_t *args, struct caller *buf);

/* ---- daemon_net.c ------------------------------------------------------ */

/* Reads links, addresses and routes, as the set sees them. -errno. */
int daemon_machine(const struct policy_set *set, struct machine *ret);
/* Something changed: looks at it a moment later, when the rest has changed too. */
void daemon_net_readable(struct daemon *d);
/* Milliseconds until daemon_net_settle() is due; -1: not at all. */
int daemon_net_wait(const struct daemon *d);
void daemon_net_settle(struct daemon *d);

/* ---- daemon_cover.c ---------------------------------------------------- */

/* Covers what is wanted and not covered, and says what changed. */
void daemon_cover(struct daemon *d);
/* Called each poll: is everything still covered, and first in its chain? */
void daemon_cover_watch(struct daemon *d);
/* Adds "interfaces" and "netlink", and what is wrong with them. */
void daemon_cover_status(struct daemon *d, json_t *status);
/* Somebody has read the problems and asks for another try. */
void daemon_cover_reloaded(struct daemon *d);
void daemon_cover_done(struct daemon *d);

/* ---- daemon_start.c ---------------------------------------------------- */

/* Puts the first configuration in force: the file's, else the last good one. Returns 0 or an exit
 * code. */
int daemon_first(struct daemon *d);
/* Reads --clock-offset anew. False: the file is bad (said), the old offset stays. */
bool daemon_read_offset(struct daemon *d);

/* ---- daemon_manual.c --------------------------------------------------- */

/* Reads and writes STATE/blocks.json; says what is wrong. */
void daemon_manual_open(struct daemon *d);
/* Called each poll: ends what has ended. */
void daemon_manual_poll(struct daemon *d);

/* ---- daemon_requests.c ------------------------------------------------- */

/* control_fn: finds the verb, looks at the peer's rights, calls. */
json_t *daemon_request(void *arg, const struct peer *peer, const json_t *request);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t daemon_monotonic_ms(void);
/* Replaces d->last_error; NULL clears it. Takes text over. */
void daemon_set_error(struct daemon *d, char *text);

#endif
