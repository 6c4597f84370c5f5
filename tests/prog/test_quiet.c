/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair that no active rule is about is remembered as such, and its packets take a
 * short way. Whatever ends that acts on the very next packet.
 */
#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "core/policy/failing.h"
#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\nwindow night = daily 22:00-06:00\n"
#define NIGHT                                                                                      \
	HEAD "policy \"p\" { from any to 203.0.113.0/24, 2001:db8::/32 during night then drop }\n"

static const struct rig_options noon = { .now = "2026-11-23 12:00" };
static const struct frame_spec upload = { "10.0.0.5", "203.0.113.1", 6, 40000,
					  443,        1000,          5, .options = 0 };
static const struct frame_spec upload6 = { "fd12:3456::5", "2001:db8::1", 6, 40000, 443, 1000, 5,
					   .options = 0 };

struct counted {
	unsigned int slots, quiet;
	uint16_t epoch; /* of the last one */
	uint8_t flags;
};

static void count(void *arg, const struct pair_sample *p)
{
	struct counted *c = arg;

	c->slots++;
	c->quiet += p->quiet;
	c->flags |= p->flags;
	c->epoch = p->epoch;
}

static struct counted slots(struct rig *r)
{
	struct counted c = { 0 };

	cr_assert_eq(datapath_pairs(r->dp, count, &c), 0);
	return c;
}

/*
 * A pair's second, fourth, eighth packet and so on go the long way, since they ask who
 * began. After so many, the next one is none of these.
 */
#define SEVERAL 9
static void several(struct rig *r, enum rig_hook hook, const struct frame_spec *s,
		    enum cf_reason want)
{
	for (int i = 0; i < SEVERAL; i++)
		assert_reason(rig_packet(r, hook, s), want);
}

/* A pair has a slot for each CPU that sees it; here it is to have one. */
static void stay(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	cr_assert_eq(sched_setaffinity(0, sizeof(here), &here), 0);
}

static void quiet_pair(struct rig *r, const char *policy, enum cf_reason want)
{
	stay();
	rig_setup(r, policy, &noon);
	several(r, RIG_INSIDE, &upload, want);
	cr_assert_eq(slots(r).slots, 1);
	cr_assert_eq(slots(r).quiet, 1, "the pair is not remembered: this tests nothing");
}

Test(quiet, is_remembered_by_each_hook_and_family)
{
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_GATEWAY, RIG_INSIDE_TC, RIG_OTHER };
	struct cf_traffic held, overflow, offered;
	struct rig r;

	rig_setup(&r, NIGHT, &noon);
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		several(&r, hooks[i], &upload, CF_REASON_PASS_CLOSED);
		several(&r, hooks[i], &upload6, CF_REASON_PASS_CLOSED);
	}
	cr_assert_eq(slots(&r).slots, 4);
	cr_assert_eq(slots(&r).quiet, 4);
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		rig_books(&r, hook, &held, &overflow, &offered);
		cr_assert_eq(held.packets, 4 * SEVERAL);
		cr_assert_eq(held.wire_bytes, offered.wire_bytes);
		cr_assert_eq(held.payload_bytes, 4 * SEVERAL * 1000);
	}
}

Test(quiet, ends_when_a_window_opens)
{
	struct rig_options opt = { .now = "2026-11-23 21:50:00",
				   .run_after = 600 - rig_lead_seconds() };
	struct rig r;

	rig_setup(&r, NIGHT, &opt);
	several(&r, RIG_INSIDE, &upload, CF_REASON_PASS_CLOSED);
	several(&r, RIG_INSIDE, &upload6, CF_REASON_PASS_CLOSED);
	several(&r, RIG_GATEWAY, &upload, CF_REASON_PASS_CLOSED);
	cr_assert_eq(slots(&r).quiet, 3);
	rig_sleep_past(&r, (struct utc){ 1795471200 }); /* 22:00 */
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_POLICY);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload6), CF_REASON_DROP_POLICY);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &upload), CF_REASON_DROP_POLICY);
}

Test(quiet, ends_with_the_generation)
{
	struct frame_spec other = upload;
	struct rig r;

	other.dst = "198.51.100.9";
	quiet_pair(&r, NIGHT, CF_REASON_PASS_CLOSED);
	/* the same schedule, so the same number of a segment; and the programs know it by then */
	rig_reload(&r, NIGHT "policy \"q\" { from any to 203.0.113.0/24 then drop }\n", &noon);
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_UNMATCHED);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_POLICY);
	rig_reload(&r, HEAD, &noon);
	several(&r, RIG_INSIDE, &upload, CF_REASON_PASS_UNMATCHED);
	rig_reload(&r, NIGHT, &noon);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_PASS_CLOSED);
}

Test(quiet, ends_when_the_source_is_put_in_quarantine)
{
	struct frame_spec other = upload;
	struct rig r;

	other.dst = "198.51.100.9";
	quiet_pair(&r,
		   NIGHT "policy \"q\" { from any to 198.51.100.0/24 quota 1500 B per source each "
			 "day\n  at 100% drop, quarantine source for 2 h }\n",
		   CF_REASON_PASS_CLOSED);
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_DROP_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_QUARANTINED);
}

Test(quiet, ends_when_its_key_is_held)
{
	static const char policy[] =
		HEAD "policy \"p\" { from any to 203.0.113.1 during night then drop for 20 h }\n";
	static const struct rig_options midnight = { .now = "2026-11-23 23:59" };
	struct rig r;

	rig_setup(&r, policy, &midnight);
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_POLICY);
	/* as long as nobody says that there are any, keys are not looked up */
	datapath_control(r.dp)->holds = 0;
	rig_reload(&r, policy, &noon);
	several(&r, RIG_INSIDE, &upload, CF_REASON_PASS_CLOSED);
	cr_assert_eq(slots(&r).quiet, 1);
	datapath_control(r.dp)->holds = 1;
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_HELD);
}

Test(quiet, ends_when_something_fails_and_closes)
{
	struct rig r;
	volatile struct cf_control *c;

	quiet_pair(&r, NIGHT "on daemon-stall closed\n", CF_REASON_PASS_CLOSED);
	c = datapath_control(r.dp);
	c->heartbeat = datapath_jiffies(r.dp) - 3600ULL * c->hz;
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_FAILED_CLOSED);
	c->off_until = ~0ULL;
	several(&r, RIG_INSIDE, &upload, CF_REASON_PASS_CLOSED);
	c->off_until = 0;
	assert_reason(rig_packet(&r, RIG_INSIDE, &upload), CF_REASON_DROP_FAILED_CLOSED);
	cr_assert(slots(&r).flags & CF_SLOT_DROPPED);
	c->heartbeat = 0;
	several(&r, RIG_INSIDE, &upload, CF_REASON_PASS_CLOSED);
	cr_assert_not(slots(&r).flags & CF_SLOT_DROPPED, "the last packet has passed");
}

/* Who asks for a port is asked for each: nothing of one packet is taken for another's. */
Test(quiet, is_never_learned_from_a_port)
{
	struct frame_spec web = upload, mail = upload;
	struct rig r;

	mail.dport = 25;
	rig_setup(&r, HEAD "policy \"p\" { from any to any service tcp/25 then drop }\n", &noon);
	several(&r, RIG_INSIDE, &web, CF_REASON_PASS_UNMATCHED);
	assert_reason(rig_packet(&r, RIG_INSIDE, &mail), CF_REASON_DROP_POLICY);
	several(&r, RIG_INSIDE, &web, CF_REASON_PASS_UNMATCHED);
	cr_assert_eq(slots(&r).quiet, 0);
	/* outside the window both pass, each for its own reason */
	rig_reload(&r,
		   HEAD "policy \"p\" { from any to any service tcp/25 during night then drop }\n",
		   &noon);
	several(&r, RIG_INSIDE, &web, CF_REASON_PASS_UNMATCHED);
	several(&r, RIG_INSIDE, &mail, CF_REASON_PASS_CLOSED);
	several(&r, RIG_INSIDE, &web, CF_REASON_PASS_UNMATCHED);
	/* with one that has no service, the reason is the same for all */
	rig_reload(&r,
		   NIGHT "policy \"s\" { from any to any service tcp/25 during night then drop }\n",
		   &noon);
	several(&r, RIG_INSIDE, &web, CF_REASON_PASS_CLOSED);
	several(&r, RIG_INSIDE, &mail, CF_REASON_PASS_CLOSED);
	cr_assert_eq(slots(&r).quiet, 1);
}

static struct rig_run from_mac(struct rig *r, uint8_t last)
{
	struct frame_bytes f;

	frame_build(&upload, &f);
	f.data[6] = 2;
	memset(f.data + 7, 0, 4);
	f.data[11] = last;
	return rig_frame(r, RIG_INSIDE, &f, 0, 0);
}

Test(quiet, is_never_learned_from_a_mac)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from mac 02:00:00:00:00:07 then drop }\n", &noon);
	for (int i = 0; i < SEVERAL; i++)
		assert_reason(from_mac(&r, 6), CF_REASON_PASS_UNMATCHED);
	assert_reason(from_mac(&r, 7), CF_REASON_DROP_POLICY);
	rig_reload(&r, HEAD "policy \"p\" { from mac 02:00:00:00:00:07 during night then drop }\n",
		   &noon);
	for (int i = 0; i < SEVERAL; i++) {
		assert_reason(from_mac(&r, 6), CF_REASON_PASS_UNMATCHED);
		assert_reason(from_mac(&r, 7), CF_REASON_PASS_CLOSED);
	}
}

/* One slot serves the gateway's own packets and those from elsewhere; their reasons differ. */
Test(quiet, knows_where_a_packet_came_from)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from gateway to any during night then drop }\n", &noon);
	for (int i = 0; i < SEVERAL; i++) {
		assert_reason(rig_packet(&r, RIG_GATEWAY, &upload), CF_REASON_PASS_CLOSED);
		assert_reason(rig_packet(&r, RIG_OTHER, &upload), CF_REASON_PASS_UNMATCHED);
	}
	cr_assert_eq(slots(&r).slots, 1);
	cr_assert_eq(slots(&r).quiet, 1);
	rig_reload(&r, HEAD "policy \"p\" { from gateway to any then drop }\n", &noon);
	several(&r, RIG_OTHER, &upload, CF_REASON_PASS_UNMATCHED);
	assert_reason(rig_packet(&r, RIG_GATEWAY, &upload), CF_REASON_DROP_POLICY);
}

static uint64_t noted(struct rig *r, enum cf_note note)
{
	struct note_totals t;

	cr_assert_eq(datapath_notes(r->dp, &t), 0);
	return t.t[CF_HOOK_INSIDE][note].packets;
}

Test(quiet, still_books_what_a_packet_says)
{
	struct frame_spec syn = upload, piece = upload;
	struct rig r;

	syn.tcp_flags = 0x02;
	piece.fragment = 0x2000;
	quiet_pair(&r, NIGHT, CF_REASON_PASS_CLOSED);
	cr_assert_not(slots(&r).flags & CF_SLOT_BEGAN_INSIDE);
	assert_reason(rig_packet(&r, RIG_INSIDE, &syn), CF_REASON_PASS_CLOSED);
	cr_assert(slots(&r).flags & CF_SLOT_BEGAN_INSIDE);
	several(&r, RIG_INSIDE, &piece, CF_REASON_PASS_CLOSED);
	cr_assert_eq(noted(&r, CF_NOTE_FRAGMENT), SEVERAL);
}

/* Each touch carries the epoch: else the slot would be given away under traffic. */
Test(quiet, carries_each_epoch)
{
	struct rig r;

	quiet_pair(&r, NIGHT, CF_REASON_PASS_CLOSED);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(datapath_commit_begin(r.dp), 0);
		several(&r, RIG_INSIDE, &upload, CF_REASON_PASS_CLOSED);
		cr_assert_eq(slots(&r).epoch, (uint16_t)datapath_control(r.dp)->epoch);
		datapath_commit_end(r.dp);
	}
}
