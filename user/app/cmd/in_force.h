/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration in force, to be compared with a file: as the daemon has it. */
#ifndef CURFEW_APP_CMD_IN_FORCE_H
#define CURFEW_APP_CMD_IN_FORCE_H

#include "app/cmd/cmd.h"
#include "core/policy/diff.h"

struct in_force {
	struct policy_set *set;
	struct list_facts facts;
	struct utc now; /* by the daemon's clock; the caller sets it, in case there is none */
	json_t *reply;  /* to `config`; NULL: the daemon is dead */
};
void in_force_done(struct in_force *f);
#define _cleanup_in_force_ _cleanup_(in_force_done)

/* How long `diff` waits for the daemon, and `check`, to which its answer is an extra. */
#define IN_FORCE_MS       60000
#define IN_FORCE_BRIEF_MS 2000

/*
 * Of the daemon alone: -errno if it cannot be reached or does not answer in time, else an exit
 * code; what is wrong is said.
 */
int in_force_try(const struct cli *cli, unsigned int timeout_ms, struct in_force *ret);
/* Or with the daemon dead what was. Returns an exit code; what is wrong is said. */
int in_force_read(const struct cli *cli, struct in_force *ret);
/* A file, with its errors on stderr. Returns an exit code. */
int in_force_parse(const struct policy_io *io, const char *path, struct policy_set **ret);

/* policy_diff() and policy_diff_periods(). */
void in_force_diff(const struct in_force *before, const struct policy_set *after,
		   struct policy_diff *ret);
/*
 * What enforcing `after` would cut at once: the daemon's keys that are used up and only
 * observed, of quotas that it enforces. An array, the caller's.
 */
json_t *in_force_cuts(const struct cli *cli, unsigned int timeout_ms,
		      const struct policy_set *after, const struct policy_diff *d);

#endif
