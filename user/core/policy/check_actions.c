/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy does: rates, and actions that last for a time. */
#include <string.h>

#include "core/policy/check.h"

#define FOR_MAX (366ULL * 86400)
/* What the kernel hands over in one piece where it puts frames together. */
#define AGGREGATE 65536

static bool knows_source(enum cf_key_kind key)
{
	return key == CF_KEY_SOURCE || key == CF_KEY_PAIR || key == CF_KEY_MAC;
}

static void check_quarantine(struct checker *c, const struct policy *p, const struct actions *a)
{
	bool ok = false;

	if (!a->quarantine_seconds)
		return;
	for (size_t i = 0; i < p->quotas.n; i++)
		ok |= knows_source(p->quotas.v[i].key);
	for (size_t i = 0; i < p->rates.n; i++)
		ok |= knows_source(p->rates.v[i].key);
	if (!ok)
		check_error(c, a->quarantine_pos, "add a quota per source, pair or mac",
			    "'quarantine source' needs a quota that knows the source");
}

static void check_time(struct checker *c, struct pos pos, uint64_t seconds, const char *what)
{
	if (seconds > FOR_MAX)
		check_error(c, pos, NULL, "'%s' is for 366 days at most", what);
}

static void check_actions(struct checker *c, const struct policy *p, const struct actions *a)
{
	check_quarantine(c, p, a);
	check_time(c, a->drop_pos, a->drop_seconds, "drop for");
	check_time(c, a->quarantine_pos, a->quarantine_seconds, "quarantine source for");
	if (a->has_mark && !a->mark)
		check_error(c, a->mark_pos, "write: mark 0x10", "a mark of 0 marks nothing");
}

static void check_same_rate(struct checker *c, const struct policy *p, size_t i)
{
	struct buf mine = { 0 };

	policy_print_rate(&p->rates.v[i], &mine);
	for (size_t k = 0; k < i; k++) {
		struct buf other = { 0 };

		policy_print_rate(&p->rates.v[k], &other);
		if (!strcmp(buf_text(&mine), buf_text(&other)))
			check_error(c, p->rates.v[i].pos, NULL, "this rate is in line %u already",
				    p->rates.v[k].pos.line);
		buf_done(&other);
	}
	buf_done(&mine);
}

static unsigned int drop_percent(const struct policy *p)
{
	for (size_t i = 0; i < p->ats.n; i++)
		if (p->ats.v[i].actions.drop)
			return p->ats.v[i].percent;
	return 0;
}

static void check_rate(struct checker *c, const struct policy *p, size_t i)
{
	const struct rate *r = &p->rates.v[i];
	uint64_t room = r->burst_bytes / 100 * drop_percent(p);

	if (r->bits_per_second < CF_RATE_BITS_MIN)
		check_error(c, r->pos, "use a quota for what is that slow",
			    "a rate is at least 1 kbit/s");
	if (r->bits_per_second > CF_RATE_BITS_MAX)
		check_error(c, r->pos, NULL, "a rate is at most 1000 Gbit/s");
	if (r->burst_bytes > CF_RATE_BURST_MAX)
		check_error(c, r->pos, "use a quota for so much", "a burst is at most 4 GiB");
	if (r->burst_bytes && room && room < AGGREGATE)
		check_warning(
			c, r->pos, "leave 'burst' out, or make it 128 kB or more",
			"the burst is less than 64 kB: frames that the kernel has put together do not fit, and are dropped");
	check_same_rate(c, p, i);
}

void check_deeds(struct checker *c, const struct policy *p)
{
	for (size_t i = 0; i < p->ats.n; i++)
		check_actions(c, p, &p->ats.v[i].actions);
	check_actions(c, p, &p->then);
	for (size_t i = 0; i < p->rates.n; i++)
		check_rate(c, p, i);
}
