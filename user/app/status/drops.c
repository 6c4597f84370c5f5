/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is dropped for a time, and how much of what was dropped has been sampled. */
#include "app/show/json_util.h"
#include "app/status/status.h"

struct held_counts {
	uint64_t now;
	uint64_t keys, quarantines;
};

/* Those that are over stay in the map until the daemon takes them out. */
static void count(void *arg, const struct cf_quota_key *key, const struct cf_hold *h)
{
	struct held_counts *c = arg;

	if (h->until_jiffies <= c->now)
		return;
	if (key->quota)
		c->keys++;
	else
		c->quarantines++;
}

void status_drops(struct datapath *dp, json_t *status)
{
	struct held_counts held = { .now = datapath_jiffies(dp) };
	struct cf_drop_samples n = { 0 };

	datapath_holds(dp, count, &held);
	json_object_set_new(status, "held",
			    json_pack("{s:o, s:o}", "keys", json_count(held.keys), "quarantines",
				      json_count(held.quarantines)));
	datapath_drop_samples(dp, &n);
	json_object_set_new(status, "drop_samples",
			    json_pack("{s:o, s:o, s:o}", "sampled", json_count(n.sampled),
				      "limited", json_count(n.limited), "lost",
				      json_count(n.lost)));
}
