/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `status` as metrics. A family is {"name", "type", "help", "samples": [{"labels":
 * {...}, "value"}]}; its text is the Prometheus exposition format 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats).
 */
#ifndef CURFEW_APP_STATUS_METRICS_H
#define CURFEW_APP_STATUS_METRICS_H

#include <jansson.h>

#include "base/buf.h"

/* Families from a status object; NULL for what is not attached at all. The caller decrefs it. */
json_t *metrics_of_status(const json_t *status);
void metrics_print(const json_t *families, struct buf *out);

#endif
