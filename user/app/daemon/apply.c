/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting a configuration in force, and taking it back. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "app/daemon/last_good.h"
#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"
#include "port/notify.h"

uint64_t daemon_jiffies_of(const struct daemon *d, uint64_t seconds)
{
	return seconds * d->clock.hz;
}

uint64_t daemon_seconds_until(struct daemon *d, uint64_t jiffies)
{
	uint64_t now = datapath_jiffies(d->dp);

	return jiffies > now && d->clock.hz ? (jiffies - now + d->clock.hz - 1) / d->clock.hz : 0;
}

static void use(struct daemon *d, struct running *next)
{
	d->now = *next;
	*next = (struct running){ 0 };
	d->zone = d->now.zone;
	d->zones = &d->now.zone_source;
}

/* Diagnostics come before the sentence that says what that means. */
static int bad(const struct diag_list *diags, char *sentence, const char *outcome, char **ret_error)
{
	_cleanup_free_ char *first = sentence;
	struct buf text = { 0 };

	diags_append(diags, &text);
	if (first)
		buf_printf(&text, "%s\n", first);
	buf_printf(&text, "%s\n", outcome);
	*ret_error = text.s;
	return EXIT_USAGE;
}

static int compile(struct daemon *d, const struct running *run, const struct machine *machine,
		   struct image **ret_image, struct manual_rules *ret_manual, struct buf *warnings,
		   char **ret_error)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	uint64_t began = daemon_monotonic_us();
	char *sentence = NULL;
	int r = running_compile(run, machine, &d->book, daemon_now(d), ret_image, ret_manual,
				&diags, &sentence);

	d->took.compile_us = daemon_monotonic_us() - began;
	if (r == 0 && warnings)
		diags_append(&diags, warnings);
	if (r == 0)
		return 0;
	if (sentence && !diags.n) {
		*ret_error = sentence;
		return EXIT_USAGE;
	}
	return bad(&diags, sentence, "nothing was changed", ret_error);
}

#define STEP_SECONDS 2

/* Since the last schedule was written: the wall clock was set, or the machine was suspended. */
static bool clock_moved(const struct daemon *d, const struct time_map *now)
{
	int64_t step;

	if (!d->clock.hz)
		return false;
	step = (now->utc_ns / 1000000000) - time_map_utc(&d->clock, now->jiffies).s;
	return step >= STEP_SECONDS || step <= -STEP_SECONDS;
}

static int load(struct daemon *d, const struct policy_set *set, const struct image *image,
		uint64_t confirm_until, char **ret_error)
{
	_cleanup_wants_ struct want_list wants = { 0 };
	struct why why = { "" };
	bool first = !datapath_generation(d->dp), moved;
	struct time_map clock;
	int r;

	r = datapath_time_map(d->dp, d->clock_offset, &clock);
	if (r < 0) {
		*ret_error = xprintf("cannot read the kernel's clocks: %s", strerror(-r));
		return EXIT_DEGRADED;
	}
	daemon_ledger_reload(d);
	wants_build(set, &wants);
	daemon_quotas_prepare(d, image);
	/* after a reboot nothing may pass before; else what is still in force, perhaps by another
	 * clock, would take it for a period that is over */
	if (first)
		daemon_quotas_restore(d, image);
	moved = !first && clock_moved(d, &clock);
	if (moved)
		daemon_quotas_set_aside(d, image);
	r = manual_open(&d->book, d->dp);
	if (r < 0) {
		*ret_error = xprintf("no room for the limits of allows by hand: %s", strerror(-r));
		return EXIT_DEGRADED;
	}
	r = datapath_load(d->dp, image, &clock, wants.v, wants.n, confirm_until, &why);
	if (r < 0) {
		*ret_error = xprintf("the kernel did not take the new policy: %s",
				     *why.text ? why.text : strerror(-r));
		return r == -EPERM ? EXIT_NOT_PERMITTED : EXIT_DEGRADED;
	}
	if (*why.text)
		log_warning("%s", why.text);
	if (!first)
		daemon_quotas_restore(d, image);
	/* also moves keys of periods that are yet to come to the present one */
	if (moved)
		datapath_quota_prune(d->dp, image, daemon_now(d));
	d->clock = clock;
	d->compiled_at = daemon_now(d);
	return 0;
}

static void say_generation(struct daemon *d, const char *because)
{
	log_info("generation %u is in force: %s", d->now.generation, because);
}

/* What is in force now is meant: keep it for a bad day, and forget the keys of quotas that are
 * gone. */
static void settle(struct daemon *d)
{
	int r = last_good_save(d->cli->state_dir, d->now.set);

	if (r < 0)
		log_err(r, "%s/last-good: cannot keep a copy of the configuration",
			d->cli->state_dir);
	unconfirmed_forget(d->cli->state_dir);
	daemon_quotas_prune(d);
}

struct attempt {
	struct running *next;
	const struct callers *callers;
	uint64_t confirm_until;
	const char *because;
	struct buf *warnings; /* NULL: nobody reads them */
};

/* On success *ret_old is what was in force; the caller frees it. */
static int attempt(struct daemon *d, const struct attempt *a, struct running *ret_old,
		   char **ret_error)
{
	struct machine machine;
	struct manual_rules manual = { 0 };
	struct image *image = NULL;
	int r;

	daemon_promise(d);
	r = daemon_machine(a->next->set, &machine);
	if (r < 0) {
		*ret_error = xprintf("cannot read interfaces and routes: %s", strerror(-r));
		return EXIT_DEGRADED;
	}
	r = compile(d, a->next, &machine, &image, &manual, a->warnings, ret_error);
	a->next->warn = false; /* said; it is compiled every day */
	if (r == 0)
		r = guard_callers(d, image, a->callers, a->next->zone, ret_error);
	if (r == 0 && a->warnings)
		daemon_cuts(d, image, a->next->set, a->warnings);
	if (r == 0)
		r = load(d, a->next->set, image, a->confirm_until, ret_error);
	if (r) {
		machine_done(&machine);
		manual_rules_done(&manual);
		image_free(image);
		return r;
	}
	running_adopt(a->next, image, &manual);
	a->next->generation = datapath_generation(d->dp);
	a->next->loaded_at = daemon_now(d);
	machine_done(&d->machine);
	d->machine = machine;
	*ret_old = d->now;
	use(d, a->next);
	say_generation(d, a->because);
	daemon_ledger_reloaded(d);
	return 0;
}

int daemon_apply(struct daemon *d, struct running *next, char **ret_error)
{
	struct attempt a = { .next = next, .because = "start" };
	struct running old;
	int r = attempt(d, &a, &old, ret_error);

	if (r == 0)
		running_done(&old);
	return r;
}

int daemon_recompile_warned(struct daemon *d, const char *because, const struct callers *callers,
			    struct buf *warnings, char **ret_error)
{
	struct manual_rules manual = { 0 };
	struct image *image = NULL;
	int r;

	daemon_promise(d);
	r = compile(d, &d->now, &d->machine, &image, &manual, NULL, ret_error);
	if (r == 0)
		r = guard_callers(d, image, callers, d->zone, ret_error);
	if (r == 0 && warnings)
		daemon_cuts(d, image, d->now.set, warnings);
	if (r == 0)
		r = load(d, d->now.set, image,
			 d->unconfirmed.waiting ? d->unconfirmed.until_jiffies : 0, ret_error);
	if (r) {
		manual_rules_done(&manual);
		image_free(image);
		return r;
	}
	running_adopt(&d->now, image, &manual);
	d->now.generation = datapath_generation(d->dp);
	say_generation(d, because);
	daemon_ledger_reloaded(d);
	return 0;
}

int daemon_recompile_for(struct daemon *d, const char *because, const struct callers *callers,
			 char **ret_error)
{
	return daemon_recompile_warned(d, because, callers, NULL, ret_error);
}

int daemon_recompile(struct daemon *d, const char *because, char **ret_error)
{
	return daemon_recompile_for(d, because, NULL, ret_error);
}

/* ---- reload and confirm ------------------------------------------------ */

static int read_next(struct daemon *d, struct running *next, struct buf *warnings, char **ret_error)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_net_state_ struct net_state net = { 0 };
	uint64_t began = daemon_monotonic_us();
	int r = running_read(d->cli->config, next, &diags);

	d->took.read_us = daemon_monotonic_us() - began;
	began = daemon_monotonic_us();
	if (r >= 0)
		r = daemon_load_geo(d, next, &diags);
	d->took.databases_us = daemon_monotonic_us() - began;
	if (r < 0)
		return bad(&diags, NULL, "the policy in force stays as it was", ret_error);
	if (net_state_read(&net) == 0)
		running_check_here(next, &net, daemon_now(d), &diags);
	diags_append(&diags, warnings);
	next->warn = true;
	return 0;
}

static void wait_for_confirm(struct daemon *d, struct running *old, uint64_t until)
{
	int r = unconfirmed_save(d->cli->state_dir, d->now.set);

	if (r < 0)
		log_err(r, "%s: cannot note that this configuration is not confirmed",
			d->cli->state_dir);
	/* What goes back is what somebody once meant, not an earlier try. */
	if (d->unconfirmed.waiting)
		running_done(old);
	else
		d->unconfirmed.before = *old;
	d->unconfirmed.waiting = true;
	d->unconfirmed.stuck = false;
	d->unconfirmed.until_jiffies = until;
}

static void say_reloading(void)
{
	struct timespec t;
	_cleanup_free_ char *lines = NULL;

	clock_gettime(CLOCK_MONOTONIC, &t);
	lines = xprintf("RELOADING=1\nMONOTONIC_USEC=%lld",
			t.tv_sec * 1000000LL + t.tv_nsec / 1000);
	notify_send(lines);
}

static int reload(struct daemon *d, const struct reload *opt, struct buf *warnings,
		  char **ret_error)
{
	_cleanup_running_ struct running next = { 0 };
	struct attempt a = {
		.next = &next, .callers = opt->callers, .because = "reload", .warnings = warnings
	};
	struct running old;
	int r;

	if (d->unconfirmed.waiting && !opt->confirm_seconds) {
		*ret_error = xprintf(
			"a configuration waits for 'curfew confirm'; unconfirmed, the old one "
			"returns in %llu s",
			(unsigned long long)daemon_seconds_until(d, d->unconfirmed.until_jiffies));
		return EXIT_DEGRADED;
	}
	daemon_read_offset(d);
	r = read_next(d, &next, warnings, ret_error);
	if (r == 0 && opt->confirm_seconds)
		a.confirm_until =
			datapath_jiffies(d->dp) + daemon_jiffies_of(d, opt->confirm_seconds);
	if (r == 0)
		r = attempt(d, &a, &old, ret_error);
	if (r) {
		daemon_set_error(d, xstrdup(*ret_error));
		return r;
	}
	daemon_set_error(d, NULL);
	d->fell_back = d->taken_back = false;
	if (opt->confirm_seconds) {
		wait_for_confirm(d, &old, a.confirm_until);
		return 0;
	}
	running_done(&old);
	settle(d);
	return 0;
}

int daemon_reload(struct daemon *d, const struct reload *opt, struct buf *warnings,
		  char **ret_error)
{
	int r;

	say_reloading();
	r = reload(d, opt, warnings, ret_error);
	notify_send("READY=1");
	return r;
}

int daemon_confirm(struct daemon *d, char **ret_error)
{
	if (!d->unconfirmed.waiting) {
		*ret_error = xstrdup("nothing waits to be confirmed");
		return EXIT_DEGRADED;
	}
	datapath_control(d->dp)->confirm_until = 0;
	d->unconfirmed.waiting = false;
	running_done(&d->unconfirmed.before);
	settle(d);
	log_info("generation %u is confirmed", d->now.generation);
	return 0;
}

void daemon_confirm_poll(struct daemon *d)
{
	struct attempt a = { .next = &d->unconfirmed.before,
			     .because = "nobody confirmed the last reload" };
	_cleanup_free_ char *error = NULL;
	struct running old;

	if (!d->unconfirmed.waiting || datapath_jiffies(d->dp) < d->unconfirmed.until_jiffies)
		return;
	if (attempt(d, &a, &old, &error)) {
		if (!d->unconfirmed.stuck)
			daemon_tell(d, ALERT_RELOAD, CF_LEVEL_CRITICAL,
				    xprintf("cannot return to the configuration before the "
					    "unconfirmed one: %s; until that works, the kernel "
					    "only observes",
					    error));
		d->unconfirmed.stuck = true;
		return;
	}
	running_done(&old);
	d->unconfirmed.waiting = d->unconfirmed.stuck = false;
	d->taken_back = true;
	daemon_tell(d, ALERT_RELOAD, CF_LEVEL_WARNING,
		    xstrdup("the reload was not confirmed in time: the configuration before it is "
			    "in force again"));
}
