/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `would` and the kernel agree: random policy sets, packets and times, judged by
 * image_judge() and by the loaded programs, with quotas that nobody uses up.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "prog_help.h"

#define SETS    20
#define TIMES   2    /* of each set */
#define PACKETS 2500 /* at each time */

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint32_t draw(struct random *r, uint32_t below)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) >> 33) % below;
}

#define PICK(r, array) ((array)[draw(r, ARRAY_SIZE(array))])

/* Few and overlapping, so that rules meet. */
static const char *const sources[] = { "any",
				       "inside",
				       "gateway",
				       "10.0.0.0/24",
				       "10.0.0.5",
				       "10.0.0.6, 10.0.0.7",
				       "inside except 10.0.0.6",
				       "fd12:3456::/64" };
static const char *const destinations[] = { "any",
					    "203.0.113.0/24",
					    "203.0.113.0/25",
					    "203.0.113.1",
					    "any except 203.0.113.0/25",
					    "198.51.100.0/24, 2001:db8::/33",
					    "2001:db8:1::/48",
					    "2001:db8:1:2::5" };
static const char *const windows[] = { "",
				       "during night",
				       "during day",
				       "during closed",
				       "during weekends",
				       "during mon 10:00-11:00" };
static const char *const services[] = { "",
					"service tcp/443",
					"service tcp/400-500, udp/53",
					"service icmp, proto 89",
					"service proto 17",
					"service udp" };
static const char *const begun[] = { "", "", "initiated inside", "initiated outside" };
static const char *const limits[] = { "quota 1 TB per pair each day at 100% drop",
				      "quota 1 TB per source each hour at 50% alert info",
				      "quota 1 TB per destination each week at 100% drop, alert",
				      "then drop",
				      "then drop, alert warning",
				      "then alert",
				      "mode observe then drop",
				      "quota 1 TB per policy each day at 100% drop mode observe" };

static void random_part(struct random *r, struct buf *b, bool between_braces)
{
	buf_printf(b, " from %s to %s %s", PICK(r, sources), PICK(r, destinations),
		   PICK(r, services));
	if (between_braces)
		buf_printf(b, " %s %s", PICK(r, windows), PICK(r, begun));
}

/* About what no packet is sent to: those that matter lie in other words of a row. */
static void others(struct buf *b, uint32_t *n, uint32_t more)
{
	for (; more; more--, ++*n)
		buf_printf(b, "policy \"other %u\" { from any to 198.18.0.%u then drop }\n", *n,
			   *n % 256);
}

static char *random_policies(struct random *r)
{
	struct buf b = { 0 };
	uint32_t n = 1 + draw(r, 12), filled = 0;
	/* with excepts, exempts and protects fewer than CF_RULES_MAX */
	uint32_t between = draw(r, 2) ? draw(r, 36) : 0;

	buf_printf(&b, "outside wan0\ninside lan0, lan1\nmode enforce\n"
		       "site { timezone \"Etc/UTC\" }\nnetworks 10.0.0.0/8\n"
		       "window night = daily 22:00-06:00\nwindow day = daily 06:00-22:00\n"
		       "window closed = night, weekends except tue 01:00-02:00\n");
	for (uint32_t i = 0; i < n; i++) {
		others(&b, &filled, draw(r, between + 1));
		buf_printf(&b, "policy \"p%u\" {", i);
		random_part(r, &b, true);
		buf_printf(&b, " %s", PICK(r, limits));
		for (uint32_t k = draw(r, 3); k; k--) {
			buf_printf(&b, " except {");
			random_part(r, &b, true);
			buf_printf(&b, " }");
		}
		buf_printf(&b, " }\n");
	}
	for (uint32_t k = draw(r, 3); k; k--) {
		buf_printf(&b, "exempt {");
		random_part(r, &b, false);
		buf_printf(&b, " %s policies \"p%u\" }\n", PICK(r, windows), draw(r, n));
	}
	for (uint32_t k = draw(r, 2); k; k--) {
		buf_printf(&b, "protect {");
		random_part(r, &b, false);
		buf_printf(&b, " }\n");
	}
	return b.s;
}

static const char *const from4[] = { "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.1.9", "192.0.2.1" };
static const char *const to4[] = { "203.0.113.1", "203.0.113.2", "203.0.113.200", "198.51.100.7",
				   "192.0.2.77" };
static const char *const from6[] = { "fd12:3456::5", "fd12:3456:0:1::5" };
static const char *const to6[] = { "2001:db8:1:2::5", "2001:db8:1:2::6", "2001:db8:9::1",
				   "2001:db9::1" };
static const uint8_t protocols[] = { 6, 6, 17, 1, 89 };
static const uint16_t handshake[] = { 0x02, 0x12, 0x10 }; /* SYN, SYN and ACK, ACK */
static const uint16_t ports[] = { 443, 53, 450, 40000, 22 };

struct asked {
	struct frame_spec spec;
	enum rig_hook hook;
	struct image_packet q;
};

static struct addr address(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, &a), 0);
	return a;
}

/*
 * Without connection tracking a TCP packet tells by its flags who began, and only
 * if it opens a flow, or answers without a byte; of others it is undetermined.
 */
static struct asked random_packet(struct random *r, struct utc at)
{
	bool six = draw(r, 3) == 0, answers;
	struct asked a = { .hook = draw(r, 4) ? RIG_INSIDE : RIG_GATEWAY };
	const char *src = six ? PICK(r, from6) : PICK(r, from4);
	const char *dst = six ? PICK(r, to6) : PICK(r, to4);
	uint8_t protocol = PICK(r, protocols);
	bool has_ports = protocol == 6 || protocol == 17;

	a.spec = (struct frame_spec){
		.src = src, .dst = dst, .protocol = protocol, .payload = draw(r, 900), .host = 5
	};
	if (has_ports) {
		a.spec.sport = PICK(r, ports);
		a.spec.dport = PICK(r, ports);
	}
	a.q = (struct image_packet){
		.from = a.hook == RIG_INSIDE ? CF_FROM_INSIDE : CF_FROM_GATEWAY,
		.src = address(src),
		.dst = address(dst),
		.at = at,
		.has_service = true,
		.protocol = protocol,
		.has_port = has_ports,
	};
	if (protocol == 6)
		a.spec.tcp_flags = PICK(r, handshake);
	if (a.spec.tcp_flags == 0x12 && draw(r, 2))
		a.spec.payload = 0;
	answers = a.spec.tcp_flags == 0x12 && !a.spec.payload;
	a.q.began = a.spec.tcp_flags == 0x02 ? CF_BEGAN_INSIDE
		    : answers                ? CF_BEGAN_OUTSIDE
					     : CF_BEGAN_UNKNOWN;
	a.q.port = answers ? a.spec.sport : a.spec.dport;
	a.q.other_port = answers ? a.spec.dport : a.spec.sport;
	return a;
}

static void compare(struct rig *r, struct random *random, struct utc at, const char *policies)
{
	for (int i = 0; i < PACKETS; i++) {
		struct asked a = random_packet(random, at);
		enum cf_reason want = image_judge(r->image, &a.q).reason;
		enum cf_reason got = rig_packet(r, a.hook, &a.spec).reason;

		cr_assert_eq(
			got, want,
			"%s to %s, protocol %u, ports %u and %u: the kernel says %s, would says %s; policies:\n%s",
			a.spec.src, a.spec.dst, a.spec.protocol, a.spec.sport, a.spec.dport,
			rig_reason_name(got), rig_reason_name(want), policies);
	}
}

Test(would, says_what_the_kernel_does, .timeout = 280)
{
	static const struct rig_options opt = { .now = "2026-11-23 12:00:00",
						.no_conntrack = true };
	struct random random = { 20261123 };
	unsigned int reasons = 0;
	struct rig r;

	for (int set = 0; set < SETS; set++) {
		char *policies = random_policies(&random);

		for (int t = 0; t < TIMES; t++) {
			struct rig_options then = opt;

			/* in the middle of a minute: the kernel's clock goes on meanwhile */
			then.run_after = draw(&random, 14 * 24 * 60) * 60 + 5;
			if (!set && !t)
				rig_setup(&r, policies, &then);
			else
				rig_reload(&r, policies, &then);
			compare(&r, &random, (struct utc){ r.clock.utc_ns / 1000000000 }, policies);
			reasons++;
		}
		free(policies);
	}
	cr_assert_eq(reasons, SETS * TIMES);
}

/* Tables of destinations that are divided once and twice, and searched to the last step. */
Test(would, of_crowded_networks)
{
	static const struct {
		uint32_t start, n, step;
	} crowds[] = { { 0x14000000, 150, 2 },
		       { 0x14010fff, 33, 2 },
		       { 0x14020000, 8, 2 },
		       { 0x14030001, 128, 512 },
		       { 0x1404ff01, 128, 2 } };
	struct buf b = { 0 };
	struct rig r;

	buf_printf(&b, "outside wan0\ninside lan0, lan1\nmode enforce\n"
		       "policy \"p\" { from any then drop to 192.0.2.1");
	for (size_t c = 0; c < ARRAY_SIZE(crowds); c++)
		for (uint32_t i = 0; i < crowds[c].n; i++) {
			uint32_t a = crowds[c].start + i * crowds[c].step;

			buf_printf(&b, ", %u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255,
				   a & 255);
		}
	buf_printf(&b, " }\n");
	rig_setup(&r, b.s, NULL);
	for (size_t c = 0; c < ARRAY_SIZE(crowds); c++)
		for (uint32_t i = 0; i < 4 * crowds[c].n; i++) {
			uint32_t a = crowds[c].start + i / 4 * crowds[c].step + i % 4 - 1;
			struct frame_spec s = { .src = "10.0.0.5", .protocol = 17, .host = 5 };
			bool listed = a >= crowds[c].start &&
				      (a - crowds[c].start) % crowds[c].step == 0 &&
				      (a - crowds[c].start) / crowds[c].step < crowds[c].n;
			char dst[16];

			snprintf(dst, sizeof(dst), "%u.%u.%u.%u", a >> 24, a >> 16 & 255,
				 a >> 8 & 255, a & 255);
			s.dst = dst;
			cr_assert_eq(rig_packet(&r, RIG_INSIDE, &s).dropped, listed, "%s", dst);
		}
	free(b.s);
}
