/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing string and a growing array. Out of memory is fatal here: a watchdog restarts better
 * than it limps. */
#ifndef CURFEW_BASE_BUF_H
#define CURFEW_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/def.h"

struct buf {
	char *s; /* NUL-terminated once something was added, else NULL */
	size_t n;
	size_t cap;
};

void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) _printf_(2, 0)
	__attribute__((nonnull(2)));
void buf_done(struct buf *b);
/* Never NULL; the buffer keeps it. */
const char *buf_text(const struct buf *b);
#define _cleanup_buf_ _cleanup_(buf_done)

/* These abort when memory is out. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xprintf(const char *fmt, ...) _printf_(1, 2);

/*
 * Appends to an array of elements kept as `T *v; size_t n, cap` in a struct:
 * *VEC_ADD(&list) = element;
 */
#define VEC_ADD(l)                                                                                 \
	(vec_grow((void **)&(l)->v, (l)->n, &(l)->cap, sizeof(*(l)->v)), &(l)->v[(l)->n++])
void vec_grow(void **v, size_t n, size_t *cap, size_t size);

#endif
