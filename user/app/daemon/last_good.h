/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last configuration that was put in force and not taken back, kept in
 * STATE/last-good/ so that the daemon can start although the file is bad now:
 * its canonical text, and beside it the lists that it read from files, as they
 * were. Databases are too large to keep: their paths are made absolute.
 */
#ifndef CURFEW_APP_DAEMON_LAST_GOOD_H
#define CURFEW_APP_DAEMON_LAST_GOOD_H

#include "core/policy/policy.h"

/* Replaces what is kept, at once or not at all. The set's paths are changed while this runs, and
 * then as before. */
int last_good_save(const char *state_dir, struct policy_set *set);
/* The path of the kept text; the caller frees it. -ENOENT: none is kept. */
int last_good_path(const char *state_dir, char **ret);

/*
 * A configuration that waits for `curfew confirm`, or was taken back because
 * nobody confirmed it: the file still holds it, but a restart must not put it in
 * force. Kept as its canonical text.
 */
int unconfirmed_save(const char *state_dir, const struct policy_set *set);
bool unconfirmed_is(const char *state_dir, const struct policy_set *set);
void unconfirmed_forget(const char *state_dir);

#endif
