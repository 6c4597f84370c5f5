/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a network device and its queueing discipline have counted, by rtnetlink(7). */
#ifndef CURFEW_PORT_DEVICE_STATS_H
#define CURFEW_PORT_DEVICE_STATS_H

#include <stdint.h>

struct device_stats {
	uint64_t tx_bytes, tx_packets;
	uint64_t tx_dropped;  /* packets, by the driver */
	uint64_t queue_bytes; /* waiting in the root qdisc, those below it included */
	uint64_t queue_drops; /* packets; a large one counts once */
};
/* Of the device with that number in this network namespace. 0 or -errno; -ENODEV: none. */
int device_stats(uint32_t ifindex, struct device_stats *ret);

#endif
