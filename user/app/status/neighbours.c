/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `status` and `doctor` say of those who handle packets beside us, and perhaps past us. */
#include "app/status/neighbours.h"

#include <string.h>

#include "app/show/json_util.h"
#include "app/show/table.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "port/chain.h"
#include "port/devices.h"
#include "port/neighbours.h"
#include "port/netlink.h"

struct scene {
	const struct hook_list *hooks;
	struct device_list devices;
	json_t *list;   /* "neighbours" */
	json_t *status; /* for problems */
};

/* How much of what such a neighbour handles we do not see. */
enum past { PAST_NOTHING, PAST_PERHAPS, PAST_US };
static const char *const past_names[] = {
	[PAST_NOTHING] = "no", [PAST_PERHAPS] = "perhaps", [PAST_US] = "yes"
};

/* Takes `what` over. `advice` is needed for what goes past us. */
static void tell(struct scene *s, const char *kind, const char *device, enum past past, char *what,
		 const char *advice)
{
	json_array_append_new(s->list, json_pack("{s:s, s:o, s:s, s:o}", "kind", kind, "interface",
						 json_text(device), "past_us", past_names[past],
						 "what", json_text(what)));
	if (past == PAST_US)
		status_problem(s->status, what, advice);
	else
		free(what);
}

static const struct hook *hook_on(const struct scene *s, uint32_t ifindex)
{
	for (size_t i = 0; i < s->hooks->n; i++)
		if (ifindex && s->hooks->v[i].ifindex == ifindex)
			return &s->hooks->v[i];
	return NULL;
}

static bool hooked_as(const struct scene *s, uint32_t ifindex, enum cf_if_role role)
{
	for (size_t i = 0; i < s->hooks->n; i++)
		if (ifindex && s->hooks->v[i].ifindex == ifindex && s->hooks->v[i].role == role)
			return true;
	return false;
}

/* ---- in our own chains --------------------------------------------------- */

static void chain(struct scene *s, const struct hook *h)
{
	if (h->alive && h->position)
		tell(s, "tcx", h->ifname, PAST_US,
		     xprintf("on %s program '%s' (id %u) is before ours: what it lets pass or takes "
			     "away, we do not see",
			     h->ifname, h->first, h->first_id),
		     "the daemon goes back to the front unless 'on displaced report' is configured; "
		     "else have that program attached after ours");
	if (*h->renamed)
		tell(s, "renamed", h->ifname, PAST_US,
		     xprintf("%s is called %s now; it stays covered until that name is another's",
			     h->ifname, h->renamed),
		     "name the interface as it is called in the configuration, then: curfew reload");
}

static void filters(struct scene *s, const struct hook *h)
{
	bool egress = h->role == CF_IF_OUTSIDE;
	struct tc_filter_list l = { 0 };

	if (!h->ifindex || tc_filters_read(h->ifindex, egress, &l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		const struct tc_filter *f = &l.v[i];

		if (f->in_hardware)
			tell(s, "tc-hardware", h->ifname, PAST_US,
			     xprintf("on %s a %s filter (priority %u) runs in the hardware: what it "
				     "forwards, we do not see",
				     h->ifname, f->kind, f->priority),
			     "add the filter with skip_hw, or: ethtool -K INTERFACE hw-tc-offload off");
		else if (f->before_ours)
			tell(s, "tc-filter", h->ifname, PAST_US,
			     xprintf("on %s a %s filter (priority %u) is before ours: what it "
				     "redirects or drops, we do not see",
				     h->ifname, f->kind, f->priority),
			     "give that filter a higher number as its priority");
		else
			tell(s, "tc-filter", h->ifname, PAST_NOTHING,
			     xprintf("on %s a %s filter (priority %u) comes after ours", h->ifname,
				     f->kind, f->priority),
			     NULL);
	}
	free(l.v);
}

/* ---- XDP ------------------------------------------------------------------- */

static bool is_ours(const struct scene *s, uint32_t prog_id)
{
	for (size_t i = 0; i < s->hooks->n; i++)
		if (s->hooks->v[i].kind == HOOK_XDP && s->hooks->v[i].prog_id == prog_id)
			return true;
	return false;
}

static void xdp(struct scene *s, const struct device *d)
{
	char name[16];

	if (!d->xdp_prog || is_ours(s, d->xdp_prog))
		return;
	chain_prog_name(d->xdp_prog, name);
	switch (xdp_redirects(d->xdp_prog)) {
	case XDP_REDIRECTS_YES:
		tell(s, "xdp", d->name, PAST_US,
		     xprintf("XDP program '%s' (id %u) on %s can redirect packets past us", name,
			     d->xdp_prog, d->name),
		     "what it redirects to an outside interface or to AF_XDP is neither counted nor "
		     "stopped: have it leave what goes out to the kernel");
		return;
	case XDP_REDIRECTS_UNKNOWN:
		tell(s, "xdp", d->name, PAST_PERHAPS,
		     xprintf("XDP program '%s' (id %u) on %s runs before us; whether it redirects "
			     "packets, the kernel does not tell",
			     name, d->xdp_prog, d->name),
		     NULL);
		return;
	case XDP_REDIRECTS_NO:
		tell(s, "xdp", d->name, PAST_NOTHING,
		     xprintf("XDP program '%s' (id %u) on %s runs before us; it does not redirect",
			     name, d->xdp_prog, d->name),
		     NULL);
	}
}

static void sockets(struct scene *s)
{
	struct xdp_socket_list l = { 0 };
	size_t unnamed = 0;

	if (xdp_sockets_read(&l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		const struct device *d = device_find(&s->devices, l.v[i].ifindex);

		unnamed += !d;
		if (d)
			tell(s, "af-xdp", d->name, hook_on(s, d->ifindex) ? PAST_US : PAST_PERHAPS,
			     xprintf("an AF_XDP socket is bound to %s, queue %u: what it receives and "
				     "sends, we do not see",
				     d->name, l.v[i].queue),
			     "find the program with: ss --xdp -p");
	}
	if (unnamed)
		tell(s, "af-xdp", NULL, PAST_US,
		     xprintf("%zu AF_XDP sockets are open; to which interfaces they are bound, this "
			     "kernel does not tell",
			     unnamed),
		     "what they send by an outside interface is neither counted nor stopped");
	free(l.v);
}

/* ---- forwarding by others ----------------------------------------------------- */

static void flowtables(struct scene *s)
{
	struct flowtable_list l = { 0 };

	if (flowtables_read(&l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		const struct flowtable *f = &l.v[i];

		if (f->hardware)
			tell(s, "flowtable-hardware", NULL, PAST_US,
			     xprintf("flowtable '%s' of table '%s' (%s) lets the hardware forward: "
				     "what it forwards, we do not see",
				     f->name, f->table, f->devices),
			     "take 'flags offload' out of the flowtable");
		else
			tell(s, "flowtable", NULL, PAST_NOTHING,
			     xprintf("flowtable '%s' of table '%s' (%s) forwards behind our inside "
				     "hooks and before our outside hooks: both still see all",
				     f->name, f->table, f->devices),
			     NULL);
	}
	free(l.v);
}

static void offload(struct scene *s, const struct device *d)
{
	if (d->tc_offload && hook_on(s, d->ifindex))
		tell(s, "hw-tc-offload", d->name, PAST_PERHAPS,
		     xprintf("%s may forward in hardware (hw-tc-offload is on); no rule that does is "
			     "known",
			     d->name),
		     NULL);
}

/* Between two ports of a bridge nothing is routed: it comes in by a port without our inside hook.
 */
static void bridge(struct scene *s, const struct device *out)
{
	const struct device *master = device_find(&s->devices, out->master);

	if (!device_is(master, "bridge") || !hooked_as(s, out->ifindex, CF_IF_OUTSIDE))
		return;
	for (size_t i = 0; i < s->devices.n; i++) {
		const struct device *d = &s->devices.v[i];

		if (d->master != master->ifindex || d->ifindex == out->ifindex ||
		    hooked_as(s, d->ifindex, CF_IF_INSIDE))
			continue;
		tell(s, "bridge", d->name, PAST_US,
		     xprintf("%s and %s (outside) are ports of the bridge %s: what is bridged between "
			     "them comes from no inside interface",
			     d->name, out->name, master->name),
		     "policies with 'from inside' do not match it: name the ports as inside and "
		     "outside, or route instead");
	}
}

/* ---- other ways out ------------------------------------------------------------- */

/* Its packets leave once more, by another device, and are seen there. */
static bool is_tunnel(const struct device *d)
{
	static const char *const kinds[] = { "wireguard", "tun",  "gre",    "gretap", "ip6gre",
					     "ip6gretap", "ipip", "ip6tnl", "sit",    "vti",
					     "vti6",      "xfrm", "vxlan",  "geneve" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (device_is(d, kinds[i]))
			return true;
	return false;
}

/* What leaves by the device meets an outside hook: on it, on what carries it, or on all its ports.
 */
static bool leaves_by_us(const struct scene *s, const struct device *d, int depth)
{
	size_t ports = 0, seen = 0;

	if (!d || depth > DEVICE_DEPTH_MAX)
		return false;
	if (hooked_as(s, d->ifindex, CF_IF_OUTSIDE))
		return true;
	if (d->lower && leaves_by_us(s, device_find(&s->devices, d->lower), depth + 1))
		return true;
	for (size_t i = 0; i < s->devices.n; i++)
		if (s->devices.v[i].master == d->ifindex) {
			ports++;
			seen += leaves_by_us(s, &s->devices.v[i], depth + 1);
		}
	return ports && seen == ports;
}

/* By two routes, of two families, it is one way out. */
static bool told_exit(const struct scene *s, const struct device *d)
{
	const json_t *v;
	size_t i;

	json_array_foreach(s->list, i, v)
	{
		const char *kind = json_get_text(v, "kind"), *name = json_get_text(v, "interface");

		if (name && !strcmp(kind, "exit") && !strcmp(name, d->name))
			return true;
	}
	return false;
}

/* Half of all addresses, or 2000::/3, is as good as all: that is how VPNs say it. */
static bool is_default(const struct prefix *p)
{
	return addr_is4(&p->addr) ? p->bits <= 97 : p->bits <= 3;
}

static void exits(struct scene *s)
{
	_cleanup_net_state_ struct net_state net = { 0 };

	if (net_state_read(&net) < 0)
		return;
	for (size_t i = 0; i < net.routes.n; i++) {
		const struct net_route *r = &net.routes.v[i];
		const struct device *d = device_find(&s->devices, r->ifindex);

		if (r->local || !is_default(&r->dst) || !d || r->dst.addr.b[0] == 0xff)
			continue;
		/* nothing leaves the machine by these */
		if (device_is_loopback(d) || device_is(d, "dummy"))
			continue;
		if (told_exit(s, d) || leaves_by_us(s, d, 0))
			continue;
		if (is_tunnel(d))
			tell(s, "exit", d->name, PAST_NOTHING,
			     xprintf("a default route leaves by %s: its carrier is what the outside "
				     "hooks see",
				     d->name),
			     NULL);
		else
			tell(s, "exit", d->name, PAST_US,
			     xprintf("a default route leaves by %s, which is not an outside interface",
				     d->name),
			     "name it with 'outside', then: curfew reload");
	}
}

void status_neighbours(const struct hook_list *hooks, json_t *status)
{
	struct scene s = { .hooks = hooks, .list = json_array(), .status = status };

	json_object_set_new(status, "neighbours", s.list);
	for (size_t i = 0; i < hooks->n; i++) {
		chain(&s, &hooks->v[i]);
		filters(&s, &hooks->v[i]);
	}
	if (devices_read(&s.devices) < 0)
		return;
	for (size_t i = 0; i < s.devices.n; i++) {
		if (hook_on(&s, s.devices.v[i].ifindex))
			device_features(&s.devices.v[i]);
		xdp(&s, &s.devices.v[i]);
		offload(&s, &s.devices.v[i]);
		bridge(&s, &s.devices.v[i]);
	}
	sockets(&s);
	flowtables(&s);
	if (hooks->n)
		exits(&s);
	device_list_done(&s.devices);
}

void status_print_neighbours(const json_t *status)
{
	const json_t *v;
	size_t i, n = 0;

	json_array_foreach(json_object_get(status, "neighbours"), i, v)
	{
		_cleanup_free_ char *what = NULL;

		/* the others are among the problems */
		if (!strcmp(json_get_text(v, "past_us"), "yes"))
			continue;
		what = text_safe(json_get_text(v, "what"));
		printf("%s%-12s%s\n", n ? "" : "\n", n ? "" : "neighbours", what);
		n++;
	}
}
