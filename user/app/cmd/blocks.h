/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table that `curfew blocks` shows, for what else shows rows of it. */
#ifndef CURFEW_APP_CMD_BLOCKS_H
#define CURFEW_APP_CMD_BLOCKS_H

#include <jansson.h>

#include "app/show/table.h"

void blocks_table(struct table *t);
/* Of the daemon's answer to "blocks". */
void blocks_add_rule(struct table *t, const json_t *rule);
void blocks_add_hold(struct table *t, const json_t *hold);

#endif
