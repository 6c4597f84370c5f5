/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew doctor`: what the checks share. Each check is a function that says one or more lines. */
#ifndef CURFEW_APP_CMD_DOCTOR_H
#define CURFEW_APP_CMD_DOCTOR_H

#include <jansson.h>

#include "app/cmd/cmd.h"
#include "app/running.h"

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

struct doctor {
	const struct cli *cli;
	const struct policy_set *set; /* of the configuration file; NULL: it is bad */
	const json_t *status;         /* the daemon's, or of what is pinned; NULL: nothing is */
	json_t *rows;
	enum health worst;
};

/* One line. `advice`: what to do; NULL where all is well. */
void doctor_say(struct doctor *d, enum health health, const char *check, const char *advice,
		const char *fmt, ...) _printf_(5, 6);

/* doctor_kernel.c: what the kernel can do. */
void doctor_kernel(struct doctor *d);
/* doctor_machine.c: how the machine is set up, and who else is there. */
void doctor_machine(struct doctor *d);

#endif
