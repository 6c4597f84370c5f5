/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often the real program asks for a packet's class: once for a new pair, never for a known one.
 */
#ifndef CURFEW_BENCH_CLASS_KNOWN_H
#define CURFEW_BENCH_CLASS_KNOWN_H

#include "core/image/image.h"
#include "report.h"

/* Adds facts; 0 or an exit code. In the namespaces of world_enter(). */
int known_pairs(json_t *report, const struct image *img);

#endif
