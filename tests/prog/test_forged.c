/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host inside that gives itself other names: addresses of no network inside, MACs that
 * are made up, an outside host's address to be taken for one who was asked. None of it is
 * a second quota, or a way out of quarantine. And one that drops so many pairs that
 * nobody else's can be held.
 */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prog_help.h"

#define SITE "outside wan0\ninside lan0, lan1\n"
#define HEAD SITE "mode enforce\n"
#define QUOTA                                                                                      \
	HEAD "policy \"p\" { from inside to any quota 3 kB per source each day at 100% drop }\n"

static struct frame_spec udp(const char *src, const char *dst, uint8_t host)
{
	return (struct frame_spec){ src, dst, 17, 40000, 53, 1000, host, .options = 0 };
}

static struct rig_run send_as(struct rig *r, const char *src, uint8_t host)
{
	struct frame_spec s = udp(src, strchr(src, ':') ? "2001:db8::1" : "203.0.113.1", host);

	return rig_packet(r, RIG_INSIDE, &s);
}

static uint64_t noted(struct rig *r, enum cf_note note)
{
	struct note_totals n;

	cr_assert_eq(datapath_notes(r->dp, &n), 0);
	return n.t[CF_HOOK_INSIDE][note].packets;
}

struct listed {
	unsigned int holds, quarantines;
	struct cf_quota_key quarantine;
};

static void list_one(void *arg, const struct cf_quota_key *key, const struct cf_hold *h)
{
	struct listed *l = arg;

	(void)h;
	l->holds += key->quota != 0;
	l->quarantines += key->quota == 0;
	if (!key->quota)
		l->quarantine = *key;
}

static struct listed list(struct rig *r)
{
	struct listed l = { 0 };

	cr_assert_eq(datapath_holds(r->dp, list_one, &l), 0);
	return l;
}

/* ---- addresses of no network inside ------------------------------------------ */

Test(forged, foreign_sources_are_charged_to_their_sender)
{
	char src[32];
	struct rig r;

	rig_setup(&r, QUOTA, NULL);
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_PASS_QUOTA);
	for (int i = 0; i < 20; i++) {
		snprintf(src, sizeof(src), i & 1 ? "2001:db8:%x::1" : "198.51.100.%d", i);
		assert_reason(send_as(&r, src, 5),
			      i < 2 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	}
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 1);
	/* each packet, not each pair */
	cr_assert_eq(noted(&r, CF_NOTE_FOREIGN), 20);
	send_as(&r, "198.51.100.2", 5);
	cr_assert_eq(noted(&r, CF_NOTE_FOREIGN), 21);
}

Test(forged, foreign_sources_of_unknown_macs_share_one_account)
{
	char src[32];
	struct rig r;

	rig_setup(&r, QUOTA, NULL);
	for (uint8_t i = 0; i < 20; i++) {
		snprintf(src, sizeof(src), "198.51.100.%d", i);
		assert_reason(send_as(&r, src, 100 + i),
			      i < 3 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	}
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 1);
	/* which is nobody else's */
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_PASS_QUOTA);
	assert_reason(send_as(&r, "10.9.0.5", 100), CF_REASON_PASS_QUOTA);
}

/* What a router behind us sends on is of many, and none of them is the router. */
Test(forged, what_is_routed_inside_is_not_foreign)
{
	char src[32];
	struct rig r;

	rig_setup(&r, QUOTA, NULL);
	for (int i = 0; i < 10; i++) {
		snprintf(src, sizeof(src), "10.9.0.%d", i);
		for (int k = 0; k < 4; k++)
			assert_reason(send_as(&r, src, 1),
				      k < 3 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	}
	assert_reason(send_as(&r, "fd12:3456:0:9::1", 1), CF_REASON_PASS_QUOTA);
	cr_assert_eq(noted(&r, CF_NOTE_FOREIGN), 0);
	cr_assert_eq(noted(&r, CF_NOTE_ADDRESS_SHARED), 0);
}

#define QUARANTINE                                                                                 \
	HEAD "policy \"p\" { from inside to 203.0.113.1 quota 3 kB per source each day\n"          \
	     "at 100% drop, quarantine source for 2 h }\n"

static void into_quarantine(struct rig *r)
{
	for (int i = 0; i < 4; i++)
		send_as(r, "10.0.0.5", 5);
	cr_assert_eq(list(r).quarantines, 1);
}

Test(forged, no_address_leads_out_of_quarantine)
{
	struct rig r;

	rig_setup(&r, QUARANTINE, NULL);
	into_quarantine(&r);
	assert_reason(send_as(&r, "198.51.100.7", 5), CF_REASON_DROP_QUARANTINED);
	assert_reason(send_as(&r, "2001:db8:bbbb::1", 5), CF_REASON_DROP_QUARANTINED);
	/* another sender's foreign source, and what the same MAC sends on for others */
	assert_reason(send_as(&r, "198.51.100.7", 6), CF_REASON_PASS_QUOTA);
	assert_reason(send_as(&r, "10.9.0.7", 5), CF_REASON_PASS_QUOTA);
}

Test(forged, foreign_sources_go_into_quarantine_together)
{
	struct rig r;

	rig_setup(&r, QUARANTINE, NULL);
	for (uint8_t i = 0; i < 4; i++)
		send_as(&r, "198.51.100.7", 100 + i);
	assert_reason(send_as(&r, "198.51.100.8", 200), CF_REASON_DROP_QUARANTINED);
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_PASS_QUOTA);
}

/* ---- MACs that are made up ---------------------------------------------------- */

Test(forged, a_new_mac_for_an_address_is_no_new_account)
{
	struct rig r;

	rig_setup(&r, QUOTA, NULL);
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_PASS_QUOTA);
	for (uint8_t i = 0; i < 20; i++)
		assert_reason(send_as(&r, "10.0.0.5", 100 + i),
			      i < 2 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 1);
	cr_assert_eq(noted(&r, CF_NOTE_ADDRESS_SHARED), 20);
	/* others have their own, also by an address that they take over with their own MAC */
	assert_reason(send_as(&r, "10.0.0.6", 6), CF_REASON_PASS_QUOTA);
	assert_reason(send_as(&r, "10.0.0.5", 6), CF_REASON_PASS_QUOTA);
	/* and who changes his address, by IPv6 too, is who he was */
	assert_reason(send_as(&r, "10.0.0.77", 5), CF_REASON_DROP_QUOTA);
	assert_reason(send_as(&r, "fd12:3456::77", 5), CF_REASON_DROP_QUOTA);
}

Test(forged, a_new_mac_is_no_new_bucket)
{
	struct rig r;

	rig_setup(
		&r,
		HEAD
		"policy \"p\" { from inside to any rate 1 kbit/s burst 3 kB per source\nat 100% drop }\n",
		NULL);
	for (uint8_t i = 0; i < 10; i++)
		assert_reason(send_as(&r, "10.0.0.5", 100 + i),
			      i < 2 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_RATE);
}

Test(forged, no_mac_leads_out_of_quarantine)
{
	struct listed l;
	struct rig r;

	rig_setup(&r, QUARANTINE, NULL);
	into_quarantine(&r);
	for (uint8_t i = 100; i < 120; i++)
		assert_reason(send_as(&r, "10.0.0.5", i), CF_REASON_DROP_QUARANTINED);
	assert_reason(send_as(&r, "10.0.0.6", 100), CF_REASON_PASS_QUOTA);
	/* who is let out is out */
	l = list(&r);
	cr_assert_eq(datapath_hold_lift(r.dp, &l.quarantine), 0);
	assert_reason(send_as(&r, "10.0.0.5", 100), CF_REASON_PASS_QUOTA);
}

/* ---- who began ------------------------------------------------------------------ */

static enum cf_reason towards(struct rig *r, const char *src, const char *dst, uint16_t dport)
{
	struct frame_spec s = udp(src, dst, 5);

	s.dport = dport;
	return rig_packet(r, RIG_INSIDE, &s).reason;
}

#define ASKS " policy \"p\" { from inside to any initiated inside then drop }\n"

Test(forged, nobody_is_asked_by_himself)
{
	struct rig r;

	rig_setup(&r, HEAD ASKS, NULL);
	cr_assert_eq(towards(&r, "203.0.113.9", "10.0.0.5", 53), CF_REASON_DROP_FOREIGN);
	cr_assert_eq(towards(&r, "2001:db8::9", "fd12:3456::5", 53), CF_REASON_DROP_FOREIGN);
	cr_assert_eq(towards(&r, "203.0.113.9", "192.0.2.1", 53), CF_REASON_DROP_FOREIGN);
	cr_assert_eq(noted(&r, CF_NOTE_FOREIGN), 3);
	/* and as itself it has begun */
	cr_assert_eq(towards(&r, "203.0.113.9", "203.0.113.10", 53), CF_REASON_DROP_POLICY);
	/* who has no address yet, and who speaks on the link, and our own */
	cr_assert_eq(towards(&r, "0.0.0.0", "192.0.2.1", 67), CF_REASON_IGNORED_LOCAL);
	cr_assert_eq(towards(&r, "fe80::5", "fd12:3456::5", 53), CF_REASON_IGNORED_NETWORKS);
	cr_assert_eq(towards(&r, "10.9.0.5", "10.0.0.5", 53), CF_REASON_IGNORED_NETWORKS);
	/* what changes nothing stays as it was */
	rig_reload(&r, SITE "mode observe\n" ASKS, NULL);
	cr_assert_eq(towards(&r, "203.0.113.9", "10.0.0.5", 53), CF_REASON_IGNORED_NETWORKS);
	rig_reload(&r, HEAD "policy \"p\" { from inside to any then drop }\n", NULL);
	cr_assert_eq(towards(&r, "203.0.113.9", "10.0.0.5", 53), CF_REASON_IGNORED_NETWORKS);
	rig_reload(&r, HEAD ASKS, NULL);
	datapath_control(r.dp)->off_until = ~0ULL;
	cr_assert_eq(towards(&r, "203.0.113.9", "10.0.0.5", 53), CF_REASON_IGNORED_NETWORKS);
}

/* ---- room for what is held -------------------------------------------------------- */

#define HOLDS                                                                                      \
	HEAD "policy \"pairs\" { from inside to 203.0.113.0/24 then drop for 2 h }\n"              \
	     "policy \"src\" { from inside to 198.51.100.0/24 quota 1 kB per source each day\n"    \
	     "at 100% drop, quarantine source for 2 h }\n"

/* The only cell in use of `owners`: number and word. */
static uint64_t owner_cell(int fd, uint32_t *ret_i)
{
	uint64_t w = 0;

	for (*ret_i = 0; *ret_i < CF_OWNERS; ++*ret_i)
		if (!bpf_map_lookup_elem(fd, ret_i, &w) && w)
			return w;
	return 0;
}

/* The hour that an owner is remembered with comes round after 256 of them. */
Test(forged, an_owner_of_long_ago_stays_one_of_long_ago)
{
	uint32_t i;
	uint64_t w;
	struct rig r;
	int fd;

	rig_setup(&r, QUOTA, NULL);
	assert_reason(send_as(&r, "10.0.0.5", 5), CF_REASON_PASS_QUOTA);
	cr_assert_eq(datapath_owners_age(r.dp), 0, "an owner of this hour");
	fd = bpf_obj_get("/sys/fs/bpf/curfew/owners");
	w = owner_cell(fd, &i);
	cr_assert_neq(w, 0);
	/* 200 hours later, which is 56 before it would be young again */
	w = (w & ~0xffULL) | ((w - 200) & 0xff);
	cr_assert_eq(bpf_map_update_elem(fd, &i, &w, BPF_ANY), 0);
	cr_assert_eq(datapath_owners_age(r.dp), 1);
	cr_assert_eq(owner_cell(fd, &i), (w & ~0xffULL) | ((w + 72) & 0xff),
		     "as old as can be, and the owner still");
	cr_assert_eq(datapath_owners_age(r.dp), 0);
	/* who has the address now has an account */
	for (int k = 0; k < 4; k++)
		assert_reason(send_as(&r, "10.0.0.5", 6),
			      k < 3 ? CF_REASON_PASS_QUOTA : CF_REASON_DROP_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_SOURCE), 2);
	close(fd);
}

Test(forged, nobody_takes_the_room_of_what_is_held)
{
	static const struct rig_options few = { .quota_keys = 256 };
	struct frame_spec s = udp("10.0.0.5", NULL, 5);
	char dst[32];
	struct rig r;

	rig_setup(&r, HOLDS, &few);
	s.dst = dst;
	for (int i = 0; i < 100; i++) {
		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_POLICY);
	}
	cr_assert_eq(list(&r).holds, CF_MAKER_LEAST);
	cr_assert_eq(noted(&r, CF_NOTE_HOLD_NOT_MADE), 100 - CF_MAKER_LEAST);
	s.host = 6;
	s.src = "10.0.0.6";
	rig_packet(&r, RIG_INSIDE, &s);
	cr_assert_eq(list(&r).holds, CF_MAKER_LEAST + 1);
}

/* Nor does it cost anybody's share that the table was full. */
Test(forged, what_found_no_room_is_not_held_against_its_source)
{
	static const struct rig_options few = { .quota_keys = 256 };
	struct cf_quota_key key = { .kind = CF_KEY_PAIR, .quota = 1 };
	struct cf_hold h = { .seconds = 7200 };
	struct frame_spec s = udp("10.0.0.5", NULL, 5);
	char dst[32];
	struct rig r;

	rig_setup(&r, HOLDS, &few);
	h.until_jiffies = datapath_jiffies(r.dp) + 7200ULL * datapath_control(r.dp)->hz;
	for (uint32_t i = 0; i < CF_HELD_MAX; i++) {
		memcpy(key.src, &i, sizeof(i));
		cr_assert_eq(datapath_hold_put(r.dp, &key, &h), 0);
	}
	s.dst = dst;
	for (int i = 0; i < 2 * CF_MAKER_LEAST; i++) {
		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_POLICY);
	}
	cr_assert_eq(noted(&r, CF_NOTE_HOLD_NOT_MADE), 2 * CF_MAKER_LEAST);
	for (uint32_t i = 0; i < CF_HELD_MAX; i++) {
		memcpy(key.src, &i, sizeof(i));
		cr_assert_eq(datapath_hold_lift(r.dp, &key), 0);
	}
	for (int i = 0; i < 2 * CF_MAKER_LEAST; i++) {
		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_POLICY);
	}
	cr_assert_eq(list(&r).holds, CF_MAKER_LEAST, "its share, and all of that");
}

Test(forged, a_quarantine_without_room_is_made_later)
{
	struct cf_quota_key key = { .kind = CF_KEY_SOURCE };
	struct cf_hold h = { .seconds = 7200 };
	struct frame_spec s = udp("10.0.0.5", "198.51.100.1", 5);
	struct rig r;

	rig_setup(&r, HOLDS, NULL);
	h.until_jiffies = datapath_jiffies(r.dp) + 7200ULL * datapath_control(r.dp)->hz;
	for (uint32_t i = 0; i < CF_QUARANTINES_MAX; i++) {
		memcpy(key.src, &i, sizeof(i));
		cr_assert_eq(datapath_hold_put(r.dp, &key, &h), 0);
	}
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	for (int i = 0; i < 3; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	cr_assert_eq(noted(&r, CF_NOTE_HOLD_NOT_MADE), 3);
	cr_assert_eq(datapath_hold_lift(r.dp, &key), 0);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUARANTINED);
}

/* Held keys are not in the way of quarantines. */
Test(forged, quarantines_have_room_of_their_own)
{
	struct cf_quota_key key = { .kind = CF_KEY_PAIR, .quota = 1 };
	struct cf_hold h = { .seconds = 7200 };
	struct frame_spec s = udp("10.0.0.5", "198.51.100.1", 5);
	struct rig r;

	rig_setup(&r, HOLDS, NULL);
	h.until_jiffies = datapath_jiffies(r.dp) + 7200ULL * datapath_control(r.dp)->hz;
	for (uint32_t i = 0; i < CF_HELD_MAX; i++) {
		memcpy(key.src, &i, sizeof(i));
		cr_assert_eq(datapath_hold_put(r.dp, &key, &h), 0);
	}
	for (int i = 0; i < 2; i++)
		rig_packet(&r, RIG_INSIDE, &s);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUARANTINED);
	s.src = "10.0.0.6";
	s.dst = "203.0.113.1";
	s.host = 6;
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_POLICY);
	cr_assert_eq(noted(&r, CF_NOTE_HOLD_NOT_MADE), 1);
}

/* Whose own spray of keys has led to the shared entry is not spared because of it. */
Test(forged, who_is_over_his_share_goes_into_quarantine)
{
	static const struct rig_options few = { .quota_keys = 256 };
	struct frame_spec s = udp("10.0.0.5", NULL, 5), other = s;
	char dst[32];
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from inside to any quota 3 kB per pair each day\n"
		       "at 100% drop, quarantine source for 2 h }\n",
		  &few);
	s.dst = dst;
	s.payload = 1;
	for (int i = 0; i < CF_MAKER_LEAST; i++) {
		snprintf(dst, sizeof(dst), "203.0.113.%d", i);
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	}
	snprintf(dst, sizeof(dst), "198.51.100.1");
	s.payload = 1000;
	for (int i = 0; i < 3; i++)
		assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUOTA);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_QUARANTINED);
	other = udp("10.0.0.6", "198.51.100.1", 6);
	assert_reason(rig_packet(&r, RIG_INSIDE, &other), CF_REASON_PASS_QUOTA);
}
