/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P6: of what is dropped, whatever for, there is a sample with its headers' facts: one
 * a second of a pair and reason; all others are counted, and so is a sample that
 * found no room.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\n"

struct samples {
	unsigned int n;
	struct cf_drop last;
};

static void take(void *arg, const struct cf_drop *drop)
{
	struct samples *s = arg;

	s->n++;
	s->last = *drop;
}

static struct samples samples(struct rig *r)
{
	struct samples s = { 0 };

	cr_assert_geq(datapath_drops(r->dp, take, &s), 0);
	return s;
}

static struct cf_drop_samples counts(struct rig *r)
{
	struct cf_drop_samples n;

	cr_assert_eq(datapath_drop_samples(r->dp, &n), 0);
	return n;
}

static struct frame_spec tcp(const char *src, const char *dst, uint32_t payload)
{
	return (struct frame_spec){ src, dst, 6, 40000, 443, payload, 5, .options = 0 };
}

/* The packet is dropped for `want`, and the one sample that waits is of it. */
static struct cf_drop sampled(struct rig *r, enum rig_hook hook, const struct frame_spec *spec,
			      enum cf_reason want)
{
	struct rig_run run = rig_packet(r, hook, spec);
	struct samples s = samples(r);
	struct addr src, dst;

	assert_reason(run, want);
	cr_assert_eq(s.n, 1, "%u samples of %s", s.n, rig_reason_name(want));
	cr_assert_eq(addr_parse(spec->src, &src), 0);
	cr_assert_eq(addr_parse(spec->dst, &dst), 0);
	cr_assert_eq(s.last.reason, want, "%s is told as %s", rig_reason_name(want),
		     rig_reason_name(s.last.reason));
	cr_assert_arr_eq(s.last.src, src.b, 16);
	cr_assert_arr_eq(s.last.dst, dst.b, 16);
	cr_assert_eq(s.last.ip, strchr(spec->src, ':') ? 6 : 4);
	cr_assert_eq(s.last.protocol, spec->protocol);
	cr_assert_eq(s.last.source_port, spec->sport);
	cr_assert_eq(s.last.destination_port, spec->dport);
	cr_assert_eq(s.last.payload_bytes, spec->payload);
	cr_assert_gt(s.last.packet_bytes, spec->payload);
	cr_assert_eq(s.last.hook, hook == RIG_GATEWAY ? CF_HOOK_OUTSIDE : CF_HOOK_INSIDE);
	cr_assert_eq(s.last.generation, datapath_generation(r->dp));
	return s.last;
}

static const char *rule_name(struct rig *r, const struct cf_drop *drop)
{
	cr_assert_lt(drop->rule, r->image->rules.n, "%s names no rule",
		     rig_reason_name(drop->reason));
	return r->image->rules.v[drop->rule].name;
}

#define KINDS                                                                                      \
	HEAD "policy \"no\" { from any to 203.0.113.0/24 then drop }\n"                            \
	     "policy \"some\" { from any to 198.51.100.0/25 quota 1 kB per pair each day\n"        \
	     "  at 100% drop }\n"                                                                  \
	     "policy \"slow\" { from any to 198.51.100.128/25\n"                                   \
	     "  rate 8 kbit/s burst 600 B per pair  at 100% drop for 2 h }\n"                      \
	     "policy \"jail\" { from any to 192.0.2.0/25 quota 1 kB per source each day\n"         \
	     "  at 100% quarantine source for 2 h, drop }\n"                                       \
	     "protect { from any to 192.0.2.128/25 }\n"                                            \
	     "on parse-failure drop\non daemon-stall closed\n"

Test(drops, each_reason_has_a_sample_that_names_the_policy)
{
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_INSIDE_TC };
	static const char *const sources[] = { "10.9.0.5", "10.9.0.6" };
	struct frame_spec s;
	struct cf_drop d;
	struct rig r;

	rig_setup(&r, KINDS, NULL);
	for (size_t i = 0; i < 2; i++) {
		s = tcp(sources[i], "203.0.113.1", 100);
		d = sampled(&r, hooks[i], &s, CF_REASON_DROP_POLICY);
		cr_assert_str_eq(rule_name(&r, &d), "no");
		cr_assert_eq(d.quota, ~0U);
		s = tcp(sources[i], "198.51.100.1", 1200);
		d = sampled(&r, hooks[i], &s, CF_REASON_DROP_QUOTA);
		cr_assert_str_eq(rule_name(&r, &d), "some");
		cr_assert_eq(r.image->quotas.v[d.quota].limit_bytes, 1000);
		s = tcp(sources[i], "198.51.100.129", 1200);
		d = sampled(&r, hooks[i], &s, CF_REASON_DROP_RATE);
		cr_assert_str_eq(rule_name(&r, &d), "slow");
		d = sampled(&r, hooks[i], &s, CF_REASON_DROP_HELD);
		cr_assert_str_eq(rule_name(&r, &d), "slow");
		s = tcp(sources[i], "192.0.2.9", 1200);
		sampled(&r, hooks[i], &s, CF_REASON_DROP_QUOTA);
		s = tcp(sources[i], "100.64.0.1", 100);
		d = sampled(&r, hooks[i], &s, CF_REASON_DROP_QUARANTINED);
		cr_assert_eq(d.rule, ~0U);
	}
	s = tcp("10.9.0.7", "203.0.113.1", 100);
	sampled(&r, RIG_GATEWAY, &s, CF_REASON_DROP_POLICY);
	datapath_control(r.dp)->heartbeat =
		datapath_jiffies(r.dp) - 100ULL * datapath_control(r.dp)->hz;
	s = tcp("10.9.0.7", "100.64.0.1", 100);
	d = sampled(&r, RIG_INSIDE, &s, CF_REASON_DROP_FAILED_CLOSED);
	cr_assert_eq(d.rule, ~0U);
	datapath_control(r.dp)->heartbeat = 0;
	/* what passes has none */
	s = tcp("10.9.0.7", "192.0.2.200", 100);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_PASS_PROTECTED);
	cr_assert_eq(samples(&r).n, 0);
}

Test(drops, ipv6_and_what_cannot_be_understood)
{
	struct frame_spec s = tcp("2001:db8:1::5", "2001:db8:bad::1", 100);
	struct frame_bytes bad;
	struct samples got;
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"no\" { from any to 2001:db8:bad::/48 then drop }\n"
		       "on parse-failure drop\n",
		  NULL);
	sampled(&r, RIG_INSIDE, &s, CF_REASON_DROP_POLICY);
	sampled(&r, RIG_GATEWAY, &s, CF_REASON_DROP_POLICY);
	frame_build(&s, &bad);
	bad.data[12] = 0x88;
	bad.data[13] = 0x47;
	assert_reason(rig_frame(&r, RIG_INSIDE_TC, &bad, 0, 0), CF_REASON_DROP_UNPARSED);
	got = samples(&r);
	cr_assert_eq(got.n, 1);
	cr_assert_eq(got.last.reason, CF_REASON_DROP_UNPARSED);
	cr_assert_eq(got.last.ip, 0);
	cr_assert_eq(got.last.packet_bytes, bad.len);
	/* all that is known of it: who has sent it */
	cr_assert_arr_eq(got.last.mac, bad.data + 6, 6);
}

Test(drops, one_a_second_stands_for_the_others)
{
	struct frame_spec s = tcp("10.9.0.5", "203.0.113.1", 100);
	struct samples got;
	uint32_t bytes;
	struct rig r;

	rig_setup(&r, HEAD "policy \"no\" { from any to 203.0.113.0/24 then drop }\n", NULL);
	bytes = sampled(&r, RIG_INSIDE, &s, CF_REASON_DROP_POLICY).packet_bytes;
	/* as many as fit in a second on any machine */
	rig_repeat(&r, RIG_INSIDE, &s, 100);
	cr_assert_leq(samples(&r).n, 1);
	usleep(1100000);
	assert_reason(rig_packet(&r, RIG_INSIDE, &s), CF_REASON_DROP_POLICY);
	got = samples(&r);
	cr_assert_eq(got.n, 1);
	cr_assert_gt(got.last.packets, 1);
	cr_assert_leq(got.last.packets, 101);
	cr_assert_eq(got.last.wire_bytes, got.last.packets * bytes);
	/* sampled or not, all of them are counted */
	cr_assert_eq(counts(&r).sampled + counts(&r).limited, 102);
	cr_assert_geq(counts(&r).limited, 99);
	cr_assert_eq(counts(&r).lost, 0);
	/* another pair does not wait for this one */
	s.dst = "203.0.113.2";
	sampled(&r, RIG_INSIDE, &s, CF_REASON_DROP_POLICY);
}

/* Nobody reads: the ring fills, what finds no room is counted, alerts have a ring of their own. */
Test(drops, a_full_ring_is_counted, .timeout = 120)
{
	enum { PAIRS = 3000 };
	struct cf_drop_samples n;
	struct rig r;

	rig_setup(&r, HEAD "policy \"no\" { from any to 203.0.113.0/24 then drop }\n", NULL);
	for (unsigned int i = 0; i < PAIRS; i++) {
		struct frame_spec s = tcp(NULL, "203.0.113.1", 100);
		char src[32];

		snprintf(src, sizeof(src), "10.%u.%u.5", 1 + i / 250, i % 250);
		s.src = src;
		cr_assert(rig_packet(&r, RIG_INSIDE, &s).dropped);
	}
	n = counts(&r);
	cr_assert_geq(n.sampled, 1000);
	cr_assert_geq(n.lost, 100);
	cr_assert_eq(n.sampled + n.limited + n.lost, PAIRS);
	cr_assert_eq(samples(&r).n, n.sampled);
	cr_assert_eq(datapath_events_lost(r.dp), 0);
	/* read, it has room again */
	{
		struct frame_spec s = tcp("10.200.0.1", "203.0.113.9", 100);

		cr_assert(rig_packet(&r, RIG_INSIDE, &s).dropped);
		cr_assert_leq(samples(&r).n, 1);
		cr_assert_eq(counts(&r).lost, n.lost);
	}
}
