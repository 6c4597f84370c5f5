/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to go back to the head of a chain that another program has taken. Once
 * is a mishap; somebody who insists would be fought for ever, each time with
 * both programs' rules in another order. So each try waits twice as long as the
 * one before, and after a dozen it is left to people.
 */
#ifndef CURFEW_CORE_COVERAGE_RETAKE_H
#define CURFEW_CORE_COVERAGE_RETAKE_H

#include <stdbool.h>
#include <stdint.h>

#define RETAKE_FIRST_MS 1000
#define RETAKE_LAST_MS  300000
#define RETAKE_TRIES    12
#define RETAKE_CALM_MS  600000 /* first for so long: what was is forgotten */

struct retake {
	uint32_t tries;
	bool displaced;
	bool gave_up;
	uint64_t at_ms; /* displaced: of the next try; else: since when we are first */
};
enum retake_step { RETAKE_WAIT, RETAKE_NOW, RETAKE_GIVE_UP };

/* What to do, given how it is now. RETAKE_GIVE_UP is returned once. Milliseconds, monotonic. */
enum retake_step retake_look(struct retake *r, bool displaced, uint64_t now_ms);

#endif
