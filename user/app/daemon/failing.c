/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `on EVENT CHOICE`, the daemon's part: the heartbeat, the clock, databases that
 * are missing, and telling of what begins and ends.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "app/daemon/alerts.h"
#include "app/daemon/parts.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/policy/failing.h"
#include "core/policy/words.h"
#include "port/kernel_facts.h"

/* Compiling and loading may take this long before we are given up. */
#define PROMISE_SECONDS 120
/* Looks for a missing database, in polls. */
#define GEO_POLLS 5

/* ---- the heartbeat ------------------------------------------------------- */

void daemon_beat(struct daemon *d)
{
	datapath_control(d->dp)->heartbeat = datapath_jiffies(d->dp);
}

void daemon_promise(struct daemon *d)
{
	datapath_control(d->dp)->heartbeat =
		datapath_jiffies(d->dp) + (uint64_t)PROMISE_SECONDS * datapath_control(d->dp)->hz;
}

void daemon_excuse(struct daemon *d)
{
	datapath_control(d->dp)->heartbeat = 0;
}

/* ---- telling --------------------------------------------------------------- */

static void tell(struct daemon *d, enum cf_level level, char *story)
{
	daemon_tell(d, ALERT_FAILING, level, story);
}

static const struct failing_row *row_in_force(const struct daemon *d, enum on_event event)
{
	return failing_find(event, (enum on_choice)datapath_control(d->dp)->on[event]);
}

static void tell_change(struct daemon *d, enum on_event event, bool lasts)
{
	const struct failing_row *r = row_in_force(d, event);
	const char *choice =
		r && r->choice != CHOICE_UNSET ? word_of(words_choices, r->choice) : "";
	bool matters = r && r->fail != CF_FAIL_KEEP;

	if (!r)
		return;
	/* it is so on many a machine, and nothing comes of it here: doctor has it */
	if (event == ON_TIME_UNKNOWN && !matters)
		return;
	if (lasts)
		tell(d, matters ? CF_LEVEL_CRITICAL : CF_LEVEL_WARNING,
		     xprintf("%s: on %s%s%s: %s", failing_while(event), words_on[event].event,
			     *choice ? " " : "", choice, r->means));
	else
		tell(d, CF_LEVEL_INFO, xprintf("no longer so: %s", failing_while(event)));
}

/* We are awake again, or the first of us is. */
static void tell_silence(struct daemon *d, uint64_t silent_jiffies)
{
	const volatile struct cf_control *c = datapath_control(d->dp);
	uint64_t seconds = c->hz ? silent_jiffies / c->hz : 0;
	const struct failing_row *r = row_in_force(d, ON_DAEMON_STALL);

	if (!r || !c->stall_seconds || seconds <= c->stall_seconds)
		return;
	tell(d, r->fail == CF_FAIL_KEEP ? CF_LEVEL_WARNING : CF_LEVEL_CRITICAL,
	     xprintf("the daemon was silent for %llu s; after %u s, on daemon-stall %s: %s",
		     (unsigned long long)seconds, c->stall_seconds,
		     word_of(words_choices, r->choice), r->means));
}

static void look_back(struct daemon *d)
{
	uint64_t now = datapath_jiffies(d->dp), heartbeat = datapath_control(d->dp)->heartbeat;

	if (heartbeat && now > heartbeat)
		tell_silence(d, now - heartbeat);
}

/* ---- the clock ---------------------------------------------------------------- */

static void look_at_clock(struct daemon *d)
{
	volatile struct cf_control *c = datapath_control(d->dp);

	if (c->failing & CF_FAILING_TIME && kernel_clock_synchronised() != FACT_NO)
		c->failing &= ~(uint32_t)CF_FAILING_TIME;
}

/* ---- databases ------------------------------------------------------------------ */

/* Another number: another file is there, or it is complete by now. */
static uint64_t signature(const struct policy_set *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->geo.n; i++) {
		_cleanup_free_ char *path = policy_set_path(set, set->geo.v[i].path);
		struct stat st;

		if (stat(path, &st) < 0)
			continue;
		sum = sum * 31 + (uint64_t)st.st_ino + (uint64_t)st.st_size +
		      (uint64_t)st.st_mtim.tv_sec + (uint64_t)st.st_mtim.tv_nsec;
	}
	return sum;
}

static void look_for_databases(struct daemon *d)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_free_ char *error = NULL;
	uint64_t now;

	if (!d->now.geo_missing || d->polls % GEO_POLLS)
		return;
	now = signature(d->now.set);
	if (now == d->geo_signature)
		return;
	d->geo_signature = now;
	daemon_promise(d);
	if (running_load_geo(&d->now, &diags) < 0)
		return;
	d->now.geo_missing = false;
	if (daemon_recompile(d, "the databases are there", &error)) {
		log_error("the databases are there, but the policy cannot be compiled: %s", error);
		daemon_set_error(d, TAKE(error));
	}
}

int daemon_load_geo(struct daemon *d, struct running *run, struct diag_list *diags)
{
	const struct failing_row *on = failing_of(run->set, ON_GEO_MISSING);
	size_t first = diags->n;

	daemon_promise(d);
	if (running_load_geo(run, diags) == 0)
		return 0;
	/* `keep` keeps what is in force, if something is */
	if (on->choice == CHOICE_KEEP && datapath_generation(d->dp))
		return -EINVAL;
	for (size_t i = first; i < diags->n; i++)
		diags->v[i].level = DIAG_WARNING;
	run->geo_missing = true;
	d->geo_signature = signature(run->set);
	return 0;
}

/* ---- start and poll ---------------------------------------------------------------- */

void daemon_failing_start(struct daemon *d)
{
	volatile struct cf_control *c = datapath_control(d->dp);

	/* once known, the time stays known until the next boot, which makes new tables */
	if (!datapath_generation(d->dp) && kernel_clock_synchronised() == FACT_NO)
		c->failing |= CF_FAILING_TIME;
	look_back(d);
	daemon_promise(d);
}

void daemon_failing_poll(struct daemon *d)
{
	look_back(d);
	daemon_beat(d);
	look_at_clock(d);
	look_for_databases(d);
	for (int i = 0; i < ON_MAX; i++) {
		bool lasts = failing_lasts(d->dp, (enum on_event)i);

		if (lasts == d->failing[i])
			continue;
		d->failing[i] = lasts;
		tell_change(d, (enum on_event)i, lasts);
	}
}
