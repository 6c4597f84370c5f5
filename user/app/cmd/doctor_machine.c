/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How this machine is set up: configuration, hooks, neighbours, databases. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/cmd/doctor.h"
#include "app/show/json_util.h"
#include "app/show/show.h"
#include "app/status/neighbours.h"
#include "base/buf.h"
#include "core/policy/words.h"
#include "port/devices.h"
#include "port/kernel_facts.h"

#define DATABASE_DAYS 180

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_get_text(o, name);

	return s ? s : "";
}

static void daemon_runs(struct doctor *d)
{
	static const char *const advice = "curfew run, or: systemctl start curfew";
	const json_t *daemon = json_object_get(d->status, "daemon");
	_cleanup_free_ char *since = show_time(json_get_text(daemon, "since"));

	if (!d->status)
		doctor_say(d, HEALTH_FAIL, "daemon", advice,
			   "is not running, and nothing is attached");
	else if (!json_is_true(json_object_get(daemon, "running")))
		doctor_say(d, HEALTH_FAIL, "daemon", advice,
			   "is not running; the kernel goes on as it was told");
	else
		doctor_say(d, HEALTH_OK, "daemon", NULL, "runs since %s", since);
}

/* ---- hooks ----------------------------------------------------------------- */

static void hooks(struct doctor *d)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(d->status, "hooks"), i, v)
	{
		uint64_t before = json_get_count(v, "position");
		const char *name = text(v, "interface"), *role = text(v, "role");

		if (!json_is_true(json_object_get(v, "covered")))
			doctor_say(
				d, HEALTH_FAIL, "hook",
				"traffic through it is neither counted nor stopped; the daemon's "
				"log says why",
				"%s (%s) is not covered", name, role);
		else if (*text(v, "seen_at"))
			doctor_say(d, HEALTH_OK, "hook", NULL, "%s (%s): %s", name, role,
				   text(v, "why"));
		else if (before)
			doctor_say(d, HEALTH_OK, "hook", NULL,
				   "%s (%s): %s, after %llu other program%s", name, role,
				   text(v, "hook"), (unsigned long long)before,
				   before == 1 ? "" : "s");
		else
			doctor_say(d, HEALTH_OK, "hook", NULL, "%s (%s): %s, first in the chain",
				   name, role, text(v, "hook"));
	}
}

static bool has_native_xdp(const struct doctor *d, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(d->status, "hooks"), i, v)
	{
		if (!strcmp(text(v, "interface"), name) && !strcmp(text(v, "hook"), "native XDP"))
			return true;
	}
	return false;
}

static void one_wanted(struct doctor *d, const struct device_list *devices, const char *name,
		       const char *role)
{
	const struct device *found = device_named(devices, name);
	unsigned int queues = device_rx_queues(name);
	struct device dev;

	if (!found) {
		doctor_say(
			d, HEALTH_WARN, "interface",
			"correct the name, or wait for the device: it is covered when it appears",
			"%s (%s) does not exist", name, role);
		return;
	}
	dev = *found;
	device_features(&dev);
	doctor_say(d, HEALTH_OK, "interface", NULL, "%s (%s): %s, %s, %u receive queue%s%s", name,
		   role, *dev.kind ? dev.kind : "hardware", dev.up ? "up" : "down", queues,
		   queues == 1 ? "" : "s",
		   queues == 1 && !*dev.kind ? ": one CPU handles all that comes in (see RPS)"
					     : "");
	/* `auto` takes it all the same: there a program sees what a NIC's would */
	if (device_is(&dev, "veth") && has_native_xdp(d, name))
		doctor_say(
			d, HEALTH_WARN, "interface",
			"where much TCP comes in by it: inside INTERFACE xdp never",
			"%s is a veth with native XDP: what sends to it has to cut TCP into packets, "
			"and each is copied, three times the CPU of TC ingress",
			name);
	if (dev.aggregates)
		doctor_say(
			d, HEALTH_WARN, "interface", "ethtool -K INTERFACE lro off",
			"%s joins packets before any program sees them (LRO): their number is not "
			"what the wire carried",
			name);
	if (dev.tc_offload)
		doctor_say(
			d, HEALTH_WARN, "interface",
			"if no rule needs it: ethtool -K INTERFACE hw-tc-offload off",
			"%s may forward in hardware (hw-tc-offload is on): what it forwards so, we "
			"do not see",
			name);
}

/* A strict filter drops what is forged before it gets further than our hook. */
static void sources_checked(struct doctor *d, const char *name)
{
	int filter = device_rp_filter(name);

	if (filter == 1)
		doctor_say(d, HEALTH_OK, "sources", NULL,
			   "%s: the kernel drops IPv4 packets whose source is not routed there "
			   "(rp_filter)",
			   name);
	else if (filter >= 0)
		doctor_say(
			d, HEALTH_WARN, "sources",
			"where routes are symmetric: sysctl net.ipv4.conf.INTERFACE.rp_filter=1; "
			"and in nftables, for IPv6 too: fib saddr . iif oif missing drop",
			"%s: the kernel forwards packets whose source is made up (rp_filter is %d); "
			"they are counted as foreign sources",
			name, filter);
}

static void wanted(struct doctor *d)
{
	_cleanup_device_list_ struct device_list devices = { 0 };

	if (!d->set || devices_read(&devices) < 0)
		return;
	for (size_t i = 0; i < d->set->inside.n; i++)
		one_wanted(d, &devices, d->set->inside.v[i].name, "inside");
	for (size_t i = 0; i < d->set->inside.n; i++)
		sources_checked(d, d->set->inside.v[i].name);
	for (size_t i = 0; i < d->set->outside.n; i++)
		one_wanted(d, &devices, d->set->outside.v[i].name, "outside");
}

/* ---- neighbours --------------------------------------------------------------- */

static void want_hooks(struct hook_list *list, const struct name_list *names, enum cf_if_role role)
{
	for (size_t i = 0; i < names->n; i++) {
		struct hook h = { .role = role, .ifindex = if_nametoindex(names->v[i].name) };

		strncpy(h.ifname, names->v[i].name, sizeof(h.ifname) - 1);
		*VEC_ADD(list) = h;
	}
}

/* Nothing is attached: then what would be. */
static json_t *look_around(const struct policy_set *set)
{
	struct hook_list list = { 0 };
	json_t *o = json_object();

	if (set) {
		want_hooks(&list, &set->inside, CF_IF_INSIDE);
		want_hooks(&list, &set->outside, CF_IF_OUTSIDE);
	}
	status_neighbours(&list, o);
	hook_list_done(&list);
	return o;
}

static const char *advice_for(const json_t *problems, const char *what)
{
	const json_t *v;
	size_t i;

	json_array_foreach(problems, i, v) if (!strcmp(text(v, "what"), what)) return text(v, "do");
	return NULL;
}

static void say_neighbours(struct doctor *d, const json_t *seen)
{
	const json_t *list = json_object_get(seen, "neighbours"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *past = text(v, "past_us"), *what = text(v, "what");

		if (!strcmp(past, "yes"))
			doctor_say(d, HEALTH_FAIL, "neighbour",
				   advice_for(json_object_get(seen, "problems"), what), "%s", what);
		else if (!strcmp(past, "perhaps"))
			doctor_say(d, HEALTH_WARN, "neighbour",
				   "make sure that it takes nothing past us: docs/threat-model.md",
				   "%s", what);
		else
			doctor_say(d, HEALTH_OK, "neighbour", NULL, "%s", what);
	}
	if (!json_array_size(list))
		doctor_say(d, HEALTH_OK, "neighbour", NULL,
			   "nobody else is known to handle packets past us");
}

static void neighbours(struct doctor *d)
{
	json_t *own = d->status ? NULL : look_around(d->set);

	say_neighbours(d, own ? own : d->status);
	json_decref(own);
}

/* ---- databases and the rest ------------------------------------------------------ */

/* ", its data is 151 days old", as the daemon has read it; NULL: it runs not, or does not know. */
static char *data_age(const struct doctor *d, enum geo_kind kind)
{
	const json_t *list = json_object_get(d->status, "databases"), *v, *age;
	const struct word *w = words_geo;
	size_t i;

	while (w->word && w->value != kind)
		w++;
	json_array_foreach(list, i, v)
	{
		age = json_object_get(v, "age_days");
		if (w->word && !strcmp(text(v, "kind"), w->word) && json_is_integer(age))
			return xprintf(", its data is %lld days old",
				       (long long)json_integer_value(age));
	}
	return NULL;
}

static void databases(struct doctor *d)
{
	time_t now = time(NULL);

	for (size_t i = 0; d->set && i < d->set->geo.n; i++) {
		const char *path = d->set->geo.v[i].path;
		_cleanup_free_ char *age = data_age(d, d->set->geo.v[i].kind);
		struct stat st;
		long days;

		if (stat(path, &st) < 0) {
			doctor_say(d, HEALTH_FAIL, "database",
				   "put the file there, or: curfew geo build", "%s: %s", path,
				   strerror(errno));
			continue;
		}
		days = (long)((now - st.st_mtime) / 86400);
		doctor_say(d, days > DATABASE_DAYS ? HEALTH_WARN : HEALTH_OK, "database",
			   days > DATABASE_DAYS ? "replace the file, then: curfew reload" : NULL,
			   "%s: put there %ld days ago%s", path, days < 0 ? 0 : days,
			   age ? age : "");
	}
}

/* Those without are among the problems. */
static void cpus(struct doctor *d)
{
	const json_t *sizes = json_object_get(d->status, "sizes");
	json_int_t with = json_integer_value(json_object_get(sizes, "cpus"));
	json_int_t online = json_integer_value(json_object_get(sizes, "cpus_online"));
	_cleanup_free_ char *gone = NULL;

	if (!online || json_integer_value(json_object_get(sizes, "cpus_without")))
		return;
	if (with > online)
		gone = xprintf("; %lld offline, with what %s counted", (long long)(with - online),
			       with - online == 1 ? "it has" : "they have");
	doctor_say(d, HEALTH_OK, "cpus", NULL,
		   "%lld online, each with its part of the pair table%s", (long long)online,
		   gone ? gone : "");
}

/* What status says beside hooks and neighbours, which have lines of their own. */
static void other_problems(struct doctor *d)
{
	const json_t *list = json_object_get(d->status, "problems"), *v, *n;
	size_t i, k;

	json_array_foreach(list, i, v)
	{
		const char *what = text(v, "what");
		bool said = strstr(what, "is not covered") || strstr(what, "daemon is not running");

		json_array_foreach(json_object_get(d->status, "neighbours"), k, n) said |=
			!strcmp(text(n, "what"), what);
		if (!said)
			doctor_say(d, HEALTH_FAIL, "status", text(v, "do"), "%s", what);
	}
}

void doctor_machine(struct doctor *d)
{
	daemon_runs(d);
	wanted(d);
	hooks(d);
	neighbours(d);
	databases(d);
	cpus(d);
	other_problems(d);
}
