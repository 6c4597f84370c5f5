/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What labels and source classes stand for, in words, from the pinned tables of
 * the policy set in force: for what is counted by class alone. Works without a
 * daemon. Numbers that an earlier policy set has given mean nothing here.
 */
#ifndef CURFEW_PORT_DATAPATH_NAMES_H
#define CURFEW_PORT_DATAPATH_NAMES_H

#include "port/datapath/datapath.h"

struct datapath_names;

/* -ENOENT: no generation is loaded; else -errno. */
int datapath_names_open(struct datapath *dp, struct datapath_names **ret);
void datapath_names_close(struct datapath_names *n);
/* "10.20.0.0-10.20.0.255, 10.0.7.9-10.0.7.9, …"; "other addresses". Appended. */
void datapath_names_source(const struct datapath_names *n, uint32_t source_class, struct buf *out);
/* "CN, AS4812: night bulk, far and large"; "no rule is about these". Appended. */
void datapath_names_label(const struct datapath_names *n, uint32_t label, struct buf *out);

/*
 * A copy of the rules of the generation in force, which the caller frees; their number in *ret_n.
 * -ENOENT: none is loaded; else -errno.
 */
int datapath_rules(struct datapath *dp, struct cf_rule **ret, size_t *ret_n);

#endif
