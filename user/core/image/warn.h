/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What only the compiled tables show to be a likely mistake. Internal to the compiler:
 * called where image_input.warn is set.
 */
#ifndef CURFEW_CORE_IMAGE_WARN_H
#define CURFEW_CORE_IMAGE_WARN_H

#include "core/image/build.h"

/* A warning, unless that place or that sentence has one already. */
void warn_once(struct build *b, struct pos pos, const char *help, const char *fmt, ...)
	_printf_(4, 5);

/* Conditions that no address meets, and times that never come. After build_destinations(). */
void warn_dead(struct build *b);
/* A country, AS or city of which no database knows a network. */
void warn_place(struct build *b, const struct expr *e);
/* Policies of which something else leaves nothing. After build_schedule(). */
void warn_covered(struct build *b);

#endif
