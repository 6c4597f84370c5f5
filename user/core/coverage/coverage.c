/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/coverage/coverage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/coverage/hook.h"

struct decision {
	const struct coverage_want *wants;
	size_t n;
	const struct device_list *devices;
	bool *hooked[CF_IF_OUTSIDE + 1]; /* by role; one element per device */
	bool any_outside;
	struct coverage *ret;
};

static const struct device *device_of(const struct decision *d, size_t i)
{
	return device_find(d->devices, d->wants[i].ifindex);
}

static bool named(const struct decision *d, const struct device *dev, enum cf_if_role role)
{
	for (size_t i = 0; dev && i < d->n; i++)
		if (d->wants[i].ifindex == dev->ifindex && d->wants[i].role == role)
			return true;
	return false;
}

static void set_hooked(struct decision *d, size_t i, bool hooked)
{
	const struct device *dev = device_of(d, i);

	d->hooked[d->wants[i].role][dev - d->devices->v] = hooked;
}

/* What is too long is cut. */
static void _printf_(3, 4) say(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, size, fmt, ap);
	va_end(ap);
}

static void refuse(struct decision *d, size_t i, const char *why)
{
	struct coverage *c = &d->ret[i];

	c->state = COVERAGE_REFUSED;
	c->hook = COVERAGE_NONE;
	say(c->why, sizeof(c->why), "%s", why);
	set_hooked(d, i, false);
}

static void seen_at(struct decision *d, size_t i, const char *at, const char *why)
{
	struct coverage *c = &d->ret[i];

	c->state = COVERAGE_ELSEWHERE;
	c->hook = COVERAGE_NONE;
	say(c->at, sizeof(c->at), "%s", at);
	say(c->why, sizeof(c->why), "seen at %s, %s", at, why);
	set_hooked(d, i, false);
}

static void warn(struct coverage *c, const char *text)
{
	size_t n = strlen(c->warning);

	say(c->warning + n, sizeof(c->warning) - n, "%s%s", n ? "; " : "", text);
}

/*
 * Not hooked, because in part is not at all: the outside hook then judges all of
 * it, once. Where there is no outside hook, a part is better than nothing.
 */
static void refuse_part(struct decision *d, size_t i, const char *why)
{
	if (d->any_outside)
		refuse(d, i, why);
	else
		warn(&d->ret[i], why);
}

/* "eth1, eth2 and 3 more", of parts that `want` accepts; 0: there are none. */
static size_t list_parts(const struct decision *d, const struct device *master,
			 bool (*want)(const struct decision *, const struct device *), char *out,
			 size_t size)
{
	size_t count = 0;

	*out = 0;
	for (size_t i = 0; i < d->devices->n; i++) {
		const struct device *part = &d->devices->v[i];

		if (part->master != master->ifindex || !want(d, part))
			continue;
		if (count++ < 3)
			say(out + strlen(out), size - strlen(out), "%s%s", *out ? ", " : "",
			    part->name);
	}
	if (count > 3)
		say(out + strlen(out), size - strlen(out), " and %zu more", count - 3);
	return count;
}

static bool is_inside_part(const struct decision *d, const struct device *part)
{
	return named(d, part, CF_IF_INSIDE);
}

static bool is_outside_part(const struct decision *d, const struct device *part)
{
	return named(d, part, CF_IF_OUTSIDE);
}

static bool has_part(const struct decision *d, const struct device *master,
		     bool (*want)(const struct decision *, const struct device *))
{
	char names[COVERAGE_TEXT];

	return list_parts(d, master, want, names, sizeof(names)) > 0;
}

static bool is_missing_part(const struct decision *d, const struct device *part)
{
	return !named(d, part, CF_IF_INSIDE) && !named(d, part, CF_IF_OUTSIDE) &&
	       !device_seen(d->devices, d->hooked[CF_IF_INSIDE], d->hooked[CF_IF_OUTSIDE], part);
}

/*
 * A bridge with hosts on one side and the world on the other: what it bridges
 * never comes to the bridge device itself, so its ports are what counts.
 */
static bool is_transparent(const struct decision *d, const struct device *bridge)
{
	return has_part(d, bridge, is_inside_part) && has_part(d, bridge, is_outside_part);
}

/* Devices at which there is nothing to see. */
static const char *blind(const struct decision *d, const struct device *dev,
			 char out[COVERAGE_TEXT])
{
	if (device_is_loopback(dev))
		return "nothing enters or leaves by the loopback";
	if (device_is(dev, "vrf"))
		return "a VRF takes packets over after the hooks: name the interfaces that are in it";
	for (size_t i = 0; i < d->devices->n; i++) {
		const struct device *port = &d->devices->v[i];

		if (!device_is(port, "dsa") || port->lower != dev->ifindex)
			continue;
		say(out, COVERAGE_TEXT,
		    "its frames carry the tags of a switch chip: name the switch's ports, as %s",
		    port->name);
		return out;
	}
	return NULL;
}

static void decide_blind(struct decision *d)
{
	char text[COVERAGE_TEXT];

	for (size_t i = 0; i < d->n; i++) {
		const struct device *dev = device_of(d, i);
		struct coverage *c = &d->ret[i];
		const char *why;

		if (!dev) {
			c->state = COVERAGE_WAITING;
			say(c->why, sizeof(c->why), "there is no such device yet");
			continue;
		}
		why = blind(d, dev, text);
		if (why)
			refuse(d, i, why);
		else
			set_hooked(d, i, true);
	}
}

/* Parts of bonds and bridges, and bridges whose ports are better. */
static void decide_part(struct decision *d, size_t i)
{
	const struct device *dev = device_of(d, i), *master = device_find(d->devices, dev->master);
	enum cf_if_role role = d->wants[i].role;
	char why[COVERAGE_TEXT], names[COVERAGE_TEXT];

	if (device_is_bond(master)) {
		if (named(d, master, role)) {
			seen_at(d, i, master->name, "which it is part of");
			return;
		}
		say(why, sizeof(why), "it is part of %s: write '%s %s' instead", master->name,
		    role == CF_IF_INSIDE ? "inside" : "outside", master->name);
		if (role == CF_IF_INSIDE)
			refuse_part(d, i, why);
		else
			warn(&d->ret[i], why);
		return;
	}
	if (device_is(dev, "bridge") && is_transparent(d, dev)) {
		list_parts(d, dev, role == CF_IF_INSIDE ? is_inside_part : is_outside_part, names,
			   sizeof(names));
		if (role == CF_IF_OUTSIDE || !has_part(d, dev, is_missing_part)) {
			/* one name is what fits, and what a reader can look up */
			names[strcspn(names, ",")] = 0;
			seen_at(d, i, names, "a port of this bridge between inside and outside");
		}
		return;
	}
	if (!device_is(master, "bridge"))
		return;
	if (named(d, master, role) && !is_transparent(d, master)) {
		seen_at(d, i, master->name, "the bridge it is a port of");
		return;
	}
	if (role != CF_IF_INSIDE || !list_parts(d, master, is_missing_part, names, sizeof(names)))
		return;
	say(why, sizeof(why), "only some ports of bridge %s are named: add %s, or name %s",
	    master->name, names, master->name);
	refuse_part(d, i, why);
}

/* One of those at which a device that is seen is seen. */
static const struct device *first_below(const struct decision *d, const struct device *dev)
{
	for (int depth = 0; depth <= DEVICE_DEPTH_MAX; depth++) {
		const struct device *next = NULL;

		if (d->hooked[CF_IF_INSIDE][dev - d->devices->v])
			return dev;
		if (device_is_on_lower(dev))
			next = device_find(d->devices, dev->lower);
		for (size_t i = 0; !next && i < d->devices->n; i++)
			if (d->devices->v[i].master == dev->ifindex)
				next = &d->devices->v[i];
		if (!next)
			break;
		dev = next;
	}
	return dev;
}

/* What is hooked in that role and carries it. */
static const struct device *hooked_carrier(const struct decision *d, const struct device *dev,
					   enum cf_if_role role)
{
	for (int depth = 0; device_is_on_lower(dev) && depth < DEVICE_DEPTH_MAX; depth++) {
		dev = device_find(d->devices, dev->lower);
		if (!dev)
			return NULL;
		if (d->hooked[role][dev - d->devices->v])
			return dev;
	}
	return NULL;
}

/* VLANs and the like on what is hooked itself: down there, tags and all, once. */
static void decide_lower(struct decision *d, size_t i)
{
	const struct device *dev = device_of(d, i), *carrier;
	enum cf_if_role role = d->wants[i].role;
	bool *hooked = d->hooked[role];

	carrier = hooked_carrier(d, dev, role);
	if (carrier) {
		seen_at(d, i, carrier->name, "which carries it");
		return;
	}
	if (role != CF_IF_INSIDE)
		return;
	/* a bridge of VLANs of a trunk that is hooked, and the like */
	hooked[dev - d->devices->v] = false;
	if (device_seen(d->devices, hooked, d->hooked[CF_IF_OUTSIDE], dev))
		seen_at(d, i, first_below(d, dev)->name, "which is below it");
	else
		hooked[dev - d->devices->v] = true;
}

/* What is on it that the hook cannot tell from the rest, or not all of which passes here. */
static void warn_above(struct decision *d, size_t i)
{
	const struct device *dev = device_of(d, i);
	char text[COVERAGE_TEXT];

	for (size_t k = 0; k < d->devices->n; k++) {
		const struct device *up = &d->devices->v[k];

		if (up->lower != dev->ifindex || !device_is_on_lower(up))
			continue;
		if (named(d, up, CF_IF_OUTSIDE)) {
			say(text, sizeof(text),
			    "%s, which is outside, comes in by it too: name what else is on it instead",
			    up->name);
			warn(&d->ret[i], text);
		} else if (up->siblings) {
			say(text, sizeof(text),
			    "%s on it takes packets from its siblings too: what comes in by %s is "
			    "judged again where it leaves",
			    up->name, up->name);
			warn(&d->ret[i], text);
		}
	}
}

static void decide_hook(struct decision *d, size_t i)
{
	const struct device *dev = device_of(d, i);

	if (d->wants[i].role == CF_IF_INSIDE)
		warn_above(d, i);
	else if (device_is(dev, "bridge") && has_part(d, dev, is_inside_part))
		warn(&d->ret[i], "what it bridges by itself is not seen: name its outer ports");
	if (dev->tc_offload)
		warn(&d->ret[i], "hw-tc-offload is on: what the hardware forwards is not seen");
	coverage_choose(&d->wants[i], dev, d->devices, &d->ret[i]);
}

void coverage_decide(const struct coverage_want *wants, size_t n, const struct device_list *devices,
		     struct coverage *ret)
{
	struct decision d = { .wants = wants, .n = n, .devices = devices, .ret = ret };

	for (int role = 0; role <= CF_IF_OUTSIDE; role++)
		d.hooked[role] = xcalloc(devices->n + 1, sizeof(bool));
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct coverage){ 0 };
		d.any_outside |= wants[i].role == CF_IF_OUTSIDE;
	}
	decide_blind(&d);
	/* parts first: a VLAN on a port that is not hooked must be hooked itself */
	for (size_t i = 0; i < n; i++)
		if (ret[i].state == COVERAGE_HOOKED)
			decide_part(&d, i);
	for (size_t i = 0; i < n; i++)
		if (ret[i].state == COVERAGE_HOOKED)
			decide_lower(&d, i);
	for (size_t i = 0; i < n; i++)
		if (ret[i].state == COVERAGE_HOOKED)
			decide_hook(&d, i);
	for (int role = 0; role <= CF_IF_OUTSIDE; role++)
		free(d.hooked[role]);
}

const char *coverage_text(const struct coverage *c, char *out, size_t size)
{
	static const char *const hooks[] = {
		[COVERAGE_NONE] = "no hook",
		[COVERAGE_XDP] = "native XDP",
		[COVERAGE_TC_INGRESS] = "TC ingress",
		[COVERAGE_TC_EGRESS] = "TC egress",
	};

	if (c->state == COVERAGE_HOOKED)
		say(out, size, "%s: %s", hooks[c->hook], c->why);
	else
		say(out, size, "%s%s", c->state == COVERAGE_REFUSED ? "NOT COVERED: " : "", c->why);
	return out;
}
