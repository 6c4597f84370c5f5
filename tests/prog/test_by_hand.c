/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules by hand between those of the file: protect, then blocks, then what lets pass, then
 * policies. And what ends, ends in the kernel: here is no daemon.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nsite { timezone \"Etc/UTC\" }\n"
#define RULES                                                                                      \
	"policy \"p\" { from any to any then drop }\n"                                             \
	"exempt \"e\" { from 10.0.0.6 to 203.0.113.0/24 }\n"                                       \
	"publish \"web\" { host 10.0.0.7 service tcp/443 }\n"                                      \
	"protect { from any to 203.0.113.7 }\n"

static struct expr *expression(const char *text, bool is_from)
{
	struct diag_list diags = { 0 };
	struct expr *e = NULL;

	if (strcmp(text, "any"))
		cr_assert_eq(policy_parse_expr_text(text, is_from, NULL, &e, &diags), 0, "%s",
			     text);
	return e;
}

static void add(struct manual_list *l, bool allow, const char *from, const char *to,
		struct utc until)
{
	*VEC_ADD(l) = (struct manual_rule){
		.allow = allow,
		.from = expression(from, true),
		.to = expression(to, false),
		.until = until,
		.id = (uint32_t)l->n + 1,
	};
}

/* The server's answer to a handshake, so that also without connection tracking it is one. */
static struct frame_spec packet(const char *src, const char *dst)
{
	return (struct frame_spec){ .src = src,
				    .dst = dst,
				    .protocol = 6,
				    .sport = 443,
				    .dport = 40000,
				    .tcp_flags = 0x12,
				    .host = 5 };
}

struct case_of {
	const char *src, *dst;
	enum cf_reason alone, by_hand,
		observed; /* without rules by hand, with them, and observing */
};

/* Blocked by hand is 203.0.113.0/24, and 192.88.99.1 for 10.0.0.8; allowed is 10.0.0.8 everywhere.
 */
static const struct case_of cases[] = {
	{ "10.0.0.5", "203.0.113.7", CF_REASON_PASS_PROTECTED, CF_REASON_PASS_PROTECTED,
	  CF_REASON_PASS_PROTECTED },
	{ "10.0.0.8", "203.0.113.7", CF_REASON_PASS_PROTECTED, CF_REASON_PASS_PROTECTED,
	  CF_REASON_PASS_PROTECTED },
	{ "10.0.0.5", "203.0.113.9", CF_REASON_DROP_POLICY, CF_REASON_DROP_BLOCKED,
	  CF_REASON_PASS_OBSERVED },
	{ "10.0.0.6", "203.0.113.9", CF_REASON_PASS_EXEMPT, CF_REASON_DROP_BLOCKED,
	  CF_REASON_PASS_OBSERVED },
	{ "10.0.0.7", "203.0.113.9", CF_REASON_PASS_PUBLISHED, CF_REASON_DROP_BLOCKED,
	  CF_REASON_PASS_OBSERVED },
	{ "10.0.0.7", "192.88.99.1", CF_REASON_PASS_PUBLISHED, CF_REASON_PASS_PUBLISHED,
	  CF_REASON_PASS_PUBLISHED },
	{ "10.0.0.8", "203.0.113.9", CF_REASON_DROP_POLICY, CF_REASON_DROP_BLOCKED,
	  CF_REASON_PASS_OBSERVED },
	{ "10.0.0.8", "192.88.99.1", CF_REASON_DROP_POLICY, CF_REASON_DROP_BLOCKED,
	  CF_REASON_PASS_OBSERVED },
	{ "10.0.0.8", "192.88.99.2", CF_REASON_DROP_POLICY, CF_REASON_PASS_EXEMPT,
	  CF_REASON_PASS_EXEMPT },
	{ "10.0.0.5", "192.88.99.2", CF_REASON_DROP_POLICY, CF_REASON_DROP_POLICY,
	  CF_REASON_PASS_OBSERVED },
};

/* At every hook, and twice: of a new pair, and of one that is known. */
static void check_cases(struct rig *r, size_t reason_at)
{
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_INSIDE_TC, RIG_OTHER };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(hooks) * ARRAY_SIZE(cases); i++) {
		const struct case_of *c = &cases[i / 2 / ARRAY_SIZE(hooks)];
		enum rig_hook hook = hooks[i / 2 % ARRAY_SIZE(hooks)];
		struct frame_spec s = packet(c->src, c->dst);
		enum cf_reason want, got = rig_packet(r, hook, &s).reason;

		memcpy(&want, (const char *)c + reason_at, sizeof(want));
		cr_assert_eq(got, want, "%s to %s at hook %d: %s, not %s", c->src, c->dst, hook,
			     rig_reason_name(got), rig_reason_name(want));
	}
}

Test(by_hand, between_protect_and_what_lets_pass)
{
	const struct utc forever = { 4102444800 };
	struct manual_list manual = { 0 };
	struct rig_options opt = { .no_conntrack = true };
	struct rig r;

	rig_setup(&r, HEAD "mode enforce\n" RULES, &opt);
	check_cases(&r, offsetof(struct case_of, alone));
	add(&manual, false, "any", "203.0.113.0/24", forever);
	add(&manual, true, "10.0.0.8", "any", forever);
	add(&manual, false, "10.0.0.8", "192.88.99.1", forever);
	opt.manual = &manual;
	rig_reload(&r, HEAD "mode enforce\n" RULES, &opt);
	check_cases(&r, offsetof(struct case_of, by_hand));
	rig_reload(&r, HEAD "mode observe\n" RULES, &opt);
	check_cases(&r, offsetof(struct case_of, observed));
	opt.manual = NULL;
	rig_reload(&r, HEAD "mode enforce\n" RULES, &opt);
	check_cases(&r, offsetof(struct case_of, alone));
}

static void check_reason(struct rig *r, const char *src, const char *dst, enum cf_reason want)
{
	static const enum rig_hook hooks[] = { RIG_INSIDE, RIG_INSIDE_TC, RIG_OTHER };
	struct frame_spec s = packet(src, dst);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(hooks); i++) {
		enum cf_reason got = rig_packet(r, hooks[i / 2], &s).reason;

		cr_assert_eq(got, want, "%s to %s at hook %d: %s, not %s", src, dst, hooks[i / 2],
			     rig_reason_name(got), rig_reason_name(want));
	}
}

/* Two hosts are known by then, one comes after the end. */
Test(by_hand, what_ends_ends_in_the_kernel)
{
	static const char policy[] =
		HEAD "mode enforce\n"
		     "policy \"p\" { from any to 203.0.113.0/24 then drop }\n"
		     "exempt \"e\" { from 10.0.0.6, 10.0.0.16 to any until 2026-11-23 22:00 }\n";
	const struct utc edge = { 1795471200 }; /* 22:00 */
	struct manual_list manual = { 0 };
	struct rig_options opt = { .now = "2026-11-23 21:50:00",
				   .run_after = 600 - rig_lead_seconds(),
				   .no_conntrack = true,
				   .manual = &manual };
	struct rig r;

	add(&manual, false, "10.0.0.7, 10.0.0.17", "any", edge);
	add(&manual, true, "10.0.0.8, 10.0.0.18", "any", edge);
	add(&manual, true, "10.0.0.9", "any", (struct utc){ edge.s + 86400 });
	rig_setup(&r, policy, &opt);
	check_reason(&r, "10.0.0.6", "203.0.113.1", CF_REASON_PASS_EXEMPT);
	check_reason(&r, "10.0.0.7", "198.51.100.1", CF_REASON_DROP_BLOCKED);
	check_reason(&r, "10.0.0.8", "203.0.113.1", CF_REASON_PASS_EXEMPT);
	check_reason(&r, "10.0.0.9", "203.0.113.1", CF_REASON_PASS_EXEMPT);
	rig_sleep_past(&r, edge);
	check_reason(&r, "10.0.0.6", "203.0.113.1", CF_REASON_DROP_POLICY);
	check_reason(&r, "10.0.0.16", "203.0.113.1", CF_REASON_DROP_POLICY);
	check_reason(&r, "10.0.0.7", "198.51.100.1", CF_REASON_PASS_UNMATCHED);
	check_reason(&r, "10.0.0.17", "198.51.100.1", CF_REASON_PASS_UNMATCHED);
	check_reason(&r, "10.0.0.8", "203.0.113.1", CF_REASON_DROP_POLICY);
	check_reason(&r, "10.0.0.18", "203.0.113.1", CF_REASON_DROP_POLICY);
	check_reason(&r, "10.0.0.9", "203.0.113.1", CF_REASON_PASS_EXEMPT);
}
