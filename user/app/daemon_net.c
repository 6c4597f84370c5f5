/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network changes under us: addresses, routes, devices that come and go. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "app/daemon_parts.h"
#include "base/buf.h"
#include "base/log.h"

/* Changes come in bursts; one compilation for each burst, not later than this after its start. */
#define NET_SETTLE_MS 500

uint64_t daemon_monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
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

void daemon_net_readable(struct daemon *d)
{
	int what = netlink_changes(d->net);

	if (what < 0)
		log_err(what, "cannot read network changes");
	if (what && !d->net_due_ms)
		d->net_due_ms = daemon_monotonic_ms() + NET_SETTLE_MS;
}

int daemon_net_wait(const struct daemon *d)
{
	uint64_t now = daemon_monotonic_ms();

	if (!d->net_due_ms)
		return -1;
	return d->net_due_ms > now ? (int)(d->net_due_ms - now) : 0;
}

void daemon_net_settle(struct daemon *d)
{
	_cleanup_free_ char *error = NULL;
	struct machine machine, old;
	int r;

	d->net_due_ms = 0;
	r = daemon_machine(d->now.set, &machine);
	if (r < 0) {
		log_err(r, "cannot read interfaces and routes; trying again");
		d->net_due_ms = daemon_monotonic_ms() + 2 * NET_SETTLE_MS;
		return;
	}
	if (machine_equal(&machine, &d->machine)) {
		machine_done(&machine);
		daemon_cover(d);
		return;
	}
	old = d->machine;
	d->machine = machine;
	if (daemon_recompile(d, "addresses or routes changed", &error)) {
		log_error("addresses or routes changed, but the policy cannot follow: %s", error);
		machine_done(&d->machine);
		d->machine = old;
		d->net_due_ms = daemon_monotonic_ms() + 20 * NET_SETTLE_MS;
		daemon_set_error(d, TAKE(error));
		return;
	}
	machine_done(&old);
	daemon_cover(d);
}

/* One line that differs when coverage does. */
static char *coverage(struct daemon *d)
{
	struct hook_list hooks = { 0 };
	struct buf b = { 0 };

	if (datapath_hooks(d->dp, &hooks) < 0)
		return NULL;
	for (size_t i = 0; i < hooks.n; i++) {
		const struct hook *h = &hooks.v[i];

		buf_printf(&b, "%s%s: %s", i ? ", " : "", h->ifname, hook_kind_name(h->kind));
		if (!h->alive || h->kind == HOOK_NONE)
			buf_printf(&b, " (NOT COVERED%s%s)", *h->why.text ? ": " : "", h->why.text);
	}
	hook_list_done(&hooks);
	return b.s;
}

void daemon_cover(struct daemon *d)
{
	_cleanup_wants_ struct want_list wants = { 0 };
	struct why why = { "" };
	char *now;
	int r;

	wants_build(d->now.set, &wants);
	r = datapath_cover(d->dp, wants.v, wants.n, &why);
	if (r < 0 || *why.text)
		log_warning("cannot cover all interfaces: %s", *why.text ? why.text : strerror(-r));
	now = coverage(d);
	if (now && (!d->coverage || strcmp(now, d->coverage))) {
		free(d->coverage);
		d->coverage = TAKE(now);
		log_info("%s", d->coverage);
	}
	free(now);
}
