/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of addresses, of MACs and of VLANs, gathered into groups, each of its own
 * kind: what condition.c asks about as one.
 */
#ifndef CURFEW_CORE_IMAGE_CONDITION_GROUP_H
#define CURFEW_CORE_IMAGE_CONDITION_GROUP_H

#include "core/image/condition.h"

enum group_kind { GROUP_ADDRESSES, GROUP_MACS, GROUP_VLANS, GROUP_KINDS };

/* Which kind an expression goes to; GROUP_KINDS: none. */
enum group_kind group_kind_of(const struct conditions *c, const struct expr *e);
/* A new group, and the number of the condition of being in it. */
uint32_t group_new(struct conditions *c, enum group_kind kind, uint32_t *ret_group);
/* Adds what an atom of that kind names. What can't be is an error in the build. */
void group_add(struct build *b, struct conditions *c, uint32_t group, const struct expr *e);

#endif
