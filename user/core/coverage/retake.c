/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/coverage/retake.h"

static uint64_t delay(uint32_t tries)
{
	uint64_t ms = (uint64_t)RETAKE_FIRST_MS << (tries < 20 ? tries : 20);

	return ms < RETAKE_LAST_MS ? ms : RETAKE_LAST_MS;
}

static void be_first(struct retake *r, uint64_t now_ms)
{
	if (r->displaced)
		r->at_ms = now_ms;
	r->displaced = false;
	if (now_ms - r->at_ms >= RETAKE_CALM_MS) {
		r->tries = 0;
		r->gave_up = false;
	}
}

enum retake_step retake_look(struct retake *r, bool displaced, uint64_t now_ms)
{
	if (!displaced) {
		be_first(r, now_ms);
		return RETAKE_WAIT;
	}
	if (!r->displaced) {
		r->displaced = true;
		r->at_ms = now_ms + delay(r->tries);
	}
	if (r->gave_up || now_ms < r->at_ms)
		return RETAKE_WAIT;
	if (r->tries >= RETAKE_TRIES) {
		r->gave_up = true;
		return RETAKE_GIVE_UP;
	}
	r->tries++;
	r->at_ms = now_ms + delay(r->tries);
	return RETAKE_NOW;
}
