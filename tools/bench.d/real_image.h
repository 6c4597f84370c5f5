/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration from a file, with its databases. Functions return 0 or an exit code. */
#ifndef CURFEW_BENCH_REAL_IMAGE_H
#define CURFEW_BENCH_REAL_IMAGE_H

#include "app/running.h"

int real_read(const char *conf, struct running *ret);
int real_compile(const struct running *run, struct image **ret);

#endif
