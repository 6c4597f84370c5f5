/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fails at present, and what the policy has chosen for that: from the control block alone. */
#include <stdio.h>
#include <string.h>

#include "app/status/status.h"
#include "base/buf.h"
#include "core/policy/failing.h"
#include "core/policy/words.h"

bool failing_lasts(struct datapath *dp, enum on_event event)
{
	const volatile struct cf_control *c = datapath_control(dp);
	uint64_t now = datapath_jiffies(dp), heartbeat = c->heartbeat;

	switch (event) {
	case ON_DAEMON_STALL:
		return heartbeat && (int64_t)(now - heartbeat) > (int64_t)c->stall_seconds * c->hz;
	case ON_SCHEDULE_END:
		return c->end_jiffies && now >= c->end_jiffies;
	case ON_TIME_UNKNOWN:
		return c->failing & CF_FAILING_TIME;
	case ON_GEO_MISSING:
		return c->failing & CF_FAILING_GEO;
	default:
		/* of packets, not of times: the counters tell */
		return false;
	}
}

static const struct failing_row *row_of(struct datapath *dp, enum on_event event)
{
	return failing_find(event, (enum on_choice)datapath_control(dp)->on[event]);
}

/*
 * A clock that nobody keeps right is doctor's business where the policy does
 * not mind; all else is worth a word whatever was chosen.
 */
static bool is_problem(const struct failing_row *r)
{
	return r->event != ON_TIME_UNKNOWN || r->fail != CF_FAIL_KEEP;
}

static const char *choice_name(const struct failing_row *r)
{
	return r->choice == CHOICE_UNSET ? "" : word_of(words_choices, r->choice);
}

void status_failing(struct datapath *dp, json_t *status)
{
	json_t *list = json_array();

	json_object_set_new(status, "failing", list);
	if (!datapath_generation(dp))
		return;
	for (int i = 0; i < ON_MAX; i++) {
		const struct failing_row *r = row_of(dp, (enum on_event)i);
		bool lasts = failing_lasts(dp, (enum on_event)i);
		const char *choice;

		if (!r)
			continue;
		choice = choice_name(r);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:b, s:s, s:b}", "event",
						words_on[i].event, "choice", choice, "default",
						r->is_default, "means", r->means, "lasts", lasts));
		if (lasts && is_problem(r))
			status_problem(status,
				       xprintf("%s: on %s%s%s: %s", failing_while(r->event),
					       words_on[i].event, *choice ? " " : "", choice,
					       r->means),
				       failing_advice(r->event));
	}
}
