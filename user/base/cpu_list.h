/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of CPUs as the kernel writes them: "0,2-3". Pure. */
#ifndef CURFEW_BASE_CPU_LIST_H
#define CURFEW_BASE_CPU_LIST_H

#include <stdbool.h>
#include <stdint.h>

/* The next range of *text, which moves behind it; false: it is at the end, or at no range. */
bool cpu_list_next(const char **text, uint32_t *ret_first, uint32_t *ret_last);

#endif
