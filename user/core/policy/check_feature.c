/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the language has and this version does not enforce. It is an error,
 * never silently ignored. Enforcing a feature means deleting it here.
 */
#include "core/policy/check.h"

void check_features(struct checker *c)
{
	const struct policy_set *set = c->set;

	for (size_t i = 0; i < set->detects.n; i++)
		check_error(c, set->detects.v[i].pos,
			    "use a policy with a quota and 'at 100% alert'",
			    "'detect' is understood but not enforced by this version");
}
