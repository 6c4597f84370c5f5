/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An alert as one line of JSON, shaped after Suricata's EVE output
 * (https://docs.suricata.io/, "EVE JSON Format"): timestamp, event_type, src_ip,
 * src_port, dest_ip, dest_port, proto, alert {action, signature, severity,
 * category}; all that is ours is in "curfew".
 */
#ifndef CURFEW_APP_SHOW_ALERT_JSON_H
#define CURFEW_APP_SHOW_ALERT_JSON_H

#include <jansson.h>

#include "core/report/alert.h"

/* Bumped when a field changes its meaning or goes away. */
#define ALERT_JSON_VERSION 1

/* A new object; times in the zone with offset, in UTC if it is NULL. */
json_t *alert_json(const struct alert *a, uint64_t id, const struct zone *zone);

#endif
