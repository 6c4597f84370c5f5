/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P3: what a record says that a key has used counts, whoever charges it meanwhile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

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

/* ---- what the shared entry was charged for ---------------------------------- */

/* Of 10 kB; a source makes 64 keys there, and has the rest charged by the shared entry. */
#define SMALL                                                                                      \
	"outside wan0\ninside lan0, lan1\nmode enforce\n"                                          \
	"policy \"p\" { from any to any quota 10 kB per destination each hour\n"                   \
	"  at 100% drop }\n"
#define NO_POLICY   "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define SHARE       64
#define TABLE       (4 * SHARE)
#define HOUR_12_30  1795437000 /* 2026-11-23, UTC */
#define KEY_SHARED  "203.0.113.250"
#define KEY_ANOTHER "203.0.113.251"

static const struct rig_options at_noon = { .quota_keys = TABLE, .now = "2026-11-23 12:30" };
static const struct rig_options at_one = { .quota_keys = TABLE, .now = "2026-11-23 13:30" };
static const struct rig_options at_two = { .quota_keys = TABLE, .now = "2026-11-23 14:30" };

/* Packets of 1 kB that passed, of so many. */
static unsigned int sent(struct rig *r, const char *src, const char *dst, unsigned int packets)
{
	struct frame_spec s = { src, dst, 6, 40000, 443, 1000, src[strlen(src) - 1], .options = 0 };
	unsigned int passed = 0;

	for (unsigned int i = 0; i < packets; i++)
		passed += !rig_packet(r, RIG_INSIDE, &s).dropped;
	return passed;
}

/* 4 kB to KEY_SHARED, by one who has made its share of keys. */
static void charge_shared(struct rig *r)
{
	for (int i = 1; i <= SHARE; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		cr_assert_eq(sent(r, "10.0.0.5", dst, 1), 1);
	}
	cr_assert_eq(sent(r, "10.0.0.5", KEY_SHARED, 4), 4);
	cr_assert_eq(rig_quota(r, CF_KEY_OVERFLOW).used_bytes, 4000);
}

static struct cf_quota_spill cells_of(struct rig *r)
{
	struct cf_quota_spill s;

	cr_assert_eq(datapath_cells(r->dp, r->image->quotas.v[0].id, &s), 0);
	return s;
}

/* As the daemon has them on file, and reads them after a boot: all cells in use, and the reserve.
 */
static void records_of(struct rig *r, uint64_t reserve, struct quota_records *ret)
{
	uint32_t quota = r->image->quotas.v[0].id, period = 0;
	struct cf_quota_spill s = cells_of(r);
	struct buf file = { 0 };
	uint64_t id;

	quota_store_head(&file, 1);
	for (uint32_t i = 0; i < CF_CELLS; i++) {
		uint64_t w = s.word[i / CF_SPILL_CELLS][i % CF_SPILL_CELLS];
		struct quota_record rec = {
			.key = quota_cell_key(quota, s.seed, i),
			.used_bytes = w & (CF_QUOTA_LATCH - 1),
			.period_minute = (uint32_t)(w >> CF_QUOTA_PERIOD_SHIFT),
		};

		if (!w)
			continue;
		quota_store_record(&file, &rec);
		period = rec.period_minute;
	}
	if (reserve) {
		struct quota_record rec = { .key = quota_cell_key(quota, s.seed, CF_CELL_ALL),
					    .used_bytes = reserve,
					    .period_minute = period };

		quota_store_record(&file, &rec);
	}
	cr_assert_eq(quota_store_read(file.s, file.n, &id, ret, NULL), 0);
	cr_assert_eq(ret->n, 2 + !!reserve, "%zu records", ret->n);
	buf_done(&file);
}

/* Other maps, another seed for whatever wants one; then what was on file. */
static void reboot(struct rig *r, const struct rig_options *opt, const struct quota_records *l)
{
	rig_setup(r, NO_POLICY, opt);
	cr_assert_eq(datapath_cells_make(r->dp, l->v[0].key.quota, quota_cell_seed(&l->v[0].key)),
		     0);
	rig_reload(r, SMALL, opt);
	for (size_t i = 0; i < l->n; i++)
		cr_assert_eq(restore(r, &l->v[i]), 0);
}

Test(restore, who_shared_before_a_reboot_has_no_second_limit)
{
	struct quota_records l = { 0 };
	struct rig r;

	rig_setup(&r, SMALL, &at_noon);
	charge_shared(&r);
	records_of(&r, 0, &l);
	reboot(&r, &at_noon, &l);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 6);
	cr_assert_eq(rig_quota(&r, CF_KEY_DESTINATION).used_bytes, 10000);
	/* nobody else pays for it */
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_ANOTHER, 20), 10);
	rig_reload(&r, SMALL, &at_one);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 10, "the next hour is another period");
	quota_records_done(&l);
}

/* How far the cells have gone since they were written, nobody knows: all of them, by so much. */
Test(restore, the_reserve_of_the_shared_entry_is_every_cells)
{
	struct quota_records l = { 0 };
	struct rig r;

	rig_setup(&r, SMALL, &at_noon);
	charge_shared(&r);
	records_of(&r, 2000, &l);
	reboot(&r, &at_noon, &l);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 4);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_ANOTHER, 20), 8);
	quota_records_done(&l);
}

Test(restore, cells_with_another_seed_say_nothing)
{
	struct quota_records l = { 0 };
	struct rig r;

	rig_setup(&r, SMALL, &at_noon);
	charge_shared(&r);
	records_of(&r, 0, &l);
	rig_setup(&r, SMALL, &at_noon);
	for (size_t i = 0; i < l.n; i++)
		cr_assert_eq(restore(&r, &l.v[i]), -ESTALE);
	l.v[0].key = quota_cell_key(l.v[0].key.quota, cells_of(&r).seed, CF_CELLS);
	cr_assert_eq(restore(&r, &l.v[0]), -ESTALE, "there is no such cell");
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 10);
	quota_records_done(&l);
}

/* A record that finds no room counts against what is shared, and for its key when there is. */
Test(restore, a_record_without_room_is_noted_in_its_cells)
{
	static const struct rig_options small = { .quota_keys = 8, .now = "2026-11-23 12:30" };
	static const struct rig_options later = { .quota_keys = 8, .now = "2026-11-23 13:30" };
	struct quota_record rec;
	struct rig r;
	int e = 0;

	rig_setup(&r, SMALL, &small);
	for (int i = 1; i <= 16; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		sent(&r, "10.0.0.5", dst, 1);
	}
	rig_reload(&r, SMALL, &later);
	rec = record(&r, 7000);
	rec.key.dst[15] = 250;
	e = restore(&r, &rec);
	cr_assert_eq(e, -ENOSPC);
	cr_assert_geq(datapath_quota_prune(r.dp, r.image, (struct utc){ HOUR_12_30 + 3600 }), 8);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 3);
}

/*
 * The clock was ahead, and is set back: what is noted for the later hour counts for the
 * present one, in the kernel at once, and the next hour begins anew.
 */
Test(restore, a_clock_set_back_forgets_no_cell)
{
	uint32_t period;
	struct rig r;

	rig_setup(&r, SMALL, &at_one);
	charge_shared(&r);
	rig_reload(&r, SMALL, &at_noon);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 6);
	cr_assert_geq(datapath_quota_prune(r.dp, r.image, (struct utc){ HOUR_12_30 }), 0);
	period = record(&r, 0).period_minute;
	for (uint32_t i = 0; i < CF_CELLS; i++) {
		uint64_t w = cells_of(&r).word[i / CF_SPILL_CELLS][i % CF_SPILL_CELLS];

		cr_assert(!w || w >> CF_QUOTA_PERIOD_SHIFT == period, "a cell waits for its hour");
	}
	rig_reload(&r, SMALL, &at_two);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 10);
}

static void take_shared(void *arg, const struct cf_quota_key *k, const struct quota_state *s)
{
	(void)s;
	if (k->kind == CF_KEY_DESTINATION && k->dst[15] == 250)
		*(struct cf_quota_key *)arg = *k;
}

/*
 * By one who was killed half-way, the entry is marked, and has no period left: the key is
 * to begin with what it has shared, and not to be one that is never done being made.
 */
Test(restore, a_key_that_was_half_given_back_can_be_given_back)
{
	struct cf_quota_state marked = { .word = CF_QUOTA_RETIRED };
	struct cf_quota_key key = { 0 };
	struct rig r;
	int fd;

	rig_setup(&r, SMALL, &at_noon);
	charge_shared(&r);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 6);
	datapath_quotas(r.dp, take_shared, &key);
	fd = bpf_obj_get("/sys/fs/bpf/curfew/quotas");
	cr_assert_eq(bpf_map_update_elem(fd, &key, &marked, BPF_EXIST), 0);
	close(fd);
	cr_assert_eq(datapath_quota_reset(r.dp, &key), 0);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 6);
}

/* Given back by hand, it does not begin with what the shared entry was charged for it. */
Test(restore, a_key_that_has_shared_can_be_given_back)
{
	struct cf_quota_key key = { 0 };
	struct rig r;

	rig_setup(&r, SMALL, &at_noon);
	charge_shared(&r);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 6);
	datapath_quotas(r.dp, take_shared, &key);
	cr_assert_eq(key.kind, CF_KEY_DESTINATION);
	cr_assert_eq(datapath_quota_reset(r.dp, &key), 0);
	cr_assert_eq(sent(&r, "10.0.0.6", KEY_SHARED, 20), 10);
}
