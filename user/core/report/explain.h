/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's numbers mean: keys of the quota ledger made and put in
 * words, periods, the windows of rules. Pure; for alerts, `quotas`, `why` and
 * `would`.
 */
#ifndef CURFEW_CORE_REPORT_EXPLAIN_H
#define CURFEW_CORE_REPORT_EXPLAIN_H

#include "core/image/image.h"

/* Who sends, as the kernel knows it. */
struct explain_source {
	enum cf_from from;
	struct addr addr;
	bool has_mac;
	uint8_t mac[6];
};

/*
 * The key under which quota number `quota` of the image books a packet: the
 * same as bpf/judge.h makes. -ENOENT: the source is known by its MAC there, and
 * `src` has none.
 */
int quota_key_make(const struct image *img, uint32_t quota, const struct explain_source *src,
		   const struct addr *dst, struct cf_quota_key *ret);

/*
 * The key in `held` of what a quota (~0: none, then the pair) of a policy is kept per, as
 * bpf/hold.h makes it; the same from the quota's own key; and of a source in
 * quarantine. -ENOENT as above.
 */
int hold_key_make(const struct image *img, uint32_t rule, uint32_t quota,
		  const struct explain_source *src, const struct addr *dst,
		  struct cf_quota_key *ret);
struct cf_quota_key hold_key_of(const struct image *img, uint32_t rule, uint32_t quota,
				const struct cf_quota_key *key);
int quarantine_key_make(const struct image *img, const struct explain_source *src,
			struct cf_quota_key *ret);

/*
 * A name for a key that people can type: eight hexadecimal digits, the same on
 * every run. 32 bits, so two keys can share one: whoever looks up says so.
 */
uint32_t quota_key_id(const struct cf_quota_key *key);

/* The number of the quota with this id, ~0 if the image has none. */
uint32_t image_quota_by_id(const struct image *img, uint32_t id);

/* Minutes since 1970 whose low 22 bits are `period`, nearest to `now`. 0 stays 0. */
int64_t period_minutes(uint32_t period, struct utc now);
/*
 * The period that a quota's word speaks of: 1 if it is the present one, with
 * its end; 0 if it is over, or none; then ret_end is 0.
 */
int quota_period(const struct image *img, uint32_t quota, uint32_t period_minute, struct utc now,
		 struct utc *ret_begin, struct utc *ret_end);

/*
 * Whether a rule's window is open at `at`, and its edges: where it opened and
 * closes, or, if closed, where it closed and will open. 0 where the schedule
 * does not know (a rule that always holds).
 */
bool rule_window(const struct image *img, uint32_t rule, struct utc at, struct utc *ret_begin,
		 struct utc *ret_end);
/* "night", "night, weekends"; NULL if `during` has no name. The caller frees it. */
char *during_name(const struct policy_set *set, const struct time_expr *during);

/* The policy of a rule, NULL if it belongs to none. */
const struct policy *rule_policy(const struct image *img, const struct policy_set *set,
				 uint32_t rule);
/* Which of its policy's quota lines it is, NULL if unknown. */
const struct quota *quota_line(const struct image *img, const struct policy_set *set,
			       uint32_t quota);

/* A quota's line, "20 MB per destination each day", or a rate's, "rate 1 Mbit/s per source"; false:
 * unknown. */
bool limit_print(const struct image *img, const struct policy_set *set, uint32_t quota,
		 struct buf *out);

#define MAC_TEXT_MAX 18
const char *mac_format(const uint8_t mac[6], char buf[MAC_TEXT_MAX]);
bool mac_is_zero(const uint8_t mac[6]);

#endif
