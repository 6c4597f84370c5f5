/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network devices of this namespace, as core/coverage/device.h wants them: links and
 * default routes by rtnetlink(7), features by the ethtool ioctls
 * (linux/ethtool.h: ETHTOOL_GSTRINGS, ETHTOOL_GFEATURES).
 */
#ifndef CURFEW_PORT_DEVICES_H
#define CURFEW_PORT_DEVICES_H

#include "core/coverage/device.h"

/*
 * Reads all, without features. Blocks for as long as the kernel takes to list
 * them. Returns 0, and the caller frees; or -errno.
 */
int devices_read(struct device_list *ret);
/* Adds strips_vlan, aggregates and tc_offload of one; what a driver does not tell is false. */
void device_features(struct device *d);

#endif
