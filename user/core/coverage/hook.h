/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which hook suits a device that is to be hooked. Internal to core. */
#ifndef CURFEW_CORE_COVERAGE_HOOK_H
#define CURFEW_CORE_COVERAGE_HOOK_H

#include "core/coverage/coverage.h"

/* Sets ret->hook and ret->why. */
void coverage_choose(const struct coverage_want *w, const struct device *d,
		     const struct device_list *l, struct coverage *ret);

#endif
