/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between two policy sets, as facts. No printing, no judgement. */
#ifndef CURFEW_CORE_POLICY_DIFF_H
#define CURFEW_CORE_POLICY_DIFF_H

#include "core/policy/lists.h"
#include "core/policy/policy.h"
#include "core/time/calendar.h"

enum change_what {
	CHANGE_SITE,
	CHANGE_INSIDE,  /* one interface */
	CHANGE_OUTSIDE, /* one interface */
	CHANGE_NETWORKS,
	CHANGE_IGNORE, /* one destination */
	CHANGE_GEO,    /* one database; named country, asn, city */
	CHANGE_SET,
	CHANGE_WINDOW,
	CHANGE_POLICY,
	CHANGE_PUBLISH,
	CHANGE_PROTECT,
	CHANGE_EXEMPT,
	CHANGE_DETECT,
	CHANGE_ON, /* one event */
	CHANGE_ALERT_TO,
	CHANGE_MODE,
};

enum change_how { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED };

/* Texts are canonical, as policy_print() writes them, each line ended. */
struct change {
	enum change_what what;
	enum change_how how;
	char *name;    /* NULL where there is none: an exempt without name, the site */
	char *before;  /* NULL: added */
	char *after;   /* NULL: removed */
	bool of_files; /* the texts are the same, and not what the files say that they name */
	size_t entries_before, entries_after; /* of these files, all together */
};

/*
 * Counters are found by policy name and quota text (image_id()), so a quota
 * whose text or policy name changed begins at zero. QUOTA_ANEW: the line is the same,
 * but its period now begins later, or is not open any more, by another window, zone or
 * site: what was used in the present one does not count in it (policy_diff_periods()).
 */
enum quota_fate { QUOTA_KEPT, QUOTA_NEW, QUOTA_GONE, QUOTA_ANEW };
struct quota_change {
	enum quota_fate fate;
	char *policy;
	char *quota; /* "50 MB per destination each window" */
};

struct policy_diff {
	struct {
		struct change *v;
		size_t n, cap;
	} changes; /* by what, then in the order of the files, removed ones first */
	struct {
		struct quota_change *v;
		size_t n, cap;
	} quotas; /* of all policies, also those that did not change */
};

/*
 * Both sets stay the caller's. `facts`: set files of `before` whose content is not in it (NULL:
 * all is). `ret` is overwritten; policy_diff_done() empties it.
 */
void policy_diff(const struct policy_set *before, const struct list_facts *facts,
		 const struct policy_set *after, struct policy_diff *ret);
/* Its part that is about counters. */
void policy_diff_quotas(const struct policy_set *before, const struct policy_set *after,
			struct policy_diff *d);
/* Finds out which of the quotas that are kept begin anew at `now`; zones of each set. */
void policy_diff_periods(struct policy_diff *d, const struct policy_set *before,
			 const struct zone_source *zones_before, const struct policy_set *after,
			 const struct zone_source *zones_after, struct utc now);
void policy_diff_done(struct policy_diff *d);

#endif
