/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services and who began: random rules about random packets, against the tree read
 * each time, by the rule's own words.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/row.h"
#include "core/ledger/query.h"
#include "image_help.h"

#define SERVER  "192.0.2.1"
#define HOST    "10.0.0.1"
#define ROUNDS  300
#define PACKETS 400

static const uint8_t protocols[] = { 6, 17, 132, 1, 47, 255 };
static const uint16_t ports[] = { 0, 1, 22, 53, 80, 81, 442, 443, 444, 8000, 8100, 65534, 65535 };

static uint16_t a_port(struct prng *r)
{
	return ports[prng_below(r, sizeof(ports) / sizeof(*ports))];
}

static uint8_t a_protocol(struct prng *r)
{
	return protocols[prng_below(r, sizeof(protocols))];
}

static void some_services(struct prng *r, struct service_list *l, uint32_t least)
{
	for (uint32_t n = least + prng_below(r, 4); n; n--) {
		struct service s = { .protocol = a_protocol(r) };

		if (CF_HAS_PORTS(s.protocol) && prng_below(r, 4)) {
			uint16_t a = a_port(r), b = prng_below(r, 2) ? a : a_port(r);

			s.has_port = true;
			s.port_first = a < b ? a : b;
			s.port_last = a < b ? b : a;
		}
		*VEC_ADD(l) = s;
	}
}

static struct policy_set *some_rules(struct prng *r)
{
	struct policy_set *set = set_new();

	for (uint32_t i = 0, n = 1 + prng_below(r, 4); i < n; i++) {
		struct policy *p = policy_add(set, (char[2]){ (char)('a' + i) }, any(), NULL);

		p->then.drop = true;
		some_services(r, &p->services, 0);
		p->initiated = (enum initiated)prng_below(r, 3);
		for (uint32_t k = prng_below(r, 3); k; k--) {
			struct except *e = except_add(p, NULL, NULL);

			some_services(r, &e->services, 0);
			e->initiated = (enum initiated)prng_below(r, 3);
		}
	}
	for (uint32_t k = prng_below(r, 2); k; k--)
		some_services(r, &exempt_add(set, NULL, NULL, NULL)->services, 1);
	if (!prng_below(r, 3)) {
		protect_add(set, NULL, NULL);
		some_services(r, &set->protects.v[0].services, 1);
	}
	if (prng_below(r, 2)) {
		struct publish *p = VEC_ADD(&set->publishes);

		*p = (struct publish){ .name = strdup("web"), .host = prefix_from(HOST) };
		p->pos = (struct pos){ .line = 300, .col = 1 };
		some_services(r, &p->services, 1);
	}
	return set;
}

/* ---- the same, slowly ---------------------------------------------------------- */

enum kind { DROPS, PROTECTS, CLEARS };

static bool names(const struct service_list *l, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct service *s = &l->v[i];

		if (s->protocol == protocol &&
		    (!s->has_port || (s->port_first <= port && port <= s->port_last)))
			return true;
	}
	return !l->n;
}

/* No port to go by: does the rule hold all the same? */
static bool names_protocol(const struct service_list *l, const struct image_packet *p,
			   enum kind kind)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!p->has_service || p->protocol == 255) {
			if (kind != CLEARS)
				return true;
			continue;
		}
		if (l->v[i].protocol == p->protocol && (!l->v[i].has_port || kind != CLEARS))
			return true;
	}
	return !l->n;
}

static bool holds(const struct image_packet *p, const struct service_list *l, enum initiated who,
		  enum kind kind)
{
	bool hidden = !p->has_service || p->protocol == 255 ||
		      (CF_HAS_PORTS(p->protocol) && !p->has_port);
	uint16_t dport = p->began == CF_BEGAN_OUTSIDE ? p->other_port : p->port;
	uint16_t sport = p->began == CF_BEGAN_OUTSIDE ? p->port : p->other_port;
	bool to = hidden ? names_protocol(l, p, kind) : names(l, p->protocol, dport);
	bool from = hidden ? to : names(l, p->protocol, sport);
	bool inside = to && who != INITIATED_OUTSIDE, outside = from && who != INITIATED_INSIDE;

	if (p->began == CF_BEGAN_INSIDE)
		return inside;
	if (p->began == CF_BEGAN_OUTSIDE)
		return outside;
	return kind == CLEARS ? to && who == INITIATED_ANY : inside || outside;
}

static enum cf_reason slowly(const struct policy_set *set, const struct image_packet *p)
{
	enum cf_reason reason = CF_REASON_PASS_UNMATCHED;
	bool exempt = false, published = false;

	for (size_t i = 0; i < set->protects.n; i++)
		if (holds(p, &set->protects.v[i].services, INITIATED_ANY, PROTECTS))
			return CF_REASON_PASS_PROTECTED;
	for (size_t i = 0; i < set->exempts.n; i++)
		exempt |= holds(p, &set->exempts.v[i].services, INITIATED_ANY, CLEARS);
	for (size_t i = 0; i < set->publishes.n; i++)
		published |= holds(p, &set->publishes.v[i].services, INITIATED_OUTSIDE, CLEARS);
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *pol = &set->policies.v[i];
		bool excepted = false;

		if (!holds(p, &pol->services, pol->initiated, DROPS))
			continue;
		for (size_t k = 0; k < pol->excepts.n; k++)
			excepted |= holds(p, &pol->excepts.v[k].services,
					  pol->excepts.v[k].initiated, CLEARS);
		if (!exempt && !published && !excepted)
			return CF_REASON_DROP_POLICY;
		reason = exempt      ? CF_REASON_PASS_EXEMPT
			 : published ? CF_REASON_PASS_PUBLISHED
				     : CF_REASON_PASS_EXCEPTED;
	}
	return reason;
}

Test(image_services, as_the_words_say)
{
	struct prng r = { 4711 };
	size_t seen[CF_REASON_MAX] = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		struct policy_set *set = some_rules(&r);
		struct image_input in = input_for(set);
		struct image *img = compile(&in);

		for (int i = 0; i < PACKETS; i++) {
			struct image_packet p = {
				.src = addr_of(HOST),
				.dst = addr_of(SERVER),
				.at = TEST_NOW,
				.has_service = prng_below(&r, 8),
				.protocol = a_protocol(&r),
				.has_port = prng_below(&r, 8),
				.port = a_port(&r),
				.other_port = a_port(&r),
				.began = (enum cf_began)prng_below(&r, CF_BEGAN_MAX),
			};
			enum cf_reason want = slowly(set, &p), got = image_judge(img, &p).reason;

			seen[got]++;
			cr_assert_eq(
				got, want,
				"round %d: reason %u, not %u: protocol %u/%d port %u/%d, %u, began %u",
				round, got, want, p.protocol, p.has_service, p.port, p.has_port,
				p.other_port, p.began);
		}
		image_free(img);
	}
	cr_assert(seen[CF_REASON_PASS_PROTECTED] && seen[CF_REASON_PASS_EXEMPT] &&
			  seen[CF_REASON_PASS_PUBLISHED] && seen[CF_REASON_PASS_EXCEPTED] &&
			  seen[CF_REASON_DROP_POLICY] && seen[CF_REASON_PASS_UNMATCHED],
		  "not every way was taken");
}

/* ---- the rest ------------------------------------------------------------------- */

static struct image_verdict ask(const struct image *img, bool has_service, enum cf_began began)
{
	return image_judge(img, &(struct image_packet){ .src = addr_of(HOST),
							.dst = addr_of(SERVER),
							.at = TEST_NOW,
							.has_service = has_service,
							.protocol = 6,
							.has_port = true,
							.port = 443,
							.other_port = 40000,
							.began = began });
}

Test(image_services, what_is_not_known_is_said)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "p", any(), NULL);
	struct image *img;

	p->then.drop = true;
	p->initiated = INITIATED_INSIDE;
	*VEC_ADD(&p->services) = (struct service){
		.protocol = 6, .has_port = true, .port_first = 443, .port_last = 443
	};
	img = compile(&in);
	cr_expect_eq(ask(img, true, CF_BEGAN_INSIDE).open, 0);
	cr_expect_eq(ask(img, true, CF_BEGAN_UNKNOWN).open, IMAGE_OPEN_BEGAN);
	cr_expect_eq(ask(img, false, CF_BEGAN_INSIDE).open, IMAGE_OPEN_SERVICE);
	cr_expect_eq(ask(img, false, CF_BEGAN_UNKNOWN).open, IMAGE_OPEN_SERVICE | IMAGE_OPEN_BEGAN);
	image_free(img);
}

/* `at most` stands for a policy, which its own and other publishes do not clear, and an exempt
 * does. */
Test(image_services, at_most_is_a_policy)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct image_verdict v;
	struct image *img;

	policy_add(set, "p", any(), NULL)->then.drop = true;
	for (int i = 0; i < 2; i++) {
		struct publish *p = VEC_ADD(&set->publishes);

		*p = (struct publish){ .name = strdup(i ? "all" : "web"),
				       .host = prefix_from(HOST) };
		p->pos = (struct pos){ .line = 300 + (uint32_t)i, .col = 1 };
		p->has_quota = !i;
		p->quota = (struct quota){ .pos = p->pos,
					   .bytes = 1000,
					   .key = CF_KEY_DESTINATION,
					   .period = PERIOD_DAY,
					   .month_day = 1 };
		*VEC_ADD(&p->services) = (struct service){ .protocol = 6 };
	}
	img = compile(&in);
	v = ask(img, true, CF_BEGAN_OUTSIDE);
	cr_expect_eq(v.reason, CF_REASON_PASS_QUOTA);
	cr_expect_str_eq(img->rules.v[v.rule].name, "publish web");
	cr_expect_eq(img->quotas.n, 1);
	cr_expect_eq(img->quotas.v[0].drop_bytes, 1000);
	cr_expect_eq(img->quotas.v[0].id, image_id("publish web", "1 kB per destination each day"));
	cr_expect_eq(ask(img, true, CF_BEGAN_INSIDE).reason, CF_REASON_DROP_POLICY);
	cr_expect_eq(ask(img, true, CF_BEGAN_UNKNOWN).reason, CF_REASON_DROP_POLICY);
	image_free(img);
	exempt_add(set, "e", NULL, NULL);
	img = compile(&in);
	cr_expect_eq(ask(img, true, CF_BEGAN_OUTSIDE).reason, CF_REASON_PASS_EXEMPT);
	image_free(img);
}

Test(image_services, one_service_in_words)
{
	static const struct {
		const char *text;
		int protocol, port; /* protocol -1: it is none; port -1: without */
	} cases[] = {
		{ "tcp/443", 6, 443 },  { "udp/0", 17, 0 },         { "icmp", 1, -1 },
		{ "50", 50, -1 },       { "tcp", 6, -1 },           { "tcp/", -1, 0 },
		{ "tcp/65536", -1, 0 }, { "tcp/8000-8100", -1, 0 }, { "icmp/8", -1, 0 },
		{ "256", -1, 0 },       { "https", -1, 0 },         { "6/443", -1, 0 },
		{ "", -1, 0 },          { "tcp/+1", -1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct service s = { 0 };
		int r = service_parse_text(cases[i].text, &s);

		cr_expect_eq(r < 0, cases[i].protocol < 0, "'%s'", cases[i].text);
		if (r < 0)
			continue;
		cr_expect_eq(s.protocol, cases[i].protocol, "'%s'", cases[i].text);
		cr_expect_eq(s.has_port ? s.port_first : -1, cases[i].port, "'%s'", cases[i].text);
	}
}

Test(image_services, too_many_ranges_of_ports)
{
	struct policy_set *set = set_new();
	struct image_input in = input_for(set);
	struct policy *p = policy_add(set, "p", any(), NULL);

	p->then.drop = true;
	for (uint16_t port = 1; port < 2 * CF_SERVICES_MAX - 1; port += 2)
		*VEC_ADD(&p->services) = (struct service){
			.protocol = 6, .has_port = true, .port_first = port, .port_last = port
		};
	cr_expect(strstr(compile_errors(&in), "ranges of ports"));
}

/* What `flows --by policy` can tell of a pair, and what it says that it cannot. */
Test(image_services, a_pair_knows_who_began_and_no_services)
{
	struct policy_set *set = set_new();
	static const uint32_t asks[] = { 0, POLICY_ASKS_SERVICE, POLICY_ASKS_INITIATED,
					 POLICY_ASKS_INITIATED, POLICY_ASKS_SENDER };
	struct image *img;
	struct image_input in;
	struct policy *p;
	struct cf_row about, row;
	struct addr src = addr_of(HOST), dst = addr_of(SERVER);

	policy_add(set, "plain", any(), NULL)->then.drop = true;
	p = policy_add(set, "service", any(), NULL);
	*VEC_ADD(&p->services) = (struct service){ .protocol = 6 };
	policy_add(set, "inside", any(), NULL)->initiated = INITIATED_INSIDE;
	policy_add(set, "outside", any(), NULL)->initiated = INITIATED_OUTSIDE;
	policy_add(set, "sender", mac(0x001122334455), NULL);
	for (size_t i = 0; i < set->policies.n; i++)
		set->policies.v[i].then.drop = true;
	in = input_for(set);
	img = compile(&in);
	about = policies_about(img, CF_FROM_INSIDE, &src, &dst);
	for (uint32_t i = 0; i < ARRAY_SIZE(asks); i++) {
		cr_expect(row_has(&about, i), "%u", i);
		cr_expect_eq(policy_asks(img, i), asks[i], "%u", i);
	}
	row = policies_begun(img, &about, CF_SLOT_BEGAN_INSIDE);
	cr_expect(row_has(&row, 2) && !row_has(&row, 3) && row_has(&row, 1));
	row = policies_begun(img, &about, CF_SLOT_BEGAN_OUTSIDE | CF_SLOT_USED);
	cr_expect(!row_has(&row, 2) && row_has(&row, 3) && row_has(&row, 1));
	row = policies_begun(img, &about, 0);
	cr_expect(row_has(&row, 2) && row_has(&row, 3));
	row = policies_begun(img, &about, CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE);
	cr_expect(row_has(&row, 2) && row_has(&row, 3));
	image_free(img);
}
