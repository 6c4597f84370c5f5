/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the language has and this version does not enforce. It is an error,
 * never silently ignored. Enforcing a feature means deleting its row.
 */
#include "core/policy_check.h"
#include "core/policy_words.h"

enum feature {
	USES_MAC,
	USES_VENDOR,
	USES_INTERFACE,
	USES_VLAN,
	USES_CITY,
	USES_SERVICE,
	USES_INITIATED,
	USES_PUBLISH,
	USES_RATE,
	USES_PER_MAC,
	USES_QUARANTINE,
	USES_DROP_FOR,
	USES_MARK,
	USES_DETECT,
	USES_ON, /* detail: ON_DETAIL() */
};

#define ON_DETAIL(event, choice) ((unsigned int)(event) << 8 | (unsigned int)(choice))
#define ON_ROW(event, choice)                                                                      \
	{                                                                                          \
		USES_ON, ON_DETAIL(ON_##event, CHOICE_##choice), NULL, NULL                        \
	}

static const struct not_yet {
	enum feature feature;
	unsigned int detail;
	const char *name;
	const char *help; /* what does work */
} not_yet[] = {
	{ USES_MAC, 0, "mac", "use the host's address" },
	{ USES_VENDOR, 0, "vendor",
	  "use the hosts' addresses, or give them a network of their own" },
	{ USES_INTERFACE, 0, "interface", "use the networks behind it" },
	{ USES_VLAN, 0, "vlan", "use the VLAN's network" },
	{ USES_CITY, 0, "city", "use 'country', an AS number, or 'beyond N km'" },
	{ USES_SERVICE, 0, "service", "leave it out: the rule is then about every service" },
	{ USES_INITIATED, 0, "initiated", "leave it out: the rule is then about both" },
	{ USES_PUBLISH, 0, "publish",
	  "write a policy for the host: policy \"web\" { from 10.0.5.10  to any  quota 20 GB per destination each day  at 100% alert }" },
	{ USES_RATE, 0, "rate", "use a quota: quota 1 GB per source each hour" },
	{ USES_PER_MAC, 0, "per mac",
	  "use 'per source': a host on an attached segment is known by its MAC" },
	{ USES_QUARANTINE, 0, "quarantine", "use 'drop'" },
	{ USES_DROP_FOR, 0, "drop for", "use 'drop': it holds until the quota's period ends" },
	{ USES_MARK, 0, "mark", NULL },
	{ USES_DETECT, 0, "detect", "use a policy with a quota and 'at 100% alert'" },
	ON_ROW(DAEMON_STALL, OBSERVE),
	ON_ROW(DAEMON_STALL, OPEN),
	ON_ROW(DAEMON_STALL, CLOSED),
	ON_ROW(SCHEDULE_END, OPEN),
	ON_ROW(SCHEDULE_END, CLOSED),
	ON_ROW(TIME_UNKNOWN, OPEN),
	ON_ROW(TIME_UNKNOWN, CLOSED),
	ON_ROW(TABLE_FULL, DROP),
	ON_ROW(PARSE_FAILURE, DROP),
	ON_ROW(GEO_MISSING, OPEN),
	ON_ROW(GEO_MISSING, CLOSED),
};

static const struct not_yet *find(enum feature feature, unsigned int detail)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_yet); i++)
		if (not_yet[i].feature == feature && not_yet[i].detail == detail)
			return &not_yet[i];
	return NULL;
}

static void uses(struct checker *c, enum feature feature, struct pos pos)
{
	const struct not_yet *row = find(feature, 0);

	if (row)
		check_error(c, pos, row->help,
			    "'%s' is understood but not enforced by this version", row->name);
}

static void atom_uses(struct checker *c, const struct expr *e)
{
	static const struct {
		enum atom_kind kind;
		enum feature feature;
	} rows[] = {
		{ ATOM_MAC, USES_MAC },
		{ ATOM_VENDOR, USES_VENDOR },
		{ ATOM_INTERFACE, USES_INTERFACE },
		{ ATOM_VLAN, USES_VLAN },
		{ ATOM_CITY, USES_CITY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (e->atom.kind == rows[i].kind)
			uses(c, rows[i].feature, e->pos);
}

static void services_use(struct checker *c, const struct service_list *l)
{
	if (l->n)
		uses(c, USES_SERVICE, l->v[0].pos);
}

static void actions_use(struct checker *c, const struct actions *a)
{
	if (a->drop_seconds)
		uses(c, USES_DROP_FOR, a->drop_pos);
	if (a->quarantine_seconds)
		uses(c, USES_QUARANTINE, a->quarantine_pos);
	if (a->has_mark)
		uses(c, USES_MARK, a->mark_pos);
}

static void policy_uses(struct checker *c, const struct policy *p)
{
	services_use(c, &p->services);
	/* `any` is what holds without it */
	if (p->initiated != INITIATED_ANY)
		uses(c, USES_INITIATED, p->initiated_pos);
	for (size_t i = 0; i < p->excepts.n; i++) {
		services_use(c, &p->excepts.v[i].services);
		if (p->excepts.v[i].initiated != INITIATED_ANY)
			uses(c, USES_INITIATED, p->excepts.v[i].initiated_pos);
	}
	for (size_t i = 0; i < p->quotas.n; i++)
		if (p->quotas.v[i].key == CF_KEY_MAC)
			uses(c, USES_PER_MAC, p->quotas.v[i].key_pos);
	for (size_t i = 0; i < p->rates.n; i++)
		uses(c, USES_RATE, p->rates.v[i].pos);
	for (size_t i = 0; i < p->ats.n; i++)
		actions_use(c, &p->ats.v[i].actions);
	actions_use(c, &p->then);
}

void check_features(struct checker *c)
{
	const struct policy_set *set = c->set;

	check_everywhere(c, atom_uses, NULL);
	for (size_t i = 0; i < set->policies.n; i++)
		policy_uses(c, &set->policies.v[i]);
	for (size_t i = 0; i < set->protects.n; i++)
		services_use(c, &set->protects.v[i].services);
	for (size_t i = 0; i < set->exempts.n; i++)
		services_use(c, &set->exempts.v[i].services);
	for (size_t i = 0; i < set->publishes.n; i++)
		uses(c, USES_PUBLISH, set->publishes.v[i].pos);
	for (size_t i = 0; i < set->detects.n; i++)
		uses(c, USES_DETECT, set->detects.v[i].pos);
	for (unsigned int i = 0; i < ON_MAX; i++)
		if (find(USES_ON, ON_DETAIL(i, set->on[i].choice)))
			check_error(c, set->on[i].pos, NULL,
				    "'on %s %s' is understood but not enforced by this version",
				    words_on[i].event, word_of(words_choices, set->on[i].choice));
}
