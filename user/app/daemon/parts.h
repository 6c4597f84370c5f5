/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the daemon share among themselves; daemon.h is for the rest. */
#ifndef CURFEW_APP_DAEMON_PARTS_H
#define CURFEW_APP_DAEMON_PARTS_H

#include "app/daemon/caller.h"
#include "app/daemon/daemon.h"
#include "core/report/alert.h"

/* ---- tell.c ------------------------------------------------------ */

/* Logs it and raises an alert that is about no packet. Takes the story over. */
void daemon_tell(struct daemon *d, enum alert_kind kind, enum cf_level level, char *story);

/* ---- apply.c: what is in force --------------------------------- */

/*
 * These return 0 or an enum exit_code with *ret_error set to a sentence, or to
 * diagnostics; the old policy is in force then.
 */

/* Makes `next`, read and with databases, the configuration in force; takes it over on success. */
int daemon_apply(struct daemon *d, struct running *next, char **ret_error);
/* Compiles and loads the configuration in force anew: for another hour, machine or book. */
int daemon_recompile(struct daemon *d, const char *because, char **ret_error);
/* The same, refusing (exit code 1) what would cut the caller's connection; caller may be NULL. */
int daemon_recompile_for(struct daemon *d, const char *because, const struct callers *callers,
			 char **ret_error);

/* The same; `warnings` gets what daemon_cuts() says, NULL: nobody reads them. */
int daemon_recompile_warned(struct daemon *d, const char *because, const struct callers *callers,
			    struct buf *warnings, char **ret_error);

struct reload {
	uint64_t confirm_seconds;      /* 0: for good */
	const struct callers *callers; /* NULL: nobody's connection is looked at */
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

/* ---- guard.c ---------------------------------------------------- */

/*
 * Would the image drop what we send to one of them, now or within a day, or as good as all of it?
 * Then EXIT_DEGRADED with a sentence that says what to do; else 0. NULL: nobody is looked at.
 */
int guard_callers(struct daemon *d, const struct image *img, const struct callers *callers,
		  const struct zone *zone, char **ret_error);
/*
 * From a request's args: {"caller":{"client","client_port","server","server_port"}}, and no
 * "force". A connection that is gone, as an old terminal's may be, stands for all that
 * are open to the same port. NULL: none.
 */
const struct callers *guard_callers_arg(const json_t *args, struct callers *buf);
/* Who is logged in by SSH: for what nobody asks for over a connection, such as SIGHUP. */
const struct callers *guard_logged_in(struct callers *buf);
/* {"caller"}: refuses what would cut them once enforcement is on again. */
int request_guard(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		  char **ret_error);

/* ---- cuts.c ------------------------------------------------------ */

/* A line for each key that was only observed so far, and that `next` would drop at once. */
void daemon_cuts(struct daemon *d, const struct image *next, const struct policy_set *set,
		 struct buf *out);

/* ---- mode.c ------------------------------------------------------ */

/* Adds "mode" and, if it is another one by hand, "mode_of_file". */
void daemon_mode_status(const struct daemon *d, json_t *status);
int request_mode(struct daemon *d, const struct peer *peer, const json_t *args, json_t **ret_reply,
		 char **ret_error);

/* ---- failing.c --------------------------------------------------- */

/* Reads what an earlier run has left; before anything is loaded. */
void daemon_failing_start(struct daemon *d);
/* Called each poll: the heartbeat, the clock, missing databases; says what begins and ends. */
void daemon_failing_poll(struct daemon *d);
/* We are alive; we may be busy for two minutes from now; we go, and nobody is to miss us. */
void daemon_beat(struct daemon *d);
void daemon_promise(struct daemon *d);
void daemon_excuse(struct daemon *d);
/*
 * As running_load_geo(), but for what `on geo-missing` lets go on without: then
 * 0 with warnings in diags, and run->geo_missing.
 */
int daemon_load_geo(struct daemon *d, struct running *run, struct diag_list *diags);

/* ---- quotas.c ---------------------------------------------------- */

/* Reads STATE/quotas; once the datapath is open. */
void daemon_quotas_open(struct daemon *d);
/*
 * Gives keys back what they have on record of the present period, by the image's schedule.
 * Before the first image is loaded, so that after a reboot nothing passes before it; after
 * any other.
 */
void daemon_quotas_restore(struct daemon *d, const struct image *img);
/* Before any image is loaded: cells on record will mean what they meant. */
void daemon_quotas_prepare(struct daemon *d, const struct image *img);
/* CF_EVENT_KEEP, and once all that wait are taken: writes and syncs records of these keys. */
void daemon_quotas_event(struct daemon *d, const struct cf_event *ev);
void daemon_quotas_flush(struct daemon *d);
/* The disk rests: milliseconds until daemon_quotas_flush() is due; -1: not at all. */
int daemon_quotas_wait(const struct daemon *d);
void daemon_quotas_poll(struct daemon *d);
/* The clock was set: what periods that the image leaves had used is kept, for when it comes back.
 */
void daemon_quotas_set_aside(struct daemon *d, const struct image *next);
/* A key was given back by hand: so it stays. */
void daemon_quotas_reset(struct daemon *d, const struct cf_quota_key *key);
/* Forgets keys of quotas that are no more, in the kernel and on record. */
void daemon_quotas_prune(struct daemon *d);
/* Before the datapath is closed. release: nothing is charged any more, so no reserve is kept. */
void daemon_quotas_stop(struct daemon *d, bool release);
/* Adds "quota_store", and what is wrong with it. */
void daemon_quotas_status(struct daemon *d, json_t *status);

/* ---- net.c ------------------------------------------------------ */

/* Reads links, addresses and routes, as the set sees them. -errno. */
int daemon_machine(const struct policy_set *set, struct machine *ret);
/* Something changed: looks at it a moment later, when the rest has changed too. */
void daemon_net_readable(struct daemon *d);
/* Milliseconds until daemon_net_settle() is due; -1: not at all. */
int daemon_net_wait(const struct daemon *d);
void daemon_net_settle(struct daemon *d);

/* ---- cover.c ---------------------------------------------------- */

/* Covers what is wanted and not covered, and says what changed. */
void daemon_cover(struct daemon *d);
/* Called each poll: is everything still covered, and first in its chain? */
void daemon_cover_watch(struct daemon *d);
/* Adds "interfaces" and "netlink", and what is wrong with them. */
void daemon_cover_status(struct daemon *d, json_t *status);
/* Somebody has read the problems and asks for another try. */
void daemon_cover_reloaded(struct daemon *d);
void daemon_cover_done(struct daemon *d);

/* ---- start.c ---------------------------------------------------- */

/* Puts the first configuration in force: the file's, else the last good one. Returns 0 or an exit
 * code. */
int daemon_first(struct daemon *d);
/* Reads --clock-offset anew. False: the file is bad (said), the old offset stays. */
bool daemon_read_offset(struct daemon *d);

/* ---- by_hand.c --------------------------------------------------- */

/* Reads and writes STATE/blocks.json; says what is wrong. */
void daemon_manual_open(struct daemon *d);
/* Called each poll: ends what has ended. */
void daemon_manual_poll(struct daemon *d);

/* ---- requests.c ------------------------------------------------- */

/* control_fn: finds the verb, looks at the peer's rights, calls. */
json_t *daemon_request(void *arg, const struct peer *peer, const json_t *request);

/* Of CLOCK_MONOTONIC. */
uint64_t daemon_monotonic_ms(void);
uint64_t daemon_monotonic_us(void);
/* Replaces d->last_error; NULL clears it. Takes text over. */
void daemon_set_error(struct daemon *d, char *text);

#endif
