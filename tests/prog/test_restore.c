/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P3: what a record says that a key has used counts, whoever charges it meanwhile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/ledger/quota_store.h"
#include "prog_help.h"

#define HEAD                                                                                       \
	"outside wan0\ninside lan0, lan1\nmode enforce\n"                                          \
	"policy \"p\" { from any to any quota 1000 B per destination each day\n"                   \
	"  at 100% drop }\n"

static const struct frame_spec packet = { "10.0.0.5", "203.0.113.1", 6, 40000,
					  443,        100,           5, .options = 0 };

/* As the kernel would have it: the key of `packet`, in the rig's present period. */
static struct quota_record record(struct rig *r, uint64_t used)
{
	struct quota_record rec = {
		.key = { .quota = r->image->quotas.v[0].id, .kind = CF_KEY_DESTINATION },
		.used_bytes = used,
	};
	struct utc now = time_map_utc(&r->clock, datapath_jiffies(r->dp));
	struct addr dst;

	cr_assert_eq(addr_parse(packet.dst, &dst), 0);
	memcpy(rec.key.dst, dst.b, 16);
	rec.period_minute =
		image_period(r->image, r->image->quotas.v[0].calendar, now) & CF_QUOTA_PERIOD_MASK;
	return rec;
}

static int restore(struct rig *r, const struct quota_record *rec)
{
	return datapath_quota_restore(r->dp, &r->image->quotas.v[0], rec);
}

Test(restore, a_new_key_goes_on_from_its_record)
{
	struct quota_record rec;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	rec = record(&r, 850);
	cr_assert_eq(restore(&r, &rec), 0);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 850);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 950);
	cr_assert_str_eq(rig_quota(&r, CF_KEY_DESTINATION).policy, "p");
}

Test(restore, what_was_charged_since_is_added)
{
	struct quota_record rec;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	rig_packet(&r, RIG_INSIDE, &packet);
	rec = record(&r, 300);
	cr_assert_eq(restore(&r, &rec), 0);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 400);
	rec.latched = true;
	rec.used_bytes = 1;
	rec.reported = 4;
	cr_assert_eq(restore(&r, &rec), 0);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 401);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).reported, 4);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_QUOTA);
}

Test(restore, an_older_period_gives_way_and_a_later_one_does_not)
{
	struct quota_record rec;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	rig_packet(&r, RIG_INSIDE, &packet);
	rec = record(&r, 300);
	rec.period_minute -= 1440;
	cr_assert_eq(restore(&r, &rec), -EAGAIN);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 100);
	rec.period_minute += 2 * 1440;
	cr_assert_eq(restore(&r, &rec), 0);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 300);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).period_minute, rec.period_minute);
}

/* The clock was set back: nobody waits for tomorrow, and nobody gets today's quota twice. */
Test(restore, a_period_to_come_counts_for_the_present_one)
{
	struct quota_record rec;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	rec = record(&r, 850);
	rec.period_minute += 1440;
	cr_assert_eq(restore(&r, &rec), 0);
	cr_assert_geq(
		datapath_quota_prune(r.dp, r.image, time_map_utc(&r.clock, datapath_jiffies(r.dp))),
		0);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).period_minute, rec.period_minute - 1440);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 850);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &packet), CF_REASON_DROP_QUOTA);
}

Test(restore, a_full_ledger_has_a_shared_entry)
{
	struct rig_options small = { .quota_keys = 4 };
	struct quota_record rec;
	struct rig r;
	int e = 0;

	rig_setup(&r, HEAD, &small);
	rec = record(&r, 100);
	for (int i = 0; i < 64 && !e; i++) {
		rec.key.dst[15] = (uint8_t)i;
		e = restore(&r, &rec);
	}
	cr_assert_eq(e, -ENOSPC);
	rec.key = (struct cf_quota_key){ .quota = rec.key.quota, .kind = CF_KEY_OVERFLOW };
	rec.used_bytes = 1000;
	cr_assert_eq(restore(&r, &rec), 0);
	cr_assert_eq(rig_quota(&r, CF_KEY_OVERFLOW).used_bytes, 1000);
}

static unsigned int keeps;
static void count(void *arg, const struct cf_event *ev)
{
	struct quota_record *rec = arg;

	if (ev->kind != CF_EVENT_KEEP)
		return;
	keeps++;
	cr_assert_eq(memcmp(&ev->key, &rec->key, sizeof(ev->key)), 0, "another key");
}
static unsigned int told(struct rig *r, struct quota_record *rec)
{
	keeps = 0;
	cr_assert_geq(datapath_events(r->dp, count, rec), 0);
	return keeps;
}

Test(restore, the_daemon_is_told_once_when_use_nears_the_record)
{
	struct quota_record rec;
	struct rig r;

	rig_setup(&r, HEAD, NULL);
	rec = record(&r, 0);
	rig_packet(&r, RIG_INSIDE, &packet);
	cr_assert_eq(told(&r, &rec), 1, "a new key has no record");
	rig_packet(&r, RIG_INSIDE, &packet);
	cr_assert_eq(told(&r, &rec), 0, "it was told");
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).keep_bytes, UINT64_MAX);
	cr_assert(datapath_quota_keep(r.dp, &rec.key, rec.period_minute, 350));
	rig_packet(&r, RIG_INSIDE, &packet);
	cr_assert_eq(told(&r, &rec), 0, "300 of 350");
	rig_packet(&r, RIG_INSIDE, &packet);
	cr_assert_eq(told(&r, &rec), 1, "400 of 350");
	cr_assert_not(datapath_quota_keep(r.dp, &rec.key, rec.period_minute + 1440, 900),
		      "it is of another period");
}
