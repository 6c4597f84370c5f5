/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/failing.h"

#include "base/def.h"

#define ROW(event, choice, is_default, fail, means)                                                \
	{                                                                                          \
		ON_##event, CHOICE_##choice, is_default, CF_FAIL_##fail, means                     \
	}

const struct failing_row failing_rows[] = {
	ROW(DAEMON_STALL, KEEP, true, KEEP,
	    "the kernel goes on enforcing; windows open and close, quotas begin anew on time"),
	ROW(DAEMON_STALL, OBSERVE, false, OBSERVE, "rules charge and report, and do not drop"),
	ROW(DAEMON_STALL, OPEN, false, OPEN, "nothing is dropped"),
	ROW(DAEMON_STALL, CLOSED, false, CLOSED,
	    "all that is judged is dropped, but what a protect rule is about"),

	ROW(SCHEDULE_END, REPEAT, true, KEEP,
	    "the last full week repeats, with new periods for quotas"),
	ROW(SCHEDULE_END, OPEN, false, OPEN, "nothing is dropped"),
	ROW(SCHEDULE_END, CLOSED, false, CLOSED,
	    "all that is judged is dropped, but what a protect rule is about"),

	ROW(TIME_UNKNOWN, UNSET, true, KEEP, "the clock is believed as it is, and status says so"),
	ROW(TIME_UNKNOWN, OPEN, false, OPEN, "nothing is dropped"),
	ROW(TIME_UNKNOWN, CLOSED, false, CLOSED,
	    "all that is judged is dropped, but what a protect rule is about"),

	ROW(TABLE_FULL, COUNT, true, KEEP,
	    "its packets are judged all the same, and counted by label and class"),
	ROW(TABLE_FULL, DROP, false, CLOSED,
	    "its packets are dropped, but what a protect rule is about"),

	ROW(PARSE_FAILURE, COUNT, true, KEEP, "it passes, and is counted by what is wrong with it"),
	ROW(PARSE_FAILURE, DROP, false, CLOSED, "it is dropped"),

	ROW(GEO_MISSING, KEEP, true, KEEP,
	    "a reload is refused; a start judges as if no address were in any country or network"),
	ROW(GEO_MISSING, OPEN, false, OPEN, "nothing is dropped"),
	ROW(GEO_MISSING, CLOSED, false, CLOSED,
	    "all that is judged is dropped, but what a protect rule is about"),

	ROW(STOP, KEEP, true, KEEP, "the kernel goes on counting and enforcing"),
	ROW(STOP, RELEASE, false, OPEN, "every hook is detached: nothing is counted or dropped"),

	ROW(DISPLACED, RETAKE, true, KEEP, "our program goes to the head of the chain again"),
	ROW(DISPLACED, REPORT, false, KEEP, "it stays where it is, and status says so"),
	{ 0 },
};

const struct failing_row *failing_find(enum on_event event, enum on_choice choice)
{
	for (const struct failing_row *r = failing_rows; r->means; r++)
		if (r->event == event && r->choice == choice)
			return r;
	return NULL;
}

static const struct failing_row *default_of(enum on_event event)
{
	const struct failing_row *r = failing_rows;

	while (r->event != event || !r->is_default)
		r++;
	return r;
}

const struct failing_row *failing_of(const struct policy_set *set, enum on_event event)
{
	const struct failing_row *r = failing_find(event, set->on[event].choice);

	return r ? r : default_of(event);
}

static const struct {
	const char *during, *advice;
} events[] = {
	[ON_DAEMON_STALL] = { "the daemon has stalled or died", "systemctl restart curfew" },
	[ON_SCHEDULE_END] = { "the kernel's schedule has ended",
			      "systemctl restart curfew: a running daemon writes a new one daily" },
	[ON_TIME_UNKNOWN] = { "the clock has not been synchronised since the boot",
			      "install chrony or enable systemd-timesyncd, and let it reach a server" },
	[ON_TABLE_FULL] = { "the pair table has no room for a new pair",
			    "curfew status shows who begins so many; curfew run --pairs N makes room" },
	[ON_PARSE_FAILURE] = { "a packet could not be understood",
			       "curfew status: 'not fully seen' shows of what kind" },
	[ON_GEO_MISSING] = { "a database is missing or unusable",
			     "put the file there; it is then loaded by itself" },
	[ON_STOP] = { "the daemon was stopped", "systemctl start curfew" },
	[ON_DISPLACED] = { "another program has gone before ours",
			   "see its line in curfew status" },
};
_Static_assert(ARRAY_SIZE(events) == ON_MAX, "an event has no text");

const char *failing_while(enum on_event event)
{
	return events[event].during;
}

const char *failing_advice(enum on_event event)
{
	return events[event].advice;
}

const char *failing_effect(enum cf_fail fail)
{
	switch (fail) {
	case CF_FAIL_OBSERVE:
		return "nothing is dropped, rules only charge and report";
	case CF_FAIL_OPEN:
		return "nothing is dropped";
	case CF_FAIL_CLOSED:
		return "all that is judged is dropped, but what a protect rule is about";
	case CF_FAIL_KEEP:
		break;
	}
	return "the kernel goes on as it was told";
}
