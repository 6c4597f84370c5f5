/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real datapath of a part, from what is compiled already. See world.h. */
#ifndef CURFEW_BENCH_LOAD_IMAGE_H
#define CURFEW_BENCH_LOAD_IMAGE_H

#include "port/datapath/datapath.h"
#include "report.h"

/*
 * Its tables begin as large as in service. Attached to lan0 and wan0, where it
 * stays: a part has one at a time. NULL, after saying why.
 */
struct datapath *load_image(const char *name, const struct image *img);

#endif
