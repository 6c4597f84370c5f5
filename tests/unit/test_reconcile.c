/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters that ought to agree, and why they do not. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/def.h"
#include "core/ledger/reconcile.h"

Test(reconcile, every_reason_has_a_name_and_a_group)
{
	unsigned int tunnels = 0;

	for (int r = 0; r < CF_REASON_MAX; r++) {
		const struct reason_info *i = &reason_infos[r];
		const char *group = reason_group_name(i->group);

		cr_assert(i->slug && i->text, "%d", r);
		/* the slug begins with the group, which is how people read it */
		if (r == CF_REASON_DROP_UNPARSED || r == CF_REASON_DROP_FOREIGN)
			group = "drop";
		cr_assert(!strncmp(i->slug, group, strlen(group)), "%s is of %s", i->slug, group);
		cr_assert_eq(!strncmp(i->slug, "drop", 4), CF_DROP_REASONS >> r & 1);
	}
	for (int n = 0; n < CF_NOTE_MAX; n++)
		tunnels += note_is_tunnel((enum cf_note)n);
	cr_assert_eq(tunnels, CF_NOTE_WIREGUARD - CF_NOTE_IPIP + 1);
	cr_assert(!note_is_tunnel(CF_NOTE_FRAGMENT));
}

#define IN  t[CF_HOOK_INSIDE]
#define OUT t[CF_HOOK_OUTSIDE]

Test(reconcile, what_passed_inside_is_held_against_what_was_seen_outside)
{
	struct cf_traffic t[CF_HOOK_MAX][CF_REASON_MAX] = { 0 };
	struct reconcile r;

	IN[CF_REASON_PASS_UNMATCHED] = (struct cf_traffic){ 10, 1000, 800 };
	IN[CF_REASON_PASS_QUOTA] = (struct cf_traffic){ 5, 500, 400 };
	IN[CF_REASON_IGNORED_DESTINATION] = (struct cf_traffic){ 2, 200, 160 };
	IN[CF_REASON_IGNORED_ARP] = (struct cf_traffic){ 7, 420, 0 };
	IN[CF_REASON_DROP_QUOTA] = (struct cf_traffic){ 3, 300, 240 };
	IN[CF_REASON_UNPARSED_NON_IP] = (struct cf_traffic){ 1, 60, 0 };
	OUT[CF_REASON_SEEN_FORWARDED] = (struct cf_traffic){ 14, 1400, 1120 };
	OUT[CF_REASON_PASS_CARRIER] = (struct cf_traffic){ 4, 600, 500 };
	OUT[CF_REASON_DROP_POLICY] = (struct cf_traffic){ 6, 66, 6 };
	OUT[CF_REASON_IGNORED_LINK_LOCAL] = (struct cf_traffic){ 1, 90, 20 };
	reconcile_hooks((const struct cf_traffic(*)[CF_REASON_MAX])t, &r);

	cr_assert_eq(r.offered[CF_HOOK_INSIDE].packets, 28);
	cr_assert_eq(r.offered[CF_HOOK_INSIDE].wire_bytes, 2480);
	cr_assert_eq(r.offered[CF_HOOK_OUTSIDE].packets, 25);
	cr_assert_eq(r.group[CF_HOOK_INSIDE][REASON_GROUP_PASS].payload_bytes, 1200);
	cr_assert_eq(r.group[CF_HOOK_INSIDE][REASON_GROUP_IGNORED].packets, 9);
	cr_assert_eq(r.expected.packets, 17, "what is listed leaves; ARP does not");
	cr_assert_eq(r.missing_packets, 3);
	cr_assert_eq(r.missing_payload_bytes, 240);
	cr_assert_eq(r.left.packets, 19, "all but the dropped");

	OUT[CF_REASON_SEEN_FORWARDED].payload_bytes = 2000;
	OUT[CF_REASON_SEEN_FORWARDED].packets = 20;
	reconcile_hooks((const struct cf_traffic(*)[CF_REASON_MAX])t, &r);
	cr_assert_eq(r.missing_packets, -3);
	cr_assert_eq(r.missing_payload_bytes, -640);
}

/* 100 packets of 1,000 bytes, 1,040 on the wire, all sent. */
static void plain(struct cf_baseline *then, struct cf_baseline *now)
{
	*then = (struct cf_baseline){ .tx_bytes = 5000,
				      .tx_packets = 50,
				      .hook = { .packets = 7, .len_bytes = 70, .wire_bytes = 77 } };
	*now = *then;
	now->hook.packets += 100;
	now->hook.len_bytes += 100000;
	now->hook.wire_bytes += 104000;
	now->tx_bytes += 100000;
	now->tx_packets += 100;
}

static struct device_check check(const struct cf_baseline *then, const struct cf_baseline *now)
{
	struct device_check c;

	reconcile_device(then, now, 0, &c);
	return c;
}

Test(reconcile, hook_and_device_agree)
{
	struct cf_baseline then, now;
	struct device_check c;

	plain(&then, &now);
	c = check(&then, &now);
	cr_assert_eq(c.cause, DEVICE_AGREES);
	cr_assert_eq(c.handed_bytes, 100000);
	cr_assert_eq(c.sent_bytes, 100000);

	/* what we dropped was never handed over */
	now.hook.packets += 10;
	now.hook.len_bytes += 5000;
	now.hook.wire_bytes += 5000;
	now.hook.dropped_packets = 10;
	now.hook.dropped_len_bytes = 5000;
	now.hook.dropped_wire_bytes = 5000;
	c = check(&then, &now);
	cr_assert_eq(c.cause, DEVICE_AGREES);
	cr_assert_eq(c.handed_packets, 100);

	/* what waits is not lost; what waited at the baseline was handed over before */
	now.tx_bytes -= 3000;
	now.queue_bytes = 3000;
	cr_assert_eq(check(&then, &now).cause, DEVICE_AGREES);
	then.queue_bytes = 1000;
	now.tx_bytes += 1000;
	c = check(&then, &now);
	cr_assert_eq(c.cause, DEVICE_AGREES);
	cr_assert_eq(c.queued_bytes, 2000);
}

Test(reconcile, a_difference_has_a_cause)
{
	struct cf_baseline then, now;
	struct device_check c;

	plain(&then, &now);
	now.tx_bytes += 4000;
	cr_assert_eq(check(&then, &now).cause, DEVICE_COUNTS_SEGMENTS);
	now.tx_bytes += 400;
	cr_assert_eq(check(&then, &now).cause, DEVICE_COUNTS_OVERHEAD, "and 4 bytes for each");
	now.tx_bytes += 1234;
	cr_assert_eq(check(&then, &now).cause, DEVICE_COUNTS_OVERHEAD, "padding");
	now.tx_packets += 3;
	cr_assert_eq(check(&then, &now).cause, DEVICE_AROUND, "three more than we saw");

	plain(&then, &now);
	now.tx_bytes -= 2000;
	now.tx_packets -= 2;
	c = check(&then, &now);
	cr_assert_eq(c.cause, DEVICE_LOST);
	cr_assert_eq(c.difference_bytes, 2000);
	then.queue_drops = 40;
	now.queue_drops = 42;
	c = check(&then, &now);
	cr_assert_eq(c.cause, DEVICE_DROPPED);
	cr_assert_eq(c.queue_drops, 2);
	now.queue_drops = 2; /* another qdisc */
	cr_assert_eq(check(&then, &now).queue_drops, 2);
	now.tx_bytes += 2500;
	cr_assert_eq(check(&then, &now).cause, DEVICE_AROUND, "drops do not explain more");

	plain(&then, &now);
	now.tx_bytes = 10;
	cr_assert_eq(check(&then, &now).cause, DEVICE_RESET);
}

Test(reconcile, what_flew_by_while_reading_is_no_difference)
{
	struct cf_baseline then, now;
	struct device_check c;

	plain(&then, &now);
	now.tx_bytes -= 1500;
	reconcile_device(&then, &now, 1500, &c);
	cr_assert_eq(c.cause, DEVICE_AGREES);
	reconcile_device(&then, &now, 1499, &c);
	cr_assert_eq(c.cause, DEVICE_LOST);
	for (int i = DEVICE_AGREES; i <= DEVICE_RESET; i++)
		cr_assert(device_cause_text((enum device_cause)i));
}
