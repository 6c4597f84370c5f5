/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ledger/reconcile.h"

#include <string.h>

#include "base/def.h"

#define CHECK_SEQUENCE 4 /* bytes; IEEE 802.3 3.2.9 */

static void add(struct cf_traffic *to, const struct cf_traffic *t)
{
	to->packets += t->packets;
	to->wire_bytes += t->wire_bytes;
	to->payload_bytes += t->payload_bytes;
}

void reconcile_hooks(const struct cf_traffic reasons[CF_HOOK_MAX][CF_REASON_MAX],
		     struct reconcile *ret)
{
	struct cf_traffic *in, *out;

	memset(ret, 0, sizeof(*ret));
	for (int h = 0; h < CF_HOOK_MAX; h++)
		for (int r = 0; r < CF_REASON_MAX; r++) {
			add(&ret->group[h][reason_infos[r].group], &reasons[h][r]);
			add(&ret->offered[h], &reasons[h][r]);
			if (h == CF_HOOK_OUTSIDE && !(CF_DROP_REASONS >> r & 1))
				add(&ret->left, &reasons[h][r]);
		}
	in = ret->group[CF_HOOK_INSIDE];
	out = ret->group[CF_HOOK_OUTSIDE];
	add(&ret->expected, &in[REASON_GROUP_PASS]);
	add(&ret->expected, &reasons[CF_HOOK_INSIDE][CF_REASON_IGNORED_DESTINATION]);
	ret->missing_packets = (int64_t)(ret->expected.packets - out[REASON_GROUP_SEEN].packets);
	ret->missing_payload_bytes =
		(int64_t)(ret->expected.payload_bytes - out[REASON_GROUP_SEEN].payload_bytes);
}

const char *device_cause_text(enum device_cause cause)
{
	static const char *const texts[] = {
		[DEVICE_AGREES] = "they agree",
		[DEVICE_COUNTS_SEGMENTS] = "the driver counts the headers of every segment",
		[DEVICE_COUNTS_OVERHEAD] = "the driver counts check sequences, or padding",
		[DEVICE_DROPPED] = "dropped behind our hook, by the queue or the driver",
		[DEVICE_LOST] = "dropped or redirected behind our hook, by another program",
		[DEVICE_AROUND] = "sent without passing our hook, or while it was not attached",
		[DEVICE_RESET] = "the device's counters began anew",
	};

	return texts[cause];
}

static bool near(int64_t difference, uint64_t slack)
{
	return (uint64_t)(difference < 0 ? -difference : difference) <= slack;
}

static enum device_cause cause_of(const struct device_check *c, uint64_t slack)
{
	int64_t len = c->difference_bytes;
	int64_t wire = len + (int64_t)(c->handed_wire_bytes - c->handed_bytes);
	int64_t crc = (int64_t)c->sent_packets * CHECK_SEQUENCE;

	if (near(len, slack))
		return DEVICE_AGREES;
	if (c->queue_drops || c->device_drops)
		return len > 0 ? DEVICE_DROPPED : DEVICE_AROUND;
	if (near(wire, slack))
		return DEVICE_COUNTS_SEGMENTS;
	/* as many packets as we gave it: so it counts more of each */
	if (near(wire + crc, slack) || near(len + crc, slack) ||
	    (len < 0 && !slack && c->sent_packets == c->handed_packets))
		return DEVICE_COUNTS_OVERHEAD;
	return len > 0 ? DEVICE_LOST : DEVICE_AROUND;
}

void reconcile_device(const struct cf_baseline *then, const struct cf_baseline *now, uint64_t slack,
		      struct device_check *ret)
{
	const struct cf_device_count *a = &then->hook, *b = &now->hook;
	struct device_check c = {
		.handed_packets =
			(b->packets - a->packets) - (b->dropped_packets - a->dropped_packets),
		.handed_bytes = (b->len_bytes - a->len_bytes) -
				(b->dropped_len_bytes - a->dropped_len_bytes),
		.handed_wire_bytes = (b->wire_bytes - a->wire_bytes) -
				     (b->dropped_wire_bytes - a->dropped_wire_bytes),
		.queued_bytes = (int64_t)(now->queue_bytes - then->queue_bytes),
	};

	if (now->tx_bytes < then->tx_bytes || now->tx_packets < then->tx_packets) {
		c.cause = DEVICE_RESET;
		*ret = c;
		return;
	}
	c.sent_packets = now->tx_packets - then->tx_packets;
	c.sent_bytes = now->tx_bytes - then->tx_bytes;
	/* another qdisc begins at 0 */
	c.queue_drops =
		now->queue_drops - (now->queue_drops < then->queue_drops ? 0 : then->queue_drops);
	c.device_drops =
		now->tx_dropped - (now->tx_dropped < then->tx_dropped ? 0 : then->tx_dropped);
	c.difference_bytes = (int64_t)(c.handed_bytes - c.sent_bytes) - c.queued_bytes;
	c.cause = cause_of(&c, slack);
	*ret = c;
}
