/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `on EVENT CHOICE`: what each choice means. One table, which the compiler (what
 * the kernel is told), `status` (what is said) and docs/failing.md (what is
 * promised) share; a test holds them together. Pure.
 */
#ifndef CURFEW_CORE_POLICY_FAILING_H
#define CURFEW_CORE_POLICY_FAILING_H

#include "core/policy/policy.h"
#include "curfew/config.h"

/* One row per choice of an event, the default first. */
struct failing_row {
	enum on_event event;
	enum on_choice choice; /* UNSET: the default is none of the words */
	bool is_default;
	enum cf_fail fail; /* what the kernel does to packets while it lasts */
	const char *means; /* "windows opens...": a sentence without a full stop */
};
extern const struct failing_row failing_rows[]; /* ends with a NULL `means` */

/* What is in force for an event: as written, else the default. */
const struct failing_row *failing_of(const struct policy_set *set, enum on_event event);
/* The row of a choice; NULL: the event has no such choice. */
const struct failing_row *failing_find(enum on_event event, enum on_choice choice);

/* "the daemon has stalled": while what an event's choice is in effect. */
const char *failing_while(enum on_event event);
/* What to do about it, for people. */
const char *failing_advice(enum on_event event);
/* "closed: all that is judged is dropped, …": what the kernel does meanwhile. */
const char *failing_effect(enum cf_fail fail);

#endif
