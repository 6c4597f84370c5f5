/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/alert_story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define TIME_TEXT 64

static void print_time(const struct alert_context *cx, struct utc at, struct buf *out)
{
	char text[TIME_TEXT];

	if (cx->zone)
		buf_puts(out, utc_format(at, cx->zone, text, sizeof(text)));
	else
		buf_printf(out, "@%" PRId64, at.s);
}

static void print_destination(const struct alert *a, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "%s (", addr_format(&a->dst, text));
	place_print(&a->place, out);
	buf_puts(out, ")");
}

static void print_service(const struct alert *a, struct buf *out)
{
	static const struct {
		uint8_t number;
		const char *name;
		bool ports;
	} protocols[] = {
		{ 1, "icmp", false }, { 6, "tcp", true },      { 17, "udp", true },
		{ 47, "gre", false }, { 58, "icmpv6", false }, { 132, "sctp", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (protocols[i].number != a->protocol)
			continue;
		if (protocols[i].ports && a->destination_port)
			buf_printf(out, " with %s/%u", protocols[i].name, a->destination_port);
		else
			buf_printf(out, " with %s", protocols[i].name);
		return;
	}
	if (a->protocol)
		buf_printf(out, " with protocol %u", a->protocol);
}

static void print_window(const struct alert *a, struct buf *out)
{
	if (a->window)
		buf_printf(out, " in window %s", a->window);
}

static void print_prefix(const uint8_t addr[16], unsigned int bits4, unsigned int bits6,
			 struct buf *out)
{
	char text[PREFIX_TEXT_MAX];
	struct addr a;
	struct prefix p;

	memcpy(a.b, addr, sizeof(a.b));
	p = prefix_of(&a, addr_is4(&a) ? bits4 : bits6);
	buf_puts(out, prefix_format(&p, text));
}

static const struct cf_quota_spec *spec_of(const struct image *img, const struct cf_quota_key *key)
{
	uint32_t i = img ? image_quota_by_id(img, key->quota) : ~0U;

	return i == ~0U ? NULL : &img->quotas.v[i];
}

static void print_source(const struct cf_quota_key *key, const struct addr *host, struct buf *out)
{
	static const uint8_t nobody[16];
	char text[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

	if (mac_is_zero(key->mac) && !memcmp(key->src, nobody, sizeof(nobody))) {
		buf_puts(out, "foreign sources");
		return;
	}
	if (mac_is_zero(key->mac)) {
		print_prefix(key->src, 32, 64, out);
		return;
	}
	mac_format(key->mac, mac);
	if (host)
		buf_printf(out, "%s (%s)", addr_format(host, text), mac);
	else
		buf_puts(out, mac);
}

void quota_key_print(const struct cf_quota_key *key, const struct image *img,
		     const struct addr *host, const char *as_name, struct buf *out)
{
	const struct cf_quota_spec *q = spec_of(img, key);

	switch (key->kind) {
	case CF_KEY_SOURCE:
	case CF_KEY_MAC:
		print_source(key, host, out);
		break;
	case CF_KEY_PAIR:
		print_source(key, host, out);
		buf_puts(out, " -> ");
		print_prefix(key->dst, 32, 64, out);
		break;
	case CF_KEY_DESTINATION:
		print_prefix(key->dst, 32, 64, out);
		break;
	case CF_KEY_PREFIX:
		/* a held key has them itself */
		if (!q && key->pad[0])
			print_prefix(key->dst, key->pad[0], key->pad[1], out);
		else
			print_prefix(key->dst, q ? q->prefix4 : 32, q ? q->prefix6 : 64, out);
		break;
	case CF_KEY_ASN:
		if (key->asn)
			buf_printf(out, "AS%" PRIu32 "%s%s", key->asn, as_name ? " " : "",
				   as_name ? as_name : "");
		else
			print_prefix(key->dst, 24, 48, out);
		break;
	case CF_KEY_COUNTRY:
		buf_puts(out, key->cc[0] ? key->cc : "an unknown country");
		break;
	case CF_KEY_POLICY:
		buf_puts(out, "all together");
		break;
	case CF_KEY_OVERFLOW:
		buf_puts(out, "keys that found the ledger full");
		break;
	default:
		buf_printf(out, "key of kind %u", key->kind);
	}
}

static void tell_shared(const struct alert_context *cx, const struct alert *a, const char *size,
			const char *src, struct buf *out)
{
	if (a->key.kind == CF_KEY_DESTINATION) {
		buf_printf(out, "%s went to ", size);
		print_destination(a, out);
		buf_printf(out, ", lately from %s", src);
		return;
	}
	if (a->key.kind == CF_KEY_POLICY) {
		buf_printf(out, "%s went out in all", size);
	} else {
		buf_printf(out, "%s went to ", size);
		quota_key_print(&a->key, cx->image, NULL, a->place.rec.as_name, out);
	}
	buf_printf(out, ", lately from %s to ", src);
	print_destination(a, out);
}

/* A rate has no sum: its burst is used so far. */
static void tell_rate(const struct alert_context *cx, const struct alert *a, const char *src,
		      struct buf *out)
{
	buf_printf(out, "%s sends fast to ", src);
	print_destination(a, out);
	print_window(a, out);
	buf_printf(out, ": %" PRIu32 " %% of the burst of %s", a->percent,
		   a->quota ? a->quota : "a rate");
	if (a->key.kind != CF_KEY_SOURCE && a->key.kind != CF_KEY_PAIR) {
		buf_puts(out, ", of ");
		quota_key_print(&a->key, cx->image, NULL, a->place.rec.as_name, out);
	}
}

static void tell_threshold(const struct alert_context *cx, const struct alert *a, const char *src,
			   struct buf *out)
{
	char size[UNITS_TEXT_MAX];

	if (a->rate) {
		tell_rate(cx, a, src, out);
		return;
	}
	size_format(a->used_bytes, size);
	switch (a->key.kind) {
	case CF_KEY_PAIR:
		buf_printf(out, "%s sent %s to ", src, size);
		print_destination(a, out);
		break;
	case CF_KEY_SOURCE:
	case CF_KEY_MAC:
		buf_printf(out, "%s sent %s, lately to ", src, size);
		print_destination(a, out);
		break;
	case CF_KEY_DESTINATION:
		if (!cx->alone) {
			tell_shared(cx, a, size, src, out);
			break;
		}
		buf_printf(out, "%s sent %s to ", src, size);
		print_destination(a, out);
		break;
	default:
		tell_shared(cx, a, size, src, out);
	}
	print_window(a, out);
	buf_printf(out, ": %" PRIu32 " %% of %s", a->percent, a->quota ? a->quota : "a quota");
}

static void tell_quota(const struct alert_context *cx, const struct alert *a, const char *src,
		       struct buf *out)
{
	char size[UNITS_TEXT_MAX];

	buf_printf(out, "%s %s stopped on its way to ", src,
		   a->verdict == ALERT_DROPPED ? "is" : "would be");
	print_destination(a, out);
	print_window(a, out);
	if (a->rate) {
		buf_printf(out, ": faster than %s", a->quota ? a->quota : "a rate");
		return;
	}
	buf_printf(out, ": %s of %s used up", size_format(a->used_bytes, size),
		   a->quota ? a->quota : "a quota");
	if (a->period_ends.s) {
		buf_puts(out, ", until ");
		print_time(cx, a->period_ends, out);
	}
}

static void tell_policy(const struct alert *a, const char *src, struct buf *out)
{
	buf_printf(out, "%s %s ", src,
		   a->verdict == ALERT_PASSED    ? "sent to"
		   : a->verdict == ALERT_DROPPED ? "is stopped on its way to"
						 : "would be stopped on its way to");
	print_destination(a, out);
	print_service(a, out);
	print_window(a, out);
	if (a->kind == ALERT_BLOCK)
		buf_puts(out, ": blocked by hand");
	else if (a->policy)
		buf_printf(out, ": policy \"%s\"", a->policy);
	else
		buf_puts(out, ": a policy that is no longer loaded");
}

static void tell_foreign(const struct alert *a, const char *src, struct buf *out)
{
	char mac[MAC_TEXT_MAX] = "a sender";

	if (a->has_mac)
		mac_format(a->mac, mac);
	buf_printf(out, "%s sent to ", mac);
	print_destination(a, out);
	buf_printf(out,
		   " as %s, which no network inside has: made up, or its network is not routed "
		   "through an inside interface",
		   src);
}

static void tell_table(const struct alert *a, const char *src, struct buf *out)
{
	static const char *const tails[CF_TABLE_MAX] = {
		[CF_TABLE_PAIRS] = "its bytes are counted together with others'",
		[CF_TABLE_KEYS] = "further keys of the quota share one entry, and its limit",
		[CF_TABLE_SHARE] = ("it has made its share of a day's keys, and further ones share "
				    "one entry, and its limit"),
		[CF_TABLE_HELD] = "what was to be dropped for a time is not, beyond its policy",
		[CF_TABLE_HELD_SHARE] = ("it has made its share of what is dropped for a time, and "
					 "further pairs are only dropped as their policy says"),
		[CF_TABLE_QUARANTINED] = "a source that was to be in quarantine is not",
	};
	bool share = a->table == CF_TABLE_SHARE || a->table == CF_TABLE_HELD_SHARE;

	if (a->table == CF_TABLE_FOREIGN) {
		tell_foreign(a, src, out);
		return;
	}
	buf_printf(out, "a table of the kernel was full%s when %s sent to ",
		   share ? " for this source" : "", src);
	print_destination(a, out);
	buf_printf(out, "; %s", tails[a->table < CF_TABLE_FOREIGN ? a->table : CF_TABLE_PAIRS]);
}

static void tell_hold(const struct alert_context *cx, const struct alert *a, const char *src,
		      struct buf *out)
{
	char time[UNITS_TEXT_MAX];

	duration_format(a->seconds, time);
	if (a->kind == ALERT_QUARANTINE) {
		buf_printf(out, "%s is in quarantine for %s: nothing of it leaves; it sent to ",
			   src, time);
		print_destination(a, out);
	} else {
		buf_printf(out, "%s is stopped on its way to ", src);
		print_destination(a, out);
		buf_printf(out, " for %s", time);
		if (a->key.quota) {
			buf_puts(out, ", and with it all of ");
			quota_key_print(&a->key, cx->image, NULL, a->place.rec.as_name, out);
		}
	}
	if (a->policy)
		buf_printf(out, ": policy \"%s\"", a->policy);
}

char *alert_story(const struct alert_context *cx, const struct alert *a)
{
	char src[ADDR_TEXT_MAX];
	struct buf b = { 0 };

	addr_format(&a->src, src);
	switch (a->kind) {
	case ALERT_THRESHOLD:
		tell_threshold(cx, a, src, &b);
		break;
	case ALERT_QUOTA:
		tell_quota(cx, a, src, &b);
		break;
	case ALERT_POLICY:
	case ALERT_BLOCK:
		tell_policy(a, src, &b);
		break;
	case ALERT_HOLD:
	case ALERT_QUARANTINE:
		tell_hold(cx, a, src, &b);
		break;
	default:
		tell_table(a, src, &b);
	}
	if (cx->last)
		buf_printf(&b, "; further destinations of %s this hour are only counted", src);
	return b.s;
}
