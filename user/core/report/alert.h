/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alerts: what an event of the kernel means, with all that is known about it,
 * and the sentence that tells it. Pure; numbering, keeping and writing alerts
 * is the application's.
 */
#ifndef CURFEW_CORE_REPORT_ALERT_H
#define CURFEW_CORE_REPORT_ALERT_H

#include "base/hash_index.h"
#include "core/geo/place.h"
#include "core/report/explain.h"
#include "core/report/past_rules.h"

enum alert_kind {
	ALERT_THRESHOLD, /* a quota's use reached an `at` */
	ALERT_QUOTA,     /* a quota is used up: the first packet it refused */
	ALERT_POLICY,    /* a policy without quota */
	ALERT_BLOCK,     /* blocked by hand */
	ALERT_TABLE,     /* a table of the kernel is full */
	ALERT_COVERAGE,  /* an interface without our hook, or with another before it */
	ALERT_FAILING, /* something we need fails, and `on EVENT CHOICE` is in effect; or no more */
	ALERT_HOLD,    /* a key is dropped for a time */
	ALERT_QUARANTINE, /* a source is */
	ALERT_RELOAD,     /* another configuration is in force than the one in the file */
	ALERT_KIND_MAX
};
enum alert_verdict { ALERT_PASSED, ALERT_DROPPED, ALERT_WOULD_DROP, ALERT_VERDICT_MAX };

/* "threshold", …; "passed", "dropped", "would drop"; "info", "warning", "critical". */
const char *alert_kind_name(enum alert_kind kind);
const char *alert_verdict_name(enum alert_verdict verdict);
const char *level_name(enum cf_level level);

struct alert {
	enum alert_kind kind;
	enum cf_level level;
	enum alert_verdict verdict;
	struct utc at;
	char *policy;   /* NULL: none */
	char *quota;    /* "20 MB per destination each window"; NULL: none */
	char *key_text; /* what the quota's key stands for: "AS4812 China Telecom"; NULL: none */
	char *window;   /* name of `during`; NULL: always, or without a name */
	struct utc window_opened, window_closes; /* 0: unknown or always */
	struct utc period_began, period_ends;    /* of the quota; 0: none or unknown */
	struct addr src, dst;
	bool has_mac;
	uint8_t mac[6];
	struct place place; /* of dst; its names point into the geo tables */
	uint8_t protocol;
	uint16_t source_port, destination_port;
	enum cf_hook hook;
	uint64_t used_bytes, limit_bytes; /* of the key; limit 0: no quota */
	uint64_t rate;                    /* bits per second: it is one, and these are its burst */
	uint32_t percent;
	uint32_t seconds; /* of a hold or a quarantine */
	enum cf_full_table table;
	struct cf_quota_key key; /* quota 0: none */
	char *story;
};
void alert_done(struct alert *a);
#define _cleanup_alert_ _cleanup_(alert_done)

/* All that makes sense of an event. */
struct alert_context {
	const struct policy_set *set;
	const struct image *image;
	uint32_t generation;           /* of that image */
	const struct past_rules *past; /* of generations before it; NULL: none */
	const struct geo *geo;
	const struct zone *zone; /* the site's, for times in the story; NULL: UTC is written */
	bool alone;              /* no other source has ever sent to this destination */
	bool last;               /* the story says that further ones are only counted */
};

/*
 * Fills *ret, which alert_done() frees. -EINVAL: not an event we know. Events
 * of an older generation are understood as far as the quota still exists, or their rule
 * is among cx->past.
 */
int alert_make(const struct alert_context *cx, const struct cf_event *ev, struct utc at,
	       struct alert *ret);

/* ---- reported already? ------------------------------------------------- */

/*
 * Remembers what has been reported: once per policy, key, period and kind. The
 * kernel does so too, but forgets it with a generation, and per pair only; what
 * one source does to a policy without quota is reported for 32 destinations an
 * hour, then counted. Holds a bounded number of keys and forgets the oldest.
 */
struct alert_seen;
struct alert_seen *alert_seen_new(struct hash_seed seed);
void alert_seen_free(struct alert_seen *s);

#define ALERT_POLICY_PER_HOUR 32
#define ALERT_SEEN_KEYS       65536
enum alert_news {
	ALERT_NEW,
	ALERT_NEW_LAST, /* further ones of this source and policy will be counted only */
	ALERT_KNOWN,
};
enum alert_news alert_seen_check(struct alert_seen *s, const struct alert_context *cx,
				 const struct cf_event *ev, struct utc at);
/* A quota's key starts anew: what is reported of it from now on is news. */
void alert_seen_forget(struct alert_seen *s, const struct cf_quota_key *key);
/* Events that were ALERT_KNOWN. */
uint64_t alert_seen_suppressed(const struct alert_seen *s);

#endif
