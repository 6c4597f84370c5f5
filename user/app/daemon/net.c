/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network changes under us: addresses, routes, devices that come and go.
 * Devices are covered at once; the policy follows when the burst is over.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"

/* Changes come in bursts; one compilation for each burst, not later than this after its start. */
#define NET_SETTLE_MS 500
/* A device that goes usually returns with the same addresses: that much patience with less. */
#define NET_FEWER_MS 5000
/* In a storm of changes, devices are looked at this often. */
#define NET_COVER_MS 20
/* A compilation may take a fifth of the time in such a storm. */
#define NET_REST 4

uint64_t daemon_monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t daemon_monotonic_ms(void)
{
	return daemon_monotonic_us() / 1000;
}

int daemon_machine(const struct policy_set *set, struct machine *ret)
{
	_cleanup_net_state_ struct net_state net = { 0 };
	int r = net_state_read(&net);

	if (r < 0)
		return r;
	machine_build(&net, set, ret);
	return 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void cover_now(struct daemon *d)
{
	d->network.cover_ms = 0;
	d->network.covered_ms = daemon_monotonic_ms();
	daemon_cover(d);
}

void daemon_net_readable(struct daemon *d)
{
	uint64_t now = daemon_monotonic_ms();
	struct net_watch *w = &d->network;
	int what = netlink_changes(d->net);

	if (what < 0) {
		log_err(what, "cannot read network changes; looking at all of it");
		what = NETLINK_LINKS | NETLINK_LOST;
	}
	if (what & NETLINK_LOST) {
		d->net_resyncs++;
		log_warning(
			"the network changes faster than it can be followed; looking at all of it anew");
	}
	if (what && !w->settle_ms)
		w->settle_ms = later(now + NET_SETTLE_MS, w->rest_ms);
	if (!(what & NETLINK_LINKS))
		return;
	if (now - w->covered_ms >= NET_COVER_MS)
		cover_now(d);
	else if (!w->cover_ms)
		w->cover_ms = w->covered_ms + NET_COVER_MS;
}

int daemon_net_wait(const struct daemon *d)
{
	uint64_t now = daemon_monotonic_ms(), due = d->network.settle_ms;

	if (d->network.cover_ms && (!due || d->network.cover_ms < due))
		due = d->network.cover_ms;
	if (!due)
		return -1;
	return due > now ? (int)(due - now) : 0;
}

/* Takes `next` over, if the policy can follow. */
static void follow(struct daemon *d, struct machine *next)
{
	_cleanup_free_ char *error = NULL;
	uint64_t began = daemon_monotonic_ms(), ended;
	struct machine old = d->machine;
	int r;

	d->machine = *next;
	*next = (struct machine){ 0 };
	r = daemon_recompile(d, "addresses or routes changed", &error);
	ended = daemon_monotonic_ms();
	d->network.rest_ms = ended + NET_REST * (ended - began);
	if (r == 0) {
		machine_done(&old);
		return;
	}
	log_error("addresses or routes changed, but the policy cannot follow: %s", error);
	machine_done(&d->machine);
	d->machine = old;
	d->network.settle_ms = later(ended + 20 * NET_SETTLE_MS, d->network.rest_ms);
	daemon_set_error(d, TAKE(error));
}

/* Less than before: it may be back in a moment. True: it is time to believe it. */
static bool believe_fewer(struct daemon *d)
{
	uint64_t now = daemon_monotonic_ms();
	struct net_watch *w = &d->network;

	if (!w->fewer_ms)
		w->fewer_ms = now;
	if (now - w->fewer_ms >= NET_FEWER_MS)
		return true;
	w->settle_ms = w->fewer_ms + NET_FEWER_MS;
	return false;
}

static void settle(struct daemon *d)
{
	_cleanup_machine_ struct machine next = { 0 };
	struct net_watch *w = &d->network;
	int r;

	w->settle_ms = 0;
	/* first what cannot wait */
	cover_now(d);
	r = daemon_machine(d->now.set, &next);
	if (r < 0) {
		log_err(r, "cannot read interfaces and routes; trying again");
		w->settle_ms = daemon_monotonic_ms() + 2 * NET_SETTLE_MS;
		return;
	}
	if (machine_equal(&next, &d->machine)) {
		w->fewer_ms = 0;
		return;
	}
	if (machine_within(&next, &d->machine) && !believe_fewer(d))
		return;
	w->fewer_ms = 0;
	follow(d, &next);
}

void daemon_net_settle(struct daemon *d)
{
	uint64_t now = daemon_monotonic_ms();
	struct net_watch *w = &d->network;

	if (w->settle_ms && w->settle_ms <= now)
		settle(d);
	else if (w->cover_ms && w->cover_ms <= now)
		cover_now(d);
}
