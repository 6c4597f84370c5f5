/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentence that tells an alert. */
#ifndef CURFEW_CORE_REPORT_ALERT_STORY_H
#define CURFEW_CORE_REPORT_ALERT_STORY_H

#include "core/report/alert.h"

/* The caller frees it. Claims no more than is known: bytes of a shared key are not laid on one
 * source. */
char *alert_story(const struct alert_context *cx, const struct alert *a);

/*
 * What a quota's key stands for: "203.0.113.10", "AS4812 China Telecom", "CN",
 * "10.0.0.11 -> 203.0.113.10", "52:54:00:12:34:56". `host`: the address of the
 * MAC in the key, NULL if unknown.
 */
void quota_key_print(const struct cf_quota_key *key, const struct image *img,
		     const struct addr *host, const char *as_name, struct buf *out);

#endif
