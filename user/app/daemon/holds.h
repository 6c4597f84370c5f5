/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that policies drop for a time, and sources in quarantine. The kernel makes them and ends
 * them; the daemon keeps them over a reboot, lists and lifts them.
 */
#ifndef CURFEW_APP_DAEMON_HOLDS_H
#define CURFEW_APP_DAEMON_HOLDS_H

#include "app/daemon/daemon.h"

/*
 * Reads STATE/holds.json, and puts back what these tables do not have; once the datapath is
 * open, before anything is attached.
 */
void daemon_holds_open(struct daemon *d);
/* The kernel has reported one: it is kept at the next poll. */
void daemon_holds_event(struct daemon *d);
void daemon_holds_poll(struct daemon *d);
/* At the end: what the file does not have yet. */
void daemon_holds_keep(struct daemon *d);
void daemon_holds_done(struct daemon *d);

/* As of now; the kernel's table is looked at. */
void daemon_holds_look(struct daemon *d);
/* Of the last look; NULL: it is not held. */
const struct held *daemon_hold_find(struct daemon *d, const struct cf_quota_key *key);
/* {key, quarantine, of, policy, until, seconds, dropped_packets, dropped_bytes} */
json_t *daemon_hold_json(struct daemon *d, const struct held *h);
json_t *daemon_holds_json(struct daemon *d);
/* False: there was none. */
bool daemon_hold_lift(struct daemon *d, const struct cf_quota_key *key);
/* A request: `asked` is the key's eight digits. */
int daemon_hold_unblock(struct daemon *d, const struct peer *peer, const char *asked,
			json_t **ret_reply, char **ret_error);

#endif
