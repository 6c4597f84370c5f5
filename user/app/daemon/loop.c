/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: one epoll, and what wakes it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "app/daemon/holds.h"
#include "app/daemon/loop.h"
#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"
#include "port/notify.h"

/* Hooks are looked at and the clocks compared every so many polls. */
#define SLOW_POLLS 5
/* Quota keys of periods that are over make room every so many. */
#define PRUNE_POLLS 60
#define DAY_SECONDS 86400
/* The kernel's jiffies and the wall clock may drift apart this far before windows are compiled
 * anew. */
#define DRIFT_SECONDS 2

enum source { SOURCE_POLL, SOURCE_WALL, SOURCE_SIGNAL, SOURCE_NET, SOURCE_EVENTS, SOURCE_CONTROL };

static int watch(const struct daemon *d, int fd, enum source source)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = source };

	if (fd < 0)
		return fd;
	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int poll_timer(uint64_t ms)
{
	struct itimerspec every = {
		.it_interval = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	every.it_value = every.it_interval;
	if (fd >= 0)
		timerfd_settime(fd, 0, &every, NULL);
	return fd < 0 ? -errno : fd;
}

/* Never expires; read() says ECANCELED when somebody sets the clock (timerfd_create(2)). */
static int arm_wall(int fd)
{
	struct itimerspec never = { .it_value.tv_sec = 1LL << 40 };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
		       ? -errno
		       : 0;
}

static int wall_timer(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), r;

	if (fd < 0)
		return -errno;
	r = arm_wall(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int signal_fd(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int daemon_loop_open(struct daemon *d)
{
	int r;

	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->timer = poll_timer(d->poll_ms);
	d->wall = wall_timer();
	d->signals = signal_fd();
	d->net = netlink_watch();
	r = d->epoll < 0 ? -errno : 0;
	if (r == 0)
		r = watch(d, d->timer, SOURCE_POLL);
	if (r == 0)
		r = watch(d, d->wall, SOURCE_WALL);
	if (r == 0)
		r = watch(d, d->signals, SOURCE_SIGNAL);
	if (r == 0)
		r = watch(d, d->net, SOURCE_NET);
	return r;
}

int daemon_loop_watch(struct daemon *d)
{
	int r = watch(d, datapath_events_fd(d->dp), SOURCE_EVENTS);

	return r < 0 ? r : watch(d, control_fd(d->control), SOURCE_CONTROL);
}

void daemon_loop_close(struct daemon *d)
{
	close_p(&d->epoll);
	close_p(&d->timer);
	close_p(&d->wall);
	close_p(&d->signals);
	close_p(&d->net);
}

static void recompile(struct daemon *d, const char *because)
{
	_cleanup_free_ char *error = NULL;

	if (daemon_recompile(d, because, &error)) {
		log_error("%s, but the policy cannot be compiled anew: %s", because, error);
		daemon_set_error(d, TAKE(error));
	}
}

/* ---- what wakes us ----------------------------------------------------- */

static void clean_timer(int fd)
{
	uint64_t n;

	/* EAGAIN: woken for nothing. */
	if (read(fd, &n, sizeof(n)) < 0)
		return;
}

static void on_wall(struct daemon *d)
{
	uint64_t n;

	if (read(d->wall, &n, sizeof(n)) >= 0 || errno != ECANCELED)
		return;
	arm_wall(d->wall);
	log_notice("the clock was set");
	recompile(d, "the clock was set");
}

/* Suspend stops jiffies; a slewed clock moves without being set. */
static void check_drift(struct daemon *d)
{
	int64_t drift = daemon_now(d).s - time_map_utc(&d->clock, datapath_jiffies(d->dp)).s;

	if (drift <= DRIFT_SECONDS && drift >= -DRIFT_SECONDS)
		return;
	log_notice("the clock and the kernel's schedule are %lld s apart", (long long)drift);
	recompile(d, "the clock has moved");
}

static void say_switch(struct daemon *d)
{
	uint64_t off = datapath_control(d->dp)->off_until;

	if (off == d->off_seen)
		return;
	d->off_seen = off;
	if (off == ~0ULL)
		log_warning("enforcement is switched OFF until 'curfew on'");
	else if (off > datapath_jiffies(d->dp))
		log_warning("enforcement is switched OFF for %llu s",
			    (unsigned long long)daemon_seconds_until(d, off));
	else
		log_notice("enforcement is switched on");
}

static void on_poll(struct daemon *d)
{
	clean_timer(d->timer);
	d->polls++;
	daemon_failing_poll(d);
	daemon_quotas_poll(d);
	daemon_ledger_poll(d);
	say_switch(d);
	daemon_confirm_poll(d);
	daemon_manual_poll(d);
	daemon_holds_poll(d);
	daemon_cover_watch(d);
	/* while a new configuration waits to be confirmed, the old one's counters may be wanted
	 * back */
	if (d->polls % PRUNE_POLLS == 0 && !d->unconfirmed.waiting)
		daemon_quotas_prune(d);
	/* a device without one is only left out of a table of `status` */
	if (d->polls % SLOW_POLLS == 1)
		datapath_baselines_set(d->dp);
	if (d->polls % SLOW_POLLS)
		return;
	check_drift(d);
	/* programs loaded before it stay blind */
	if (datapath_conntrack_appeared(d->dp))
		recompile(d, "connection tracking has appeared");
	if (daemon_now(d).s - d->compiled_at.s >= DAY_SECONDS)
		recompile(d, "a day has passed");
}

static void on_event(void *arg, const struct cf_event *ev)
{
	if (ev->kind == CF_EVENT_KEEP)
		daemon_quotas_event(arg, ev);
	else if (ev->kind == CF_EVENT_ROOM)
		daemon_ledger_room(arg);
	else
		daemon_ledger_event(arg, ev);
	if (ev->kind == CF_EVENT_HOLD || ev->kind == CF_EVENT_QUARANTINE)
		daemon_holds_event(arg);
}

static void on_hangup(struct daemon *d)
{
	_cleanup_buf_ struct buf warnings = { 0 };
	_cleanup_free_ char *error = NULL;
	struct callers callers;
	struct reload opt = { .callers = guard_logged_in(&callers) };

	log_notice("SIGHUP: reload");
	if (daemon_reload(d, &opt, &warnings, &error))
		log_error("%s", error);
	else if (warnings.n)
		log_warning("%s", buf_text(&warnings));
}

static void on_signal(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			on_hangup(d);
			continue;
		}
		log_notice("stopping: signal %u", info.ssi_signo);
		d->leaving = true;
	}
}

static void dispatch(struct daemon *d, enum source source)
{
	switch (source) {
	case SOURCE_POLL:
		on_poll(d);
		return;
	case SOURCE_WALL:
		on_wall(d);
		return;
	case SOURCE_SIGNAL:
		on_signal(d);
		return;
	case SOURCE_NET:
		daemon_net_readable(d);
		return;
	case SOURCE_EVENTS:
		datapath_events(d->dp, on_event, d);
		daemon_quotas_flush(d);
		return;
	case SOURCE_CONTROL:
		control_serve(d->control, daemon_request, d);
		return;
	}
}

/* Milliseconds until something is due that nothing will wake us for; -1: nothing is. */
static int due_in(const struct daemon *d)
{
	int net = daemon_net_wait(d), quotas = daemon_quotas_wait(d);

	return net < 0 || (quotas >= 0 && quotas < net) ? quotas : net;
}

void daemon_loop_run(struct daemon *d)
{
	uint64_t last = daemon_monotonic_ms();
	struct epoll_event ev[8];

	while (!d->leaving) {
		uint64_t asleep = daemon_monotonic_ms(), awake;
		int n = epoll_wait(d->epoll, ev, ARRAY_SIZE(ev), due_in(d));

		/* what did not have to be waited for may be as old as the last look */
		awake = daemon_monotonic_ms();
		d->net_since_ms = awake > asleep + 1 ? awake - 1 : last;
		last = awake;
		/* a device without our hook does not wait for the poll of the tables */
		for (int i = 0; i < n; i++)
			if (ev[i].data.fd == SOURCE_NET)
				dispatch(d, SOURCE_NET);
		for (int i = 0; i < n; i++)
			if (ev[i].data.fd != SOURCE_NET)
				dispatch(d, (enum source)ev[i].data.fd);
		if (daemon_net_wait(d) == 0)
			daemon_net_settle(d);
		if (daemon_quotas_wait(d) == 0)
			daemon_quotas_flush(d);
	}
	/* The reply to the request that stopped us. */
	control_serve(d->control, daemon_request, d);
}
