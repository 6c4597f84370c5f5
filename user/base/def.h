/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things every file wants: no types of ours, no functions with a body worth testing. */
#ifndef CURFEW_BASE_DEF_H
#define CURFEW_BASE_DEF_H

#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hands a pointer over: the variable becomes NULL, its cleanup does nothing. */
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) take_tmp = (p);                                                      \
		(p) = NULL;                                                                        \
		take_tmp;                                                                          \
	})

/* Hands a descriptor over: the variable becomes -1. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int take_fd = (fd);                                                                \
		(fd) = -1;                                                                         \
		take_fd;                                                                           \
	})

#define _cleanup_(fn)       __attribute__((cleanup(fn)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_            __attribute__((unused))

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void close_p(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_  _cleanup_(free_p)
#define _cleanup_close_ _cleanup_(close_p)

/* Kernel typedefs have no place in user code. */
#pragma GCC poison u8 u16 u32 u64 s8 s16 s32 s64

#endif
