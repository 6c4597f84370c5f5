/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Destinations that are never judged whatever the machine and its networks: the list. */
#ifndef CURFEW_CORE_POLICY_NEVER_JUDGED_H
#define CURFEW_CORE_POLICY_NEVER_JUDGED_H

#include <stddef.h>

#include "curfew/abi.h"

struct never_judged {
	const char *prefix;
	enum cf_reason reason; /* what packets there are counted as */
};

extern const struct never_judged never_judged[];
extern const size_t never_judged_rows;

#endif
