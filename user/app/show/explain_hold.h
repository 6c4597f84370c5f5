/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `why` and `would`: is the key held for a time, or the source in quarantine? */
#ifndef CURFEW_APP_SHOW_EXPLAIN_HOLD_H
#define CURFEW_APP_SHOW_EXPLAIN_HOLD_H

#include "app/show/explain_json.h"

/*
 * Changes the answer as the kernel would, at the present only. Returns the hold as in
 * `curfew blocks`, or null; NULL never.
 */
json_t *explain_hold(struct daemon *d, const struct question *q, const struct image_packet *p,
		     struct answer *a);

#endif
